-- expect: refused
-- why: a cast may run a function of its author's

== implicit in arithmetic
SELECT k + 1 FROM lie.t
== implicit in a function's argument
SELECT abs(k) FROM lie.t
== implicit in a comparison with a column
SELECT 1 FROM lie.t WHERE k > n
== implicit in a subscript
SELECT (ARRAY[1])[k] FROM lie.t
== implicit in UNION
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT k FROM lie.t UNION SELECT n FROM lie.t
== implicit in COALESCE
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT COALESCE(n, k) FROM lie.t
== implicit in CASE
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT CASE WHEN true THEN k ELSE n END FROM lie.t
== implicit in an array
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT ARRAY[n, k] FROM lie.t
== implicit in VALUES
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
VALUES (1), ('a'::lie.kind)
== implicit in LIMIT
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42804
SELECT 1 LIMIT 'a'::lie.kind
== implicit in generate_series
SELECT * FROM generate_series(1, 'a'::lie.kind)
== explicit
SELECT k::int FROM lie.t
== explicit, by CAST
SELECT CAST(k AS int) FROM lie.t
== explicit, as a function
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42883
SELECT int4(k) FROM lie.t
== explicit, as a field
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42809
SELECT (k).int4 FROM lie.t
== explicit, as a field of a column by alias
why: alias.name is never a cast of a column, and is refused by the server
expect: fails
code: 42P01
SELECT k.int4 FROM lie.t
== from text
SELECT x::lie.kind FROM lie.plain
== from text, constant
SELECT 'a'::text::lie.kind
== from text, as a function
expect: fails
why: it fits nothing, so the server does not even plan it
code: 42883
SELECT lie.kind('a'::text)
== assignment, which an explicit cast also uses
SELECT 1::lie.kind
== of an array, element by element
SELECT ARRAY[x]::text[]::lie.kind[] FROM lie.plain
== of an array, back
SELECT ARRAY[k]::int[] FROM lie.t
== with a parameter
params: [{"type": "text", "value": "a"}]
SELECT $1::lie.kind
== to json, unseen, in to_json
SELECT to_json(k) FROM lie.t
== to json, unseen, in to_jsonb
SELECT to_jsonb(k) FROM lie.t
== to json, unseen, in row_to_json
SELECT row_to_json(t) FROM (SELECT k FROM lie.t) t
== to json, unseen, in json_agg
SELECT json_agg(k) FROM lie.t
== to json, unseen, in jsonb_agg of rows
SELECT jsonb_agg(t) FROM lie.t t
== to json, unseen, in json_build_object
SELECT json_build_object('k', k) FROM lie.t
== to json, unseen, in jsonb_build_array
SELECT jsonb_build_array(k, n) FROM lie.t
== to json, unseen, in json_object_agg
SELECT json_object_agg('k', k) FROM lie.t
== to json, unseen, in array_to_json
SELECT array_to_json(ARRAY[k]) FROM lie.t
== to json, unseen, of a constant
SELECT to_json('a'::lie.kind)
== to json, unseen, with a parameter
params: ["a"]
SELECT to_json($1::lie.kind)
== by the type's text form
expect: read
why: text to enum without the cast is PostgreSQL's own input function
rows: [["a"]]
SELECT 'a'::lie.kind
== to text
expect: read
why: there is no cast of the database's to text
rows: [["a"], ["b"]]
SELECT k::text FROM lie.t ORDER BY n
== in a table that has such a column, untouched
expect: read
why: nothing casts it
rows: [[1], [2]]
SELECT n FROM lie.t ORDER BY n
== to json of other types
expect: read
why: the cast is of a type that the statement does not meet
rows: [["{\"x\":1}"]]
SELECT to_json(q) FROM (SELECT 1 AS x) q
