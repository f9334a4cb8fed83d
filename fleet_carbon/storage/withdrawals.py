"""What was received, and what of it was taken back.

A reception is one ingest of one file. A withdrawal names a reception; nothing is deleted, but
what the reception brought is neither read nor in force from then on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    RowMapping,
    Select,
    Subquery,
    Table,
    exists,
    insert,
    or_,
    select,
)

from fleet_carbon.periods import Month, to_epoch_ms
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import ReceptionNumber, RowCount
from fleet_carbon.storage.traces import Traces

# By which rows stand in time, of those kinds that do.
_TIMES = {
    "positions": "time_ms_min",
    "orders": "pickup_time",
    "energy": "bought_at",
    "assignments": "assigned_from",
    "baselines": "valid_from",
}


def standing(
    table: FromClause, fleet_id: str, known_at: datetime | None = None
) -> ColumnElement[bool]:
    """The condition that a row came with a reception that was not withdrawn, now or then."""
    withdrawn = select(tables.withdrawals.c.reception).where(
        tables.withdrawals.c.fleet_id == fleet_id
    )
    if known_at is not None:
        withdrawn = withdrawn.where(tables.withdrawals.c.withdrawn_at <= known_at)
    return table.c.reception.not_in(withdrawn)


@dataclass(frozen=True)
class Reception:
    """One ingest of one file.

    Attributes
    ----------
    number : ReceptionNumber
        Counted from 1 in the order of recording.
    file_id : str
        SHA-256 of the file's bytes.
    kind, name : str
        What it was ingested as, and the name it had.
    size_bytes : int
        Size. [byte]
    received_at : datetime
        Aware UTC.
    options : dict of str to str or None
        How it was read.
    rows_accepted, rows_duplicate, rows_rejected : RowCount or None
        What became of its rows; None if that was not recorded.
    withdrawn_at : datetime or None
        Aware UTC; None while it stands.
    reason : str
        Why it was withdrawn; empty while it stands.
    """

    number: ReceptionNumber
    file_id: str
    kind: str
    name: str
    size_bytes: int
    received_at: datetime
    options: dict[str, str | None]
    rows_accepted: RowCount | None
    rows_duplicate: RowCount | None
    rows_rejected: RowCount | None
    withdrawn_at: datetime | None
    reason: str


class Receptions:
    """The receptions of a fleet, and their withdrawals."""

    def __init__(self, transaction: Transaction, traces: Traces | None) -> None:
        self._transaction = transaction
        self._traces = traces

    def list(self, *, kind: str | None = None, file_id_prefix: str = "") -> list[Reception]:
        """The receptions in the order of recording, those withdrawn among them.

        Parameters
        ----------
        kind : str, optional
            Only those ingested as this.
        file_id_prefix : str
            Only those of files whose digest begins so: lower-case hexadecimal.
        """
        came = tables.receptions
        chosen = self._chosen(kind)
        if file_id_prefix:
            chosen = chosen.where(came.c.file_id.startswith(file_id_prefix, autoescape=True))
        return [*self._found(chosen.order_by(came.c.sequence))]

    def page(
        self, *, kind: str | None, before: ReceptionNumber | None, limit_rows: RowCount
    ) -> Sequence[Reception]:
        """The newest receptions before one, the newest first."""
        came = tables.receptions
        chosen = self._chosen(kind).order_by(came.c.sequence.desc()).limit(limit_rows)
        return self._found(chosen if before is None else chosen.where(came.c.sequence < before))

    def find(self, number: ReceptionNumber) -> Reception | None:
        """The reception of a number; None if there is none."""
        found = self._found(self._chosen().where(tables.receptions.c.sequence == number))
        return found[0] if found else None

    def _chosen(self, kind: str | None = None) -> Select[Any]:
        came, of_file = tables.receptions, tables.files
        counts, gone = tables.reception_counts, tables.withdrawals
        key = (came.c.fleet_id, came.c.sequence)
        chosen = (
            select(
                came,
                of_file.c.size_bytes,
                counts.c.rows_accepted,
                counts.c.rows_duplicate,
                counts.c.rows_rejected,
                gone.c.withdrawn_at,
                gone.c.reason,
            )
            .join(
                of_file,
                (of_file.c.fleet_id == came.c.fleet_id) & (of_file.c.file_id == came.c.file_id),
            )
            .outerjoin(counts, (counts.c.fleet_id == key[0]) & (counts.c.reception == key[1]))
            .outerjoin(gone, (gone.c.fleet_id == key[0]) & (gone.c.reception == key[1]))
            .where(came.c.fleet_id == self._transaction.fleet_id)
        )
        return chosen if kind is None else chosen.where(came.c.kind == kind)

    def _found(self, chosen: Select[Any]) -> Sequence[Reception]:
        return [_reception_of(row) for row in self._transaction.reading.execute(chosen).mappings()]

    def withdraw(
        self, receptions: Sequence[Reception], *, reason: str, withdrawn_at: datetime
    ) -> None:
        """Take back what standing receptions brought; a row for each, and nothing is deleted."""
        first = self._transaction.next_sequence(tables.withdrawals)
        for sequence, reception in enumerate(receptions, start=first):
            self._transaction.writing.execute(
                insert(tables.withdrawals).values(
                    fleet_id=self._transaction.fleet_id,
                    sequence=sequence,
                    reception=reception.number,
                    reason=reason,
                    withdrawn_at=withdrawn_at,
                )
            )
        numbers = {one.number for one in receptions if one.kind == "positions"}
        self._required_traces().withdraw(numbers, note=reason, recorded_at=withdrawn_at)

    def reaches_into(
        self, reception: Reception, month: Month, *, window: tuple[datetime, datetime]
    ) -> bool:
        """Whether a reception brought anything that a close of the month may take in.

        Parameters
        ----------
        reception : Reception
            Withdrawn or not.
        month : Month
            The month.
        window : tuple of datetime
            The month as widened for positions and orders: from, until.
        """
        self._required_traces()
        table = (
            tables.segment_receptions
            if reception.kind == "positions"
            else tables.VERSIONS[reception.kind]
        )
        wanted = exists().where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.reception == reception.number,
            *_in_time(reception.kind, table, month, window=window),
        )
        return bool(self._transaction.reading.scalar(select(wanted)))

    def touched_since(
        self, moment: datetime, month: Month, *, window: tuple[datetime, datetime]
    ) -> set[str]:
        """Kinds of which something came or was withdrawn since that a close may take in.

        Parameters as of `reaches_into`.
        """
        self._required_traces()
        since = self._came_or_went(moment).subquery()
        kinds = self._transaction.reading.scalars(select(since.c.kind).distinct()).all()
        return {kind for kind in kinds if self._is_any_of(kind, since, month, window=window)}

    def _is_any_of(
        self, kind: str, since: Subquery, month: Month, *, window: tuple[datetime, datetime]
    ) -> bool:
        """Whether one of some receptions brought rows of a kind that a close may take in."""
        table = tables.segment_receptions if kind == "positions" else tables.VERSIONS[kind]
        # The first row of each reception by its time, which an index of orders holds: with EXISTS,
        # or in any order, the database may read all rows of the time or of the reception.
        first = select(table.c.reception).where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.reception == since.c.reception,
            *_in_time(kind, table, month, window=window),
        )
        if kind in _TIMES:
            first = first.order_by(table.c[_TIMES[kind]])
        found = first.limit(1).correlate(since).scalar_subquery()
        wanted = select(since.c.reception).where(since.c.kind == kind, found.is_not(None))
        return self._transaction.reading.execute(wanted.limit(1)).first() is not None

    def identifiers_since(self, moment: datetime, kind: str, column: str) -> set[str]:
        """The values of a column of register rows that came or were withdrawn since."""
        table = tables.VERSIONS[kind]
        since = self._came_or_went(moment).subquery()
        chosen = select(table.c[column]).where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.reception.in_(select(since.c.reception).where(since.c.kind == kind)),
        )
        return {str(found) for found in self._transaction.reading.scalars(chosen.distinct())}

    def _came_or_went(self, moment: datetime) -> CompoundSelect[Any]:
        """The receptions that came or were withdrawn since, each with what it was ingested as."""
        came, gone, fleet_id = tables.receptions, tables.withdrawals, self._transaction.fleet_id
        since = select(came.c.sequence.label("reception"), came.c.kind).where(
            came.c.fleet_id == fleet_id
        )
        withdrawn = since.join(
            gone,
            (gone.c.fleet_id == came.c.fleet_id) & (gone.c.reception == came.c.sequence),
        )
        return since.where(came.c.received_at > moment).union_all(
            withdrawn.where(gone.c.withdrawn_at > moment)
        )

    def _required_traces(self) -> Traces:
        if self._traces is None:
            raise RuntimeError("this unit of work was begun without the traces")
        return self._traces

    def identifiers(self, reception: Reception, column: str) -> set[str]:
        """The distinct values that a reception of register rows brought in a column."""
        table = tables.VERSIONS[reception.kind]
        chosen = select(table.c[column]).where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.reception == reception.number,
        )
        return {str(found) for found in self._transaction.reading.scalars(chosen.distinct())}


def _in_time(
    kind: str, table: Table, month: Month, *, window: tuple[datetime, datetime]
) -> list[ColumnElement[bool]]:
    """Conditions on the time of rows; register rows without one count for every month."""
    begins_ms, ends_ms = (to_epoch_ms(bound) for bound in window)
    rows = table.c
    if kind == "positions":
        return [rows.time_ms_max >= begins_ms, rows.time_ms_min < ends_ms]
    if kind == "orders":
        return [rows.delivery_time >= begins_ms, rows.pickup_time < ends_ms]
    if kind == "energy":
        return [rows.bought_at >= begins_ms, rows.bought_at < ends_ms]
    if kind == "assignments":
        still = or_(rows.assigned_until.is_(None), rows.assigned_until > begins_ms)
        return [rows.assigned_from < ends_ms, still]
    if kind == "baselines":
        return [rows.valid_from < month.next.first_day.isoformat()]
    return []


def _reception_of(row: RowMapping) -> Reception:
    known: dict[str, Any] = {**row, "number": row["sequence"], "reason": row["reason"] or ""}
    known["options"] = json.loads(row["options"])
    return Reception(**{name: known[name] for name in Reception.__dataclass_fields__})
