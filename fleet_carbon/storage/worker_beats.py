"""Which workers are there, and when each was last seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Integer, Table, Text, delete, insert, select

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import METADATA, Moment

# Of no fleet, as workers are; and no record, for it only tells what is the case now.
worker_beats = Table(
    "worker_beats",
    METADATA,
    Column("worker_id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("process_id", Integer, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)


@dataclass(frozen=True)
class WorkerSeen:
    """A worker, the process it is, since when, and when it was last seen."""

    worker_id: str
    host: str
    process_id: int
    begun_at: datetime
    seen_at: datetime


class WorkerBeats:
    """The workers of an installation."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put(self, seen: WorkerSeen) -> None:
        """Note that a worker was seen, in place of when it was seen before."""
        self.remove(seen.worker_id)
        row = {column.name: getattr(seen, column.name) for column in worker_beats.c}
        self._transaction.writing.execute(insert(worker_beats).values(row))

    def remove(self, worker_id: str) -> None:
        """Note that a worker has gone."""
        gone = delete(worker_beats).where(worker_beats.c.worker_id == worker_id)
        self._transaction.writing.execute(gone)

    def remove_before(self, at: datetime) -> None:
        """Forget workers that were last seen earlier; they ended without a word."""
        self._transaction.writing.execute(delete(worker_beats).where(worker_beats.c.seen_at < at))

    def all(self) -> list[WorkerSeen]:
        """The workers, the last that was seen first."""
        ordered = select(worker_beats).order_by(worker_beats.c.seen_at.desc())
        return [WorkerSeen(**row) for row in self._transaction.reading.execute(ordered).mappings()]
