-- expect: refused
-- why: reading a relation may run what stands behind it

== a view over a function
SELECT * FROM lie.v
== a view over a view
SELECT * FROM lie.v_of_v
== a view over a view over a view
SELECT n FROM lie.v_of_v_of_v
== a view that sounds innocent
SELECT n FROM innocent
== a view whose column is not read
SELECT 1 FROM lie.v
== a view, counted
SELECT count(*) FROM lie.v
== a view by TABLE
TABLE lie.v
== a view in EXISTS
SELECT EXISTS (SELECT FROM lie.v)
== a view in a CTE
WITH x AS (TABLE lie.v) SELECT 1
== a view in a join
SELECT 1 FROM orders JOIN lie.v ON v.n = orders.id
== a view over an operator
SELECT * FROM lie.v_op
== a view over a cast
SELECT * FROM lie.v_cast
== a view over an implicit cast
SELECT * FROM lie.v_implicit
== a view over a domain
SELECT * FROM lie.v_dom
== a view over an array of a domain
SELECT * FROM lie.v_dom_array
== a view over a function of a row
SELECT * FROM lie.v_row
== a view over json_populate_record
SELECT * FROM lie.v_populate
== a view over an unseen cast to json
SELECT * FROM lie.v_json
== a view that locks
SELECT * FROM lie.v_lock
== a view over nextval
SELECT * FROM lie.v_next
== a view over a subquery
SELECT * FROM lie.v_sub
== a table that a rule makes a view
SELECT * FROM lie.v_rule
== row level security
SELECT * FROM lie.rls
== row level security behind a view
SELECT * FROM lie.v_rls
== a foreign table over a program
SELECT * FROM lie.program
== a foreign table on another server
SELECT * FROM lie.remote
== a foreign table behind a view
SELECT * FROM lie.v_program
== a foreign partition
SELECT * FROM lie.parted
== a foreign partition, pruned
SELECT * FROM lie.parted WHERE n = 2
== a foreign partition behind a view
SELECT * FROM lie.v_parted
== a foreign child
SELECT * FROM lie.base
== a foreign child, itself
SELECT * FROM lie.base_far
== only the parent of a foreign child
expect: read
why: ONLY leaves children out
rows: []
SELECT * FROM ONLY lie.base
== a foreign table, planned
EXPLAIN SELECT * FROM lie.remote
== an index predicate that the planner computes
SELECT * FROM lie.fold_predicate WHERE n = 1
== an index expression that the planner computes
SELECT * FROM lie.fold_index WHERE n = 1
== an index expression whose column falls away
SELECT * FROM lie.fold_hidden WHERE n = 1
== an index expression with a function that ignores its column
SELECT * FROM lie.fold_ignored WHERE n = 1
== an index predicate with an operator
SELECT * FROM lie.fold_op WHERE n = 1
== an index predicate with a cast
SELECT * FROM lie.fold_cast WHERE n = 1
== a check of a child that the planner computes
SELECT * FROM lie.fold_check WHERE n = 1
== extended statistics that the planner computes
SELECT * FROM lie.fold_statistics WHERE n = 1
== a partition key that the planner computes
SELECT * FROM lie.fold_key WHERE n = 1
== a planner's computation, planned only
EXPLAIN SELECT * FROM lie.fold_predicate WHERE n = 1
== an index whose operator class compares
SELECT n FROM lie.class_index WHERE n = 5
== a partition key whose operator class compares
SELECT n FROM lie.class_key WHERE n = 5
== an index over a function of columns
expect: read
why: nothing runs when it is only read
rows: [[1, "A"]]
SELECT * FROM shop.indexed WHERE id = 1
== a materialized view over a function
expect: read
why: it ran when the view was filled
rows: [[1], [2]]
SELECT n FROM lie.kept ORDER BY n
== a materialized view over a foreign table
expect: read
why: it was read when the view was filled
rows: [[1]]
SELECT n FROM lie.kept_program
== a table with rules for changes
expect: read
why: they do not apply to reads
rows: []
SELECT * FROM lie.ruled
== a table with defaults and generated columns
expect: read
why: stored values are read
rows: []
SELECT * FROM lie.defaults
== a sample by a method of the database's
SELECT * FROM lie.sample TABLESAMPLE sampler (10)
== a sample by a method of PostgreSQL's
expect: read
why: it is known
rows: []
SELECT * FROM lie.sample TABLESAMPLE bernoulli (0)
== the row of a table that has a function
SELECT t.tick FROM lie.plain t
== by the table's own name
SELECT plain.tick FROM lie.plain
== by schema and table
SELECT lie.plain.tick FROM lie.plain
== by database, schema and table
SELECT world.lie.plain.tick FROM lie.plain
== by a row in parentheses
SELECT (t).tick FROM lie.plain t
== by a composite column
SELECT (p).tick FROM lie.t
== by a composite value
SELECT (ROW(1, 2)::lie.pair).tick
== in WHERE
SELECT 1 FROM lie.plain t WHERE t.tick = 1
== in ORDER BY
SELECT n FROM lie.plain t ORDER BY t.tick
== in a join condition
SELECT 1 FROM lie.plain a JOIN lie.plain b ON a.tick = b.n
== in a subquery, of the outer row
SELECT (SELECT t.tick) FROM lie.plain t
== of a subquery's row
SELECT (x.t).tick FROM (SELECT t FROM lie.plain t) x
== of a function's row
SELECT e.tick FROM json_populate_record(NULL::lie.plain, '{}') e
== of a function's row, whose alias is the function's name
SELECT tick.tick FROM json_populate_record(NULL::lie.plain, '{}') tick
== of a function's rows, qualified by the function
SELECT json_populate_record.tick FROM json_populate_record(NULL::lie.plain, '{}')
== as a call
SELECT tick(t) FROM lie.plain t
== named like what a CASE column is called
SELECT "case"."case" FROM json_populate_record(NULL::lie.plain, '{}') "case"
== named like an unnamed column
SELECT "?column?"."?column?" FROM json_populate_record(NULL::lie.plain, '{}') "?column?"
== named like what a number's tail is called
SELECT x0.x0 FROM json_populate_record(NULL::lie.plain, '{}') x0
== through a CTE's row
WITH x AS (SELECT * FROM lie.plain) SELECT (y).tick FROM (SELECT x::lie.plain AS y FROM x) z
== of a column with that name
expect: read
why: a column comes before a function
rows: [[7]]
SELECT s.tick FROM (SELECT 7 AS tick) s
== of a column with that name, by a column list
expect: read
why: a column comes before a function
rows: [[7]]
SELECT s.tick FROM (VALUES (7)) s(tick)
