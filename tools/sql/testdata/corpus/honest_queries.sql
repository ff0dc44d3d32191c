-- expect: read
-- why: an honest read

== one
SELECT 1
== no columns
SELECT
== no columns of rows
SELECT FROM orders LIMIT 3
== a table without columns
SELECT * FROM nothing
== all columns
SELECT * FROM customers
== TABLE
TABLE employees
== VALUES
VALUES (1, 'a'), (2, NULL)
== VALUES in FROM
SELECT v.b FROM (VALUES (1, 'a'), (2, 'b')) AS v(a, b) WHERE v.a > 1
== brackets around it all
((SELECT 1))
== a filter and an order
SELECT id, name FROM customers WHERE born > '1980-01-01' ORDER BY born DESC LIMIT 5
== FETCH FIRST
SELECT id FROM customers ORDER BY id FETCH FIRST 3 ROWS ONLY
== FETCH FIRST WITH TIES
SELECT customer_id FROM orders ORDER BY customer_id FETCH FIRST 2 ROWS WITH TIES
== OFFSET
SELECT id FROM customers ORDER BY id OFFSET 18
== LIMIT ALL
SELECT id FROM employees LIMIT ALL
== ORDER BY position, NULLS LAST and a direction
SELECT name, manager_id FROM employees ORDER BY 2 DESC NULLS LAST, 1
== ORDER BY an alias
SELECT id AS n FROM employees ORDER BY n DESC
== ORDER BY USING
SELECT id FROM employees ORDER BY id USING >
== an inner join
SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.total > 500 ORDER BY o.id
== a left join
SELECT c.name, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.total > 10000 ORDER BY c.id
== a right join
SELECT p.title, l.qty FROM order_lines l RIGHT JOIN products p ON p.id = l.product_id AND l.line = 1 ORDER BY p.id, l.order_id
== a full join
SELECT a.id, b.id FROM assets a FULL JOIN vehicles b USING (id) ORDER BY 1, 2
== a cross join
SELECT e.id, p.id FROM employees e CROSS JOIN products p ORDER BY 1, 2 LIMIT 5
== a natural join
SELECT * FROM assets NATURAL JOIN vehicles
== JOIN USING with an alias
SELECT x.id FROM assets a JOIN vehicles v USING (id) AS x
== a join with an alias
SELECT j.label FROM (assets a JOIN vehicles v ON a.id = v.id) AS j(id, label, id2, label2, wheels)
== a nested join
SELECT c.name, p.title FROM customers c JOIN (orders o JOIN order_lines l ON l.order_id = o.id) ON o.customer_id = c.id JOIN products p ON p.id = l.product_id WHERE o.id = 5 ORDER BY 1, 2
== a self join
SELECT e.name, m.name AS manager FROM employees e LEFT JOIN employees m ON m.id = e.manager_id ORDER BY e.id
== a comma join
SELECT o.id FROM orders o, customers c WHERE c.id = o.customer_id AND c.name = 'Customer 3' ORDER BY 1
== LATERAL
SELECT c.id, last.id FROM customers c CROSS JOIN LATERAL (SELECT o.id FROM orders o WHERE o.customer_id = c.id ORDER BY placed DESC LIMIT 1) last ORDER BY c.id
== LEFT JOIN LATERAL
SELECT e.name, s.n FROM employees e LEFT JOIN LATERAL (SELECT count(*) AS n FROM employees x WHERE x.manager_id = e.id) s ON true ORDER BY e.id
== a semi join
SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.total > 600) ORDER BY 1
== an anti join
SELECT name FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id) ORDER BY 1
== IN with a subquery
SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE mood = 'low') ORDER BY 1
== NOT IN a list
SELECT id FROM employees WHERE id NOT IN (1, 2) ORDER BY 1
== = ANY of an array
SELECT id FROM employees WHERE id = ANY ('{1,3}') ORDER BY 1
== > ALL of a subquery
SELECT name FROM employees WHERE salary >= ALL (SELECT salary FROM employees)
== a scalar subquery
SELECT name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS orders FROM customers c ORDER BY c.id
== ARRAY of a subquery
SELECT ARRAY(SELECT id FROM employees ORDER BY id)
== a row subquery
SELECT (1, 2) = (SELECT 1, 2)
== a row comparison
SELECT id FROM orders WHERE (customer_id, id) > (19, 0) ORDER BY 1
== a derived table
SELECT avg(n) FROM (SELECT count(*) AS n FROM orders GROUP BY customer_id) x
== GROUP BY
SELECT status, count(*), sum(total), min(placed), max(placed), avg(total) FROM orders GROUP BY status ORDER BY status
== GROUP BY an expression
SELECT extract(month FROM placed) AS m, count(*) FROM orders GROUP BY extract(month FROM placed) ORDER BY 1
== GROUP BY an alias
SELECT date_trunc('day', placed) AS day, count(*) FROM orders GROUP BY day HAVING count(*) > 3 ORDER BY day
== GROUP BY a primary key
SELECT c.id, c.name, count(o.id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id
== HAVING
SELECT customer_id FROM orders GROUP BY customer_id HAVING sum(total) > 1000 ORDER BY 1
== GROUPING SETS
SELECT status, customer_id, count(*), grouping(status, customer_id) FROM orders GROUP BY GROUPING SETS ((status), (customer_id), ()) ORDER BY 1, 2
== ROLLUP
SELECT status, date_part('month', placed), sum(total) FROM orders GROUP BY ROLLUP (status, date_part('month', placed)) ORDER BY 1, 2
== CUBE
SELECT status, customer_id % 2, count(*) FROM orders GROUP BY CUBE (status, customer_id % 2) ORDER BY 1, 2
== GROUP BY DISTINCT
SELECT status, count(*) FROM orders GROUP BY DISTINCT ROLLUP (status), ROLLUP (status) ORDER BY 1
== DISTINCT
SELECT DISTINCT status FROM orders ORDER BY 1
== DISTINCT ON
SELECT DISTINCT ON (customer_id) customer_id, id, total FROM orders ORDER BY customer_id, placed DESC
== count DISTINCT
SELECT count(DISTINCT customer_id), count(*) FILTER (WHERE total > 100) FROM orders
== ordered aggregates
SELECT string_agg(name, ', ' ORDER BY name DESC), array_agg(id ORDER BY id) FROM employees
== ordered-set aggregates
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY total), mode() WITHIN GROUP (ORDER BY status) FROM orders
== hypothetical-set aggregates
SELECT rank(5000) WITHIN GROUP (ORDER BY salary DESC) FROM employees
== statistics
SELECT corr(total, id), stddev(total), variance(total), regr_slope(total, id), bool_and(total > 0), every(total > 0) FROM orders
== bit aggregates
SELECT bit_and(id), bit_or(id), bit_xor(id) FROM employees
== UNION
SELECT id FROM employees UNION SELECT id FROM assets ORDER BY id
== UNION ALL
SELECT 'c' AS what, count(*) FROM customers UNION ALL SELECT 'o', count(*) FROM orders
== INTERSECT
SELECT id FROM employees INTERSECT SELECT id FROM assets ORDER BY 1
== EXCEPT
SELECT id FROM employees EXCEPT SELECT id FROM assets ORDER BY 1
== set operations with brackets
(SELECT 1 UNION SELECT 2) EXCEPT (SELECT 2 LIMIT 1)
== a CTE
WITH big AS (SELECT * FROM orders WHERE total > 500) SELECT count(*), min(total) FROM big
== CTEs on each other
WITH a AS (SELECT id, total FROM orders), b AS (SELECT * FROM a WHERE total > 600), c AS (SELECT count(*) AS n FROM b) SELECT * FROM c
== a CTE, NOT MATERIALIZED
WITH a AS NOT MATERIALIZED (SELECT * FROM customers) SELECT name FROM a WHERE id = 3
== a CTE with a column list
WITH a(x, y) AS (SELECT 1, 2) SELECT y, x FROM a
== a CTE inside a subquery
SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT x + 1 AS y FROM a) s
== a CTE that hides a table
WITH orders AS (SELECT 1 AS id) SELECT * FROM orders
== a recursive CTE
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n) FROM t
== a recursive tree
WITH RECURSIVE tree AS (SELECT id, name, 1 AS depth FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, t.depth + 1 FROM employees e JOIN tree t ON e.manager_id = t.id) SELECT * FROM tree ORDER BY id
== a recursive CTE, SEARCH
WITH RECURSIVE tree(id, name) AS (SELECT id, name FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name FROM employees e, tree t WHERE e.manager_id = t.id) SEARCH DEPTH FIRST BY id SET ord SELECT id, name FROM tree ORDER BY ord
== a recursive CTE, CYCLE
WITH RECURSIVE tree(id, up) AS (SELECT id, manager_id FROM employees WHERE id = 4 UNION ALL SELECT e.id, e.manager_id FROM employees e, tree t WHERE e.id = t.up) CYCLE id SET looped USING path SELECT id, looped FROM tree ORDER BY id
== a recursive CTE that names a later one
WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a
== window functions
SELECT id, row_number() OVER (ORDER BY total DESC), rank() OVER (PARTITION BY status ORDER BY total), lag(total) OVER (ORDER BY id), sum(total) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id LIMIT 10
== a named window
SELECT id, first_value(total) OVER w, last_value(total) OVER w, nth_value(total, 2) OVER w, ntile(4) OVER w FROM orders WINDOW w AS (PARTITION BY status ORDER BY id) ORDER BY id LIMIT 10
== a window frame with an interval
SELECT id, count(*) OVER (ORDER BY placed RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW) FROM orders ORDER BY id LIMIT 10
== a window frame with groups and an exclusion
SELECT id, sum(id) OVER (ORDER BY customer_id GROUPS 1 PRECEDING EXCLUDE TIES) FROM orders ORDER BY id LIMIT 10
== a running total by window over an aggregate
SELECT status, sum(sum(total)) OVER (ORDER BY status) FROM orders GROUP BY status ORDER BY status
== CASE
SELECT id, CASE WHEN total > 500 THEN 'big' WHEN total > 100 THEN 'mid' ELSE 'small' END, CASE status WHEN 'new' THEN 1 ELSE 0 END FROM orders ORDER BY id LIMIT 8
== COALESCE, NULLIF, GREATEST and LEAST
SELECT COALESCE(note, '-'), NULLIF(total, 10.5), GREATEST(total, 20), LEAST(id, 3) FROM orders ORDER BY id LIMIT 4
== IS DISTINCT FROM, IS TRUE, IS NULL
SELECT id FROM orders WHERE note IS DISTINCT FROM 'gift' AND (total > 1) IS TRUE AND note IS NULL ORDER BY 1 LIMIT 3
== BETWEEN SYMMETRIC
SELECT id FROM orders WHERE id BETWEEN SYMMETRIC 5 AND 3 ORDER BY 1
== TABLESAMPLE
SELECT count(*) FROM orders TABLESAMPLE system (100)
== TABLESAMPLE REPEATABLE
SELECT count(*) FROM orders TABLESAMPLE bernoulli (100) REPEATABLE (42)
== TABLESAMPLE by an extension
SELECT count(*) FROM orders TABLESAMPLE system_rows (1000)
== generate_series
SELECT * FROM generate_series(1, 10, 3)
== generate_series of dates
SELECT d::date FROM generate_series(date '2024-01-01', date '2024-01-03', interval '1 day') d
== a function in FROM with ordinality
SELECT t.word, t.n FROM unnest(string_to_array('a b c', ' ')) WITH ORDINALITY AS t(word, n)
== ROWS FROM
SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['a', 'b'])) AS r(n, w)
== unnest of several arrays
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) AS u(n, w)
== system columns
SELECT tableoid::regclass, ctid, xmin IS NOT NULL, cmin FROM employees ORDER BY id
== a whole row
SELECT e FROM employees e ORDER BY id
== a row constructor
SELECT ROW(1, 'a', NULL), (1, 2)
== a composite column and its fields
SELECT (home).town, home FROM customers ORDER BY id LIMIT 2
== a composite expanded
SELECT id, (home).* FROM customers ORDER BY id LIMIT 2
== duplicate column names
SELECT 1 AS a, 2 AS a, 3
== quoted names
SELECT "Sel.ect", "ümlaut" FROM "Odd ""Name.s"
== a quoted alias
SELECT o."Sel.ect" AS "x.y ""z" FROM "Odd ""Name.s" AS o
== a view
SELECT * FROM berlin ORDER BY id
== a view on a view
SELECT * FROM berlin_orders ORDER BY order_id
== a view with aggregates
SELECT * FROM sales ORDER BY month
== a recursive view
SELECT * FROM chain ORDER BY id
== a materialized view
SELECT * FROM best ORDER BY customer_id
== partitions
SELECT * FROM events ORDER BY id
== partitions, pruned
SELECT id FROM events WHERE at >= '2024-06-01' AND kind = 'click' ORDER BY id
== one partition
SELECT id FROM events_2024_click ORDER BY id
== which partition
SELECT tableoid::regclass::text, count(*) FROM events GROUP BY 1 ORDER BY 1
== inheritance
SELECT * FROM assets ORDER BY id
== inheritance, ONLY
SELECT * FROM ONLY assets
== inheritance with a star
SELECT * FROM assets * ORDER BY id
== a child
SELECT * FROM vehicles
== row level security
SELECT id, secret FROM tenants ORDER BY id
== a sequence
SELECT last_value, is_called FROM tickets
== a trusted function
SELECT id, total_of(id) FROM customers ORDER BY id LIMIT 3
== a trusted function in FROM
SELECT t FROM shop.total_of(3) AS t
== a generated column
SELECT id, price, gross FROM products ORDER BY id
== parameters
params: [3, "Customer 3", true, null]
SELECT id, name, $3::bool, $4::int FROM customers WHERE id = $1 AND name = $2
== parameters out of order
params: ["a", 1]
SELECT $2::int, $1::text, $2::int + 1
== an array parameter
params: [[1, 2, 5]]
SELECT id FROM customers WHERE id = ANY ($1) ORDER BY id
== a JSON parameter
params: [{"level": 1}]
SELECT id FROM customers WHERE attrs @> $1 ORDER BY id
== typed parameters
params: [{"type": "int4", "value": 2}, {"type": "timestamptz", "value": "2024-01-05 00:00+00"}, {"type": "text[]", "value": ["vip"]}]
SELECT id FROM customers WHERE id > $1 AND created > $2 AND tags @> $3 ORDER BY id
== a date and an interval as parameters
params: ["2024-02-01", "2 days"]
SELECT $1::date + $2::interval
== a parameter in LIMIT and OFFSET
params: [2, 3]
SELECT id FROM customers ORDER BY id LIMIT $1 OFFSET $2
== a numeric parameter without loss
params: [12345678901234567890.123456789]
SELECT $1::numeric
== an enum as a parameter
params: ["paid"]
SELECT count(*) FROM orders WHERE status = $1
== a uuid as a parameter
params: [{"type": "uuid", "value": "00000000-0000-0000-0000-000000000003"}]
SELECT name FROM customers WHERE ref = $1
== a composite as a parameter
params: [{"type": "address", "value": "(a,b,c)"}]
SELECT ($1).town
== a domain as a parameter
params: [{"type": "quantity", "value": 5}]
SELECT $1
== EXPLAIN with a parameter
rows: any
params: [1]
EXPLAIN SELECT * FROM orders WHERE id = $1
== EXPLAIN
rows: any
EXPLAIN SELECT * FROM orders WHERE customer_id = 3
== EXPLAIN in JSON
rows: any
EXPLAIN (FORMAT json, VERBOSE, SETTINGS) SELECT * FROM orders JOIN customers ON customer_id = customers.id
== EXPLAIN ANALYZE
rows: any
EXPLAIN ANALYZE SELECT count(*) FROM orders
== EXPLAIN ANALYZE with BUFFERS
rows: any
EXPLAIN (ANALYZE, BUFFERS, TIMING off, SUMMARY off, FORMAT yaml) SELECT * FROM berlin_orders
== EXPLAIN of a bracket
rows: any
EXPLAIN (SELECT 1)
== EXPLAIN of a bracket with options
rows: any
EXPLAIN (COSTS off) (SELECT upper(name) FROM customers)
== EXPLAIN ANALYZE of a bracket
rows: any
EXPLAIN ANALYZE (SELECT upper(name) FROM customers)
== EXPLAIN VERBOSE
rows: any
EXPLAIN VERBOSE VALUES (1)
== EXPLAIN UPDATE
rows: any
roles: postgres, corpus_owner
EXPLAIN UPDATE orders SET total = total * 2 WHERE id = 1
== SHOW
SHOW search_path
== SHOW ALL
rows: any
SHOW ALL
== SHOW TIME ZONE
SHOW TIME ZONE
== SHOW TRANSACTION ISOLATION LEVEL
SHOW TRANSACTION ISOLATION LEVEL
== SHOW SESSION AUTHORIZATION
SHOW SESSION AUTHORIZATION
== SHOW a setting that does not exist
expect: fails
code: 42704
SHOW nothing.like_that
== a table that does not exist
expect: fails
code: 42P01
SELECT * FROM nowhere
== a column that does not exist
expect: fails
code: 42703
SELECT nome FROM customers
== a function that does not exist
expect: fails
code: 42883
SELECT nothing_like_that(1)
== a schema that does not exist
expect: fails
code: 42P01
SELECT * FROM nosuch.orders
== types that do not fit
expect: fails
code: 42883
SELECT id FROM customers WHERE id = DATE '2024-01-01'
== a literal that is no number
expect: fails
code: 22P02
SELECT id FROM customers WHERE id = 'a'
== division by zero
expect: fails
code: 22012
SELECT 1 / (id - id) FROM customers
== a number out of range
expect: fails
code: 22003
SELECT 2147483647 + id FROM customers
== a subquery of several rows
expect: fails
code: 21000
SELECT (SELECT id FROM customers)
