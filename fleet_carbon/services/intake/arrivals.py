"""What arrived: files and the rows of requests, by page, with every row that was refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import REJECTIONS, TEXT, Column, Frame
from fleet_carbon.services.intake.withdrawing import reception_dict, reception_of
from fleet_carbon.services.support import cursors
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.refusals import refusal_of
from fleet_carbon.storage.unit_of_work import Reception, open_storage

_TOLD = Frame(
    REJECTIONS.name,
    REJECTIONS.text,
    REJECTIONS.key,
    (
        *REJECTIONS.columns,
        Column("wrong", TEXT, "The kind of fault in words.", "", True),
        Column("remedy", TEXT, "What to do about it.", "", True),
    ),
)
# By which spreadsheets know that what follows is UTF-8.
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Arrivals:
    """Receptions, the newest first."""

    receptions: Sequence[Reception]
    next_cursor: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "files": [reception_dict(one) for one in self.receptions],
            "next_cursor": self.next_cursor,
        }


@dataclass(frozen=True)
class RejectionPage:
    """Refused rows of one reception, in the order of their lines."""

    rows: list[dict[str, Any]]
    next_cursor: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"rejections": self.rows, "next_cursor": self.next_cursor}


def list_arrivals(
    settings: Settings, *, kind: str | None = None, cursor: str = "", limit_rows: int = 100
) -> Arrivals:
    """A page of receptions; what arrives meanwhile does not move the others.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    kind : str, optional
        Only what was received as this.
    cursor : str
        `next_cursor` of the page before; empty for the first.
    limit_rows : int
        At most so many.

    Raises
    ------
    InputRefused
        ``cursor_malformed``.
    """
    before = cursors.opened(cursor, int)[0] if cursor else None
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        found = work.receptions.page(kind=kind, before=before, limit_rows=limit_rows + 1)
    is_last = len(found) <= limit_rows
    shown = found[:limit_rows]
    return Arrivals(shown, "" if is_last else cursors.made(shown[-1].number))


def read_arrival(settings: Settings, reception: int) -> dict[str, Any]:
    """One reception, JSON-ready.

    Raises
    ------
    NotFound
        ``reception_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return reception_dict(reception_of(work, reception))


def rejections_file(settings: Settings, reception: int) -> Path | None:
    """The file that names every refused row; None if no row was refused.

    Raises
    ------
    NotFound
        ``reception_not_found``; ``rejections_not_kept`` if it was removed, as with a person.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        found = reception_of(work, reception)
        path = work.files.rejections_path(found.name, found.file_id)
    if not found.rows_rejected:
        return None
    if not path.exists():
        raise NotFound(
            "rejections_not_kept",
            f"The refused rows of reception {reception} are not kept any more.",
            "Send the file again to hear what is wrong with it.",
        )
    return path


def read_rejections(
    settings: Settings, reception: int, *, cursor: str = "", limit_rows: int = 100
) -> RejectionPage:
    """A page of the refused rows of a reception.

    Parameters and errors as of `list_arrivals` and `rejections_file`.
    """
    of_reception, begin = cursors.opened(cursor, int, int) if cursor else (reception, 0)
    if of_reception != reception:
        raise cursors.malformed()
    path = rejections_file(settings, reception)
    rows = [] if path is None else list(islice(_rows(path), begin, begin + limit_rows + 1))
    is_last = len(rows) <= limit_rows
    return RejectionPage(
        rows[:limit_rows], "" if is_last else cursors.made(reception, begin + limit_rows)
    )


def all_rejections(settings: Settings, reception: int) -> pd.DataFrame:
    """Every refused row of a reception, as of `frames.REJECTIONS`.

    Errors as of `rejections_file`.
    """
    path = rejections_file(settings, reception)
    rows = [] if path is None else list(_rows(path))
    return REJECTIONS.shape(pd.DataFrame(rows, columns=REJECTIONS.names))


def rejections_for_people(settings: Settings, reception: int, language: str) -> bytes:
    """Every refused row as CSV for a spreadsheet, with what is wrong and what to do in words.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    reception : int
        Its number.
    language : str
        ``en`` or ``zh``.

    Errors as of `rejections_file`.
    """
    rows = all_rejections(settings, reception)
    texts = zip(rows["code"].tolist(), rows["text"].tolist(), strict=True)
    told = [refusal_of(code, text, language) for code, text in texts]
    with_words = rows.assign(
        text=[one.detail for one in told],
        wrong=[one.wrong for one in told],
        remedy=[one.remedy for one in told],
    )
    return _MARK + tables.to_bytes(_TOLD.shape(with_words), _TOLD, "csv")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            yield row | {"line": int(row["line"])}
