-- What the names in a statement stand for, in one JSON document.
--   $1, $2  relation names: schemas ('' for the search path) and names
--   $3..$5  names of functions, operators and types, in any schema
--   $6      types by OID
--   $7      the search path: schemas in order
-- Everything reachable from the relations comes along: what views read, children
-- and parents by inheritance, and the functions behind all of it.
--
-- pg_depend says by OID which of the database's own objects an expression uses.
-- It is silent on those that came with the server.
with recursive
path as (
    select n.oid, p.place from unnest($7::name[]) with ordinality p(schema, place) join pg_namespace n on n.nspname = p.schema
),
named as (
    select u.s, u.n, (
        select c.oid from pg_class c join pg_namespace ns on ns.oid = c.relnamespace left join path p on p.oid = ns.oid
        where c.relname = u.n and case u.s when '' then p.place is not null else ns.nspname = u.s end
        order by p.place limit 1
    ) as oid
    from unnest($1::text[], $2::text[]) as u(s, n)
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
        select inhrelid from pg_inherits where inhparent = r.oid
    ) next
),
up(oid, ancestor) as (
    select oid, oid from reached
    union
    select up.oid, i.inhparent from up join pg_inherits i on i.inhrelid = up.ancestor
),
everyone(oid) as (
    select oid from reached union select ancestor from up
),
-- The expressions that belong to a relation, by what becomes of them: "hidden"
-- ones run when it is read, "stored" ones ran when it was filled, "folded" ones are computed in part when it is
-- planned, "default" ones run when a row is made.
belongs(rel, kind, classid, objid, text) as (
    select ev_class, case (select relkind from pg_class c where c.oid = ev_class) when 'm' then 'stored' else 'hidden' end, 'pg_rewrite'::regclass, oid, null
    from pg_rewrite where ev_class in (select oid from reached) and ev_type = '1' and ev_class >= 16384
    union all
    select polrelid, 'hidden', 'pg_policy'::regclass, oid, unnest(array[pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)]) from pg_policy
    where polrelid in (select oid from reached)
    union all
    select indrelid, 'folded', 'pg_class'::regclass, indexrelid, unnest(array[pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid)]) from pg_index
    where indrelid in (select oid from reached) and (indexprs is not null or indpred is not null)
    union all
    select conrelid, 'folded', 'pg_constraint'::regclass, oid, pg_get_expr(conbin, conrelid) from pg_constraint
    where conrelid in (select oid from reached) and conbin is not null
    union all
    select partrelid, 'folded', 'pg_class'::regclass, partrelid, pg_get_expr(partexprs, partrelid) from pg_partitioned_table
    where partrelid in (select oid from reached) and partexprs is not null
    union all
    select stxrelid, 'folded', 'pg_statistic_ext'::regclass, oid, unnest(pg_get_statisticsobjdef_expressions(oid)) from pg_statistic_ext
    where stxrelid in (select oid from reached) and stxexprs is not null
    union all
    select adrelid, 'default', 'pg_attrdef'::regclass, oid, pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid in (select oid from named)
),
uses as (
    select distinct b.rel, b.kind, d.refclassid, d.refobjid
    from belongs b join pg_depend d on d.classid = b.classid and d.objid = b.objid
    where d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
),
relations as (
    select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relrowsecurity as row_security,
        (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
        (select coalesce(json_agg(a.attnum order by a.attnum), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as numbers,
        case when c.relkind in ('v', 'm') and c.oid >= 16384 then pg_get_viewdef(c.oid) else '' end as definition,
        exists (select from pg_rewrite w where w.ev_class = c.oid and w.rulename <> '_RETURN') as rules,
        (select coalesce(json_agg(json_build_object('kind', kind, 'text', text)), '[]') from belongs where rel = c.oid and text is not null) as attached,
        (select coalesce(json_agg(json_build_object('kind', kind, 'oid', refobjid::int8, 'class', case refclassid
            when 'pg_proc'::regclass then 'function' when 'pg_operator'::regclass then 'operator' else 'type' end)), '[]')
         from uses where rel = c.oid) as uses,
        -- Functions of operator classes that the server did not choose by type.
        (select coalesce(json_agg(distinct p.amproc::oid::int8), '[]') from (
            select unnest(indclass) from pg_index where indrelid = c.oid
            union all select unnest(partclass) from pg_partitioned_table where partrelid = c.oid
         ) k(class) join pg_opclass o on o.oid = k.class join pg_amproc p on p.amprocfamily = o.opcfamily
         where o.oid >= 16384 and p.amproc >= 16384
           and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.amproc and e.deptype = 'e')) as support,
        (select coalesce(json_agg(u.ancestor::int8), '[]') from up u where u.oid = c.oid and u.ancestor <> c.oid) as parents,
        (select coalesce(json_agg(i.inhrelid::int8), '[]') from pg_inherits i where i.inhparent = c.oid) as children,
        (select coalesce(json_agg(distinct a.atttypid::int8), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384) as types
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid in (select oid from everyone)
),
type_tree(root, oid) as (
    select oid, oid from (
        select unnest(array[oid, typarray]) from pg_type where typname = any ($5)
        union select unnest($6::oid[])
        union select refobjid from uses where refclassid = 'pg_type'::regclass
        union select reltype from pg_class where oid in (select oid from named)
        union select a.atttypid from pg_attribute a where a.attrelid in (select oid from reached) and a.attnum > 0 and not a.attisdropped
        union select unnest(p.prorettype || coalesce(p.proallargtypes, '{}')) from pg_proc p where p.proname = any ($3) and p.oid >= 16384
    ) roots(oid) where oid >= 16384
    union
    select t.root, part.oid from type_tree t join pg_type p on p.oid = t.oid cross join lateral (
        select p.typbasetype as oid
        union all select p.typelem
        union all select r.rngsubtype from pg_range r where r.rngtypid = p.oid
        union all select r.rngtypid from pg_range r where r.rngmultitypid = p.oid
        union all select a.atttypid from pg_attribute a where a.attrelid = p.typrelid and p.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
    ) part where part.oid >= 16384
),
-- Operator classes that a type is compared, sorted and hashed by. Those of
-- extensions, which only a superuser can have made, are taken as good.
classes as (
    select o.opcintype, o.opcfamily from pg_opclass o
    where o.oid >= 16384 and o.opcdefault
      and not exists (select from pg_depend e where e.classid = 'pg_opclass'::regclass and e.objid = o.oid and e.deptype = 'e')
),
class_functions as (
    select k.opcintype, k.opcfamily, p.amproc::oid as function from classes k join pg_amproc p on p.amprocfamily = k.opcfamily
    union
    select k.opcintype, k.opcfamily, o.oprcode from classes k join pg_amop a on a.amopfamily = k.opcfamily join pg_operator o on o.oid = a.amopopr
),
types as (
    select t.oid::int8 as oid, n.nspname as schema, t.typname as name, t.typtype as kind, t.typbasetype::int8 as base, t.typrelid::int8 as relation,
        t.typnamespace in (select oid from path) as visible,
        coalesce((select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
                  where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e' limit 1), '') as extension,
        (select coalesce(json_agg(i.oid::int8), '[]') from type_tree i where i.root = t.oid and i.oid <> t.oid) as inner,
        (select coalesce(json_agg(pg_get_expr(k.conbin, 0)), '[]') from pg_constraint k where k.contypid = t.oid and k.conbin is not null) as checks,
        (select coalesce(json_agg(json_build_object('oid', d.refobjid::int8, 'class', case d.refclassid
            when 'pg_proc'::regclass then 'function' when 'pg_operator'::regclass then 'operator' else 'type' end)), '[]')
         from pg_constraint k join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid
         where k.contypid = t.oid and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)) as uses,
        (select coalesce(json_agg(f::int8), '[]') from unnest(
            case when t.typtype = 'b' and t.typelem = 0 then array[t.typinput::oid, t.typoutput::oid, t.typmodin::oid, t.typmodout::oid] end
            || (select array[r.rngcanonical::oid] from pg_range r where r.rngtypid = t.oid)) f where f <> 0) as functions,
        (select coalesce(json_agg(distinct f.function::int8), '[]') from class_functions f where f.opcintype = t.oid) as support,
        coalesce((select r.rngsubdiff::oid::int8 from pg_range r where r.rngtypid = t.oid), 0) as distance
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where t.oid in (select oid from type_tree)
),
-- An operator runs its own function, or by the planner's choice that of its
-- negator or commutator. "sorts" are in a class for a type of the server's own.
operators as (
    select o.oid::int8 as oid, n.nspname as schema, o.oprname as name, o.oprnamespace in (select oid from path) as visible,
        (select json_agg(distinct f::int8) from (
            select x.oprcode::oid from pg_operator x where x.oid in (o.oid, o.oprnegate, o.oprcom)
            union all select s.function from pg_amop a join class_functions s on s.opcfamily = a.amopfamily where a.amopopr = o.oid
         ) y(f) where f <> 0) as functions,
        o.oid in (select a.amopopr from pg_amop a join classes k on k.opcfamily = a.amopfamily where k.opcintype < 16384) as sorts
    from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
    where o.oprname = any ($4) and (o.oid >= 16384 or o.oprnegate >= 16384 or o.oprcom >= 16384)
       or o.oid in (select refobjid from uses where refclassid = 'pg_operator'::regclass)
       or o.oid in (select d.refobjid from pg_constraint k join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid
                    where k.contypid in (select oid from type_tree) and d.refclassid = 'pg_operator'::regclass)
       or o.oid in (select a.amopopr from pg_amop a join classes k on k.opcfamily = a.amopfamily)
),
casts as (
    select format_type(castsource, null) as "from", format_type(casttarget, null) as "to", castsource::int8 as source,
        casttarget = 'json'::regtype as json, castfunc::int8 as function
    from pg_cast where oid >= 16384
),
called(oid) as (
    select oid from pg_proc where proname = any ($3)
    union select f::oid from operators, json_array_elements_text(functions) f
    union select function::oid from casts where function <> 0
    union select refobjid from uses where refclassid = 'pg_proc'::regclass
    union select f::oid from relations, json_array_elements_text(support) f
    union select f::oid from types, json_array_elements_text(functions) f
    union select f::oid from types, json_array_elements_text(support) f
    union select distance::oid from types where distance <> 0
    union select (u ->> 'oid')::oid from types, json_array_elements(uses) u where u ->> 'class' = 'function'
),
functions as (
    select p.oid::int8 as oid, n.nspname as schema, p.proname as name,
        case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
        p.prosecdef as security_definer, l.lanname as language, l.lanpltrusted as trusted_language, p.prokind = 'a' as aggregate, p.proretset as set,
        case when p.oid < 16384 then '' else coalesce((select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e' limit 1), '') end as extension,
        p.oid >= 16384 and exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
            and d.refclassid = 'pg_type'::regclass and d.deptype = 'i') as constructor,
        (select r.rolsuper from pg_roles r where r.oid = p.proowner) as by_superuser,
        p.pronamespace in (select oid from path) as visible
    from called join pg_proc p on p.oid = called.oid join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
)
select json_build_object(
    'named', (select coalesce(json_agg(json_build_object('schema', s, 'name', n, 'oid', oid::int8)), '[]') from named where oid is not null),
    'relations', (select coalesce(json_agg(to_json(r)), '[]') from relations r),
    'functions', (select coalesce(json_agg(to_json(f)), '[]') from functions f),
    'operators', (select coalesce(json_agg(to_json(o)), '[]') from operators o),
    'types', (select coalesce(json_agg(to_json(t)), '[]') from types t),
    'casts', (select coalesce(json_agg(to_json(c)), '[]') from casts c),
    'utf8', getdatabaseencoding() = 'UTF8'
)
