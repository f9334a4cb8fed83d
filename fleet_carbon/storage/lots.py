"""Lots on record: what was offered to whom and at what price. Their state is in the entries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    RowMapping,
    Select,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
)

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

lots = Table(
    "lots",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("lot_id", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    UniqueConstraint("fleet_id", "lot_id"),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)
only_grows(lots)


@dataclass(frozen=True)
class Lot:
    """A lot as it was reserved.

    Attributes
    ----------
    lot_id : str
        The id that its sender gave.
    request_digest : str
        Of what was asked for.
    facts : dict
        JSON-ready: buyer, amount, price, currency, proceeds, what was chosen by, evidence.
    recorded_at : datetime
        Moment of reserving, aware UTC.
    """

    lot_id: str
    request_digest: str
    facts: dict[str, Any]
    recorded_at: datetime


class Lots:
    """The lots of a fleet; they only grow."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, lot: Lot) -> None:
        """Put a lot on record, in the unit of work that reserves it."""
        row = {
            "fleet_id": self._transaction.fleet_id,
            "sequence": self._transaction.next_sequence(lots),
            "lot_id": lot.lot_id,
            "request_digest": lot.request_digest,
            "facts": json.dumps(lot.facts, sort_keys=True, ensure_ascii=False),
            "recorded_at": lot.recorded_at,
        }
        self._transaction.writing.execute(insert(lots).values(row))

    def get(self, lot_id: str) -> Lot | None:
        """A lot; None if there is none of that id."""
        rows = self._transaction.reading.execute(self._chosen().where(lots.c.lot_id == lot_id))
        return next(map(_lot_of, rows.mappings()), None)

    def list(self) -> list[Lot]:
        """All lots, in the order of reserving."""
        rows = self._transaction.reading.execute(self._chosen().order_by(lots.c.sequence))
        return list(map(_lot_of, rows.mappings()))

    def _chosen(self) -> Select[Any]:
        return select(lots).where(lots.c.fleet_id == self._transaction.fleet_id)


def _lot_of(row: RowMapping) -> Lot:
    facts = json.loads(row["facts"])
    return Lot(row["lot_id"], row["request_digest"], facts, row["recorded_at"])
