"""What was expected of orders before they were driven: on record, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, Text, insert, select

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

estimates = Table(
    "estimates",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("estimate_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("estimated_at", Moment, nullable=False),
    Column("content", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
    Index("estimates_by_id", "fleet_id", "estimate_id"),
    Index("estimates_by_order", "fleet_id", "order_id"),
)
only_grows(estimates)


@dataclass(frozen=True)
class EstimateRow:
    """What was expected of one order.

    Attributes
    ----------
    estimate_id, order_id : str
        Of which request, and of what.
    estimated_at : datetime
        When it was put on record, aware.
    content : str
        What was answered, JSON.
    """

    estimate_id: str
    order_id: str
    estimated_at: datetime
    content: str


class Estimates:
    """Estimates on record; they only grow."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, rows: Sequence[EstimateRow]) -> None:
        """Put estimates on record."""
        sequence = self._transaction.next_sequence(estimates)
        values = [
            {
                "fleet_id": self._transaction.fleet_id,
                "sequence": sequence + place,
                "estimate_id": row.estimate_id,
                "order_id": row.order_id,
                "estimated_at": row.estimated_at,
                "content": row.content,
            }
            for place, row in enumerate(rows)
        ]
        self._transaction.writing.execute(insert(estimates), values)

    def of_request(self, estimate_id: str) -> list[EstimateRow]:
        """The orders of one estimate, as they were asked for."""
        return self._rows("estimate_id", estimate_id)

    def of_order(self, order_id: str) -> list[EstimateRow]:
        """All that was ever expected of an order, the newest last."""
        return self._rows("order_id", order_id)

    def _rows(self, column: str, wanted: str) -> list[EstimateRow]:
        table = estimates.c
        chosen = (
            select(table.estimate_id, table.order_id, table.estimated_at, table.content)
            .where(table.fleet_id == self._transaction.fleet_id, table[column] == wanted)
            .order_by(table.sequence)
        )
        found = self._transaction.reading.execute(chosen).mappings()
        return [EstimateRow(**row) for row in found]
