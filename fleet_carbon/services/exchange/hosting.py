"""What a host of iLEAP and PACT answers: the documents of all closed months, a page at a time.

Who asks is told of those customers' shipments alone whose key it has. Where a page ends is in its
cursor, with the moment of the first page: every page shows the months by their latest close before
that moment, so that a link can be followed again with the same data, however often a month was
closed since. A footprint's identifier is made of its close; of a close that another one followed
the footprints are told as deprecated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fleet_carbon.errors import NotFound
from fleet_carbon.services.accounts.inventories import shipments_count
from fleet_carbon.services.exchange.exchanging import MonthExchange, Rows, exchange_month
from fleet_carbon.services.exchange.wishes import (
    FOOTPRINTS,
    Wish,
    months_for,
    names_asked,
    parts_of,
)
from fleet_carbon.services.support import cursors
from fleet_carbon.services.support.keeping import Kept
from fleet_carbon.settings import Settings
from fleet_carbon.statements import ileap
from fleet_carbon.storage.unit_of_work import ClosingRun, open_storage

_MADE_AT_ONCE, _LOOKED_AT_MAX, _OPENED_MAX = 500, 10_000, 200_000
"""Documents; what a page looks through at most: documents, and shipments of months it opens."""
_INDEXED_MAX = 300_000
Row = tuple[str, Any]


@dataclass(frozen=True)
class Answered:
    """A page of documents, and the cursor of the next one; empty if there is none."""

    documents: list[dict[str, Any]]
    next_cursor: str


def read_page(settings: Settings, wish: Wish) -> Answered:
    """The documents that fit, of all closed months from the earliest on.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    wish : Wish
        What is asked for. A page may hold fewer than it allows, and still have a next one.

    Raises
    ------
    InputRefused
        ``cursor_malformed``, ``geography_missing``, ``distance_kind_unknown``.
    """
    known_at, first_month, begin = _place(wish.cursor)
    found: list[dict[str, Any]] = []
    looked_at = opened = 0
    for month in months_for(settings, wish, known_at):
        if month < first_month:
            continue
        at = begin if month == first_month else 0
        if opened >= _OPENED_MAX or len(found) >= wish.limit_count:
            return Answered(found, _cursor(known_at, month, at))
        told = exchange_month(settings, month, known_at=known_at, distance=wish.distance)
        source = _Source(settings, told, wish.kind)
        opened += source.weight
        rows = source.rows(wish)
        while at < len(rows):
            if len(found) >= wish.limit_count or looked_at >= _LOOKED_AT_MAX:
                return Answered(found, _cursor(known_at, month, at))
            wanted_count = wish.limit_count - len(found)
            made = source.documents(rows.part(at, at + _made_count(wish, wanted_count)))
            fits = [number for number, one in enumerate(made) if wish.is_fit(one)][:wanted_count]
            found += [made[number] for number in fits]
            # What was made beyond the last that is told is for the next page.
            gone = fits[-1] + 1 if len(fits) == wanted_count else len(made)
            at += gone
            looked_at += gone
    return Answered(found, "")


def _made_count(wish: Wish, wanted_count: int) -> int:
    """How many are made next: of what is filtered more than are wanted, for few may fit."""
    return _MADE_AT_ONCE if wish.conditions else min(_MADE_AT_ONCE, wanted_count)


def read_footprint(
    settings: Settings, kind: str, pf_id: str, *, shippers: frozenset[str] | None
) -> dict[str, Any]:
    """One product footprint; of a close that another followed it is deprecated.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    kind : str
        Of `FOOTPRINTS`.
    pf_id : str
        UUID, as a list told it.
    shippers : frozenset of str or None
        Customers of whose shipments alone it is told; None means all.

    Raises
    ------
    NotFound
        ``footprint_not_found``: there is none, or it is of others.
    """
    pf_id = pf_id.lower()
    run, is_latest = _run_of(settings, pf_id)
    # Moments are kept in whole milliseconds.
    known_at = run.closed_at + timedelta(milliseconds=1)
    source = _Source(settings, exchange_month(settings, run.month, known_at=known_at), kind)
    row = source.row_of(pf_id)
    if row is None or row not in source.rows(Wish(kind, shippers, 1)):
        raise _no_footprint(pf_id)
    [told] = source.documents([row])
    return told if is_latest else told | {"status": "Deprecated"}


def footprint_ids(settings: Settings, month: str, *, shippers: frozenset[str]) -> list[str]:
    """The identifiers of the product footprints of some customers, by a month's latest close.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM, closed.
    shippers : frozenset of str
        Customers of whose shipments it is told.
    """
    source = _Source(settings, exchange_month(settings, month), "footprints3")
    rows = source.rows(Wish("footprints3", shippers, 1))
    return [source.pf_id(*row) for row in rows.part(0, len(rows))]


@dataclass(frozen=True)
class _Rows:
    """Rows of several parts, one part after the other; none is looked at until it is wanted."""

    of_parts: tuple[tuple[str, Rows], ...]

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self.of_parts)

    def __contains__(self, row: Row) -> bool:
        return any(part == row[0] and row[1] in rows for part, rows in self.of_parts)

    def part(self, begin: int, end: int) -> list[Row]:
        """The rows from one place until before another."""
        found: list[Row] = []
        for part, rows in self.of_parts:
            found += [(part, row) for row in rows[max(begin, 0) : max(end, 0)]]
            begin, end = begin - len(rows), end - len(rows)
        return found


class _Source:
    """A month's documents of one kind; product footprints carry shipments, then categories."""

    def __init__(self, settings: Settings, month: MonthExchange, kind: str) -> None:
        self._month, self._kind = month, kind
        self._parts = parts_of(kind)
        self._place = (str(settings.home), str(settings.database_url))
        self.weight = shipments_count(month.book)

    def rows(self, wish: Wish) -> _Rows:
        found = (
            self._month.rows(one, wish.shippers, names_asked(wish, one)) for one in self._parts
        )
        return _Rows(tuple(zip(self._parts, found, strict=True)))

    def documents(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        found = []
        for part in self._parts:
            of_part = [row for name, row in rows if name == part]
            for row, told in zip(of_part, self._month.made(part, of_part), strict=True):
                found.append(self._as_asked(part, row, told))
        return found

    def row_of(self, pf_id: str) -> Row | None:
        """The row of a footprint; None if there is none of this identifier."""
        book = self._month.book
        key = (*self._place, book.fleet_id, book.run_id)
        return _INDEXES.get(key, self._indexed).get(pf_id)

    def _indexed(self) -> dict[str, Row]:
        """Every row by the identifier of its footprint."""
        every = [(part, row) for part in self._parts for row in self._month.rows(part)]
        return {self.pf_id(*row): row for row in every}

    def _as_asked(self, part: str, row: Any, told: Any) -> dict[str, Any]:
        if self._kind in FOOTPRINTS:
            return FOOTPRINTS[self._kind](told, self.pf_id(part, row))
        document: dict[str, Any] = ileap.as_json(told)
        return document

    def pf_id(self, part: str, row: Any) -> str:
        """The identifier of the footprint of a row."""
        book = self._month.book
        return _pf_id(book.fleet_id, book.run_id, f"{part}/{self._month.id_of(part, row)}")


_INDEXES = Kept(_INDEXED_MAX, len)


def _run_of(settings: Settings, pf_id: str) -> tuple[ClosingRun, bool]:
    """The close whose mark a footprint's identifier begins with, and whether it is the latest."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        for month in work.closings.months():
            for number, run in enumerate(work.closings.runs(month)):
                if pf_id.startswith(_mark(storage.fleet_id, run.run_id)):
                    return run, number == 0
    raise _no_footprint(pf_id)


def _no_footprint(pf_id: str) -> NotFound:
    return NotFound(
        "footprint_not_found",
        f"There is no footprint {pf_id[:100]!r}.",
        "Take the identifier from the list of footprints.",
    )


def _mark(fleet_id: str, run_id: str) -> str:
    return hashlib.sha256(f"{fleet_id}\n{run_id}".encode()).hexdigest()[:8]


def _pf_id(fleet_id: str, run_id: str, name: str) -> str:
    """A UUID: the mark of the close, then that of the document; in the form of version 4."""
    rest = hashlib.sha256(f"{fleet_id}\n{run_id}\n{name}".encode()).hexdigest()
    return str(UUID(_mark(fleet_id, run_id) + rest[:24], version=4))


def _place(cursor: str) -> tuple[datetime, str, int]:
    """As of when, and at which month and row a page begins."""
    if not cursor:
        return datetime.now(UTC), "", 0
    told, month, at = cursors.opened(cursor, str, str, int)
    try:
        known_at = datetime.fromisoformat(told)
    except ValueError as wrong:
        raise cursors.malformed() from wrong
    if known_at.tzinfo is None:
        raise cursors.malformed()
    return known_at, month, at


def _cursor(known_at: datetime, month: str, at: int) -> str:
    return cursors.made(known_at.isoformat(), month, at)
