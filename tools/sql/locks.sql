-- The locks on tables, other than those of every query, that the transaction holds.
select n.nspname::text || '.' || c.relname, l.mode
from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted and l.mode <> 'AccessShareLock'
    and c.oid >= 16384 and c.relkind in ('r', 'p', 'm', 'f') and n.nspname !~ '^pg_'
order by 1, 2
