-- The tables in which the transaction changed rows, by triggers and cascades too.
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
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = s.relid) as numbered
from pg_stat_xact_user_tables s join pg_class c on c.oid = s.relid
where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
order by s.schemaname, s.relname
