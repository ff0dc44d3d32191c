-- expect: refused
-- why: what we parse is what the server runs, and there is exactly one of it

== two statements
SELECT 1; SELECT 2
== two statements, the second a write
SELECT 1; DELETE FROM lie.plain
== two statements without a space
SELECT 1;DELETE FROM lie.plain
== a semicolon behind a comment
SELECT 1 /* ; */ ; DELETE FROM lie.plain
== a comment in a comment, whose end hides the rest
expect: read
why: comments nest, so the DELETE stands inside of the outer one
rows: [[1]]
SELECT 1 /* /* */ ; DELETE FROM lie.plain -- */
== a nested comment that hides a statement
SELECT 1 /* /* */ */ ; DELETE FROM lie.plain
== a line comment that a newline ends
escaped: yes
SELECT 1 -- x\n; DELETE FROM lie.plain
== a line comment that a carriage return ends
escaped: yes
SELECT 1 -- x\r; DELETE FROM lie.plain
== a backslash before a quote
why: with standard_conforming_strings off it would hide the end of the string
SELECT '\'; DELETE FROM lie.plain; --'
== a backslash before a quote, the other way round
SELECT E'\''; DELETE FROM lie.plain; --'
== a backslash in an escape string
SELECT E'\\'; DELETE FROM lie.plain; --'
== a dollar quote that ends
SELECT $$x$$; DELETE FROM lie.plain
== a dollar quote with a tag that ends
SELECT $a$ $b$ $a$; DELETE FROM lie.plain; -- $b$
== a dollar quote with a tag of another case
SELECT $A$ $a$; DELETE FROM lie.plain; $A$, lie.immutable()
== a quoted identifier that ends
SELECT 1 AS "a"""; DELETE FROM lie.plain; --"
== a unicode string with another escape
SELECT U&'!0027' UESCAPE '!'; DELETE FROM lie.plain
== strings that go on in the next line
escaped: yes
SELECT 'a'\n'b'; DELETE FROM lie.plain
== a national string
SELECT N'a'; DELETE FROM lie.plain
== BEGIN ATOMIC
SELECT 1; END; DELETE FROM lie.plain
== an empty statement and a write
; DELETE FROM lie.plain
== many empty statements and a write
;;; DELETE FROM lie.plain ;;;
== psql's backslash command
SELECT 1 \g
== psql's variable
SELECT :x
== a bracket that closes ours
SELECT 1) AS query; DELETE FROM lie.plain; SELECT (1
== a bracket that closes ours, and a function
SELECT 1) AS query, lie.immutable() AS (n
== text that ends our function's body
SELECT 1; END
== a NUL character
escaped: yes
SELECT 1\x00; DELETE FROM lie.plain
== a NUL character in a string
escaped: yes
SELECT '\x00'
== an overlong semicolon
escaped: yes
SELECT 1\xc0\xbb DELETE FROM lie.plain
== a byte order mark
escaped: yes
\ufeffSELECT 1
== a no-break space
escaped: yes
why: to the server it is a letter, and so it is to us
SELECT\u00a01
== an ideographic space before a function
escaped: yes
SELECT\u3000lie.immutable()
== a fullwidth semicolon
escaped: yes
SELECT 1； DELETE FROM lie.plain
== a right-to-left override
escaped: yes
SELECT '\u202e' ; DELETE FROM lie.plain
== a line separator, which ends no comment
escaped: yes
expect: read
why: only line feed and carriage return end a comment
rows: [[1]]
SELECT 1 -- \u2028 ; DELETE FROM lie.plain
== a next-line character, which ends no comment
escaped: yes
expect: read
why: only line feed and carriage return end a comment
rows: [[1]]
SELECT 1 -- \u0085 ; DELETE FROM lie.plain
== a form feed, which ends no comment
escaped: yes
expect: read
why: only line feed and carriage return end a comment
rows: [[1]]
SELECT 1 -- \f ; DELETE FROM lie.plain
== a vertical tab, which a later server takes for a space
escaped: yes
expect: fails
why: this one does not
code: 42601
SELECT\v1
== nothing
rule: syntax
escaped: yes
\n
== a comment only
rule: syntax
-- SELECT 1
== a semicolon only
rule: syntax
;
== not SQL
rule: syntax
hello
== 200 brackets
expect: read
why: a person may nest as deep as that
rows: [[1]]
SELECT {{(*190}}1{{)*190}}
== 400 brackets
rule: syntax
SELECT {{(*400}}1{{)*400}}
== 30,000 brackets
rule: syntax
SELECT {{(*30000}}1{{)*30000}}
== 30,000 brackets that stay open
rule: syntax
SELECT {{(*30000}}1
== 15,000 times NOT
rule: syntax
SELECT {{NOT *15000}}true
== 60,000 minus signs
expect: read
why: it is a comment
rows: [[1]]
SELECT 1 {{-*60000}}
== 10,000 minus signs with spaces
expect: fails
why: the server has a limit of its own
code: 42601
SELECT {{- *10000}}1
== 9,000 additions
rule: syntax
SELECT 1{{+1*9000}}
== 5,000 columns
expect: fails
why: the server has a limit of its own
code: 54011
SELECT 1{{,1*4999}}
== 1,500 unions
expect: read
why: it is long, and no more than that
rows: [[1]]
SELECT 1{{ UNION SELECT 1*1500}}
== 100 KB
rule: syntax
SELECT '{{x*100000}}'
== 60 KB of a string
expect: read
why: it is long, and no more than that
rows: [[60000]]
SELECT length('{{x*60000}}')
== a semicolon behind a read
expect: read
why: one statement may end in one
rows: [[1]]
SELECT 1;
== semicolons and comments behind a read
expect: read
why: they hold no statement
rows: [[1]]
SELECT 1 ; ; /* ; */ -- ;
== a semicolon in a string
expect: read
why: it ends nothing
rows: [["a;b"]]
SELECT 'a;b'
== a semicolon in a dollar quote
expect: read
why: it ends nothing
rows: [["; DELETE FROM lie.plain;"]]
SELECT $x$; DELETE FROM lie.plain;$x$
== a semicolon in an identifier
expect: read
why: it ends nothing
rows: [[1]]
SELECT 1 AS ";"
== a semicolon in a comment
expect: read
why: it ends nothing
rows: [[1]]
SELECT /* ; /* ; */ ; */ 1 -- ; DELETE
== a backslash at the end of a string
expect: read
why: it is a character like others
rows: [["\\"]]
SELECT '\'
== letters beyond ASCII before the end
expect: read
why: offsets are bytes, not letters
rows: [["äöü€𝄞"]]
/* äöü€𝄞 */ SELECT 'äöü€𝄞' ; -- ß
== lower case, upper case and lines
escaped: yes
expect: read
why: it is one read
rows: [[1]]
\r\n\tsElEcT\r\n\t1\r\n
== a hexadecimal number, which servers before 16 take for junk
expect: fails
why: version 14 reads a zero with the alias xff, version 16 reads 255
code: 42601
SELECT 0xff
== a number with underscores, which servers before 16 take for junk
expect: fails
why: version 14 reads a one with the alias _000
code: 42601
SELECT 1_000
== an alias hidden in a number, used as a column
expect: fails
why: only version 14 reads it so
code: 42601
SELECT q.xfade FROM (SELECT 0xfade) q
== a function named by the tail of a number
expect: fails
code: 42601
why: x0 is not a column of the row, so it is a function of it
SELECT x0.x0 FROM json_populate_record(NULL::lie.plain, '{}') x0, (SELECT 0x0) q
