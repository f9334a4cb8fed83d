CREATE TABLE worker_beats (
	worker_id TEXT NOT NULL,
	host TEXT NOT NULL,
	process_id INTEGER NOT NULL,
	begun_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (worker_id)
);

CREATE TABLE users (
	fleet_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	login TEXT NOT NULL,
	role TEXT NOT NULL,
	driver_id TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	subject TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	ended_at BIGINT,
	PRIMARY KEY (fleet_id, user_id),
	UNIQUE (fleet_id, login),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE TABLE grants (
	fleet_id TEXT NOT NULL,
	secret_sha256 TEXT NOT NULL,
	kind TEXT NOT NULL,
	holder_id TEXT NOT NULL,
	scope TEXT NOT NULL,
	seen_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, secret_sha256),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE INDEX grants_by_holder ON grants (fleet_id, holder_id);

CREATE TABLE sign_in_failures (
	fleet_id TEXT NOT NULL,
	login_sha256 TEXT NOT NULL,
	failures INTEGER NOT NULL,
	failed_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, login_sha256),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE TABLE retention_rules (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	positions_days INTEGER,
	recorded_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION retention_rules_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'retention_rules only grows: % refused', TG_OP; END $$;

CREATE TRIGGER retention_rules_no_change BEFORE UPDATE OR DELETE ON retention_rules FOR EACH ROW EXECUTE FUNCTION retention_rules_only_grows();

CREATE TRIGGER retention_rules_no_truncate BEFORE TRUNCATE ON retention_rules FOR EACH STATEMENT EXECUTE FUNCTION retention_rules_only_grows();

CREATE TABLE disputes (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	driver_id TEXT NOT NULL,
	month TEXT NOT NULL,
	order_id TEXT NOT NULL,
	leg_started_at BIGINT,
	text TEXT NOT NULL,
	raised_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE INDEX disputes_by_driver ON disputes (fleet_id, driver_id, month);

CREATE FUNCTION disputes_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disputes only grows: % refused', TG_OP; END $$;

CREATE TRIGGER disputes_no_change BEFORE UPDATE OR DELETE ON disputes FOR EACH ROW EXECUTE FUNCTION disputes_only_grows();

CREATE TRIGGER disputes_no_truncate BEFORE TRUNCATE ON disputes FOR EACH STATEMENT EXECUTE FUNCTION disputes_only_grows();

CREATE TABLE estimates (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	estimate_id TEXT NOT NULL,
	order_id TEXT NOT NULL,
	estimated_at BIGINT NOT NULL,
	content TEXT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE INDEX estimates_by_id ON estimates (fleet_id, estimate_id);

CREATE INDEX estimates_by_order ON estimates (fleet_id, order_id);

CREATE FUNCTION estimates_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'estimates only grows: % refused', TG_OP; END $$;

CREATE TRIGGER estimates_no_change BEFORE UPDATE OR DELETE ON estimates FOR EACH ROW EXECUTE FUNCTION estimates_only_grows();

CREATE TRIGGER estimates_no_truncate BEFORE TRUNCATE ON estimates FOR EACH STATEMENT EXECUTE FUNCTION estimates_only_grows();

CREATE TABLE footprint_messages (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	message_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	host TEXT NOT NULL,
	key_id TEXT NOT NULL,
	request_id TEXT NOT NULL,
	footprint_id TEXT NOT NULL,
	noted_at BIGINT NOT NULL,
	content TEXT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id),
	UNIQUE (fleet_id, message_id)
);

CREATE INDEX footprint_messages_by_request ON footprint_messages (fleet_id, request_id);

CREATE FUNCTION footprint_messages_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'footprint_messages only grows: % refused', TG_OP; END $$;

CREATE TRIGGER footprint_messages_no_change BEFORE UPDATE OR DELETE ON footprint_messages FOR EACH ROW EXECUTE FUNCTION footprint_messages_only_grows();

CREATE TRIGGER footprint_messages_no_truncate BEFORE TRUNCATE ON footprint_messages FOR EACH STATEMENT EXECUTE FUNCTION footprint_messages_only_grows();

CREATE TABLE mail_recipients (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	address TEXT NOT NULL,
	language TEXT NOT NULL,
	forms TEXT NOT NULL,
	day_index INTEGER,
	recorded_at BIGINT NOT NULL,
	driver_id TEXT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION mail_recipients_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'mail_recipients only grows: % refused', TG_OP; END $$;

CREATE TRIGGER mail_recipients_no_change BEFORE UPDATE OR DELETE ON mail_recipients FOR EACH ROW EXECUTE FUNCTION mail_recipients_only_grows();

CREATE TRIGGER mail_recipients_no_truncate BEFORE TRUNCATE ON mail_recipients FOR EACH STATEMENT EXECUTE FUNCTION mail_recipients_only_grows();

CREATE TABLE mail_sendings (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	month TEXT NOT NULL,
	address TEXT NOT NULL,
	state TEXT NOT NULL,
	attempts_count INTEGER NOT NULL,
	text TEXT NOT NULL,
	noted_at BIGINT NOT NULL,
	driver_id TEXT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE INDEX mail_sendings_by_month ON mail_sendings (fleet_id, month, address);

CREATE FUNCTION mail_sendings_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'mail_sendings only grows: % refused', TG_OP; END $$;

CREATE TRIGGER mail_sendings_no_change BEFORE UPDATE OR DELETE ON mail_sendings FOR EACH ROW EXECUTE FUNCTION mail_sendings_only_grows();

CREATE TRIGGER mail_sendings_no_truncate BEFORE TRUNCATE ON mail_sendings FOR EACH STATEMENT EXECUTE FUNCTION mail_sendings_only_grows();

CREATE TABLE statement_publications (
	fleet_id TEXT NOT NULL,
	run_id TEXT NOT NULL,
	month TEXT NOT NULL,
	published_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, run_id),
	FOREIGN KEY(fleet_id, run_id) REFERENCES closing_runs (fleet_id, run_id)
);

CREATE FUNCTION statement_publications_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'statement_publications only grows: % refused', TG_OP; END $$;

CREATE TRIGGER statement_publications_no_change BEFORE UPDATE OR DELETE ON statement_publications FOR EACH ROW EXECUTE FUNCTION statement_publications_only_grows();

CREATE TRIGGER statement_publications_no_truncate BEFORE TRUNCATE ON statement_publications FOR EACH STATEMENT EXECUTE FUNCTION statement_publications_only_grows();

CREATE TABLE webhook_endpoints (
	fleet_id TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	url TEXT NOT NULL,
	description TEXT NOT NULL,
	event_types TEXT NOT NULL,
	state TEXT NOT NULL,
	reason TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	failing_since_at BIGINT,
	PRIMARY KEY (fleet_id, endpoint_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE TABLE webhook_events (
	fleet_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	type TEXT NOT NULL,
	content TEXT NOT NULL,
	happened_at BIGINT NOT NULL,
	spread_rows BIGINT NOT NULL,
	is_spread BOOLEAN NOT NULL,
	PRIMARY KEY (fleet_id, event_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE INDEX webhook_events_unspread ON webhook_events (fleet_id, is_spread, happened_at);

CREATE TABLE access_key_scopes (
	fleet_id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	scope TEXT NOT NULL,
	PRIMARY KEY (fleet_id, key_id, scope),
	FOREIGN KEY(fleet_id, key_id) REFERENCES access_keys (fleet_id, key_id)
);

CREATE FUNCTION access_key_scopes_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'access_key_scopes only grows: % refused', TG_OP; END $$;

CREATE TRIGGER access_key_scopes_no_change BEFORE UPDATE OR DELETE ON access_key_scopes FOR EACH ROW EXECUTE FUNCTION access_key_scopes_only_grows();

CREATE TRIGGER access_key_scopes_no_truncate BEFORE TRUNCATE ON access_key_scopes FOR EACH STATEMENT EXECUTE FUNCTION access_key_scopes_only_grows();

CREATE TABLE access_key_shippers (
	fleet_id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	shipper_id TEXT NOT NULL,
	PRIMARY KEY (fleet_id, key_id, shipper_id),
	FOREIGN KEY(fleet_id, key_id) REFERENCES access_keys (fleet_id, key_id)
);

CREATE FUNCTION access_key_shippers_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'access_key_shippers only grows: % refused', TG_OP; END $$;

CREATE TRIGGER access_key_shippers_no_change BEFORE UPDATE OR DELETE ON access_key_shippers FOR EACH ROW EXECUTE FUNCTION access_key_shippers_only_grows();

CREATE TRIGGER access_key_shippers_no_truncate BEFORE TRUNCATE ON access_key_shippers FOR EACH STATEMENT EXECUTE FUNCTION access_key_shippers_only_grows();

CREATE TABLE trace_journals (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	rows BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	folded_version BIGINT,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id)
);

CREATE INDEX trace_journals_waiting ON trace_journals (fleet_id, sequence) WHERE folded_version IS NULL;

CREATE TABLE trace_reductions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	month TEXT NOT NULL,
	version BIGINT NOT NULL,
	rule BIGINT NOT NULL,
	rows BIGINT NOT NULL,
	segments BIGINT NOT NULL,
	size_bytes BIGINT NOT NULL,
	reduced_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, version) REFERENCES trace_versions (fleet_id, version),
	FOREIGN KEY(fleet_id, rule) REFERENCES retention_rules (fleet_id, sequence)
);

CREATE FUNCTION trace_reductions_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trace_reductions only grows: % refused', TG_OP; END $$;

CREATE TRIGGER trace_reductions_no_change BEFORE UPDATE OR DELETE ON trace_reductions FOR EACH ROW EXECUTE FUNCTION trace_reductions_only_grows();

CREATE TRIGGER trace_reductions_no_truncate BEFORE TRUNCATE ON trace_reductions FOR EACH STATEMENT EXECUTE FUNCTION trace_reductions_only_grows();

CREATE TABLE dispute_answers (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	dispute BIGINT NOT NULL,
	outcome TEXT NOT NULL,
	text TEXT NOT NULL,
	answered_by TEXT NOT NULL,
	answered_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, dispute) REFERENCES disputes (fleet_id, sequence)
);

CREATE INDEX dispute_answers_by_dispute ON dispute_answers (fleet_id, dispute);

CREATE FUNCTION dispute_answers_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'dispute_answers only grows: % refused', TG_OP; END $$;

CREATE TRIGGER dispute_answers_no_change BEFORE UPDATE OR DELETE ON dispute_answers FOR EACH ROW EXECUTE FUNCTION dispute_answers_only_grows();

CREATE TRIGGER dispute_answers_no_truncate BEFORE TRUNCATE ON dispute_answers FOR EACH STATEMENT EXECUTE FUNCTION dispute_answers_only_grows();

CREATE TABLE mail_recipient_ends (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	recipient BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, recipient) REFERENCES mail_recipients (fleet_id, sequence)
);

CREATE FUNCTION mail_recipient_ends_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'mail_recipient_ends only grows: % refused', TG_OP; END $$;

CREATE TRIGGER mail_recipient_ends_no_change BEFORE UPDATE OR DELETE ON mail_recipient_ends FOR EACH ROW EXECUTE FUNCTION mail_recipient_ends_only_grows();

CREATE TRIGGER mail_recipient_ends_no_truncate BEFORE TRUNCATE ON mail_recipient_ends FOR EACH STATEMENT EXECUTE FUNCTION mail_recipient_ends_only_grows();

CREATE TABLE webhook_secrets (
	fleet_id TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	secret_id TEXT NOT NULL,
	sealed TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	ends_at BIGINT,
	PRIMARY KEY (fleet_id, endpoint_id, secret_id),
	FOREIGN KEY(fleet_id, endpoint_id) REFERENCES webhook_endpoints (fleet_id, endpoint_id)
);

CREATE TABLE webhook_deliveries (
	fleet_id TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	type TEXT NOT NULL,
	content TEXT NOT NULL,
	happened_at BIGINT NOT NULL,
	state TEXT NOT NULL,
	attempts_count INTEGER NOT NULL,
	failures_count INTEGER NOT NULL,
	due_at BIGINT,
	PRIMARY KEY (fleet_id, endpoint_id, event_id),
	FOREIGN KEY(fleet_id, endpoint_id) REFERENCES webhook_endpoints (fleet_id, endpoint_id)
);

CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (fleet_id, endpoint_id, happened_at, event_id);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (fleet_id, endpoint_id, due_at);

CREATE INDEX orders_by_order ON orders_versions (fleet_id, order_id, version, sequence, reception);

CREATE INDEX orders_by_reception_and_time ON orders_versions (fleet_id, reception, pickup_time, delivery_time);

CREATE INDEX orders_by_shipper ON orders_versions (fleet_id, shipper_id, delivery_time, pickup_time, order_id, sequence, reception);

CREATE INDEX orders_by_vehicle ON orders_versions (fleet_id, vehicle_id, sequence);

CREATE TABLE webhook_attempts (
	fleet_id TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	number INTEGER NOT NULL,
	attempted_at BIGINT NOT NULL,
	latency_ms BIGINT NOT NULL,
	status INTEGER,
	answer TEXT NOT NULL,
	failure TEXT NOT NULL,
	PRIMARY KEY (fleet_id, endpoint_id, event_id, number),
	FOREIGN KEY(fleet_id, endpoint_id, event_id) REFERENCES webhook_deliveries (fleet_id, endpoint_id, event_id) ON DELETE CASCADE
);

ALTER TABLE access_key_ends ENABLE ROW LEVEL SECURITY;

ALTER TABLE access_key_ends FORCE ROW LEVEL SECURITY;

CREATE POLICY access_key_ends_of_fleet ON access_key_ends USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

CREATE POLICY access_key_ends_across_keys ON access_key_ends FOR SELECT USING ((SELECT current_setting('fleet_carbon.across', true)) = 'keys');

ALTER TABLE access_key_scopes ENABLE ROW LEVEL SECURITY;

ALTER TABLE access_key_scopes FORCE ROW LEVEL SECURITY;

CREATE POLICY access_key_scopes_of_fleet ON access_key_scopes USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

CREATE POLICY access_key_scopes_across_keys ON access_key_scopes FOR SELECT USING ((SELECT current_setting('fleet_carbon.across', true)) = 'keys');

ALTER TABLE access_key_shippers ENABLE ROW LEVEL SECURITY;

ALTER TABLE access_key_shippers FORCE ROW LEVEL SECURITY;

CREATE POLICY access_key_shippers_of_fleet ON access_key_shippers USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

CREATE POLICY access_key_shippers_across_keys ON access_key_shippers FOR SELECT USING ((SELECT current_setting('fleet_carbon.across', true)) = 'keys');

ALTER TABLE access_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE access_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY access_keys_of_fleet ON access_keys USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

CREATE POLICY access_keys_across_keys ON access_keys FOR SELECT USING ((SELECT current_setting('fleet_carbon.across', true)) = 'keys');

ALTER TABLE assignments_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignments_versions FORCE ROW LEVEL SECURITY;

CREATE POLICY assignments_versions_of_fleet ON assignments_versions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;

CREATE POLICY audit_events_of_fleet ON audit_events USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE baselines_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE baselines_versions FORCE ROW LEVEL SECURITY;

CREATE POLICY baselines_versions_of_fleet ON baselines_versions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE claim_letters ENABLE ROW LEVEL SECURITY;

ALTER TABLE claim_letters FORCE ROW LEVEL SECURITY;

CREATE POLICY claim_letters_of_fleet ON claim_letters USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE claim_peers ENABLE ROW LEVEL SECURITY;

ALTER TABLE claim_peers FORCE ROW LEVEL SECURITY;

CREATE POLICY claim_peers_of_fleet ON claim_peers USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE claimed_orders ENABLE ROW LEVEL SECURITY;

ALTER TABLE claimed_orders FORCE ROW LEVEL SECURITY;

CREATE POLICY claimed_orders_of_fleet ON claimed_orders USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE claims ENABLE ROW LEVEL SECURITY;

ALTER TABLE claims FORCE ROW LEVEL SECURITY;

CREATE POLICY claims_of_fleet ON claims USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

CREATE POLICY claims_across_claims ON claims FOR SELECT USING ((SELECT current_setting('fleet_carbon.across', true)) = 'claims');

ALTER TABLE closing_downs ENABLE ROW LEVEL SECURITY;

ALTER TABLE closing_downs FORCE ROW LEVEL SECURITY;

CREATE POLICY closing_downs_of_fleet ON closing_downs USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE closing_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE closing_runs FORCE ROW LEVEL SECURITY;

CREATE POLICY closing_runs_of_fleet ON closing_runs USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE closing_tables ENABLE ROW LEVEL SECURITY;

ALTER TABLE closing_tables FORCE ROW LEVEL SECURITY;

CREATE POLICY closing_tables_of_fleet ON closing_tables USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE dispute_answers ENABLE ROW LEVEL SECURITY;

ALTER TABLE dispute_answers FORCE ROW LEVEL SECURITY;

CREATE POLICY dispute_answers_of_fleet ON dispute_answers USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE disputes ENABLE ROW LEVEL SECURITY;

ALTER TABLE disputes FORCE ROW LEVEL SECURITY;

CREATE POLICY disputes_of_fleet ON disputes USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE driver_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE driver_codes FORCE ROW LEVEL SECURITY;

CREATE POLICY driver_codes_of_fleet ON driver_codes USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE drivers_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE drivers_versions FORCE ROW LEVEL SECURITY;

CREATE POLICY drivers_versions_of_fleet ON drivers_versions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE energy_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE energy_versions FORCE ROW LEVEL SECURITY;

CREATE POLICY energy_versions_of_fleet ON energy_versions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;

ALTER TABLE erasures FORCE ROW LEVEL SECURITY;

CREATE POLICY erasures_of_fleet ON erasures USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE estimates ENABLE ROW LEVEL SECURITY;

ALTER TABLE estimates FORCE ROW LEVEL SECURITY;

CREATE POLICY estimates_of_fleet ON estimates USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE files ENABLE ROW LEVEL SECURITY;

ALTER TABLE files FORCE ROW LEVEL SECURITY;

CREATE POLICY files_of_fleet ON files USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE fleets ENABLE ROW LEVEL SECURITY;

ALTER TABLE fleets FORCE ROW LEVEL SECURITY;

CREATE POLICY fleets_of_fleet ON fleets USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

CREATE POLICY fleets_across_fleets ON fleets FOR SELECT USING ((SELECT current_setting('fleet_carbon.across', true)) = 'fleets');

ALTER TABLE footprint_messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE footprint_messages FORCE ROW LEVEL SECURITY;

CREATE POLICY footprint_messages_of_fleet ON footprint_messages USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE grants ENABLE ROW LEVEL SECURITY;

ALTER TABLE grants FORCE ROW LEVEL SECURITY;

CREATE POLICY grants_of_fleet ON grants USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE ledger_blocks ENABLE ROW LEVEL SECURITY;

ALTER TABLE ledger_blocks FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_blocks_of_fleet ON ledger_blocks USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE ledger_checkpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE ledger_checkpoints FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_checkpoints_of_fleet ON ledger_checkpoints USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE ledger_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE ledger_entries FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_entries_of_fleet ON ledger_entries USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE ledger_holdings ENABLE ROW LEVEL SECURITY;

ALTER TABLE ledger_holdings FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_holdings_of_fleet ON ledger_holdings USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE ledger_imports ENABLE ROW LEVEL SECURITY;

ALTER TABLE ledger_imports FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_imports_of_fleet ON ledger_imports USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE ledger_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE ledger_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_keys_of_fleet ON ledger_keys USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE ledger_tiles ENABLE ROW LEVEL SECURITY;

ALTER TABLE ledger_tiles FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_tiles_of_fleet ON ledger_tiles USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE lots ENABLE ROW LEVEL SECURITY;

ALTER TABLE lots FORCE ROW LEVEL SECURITY;

CREATE POLICY lots_of_fleet ON lots USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE mail_recipient_ends ENABLE ROW LEVEL SECURITY;

ALTER TABLE mail_recipient_ends FORCE ROW LEVEL SECURITY;

CREATE POLICY mail_recipient_ends_of_fleet ON mail_recipient_ends USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE mail_recipients ENABLE ROW LEVEL SECURITY;

ALTER TABLE mail_recipients FORCE ROW LEVEL SECURITY;

CREATE POLICY mail_recipients_of_fleet ON mail_recipients USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE mail_sendings ENABLE ROW LEVEL SECURITY;

ALTER TABLE mail_sendings FORCE ROW LEVEL SECURITY;

CREATE POLICY mail_sendings_of_fleet ON mail_sendings USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE orders_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE orders_versions FORCE ROW LEVEL SECURITY;

CREATE POLICY orders_versions_of_fleet ON orders_versions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE person_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE person_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY person_keys_of_fleet ON person_keys USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE prices ENABLE ROW LEVEL SECURITY;

ALTER TABLE prices FORCE ROW LEVEL SECURITY;

CREATE POLICY prices_of_fleet ON prices USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE reception_counts ENABLE ROW LEVEL SECURITY;

ALTER TABLE reception_counts FORCE ROW LEVEL SECURITY;

CREATE POLICY reception_counts_of_fleet ON reception_counts USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE receptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE receptions FORCE ROW LEVEL SECURITY;

CREATE POLICY receptions_of_fleet ON receptions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE request_answers ENABLE ROW LEVEL SECURITY;

ALTER TABLE request_answers FORCE ROW LEVEL SECURITY;

CREATE POLICY request_answers_of_fleet ON request_answers USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE retention_rules ENABLE ROW LEVEL SECURITY;

ALTER TABLE retention_rules FORCE ROW LEVEL SECURITY;

CREATE POLICY retention_rules_of_fleet ON retention_rules USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE segment_receptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE segment_receptions FORCE ROW LEVEL SECURITY;

CREATE POLICY segment_receptions_of_fleet ON segment_receptions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE segment_vehicles ENABLE ROW LEVEL SECURITY;

ALTER TABLE segment_vehicles FORCE ROW LEVEL SECURITY;

CREATE POLICY segment_vehicles_of_fleet ON segment_vehicles USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE segments ENABLE ROW LEVEL SECURITY;

ALTER TABLE segments FORCE ROW LEVEL SECURITY;

CREATE POLICY segments_of_fleet ON segments USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE sign_in_failures ENABLE ROW LEVEL SECURITY;

ALTER TABLE sign_in_failures FORCE ROW LEVEL SECURITY;

CREATE POLICY sign_in_failures_of_fleet ON sign_in_failures USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE statement_publications ENABLE ROW LEVEL SECURITY;

ALTER TABLE statement_publications FORCE ROW LEVEL SECURITY;

CREATE POLICY statement_publications_of_fleet ON statement_publications USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE trace_journals ENABLE ROW LEVEL SECURITY;

ALTER TABLE trace_journals FORCE ROW LEVEL SECURITY;

CREATE POLICY trace_journals_of_fleet ON trace_journals USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE trace_reductions ENABLE ROW LEVEL SECURITY;

ALTER TABLE trace_reductions FORCE ROW LEVEL SECURITY;

CREATE POLICY trace_reductions_of_fleet ON trace_reductions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE trace_removals ENABLE ROW LEVEL SECURITY;

ALTER TABLE trace_removals FORCE ROW LEVEL SECURITY;

CREATE POLICY trace_removals_of_fleet ON trace_removals USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE trace_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE trace_versions FORCE ROW LEVEL SECURITY;

CREATE POLICY trace_versions_of_fleet ON trace_versions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE users ENABLE ROW LEVEL SECURITY;

ALTER TABLE users FORCE ROW LEVEL SECURITY;

CREATE POLICY users_of_fleet ON users USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE vehicle_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE vehicle_codes FORCE ROW LEVEL SECURITY;

CREATE POLICY vehicle_codes_of_fleet ON vehicle_codes USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE vehicles_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE vehicles_versions FORCE ROW LEVEL SECURITY;

CREATE POLICY vehicles_versions_of_fleet ON vehicles_versions USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE webhook_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhook_attempts FORCE ROW LEVEL SECURITY;

CREATE POLICY webhook_attempts_of_fleet ON webhook_attempts USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;

CREATE POLICY webhook_deliveries_of_fleet ON webhook_deliveries USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE webhook_endpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhook_endpoints FORCE ROW LEVEL SECURITY;

CREATE POLICY webhook_endpoints_of_fleet ON webhook_endpoints USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE webhook_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhook_events FORCE ROW LEVEL SECURITY;

CREATE POLICY webhook_events_of_fleet ON webhook_events USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE webhook_secrets ENABLE ROW LEVEL SECURITY;

ALTER TABLE webhook_secrets FORCE ROW LEVEL SECURITY;

CREATE POLICY webhook_secrets_of_fleet ON webhook_secrets USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));

ALTER TABLE withdrawals ENABLE ROW LEVEL SECURITY;

ALTER TABLE withdrawals FORCE ROW LEVEL SECURITY;

CREATE POLICY withdrawals_of_fleet ON withdrawals USING (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true))) WITH CHECK (fleet_id = (SELECT current_setting('fleet_carbon.fleet', true)));
