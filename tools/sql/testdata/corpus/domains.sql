-- expect: refused
-- why: the check of a domain runs wherever a value of it is made

== by cast
SELECT 'x'::lie.dom
== by CAST
SELECT CAST('x' AS lie.dom)
== as a typed literal
SELECT lie.dom 'x'
== as a function
SELECT lie.dom('x'::text)
== of a column
SELECT x::lie.dom FROM lie.plain
== a domain over a domain
SELECT 'x'::lie.dom_of_dom
== in the schema pg_catalog
SELECT 'x'::pg_catalog.catalogued
== in the schema pg_catalog, unqualified
SELECT 'x'::catalogued
== an array
SELECT '{x}'::lie.dom[]
== an array by the array type's own name
SELECT '{x}'::lie._dom
== an array of an array
SELECT ARRAY['x']::text[]::lie.dom[]
== an array of a column
SELECT ARRAY[x]::lie.dom[] FROM lie.plain
== an array constructor
SELECT ARRAY['x'::lie.dom]
== a composite type that holds one
SELECT '(x,1)'::lie.holds
== a row cast to it
SELECT ROW('x', 1)::lie.holds
== a composite type that holds one that holds one
SELECT '("(x,1)")'::lie.holds_deep
== an array of composite types
SELECT '{"(x,1)"}'::lie.holds[]
== a range over one
SELECT '[1,2)'::lie.of_dom
== a range constructor
SELECT lie.of_dom(1, 2)
== a multirange
SELECT '{[1,2)}'::lie.of_dom_multirange
== a multirange that does not exist
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42704
SELECT '{[1,2)}'::lie.of_dommultirange
== over a composite type
SELECT ROW(1, 2)::lie.pair::lie.composite_dom
== whose check uses an operator
SELECT 1::lie.op_dom
== whose check uses a cast
SELECT 'a'::lie.cast_dom
== COALESCE with a column of it
SELECT COALESCE(d, 'x'::lie.dom) FROM lie.t
== CASE
SELECT CASE WHEN n = 1 THEN 'x'::lie.dom END FROM lie.t
== in a comparison with an array column
SELECT 1 FROM lie.t WHERE a = '{x}'
== in a comparison with an array column and a parameter
params: ["{x}"]
SELECT 1 FROM lie.t WHERE a = $1
== a table's row type
SELECT '(1,x,a,v,c,"(1,2)",d,"(d,1)",{d},2024-01-01)'::lie.t
== a null of a table's row type made whole by JSON
SELECT json_populate_record(NULL::lie.t, '{"d": "x"}')
== json_populate_record of a row
SELECT json_populate_record(t, '{"d": "x"}') FROM lie.t t
== json_populate_record of a row in a subquery
SELECT json_populate_record(s, '{"d": "x"}') FROM (SELECT d FROM lie.t) s
== json_populate_recordset
SELECT * FROM json_populate_recordset(NULL::lie.holds, '[{"d": "x"}]')
== jsonb_populate_record
SELECT jsonb_populate_record(h, '{"d": "x"}') FROM lie.t
== jsonb_populate_recordset of an array element
SELECT jsonb_populate_recordset(h, '[{"d": "x"}]') FROM lie.t
== json_to_record
SELECT * FROM json_to_record('{"d": "x"}') AS r(d lie.dom)
== jsonb_to_recordset
SELECT * FROM jsonb_to_recordset('[{"d": "x"}]') AS r(d lie.dom)
== hstore's populate_record
SELECT populate_record(t, 'd=>x') FROM lie.t t
== hstore's #=
SELECT t #= 'd=>x'::hstore FROM lie.t t
== XMLTABLE
SELECT * FROM XMLTABLE('/a' PASSING '<a><d>x</d></a>'::xml COLUMNS d lie.dom PATH 'd')
== as the type of a parameter
params: [{"type": "lie.dom", "value": "x"}]
SELECT $1
== as the array type of a parameter
params: [{"type": "lie.dom[]", "value": ["x"]}]
SELECT $1
== as the type of a parameter that is not shown
params: [{"type": "lie.num", "value": 1}]
SELECT 1 WHERE $1 IS NULL
== as the type of a parameter, composite
params: [{"type": "lie.holds", "value": "(x,1)"}]
SELECT $1 IS NULL
== as the cast of a parameter
params: ["x"]
SELECT $1::lie.dom
== XMLSERIALIZE
SELECT xmlserialize(CONTENT '<a/>'::xml AS lie.dom)
== in a function's argument list
SELECT upper(CAST('x' AS lie.dom))
== NULL of it
why: a check also runs on NULL
SELECT NULL::lie.dom
== in a WHERE that is never true
SELECT 1 WHERE false AND 'x'::lie.dom = 'x'
== a column of it, read
expect: read
why: reading a value makes none
rows: [["d"], ["e"]]
SELECT d FROM lie.t ORDER BY n
== a table that has columns of it, whole
expect: read
why: reading a value makes none
SELECT * FROM lie.t
== a column of it, compared
expect: read
why: the literal is of the domain's base type
rows: [[1]]
SELECT n FROM lie.t WHERE d = 'd'
== a column of it, with a parameter
expect: read
why: the parameter is of the domain's base type
params: ["d"]
rows: [[1]]
SELECT n FROM lie.t WHERE d = $1
== its column in COALESCE with a literal
expect: read
why: the result is of the base type
rows: [["d"]]
SELECT COALESCE(d, 'x') FROM lie.t WHERE n = 1
== a composite column's field
expect: read
why: reading a field makes no value
rows: [["d"]]
SELECT (h).d FROM lie.t WHERE n = 1
== an honest domain
expect: read
why: its check is PostgreSQL's own operator
rows: [[3]]
SELECT 3::quantity
== an honest domain, violated
expect: fails
why: the check fails, as it should
code: 23514
SELECT 0::quantity
