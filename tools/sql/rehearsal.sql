-- What a change of tables sets off: the functions that triggers, rules, defaults
-- and checks run, and whatever those name in turn. A body is searched by words, so
-- it is said to reach more than it does, and never less: what puts a statement
-- together at run time, or has no body to search, is opaque.
with recursive reached(kind, oid) as (
    select 'table'::text, c.oid from unnest($1::text[], $2::text[]) as named(schema, name)
    join pg_namespace n on n.nspname = named.schema join pg_class c on c.relnamespace = n.oid and c.relname = named.name
    union
    select more.kind, more.oid from reached cross join lateral (
        select 'table'::text as kind, i.inhrelid as oid from pg_inherits i where reached.kind = 'table' and i.inhparent = reached.oid
        union all
        select 'table', k.conrelid from pg_constraint k
        where reached.kind = 'table' and k.contype = 'f' and k.confrelid = reached.oid and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))
        union all
        select 'function', t.tgfoid::oid from pg_trigger t where reached.kind = 'table' and t.tgrelid = reached.oid and not t.tgisinternal and t.tgenabled <> 'D'
        union all
        select case d.refclassid when 'pg_proc'::regclass then 'function' else 'table' end, d.refobjid from (
            select 'pg_rewrite'::regclass::oid as class, w.oid as object from pg_rewrite w where w.ev_class = reached.oid
            union all select 'pg_attrdef'::regclass, a.oid from pg_attrdef a where a.adrelid = reached.oid
            union all select 'pg_constraint'::regclass, k.oid from pg_constraint k where k.conrelid = reached.oid and k.contype = 'c'
            union all select 'pg_trigger'::regclass, t.oid from pg_trigger t where t.tgrelid = reached.oid and not t.tgisinternal
        ) part join pg_depend d on d.classid = part.class and d.objid = part.object
        where reached.kind = 'table' and (d.refclassid = 'pg_proc'::regclass
            or d.refclassid = 'pg_class'::regclass and part.class = 'pg_rewrite'::regclass and d.refobjid <> reached.oid)
        union all
        select named.kind, named.oid from pg_proc p join pg_language l on l.oid = p.prolang cross join lateral (
            select array_agg(distinct word) as words from regexp_split_to_table(lower(p.prosrc), '[^a-z0-9_$]+') word
        ) body cross join lateral (
            select 'function'::text as kind, q.oid from pg_proc q
            where case when q.proname ~ '^[A-Za-z0-9_$]+$' then lower(q.proname) = any (body.words)
                else position(lower(replace(q.proname, '"', '""')) in lower(p.prosrc)) > 0 end
            union all
            select 'table', c.oid from pg_class c where c.relkind in ('r', 'p', 'v', 'f') and c.oid >= 16384
                and case when c.relname ~ '^[A-Za-z0-9_$]+$' then lower(c.relname) = any (body.words)
                else position(lower(replace(c.relname, '"', '""')) in lower(p.prosrc)) > 0 end
            union all
            select 'function', o.oprcode::oid from pg_operator o where o.oid >= 16384 and o.oprcode <> 0 and position(o.oprname in p.prosrc) > 0
            union all
            select 'function', c.castfunc from pg_cast c where c.castfunc >= 16384
        ) named
        where reached.kind = 'function' and p.oid = reached.oid and l.lanname in ('sql', 'plpgsql') and p.oid >= 16384
    ) more
)
select n.nspname::text as schema, p.proname::text as name, p.oid::int8,
    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
    l.lanname::text as language,
    coalesce((select e.extname::text from pg_depend d join pg_extension e on e.oid = d.refobjid
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e' limit 1), '') as extension,
    coalesce((select r.rolsuper from pg_roles r where r.oid = p.proowner), false) as by_superuser,
    p.oid < 16384 or l.lanname not in ('sql', 'plpgsql') or p.prosrc = '' or p.prosrc ~* 'u&'
        or p.prosrc ~* '(^|[^a-z0-9_$])(execute|copy|load|import|extension|subscription|server)([^a-z0-9_$]|$)' as opaque
from reached join pg_proc p on p.oid = reached.oid join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
where reached.kind = 'function'
union all
select n.nspname::text, c.relname::text, c.oid::int8, 'volatile', 'of a foreign table', '', false, true
from reached join pg_class c on c.oid = reached.oid join pg_namespace n on n.oid = c.relnamespace
where reached.kind = 'table' and c.relkind = 'f'
order by 1, 2
