-- The hostile part: functions, operators, casts and domains that lie.
CREATE SCHEMA lie;
SET search_path = public;

CREATE FUNCTION lie.immutable() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('immutable'); RETURN 1; END $$;
CREATE FUNCTION lie.immutable(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('immutable int'); RETURN $1; END $$;
CREATE FUNCTION lie.stable(text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('stable'); RETURN true; END $$;
CREATE FUNCTION lie.volatile() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('volatile'); RETURN 1; END $$;
CREATE FUNCTION lie.definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER IMMUTABLE AS $$ BEGIN PERFORM side.strike('definer'); RETURN 1; END $$;
CREATE FUNCTION lie.inlined(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT side.strike('inlined') $$;
CREATE FUNCTION lie.ignores(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;
CREATE FUNCTION lie.rows() RETURNS SETOF int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('rows'); RETURN NEXT 1; END $$;
CREATE FUNCTION lie.variadic(VARIADIC int[]) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('variadic'); RETURN 1; END $$;
CREATE FUNCTION lie.any(anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('any'); RETURN $1; END $$;
CREATE FUNCTION lie.outs(OUT a int, OUT b int) LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('outs'); a := 1; b := 2; END $$;
CREATE FUNCTION lie.total_of(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('a trusted name'); RETURN 1; END $$;
CREATE PROCEDURE lie.procedure() LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('procedure'); END $$;

-- Overloads that win over pg_catalog, and names that look like others.
CREATE FUNCTION public.upper(varchar) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('upper'); RETURN 'X'; END $$;
CREATE FUNCTION public.length(char) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('length'); RETURN 1; END $$;
CREATE FUNCTION public.round(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('round'); RETURN 1; END $$;
CREATE FUNCTION public.to_char(date, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('to_char'); RETURN 'X'; END $$;
CREATE FUNCTION public.date_trunc(text, date) RETURNS date LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('date_trunc'); RETURN $2; END $$;
CREATE FUNCTION public.now(int) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('now'); RETURN now(); END $$;
CREATE FUNCTION public.like_escape(varchar, varchar) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('like_escape'); RETURN 'X'; END $$;
CREATE FUNCTION public.json_array(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_array'); RETURN 1; END $$;
CREATE FUNCTION public.json_scalar(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_scalar'); RETURN 1; END $$;
CREATE FUNCTION public.json_serialize(json) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_serialize'); RETURN 1; END $$;
CREATE FUNCTION public.json_exists(json, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_exists'); RETURN true; END $$;
CREATE FUNCTION public.json_value(json, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_value'); RETURN 'X'; END $$;
CREATE FUNCTION public.json_query(json, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_query'); RETURN 'X'; END $$;
CREATE FUNCTION public.json_objectagg(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_objectagg'); RETURN 1; END $$;
CREATE FUNCTION public.json_arrayagg(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('json_arrayagg'); RETURN 1; END $$;
CREATE FUNCTION public.merge_action() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('merge_action'); RETURN 1; END $$;
CREATE FUNCTION public.xmltext(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('xmltext'); RETURN 1; END $$;
CREATE FUNCTION public.any_value(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('any_value'); RETURN 1; END $$;
CREATE FUNCTION public.array_sort(int[]) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('array_sort'); RETURN 1; END $$;
CREATE FUNCTION public."Lower"(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('"Lower"'); RETURN 'X'; END $$;
CREATE FUNCTION public."lowеr"(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('homoglyph'); RETURN 'X'; END $$;
CREATE FUNCTION public."évil"() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('évil'); RETURN 1; END $$;
CREATE FUNCTION public."a b"() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('a b'); RETURN 1; END $$;
CREATE FUNCTION public."select"() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('select'); RETURN 1; END $$;
CREATE FUNCTION public.sixty_three_characters_and_then_some_more_that_are_cut_off_here_() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('cut'); RETURN 1; END $$;
CREATE SCHEMA "we.ird ""one";
CREATE FUNCTION "we.ird ""one"."f(x)"(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('weird'); RETURN 1; END $$;
CREATE FUNCTION "we.ird ""one".initcap(name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM side.strike('initcap'); RETURN 'X'; END $$;

-- Aggregates.
CREATE FUNCTION lie.step(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('step'); RETURN $2; END $$;
CREATE AGGREGATE lie.agg(int) (sfunc = lie.step, stype = int, initcond = '0');
CREATE FUNCTION lie.finish(boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('finish'); RETURN $1; END $$;
CREATE AGGREGATE public.max(boolean) (sfunc = boolor_statefunc, stype = boolean, finalfunc = lie.finish);

-- Operators. "kind" is a type of nobody else's.
CREATE TYPE lie.kind AS ENUM ('a', 'b');
CREATE FUNCTION lie.kind_int(lie.kind, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('kind op int'); RETURN true; END $$;
CREATE FUNCTION lie.int_int(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('int op int'); RETURN 1; END $$;
CREATE FUNCTION lie.int_int_bool(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('negated'); RETURN true; END $$;
CREATE FUNCTION lie.text_int(text, int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('text op int'); RETURN 'X'; END $$;
CREATE FUNCTION lie.of_kind(lie.kind) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('prefix'); RETURN 1; END $$;
CREATE FUNCTION lie.arrays(int[], int[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('negator of a builtin'); RETURN true; END $$;
CREATE OPERATOR public.= (leftarg = lie.kind, rightarg = int, function = lie.kind_int);
CREATE OPERATOR public.<> (leftarg = lie.kind, rightarg = int, function = lie.kind_int);
CREATE OPERATOR public.<= (leftarg = lie.kind, rightarg = int, function = lie.kind_int);
CREATE OPERATOR public.>= (leftarg = lie.kind, rightarg = int, function = lie.kind_int);
CREATE OPERATOR public.~~ (leftarg = lie.kind, rightarg = int, function = lie.kind_int);
CREATE OPERATOR public.|| (leftarg = text, rightarg = int, function = lie.text_int);
CREATE OPERATOR public.~ (rightarg = lie.kind, function = lie.of_kind);
CREATE OPERATOR public.@@@ (leftarg = int, rightarg = int, function = lie.int_int);
-- These lie in wait for queries that Chaperone itself makes of the catalog.
CREATE FUNCTION lie.oid_regclass(oid, regclass) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('oid = regclass'); RETURN true; END $$;
CREATE FUNCTION lie.oid_int(oid, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('oid >= int'); RETURN true; END $$;
CREATE FUNCTION lie.text_oid(text, oid) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('text || oid'); RETURN ''; END $$;
CREATE FUNCTION lie.name_text(name, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('name ~~ text'); RETURN true; END $$;
CREATE FUNCTION public.format_type(regtype, int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('format_type'); RETURN ''; END $$;
CREATE FUNCTION public.json_build_object(text, text) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('json_build_object'); RETURN '{}'; END $$;
CREATE OPERATOR public.= (leftarg = oid, rightarg = regclass, function = lie.oid_regclass);
CREATE OPERATOR public.>= (leftarg = oid, rightarg = int, function = lie.oid_int);
CREATE OPERATOR public.|| (leftarg = text, rightarg = oid, function = lie.text_oid);
CREATE OPERATOR public.~~ (leftarg = name, rightarg = text, function = lie.name_text);
CREATE OPERATOR lie.+ (leftarg = int, rightarg = int, function = lie.int_int);
CREATE OPERATOR public.<## (leftarg = int, rightarg = int, function = int4lt, negator = OPERATOR(public.>!!));
CREATE OPERATOR public.>!! (leftarg = int, rightarg = int, function = lie.int_int_bool, negator = OPERATOR(public.<##));
CREATE FUNCTION lie.int_bigint(int, bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('commuted'); RETURN true; END $$;

-- Casts.
CREATE TYPE lie.pair AS (a int, b int);
CREATE FUNCTION lie.kind_to_int(lie.kind) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('implicit cast'); RETURN 1; END $$;
CREATE FUNCTION lie.text_to_kind(text) RETURNS lie.kind LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('explicit cast'); RETURN 'a'; END $$;
CREATE FUNCTION lie.int_to_kind(int) RETURNS lie.kind LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('assignment cast'); RETURN 'a'; END $$;
CREATE FUNCTION lie.kind_to_json(lie.kind) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('cast to json'); RETURN '1'; END $$;
CREATE CAST (lie.kind AS int) WITH FUNCTION lie.kind_to_int(lie.kind) AS IMPLICIT;
CREATE CAST (text AS lie.kind) WITH FUNCTION lie.text_to_kind(text);
CREATE CAST (int AS lie.kind) WITH FUNCTION lie.int_to_kind(int) AS ASSIGNMENT;
CREATE CAST (lie.kind AS json) WITH FUNCTION lie.kind_to_json(lie.kind);

-- Domains.
CREATE FUNCTION lie.check(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('check text'); RETURN true; END $$;
CREATE FUNCTION lie.check(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('check int'); RETURN true; END $$;
CREATE DOMAIN lie.dom AS text CHECK (lie.check(VALUE));
CREATE DOMAIN lie.dom_of_dom AS lie.dom;
CREATE DOMAIN lie.num AS int CHECK (lie.check(VALUE));
CREATE DOMAIN pg_catalog.catalogued AS text CHECK (lie.check(VALUE));
CREATE DOMAIN lie.op_dom AS int CHECK ((VALUE OPERATOR(public.@@@) 1) > 0);
CREATE DOMAIN lie.cast_dom AS text CHECK (VALUE::lie.kind IS NOT NULL);
CREATE TYPE lie.holds AS (d lie.dom, n int);
CREATE TYPE lie.holds_deep AS (h lie.holds);
CREATE TYPE lie.of_dom AS RANGE (subtype = lie.num);
CREATE DOMAIN lie.composite_dom AS lie.pair CHECK (lie.check((VALUE).a));

CREATE TABLE lie.t (n int, x text, k lie.kind, v varchar(10), c char(5), p lie.pair, d lie.dom, h lie.holds, a lie.dom[], day date);
INSERT INTO lie.t VALUES (1, 'x', 'a', 'v', 'c', '(1,2)', 'd', '(d,1)', '{d}', '2024-01-01'), (2, 'y', 'b', 'w', 'd', '(3,4)', 'e', '(e,2)', '{e}', '2024-01-02');
CREATE TABLE lie.plain (n int, x text);
INSERT INTO lie.plain VALUES (1, 'x'), (2, 'y');
CREATE FUNCTION public.tick(lie.t) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('tick'); RETURN 1; END $$;
CREATE FUNCTION public.tick(lie.pair) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('tick'); RETURN 1; END $$;
CREATE FUNCTION public.tick(lie.plain) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('tick'); RETURN 1; END $$;
CREATE FUNCTION public.case(lie.plain) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('case'); RETURN 1; END $$;
CREATE FUNCTION public.x0(lie.plain) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('x0'); RETURN 1; END $$;
CREATE FUNCTION public."?column?"(lie.plain) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM side.strike('?column?'); RETURN 1; END $$;
