-- One JSON document for each relation that the role may read, by name.
--   $1 LIKE pattern of schemas  $2 LIKE pattern of names  $3 rows  $4 offset
select json_build_object(
    'schema', n.nspname, 'name', c.relname,
    'kind', case c.relkind when 'r' then 'table' when 'p' then 'partitioned' when 'v' then 'view'
        when 'm' then 'materialized_view' when 'f' then 'foreign' else 'sequence' end,
    'comment', coalesce(obj_description(c.oid, 'pg_class'), ''),
    'rows', case when c.relkind in ('r', 'p', 'm') and c.reltuples >= 0 then c.reltuples::int8 end,
    'bytes', case when c.relkind in ('r', 'm', 'p') then pg_total_relation_size(c.oid) end,
    'row_security', c.relrowsecurity,
    'columns', (
        select coalesce(json_agg(json_build_object(
            'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', not a.attnotnull,
            'default', a.atthasdef or a.attidentity <> '', 'comment', coalesce(col_description(c.oid, a.attnum), '')
        ) order by a.attnum), '[]')
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'keys', (
        select coalesce(json_agg(json_build_object(
            'kind', case k.contype when 'p' then 'primary' when 'u' then 'unique' when 'f' then 'foreign' else 'check' end,
            'name', k.conname,
            'columns', (select coalesce(json_agg(a.attname order by u.n), '[]') from unnest(k.conkey) with ordinality u(num, n)
                join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num),
            'references', case when k.contype = 'f' then rn.nspname || '.' || r.relname else '' end,
            'referenced', (select coalesce(json_agg(a.attname order by u.n), '[]') from unnest(k.confkey) with ordinality u(num, n)
                join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num)
        ) order by k.contype = 'p' desc, k.conname), '[]')
        from pg_constraint k
        left join pg_class r on r.oid = k.confrelid
        left join pg_namespace rn on rn.oid = r.relnamespace
        where k.conrelid = c.oid and k.contype in ('p', 'u', 'f')),
    'indexes', (
        select coalesce(json_agg(json_build_object('name', ic.relname, 'unique', i.indisunique, 'columns', (
            select json_agg(pg_get_indexdef(i.indexrelid, g, true) order by g) from generate_series(1, i.indnkeyatts) g))
            order by ic.relname), '[]')
        from pg_index i join pg_class ic on ic.oid = i.indexrelid where i.indrelid = c.oid)
)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname like $1 and c.relname like $2
  and (n.nspname not in ('pg_catalog', 'information_schema') or $1 !~ '^%')
  and n.nspname !~ '^pg_(toast|temp)'
  and has_schema_privilege(n.oid, 'USAGE')
  and (has_table_privilege(c.oid, 'SELECT') or has_any_column_privilege(c.oid, 'SELECT'))
order by n.nspname, c.relname
limit $3 offset $4
