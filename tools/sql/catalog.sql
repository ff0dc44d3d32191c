-- What the names in a statement stand for, in one JSON document.
--   $1, $2  relation names: schemas ('' for the search path) and names
--   $3..$5  names of functions, operators and types, in any schema
-- Everything reachable from the relations comes along: what views read, parents
-- and children by inheritance, and the functions behind all of it.
with recursive
path as (
    select oid from pg_namespace where nspname = any (current_schemas(true))
),
named as (
    select s, n, to_regclass(case s when '' then quote_ident(n) else quote_ident(s) || '.' || quote_ident(n) end)::oid as oid
    from unnest($1::text[], $2::text[]) as u(s, n)
),
up(oid, ancestor) as (
    select oid, oid from named where oid is not null
    union
    select up.oid, i.inhparent from up join pg_inherits i on i.inhrelid = up.ancestor
),
reached(oid) as (
    select oid from named where oid is not null
    union
    select next.oid from reached r cross join lateral (
        select d.refobjid as oid
        from pg_rewrite w
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        where w.ev_class = r.oid and w.ev_type = '1' and r.oid >= 16384
        union all
        select inhparent from pg_inherits where inhrelid = r.oid
        union all
        select inhrelid from pg_inherits where inhparent = r.oid
    ) next
),
uses as (
    select w.ev_class as rel, d.refclassid, d.refobjid
    from pg_rewrite w
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
    where w.ev_class in (select oid from reached) and w.ev_type = '1'
    union
    select p.polrelid, d.refclassid, d.refobjid
    from pg_policy p
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
    where p.polrelid in (select oid from reached)
),
relations as (
    select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relrowsecurity as row_security,
        (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
        (select coalesce(json_agg(a.attnum order by a.attnum), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as numbers,
        case when c.relkind in ('v', 'm') and c.oid >= 16384 then pg_get_viewdef(c.oid) else '' end as definition,
        exists (select from pg_rewrite w where w.ev_class = c.oid and w.rulename <> '_RETURN') as rules,
        (select coalesce(json_agg(e), '[]') from (
            select pg_get_expr(polqual, polrelid) as e from pg_policy where polrelid = c.oid and c.relrowsecurity
            union all
            select pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = c.oid and c.relrowsecurity
         ) x where e is not null) as attached,
        (select coalesce(json_agg(json_build_object('oid', refobjid::int8, 'class', case refclassid
            when 'pg_proc'::regclass then 'function' when 'pg_operator'::regclass then 'operator' else 'type' end)), '[]')
         from uses where rel = c.oid and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)) as uses,
        (select coalesce(json_agg(e), '[]') from (
            select pg_get_expr(indexprs, indrelid) as e from pg_index where indrelid = c.oid and indexprs is not null
            union all
            select pg_get_expr(indpred, indrelid) from pg_index where indrelid = c.oid and indpred is not null
            union all
            select pg_get_expr(conbin, conrelid) from pg_constraint where conrelid = c.oid and conbin is not null
            union all
            select pg_get_expr(partexprs, partrelid) from pg_partitioned_table where partrelid = c.oid and partexprs is not null
            union all
            select unnest(pg_get_statisticsobjdef_expressions(oid)) from pg_statistic_ext where stxrelid = c.oid and stxexprs is not null
         ) x where e is not null) as folded,
        (select coalesce(json_agg(u.ancestor::int8), '[]') from up u where u.oid = c.oid and u.ancestor <> c.oid) as parents,
        (select coalesce(json_agg(i.inhrelid::int8), '[]') from pg_inherits i where i.inhparent = c.oid) as children,
        (select coalesce(json_agg(distinct a.atttypid::int8), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384) as types
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid in (select oid from reached)
),
type_tree(root, oid) as (
    select oid, oid from pg_type where typname = any ($5) and oid >= 16384
    union
    select a.atttypid, a.atttypid from pg_attribute a
    where a.attrelid in (select oid from reached) and a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384
    union
    select t.root, part.oid from type_tree t join pg_type p on p.oid = t.oid cross join lateral (
        select nullif(p.typbasetype, 0) as oid
        union all select nullif(p.typelem, 0)
        union all select r.rngsubtype from pg_range r where r.rngtypid = p.oid
        union all select r.rngtypid from pg_range r where r.rngmultitypid = p.oid
        union all select a.atttypid from pg_attribute a where a.attrelid = p.typrelid and p.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
    ) part where part.oid >= 16384
),
types as (
    select t.oid::int8 as oid, n.nspname as schema, t.typname as name, t.typnamespace in (select oid from path) as visible,
        coalesce((select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
                  where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e' limit 1), '') as extension,
        (select coalesce(json_agg(i.oid::int8), '[]') from type_tree i where i.root = t.oid and i.oid <> t.oid) as inner,
        (select coalesce(json_agg(pg_get_expr(k.conbin, 0)), '[]') from pg_constraint k where k.contypid = t.oid and k.conbin is not null) as checks,
        case when t.typtype = 'b' and t.typelem = 0 then json_build_array(t.typinput::oid::int8, t.typoutput::oid::int8) else '[]' end as functions
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where t.oid in (select oid from type_tree)
),
operators as (
    select o.oid::int8 as oid, n.nspname as schema, o.oprname as name, o.oprcode::oid::int8 as function, o.oprnamespace in (select oid from path) as visible
    from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
    where o.oid >= 16384
      and (o.oprname = any ($4) or o.oid in (select refobjid from uses where refclassid = 'pg_operator'::regclass))
),
casts as (
    select format_type(castsource, null) as "from", format_type(casttarget, null) as "to", castfunc::int8 as function
    from pg_cast where oid >= 16384
),
called(oid) as (
    select oid from pg_proc where proname = any ($3)
    union select function::oid from operators
    union select function::oid from casts where function <> 0
    union select refobjid from uses where refclassid = 'pg_proc'::regclass
    union select f::oid from types, json_array_elements_text(functions) f
),
functions as (
    select p.oid::int8 as oid, n.nspname as schema, p.proname as name,
        case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
        p.prosecdef as security_definer, l.lanname as language, l.lanpltrusted as trusted_language, p.prokind = 'a' as aggregate,
        case when p.oid < 16384 then '' else coalesce((select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e' limit 1), '') end as extension,
        p.pronamespace in (select oid from path) as visible
    from called join pg_proc p on p.oid = called.oid join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
)
select json_build_object(
    'named', (select coalesce(json_agg(json_build_object('schema', s, 'name', n, 'oid', oid::int8)), '[]') from named where oid is not null),
    'relations', (select coalesce(json_agg(to_json(r)), '[]') from relations r),
    'functions', (select coalesce(json_agg(to_json(f)), '[]') from functions f),
    'operators', (select coalesce(json_agg(to_json(o)), '[]') from operators o),
    'types', (select coalesce(json_agg(to_json(t)), '[]') from types t),
    'casts', (select coalesce(json_agg(to_json(c)), '[]') from casts c)
)
