-- expect: refused
-- why: the functions that belong to a type run without being named

== a base type's input function
SELECT 'x'::lie.base_type
== a base type's input function by a parameter
params: [{"type": "lie.base_type", "value": "x"}]
SELECT $1
== a base type's modifier
SELECT NULL::lie.base_type(3)
== a base type in an array
SELECT '{x}'::lie.base_type[]
== a base type by coercion through text
SELECT x::lie.base_type FROM lie.plain
== sorting by an operator class
SELECT n FROM lie.ranking ORDER BY r
== sorting an array by its elements' operator class
SELECT n FROM lie.ranking ORDER BY rs
== sorting a row by its fields' operator classes
SELECT n FROM lie.ranking t ORDER BY t
== sorting a row of them
SELECT n FROM lie.ranking ORDER BY ROW(r, n)
== DISTINCT
SELECT DISTINCT r FROM lie.ranking
== DISTINCT ON
SELECT DISTINCT ON (rs) n FROM lie.ranking
== GROUP BY
SELECT count(*) FROM lie.ranking GROUP BY rs
== UNION
SELECT rs FROM lie.ranking UNION SELECT rs FROM lie.ranking
== INTERSECT
SELECT rs FROM lie.ranking INTERSECT SELECT rs FROM lie.ranking
== GREATEST
SELECT GREATEST(r, r) FROM lie.ranking
== LEAST of arrays
SELECT LEAST(rs, rs) FROM lie.ranking
== equality of arrays
SELECT n FROM lie.ranking WHERE rs = rs
== IN of arrays
SELECT n FROM lie.ranking WHERE rs IN (SELECT rs FROM lie.ranking)
== max of arrays
SELECT max(rs) FROM lie.ranking
== containment of arrays
SELECT rs @> rs FROM lie.ranking
== array_position
SELECT array_position(rs, r) FROM lie.ranking
== array_remove
SELECT array_remove(rs, r) FROM lie.ranking
== count DISTINCT
SELECT count(DISTINCT rs) FROM lie.ranking
== a window's order
SELECT rank() OVER (ORDER BY rs) FROM lie.ranking
== a window's partition
SELECT count(*) OVER (PARTITION BY r) FROM lie.ranking
== an aggregate's order
SELECT array_agg(n ORDER BY rs) FROM lie.ranking
== WITHIN GROUP
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY r) FROM lie.ranking
== width_bucket
SELECT width_bucket(r, rs) FROM lie.ranking
== a join
SELECT 1 FROM lie.ranking a JOIN lie.ranking b ON a.rs = b.rs
== a natural join
SELECT 1 FROM lie.ranking a NATURAL JOIN lie.ranking b
== a comparison with a literal row
SELECT 1 FROM lie.ranking a WHERE (r, n) = (r, n)
== an operator class for a type of PostgreSQL's
SELECT n FROM lie.places ORDER BY at
== DISTINCT by such a class
SELECT DISTINCT at FROM lie.places
== a constant sorted by such a class
SELECT point '(1,2)' AS p ORDER BY p
== a range's distance, measured by the planner
SELECT n FROM lie.spanning WHERE s && '[1,5)'
== a range's distance, planned only
EXPLAIN SELECT n FROM lie.spanning WHERE s @> 3
== a range's distance in a comparison
SELECT n FROM lie.spanning WHERE s < '[1,5)'
== a table with such a range, read
expect: read
why: nothing measures it
rows: [[1]]
SELECT n FROM lie.spanning WHERE n = 1
== a constructor of such a range
expect: read
why: making one measures nothing, and the constructor is the server's own
rows: [["[1,2)"]]
SELECT lie.spans(1, 2)
== a constructor of an honest range
expect: read
why: it came with the type
rows: [["[08:00:00,09:00:00)"]]
SELECT timerange('08:00', '09:00')
== overlap of an honest range
expect: read
why: the type has no function of its own
rows: [[1]]
SELECT id FROM rooms WHERE open && timerange('08:00', '08:30')
== a point compared by PostgreSQL's operators
expect: read
why: the operator class is not used
rows: [[1]]
SELECT n FROM lie.places WHERE at ~= point '(1,2)'
== a ranked row's field, sorted
why: an integer is sorted, but the server does not tell of which type a sort is
SELECT n FROM lie.ranking ORDER BY (r).r
