CREATE TABLE schema_version (
	version INTEGER NOT NULL,
	PRIMARY KEY (version)
);

CREATE TABLE fleets (
	fleet_id TEXT NOT NULL,
	timezone TEXT NOT NULL,
	PRIMARY KEY (fleet_id)
);

CREATE TABLE vehicle_codes (
	fleet_id TEXT NOT NULL,
	code INTEGER NOT NULL,
	vehicle_id TEXT NOT NULL,
	PRIMARY KEY (fleet_id, code),
	UNIQUE (fleet_id, vehicle_id)
);

CREATE TABLE driver_codes (
	fleet_id TEXT NOT NULL,
	code INTEGER NOT NULL,
	driver_id TEXT NOT NULL,
	PRIMARY KEY (fleet_id, code),
	UNIQUE (fleet_id, driver_id)
);

CREATE TABLE prices (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	series TEXT NOT NULL,
	price TEXT NOT NULL,
	currency TEXT NOT NULL,
	unit TEXT NOT NULL,
	valid_from TEXT NOT NULL,
	recorded_at BIGINT NOT NULL,
	market TEXT NOT NULL,
	vintage TEXT NOT NULL,
	grade TEXT NOT NULL,
	floor TEXT,
	is_saleable BOOLEAN NOT NULL,
	PRIMARY KEY (fleet_id, sequence)
);

CREATE FUNCTION prices_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'prices only grows: % refused', TG_OP; END $$;

CREATE TRIGGER prices_no_change BEFORE UPDATE OR DELETE ON prices FOR EACH ROW EXECUTE FUNCTION prices_only_grows();

CREATE TRIGGER prices_no_truncate BEFORE TRUNCATE ON prices FOR EACH STATEMENT EXECUTE FUNCTION prices_only_grows();

CREATE TABLE closing_runs (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	run_id TEXT NOT NULL,
	month TEXT NOT NULL,
	edition_label TEXT NOT NULL,
	edition_digest TEXT NOT NULL,
	inputs TEXT NOT NULL,
	closed_at BIGINT NOT NULL,
	summary TEXT NOT NULL,
	changes TEXT NOT NULL,
	trace_version BIGINT,
	PRIMARY KEY (fleet_id, sequence),
	UNIQUE (fleet_id, run_id)
);

CREATE INDEX closing_runs_by_month ON closing_runs (fleet_id, month, sequence);

CREATE FUNCTION closing_runs_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'closing_runs only grows: % refused', TG_OP; END $$;

CREATE TRIGGER closing_runs_no_change BEFORE UPDATE OR DELETE ON closing_runs FOR EACH ROW EXECUTE FUNCTION closing_runs_only_grows();

CREATE TRIGGER closing_runs_no_truncate BEFORE TRUNCATE ON closing_runs FOR EACH STATEMENT EXECUTE FUNCTION closing_runs_only_grows();

CREATE TABLE ledger_entries (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	entry_id TEXT COLLATE "C" NOT NULL,
	transaction_id TEXT COLLATE "C" NOT NULL,
	book TEXT COLLATE "C" NOT NULL,
	unit TEXT COLLATE "C" NOT NULL,
	month TEXT COLLATE "C" NOT NULL,
	edition TEXT COLLATE "C" NOT NULL,
	debit_account TEXT COLLATE "C" NOT NULL,
	credit_account TEXT COLLATE "C" NOT NULL,
	amount BIGINT NOT NULL CHECK (amount > 0),
	serial_from BIGINT,
	serial_until BIGINT,
	reason_code TEXT COLLATE "C" NOT NULL,
	recorded_at BIGINT NOT NULL,
	note TEXT NOT NULL,
	figure TEXT COLLATE "C" NOT NULL,
	previous_figure_g BIGINT,
	evidence TEXT NOT NULL,
	previous_hash TEXT NOT NULL,
	entry_hash TEXT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	UNIQUE (fleet_id, entry_id),
	CHECK (debit_account <> credit_account),
	CHECK (CASE WHEN book = 'carbon' THEN serial_from >= 0 AND serial_until - serial_from = amount ELSE serial_from IS NULL AND serial_until IS NULL END)
);

CREATE INDEX ledger_entries_by_credit ON ledger_entries (fleet_id, credit_account) WHERE credit_account != 'issued';

CREATE INDEX ledger_entries_by_debit ON ledger_entries (fleet_id, debit_account);

CREATE INDEX ledger_entries_by_figure ON ledger_entries (fleet_id, figure) WHERE figure != '';

CREATE FUNCTION ledger_entries_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ledger_entries only grows: % refused', TG_OP; END $$;

CREATE TRIGGER ledger_entries_no_change BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_entries_only_grows();

CREATE TRIGGER ledger_entries_no_truncate BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_only_grows();

CREATE TABLE ledger_holdings (
	fleet_id TEXT NOT NULL,
	block INTEGER NOT NULL,
	serial_from BIGINT NOT NULL,
	serial_until BIGINT NOT NULL,
	account TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (fleet_id, block, serial_from),
	CHECK (serial_until > serial_from)
);

CREATE INDEX ledger_holdings_by_account ON ledger_holdings (fleet_id, account, block, serial_from);

CREATE TABLE claim_subjects (
	subject BIGINT NOT NULL,
	identity TEXT COLLATE "C" NOT NULL,
	activity TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (subject),
	UNIQUE (identity, activity)
);

CREATE FUNCTION claim_subjects_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'claim_subjects only grows: % refused', TG_OP; END $$;

CREATE TRIGGER claim_subjects_no_change BEFORE UPDATE OR DELETE ON claim_subjects FOR EACH ROW EXECUTE FUNCTION claim_subjects_only_grows();

CREATE TRIGGER claim_subjects_no_truncate BEFORE TRUNCATE ON claim_subjects FOR EACH STATEMENT EXECUTE FUNCTION claim_subjects_only_grows();

CREATE TABLE claims (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	subject BIGINT NOT NULL,
	from_s BIGINT NOT NULL CHECK (from_s >= 0),
	until_s BIGINT NOT NULL,
	figure TEXT COLLATE "C" NOT NULL,
	run_id TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	ended_by TEXT COLLATE "C",
	PRIMARY KEY (fleet_id, sequence),
	CHECK (from_s < until_s AND until_s < 8589934592),
	CHECK (CASE state WHEN 'standing' THEN ended_by IS NULL WHEN 'superseded' THEN ended_by IS NOT NULL WHEN 'released' THEN ended_by IS NOT NULL ELSE false END)
);

CREATE INDEX claims_by_figure ON claims (fleet_id, figure);

CREATE INDEX claims_by_subject ON claims (subject, state, from_s);

ALTER TABLE claims ADD CONSTRAINT claims_overlap EXCLUDE USING gist ((int8range(subject * 8589934592 + from_s, subject * 8589934592 + until_s)) WITH &&) WHERE (state = 'standing');

CREATE FUNCTION claims_only_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP = 'UPDATE' THEN IF NOT (OLD.state <> 'standing' OR NEW.state = 'standing' OR NEW.fleet_id <> OLD.fleet_id OR NEW.sequence <> OLD.sequence OR NEW.subject <> OLD.subject OR NEW.from_s <> OLD.from_s OR NEW.until_s <> OLD.until_s OR NEW.figure <> OLD.figure OR NEW.run_id <> OLD.run_id) THEN RETURN NEW; END IF; END IF; RAISE EXCEPTION 'claims only end: % refused', TG_OP; END $$;

CREATE TRIGGER claims_no_change BEFORE UPDATE OR DELETE ON claims FOR EACH ROW EXECUTE FUNCTION claims_only_end();

CREATE TRIGGER claims_no_truncate BEFORE TRUNCATE ON claims FOR EACH STATEMENT EXECUTE FUNCTION claims_only_end();

CREATE TABLE request_answers (
	fleet_id TEXT NOT NULL,
	request_key TEXT NOT NULL,
	request_sha256 TEXT NOT NULL,
	status INTEGER,
	content TEXT,
	begun_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, request_key)
);

CREATE INDEX request_answers_by_time ON request_answers (begun_at);

CREATE TABLE files (
	fleet_id TEXT NOT NULL,
	file_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	size_bytes BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, file_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE TABLE trace_versions (
	fleet_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	kind TEXT NOT NULL,
	note TEXT NOT NULL,
	recorded_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, version),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION trace_versions_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trace_versions only grows: % refused', TG_OP; END $$;

CREATE TRIGGER trace_versions_no_change BEFORE UPDATE OR DELETE ON trace_versions FOR EACH ROW EXECUTE FUNCTION trace_versions_only_grows();

CREATE TRIGGER trace_versions_no_truncate BEFORE TRUNCATE ON trace_versions FOR EACH STATEMENT EXECUTE FUNCTION trace_versions_only_grows();

CREATE TABLE trace_removals (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	from_version BIGINT NOT NULL,
	until_version BIGINT NOT NULL,
	removed_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION trace_removals_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trace_removals only grows: % refused', TG_OP; END $$;

CREATE TRIGGER trace_removals_no_change BEFORE UPDATE OR DELETE ON trace_removals FOR EACH ROW EXECUTE FUNCTION trace_removals_only_grows();

CREATE TRIGGER trace_removals_no_truncate BEFORE TRUNCATE ON trace_removals FOR EACH STATEMENT EXECUTE FUNCTION trace_removals_only_grows();

CREATE TABLE closing_tables (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	name TEXT NOT NULL,
	digest_sha256 TEXT NOT NULL,
	rows BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence, name),
	FOREIGN KEY(fleet_id, sequence) REFERENCES closing_runs (fleet_id, sequence)
);

CREATE FUNCTION closing_tables_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'closing_tables only grows: % refused', TG_OP; END $$;

CREATE TRIGGER closing_tables_no_change BEFORE UPDATE OR DELETE ON closing_tables FOR EACH ROW EXECUTE FUNCTION closing_tables_only_grows();

CREATE TRIGGER closing_tables_no_truncate BEFORE TRUNCATE ON closing_tables FOR EACH STATEMENT EXECUTE FUNCTION closing_tables_only_grows();

CREATE TABLE ledger_blocks (
	fleet_id TEXT NOT NULL,
	block INTEGER NOT NULL,
	month TEXT COLLATE "C" NOT NULL,
	edition TEXT COLLATE "C" NOT NULL,
	issued_g BIGINT NOT NULL CHECK (issued_g >= 0),
	held_g BIGINT NOT NULL CHECK (held_g >= 0),
	pending_g BIGINT NOT NULL CHECK (pending_g >= 0),
	sold_g BIGINT NOT NULL CHECK (sold_g >= 0),
	retired_g BIGINT NOT NULL CHECK (retired_g >= 0),
	cancelled_g BIGINT NOT NULL CHECK (cancelled_g >= 0),
	buffer_g BIGINT NOT NULL CHECK (buffer_g >= 0),
	PRIMARY KEY (fleet_id, block),
	UNIQUE (fleet_id, month, edition),
	CHECK (issued_g = held_g + pending_g + sold_g + retired_g + cancelled_g + buffer_g),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE TABLE ledger_keys (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	note TEXT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION ledger_keys_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ledger_keys only grows: % refused', TG_OP; END $$;

CREATE TRIGGER ledger_keys_no_change BEFORE UPDATE OR DELETE ON ledger_keys FOR EACH ROW EXECUTE FUNCTION ledger_keys_only_grows();

CREATE TRIGGER ledger_keys_no_truncate BEFORE TRUNCATE ON ledger_keys FOR EACH STATEMENT EXECUTE FUNCTION ledger_keys_only_grows();

CREATE TABLE ledger_checkpoints (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	entries BIGINT NOT NULL,
	note TEXT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION ledger_checkpoints_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ledger_checkpoints only grows: % refused', TG_OP; END $$;

CREATE TRIGGER ledger_checkpoints_no_change BEFORE UPDATE OR DELETE ON ledger_checkpoints FOR EACH ROW EXECUTE FUNCTION ledger_checkpoints_only_grows();

CREATE TRIGGER ledger_checkpoints_no_truncate BEFORE TRUNCATE ON ledger_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION ledger_checkpoints_only_grows();

CREATE TABLE ledger_tiles (
	fleet_id TEXT NOT NULL,
	tile BIGINT NOT NULL,
	root TEXT NOT NULL,
	PRIMARY KEY (fleet_id, tile),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION ledger_tiles_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ledger_tiles only grows: % refused', TG_OP; END $$;

CREATE TRIGGER ledger_tiles_no_change BEFORE UPDATE OR DELETE ON ledger_tiles FOR EACH ROW EXECUTE FUNCTION ledger_tiles_only_grows();

CREATE TRIGGER ledger_tiles_no_truncate BEFORE TRUNCATE ON ledger_tiles FOR EACH STATEMENT EXECUTE FUNCTION ledger_tiles_only_grows();

CREATE TABLE claim_letters (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	direction TEXT COLLATE "C" NOT NULL,
	letter_id TEXT COLLATE "C" NOT NULL,
	transaction_id TEXT COLLATE "C" NOT NULL,
	peer TEXT COLLATE "C" NOT NULL,
	text TEXT NOT NULL,
	recorded_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	CHECK (direction IN ('sent', 'accepted')),
	UNIQUE (fleet_id, direction, letter_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION claim_letters_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'claim_letters only grows: % refused', TG_OP; END $$;

CREATE TRIGGER claim_letters_no_change BEFORE UPDATE OR DELETE ON claim_letters FOR EACH ROW EXECUTE FUNCTION claim_letters_only_grows();

CREATE TRIGGER claim_letters_no_truncate BEFORE TRUNCATE ON claim_letters FOR EACH STATEMENT EXECUTE FUNCTION claim_letters_only_grows();

CREATE TABLE claim_peers (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	peer TEXT COLLATE "C" NOT NULL,
	public_key TEXT COLLATE "C" NOT NULL,
	recorded_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION claim_peers_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'claim_peers only grows: % refused', TG_OP; END $$;

CREATE TRIGGER claim_peers_no_change BEFORE UPDATE OR DELETE ON claim_peers FOR EACH ROW EXECUTE FUNCTION claim_peers_only_grows();

CREATE TRIGGER claim_peers_no_truncate BEFORE TRUNCATE ON claim_peers FOR EACH STATEMENT EXECUTE FUNCTION claim_peers_only_grows();

CREATE TABLE claimed_orders (
	fleet_id TEXT NOT NULL,
	order_id TEXT COLLATE "C" NOT NULL,
	transaction_id TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (fleet_id, order_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE INDEX claimed_orders_by_act ON claimed_orders (fleet_id, transaction_id);

CREATE FUNCTION claimed_orders_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'claimed_orders only grows: % refused', TG_OP; END $$;

CREATE TRIGGER claimed_orders_no_change BEFORE UPDATE OR DELETE ON claimed_orders FOR EACH ROW EXECUTE FUNCTION claimed_orders_only_grows();

CREATE TRIGGER claimed_orders_no_truncate BEFORE TRUNCATE ON claimed_orders FOR EACH STATEMENT EXECUTE FUNCTION claimed_orders_only_grows();

CREATE TABLE access_keys (
	fleet_id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	driver_id TEXT NOT NULL,
	secret_sha256 TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT,
	PRIMARY KEY (fleet_id, key_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id),
	UNIQUE (secret_sha256)
);

CREATE FUNCTION access_keys_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'access_keys only grows: % refused', TG_OP; END $$;

CREATE TRIGGER access_keys_no_change BEFORE UPDATE OR DELETE ON access_keys FOR EACH ROW EXECUTE FUNCTION access_keys_only_grows();

CREATE TRIGGER access_keys_no_truncate BEFORE TRUNCATE ON access_keys FOR EACH STATEMENT EXECUTE FUNCTION access_keys_only_grows();

CREATE TABLE audit_events (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	key_id TEXT NOT NULL,
	who TEXT NOT NULL,
	method TEXT NOT NULL,
	path TEXT NOT NULL,
	status INTEGER NOT NULL,
	request_id TEXT NOT NULL,
	happened_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION audit_events_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit_events only grows: % refused', TG_OP; END $$;

CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_only_grows();

CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_events_only_grows();

CREATE TABLE closing_downs (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	state TEXT NOT NULL,
	facts TEXT NOT NULL,
	recorded_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION closing_downs_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'closing_downs only grows: % refused', TG_OP; END $$;

CREATE TRIGGER closing_downs_no_change BEFORE UPDATE OR DELETE ON closing_downs FOR EACH ROW EXECUTE FUNCTION closing_downs_only_grows();

CREATE TRIGGER closing_downs_no_truncate BEFORE TRUNCATE ON closing_downs FOR EACH STATEMENT EXECUTE FUNCTION closing_downs_only_grows();

CREATE TABLE lots (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	lot_id TEXT NOT NULL,
	request_digest TEXT NOT NULL,
	facts TEXT NOT NULL,
	recorded_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	UNIQUE (fleet_id, lot_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION lots_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'lots only grows: % refused', TG_OP; END $$;

CREATE TRIGGER lots_no_change BEFORE UPDATE OR DELETE ON lots FOR EACH ROW EXECUTE FUNCTION lots_only_grows();

CREATE TRIGGER lots_no_truncate BEFORE TRUNCATE ON lots FOR EACH STATEMENT EXECUTE FUNCTION lots_only_grows();

CREATE TABLE ledger_imports (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	archive_sha256 TEXT NOT NULL,
	manifest TEXT NOT NULL,
	runs_until BIGINT NOT NULL,
	imported_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION ledger_imports_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ledger_imports only grows: % refused', TG_OP; END $$;

CREATE TRIGGER ledger_imports_no_change BEFORE UPDATE OR DELETE ON ledger_imports FOR EACH ROW EXECUTE FUNCTION ledger_imports_only_grows();

CREATE TRIGGER ledger_imports_no_truncate BEFORE TRUNCATE ON ledger_imports FOR EACH STATEMENT EXECUTE FUNCTION ledger_imports_only_grows();

CREATE TABLE person_keys (
	fleet_id TEXT NOT NULL,
	driver_id TEXT NOT NULL,
	wrapped_key TEXT NOT NULL,
	PRIMARY KEY (fleet_id, driver_id),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE TABLE erasures (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	driver_id TEXT NOT NULL,
	reason TEXT NOT NULL,
	files TEXT NOT NULL,
	erased_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id) REFERENCES fleets (fleet_id)
);

CREATE FUNCTION erasures_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'erasures only grows: % refused', TG_OP; END $$;

CREATE TRIGGER erasures_no_change BEFORE UPDATE OR DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION erasures_only_grows();

CREATE TRIGGER erasures_no_truncate BEFORE TRUNCATE ON erasures FOR EACH STATEMENT EXECUTE FUNCTION erasures_only_grows();

CREATE TABLE receptions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	options TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id)
);

CREATE INDEX receptions_by_file ON receptions (fleet_id, file_id);

CREATE FUNCTION receptions_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'receptions only grows: % refused', TG_OP; END $$;

CREATE TRIGGER receptions_no_change BEFORE UPDATE OR DELETE ON receptions FOR EACH ROW EXECUTE FUNCTION receptions_only_grows();

CREATE TRIGGER receptions_no_truncate BEFORE TRUNCATE ON receptions FOR EACH STATEMENT EXECUTE FUNCTION receptions_only_grows();

CREATE TABLE segments (
	fleet_id TEXT NOT NULL,
	segment BIGINT NOT NULL,
	segment_id TEXT NOT NULL,
	month TEXT NOT NULL,
	bucket INTEGER NOT NULL,
	rows BIGINT NOT NULL,
	time_ms_min BIGINT NOT NULL,
	time_ms_max BIGINT NOT NULL,
	size_bytes BIGINT NOT NULL,
	footer_bytes BIGINT NOT NULL,
	footer_crc32 BIGINT NOT NULL,
	from_version BIGINT NOT NULL,
	until_version BIGINT,
	PRIMARY KEY (fleet_id, segment),
	FOREIGN KEY(fleet_id, from_version) REFERENCES trace_versions (fleet_id, version),
	FOREIGN KEY(fleet_id, until_version) REFERENCES trace_versions (fleet_id, version)
);

CREATE INDEX segments_by_bucket ON segments (fleet_id, month, bucket);

CREATE INDEX segments_by_time ON segments (fleet_id, time_ms_min, time_ms_max);

CREATE TABLE access_key_ends (
	fleet_id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	reason TEXT NOT NULL,
	ended_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, key_id),
	FOREIGN KEY(fleet_id, key_id) REFERENCES access_keys (fleet_id, key_id)
);

CREATE FUNCTION access_key_ends_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'access_key_ends only grows: % refused', TG_OP; END $$;

CREATE TRIGGER access_key_ends_no_change BEFORE UPDATE OR DELETE ON access_key_ends FOR EACH ROW EXECUTE FUNCTION access_key_ends_only_grows();

CREATE TRIGGER access_key_ends_no_truncate BEFORE TRUNCATE ON access_key_ends FOR EACH STATEMENT EXECUTE FUNCTION access_key_ends_only_grows();

CREATE TABLE reception_counts (
	fleet_id TEXT NOT NULL,
	reception BIGINT NOT NULL,
	rows_accepted BIGINT NOT NULL,
	rows_duplicate BIGINT NOT NULL,
	rows_rejected BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, reception),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE FUNCTION reception_counts_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'reception_counts only grows: % refused', TG_OP; END $$;

CREATE TRIGGER reception_counts_no_change BEFORE UPDATE OR DELETE ON reception_counts FOR EACH ROW EXECUTE FUNCTION reception_counts_only_grows();

CREATE TRIGGER reception_counts_no_truncate BEFORE TRUNCATE ON reception_counts FOR EACH STATEMENT EXECUTE FUNCTION reception_counts_only_grows();

CREATE TABLE withdrawals (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	reception BIGINT NOT NULL,
	reason TEXT NOT NULL,
	withdrawn_at BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence),
	UNIQUE (fleet_id, reception)
);

CREATE FUNCTION withdrawals_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'withdrawals only grows: % refused', TG_OP; END $$;

CREATE TRIGGER withdrawals_no_change BEFORE UPDATE OR DELETE ON withdrawals FOR EACH ROW EXECUTE FUNCTION withdrawals_only_grows();

CREATE TRIGGER withdrawals_no_truncate BEFORE TRUNCATE ON withdrawals FOR EACH STATEMENT EXECUTE FUNCTION withdrawals_only_grows();

CREATE TABLE vehicles_versions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	reception BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	key_text TEXT NOT NULL,
	content_sha256 TEXT NOT NULL,
	vehicle_id TEXT NOT NULL,
	rated_payload_t DOUBLE PRECISION NOT NULL,
	plate TEXT,
	plate_color_code TEXT,
	vehicle_class TEXT,
	body_length_m DOUBLE PRECISION,
	volume_m3 DOUBLE PRECISION,
	energy TEXT NOT NULL,
	curb_mass_t DOUBLE PRECISION,
	empty_l_per_100km DOUBLE PRECISION,
	full_l_per_100km DOUBLE PRECISION,
	tank_l DOUBLE PRECISION,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE INDEX vehicles_versions_by_file ON vehicles_versions (fleet_id, file_id);

CREATE INDEX vehicles_versions_by_key ON vehicles_versions (fleet_id, key_text, sequence, reception);

CREATE INDEX vehicles_versions_by_reception ON vehicles_versions (fleet_id, reception);

CREATE TABLE drivers_versions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	reception BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	key_text TEXT NOT NULL,
	content_sha256 TEXT NOT NULL,
	driver_id TEXT NOT NULL,
	name TEXT,
	phone TEXT,
	vehicle_id TEXT,
	joined_on TEXT,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE INDEX drivers_versions_by_file ON drivers_versions (fleet_id, file_id);

CREATE INDEX drivers_versions_by_key ON drivers_versions (fleet_id, key_text, sequence, reception);

CREATE INDEX drivers_versions_by_reception ON drivers_versions (fleet_id, reception);

CREATE TABLE assignments_versions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	reception BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	key_text TEXT NOT NULL,
	content_sha256 TEXT NOT NULL,
	driver_id TEXT NOT NULL,
	vehicle_id TEXT NOT NULL,
	assigned_from BIGINT NOT NULL,
	assigned_until BIGINT,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE INDEX assignments_versions_by_file ON assignments_versions (fleet_id, file_id);

CREATE INDEX assignments_versions_by_key ON assignments_versions (fleet_id, key_text, sequence, reception);

CREATE INDEX assignments_versions_by_reception ON assignments_versions (fleet_id, reception);

CREATE TABLE orders_versions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	reception BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	key_text TEXT NOT NULL,
	content_sha256 TEXT NOT NULL,
	order_id TEXT NOT NULL,
	vehicle_id TEXT NOT NULL,
	cargo_t DOUBLE PRECISION NOT NULL,
	pickup_lon DOUBLE PRECISION NOT NULL,
	pickup_lat DOUBLE PRECISION NOT NULL,
	delivery_lon DOUBLE PRECISION NOT NULL,
	delivery_lat DOUBLE PRECISION NOT NULL,
	pickup_time BIGINT NOT NULL,
	delivery_time BIGINT NOT NULL,
	driver_id TEXT,
	cargo_m3 DOUBLE PRECISION,
	weight_source TEXT NOT NULL,
	status TEXT NOT NULL,
	pickup_place TEXT,
	delivery_place TEXT,
	pickup_uncertainty_km DOUBLE PRECISION NOT NULL,
	delivery_uncertainty_km DOUBLE PRECISION NOT NULL,
	shipper_id TEXT,
	price TEXT,
	currency TEXT,
	version BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE INDEX orders_by_time ON orders_versions (fleet_id, delivery_time);

CREATE INDEX orders_versions_by_file ON orders_versions (fleet_id, file_id);

CREATE INDEX orders_versions_by_key ON orders_versions (fleet_id, key_text, sequence, reception);

CREATE INDEX orders_versions_by_reception ON orders_versions (fleet_id, reception);

CREATE TABLE energy_versions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	reception BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	key_text TEXT NOT NULL,
	content_sha256 TEXT NOT NULL,
	vehicle_id TEXT NOT NULL,
	bought_at BIGINT NOT NULL,
	quantity DOUBLE PRECISION NOT NULL,
	unit TEXT NOT NULL,
	product TEXT,
	price TEXT,
	currency TEXT,
	odometer_km DOUBLE PRECISION,
	receipt_id TEXT,
	is_full BOOLEAN,
	place_lon DOUBLE PRECISION,
	place_lat DOUBLE PRECISION,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE INDEX energy_versions_by_file ON energy_versions (fleet_id, file_id);

CREATE INDEX energy_versions_by_key ON energy_versions (fleet_id, key_text, sequence, reception);

CREATE INDEX energy_versions_by_reception ON energy_versions (fleet_id, reception);

CREATE TABLE baselines_versions (
	fleet_id TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	file_id TEXT NOT NULL,
	reception BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	key_text TEXT NOT NULL,
	content_sha256 TEXT NOT NULL,
	driver_id TEXT,
	vehicle_class TEXT,
	valid_from TEXT NOT NULL,
	empty_share DOUBLE PRECISION NOT NULL,
	payload_utilisation_share DOUBLE PRECISION NOT NULL,
	search_share DOUBLE PRECISION,
	efficiency_index DOUBLE PRECISION,
	energy TEXT,
	body_length_m_from DOUBLE PRECISION,
	body_length_m_until DOUBLE PRECISION,
	distance_km_from DOUBLE PRECISION,
	distance_km_until DOUBLE PRECISION,
	cargo_t_from DOUBLE PRECISION,
	cargo_t_until DOUBLE PRECISION,
	PRIMARY KEY (fleet_id, sequence),
	FOREIGN KEY(fleet_id, file_id) REFERENCES files (fleet_id, file_id),
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE INDEX baselines_versions_by_file ON baselines_versions (fleet_id, file_id);

CREATE INDEX baselines_versions_by_key ON baselines_versions (fleet_id, key_text, sequence, reception);

CREATE INDEX baselines_versions_by_reception ON baselines_versions (fleet_id, reception);

CREATE TABLE segment_receptions (
	fleet_id TEXT NOT NULL,
	segment BIGINT NOT NULL,
	reception BIGINT NOT NULL,
	rows BIGINT NOT NULL,
	time_ms_min BIGINT NOT NULL,
	time_ms_max BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, segment, reception),
	FOREIGN KEY(fleet_id, segment) REFERENCES segments (fleet_id, segment) ON DELETE CASCADE,
	FOREIGN KEY(fleet_id, reception) REFERENCES receptions (fleet_id, sequence)
);

CREATE INDEX segment_receptions_by_reception ON segment_receptions (fleet_id, reception);

CREATE TABLE segment_vehicles (
	fleet_id TEXT NOT NULL,
	segment BIGINT NOT NULL,
	vehicle_code INTEGER NOT NULL,
	offset_rows BIGINT NOT NULL,
	rows BIGINT NOT NULL,
	time_ms_min BIGINT NOT NULL,
	time_ms_max BIGINT NOT NULL,
	mark_a BIGINT NOT NULL,
	mark_b BIGINT NOT NULL,
	PRIMARY KEY (fleet_id, segment, vehicle_code),
	FOREIGN KEY(fleet_id, segment) REFERENCES segments (fleet_id, segment) ON DELETE CASCADE
);

CREATE INDEX segment_vehicles_by_vehicle ON segment_vehicles (fleet_id, vehicle_code);
