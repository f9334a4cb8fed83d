CREATE TABLE worker_beats (
	worker_id TEXT NOT NULL,
	host TEXT NOT NULL,
	process_id INTEGER NOT NULL,
	begun_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (worker_id)
);
