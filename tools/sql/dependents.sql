-- What depends on relations that are altered or dropped, other than their parts.
--   $1 schemas ('' for the search path)   $2 names   $3 schemas of the search path, in order
with path as (
    select n.oid, p.place from unnest($3::name[]) with ordinality p(schema, place) join pg_namespace n on n.nspname = p.schema
),
named as (
    select (
        select c.oid from pg_class c join pg_namespace ns on ns.oid = c.relnamespace left join path p on p.oid = ns.oid
        where c.relname = u.n and case u.s when '' then p.place is not null else ns.nspname = u.s end
        order by p.place limit 1
    ) as oid
    from unnest($1::text[], $2::text[]) as u(s, n)
),
depends as (
    select d.classid, d.objid from pg_depend d join named on d.refclassid = 'pg_class'::regclass and d.refobjid = named.oid
    where d.deptype = 'n' and d.classid <> 'pg_attrdef'::regclass
)
select distinct case when w.oid is not null then 'view' else i.type end,
    case when w.oid is not null then format('%I.%I', n.nspname, v.relname) else i.identity end
from depends d
cross join lateral pg_identify_object(d.classid, d.objid, 0) i
left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
left join pg_class v on v.oid = w.ev_class left join pg_namespace n on n.oid = v.relnamespace
where w.oid is null or not exists (select from named where named.oid = v.oid)
order by 1, 2
