-- Types whose own functions strike. Only a superuser can make most of them.
SET search_path = public;

-- A base type: its input function takes a session lock.
CREATE TYPE lie.base_type;
CREATE FUNCTION lie.base_in(cstring) RETURNS lie.base_type LANGUAGE internal AS 'pg_advisory_lock_int8';
CREATE FUNCTION lie.base_out(lie.base_type) RETURNS cstring LANGUAGE internal AS 'int8out';
CREATE FUNCTION lie.base_mod(cstring[]) RETURNS int LANGUAGE internal AS 'pg_advisory_lock_int8';
CREATE TYPE lie.base_type (input = lie.base_in, output = lie.base_out, typmod_in = lie.base_mod, like = bigint);

-- An operator class of a composite type, by which it is sorted and grouped.
CREATE TYPE lie.ranked AS (r int);
CREATE FUNCTION lie.ranked_cmp(lie.ranked, lie.ranked) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('compare'); RETURN ($1).r - ($2).r; END $$;
CREATE FUNCTION lie.ranked_hash(lie.ranked) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('hash'); RETURN ($1).r; END $$;
CREATE FUNCTION lie.ranked_bool(lie.ranked, lie.ranked) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('compare'); RETURN ($1).r < ($2).r; END $$;
CREATE OPERATOR lie.<# (leftarg = lie.ranked, rightarg = lie.ranked, function = lie.ranked_bool);
CREATE OPERATOR lie.<=# (leftarg = lie.ranked, rightarg = lie.ranked, function = lie.ranked_bool);
CREATE OPERATOR lie.=# (leftarg = lie.ranked, rightarg = lie.ranked, function = lie.ranked_bool, hashes, merges);
CREATE OPERATOR lie.>=# (leftarg = lie.ranked, rightarg = lie.ranked, function = lie.ranked_bool);
CREATE OPERATOR lie.># (leftarg = lie.ranked, rightarg = lie.ranked, function = lie.ranked_bool);
CREATE OPERATOR CLASS lie.ranked_ops DEFAULT FOR TYPE lie.ranked USING btree AS
    OPERATOR 1 lie.<#, OPERATOR 2 lie.<=#, OPERATOR 3 lie.=#, OPERATOR 4 lie.>=#, OPERATOR 5 lie.>#, FUNCTION 1 lie.ranked_cmp(lie.ranked, lie.ranked);
CREATE OPERATOR CLASS lie.ranked_hash_ops DEFAULT FOR TYPE lie.ranked USING hash AS OPERATOR 1 lie.=#, FUNCTION 1 lie.ranked_hash(lie.ranked);
CREATE TABLE lie.ranking (r lie.ranked, rs lie.ranked[], n int);
INSERT INTO lie.ranking VALUES ('(2)', '{(2)}', 1), ('(1)', '{(1)}', 2);

-- One for a type of PostgreSQL's that has none.
CREATE FUNCTION lie.point_cmp(point, point) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('compare points'); RETURN 0; END $$;
CREATE FUNCTION lie.point_bool(point, point) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('compare points'); RETURN true; END $$;
CREATE OPERATOR lie.<# (leftarg = point, rightarg = point, function = lie.point_bool);
CREATE OPERATOR lie.<=# (leftarg = point, rightarg = point, function = lie.point_bool);
CREATE OPERATOR lie.=# (leftarg = point, rightarg = point, function = lie.point_bool);
CREATE OPERATOR lie.>=# (leftarg = point, rightarg = point, function = lie.point_bool);
CREATE OPERATOR lie.># (leftarg = point, rightarg = point, function = lie.point_bool);
CREATE OPERATOR CLASS lie.point_ops DEFAULT FOR TYPE point USING btree AS
    OPERATOR 1 lie.<#, OPERATOR 2 lie.<=#, OPERATOR 3 lie.=#, OPERATOR 4 lie.>=#, OPERATOR 5 lie.>#, FUNCTION 1 lie.point_cmp(point, point);
CREATE TABLE lie.places (at point, n int);
INSERT INTO lie.places VALUES ('(1,2)', 1), ('(3,4)', 2);

-- Operator classes that are not a type's own, behind an index and a partition key.
CREATE FUNCTION lie.int_cmp(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('index'); RETURN $1 - $2; END $$;
CREATE OPERATOR CLASS lie.int_ops FOR TYPE int USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 lie.int_cmp(int, int);
CREATE TABLE lie.class_index (n int, filler text);
CREATE INDEX ON lie.class_index (n lie.int_ops);
INSERT INTO lie.class_index SELECT i, repeat('x', 500) FROM generate_series(1, 2000) i;
CREATE TABLE lie.class_key (n int) PARTITION BY LIST (n lie.int_ops);
CREATE TABLE lie.class_key_1 PARTITION OF lie.class_key FOR VALUES IN (1, 2, 3);
CREATE TABLE lie.class_key_2 PARTITION OF lie.class_key FOR VALUES IN (4, 5, 6);

-- A range type with a distance that the planner measures.
CREATE FUNCTION lie.distance(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('distance'); RETURN $1 - $2; END $$;
CREATE TYPE lie.spans AS RANGE (subtype = int, subtype_diff = lie.distance);
CREATE TABLE lie.spanning (s lie.spans, n int);
INSERT INTO lie.spanning SELECT lie.spans(i, i + 5), i FROM generate_series(1, 60) i;

-- A function that its owner smuggled into an extension.
CREATE FUNCTION public.smuggled(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM side.strike('smuggled'); RETURN 1; END $$;
ALTER FUNCTION public.smuggled(int) OWNER TO corpus_owner;
ALTER EXTENSION hstore ADD FUNCTION public.smuggled(int);

GRANT USAGE ON SCHEMA lie, "we.ird ""one" TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA lie, side TO PUBLIC;
GRANT USAGE ON FOREIGN SERVER loop TO PUBLIC;

SELECT lo_from_bytea(4242, 'large');
ANALYZE;
