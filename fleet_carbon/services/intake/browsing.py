"""What a fleet has on record, by page and one by one, with every version of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import PERSONAL
from fleet_carbon.periods import parse_moment
from fleet_carbon.services.support import cursors
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.browsing import BROWSED, Found, Wanted
from fleet_carbon.storage.unit_of_work import Storage, open_storage

FRAME_BY_KIND = BROWSED
"""The contract of the rows of every kind that can be browsed."""
ID_BY_KIND = {"vehicles": "vehicle_id", "drivers": "driver_id", "orders": "order_id"}
"""Kinds of which one can be read with all its versions, and what it is known by."""


@dataclass(frozen=True)
class Filter:
    """Which rows a reader wants; empty for all.

    Attributes
    ----------
    equal : mapping of str to str
        Values of columns.
    from_at, until_at : str
        Only rows that hold at any time between them: ISO 8601.
    changed_since : str
        Only what was received from then on: ISO 8601.
    """

    equal: Mapping[str, str] = field(default_factory=dict)
    from_at: str = ""
    until_at: str = ""
    changed_since: str = ""

    def digest(self, kind: str) -> str:
        """What tells it from any other."""
        asked = [kind, sorted(self.equal.items()), self.from_at, self.until_at, self.changed_since]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]

    def wanted(self, storage: Storage) -> Wanted:
        """The same with moments instead of texts."""
        moments = (
            parse_moment(text, storage.zone) if text else None
            for text in (self.from_at, self.until_at, self.changed_since)
        )
        return Wanted(self.equal, *moments)


@dataclass(frozen=True)
class RecordPage:
    """Some rows of a kind.

    Attributes
    ----------
    kind : str
        One of `FRAME_BY_KIND`.
    rows : list of dict
        In force, in the order of recording, JSON-ready.
    next_cursor : str
        What gives the following page; empty if this is the last.
    changes_cursor : str
        What gives, later, the rows that were recorded since the first page was read.
    """

    kind: str
    rows: list[dict[str, Any]]
    next_cursor: str
    changes_cursor: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "rows": self.rows,
            "next_cursor": self.next_cursor,
            "changes_cursor": self.changes_cursor,
        }


@dataclass(frozen=True)
class Record:
    """One thing on record.

    Attributes
    ----------
    in_force : dict or None
        The row that speaks for it; None if all of them were withdrawn.
    versions : list of dict
        Every row ever received of it, in the order of recording.
    """

    in_force: dict[str, Any] | None
    versions: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"in_force": self.in_force, "versions": self.versions}


def browse(
    settings: Settings,
    kind: str,
    wanted: Filter,
    *,
    cursor: str = "",
    limit_rows: int = 100,
    with_persons: bool = False,
) -> RecordPage:
    """A page of the rows in force.

    All pages show what was in force when the first was read. The cursor after the last begins
    with what was recorded since: a system that keeps a copy asks for nothing twice.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    kind : str
        One of `FRAME_BY_KIND`.
    wanted : Filter
        Which rows.
    cursor : str
        `next_cursor` of the page before, or a `changes_cursor`; empty for the first page.
    limit_rows : int
        At most so many.
    with_persons : bool
        Whether names and telephone numbers of drivers are told.

    Raises
    ------
    InputRefused
        ``moment_malformed``; ``cursor_malformed`` if it is none of ours or of another question.
    """
    digest = wanted.digest(kind)
    after, until = _place(cursor, digest)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        until = until or work.browsing.newest(kind)
        found = work.browsing.page(
            kind, wanted.wanted(storage), after=after, until=until, limit_rows=limit_rows + 1
        )
    is_last = len(found.sequences) <= limit_rows
    return RecordPage(
        kind,
        _rows(kind, found, with_persons)[:limit_rows],
        next_cursor="" if is_last else cursors.made(digest, found.sequences[limit_rows - 1], until),
        changes_cursor=cursors.made(digest, until, 0),
    )


def read_record(
    settings: Settings, kind: str, record_id: str, *, with_persons: bool = False
) -> Record:
    """One truck, driver or order, with all that was ever received of it.

    Parameters
    ----------
    settings, with_persons
        As for `browse`.
    kind : str
        vehicles, drivers or orders.
    record_id : str
        Its identifier.

    Raises
    ------
    NotFound
        ``record_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        found = work.browsing.versions(kind, ID_BY_KIND[kind], record_id)
    rows = _rows(kind, found, with_persons)
    if not rows:
        raise NotFound(
            "record_not_found",
            f"There are no {kind} of the id {record_id!r} on record.",
            f"List those that are: {kind}.",
        )
    standing = [
        (row.get("version", 0), place)
        for place, (row, is_withdrawn) in enumerate(zip(rows, found.are_withdrawn, strict=True))
        if not is_withdrawn
    ]
    versions = [
        row | {"is_withdrawn": is_withdrawn}
        for row, is_withdrawn in zip(rows, found.are_withdrawn, strict=True)
    ]
    return Record(rows[max(standing)[1]] if standing else None, versions)


def _place(cursor: str, digest: str) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    of_filter, after, until = cursors.opened(cursor, str, int, int)
    if of_filter != digest:
        raise cursors.malformed()
    return after, until


def _rows(kind: str, found: Found, with_persons: bool) -> list[dict[str, Any]]:
    rows = found.rows
    if kind == "drivers" and not with_persons:
        rows = rows.assign(**dict.fromkeys(PERSONAL))
    told = tables.records(tables.ordered(rows, BROWSED[kind]))
    for row, recorded_at, reception in zip(told, found.recorded_at, found.receptions, strict=True):
        row["recorded_at"] = recorded_at.isoformat(timespec="milliseconds")
        row["reception"] = reception
    return told
