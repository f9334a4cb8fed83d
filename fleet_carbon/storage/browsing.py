"""The register and the orders a page at a time, as they stood at one moment of the record.

Rows come in the order in which they were recorded, and a page begins where the one before ended:
it costs the same wherever it lies. What is recorded while pages are read is not among them; it is
what follows after the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd
from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, or_, select

from fleet_carbon import frames
from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.persons import Persons
from fleet_carbon.storage.records import REGISTER, shaped_rows
from fleet_carbon.storage.withdrawals import standing

BROWSED = {**REGISTER, frames.ORDERS.name: frames.ORDERS}
# First and last column of when a row holds; rows of other kinds have no time.
_TIMES = {
    "orders": ("pickup_time", "delivery_time"),
    "assignments": ("assigned_from", "assigned_until"),
    "energy": ("bought_at", "bought_at"),
}


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted.

    Attributes
    ----------
    equal : mapping of str to str
        Values of columns.
    from_at, until_at : datetime or None
        Only rows that hold at any time in `[from_at, until_at)`.
    changed_since : datetime or None
        Only rows of what was received from then on.
    """

    equal: Mapping[str, str] = field(default_factory=dict)
    from_at: datetime | None = None
    until_at: datetime | None = None
    changed_since: datetime | None = None


@dataclass(frozen=True)
class Found:
    """Rows with their place on record.

    Attributes
    ----------
    rows : DataFrame
        Of the frame of their kind.
    sequences : list of int
        Number of each among all ever recorded of its kind.
    recorded_at : list of datetime
    receptions : list of int
        What each came with.
    are_withdrawn : list of bool
    """

    rows: pd.DataFrame
    sequences: list[int]
    recorded_at: list[datetime]
    receptions: list[int]
    are_withdrawn: list[bool]


class Browsing:
    """Rows in force, by page; and every version of one thing."""

    def __init__(self, transaction: Transaction, persons: Persons) -> None:
        self._transaction = transaction
        self._persons = persons

    def newest(self, kind: str) -> int:
        """The number of the row of a kind that was recorded last; 0 if there is none."""
        table = tables.VERSIONS[kind]
        chosen = select(func.max(table.c.sequence)).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        return int(self._transaction.reading.scalar(chosen) or 0)

    def page(self, kind: str, wanted: Wanted, *, after: int, until: int, limit_rows: int) -> Found:
        """Rows that were in force when `until` was the newest, recorded after `after`.

        Parameters
        ----------
        kind : str
            One of `BROWSED`.
        wanted : Wanted
            Which of them.
        after, until : int
            Numbers of rows as of `newest`.
        limit_rows : int
            At most so many.
        """
        table = tables.VERSIONS[kind]
        if wanted.changed_since is not None:
            after = max(after, self._last_before(kind, wanted.changed_since))
        chosen = (
            self._select(kind)
            .where(
                table.c.sequence > after,
                table.c.sequence <= until,
                *(table.c[name] == value for name, value in wanted.equal.items()),
                *_in_time(kind, table, wanted),
                standing(table, self._transaction.fleet_id),
                ~self._replaced(kind, table, until),
            )
            .order_by(table.c.sequence)
            .limit(limit_rows)
        )
        return self._found(kind, chosen)

    def versions(self, kind: str, column: str, value: str) -> Found:
        """All that was ever recorded with a value, withdrawn or not, in the order of recording."""
        table = tables.VERSIONS[kind]
        # Sorted here: in SQL it would tempt SQLite to walk the whole table in that order.
        return self._found(kind, self._select(kind).where(table.c[column] == value))

    def orders_like(self, part: str, limit_rows: int) -> list[str]:
        """Identifiers of orders in which a text occurs, in whichever case, in their order."""
        table = tables.VERSIONS[frames.ORDERS.name]
        chosen = (
            select(table.c.order_id)
            .where(
                table.c.fleet_id == self._transaction.fleet_id,
                func.lower(table.c.order_id).contains(part.lower(), autoescape=True),
                standing(table, self._transaction.fleet_id),
            )
            .distinct()
            .order_by(table.c.order_id)
            .limit(limit_rows)
        )
        return list(self._transaction.reading.scalars(chosen))

    def _select(self, kind: str) -> Select[tuple[object, ...]]:
        table, fleet_id = tables.VERSIONS[kind], self._transaction.fleet_id
        columns = [table.c[name] for name in BROWSED[kind].names]
        place = (table.c.sequence, table.c.recorded_at, table.c.reception)
        is_standing = standing(table, fleet_id).label("is_standing")
        return select(*columns, *place, is_standing).where(table.c.fleet_id == fleet_id)

    def _replaced(self, kind: str, table: Table, until: int) -> ColumnElement[bool]:
        """Whether another row speaks for the same thing."""
        other = table.alias()
        later = other.c.sequence > table.c.sequence
        if kind == frames.ORDERS.name:
            is_same = other.c.order_id == table.c.order_id
            higher = other.c.version > table.c.version
            speaks = or_(higher, and_(other.c.version == table.c.version, later))
        else:
            is_same, speaks = other.c.key_text == table.c.key_text, later
        return exists().where(
            other.c.fleet_id == table.c.fleet_id,
            is_same,
            speaks,
            # A sum, so that the index of keys is taken and not that of sequences, which is long.
            other.c.sequence - until <= 0,
            standing(other, self._transaction.fleet_id),
        )

    def _last_before(self, kind: str, moment: datetime) -> int:
        """The last row of all that came with receptions before the first from that moment on."""
        table, came = tables.VERSIONS[kind], tables.receptions
        fleet_id = self._transaction.fleet_id
        read = self._transaction.reading
        first = read.scalar(
            select(func.min(came.c.sequence)).where(
                came.c.fleet_id == fleet_id, came.c.received_at >= moment
            )
        )
        # Rows and receptions are numbered under one lock, so that both grow together.
        low, high = 0, self.newest(kind)
        while first is not None and low < high:
            middle = (low + high + 1) // 2
            of_middle = select(table.c.reception).where(
                table.c.fleet_id == fleet_id, table.c.sequence == middle
            )
            if (read.scalar(of_middle) or 0) < first:
                low = middle
            else:
                high = middle - 1
        return high if first is None else low

    def _found(self, kind: str, chosen: Select[tuple[object, ...]]) -> Found:
        rows = sorted(self._transaction.reading.execute(chosen), key=lambda row: row.sequence)
        shaped = shaped_rows(BROWSED[kind], [rows])
        if kind == frames.DRIVERS.name:
            shaped = self._persons.opened(shaped)
        return Found(
            rows=shaped,
            sequences=[row.sequence for row in rows],
            recorded_at=[row.recorded_at for row in rows],
            receptions=[row.reception for row in rows],
            are_withdrawn=[not row.is_standing for row in rows],
        )


def _in_time(kind: str, table: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
    if kind not in _TIMES:
        return []
    begins, ends = (table.c[name] for name in _TIMES[kind])
    conditions = []
    if wanted.from_at is not None:
        holds = ends >= to_epoch_ms(wanted.from_at)
        conditions.append(or_(ends.is_(None), holds) if ends.nullable else holds)
    if wanted.until_at is not None:
        conditions.append(begins < to_epoch_ms(wanted.until_at))
    return conditions
