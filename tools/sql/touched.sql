-- The tables in which the transaction changed rows, by triggers and cascades too,
-- and those that it emptied, altered or dropped, which a change of rows never
-- locks as strongly.
with held as (
    select distinct l.relation as oid from pg_locks l
    where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted and l.relation >= 16384
        and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
)
select s.schemaname::text, s.relname::text, s.n_tup_ins, s.n_tup_upd, s.n_tup_del, c.relpages::int8,
    (select coalesce(array_agg(a.attname::text order by a.attnum), '{}') from pg_attribute a
     where a.attrelid = s.relid and a.attnum > 0 and not a.attisdropped) as columns,
    (select coalesce(array_agg(a.attname::text order by array_position(i.indkey::int2[], a.attnum)), '{}')
     from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[])
     where i.indrelid = s.relid and i.indisprimary) as key,
    (select coalesce(array_agg(t.tgname::text || ' (' || p.proname || ')' order by t.tgname), '{}')
     from pg_trigger t join pg_proc p on p.oid = t.tgfoid
     where t.tgrelid = s.relid and not t.tgisinternal and t.tgenabled <> 'D') as triggers,
    exists (select from pg_depend d join pg_class q on q.oid = d.objid and q.relkind = 'S'
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = s.relid) as numbered,
    c.oid in (select oid from held) and c.relpersistence <> 't' as redefined
from pg_stat_xact_user_tables s join pg_class c on c.oid = s.relid
where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 or c.oid in (select oid from held) and c.relpersistence <> 't'
union all
select '', 'a table that is dropped', 0, 0, 0, 0, '{}', '{}', '{}', false, true
where exists (select from held h where not exists (select from pg_class c where c.oid = h.oid))
order by 1, 2
