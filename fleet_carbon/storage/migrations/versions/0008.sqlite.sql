CREATE TABLE worker_beats (
	worker_id TEXT NOT NULL,
	host TEXT NOT NULL,
	process_id INTEGER NOT NULL,
	begun_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (worker_id)
);

CREATE INDEX orders_by_order ON orders_versions (fleet_id, order_id, version, sequence, reception);

CREATE INDEX orders_by_vehicle ON orders_versions (fleet_id, vehicle_id, sequence);
