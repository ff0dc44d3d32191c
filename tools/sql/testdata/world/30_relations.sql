-- Relations that do more than hold rows.
SET search_path = public;

CREATE VIEW lie.v AS SELECT lie.immutable(n) AS n FROM lie.plain;
CREATE VIEW lie.v_of_v AS SELECT n FROM lie.v;
CREATE VIEW lie.v_of_v_of_v AS SELECT * FROM lie.v_of_v WHERE n > 0;
CREATE VIEW lie.v_op AS SELECT n @@@ 1 AS n FROM lie.plain;
CREATE VIEW lie.v_cast AS SELECT 'a'::text::lie.kind AS k;
CREATE VIEW lie.v_implicit AS SELECT k + 1 AS n FROM lie.t;
CREATE VIEW lie.v_dom AS SELECT x::lie.dom AS d FROM lie.plain;
CREATE VIEW lie.v_dom_array AS SELECT ARRAY[x]::text[]::lie.dom[] AS d FROM lie.plain;
CREATE VIEW lie.v_row AS SELECT (t).tick FROM lie.t t;
CREATE VIEW lie.v_populate AS SELECT json_populate_record(t, '{"d": "e"}') AS r FROM lie.t t;
CREATE VIEW lie.v_json AS SELECT to_json(k) AS j FROM lie.t;
CREATE VIEW lie.v_lock AS SELECT n FROM lie.plain FOR UPDATE;
CREATE VIEW lie.v_next AS SELECT nextval('shop.tickets') AS n;
CREATE VIEW lie.v_sub AS SELECT n, (SELECT max(i) FROM lie.rows() i) AS m FROM lie.plain;
CREATE VIEW public.innocent AS SELECT lie.definer() AS n;
CREATE TABLE lie.v_rule (n int);
CREATE RULE "_RETURN" AS ON SELECT TO lie.v_rule DO INSTEAD SELECT lie.immutable() AS n;
CREATE TABLE lie.ruled (n int);
CREATE RULE also AS ON INSERT TO lie.ruled DO ALSO SELECT lie.immutable(1);
CREATE RULE instead AS ON UPDATE TO lie.ruled DO INSTEAD SELECT lie.immutable(2);
CREATE TABLE lie.defaults (n int, m int DEFAULT lie.immutable(3), g int GENERATED ALWAYS AS (lie.immutable(4)) STORED);
CREATE MATERIALIZED VIEW lie.kept AS SELECT lie.immutable(n) AS n FROM lie.plain;

CREATE TABLE lie.rls (n int);
INSERT INTO lie.rls VALUES (1);
ALTER TABLE lie.rls ENABLE ROW LEVEL SECURITY;
ALTER TABLE lie.rls FORCE ROW LEVEL SECURITY;
CREATE POLICY strikes ON lie.rls USING (lie.stable('rls'));
CREATE VIEW lie.v_rls WITH (security_invoker = true) AS SELECT n FROM lie.rls;

-- Foreign tables: a program, and this very server through a view that strikes.
CREATE VIEW side.remote AS SELECT 1 AS n, side.strike('foreign') AS done;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
DO $$ BEGIN EXECUTE format('CREATE FOREIGN TABLE lie.program (n int) SERVER files OPTIONS (program %L)',
    'echo x >> ' || current_setting('side.scratch') || '/program; echo 1'); END $$;
DO $$ BEGIN EXECUTE format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
    '127.0.0.1', current_setting('port'), current_database()); END $$;
CREATE USER MAPPING FOR PUBLIC SERVER loop OPTIONS (user 'postgres', password_required 'false');
CREATE FOREIGN TABLE lie.remote (n int, done boolean) SERVER loop OPTIONS (schema_name 'side', table_name 'remote');
CREATE VIEW lie.v_program AS SELECT n FROM lie.program;
CREATE MATERIALIZED VIEW lie.kept_program AS SELECT n FROM lie.program;
CREATE TABLE lie.parted (n int, done boolean) PARTITION BY LIST (n);
CREATE TABLE lie.parted_sub PARTITION OF lie.parted DEFAULT PARTITION BY LIST (n);
CREATE FOREIGN TABLE lie.parted_far PARTITION OF lie.parted_sub FOR VALUES IN (1) SERVER loop OPTIONS (schema_name 'side', table_name 'remote');
CREATE VIEW lie.v_parted AS SELECT n FROM lie.parted;
CREATE TABLE lie.base (n int, done boolean);
CREATE FOREIGN TABLE lie.base_far () INHERITS (lie.base) SERVER loop OPTIONS (schema_name 'side', table_name 'remote');

-- What the planner computes when it opens a table.
CREATE TABLE lie.fold_predicate (n int);
CREATE INDEX ON lie.fold_predicate (n) WHERE n > lie.immutable(10);
CREATE TABLE lie.fold_index (n int);
CREATE INDEX ON lie.fold_index ((n + lie.immutable(11)));
CREATE TABLE lie.fold_hidden (n int);
CREATE INDEX ON lie.fold_hidden ((n + lie.immutable(coalesce(12, n))));
CREATE TABLE lie.fold_ignored (n int);
CREATE INDEX ON lie.fold_ignored ((lie.immutable(lie.ignores(n))));
CREATE TABLE lie.fold_op (n int);
CREATE INDEX ON lie.fold_op (n) WHERE n > (1 OPERATOR(public.@@@) 2);
CREATE TABLE lie.fold_cast (n int);
CREATE INDEX ON lie.fold_cast (n) WHERE n > 'a'::lie.kind::int;
CREATE TABLE lie.fold_check (n int);
CREATE TABLE lie.fold_check_child (CHECK (n > lie.immutable(13))) INHERITS (lie.fold_check);
CREATE TABLE lie.fold_statistics (n int);
CREATE STATISTICS lie.folded ON (n + lie.immutable(14)), n FROM lie.fold_statistics;
CREATE TABLE lie.fold_key (n int) PARTITION BY RANGE ((n + lie.immutable(15)));
CREATE TABLE lie.fold_key_1 PARTITION OF lie.fold_key FOR VALUES FROM (0) TO (100);
-- The same functions of columns only: nothing runs when these are read.
CREATE FUNCTION shop.normal(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('normal'); RETURN $1; END $$;
CREATE TABLE shop.indexed (id int, name text);
INSERT INTO shop.indexed VALUES (1, 'A');
CREATE INDEX ON shop.indexed (shop.normal(name));
CREATE INDEX ON shop.indexed (shop.normal(lower(name)));
GRANT SELECT ON shop.indexed TO corpus_reader, corpus_owner;

CREATE TABLE lie.sample AS SELECT i AS n FROM generate_series(1, 100) i;
CREATE FUNCTION public.sampler(internal) RETURNS tsm_handler LANGUAGE internal AS 'tsm_bernoulli_handler';

CREATE FUNCTION side.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('event trigger ' || tg_tag); END $$;
CREATE EVENT TRIGGER on_view ON ddl_command_start WHEN TAG IN ('CREATE VIEW', 'CREATE TABLE', 'CREATE TABLE AS') EXECUTE FUNCTION side.on_ddl();
CREATE EVENT TRIGGER on_end ON ddl_command_end WHEN TAG IN ('CREATE VIEW', 'CREATE TABLE', 'DROP VIEW') EXECUTE FUNCTION side.on_ddl();
