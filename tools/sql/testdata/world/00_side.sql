-- Extensions, and what shows that a function has run: side.strike writes a row
-- by a connection of its own, so no rollback takes it back. It keeps quiet while
-- the world is made, which sets side.quiet.
CREATE EXTENSION dblink;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION "uuid-ossp";
CREATE EXTENSION unaccent;
CREATE EXTENSION btree_gist;
CREATE EXTENSION btree_gin;
CREATE EXTENSION intarray;
CREATE EXTENSION cube;
CREATE EXTENSION earthdistance;
CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION isn;
CREATE EXTENSION seg;
CREATE EXTENSION dict_int;
CREATE EXTENSION tsm_system_rows;
CREATE EXTENSION tsm_system_time;
CREATE EXTENSION tablefunc;
CREATE EXTENSION xml2;
CREATE EXTENSION lo;
CREATE EXTENSION file_fdw;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION adminpack;
CREATE EXTENSION pageinspect;
CREATE EXTENSION pg_prewarm;
CREATE EXTENSION pg_surgery;
CREATE EXTENSION pg_visibility;
CREATE EXTENSION pgrowlocks;
CREATE EXTENSION pgstattuple;
CREATE EXTENSION amcheck;
CREATE EXTENSION old_snapshot;
CREATE EXTENSION sslinfo;

CREATE SCHEMA side;
CREATE TABLE side.log (n bigint GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION side.strike(what text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF current_setting('side.quiet', true) = 'on' THEN RETURN true; END IF;
    PERFORM public.dblink_exec(format('host=127.0.0.1 port=%s user=postgres dbname=%I', current_setting('port'), current_database()),
        format('INSERT INTO side.log (what) VALUES (%L)', what));
    RETURN true;
END $$;
GRANT USAGE ON SCHEMA side TO PUBLIC;
DO $$ BEGIN EXECUTE format('GRANT ALL ON DATABASE %I TO corpus_owner', current_database()); END $$;
GRANT ALL ON SCHEMA public TO corpus_owner;
