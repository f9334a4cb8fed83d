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

CREATE TRIGGER retention_rules_no_update BEFORE UPDATE ON retention_rules BEGIN SELECT RAISE(ABORT, 'retention_rules only grows: UPDATE refused'); END;

CREATE TRIGGER retention_rules_no_delete BEFORE DELETE ON retention_rules BEGIN SELECT RAISE(ABORT, 'retention_rules only grows: DELETE refused'); END;

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

CREATE TRIGGER disputes_no_update BEFORE UPDATE ON disputes BEGIN SELECT RAISE(ABORT, 'disputes only grows: UPDATE refused'); END;

CREATE TRIGGER disputes_no_delete BEFORE DELETE ON disputes BEGIN SELECT RAISE(ABORT, 'disputes only grows: DELETE refused'); END;

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

CREATE TRIGGER estimates_no_update BEFORE UPDATE ON estimates BEGIN SELECT RAISE(ABORT, 'estimates only grows: UPDATE refused'); END;

CREATE TRIGGER estimates_no_delete BEFORE DELETE ON estimates BEGIN SELECT RAISE(ABORT, 'estimates only grows: DELETE refused'); END;

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

CREATE TRIGGER footprint_messages_no_update BEFORE UPDATE ON footprint_messages BEGIN SELECT RAISE(ABORT, 'footprint_messages only grows: UPDATE refused'); END;

CREATE TRIGGER footprint_messages_no_delete BEFORE DELETE ON footprint_messages BEGIN SELECT RAISE(ABORT, 'footprint_messages only grows: DELETE refused'); END;

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

CREATE TRIGGER mail_recipients_no_update BEFORE UPDATE ON mail_recipients BEGIN SELECT RAISE(ABORT, 'mail_recipients only grows: UPDATE refused'); END;

CREATE TRIGGER mail_recipients_no_delete BEFORE DELETE ON mail_recipients BEGIN SELECT RAISE(ABORT, 'mail_recipients only grows: DELETE refused'); END;

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

CREATE TRIGGER mail_sendings_no_update BEFORE UPDATE ON mail_sendings BEGIN SELECT RAISE(ABORT, 'mail_sendings only grows: UPDATE refused'); END;

CREATE TRIGGER mail_sendings_no_delete BEFORE DELETE ON mail_sendings BEGIN SELECT RAISE(ABORT, 'mail_sendings only grows: DELETE refused'); END;

CREATE TABLE statement_publications (
	fleet_id TEXT NOT NULL,
	run_id TEXT NOT NULL,
	month TEXT NOT NULL,
	published_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, run_id),
	FOREIGN KEY(fleet_id, run_id) REFERENCES closing_runs (fleet_id, run_id)
);

CREATE TRIGGER statement_publications_no_update BEFORE UPDATE ON statement_publications BEGIN SELECT RAISE(ABORT, 'statement_publications only grows: UPDATE refused'); END;

CREATE TRIGGER statement_publications_no_delete BEFORE DELETE ON statement_publications BEGIN SELECT RAISE(ABORT, 'statement_publications only grows: DELETE refused'); END;

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

CREATE TRIGGER access_key_scopes_no_update BEFORE UPDATE ON access_key_scopes BEGIN SELECT RAISE(ABORT, 'access_key_scopes only grows: UPDATE refused'); END;

CREATE TRIGGER access_key_scopes_no_delete BEFORE DELETE ON access_key_scopes BEGIN SELECT RAISE(ABORT, 'access_key_scopes only grows: DELETE refused'); END;

CREATE TABLE access_key_shippers (
	fleet_id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	shipper_id TEXT NOT NULL,
	PRIMARY KEY (fleet_id, key_id, shipper_id),
	FOREIGN KEY(fleet_id, key_id) REFERENCES access_keys (fleet_id, key_id)
);

CREATE TRIGGER access_key_shippers_no_update BEFORE UPDATE ON access_key_shippers BEGIN SELECT RAISE(ABORT, 'access_key_shippers only grows: UPDATE refused'); END;

CREATE TRIGGER access_key_shippers_no_delete BEFORE DELETE ON access_key_shippers BEGIN SELECT RAISE(ABORT, 'access_key_shippers only grows: DELETE refused'); END;

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

CREATE TRIGGER trace_reductions_no_update BEFORE UPDATE ON trace_reductions BEGIN SELECT RAISE(ABORT, 'trace_reductions only grows: UPDATE refused'); END;

CREATE TRIGGER trace_reductions_no_delete BEFORE DELETE ON trace_reductions BEGIN SELECT RAISE(ABORT, 'trace_reductions only grows: DELETE refused'); END;

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

CREATE TRIGGER dispute_answers_no_update BEFORE UPDATE ON dispute_answers BEGIN SELECT RAISE(ABORT, 'dispute_answers only grows: UPDATE refused'); END;

CREATE TRIGGER dispute_answers_no_delete BEFORE DELETE ON dispute_answers BEGIN SELECT RAISE(ABORT, 'dispute_answers only grows: DELETE refused'); END;

CREATE TABLE mail_recipient_ends (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	recipient BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, recipient) REFERENCES mail_recipients (fleet_id, sequence)
);

CREATE TRIGGER mail_recipient_ends_no_update BEFORE UPDATE ON mail_recipient_ends BEGIN SELECT RAISE(ABORT, 'mail_recipient_ends only grows: UPDATE refused'); END;

CREATE TRIGGER mail_recipient_ends_no_delete BEFORE DELETE ON mail_recipient_ends BEGIN SELECT RAISE(ABORT, 'mail_recipient_ends only grows: DELETE refused'); END;

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
