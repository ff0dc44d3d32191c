-- One line for everything in the database that a statement could change. What
-- the server changes by itself, such as its statistics, stays out.
CREATE FUNCTION pg_temp.digest() RETURNS TABLE (what text, digest text) LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    -- The rows of every table, sequence and materialized view.
    FOR r IN SELECT c.oid::regclass AS name, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_(catalog|toast|temp)'
        AND (c.relkind <> 'm' OR c.relispopulated)
    LOOP
        what := 'rows of ' || r.name;
        EXECUTE format('SELECT md5(string_agg(t::text, %L ORDER BY t::text)) FROM (SELECT * FROM ONLY %s) t', E'\n', r.name) INTO digest;
        RETURN NEXT;
    END LOOP;
    -- The catalogs: a row that is made, changed or dropped changes its xmin.
    FOR r IN SELECT c.oid::regclass AS name, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'oid') AS has_oid
        FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
        AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject')
    LOOP
        what := 'catalog ' || r.name;
        EXECUTE format('SELECT count(*) || %L || coalesce(sum(hashtextextended(ctid::text || %L || xmin::text, 0)), 0) FROM %s', ' ', ' ', r.name) INTO digest;
        RETURN NEXT;
    END LOOP;
    RETURN QUERY SELECT 'large objects', md5(string_agg(loid || ' ' || pageno || encode(data, 'hex'), ',' ORDER BY loid, pageno)) FROM pg_largeobject;
    RETURN QUERY SELECT 'replication slots', md5(string_agg(slot_name || coalesce(restart_lsn::text, '') || active, ',' ORDER BY slot_name)) FROM pg_replication_slots;
    RETURN QUERY SELECT 'prepared transactions', md5(string_agg(gid, ',' ORDER BY gid)) FROM pg_prepared_xacts;
    RETURN QUERY SELECT 'advisory locks', md5(string_agg(objid::text || mode, ',' ORDER BY objid, mode)) FROM pg_locks
        WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN QUERY SELECT 'configuration files', md5(string_agg(name || setting, ',' ORDER BY name, seqno)) FROM pg_file_settings;
    RETURN QUERY SELECT 'configuration loaded', pg_conf_load_time()::text;
    RETURN QUERY SELECT 'statistics reset', stats_reset::text FROM pg_stat_database WHERE datname = current_database();
    RETURN QUERY SELECT 'writer statistics reset', stats_reset::text FROM pg_stat_bgwriter;
    RETURN QUERY SELECT 'victim session', count(*)::text FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database();
    RETURN QUERY SELECT 'transactions left open', count(*)::text FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND application_name = 'chaperone';
END $$
