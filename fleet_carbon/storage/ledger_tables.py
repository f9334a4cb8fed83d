"""The tables of the ledger: entries, which only grow, and what is kept derived from them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    and_,
)

from fleet_carbon.ledger.accounts import CLASSES, ISSUED
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    after_create,
    fleet_column,
    only_grows,
    sequence_column,
)

SCHEMA = METADATA
"""Every table there is, those of the ledger among them."""

# Names are compared and sorted by their bytes, in both databases: a range of names is a prefix.
NAME = Text().with_variant(Text(collation="C"), "postgresql")

ledger_entries = Table(
    "ledger_entries",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("entry_id", NAME, nullable=False),
    Column("transaction_id", NAME, nullable=False),
    Column("book", NAME, nullable=False),
    Column("unit", NAME, nullable=False),
    Column("month", NAME, nullable=False),
    Column("edition", NAME, nullable=False),
    Column("debit_account", NAME, nullable=False),
    Column("credit_account", NAME, nullable=False),
    Column("amount", BigInteger, CheckConstraint("amount > 0"), nullable=False),
    Column("serial_from", BigInteger),
    Column("serial_until", BigInteger),
    Column("reason_code", NAME, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("note", Text, nullable=False),
    Column("figure", NAME, nullable=False),
    Column("previous_figure_g", BigInteger),
    Column("evidence", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("entry_hash", Text, nullable=False),
    UniqueConstraint("fleet_id", "entry_id"),
    CheckConstraint("debit_account <> credit_account"),
    CheckConstraint(
        "CASE WHEN book = 'carbon' THEN serial_from >= 0 AND serial_until - serial_from = amount"
        " ELSE serial_from IS NULL AND serial_until IS NULL END"
    ),
)


# Most entries are given by the account of all that was issued, which needs no index.
_GIVEN_BY_OTHERS = and_(ledger_entries.c.credit_account != ISSUED)
_OF_FIGURES = and_(ledger_entries.c.figure != "")
Index("ledger_entries_by_debit", ledger_entries.c.fleet_id, ledger_entries.c.debit_account)
Index(
    "ledger_entries_by_credit",
    ledger_entries.c.fleet_id,
    ledger_entries.c.credit_account,
    sqlite_where=_GIVEN_BY_OTHERS,
    postgresql_where=_GIVEN_BY_OTHERS,
)
Index(
    "ledger_entries_by_figure",
    ledger_entries.c.fleet_id,
    ledger_entries.c.figure,
    sqlite_where=_OF_FIGURES,
    postgresql_where=_OF_FIGURES,
)

# Where every gram of a block is. The database holds the sums to their equation by itself.
ledger_blocks = Table(
    "ledger_blocks",
    METADATA,
    fleet_column(),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("month", NAME, nullable=False),
    Column("edition", NAME, nullable=False),
    *(
        Column(f"{name}_g", BigInteger, CheckConstraint(f"{name}_g >= 0"), nullable=False)
        for name in (ISSUED, *CLASSES)
    ),
    UniqueConstraint("fleet_id", "month", "edition"),
    CheckConstraint(f"issued_g = {' + '.join(f'{name}_g' for name in CLASSES)}"),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Who holds which serials: a row from every boundary that an entry ever had to the next.
ledger_holdings = Table(
    "ledger_holdings",
    METADATA,
    fleet_column(),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("serial_from", BigInteger, primary_key=True, autoincrement=False),
    Column("serial_until", BigInteger, nullable=False),
    Column("account", NAME, nullable=False),
    CheckConstraint("serial_until > serial_from"),
    Index("ledger_holdings_by_account", "fleet_id", "account", "block", "serial_from"),
)

# The public keys that sign for the ledger, each as a signed note: see ledger/checker.py.
ledger_keys = Table(
    "ledger_keys",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("note", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# What the ledger was at a close, as a signed note.
ledger_checkpoints = Table(
    "ledger_checkpoints",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("entries", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Merkle root of every 1024 entries that are complete, from tile 0: what proofs are put together of.
ledger_tiles = Table(
    "ledger_tiles",
    METADATA,
    fleet_column(),
    Column("tile", BigInteger, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

for _table in (ledger_entries, ledger_keys, ledger_checkpoints, ledger_tiles):
    only_grows(_table)
# INSERT OR REPLACE of a program that does not set recursive_triggers slips past the others.
after_create(
    ledger_entries,
    "sqlite",
    "CREATE TRIGGER ledger_entries_no_replace BEFORE INSERT ON ledger_entries "
    "WHEN EXISTS (SELECT 1 FROM ledger_entries WHERE fleet_id = NEW.fleet_id "
    "AND (sequence = NEW.sequence OR entry_id = NEW.entry_id)) "
    "BEGIN SELECT RAISE(ABORT, 'ledger_entries only grows: INSERT of another refused'); END",
)


def prefixed(name: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a name begins so; found by an index on it."""
    return and_(name >= prefix, name < f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}")
