-- The identity of everything that an analysis rests on. It changes when any of
-- it is created, altered, replaced or dropped.
--   $1  relation names   $2  relation OIDs   $3  function names
--   $4  operator names   $5  type names      $6  schema names
--   $7  the search path, which it sets for the rest of the transaction
select md5(coalesce(string_agg(x, ',' order by x), '')) from (
    select 'r' || oid || ':' || xmin from pg_class where relname = any ($1::text[])
    union all
    select 'c' || oid || ':' || xmin from pg_class where oid = any ($2::oid[])
    union all
    select 'a' || attrelid || ':' || attnum || ':' || xmin from pg_attribute where attrelid = any ($2::oid[]) and attnum > 0
    union all
    select 'e' || oid || ':' || xmin from pg_attrdef where adrelid = any ($2::oid[])
    union all
    select 'w' || oid || ':' || xmin from pg_rewrite where ev_class = any ($2::oid[])
    union all
    select 'p' || oid || ':' || xmin from pg_policy where polrelid = any ($2::oid[])
    union all
    select 'h' || inhrelid || ':' || inhparent from pg_inherits where inhparent = any ($2::oid[]) or inhrelid = any ($2::oid[])
    union all
    select 'i' || indexrelid || ':' || xmin from pg_index where indrelid = any ($2::oid[])
    union all
    select 'k' || oid || ':' || xmin from pg_constraint where conrelid = any ($2::oid[])
    union all
    select 'x' || oid || ':' || xmin from pg_statistic_ext where stxrelid = any ($2::oid[])
    union all
    select 'f' || oid || ':' || xmin from pg_proc where proname = any ($3::text[])
    union all
    select 'o' || oid || ':' || xmin from pg_operator where oprname = any ($4::text[]) and oid >= 16384
    union all
    select 't' || oid || ':' || xmin from pg_type where typname = any ($5::text[])
    union all
    select 'n' || oid || ':' || xmin from pg_namespace where nspname = any ($6::text[])
    union all
    select 'd' || oid || ':' || xmin from pg_constraint where contypid >= 16384
    union all
    select 'm' || oid || ':' || xmin from pg_cast where oid >= 16384
    union all
    select 's' || current_schemas(set_config('search_path', $7, true) is not null)::text
) as identity(x)
