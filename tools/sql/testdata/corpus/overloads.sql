-- expect: refused
-- why: an exact match elsewhere on the search path wins over PostgreSQL's own function

== upper of varchar
SELECT upper(v) FROM lie.t
== upper of a phone number
SELECT upper(phone) FROM customers
== upper of a cast
SELECT upper('x'::varchar)
== length of char
expect: read
why: one with the same arguments in pg_catalog comes first
SELECT length(card_tail) FROM customers
== round of an integer
SELECT round(id) FROM customers
== to_char of a date
SELECT to_char(born, 'YYYY') FROM customers
== date_trunc of a date
SELECT date_trunc('month', at) FROM events
== now with an argument
SELECT now(1)
== initcap of a name, in a weird schema of the search path
SELECT initcap('x'::name)
== LIKE ESCAPE stays PostgreSQL's own
expect: read
why: the grammar names pg_catalog.like_escape, whatever the types
rows: [[true]]
SELECT 'a'::varchar LIKE 'a'::varchar ESCAPE '!'::varchar
== a function written with schema pg_catalog
expect: read
why: nothing but PostgreSQL's own is meant
rows: [["V"]]
SELECT pg_catalog.upper('v'::varchar)
== upper of text
expect: read
why: the server picks its own
rows: [["V"]]
SELECT upper('v')
== round of a numeric
expect: read
why: the server picks its own
rows: [["2"]]
SELECT round(1.6)
== max of an integer
expect: read
why: the aggregate of the same name takes a boolean
rows: [[60]]
SELECT max(id) FROM orders
== upper with a parameter that is text
expect: read
why: the server takes a parameter without a type for text
params: ["v"]
rows: [["V"]]
SELECT upper($1)
== upper with a parameter that is varchar
params: [{"type": "varchar", "value": "v"}]
SELECT upper($1)
== round with a parameter that is an integer
params: [{"type": "int", "value": 1}]
SELECT round($1)
== round with a parameter that is a numeric
expect: read
why: the server picks its own
params: [{"type": "numeric", "value": 1.6}]
rows: [["2"]]
SELECT round($1)
== upper with a parameter cast to varchar
params: ["v"]
SELECT upper($1::varchar)
== json_array, which a later grammar takes for its own
SELECT json_array(1)
== json_array quoted
SELECT "json_array"(1)
== json_array in FROM
SELECT * FROM json_array(1)
== json_scalar
SELECT json_scalar(1)
== json_serialize
SELECT json_serialize('1'::json)
== json_exists
SELECT json_exists('{}'::json, '$')
== json_value
SELECT json_value('{}'::json, '$')
== json_query
SELECT json_query('{}'::json, '$')
== json_objectagg
SELECT json_objectagg(1)
== json_objectagg in the grammar of a later version
expect: fails
code: 42601
why: it is a syntax error here and an aggregate there
SELECT json_objectagg('k' : 1)
== json_arrayagg
SELECT json_arrayagg(1)
== merge_action
SELECT merge_action()
== xmltext
SELECT xmltext('x')
== any_value
SELECT any_value(1)
== array_sort
SELECT array_sort(ARRAY[2, 1])
== json_array by the name of its result
SELECT x.json_array FROM (SELECT json_array(1)) x
== the name of a column that a later version's keyword hides
expect: fails
why: system_user is a column's name to this server, and there is none
code: 42703
SELECT system_user
