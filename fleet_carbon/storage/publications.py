"""Which statements were published: the month, by which run, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text, insert, select

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import METADATA, Moment, fleet_column, only_grows

statement_publications = Table(
    "statement_publications",
    METADATA,
    fleet_column(),
    Column("run_id", Text, primary_key=True),
    Column("month", Text, nullable=False),
    Column("published_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id", "run_id"], ["closing_runs.fleet_id", "closing_runs.run_id"]),
)
only_grows(statement_publications)


@dataclass(frozen=True)
class Publication:
    """The statements of a closing run, published."""

    run_id: str
    month: str
    published_at: datetime


class StatementPublications:
    """What was published of the statements of a fleet; it only grows."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def of_run(self, run_id: str) -> Publication | None:
        """The publication of a run; None if there was none."""
        table = statement_publications
        chosen = select(table.c.run_id, table.c.month, table.c.published_at).where(
            table.c.fleet_id == self._transaction.fleet_id, table.c.run_id == run_id
        )
        row = self._transaction.reading.execute(chosen).mappings().one_or_none()
        return None if row is None else Publication(**row)

    def add(self, publication: Publication) -> None:
        """Put a publication on record."""
        self._transaction.writing.execute(
            insert(statement_publications).values(
                fleet_id=self._transaction.fleet_id,
                run_id=publication.run_id,
                month=publication.month,
                published_at=publication.published_at,
            )
        )
