-- expect: read
-- why: an honest read

== text
SELECT lower('ABC'), initcap('ab cd'::text), left('abc', 2), right('abc', 2), lpad('1', 3, '0'), repeat('a', 3), replace('abc', 'b', 'x'), reverse('abc'), split_part('a,b', ',', 2), strpos('abc', 'c'), translate('abc', 'a', 'x'), substr('abc', 2), concat('a', 1, NULL), concat_ws('-', 'a', 'b'), format('%s-%I-%L', 'a', 'b c', 'd'), quote_ident('a b'), quote_literal('a''b'), ascii('a'), chr(228), md5('x'), octet_length('ä'), starts_with('abc', 'a'), to_hex(255), trim(both 'x' from 'xax'), overlay('abc' placing 'X' from 2), position('b' in 'abc'), substring('abc' from 2 for 1), char_length('ä'), unistr('\0041')
== regular expressions
SELECT 'abc' ~ 'b', 'abc' ~* 'B', 'abc' !~ 'x', regexp_replace('abc', 'b', 'x', 'g'), regexp_matches('abc', '(b)(c)'), regexp_split_to_array('a,b', ','), regexp_match('abc', 'b.'), substring('foobar' from 'o.b'), substring('foobar' similar '%#"o_b#"%' escape '#'), regexp_count('aaa', 'a'), regexp_instr('abc', 'c'), regexp_like('abc', 'B', 'i'), regexp_substr('abc', '.c')
== LIKE and SIMILAR TO
SELECT name LIKE 'Customer 1%', name ILIKE '%ER 2%', name NOT LIKE 'x', name SIMILAR TO '%(1|2)', name LIKE '%!_%' ESCAPE '!' FROM customers ORDER BY id LIMIT 3
== starts with
SELECT name ^@ 'Cust' FROM customers ORDER BY id LIMIT 1
== mathematics
SELECT abs(-1), ceil(1.2), floor(1.8), round(1.234, 2), trunc(1.9), mod(7, 3), power(2, 10), sqrt(16), exp(0), ln(1), log(100), pi(), sign(-3), gcd(12, 8), lcm(4, 6), width_bucket(5, 0, 10, 5), degrees(pi()), sin(0), atan2(1, 1), div(7, 2), factorial(5), 7 % 3, 2 ^ 3, |/ 16, ||/ 27, @ -5, 5 & 3, 5 | 3, 5 # 3, ~ 5, 1 << 3, min_scale(1.10), trim_scale(1.10), scale(1.23)
== dates
SELECT date '2024-03-01' - date '2024-02-01', date '2024-01-31' + interval '1 month', age(timestamp '2024-03-01', timestamp '2020-01-15'), date_trunc('week', timestamp '2024-03-06'), extract(epoch from timestamp '2024-01-01'), extract(isodow from date '2024-03-06'), date_part('hour', time '12:30'), make_date(2024, 2, 29), make_interval(days => 3), make_timestamp(2024, 1, 2, 3, 4, 5.5), to_timestamp(0), to_date('2024-05', 'YYYY-MM'), justify_hours(interval '30 hours'), isfinite(date 'infinity'), timestamptz '2024-01-01 00:00+02' at time zone 'UTC', (date '2024-01-01', interval '10 days') overlaps (date '2024-01-05', date '2024-01-06'), date_bin('15 minutes', timestamp '2024-01-01 00:17', timestamp '2024-01-01'), to_char(timestamp '2024-01-01', 'YYYY-MM-DD HH24:MI')
== the clock
rows: any
SELECT now(), current_timestamp, current_date, current_time, localtime, localtimestamp, clock_timestamp(), statement_timestamp(), transaction_timestamp(), timeofday(), now() - interval '1 day'
== filters by date
SELECT id FROM orders WHERE placed >= timestamptz '2024-02-10' AND placed < timestamptz '2024-02-11' ORDER BY 1
== formatting
SELECT to_char(1234.5, 'FM9,999.00'), to_number('1,234', '9,999'), to_char(interval '90 minutes', 'HH24:MI')
== session facts
rows: any
SELECT current_user, session_user, current_database(), current_schema, current_schemas(true), version(), pg_backend_pid() > 0, current_setting('TimeZone'), user, current_catalog, current_role
== JSON
SELECT '{"a": {"b": [1, 2]}}'::json -> 'a' -> 'b' -> 0, '{"a": 1}'::jsonb ->> 'a', '{"a": {"b": 1}}'::jsonb #> '{a,b}', '{"a": {"b": 1}}'::jsonb #>> '{a,b}', '{"a": 1}'::jsonb @> '{}', '{"a": 1}'::jsonb ? 'a', '{"a": 1}'::jsonb ?| ARRAY['a'], '{"a": 1}'::jsonb || '{"b": 2}', '{"a": 1}'::jsonb - 'a', '[1,2]'::jsonb - 0, '{"a": 1}'::jsonb #- '{a}'
== JSON functions
SELECT jsonb_build_object('a', 1, 'b', ARRAY[1]), json_build_array(1, 'x', NULL), to_jsonb('x'::text), jsonb_set('{"a": 1}', '{a}', '2'), jsonb_insert('[1]', '{0}', '0'), jsonb_pretty('{"a": 1}'), jsonb_typeof('1'), jsonb_array_length('[1,2]'), jsonb_strip_nulls('{"a": null}'), json_object('{a,1}'), jsonb_extract_path_text('{"a": "x"}', 'a'), row_to_json(ROW(1, 'a')), array_to_json(ARRAY[1, 2])
== JSON of rows
SELECT to_jsonb(e), row_to_json(e), jsonb_build_object('name', e.name) FROM employees e ORDER BY id
== JSON aggregates
SELECT json_agg(e ORDER BY id), jsonb_agg(name ORDER BY id), jsonb_object_agg(name, salary) FROM employees e
== JSON by rows
SELECT c.id, l.lang FROM customers c, jsonb_array_elements_text(c.attrs -> 'langs') AS l(lang) WHERE c.id < 3 ORDER BY 1, 2
== JSON each
SELECT key, value FROM jsonb_each('{"a": 1, "b": [2]}')
== JSON each of a table
SELECT c.id, e.* FROM customers c, jsonb_each(c.attrs) e WHERE c.id = 1 ORDER BY e.key
== JSON to records
SELECT * FROM jsonb_to_recordset('[{"a": 1, "b": "x"}, {"a": 2}]') AS r(a int, b text)
== JSON to a record of a table
SELECT * FROM jsonb_populate_record(NULL::employees, '{"id": 9, "name": "x"}')
== JSON paths
SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 1)'), jsonb_path_exists('{"a": 1}', '$.a'), '{"a": 1}'::jsonb @? '$.a', '{"a": 1}'::jsonb @@ '$.a == 1', jsonb_path_query_array('[1,2]', '$[*]'), jsonb_path_query_first('[1,2]', '$[*]')
== JSON in filters
SELECT id FROM customers WHERE attrs ->> 'newsletter' = 'true' AND (attrs ->> 'level')::int > 1 ORDER BY 1
== JSON subscripts
SELECT attrs['langs'][0] FROM customers ORDER BY id LIMIT 1
== plain json
SELECT plain, plain -> 'k' FROM docs
== arrays
SELECT ARRAY[1, 2] || 3, ARRAY[[1, 2], [3, 4]], '{1,2,3}'::int[] @> ARRAY[2], ARRAY[1] && ARRAY[1, 2], (ARRAY[1, 2, 3])[2], (ARRAY[1, 2, 3])[2:], array_length(ARRAY[1, 2], 1), cardinality(ARRAY[1, 2]), array_position(ARRAY['a', 'b'], 'b'), array_remove(ARRAY[1, 2, 1], 1), array_to_string(ARRAY[1, NULL, 3], ',', '*'), array_append(ARRAY[1], 2), array_cat(ARRAY[1], ARRAY[2]), array_dims(ARRAY[1, 2]), array_fill(7, ARRAY[2]), array_replace(ARRAY[1], 1, 2), trim_array(ARRAY[1, 2], 1), string_to_array('a,b', ',')
== arrays of a table
SELECT id, tags, tags[1], 'vip' = ANY (tags), unnest(tags) FROM customers ORDER BY id, 5 LIMIT 5
== array slices with bounds
SELECT '[2:3]={a,b}'::text[], generate_subscripts('{a,b}'::text[], 1)
== ranges
SELECT int4range(1, 5), '[1,5)'::int4range @> 3, int4range(1, 5) && int4range(4, 9), int4range(1, 5) * int4range(3, 9), int4range(1, 5) + int4range(5, 9), lower(int4range(1, 5)), upper_inf('[1,)'::int4range), isempty('empty'::int4range), range_merge(int4range(1, 2), int4range(5, 6)), tstzrange('2024-01-01', NULL), numrange(1.5, 2.5), daterange('2024-01-01', '2024-02-01', '[]'), int4range(1, 5) -|- int4range(5, 6)
== multiranges
SELECT '{[1,3),[5,7)}'::int4multirange, int4multirange(int4range(1, 3), int4range(2, 5)), range_agg(r), unnest('{[1,3),[5,7)}'::int4multirange) FROM (VALUES (int4range(1, 2)), (int4range(2, 4))) v(r)
== ranges of a table
SELECT a.id, b.id FROM rooms a JOIN rooms b ON a.during && b.during AND a.id < b.id
== full text
SELECT to_tsvector('english', 'running shoes') @@ to_tsquery('english', 'run & shoe'), plainto_tsquery('english', 'the shoes'), phraseto_tsquery('english', 'wool socks'), websearch_to_tsquery('english', 'wool -socks'), ts_headline('english', 'wool socks', to_tsquery('wool')), strip(to_tsvector('a b')), setweight(to_tsvector('a'), 'A'), numnode('a & b'::tsquery), querytree('a & !b'::tsquery), tsvector_to_array(to_tsvector('a')), ts_lexize('english_stem', 'shoes')
== full text search of a table
SELECT id, title, ts_rank(words, q) FROM products, to_tsquery('english', 'shoe | boot') q WHERE words @@ q ORDER BY 3 DESC, 1
== XML
SELECT xpath('/a/b/text()', body), xmlelement(name x, xmlattributes(1 AS y), 'z'), xmlforest(id AS i), xmlserialize(CONTENT body AS text), xmlparse(DOCUMENT '<a/>'), body IS DOCUMENT, xmlexists('/a' PASSING body), xmlconcat('<a/>', '<b/>'), xmlcomment('x'), xmlpi(name x), xmlroot('<a/>', version '1.0'), xpath_exists('/a', body), xml_is_well_formed('<a/>') FROM docs
== XML, aggregated
SELECT xmlagg(body) FROM docs
== XMLTABLE
SELECT t.* FROM docs, XMLTABLE('/a/b' PASSING body COLUMNS n int PATH '@n', x text PATH '.', ord FOR ORDINALITY) t
== bytes
SELECT '\x00ff'::bytea, encode('abc', 'base64'), decode('YWJj', 'base64'), sha256('x'), get_byte('\x01', 0), convert_from('\xc3a4', 'UTF8'), convert_to('ä', 'LATIN1'), length('\x0102'::bytea), '\x01'::bytea || '\x02'::bytea, substring('\x0102'::bytea from 2), bit_count('\x0f'::bytea), raw FROM docs
== bits
SELECT B'101' & B'110', B'1' || B'0', X'1F', 5::bit(8), get_bit(B'10', 0), bit_length('a'), '101'::varbit
== networks
SELECT inet '10.0.0.1/8', cidr '10.0.0.0/8', host('10.0.0.1/8'::inet), network('10.0.0.1/8'::inet), masklen('10.0.0.1/8'::inet), inet '10.1.2.3' << cidr '10.0.0.0/8', inet '10.0.0.1' + 5, macaddr '08:00:2b:01:02:03', trunc(macaddr '08:00:2b:01:02:03'), broadcast('10.0.0.1/8'::inet), abbrev('10.1.0.0/16'::cidr), inet_merge('10.0.0.1'::inet, '10.0.0.2'::inet)
== geometry
SELECT point(1, 2) <-> point(4, 6), box '((0,0),(1,1))' @> point '(0.5,0.5)', circle '<(0,0),1>', area(box '((0,0),(2,3))'), center(circle '<(1,1),2>'), polygon '((0,0),(1,1),(1,0))', path '[(0,0),(1,1)]', lseg '[(0,0),(1,1)]', line '{1,2,3}'
== money and oddities
SELECT 12.34::numeric::money::numeric, '12:00'::timetz, 'a'::"char", 'x'::name, 1::oid, '1/2'::pg_lsn, '(0,1)'::tid, '1 2'::int2vector
== UUID
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid
== random
rows: any
SELECT random() < 2, gen_random_uuid() IS NOT NULL, uuid_generate_v4() IS NOT NULL
== types of things
SELECT pg_typeof(1), pg_typeof('x'::text), pg_collation_for('x' COLLATE "C"), format_type(23, -1), pg_column_size(1)
== collations
SELECT name FROM customers ORDER BY name COLLATE "C" DESC LIMIT 3
== num_nulls
SELECT num_nulls(1, NULL), num_nonnulls(1, NULL)
== a type that does not exist
expect: fails
code: 42704
SELECT '1'::int, CAST('1' AS int), int '1', int4('1'), 1::text, text(1), varchar '1', 1.5::int, true::int, 1::bool, '2024-01-01'::date::timestamp, 'x'::regtype::text
== casts of every spelling that works
SELECT '1'::int, CAST('1' AS int), int '1', int4('1'), 1::text, varchar '1', 1.5::int, true::int, 1::bool, '2024-01-01'::date::timestamp, 'int'::regtype::text, 'orders'::regclass, date('2024-01-01'), float8(1), timestamptz('2024-01-01'), interval '1 day', text 'x', bpchar 'x'
== citext
SELECT id FROM customers WHERE email = 'C3@EXAMPLE.COM'
== citext by LIKE
SELECT id FROM customers WHERE email LIKE 'C1%@EXAMPLE.com' ORDER BY 1
== hstore
SELECT id, extra -> 'colour', extra ? 'colour', extra @> 'colour=>red', akeys(extra), hstore_to_json(extra) FROM customers ORDER BY id LIMIT 2
== hstore, expanded
SELECT c.id, e.key, e.value FROM customers c, each(c.extra) e WHERE c.id < 3 ORDER BY 1
== ltree
SELECT id FROM products WHERE path <@ 'shop.shoes' ORDER BY id
== ltree functions
SELECT nlevel(path), subpath(path, 1), path ~ '*.shoes' FROM products ORDER BY id LIMIT 2
== pg_trgm
SELECT title, similarity(title, 'runing') > 0.1 FROM products WHERE title % 'Running shoes 4' ORDER BY title <-> 'Running shoes 4', id
== pgcrypto
SELECT encode(digest('x', 'sha256'), 'hex'), encode(hmac('x', 'k', 'md5'), 'hex'), crypt('x', '$1$abcdefgh$') = crypt('x', '$1$abcdefgh$')
== pgcrypto, random
rows: any
SELECT length(gen_random_bytes(8)), length(gen_salt('md5')) > 1
== uuid-ossp
SELECT uuid_generate_v5(uuid_ns_url(), 'x'), uuid_nil()
== unaccent
SELECT unaccent('Köln'), unaccent('unaccent', 'é')
== intarray
SELECT sort(ARRAY[3, 1]), ARRAY[1, 2] & ARRAY[2], idx(ARRAY[5, 6], 6), uniq(ARRAY[1, 1]), icount(ARRAY[1]), ARRAY[1, 2] @@ '1&2'::query_int
== cube and earthdistance
SELECT cube_distance('(0,0)', '(3,4)'), round(earth_distance(ll_to_earth(0, 0), ll_to_earth(0, 1))::numeric, 0)
== fuzzystrmatch
SELECT levenshtein('a', 'b'), soundex('x'), metaphone('Thompson', 4), difference('a', 'b')
== isn
SELECT isbn('0-393-04002-X'), is_valid('978-0-393-04002-9'::ean13)
== seg
SELECT seg '1..2' && seg '2..3'
== dict_int
SELECT ts_lexize('intdict', '12345678')
== the catalog: tables
rows: any
SELECT c.relname, n.nspname, pg_get_userbyid(c.relowner), c.reltuples, pg_size_pretty(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'shop' ORDER BY 1
== the catalog: columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = 'shop.customers'::regclass::oid AND a.attnum > 0 ORDER BY a.attnum
== the catalog: definitions
SELECT pg_get_viewdef('berlin'::regclass), pg_get_indexdef(indexrelid), pg_get_constraintdef(c.oid) FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid WHERE indrelid = 'shop.orders'::regclass::oid ORDER BY 2
== the catalog: functions
SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid), pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'total_of'
== the catalog: views of it
SELECT schemaname, viewname FROM pg_views WHERE schemaname = 'shop' ORDER BY 2
== the catalog: indexes
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'shop' ORDER BY 1, 2
== the catalog: roles
SELECT rolname, rolsuper, rolcanlogin FROM pg_roles WHERE rolname LIKE 'corpus%' ORDER BY 1
== the catalog: settings
SELECT name, setting, unit FROM pg_settings WHERE name IN ('work_mem', 'max_connections') ORDER BY 1
== the catalog: types and enums
SELECT t.typname, e.enumlabel FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typname = 'mood' ORDER BY e.enumsortorder
== the catalog: privileges
SELECT has_table_privilege('shop.orders', 'SELECT'), has_schema_privilege('shop', 'USAGE'), has_column_privilege('shop.orders', 'id', 'SELECT'), has_database_privilege(current_database(), 'CONNECT')
== the catalog: sizes
rows: any
SELECT pg_database_size(current_database()), pg_relation_size('orders'), pg_table_size('orders'), pg_indexes_size('orders')
== the catalog: locks
rows: any
SELECT locktype, mode, granted FROM pg_locks
== the catalog: comments and objects
SELECT obj_description('shop.orders'::regclass), to_regclass('shop.orders'), to_regtype('int'), 'shop.orders'::regclass::oid IS NOT NULL
== information_schema: tables
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 2
== information_schema: columns
SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'orders' ORDER BY ordinal_position
== information_schema: keys
SELECT tc.constraint_name, kcu.column_name, ccu.table_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu USING (constraint_name, table_schema) JOIN information_schema.constraint_column_usage ccu USING (constraint_name) WHERE tc.constraint_type = 'FOREIGN KEY' AND tc.table_schema = 'shop' ORDER BY 1, 2
== information_schema: routines
SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'shop' ORDER BY 1
== statistics: activity
rows: any
SELECT pid, usename, state, wait_event_type, now() - query_start FROM pg_stat_activity
== statistics: tables
rows: any
SELECT relname, seq_scan, n_live_tup, last_analyze FROM pg_stat_user_tables ORDER BY 1
== statistics: indexes
rows: any
SELECT indexrelname, idx_scan FROM pg_stat_user_indexes
== statistics: the database
rows: any
SELECT datname, numbackends, xact_commit, blks_hit FROM pg_stat_database
== statistics: io
rows: any
SELECT relname, heap_blks_read FROM pg_statio_user_tables
== statistics: writer and archiver
rows: any
SELECT * FROM pg_stat_bgwriter, pg_stat_archiver
== statistics: replication
rows: any
SELECT * FROM pg_stat_replication
== statistics: columns
rows: any
SELECT tablename, attname, n_distinct, null_frac FROM pg_stats WHERE schemaname = 'shop'
== statistics: progress
rows: any
SELECT * FROM pg_stat_progress_vacuum
== where the server is
rows: any
SELECT pg_is_in_recovery(), pg_current_wal_lsn(), pg_postmaster_start_time(), pg_conf_load_time()
== time zones
SELECT abbrev FROM pg_timezone_names WHERE name = 'UTC'
== bloat, as people ask for it
rows: any
SELECT schemaname, relname, n_dead_tup, round(100.0 * n_dead_tup / NULLIF(n_live_tup + n_dead_tup, 0), 1) AS pct FROM pg_stat_all_tables ORDER BY n_dead_tup DESC LIMIT 5
== unused indexes, as people ask for them
rows: any
SELECT s.relname, s.indexrelname, pg_size_pretty(pg_relation_size(s.indexrelid)) FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid WHERE s.idx_scan = 0 AND NOT i.indisunique
== who blocks whom, as people ask for it
rows: any
SELECT a.pid, pg_blocking_pids(a.pid) FROM pg_stat_activity a WHERE cardinality(pg_blocking_pids(a.pid)) > 0
== a cohort, as people ask for it
WITH firsts AS (SELECT customer_id, min(date_trunc('month', placed)) AS cohort FROM orders GROUP BY 1) SELECT cohort, count(DISTINCT o.customer_id) AS active, sum(o.total) FROM firsts f JOIN orders o USING (customer_id) GROUP BY cohort ORDER BY cohort
== a pivot, as people ask for it
SELECT customer_id, count(*) FILTER (WHERE status = 'new') AS new, count(*) FILTER (WHERE status = 'paid') AS paid, sum(CASE WHEN status = 'void' THEN total ELSE 0 END) AS void FROM orders GROUP BY customer_id ORDER BY 1 LIMIT 5
== gaps, as people ask for them
SELECT g.d FROM generate_series(timestamptz '2024-02-01 00:00+00', '2024-02-10 00:00+00', '1 day') AS g(d) LEFT JOIN orders o ON date_trunc('day', o.placed) = g.d WHERE o.id IS NULL ORDER BY 1
== the latest of each, as people ask for it
SELECT * FROM (SELECT o.*, row_number() OVER (PARTITION BY customer_id ORDER BY placed DESC) AS rn FROM orders o) x WHERE rn = 1 ORDER BY customer_id LIMIT 5
== keyset paging, as people do it
params: [10, 5]
SELECT id, total FROM orders WHERE id > $1 ORDER BY id LIMIT $2
== duplicates, as people ask for them
SELECT lower(name), count(*), array_agg(id ORDER BY id) FROM customers GROUP BY lower(name) HAVING count(*) > 1
