-- expect: refused
-- why: an operator is a function by another name

== of the database's own
SELECT 1 @@@ 2
== by schema
SELECT 1 OPERATOR(lie.+) 2
== by schema, quoted
SELECT 1 OPERATOR("lie".+) 2
== prefix
SELECT ~ k FROM lie.t
== overloaded equality
SELECT 1 FROM lie.t WHERE k = 1
== overloaded inequality
SELECT 1 FROM lie.t WHERE k <> 1
== overloaded inequality, the other spelling
SELECT 1 FROM lie.t WHERE k != 1
== by IN
SELECT 1 FROM lie.t WHERE k IN (1, 2)
== by NOT IN
SELECT 1 FROM lie.t WHERE k NOT IN (1, 2)
== by IN with a subquery
SELECT 1 FROM lie.t WHERE k IN (SELECT n FROM lie.plain)
== by = ANY
SELECT 1 FROM lie.t WHERE k = ANY (ARRAY[1])
== by = ANY with a subquery
SELECT 1 FROM lie.t WHERE k = ANY (SELECT n FROM lie.plain)
== by <> ALL
SELECT 1 FROM lie.t WHERE k <> ALL (ARRAY[1])
== by BETWEEN
SELECT 1 FROM lie.t WHERE k BETWEEN 1 AND 2
== by BETWEEN SYMMETRIC
SELECT 1 FROM lie.t WHERE k BETWEEN SYMMETRIC 1 AND 2
== by IS DISTINCT FROM
SELECT k IS DISTINCT FROM 1 FROM lie.t
== by NULLIF
SELECT NULLIF(k, 1) FROM lie.t
== by CASE
SELECT CASE k WHEN 1 THEN 2 END FROM lie.t
== by LIKE
SELECT k LIKE 1 FROM lie.t
== by JOIN USING
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT 1 FROM (SELECT k FROM lie.t) a JOIN (SELECT n AS k FROM lie.plain) b USING (k)
== by NATURAL JOIN
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT 1 FROM (SELECT k FROM lie.t) a NATURAL JOIN (SELECT n AS k FROM lie.plain) b
== by a row comparison
expect: fails
why: it fits nothing, so the server does not even plan it
code: 0A000
SELECT 1 FROM lie.t WHERE (k, n) = (1, 1)
== an exact match that wins over anynonarray
SELECT x || n FROM lie.t
== the negator of an operator
SELECT NOT (n <## 2) FROM lie.plain
== the negator of an operator, in WHERE
SELECT n FROM lie.plain WHERE NOT n <## 2
== an operator whose negator lies, itself
why: the planner may turn it round
SELECT n <## 2 FROM lie.plain
== in ORDER BY USING
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42809
SELECT n FROM lie.plain ORDER BY n USING <##
== in a quantified comparison
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42809
SELECT n @@@ ANY (ARRAY[1]) FROM lie.plain
== in a subquery with an operator
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT 1 @@@ ANY (SELECT n FROM lie.plain)
== on constants, folded by the planner
EXPLAIN SELECT 1 @@@ 2
== in a window
SELECT sum(n @@@ 1) OVER () FROM lie.plain
== a builtin operator of the same name
expect: read
why: the server picks its own
rows: [["x1"]]
SELECT 'x' || '1'::text
== equality of integers
expect: read
why: the server picks its own, however many others there are
rows: [[1]]
SELECT n FROM lie.plain WHERE n = 1
== equality with a parameter
expect: read
why: the server picks its own, however many others there are
params: [1]
rows: [[1]]
SELECT n FROM lie.plain WHERE n = $1
== overloaded equality with a parameter
params: [{"type": "int", "value": 1}]
SELECT 1 FROM lie.t WHERE k = $1
== equality of the same enum, with a literal
expect: fails
why: the server picks the operator of an enum and an integer
code: 22P02
SELECT n FROM lie.t WHERE k = 'a'
== an operator of the database's own that fits the catalog better
SELECT attname FROM pg_attribute WHERE attrelid = 'shop.customers'::regclass
== one that fits by two implicit casts
SELECT id FROM customers WHERE id = 'customers'::text
