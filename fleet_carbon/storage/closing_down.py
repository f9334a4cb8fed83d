"""Whether a fleet was closed down: from then on the records take nothing more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text, insert, select

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

ANNOUNCED, WITHDRAWN, FINAL = "announced", "withdrawn", "final"

closing_downs = Table(
    "closing_downs",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("state", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)
only_grows(closing_downs)


@dataclass(frozen=True)
class ClosingDown:
    """A step of a closing down.

    Attributes
    ----------
    state : str
        ``announced``, ``withdrawn`` or ``final``.
    facts : dict
        JSON-ready: the reason, and of the final one what became of everything.
    recorded_at : datetime
        Aware moment.
    """

    state: str
    facts: dict[str, Any]
    recorded_at: datetime


class ClosingDowns:
    """The steps of a fleet's closing down; the newest is how it stands."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def newest(self) -> ClosingDown | None:
        """How it stands; None if nothing of the kind was ever said."""
        table = closing_downs
        chosen = select(table).where(table.c.fleet_id == self._transaction.fleet_id)
        row = (
            self._transaction.reading.execute(chosen.order_by(table.c.sequence.desc()).limit(1))
            .mappings()
            .first()
        )
        if row is None:
            return None
        return ClosingDown(row["state"], json.loads(row["facts"]), row["recorded_at"])

    def add(self, step: ClosingDown) -> None:
        """Put a step on record."""
        self._transaction.writing.execute(
            insert(closing_downs).values(
                fleet_id=self._transaction.fleet_id,
                sequence=self._transaction.next_sequence(closing_downs),
                state=step.state,
                facts=json.dumps(step.facts, sort_keys=True, ensure_ascii=False),
                recorded_at=step.recorded_at,
            )
        )


def refuse_if_closed_down(transaction: Transaction) -> None:
    """Let nothing be added to the records of a fleet that was closed down.

    Raises
    ------
    FleetCarbonError
        If it was.
    """
    step = ClosingDowns(transaction).newest()
    if step is not None and step.state == FINAL:
        raise FleetCarbonError(
            "fleet_closed_down",
            f"The fleet {transaction.fleet_id} was closed down at "
            f"{step.recorded_at.isoformat(timespec='seconds')}; nothing is added to its records.",
            "Reading, proving, checking and exporting go on. The ledger goes on where its archive "
            "is imported.",
        )
