-- expect: refused
-- why: EXPLAIN plans a statement, and with ANALYZE it runs it

== ANALYZE of INSERT
EXPLAIN ANALYZE INSERT INTO lie.plain VALUES (3, 'z')
== ANALYZE of UPDATE
EXPLAIN ANALYZE UPDATE lie.plain SET n = 0
== ANALYZE of DELETE
EXPLAIN ANALYZE DELETE FROM lie.plain
== ANALYZE of MERGE
EXPLAIN ANALYZE MERGE INTO lie.plain p USING orders o ON p.n = o.id WHEN MATCHED THEN DELETE
== ANALYZE of CREATE TABLE AS
EXPLAIN ANALYZE CREATE TABLE lie.made AS SELECT 1
== ANALYZE of CREATE MATERIALIZED VIEW
EXPLAIN ANALYZE CREATE MATERIALIZED VIEW lie.made AS SELECT 1
== ANALYZE of SELECT INTO
EXPLAIN ANALYZE SELECT 1 AS n INTO lie.made
== ANALYZE of a CTE that writes
EXPLAIN ANALYZE WITH x AS (DELETE FROM lie.plain RETURNING 1) SELECT 1
== ANALYZE of FOR UPDATE
EXPLAIN ANALYZE SELECT * FROM lie.plain FOR UPDATE
== ANALYZE of EXECUTE
EXPLAIN ANALYZE EXECUTE p
== ANALYZE of DECLARE
EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1
== ANALYZE of REFRESH
EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW best
== ANALYZE VERBOSE
EXPLAIN ANALYZE VERBOSE DELETE FROM lie.plain
== ANALYSE
EXPLAIN ANALYSE DELETE FROM lie.plain
== in brackets
EXPLAIN (ANALYZE) DELETE FROM lie.plain
== in brackets, the other spelling
EXPLAIN (ANALYSE) DELETE FROM lie.plain
== true
EXPLAIN (ANALYZE true) DELETE FROM lie.plain
== on
EXPLAIN (ANALYZE on) DELETE FROM lie.plain
== ON, quoted
EXPLAIN (ANALYZE 'ON') DELETE FROM lie.plain
== tRuE, quoted
EXPLAIN (ANALYZE 'tRuE') DELETE FROM lie.plain
== 1
EXPLAIN (ANALYZE 1) DELETE FROM lie.plain
== quoted name
EXPLAIN ("analyze" true) DELETE FROM lie.plain
== an escaped name
EXPLAIN (U&"an\0061lyze" true) DELETE FROM lie.plain
== among others
EXPLAIN (COSTS off, ANALYZE, BUFFERS) DELETE FROM lie.plain
== off, then on
EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM lie.plain
== on after false
EXPLAIN (ANALYZE false, VERBOSE, ANALYZE) DELETE FROM lie.plain
== a value that is neither
EXPLAIN (ANALYZE maybe) DELETE FROM lie.plain
== with a comment between
EXPLAIN/**/(/**/ANALYZE/**/)DELETE FROM lie.plain
== ANALYZE of a lying function
EXPLAIN ANALYZE SELECT lie.volatile()
== a lying immutable function, planned only
EXPLAIN SELECT lie.immutable()
== a lying immutable function in WHERE, planned only
EXPLAIN SELECT 1 FROM orders WHERE id = lie.immutable(1)
== a lying stable function, estimated by the planner
EXPLAIN SELECT 1 FROM orders WHERE id > lie.stable('x')::int
== a view over a lying function, planned only
EXPLAIN SELECT 1 FROM lie.v_of_v
== an INSERT whose default lies, planned only
EXPLAIN INSERT INTO lie.defaults (n) VALUES (1)
== an INSERT with DEFAULT VALUES, planned only
EXPLAIN INSERT INTO lie.defaults DEFAULT VALUES
== an UPDATE to a default that lies, planned only
EXPLAIN UPDATE lie.defaults SET m = DEFAULT
== an INSERT with a rule, planned only
EXPLAIN INSERT INTO lie.ruled VALUES (1)
== an UPDATE with a rule, planned only
EXPLAIN UPDATE lie.ruled SET n = 1
== a DELETE with row security that lies, planned only
EXPLAIN DELETE FROM lie.rls
== a foreign table, planned only
EXPLAIN UPDATE lie.remote SET n = 1
== an INSERT of a lying function, planned only
EXPLAIN INSERT INTO lie.plain SELECT lie.immutable()
== RETURNING a lying function, planned only
EXPLAIN DELETE FROM lie.plain RETURNING lie.immutable()
== ON CONFLICT with a lying function, planned only
EXPLAIN INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = lie.immutable(1)
== CREATE TABLE AS a lying function, planned only
EXPLAIN CREATE TABLE lie.made AS SELECT lie.immutable()
== a domain made of a constant, planned only
EXPLAIN SELECT '{x}'::lie.dom[]
== EXECUTE
EXPLAIN EXECUTE p
== DECLARE
EXPLAIN DECLARE c CURSOR FOR SELECT 1
== EXPLAIN of EXPLAIN
EXPLAIN EXPLAIN SELECT 1
== several statements
EXPLAIN SELECT 1; DELETE FROM lie.plain
== REFRESH
EXPLAIN REFRESH MATERIALIZED VIEW best
== off
expect: read
why: nothing runs
EXPLAIN (ANALYZE off) DELETE FROM lie.plain
== on, then off
expect: read
why: the last one counts, to the server too
EXPLAIN (ANALYZE, ANALYZE off) DELETE FROM lie.plain
== 0
expect: read
why: nothing runs
EXPLAIN (ANALYZE 0, VERBOSE) DELETE FROM lie.plain
== FALSE, quoted
expect: read
why: nothing runs
EXPLAIN (ANALYZE 'FALSE') UPDATE lie.plain SET n = 0
== a plain DELETE
expect: read
why: nothing runs
EXPLAIN DELETE FROM orders WHERE id = 1
== a plain INSERT
expect: read
why: nothing runs
EXPLAIN INSERT INTO lie.plain VALUES (3, 'z')
== a plain CREATE TABLE AS
why: nothing runs, but the server can't be asked what planning it uses
EXPLAIN CREATE TABLE lie.made AS SELECT 1
== a plain FOR UPDATE
expect: read
why: nothing is locked
EXPLAIN SELECT * FROM orders FOR UPDATE
