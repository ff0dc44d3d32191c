-- expect: refused
-- why: this function of PostgreSQL's, or of its contrib, does more than compute

== nextval
SELECT nextval('shop.tickets')
== nextval by an oid
SELECT nextval('shop.tickets'::regclass::oid)
== setval
SELECT setval('shop.tickets', 1)
== currval
why: it needs a nextval in the same session, and fails without
SELECT currval('shop.tickets')
== lastval
SELECT lastval()
== set_config
SELECT set_config('transaction_read_only', 'off', false)
== set_config, local
SELECT set_config('search_path', 'lie', true)
== setseed
SELECT setseed(0.5)
== pg_sleep
why: it holds a connection for nothing
SELECT pg_sleep(0.01)
== pg_sleep_for
SELECT pg_sleep_for('10 ms')
== pg_notify
SELECT pg_notify('alarm', 'x')
== pg_advisory_lock
SELECT pg_advisory_lock(1)
== pg_try_advisory_lock
SELECT pg_try_advisory_lock(1)
== pg_advisory_lock_shared
SELECT pg_advisory_lock_shared(1)
== pg_advisory_xact_lock
SELECT pg_advisory_xact_lock(1)
== pg_advisory_unlock_all
SELECT pg_advisory_unlock_all()
== pg_terminate_backend
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'
== pg_cancel_backend
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'
== pg_reload_conf
SELECT pg_reload_conf()
== pg_rotate_logfile
SELECT pg_rotate_logfile()
== pg_log_backend_memory_contexts
SELECT pg_log_backend_memory_contexts(pg_backend_pid())
== pg_promote
SELECT pg_promote()
== pg_switch_wal
SELECT pg_switch_wal()
== pg_create_restore_point
SELECT pg_create_restore_point('x')
== pg_backup_start
SELECT pg_backup_start('x')
== pg_wal_replay_pause
SELECT pg_wal_replay_pause()
== pg_export_snapshot
SELECT pg_export_snapshot()
== pg_create_physical_replication_slot
SELECT pg_create_physical_replication_slot('made')
== pg_create_logical_replication_slot
SELECT pg_create_logical_replication_slot('made', 'pgoutput')
== pg_drop_replication_slot
SELECT pg_drop_replication_slot('kept')
== pg_replication_slot_advance
SELECT pg_replication_slot_advance('kept', pg_current_wal_lsn())
== pg_logical_emit_message
SELECT pg_logical_emit_message(false, 'x', 'y')
== pg_replication_origin_create
SELECT pg_replication_origin_create('made')
== pg_stat_reset
SELECT pg_stat_reset()
== pg_stat_reset_shared
SELECT pg_stat_reset_shared('bgwriter')
== pg_stat_reset_single_table_counters
SELECT pg_stat_reset_single_table_counters('orders'::regclass)
== pg_stat_clear_snapshot
SELECT pg_stat_clear_snapshot()
== pg_stat_force_next_flush
SELECT pg_stat_force_next_flush()
== txid_current
SELECT txid_current()
== pg_current_xact_id
SELECT pg_current_xact_id()
== pg_read_file
SELECT pg_read_file('PG_VERSION')
== pg_read_binary_file
SELECT pg_read_binary_file('PG_VERSION')
== pg_stat_file
SELECT pg_stat_file('PG_VERSION')
== pg_ls_dir
SELECT pg_ls_dir('.')
== pg_ls_waldir
SELECT * FROM pg_ls_waldir()
== pg_ls_tmpdir
SELECT * FROM pg_ls_tmpdir()
== pg_ls_logdir
SELECT * FROM pg_ls_logdir()
== pg_current_logfile
SELECT pg_current_logfile()
== pg_file_write of adminpack
SELECT pg_file_write('/tmp/chaperone_copied', 'x', false)
== pg_file_unlink of adminpack
SELECT pg_file_unlink('/tmp/chaperone_copied')
== pg_file_rename of adminpack
SELECT pg_file_rename('a', 'b')
== lo_import
SELECT lo_import('/etc/passwd')
== lo_export
SELECT lo_export(4242, '/tmp/chaperone_copied')
== lo_create
SELECT lo_create(0)
== lo_from_bytea
SELECT lo_from_bytea(0, 'x')
== lo_put
SELECT lo_put(4242, 0, 'x')
== lo_unlink
SELECT lo_unlink(4242)
== lo_open
SELECT lo_open(4242, 131072)
== lo_get
why: it reads what policy can't name
SELECT lo_get(4242)
== lo_truncate
SELECT lo_truncate(0, 0)
== dblink
SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS t(n int)
== dblink_exec
SELECT dblink_exec('host=127.0.0.1', 'DELETE FROM lie.plain')
== dblink_connect
SELECT dblink_connect('host=127.0.0.1')
== dblink_connect_u
SELECT dblink_connect_u('x', 'host=127.0.0.1')
== dblink_send_query
SELECT dblink_send_query('x', 'SELECT 1')
== query_to_xml
SELECT query_to_xml('SELECT side.strike(''x'')', true, true, '')
== query_to_xml_and_xmlschema
SELECT query_to_xml_and_xmlschema('SELECT 1', true, true, '')
== query_to_xmlschema
SELECT query_to_xmlschema('SELECT lie.immutable()', true, true, '')
== table_to_xml
SELECT table_to_xml('lie.v', true, true, '')
== schema_to_xml
SELECT schema_to_xml('lie', true, true, '')
== database_to_xml
SELECT database_to_xml(true, true, '')
== cursor_to_xml
SELECT cursor_to_xml('c', 1, true, true, '')
== ts_stat
SELECT * FROM ts_stat('SELECT side.strike(''x'')::text::tsvector')
== ts_rewrite with a query in text
SELECT ts_rewrite('a'::tsquery, 'SELECT side.strike(''x'')::text::tsquery, ''b''::tsquery')
== xpath_table of xml2
SELECT * FROM xpath_table('id', 'body', 'docs', '/a', 'true') AS t(id int, x text)
== crosstab of tablefunc
SELECT * FROM crosstab('SELECT 1, 2, side.strike(''x'')::text') AS t(a int, b text)
== connectby of tablefunc
SELECT * FROM connectby('employees', 'id', 'manager_id', '1', 0) AS t(id int, m int, l int)
== normal_rand of tablefunc
why: the extension as a whole is not among those that only compute
SELECT * FROM normal_rand(1, 0, 1)
== set_limit of pg_trgm
why: it changes a setting of the session
SELECT set_limit(0.1)
== isn_weak of isn
why: it changes a setting of the session, though it is declared immutable
SELECT isn_weak(true)
== pg_prewarm
SELECT pg_prewarm('orders')
== heap_force_kill of pg_surgery
SELECT heap_force_kill('orders'::regclass, ARRAY['(0,1)']::tid[])
== get_raw_page of pageinspect
why: it reads what policy can't name
SELECT get_raw_page('orders', 0)
== pg_truncate_visibility_map
SELECT pg_truncate_visibility_map('orders')
== pgrowlocks
SELECT * FROM pgrowlocks('orders')
== pgstattuple
SELECT * FROM pgstattuple('orders')
== bt_index_check of amcheck
SELECT bt_index_check('orders_pkey')
== lo_manage of lo
SELECT lo_manage()
== pg_import_system_collations
SELECT pg_import_system_collations('lie')
== pg_extension_config_dump
SELECT pg_extension_config_dump('orders', '')
== pg_nextoid
SELECT pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')
== brin_summarize_new_values
SELECT brin_summarize_new_values('orders_pkey')
== gin_clean_pending_list
SELECT gin_clean_pending_list('products_words_idx')
== binary_upgrade
SELECT binary_upgrade_set_next_pg_authid_oid(1)
== pg_get_shmem_allocations as a function
SELECT * FROM pg_get_shmem_allocations()
== pg_show_all_file_settings
SELECT * FROM pg_show_all_file_settings()
== suppress_redundant_updates_trigger
SELECT suppress_redundant_updates_trigger()
== pg_event_trigger_ddl_commands
SELECT pg_event_trigger_ddl_commands()
== currtid2
SELECT currtid2('orders', '(0,1)')
== an output function by name
why: only what is on the list is known
SELECT textout('x')
== a conversion by name
SELECT int4in('1')
== record_out
SELECT record_out(ROW(1))
== domain_in
SELECT domain_in('x', 1, 1)
== a schema in front
SELECT pg_catalog.nextval('shop.tickets')
== below LATERAL
SELECT x.n FROM (SELECT 'shop.tickets'::regclass AS s) y, LATERAL nextval(y.s) x(n)
