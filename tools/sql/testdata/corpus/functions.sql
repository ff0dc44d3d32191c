-- expect: refused
-- why: a function that is not known to be harmless may do anything, whatever it is declared as

== immutable
SELECT lie.immutable()
== immutable with an argument
SELECT lie.immutable(1)
== stable
SELECT lie.stable('x')
== volatile
SELECT lie.volatile()
== security definer
SELECT lie.definer()
== written in SQL
SELECT lie.inlined(1)
== written in SQL, and pure in fact
why: what the body says is not looked at; the operator may vouch for it
SELECT lie.ignores(1)
== in WHERE
SELECT 1 FROM shop.orders WHERE lie.stable('x')
== in a WHERE that is never true
SELECT 1 WHERE false AND lie.stable('x')
== in HAVING
SELECT count(*) FROM shop.orders HAVING lie.stable('x')
== in ORDER BY
SELECT id FROM orders ORDER BY lie.immutable(1)
== in GROUP BY
SELECT count(*) FROM orders GROUP BY lie.immutable(1)
== in LIMIT
SELECT id FROM orders LIMIT lie.immutable(1)
== in OFFSET
SELECT id FROM orders OFFSET lie.immutable(1)
== in DISTINCT ON
SELECT DISTINCT ON (lie.immutable(1)) id FROM orders
== in FROM
SELECT * FROM lie.rows()
== in FROM with ordinality
SELECT * FROM lie.rows() WITH ORDINALITY
== in ROWS FROM
SELECT * FROM ROWS FROM (generate_series(1, 2), lie.rows()) AS x
== in LATERAL
SELECT * FROM orders o, LATERAL lie.immutable(o.id::int) AS f
== in a join condition
SELECT 1 FROM orders a JOIN orders b ON lie.stable('x')
== in VALUES
VALUES (lie.immutable())
== in a VALUES list in FROM
SELECT * FROM (VALUES (1), (lie.immutable())) v(n)
== in a scalar subquery
SELECT (SELECT lie.immutable())
== in EXISTS
SELECT EXISTS (SELECT lie.immutable())
== in a CTE
WITH x AS (SELECT lie.immutable() AS n) SELECT * FROM x
== in a CTE that nobody reads
why: the server leaves it out today; that is no promise
WITH x AS (SELECT lie.immutable() AS n) SELECT 1
== in a materialized CTE
WITH x AS MATERIALIZED (SELECT lie.immutable() AS n) SELECT * FROM x
== in a recursive CTE
WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + lie.immutable() FROM x WHERE n < 3) SELECT * FROM x
== in UNION
SELECT 1 UNION SELECT lie.immutable()
== in EXCEPT ALL
SELECT 1 EXCEPT ALL SELECT lie.immutable()
== in CASE
SELECT CASE WHEN true THEN 1 ELSE lie.immutable() END
== in COALESCE
SELECT COALESCE(NULL, lie.immutable())
== in GREATEST
SELECT GREATEST(1, lie.immutable())
== in NULLIF
SELECT NULLIF(1, lie.immutable())
== in an array
SELECT ARRAY[1, lie.immutable()]
== in a subscript
SELECT (ARRAY[1, 2])[lie.immutable()]
== in a slice
SELECT (ARRAY[1, 2])[1:lie.immutable()]
== in a row
SELECT ROW(1, lie.immutable())
== in a window frame
SELECT sum(id) OVER (ORDER BY id ROWS lie.immutable() PRECEDING) FROM orders
== in PARTITION BY
SELECT sum(id) OVER (PARTITION BY lie.immutable()) FROM orders
== in a named window
SELECT sum(id) OVER w FROM orders WINDOW w AS (ORDER BY lie.immutable())
== in FILTER
SELECT count(*) FILTER (WHERE lie.stable('x')) FROM orders
== in an aggregate's ORDER BY
SELECT array_agg(id ORDER BY lie.immutable()) FROM orders
== in WITHIN GROUP
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY lie.immutable()) FROM orders
== in GROUPING SETS
SELECT count(*) FROM orders GROUP BY GROUPING SETS ((lie.immutable()), ())
== in TABLESAMPLE
SELECT * FROM orders TABLESAMPLE system (lie.immutable())
== in REPEATABLE
SELECT * FROM orders TABLESAMPLE system (10) REPEATABLE (lie.immutable())
== in XMLELEMENT
SELECT xmlelement(name a, lie.immutable())
== in XMLTABLE
SELECT * FROM XMLTABLE('/a' PASSING (SELECT '<a/>'::xml WHERE lie.stable('x')) COLUMNS b int PATH 'b')
== in an XMLTABLE default
SELECT * FROM XMLTABLE('/a' PASSING '<a/>'::xml COLUMNS b int PATH 'b' DEFAULT lie.immutable())
== variadic
SELECT lie.variadic(1, 2, 3)
== variadic from an array
SELECT lie.variadic(VARIADIC ARRAY[1, 2])
== polymorphic
SELECT lie.any(1)
== with OUT parameters
SELECT * FROM lie.outs()
== expanded with a star
SELECT (lie.outs()).*
== a field of its result
SELECT (lie.outs()).a
== named arguments
SELECT side.strike(what => 'named')
== named arguments that fit nothing
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42883
SELECT lie.any(anyelement => 1)
== quoted
SELECT "lie"."immutable"()
== upper case
SELECT LIE.IMMUTABLE()
== with the database's name in front
SELECT world.lie.immutable()
== unicode escapes
SELECT U&"li\0065".U&"\0069mmutable"()
== unicode escapes with an escape character of one's own
SELECT U&"li!0065" UESCAPE '!' .immutable()
== a comment inside the name
SELECT lie/**/./* nested /* twice */ */immutable -- end
()
== lines and tabs inside the name
escaped: yes
SELECT lie\t.\n\r\nimmutable\f(\n)
== a name with a space
SELECT "a b"()
== a name with accents
SELECT évil()
== a keyword as a name
SELECT "select"()
== upper case as a name of its own
SELECT "Lower"('x')
== a homoglyph of lower
SELECT lowеr('x')
== a weird schema
SELECT "we.ird ""one"."f(x)"(1)
== a weird name found through the search path
SELECT "f(x)"(1)
== a weird schema, escaped
SELECT U&"we.ird ""\006fne"."f(x)"(1)
== a name that is cut to 63 bytes
SELECT sixty_three_characters_and_then_some_more_that_are_cut_off_here_xxxx()
== an aggregate of the database
SELECT lie.agg(id::int) FROM orders
== an aggregate of the database as a window function
SELECT lie.agg(id::int) OVER () FROM orders
== an aggregate that shares a name with a builtin
SELECT max(newsletter) FROM (SELECT true AS newsletter) x
== a function that was smuggled into an extension
SELECT smuggled(1)
== a procedure
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42809
SELECT lie.procedure()
== in a subquery's LIMIT
SELECT (SELECT id FROM orders LIMIT lie.immutable())
== in IN
SELECT 1 IN (lie.immutable())
== in ANY
SELECT 1 = ANY (ARRAY[lie.immutable()])
== in an ALL subquery
SELECT 1 = ALL (SELECT lie.immutable())
== in BETWEEN
SELECT 1 BETWEEN 0 AND lie.immutable()
== in LIKE ... ESCAPE
SELECT 'a' LIKE 'b' ESCAPE lie.immutable()::text
== in AT TIME ZONE
SELECT now() AT TIME ZONE lie.immutable()::text
== in OVERLAPS
SELECT (date '2024-01-01', date '2024-01-02') OVERLAPS (date '2024-01-01', date '2024-01-01' + lie.immutable())
== in EXTRACT
SELECT extract(day FROM date '2024-01-01' + lie.immutable())
== in SUBSTRING
SELECT substring('abc' FROM lie.immutable() FOR 1)
== in TRIM
SELECT trim(lie.immutable()::text FROM 'x')
== in COLLATE
SELECT lie.immutable()::text COLLATE "C"
== in a default of JSON_POPULATE
SELECT jsonb_set('{}', '{a}', to_jsonb(lie.immutable()))
== called twice as deep
SELECT abs(abs(abs(lie.immutable())))
== a trusted name in another schema
SELECT lie.total_of(1) FROM (SELECT 1) x WHERE lie.stable('x')
