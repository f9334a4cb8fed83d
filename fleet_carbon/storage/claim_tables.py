"""The tables of claims: which fleet claims which truck when, letters, peers, claimed orders.

A row of `claims` is never changed but once, when it ends: superseded by a restatement, or released
to somebody else. While it stands, the database lets no other of the same truck overlap it,
whichever fleet it is of.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    UniqueConstraint,
)

from fleet_carbon.ledger.claims import RELEASED, STANDING, SUPERSEDED
from fleet_carbon.storage.ledger_tables import NAME
from fleet_carbon.storage.ledger_tables import SCHEMA as METADATA
from fleet_carbon.storage.tables import (
    Moment,
    after_create,
    fleet_column,
    only_grows,
    sequence_column,
)
from fleet_carbon.storage.tenancy import secured

SCHEMA = METADATA
"""Every table there is, those of claims among them."""

OVERLAP = "claims_overlap"
"""What the database names when it refuses a claim."""

SENT, ACCEPTED = "sent", "accepted"
_SPAN_S = 2**33
"""Room of a subject on the line of all subjects: seconds from 1970 to 2242."""

# What is claimed: a truck as the road knows it, at one activity. One for all fleets.
claim_subjects = Table(
    "claim_subjects",
    METADATA,
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("identity", NAME, nullable=False),
    Column("activity", NAME, nullable=False),
    UniqueConstraint("identity", "activity"),
)

claims = Table(
    "claims",
    METADATA,
    fleet_column(),
    sequence_column(),
    # Of `claim_subjects`; a foreign key would lock a row of it for each claim, at half the speed.
    Column("subject", BigInteger, nullable=False),
    Column("from_s", BigInteger, CheckConstraint("from_s >= 0"), nullable=False),
    Column("until_s", BigInteger, nullable=False),
    # Month, driver and truck, as the entries of the ledger name them.
    Column("figure", NAME, nullable=False),
    Column("run_id", NAME, nullable=False),
    Column("state", NAME, nullable=False),
    # The run that superseded it, or the letter that released it.
    Column("ended_by", NAME),
    CheckConstraint(f"from_s < until_s AND until_s < {_SPAN_S}"),
    CheckConstraint(
        f"CASE state WHEN '{STANDING}' THEN ended_by IS NULL"
        f" WHEN '{SUPERSEDED}' THEN ended_by IS NOT NULL"
        f" WHEN '{RELEASED}' THEN ended_by IS NOT NULL ELSE false END"
    ),
    Index("claims_by_figure", "fleet_id", "figure"),
    Index("claims_by_subject", "subject", "state", "from_s"),
)

# A letter that releases claims: as it was sent, and as it was accepted.
claim_letters = Table(
    "claim_letters",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("direction", NAME, nullable=False),
    Column("letter_id", NAME, nullable=False),
    Column("transaction_id", NAME, nullable=False),
    Column("peer", NAME, nullable=False),
    Column("text", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    CheckConstraint(f"direction IN ('{SENT}', '{ACCEPTED}')"),
    UniqueConstraint("fleet_id", "direction", "letter_id"),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Other platforms, by a name of ours: the key that signs for them; the newest row counts.
claim_peers = Table(
    "claim_peers",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("peer", NAME, nullable=False),
    Column("public_key", NAME, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Whose saving somebody reports as its own: an order once, whoever asks.
claimed_orders = Table(
    "claimed_orders",
    METADATA,
    fleet_column(),
    Column("order_id", NAME, primary_key=True),
    Column("transaction_id", NAME, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
    Index("claimed_orders_by_act", "fleet_id", "transaction_id"),
)

for _table in (claim_subjects, claim_letters, claim_peers, claimed_orders):
    only_grows(_table)

_KEPT = [one.name for one in claims.columns if one.name not in ("state", "ended_by")]
_CHANGED = " OR ".join(f"NEW.{name} <> OLD.{name}" for name in _KEPT)
_NO_END = f"OLD.state <> '{STANDING}' OR NEW.state = '{STANDING}' OR {_CHANGED}"
# The one before it in time is the only one that can reach into it: those that stand are disjoint.
_OVERLAPS = (
    f"NEW.state = '{STANDING}' AND coalesce((SELECT until_s FROM claims WHERE "
    f"subject = NEW.subject AND state = '{STANDING}' AND from_s < NEW.until_s "
    "ORDER BY from_s DESC LIMIT 1), 0) > NEW.from_s"
)
_SQLITE = (
    f"CREATE TRIGGER claims_no_overlap BEFORE INSERT ON claims WHEN {_OVERLAPS} "
    f"BEGIN SELECT RAISE(ABORT, '{OVERLAP}'); END",
    # INSERT OR REPLACE of a program that does not set recursive_triggers slips past the others.
    "CREATE TRIGGER claims_no_replace BEFORE INSERT ON claims WHEN EXISTS (SELECT 1 FROM claims "
    "WHERE fleet_id = NEW.fleet_id AND sequence = NEW.sequence) "
    "BEGIN SELECT RAISE(ABORT, 'claims only end: INSERT of another refused'); END",
    f"CREATE TRIGGER claims_only_end BEFORE UPDATE ON claims WHEN {_NO_END} "
    "BEGIN SELECT RAISE(ABORT, 'claims only end: UPDATE refused'); END",
    "CREATE TRIGGER claims_no_delete BEFORE DELETE ON claims "
    "BEGIN SELECT RAISE(ABORT, 'claims only end: DELETE refused'); END",
)
_ON_THE_LINE = f"int8range(subject * {_SPAN_S} + from_s, subject * {_SPAN_S} + until_s)"
_POSTGRESQL = (
    f"ALTER TABLE claims ADD CONSTRAINT {OVERLAP} EXCLUDE USING gist "
    f"(({_ON_THE_LINE}) WITH &&) WHERE (state = '{STANDING}')",
    f"CREATE FUNCTION claims_only_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF TG_OP = 'UPDATE' THEN IF NOT ({_NO_END}) THEN RETURN NEW; END IF; END IF; "
    "RAISE EXCEPTION 'claims only end: %% refused', TG_OP; END $$",
    "CREATE TRIGGER claims_no_change BEFORE UPDATE OR DELETE ON claims "
    "FOR EACH ROW EXECUTE FUNCTION claims_only_end()",
    "CREATE TRIGGER claims_no_truncate BEFORE TRUNCATE ON claims "
    "FOR EACH STATEMENT EXECUTE FUNCTION claims_only_end()",
)
for _dialect, _statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
    for _statement in _statements:
        after_create(claims, _dialect, _statement)
secured(SCHEMA)
