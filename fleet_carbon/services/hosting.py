"""What a host of iLEAP and PACT answers: the documents of all closed months, a page at a time.

Who asks is told of those customers' shipments alone whose key it has. Where a page ends is in its
cursor, with the moment of the first page: every page shows the months by their latest close before
that moment, so that a link can be followed again with the same data, however often a month was
closed since. A footprint's identifier is made of its close; of a close that another one followed
the footprints are told as deprecated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services import cursors
from fleet_carbon.services.exchanging import KINDS, MonthExchange, exchange_month
from fleet_carbon.settings import Settings
from fleet_carbon.statements import ileap, pact
from fleet_carbon.statements.document_filters import Condition, names_of, of_odata, of_pairs
from fleet_carbon.storage.unit_of_work import ClosingRun, open_storage

FOOTPRINTS = {"footprints2": pact.footprint_2, "footprints3": pact.footprint_3}
"""Kinds of product footprints, by the version of PACT."""
_CARRIED = ("shipments", "tocs")
_SCHEMA_NAMES = dict(zip(KINDS, ileap.TYPES, strict=True))
ID_NAMES = dict(zip(KINDS, ("shipmentId", "tocId", "hocId", "activityId", "reportId"), strict=True))
_MADE_AT_ONCE, _LOOKED_AT_MAX, _OPENED_MAX = 500, 10_000, 12
"""Documents; what a page looks through at most: documents, and months."""
_INDEXES_MAX = 8
_OF_PACT_3 = {
    "productId": (("productIds",),),
    "companyId": (("companyIds",),),
    "classification": (("productClassifications",),),
    "status": (("status",),),
    "geography": tuple(
        ("pcf", f"geography{name}")
        for name in ("Country", "RegionOrSubregion", "CountrySubdivision")
    ),
}
_START, _END = (("validityPeriodStart",),), (("validityPeriodEnd",),)
_DAYS_OF_PACT_3 = {
    "validOn": ((_START, "lte"), (_END, "gte")),
    "validAfter": ((_START, "gt"),),
    "validBefore": ((_END, "lt"),),
}
FILTERS_OF_PACT_3 = (*_OF_PACT_3, *_DAYS_OF_PACT_3)
Row = tuple[str, Any]


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes
    ----------
    kind : str
        Of `exchanging.KINDS` or `FOOTPRINTS`.
    shippers : frozenset of str or None
        Customers of whose shipments alone it is told; None means all.
    limit_count : int
        Documents at most.
    conditions : tuple of Condition
        All of them must be so.
    cursor : str
        Where the page before ended; empty at first.
    """

    kind: str
    shippers: frozenset[str] | None
    limit_count: int
    conditions: tuple[Condition, ...] = ()
    cursor: str = ""

    def is_fit(self, document: dict[str, Any]) -> bool:
        """Whether a document is asked for."""
        return all(one.fits(document) for one in self.conditions)


@dataclass(frozen=True)
class Answered:
    """A page of documents, and the cursor of the next one; empty if there is none."""

    documents: list[dict[str, Any]]
    next_cursor: str


def conditions_of(kind: str, pairs: Sequence[tuple[str, str]]) -> tuple[Condition, ...]:
    """What ``name=value`` pairs, or a `$filter`, ask for of a kind.

    Parameters
    ----------
    kind : str
        Of `exchanging.KINDS` or `FOOTPRINTS`.
    pairs : sequence of (str, str)
        Of the address.

    Raises
    ------
    InputRefused
        ``filter_not_known``, ``filter_malformed``.
    """
    if kind == "footprints2":
        texts = [text for name, text in pairs if name == "$filter" and text.strip()]
        return tuple(one for text in texts for one in of_odata(text, _known(kind)))
    if kind == "footprints3":
        return tuple(_conditions_of_pact_3(pairs))
    return of_pairs(pairs, _known(kind))


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
        ``cursor_malformed``, ``geography_missing``.
    """
    known_at, first_month, begin = _place(wish.cursor)
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(known_at=known_at, reads_traces=False) as work,
    ):
        months = sorted(one for one in work.closings.run_ids() if one >= first_month)
    found: list[dict[str, Any]] = []
    looked_at = 0
    for number, month in enumerate(months):
        at = begin if month == first_month else 0
        if number == _OPENED_MAX:
            return Answered(found, _cursor(known_at, month, at))
        source = _Source(settings, exchange_month(settings, month, known_at=known_at), wish.kind)
        rows = source.rows(wish)
        while at < len(rows):
            if len(found) >= wish.limit_count or looked_at >= _LOOKED_AT_MAX:
                return Answered(found, _cursor(known_at, month, at))
            wanted_count = wish.limit_count - len(found)
            made = source.documents(rows[at : at + _made_count(wish, wanted_count)])
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


class _Source:
    """A month's documents of one kind; product footprints carry shipments, then categories."""

    def __init__(self, settings: Settings, month: MonthExchange, kind: str) -> None:
        self._month, self._kind = month, kind
        self._parts = _CARRIED if kind in FOOTPRINTS else (kind,)
        self._place = (str(settings.home), str(settings.database_url))

    def rows(self, wish: Wish) -> list[Row]:
        ids = None if self._kind in FOOTPRINTS else _ids(wish)
        return [
            (part, row)
            for part in self._parts
            for row in self._month.rows(part, wish.shippers, ids)
        ]

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
        return _indexed(_Indexed((*self._place, book.fleet_id, book.run_id), self)).get(pf_id)

    def indexed(self) -> dict[str, Row]:
        """Every row by the identifier of its footprint."""
        every = [(part, row) for part in self._parts for row in self._month.rows(part)]
        return {self._pf_id(*row): row for row in every}

    def _as_asked(self, part: str, row: Any, told: Any) -> dict[str, Any]:
        if self._kind in FOOTPRINTS:
            return FOOTPRINTS[self._kind](told, self._pf_id(part, row))
        document: dict[str, Any] = ileap.as_json(told)
        return document

    def _pf_id(self, part: str, row: Any) -> str:
        book = self._month.book
        return _pf_id(book.fleet_id, book.run_id, f"{part}/{self._month.id_of(part, row)}")


@dataclass(frozen=True)
class _Indexed:
    """Of which close the footprints are numbered; once a process for each."""

    key: tuple[str, ...]
    source: _Source = field(compare=False)


@lru_cache(maxsize=_INDEXES_MAX)
def _indexed(of: _Indexed) -> dict[str, Row]:
    return of.source.indexed()


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


def _ids(wish: Wish) -> frozenset[str] | None:
    """Identifiers that are asked for, so that nothing else need be made; None if by none."""
    path = ((ID_NAMES[wish.kind],),)
    asked = [
        frozenset(value.casefold() for value in one.values)
        for one in wish.conditions
        if one.paths == path and one.comparison == "eq"
    ]
    return frozenset.intersection(*asked) if asked else None


@cache
def _known(kind: str) -> frozenset[str]:
    if kind in FOOTPRINTS:
        carried = (names_of(ileap.schemas(), _SCHEMA_NAMES[part]) for part in _CARRIED)
        return names_of(pact.schemas(), f"Footprint{kind[-1]}").union(*carried)
    return names_of(ileap.schemas(), _SCHEMA_NAMES[kind])


def _conditions_of_pact_3(pairs: Sequence[tuple[str, str]]) -> Iterator[Condition]:
    """Of a name that comes more than once, one must fit; of several names all of them."""
    for name in dict.fromkeys(name for name, _ in pairs):
        values = tuple(value for told, value in pairs if told == name)
        if name in _OF_PACT_3:
            # Nothing is asked for by an empty one.
            if any(values):
                yield Condition(_OF_PACT_3[name], values)
        elif name in _DAYS_OF_PACT_3:
            for paths, comparison in _DAYS_OF_PACT_3[name]:
                yield Condition(paths, tuple(map(_moment, values)), comparison)
        else:
            raise InputRefused(
                "filter_not_known",
                f"PACT 3 has no filter {name!r}.",
                f"Use {', '.join(FILTERS_OF_PACT_3)}.",
            )


def _moment(text: str) -> str:
    # The plus of a zone comes as a space from who did not write it out.
    given = text.strip().replace(" ", "+")
    try:
        datetime.fromisoformat(given)
    except ValueError as wrong:
        raise InputRefused(
            "filter_malformed", f"{text!r} is no moment.", "Write it as ISO 8601."
        ) from wrong
    return given
