-- How many rows the transaction changed in all tables, by other parts of the
-- statement, triggers and cascades too. It runs by the caller's search path, so
-- that every name is qualified. Objects below this number are the server's own. The
-- view pg_stat_xact_user_tables joins more than that takes.
select pg_catalog.int8(coalesce(pg_catalog.sum(
    pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) operator(pg_catalog.+)
    pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) operator(pg_catalog.+)
    pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)), 0))
from pg_catalog.pg_class c
where c.relkind operator(pg_catalog.=) 'r' and c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
