"""Tables of a closed month, a page at a time: the same rows however they are cut."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import INTERVALS, Frame
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts.reading import FRAME_BY_COMMAND, bounds_by_account
from fleet_carbon.services.support import cursors
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import open_storage


@dataclass(frozen=True)
class Page:
    """Some rows of a table.

    Attributes
    ----------
    month, fleet_id, edition, run_id : str
        What it is of.
    rows : list of dict
        JSON-ready.
    rows_count : int
        Of the whole table, after what was asked for was chosen.
    next_cursor : str
        What gives the following page; empty if this is the last.
    """

    month: str
    fleet_id: str
    edition: str
    run_id: str
    rows: list[dict[str, Any]]
    rows_count: int
    next_cursor: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "month": self.month,
            "fleet_id": self.fleet_id,
            "edition": self.edition,
            "run_id": self.run_id,
            "rows": self.rows,
            "rows_count": self.rows_count,
            "next_cursor": self.next_cursor,
        }


def read_page(
    settings: Settings,
    name: str,
    month: str,
    *,
    equal: Mapping[str, str] | None = None,
    cursor: str = "",
    limit_rows: int = 100,
) -> Page:
    """A page of a table of the latest closing run of a month.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    name : str
        accounts, legs, orders or receipts.
    month : str
        YYYY-MM.
    equal : mapping of str to str, optional
        Only rows with these values.
    cursor : str
        `next_cursor` of the page before; empty for the first.
    limit_rows : int
        At most so many.

    Raises
    ------
    InputRefused
        ``month_malformed``; ``cursor_malformed`` if it is not one of ours; ``cursor_stale`` if
        the month was closed again since.
    NotFound
        ``month_not_closed``.
    """
    frame = FRAME_BY_COMMAND[name]
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        wanted = str(parse_month(month, storage.zone))
        run = latest_run(work, wanted)
        rows = frame.shape(work.closings.table(run, frame.name))
        heading = {
            "month": wanted,
            "fleet_id": storage.fleet_id,
            "edition": run.edition_label,
            "run_id": run.run_id,
        }
        found = page_of(
            rows_with(rows, equal or {}), frame, heading, cursor=cursor, limit_rows=limit_rows
        )
        if name == "accounts" and INTERVALS.name in run.table_digests:
            bounds = bounds_by_account(work.closings.table(run, INTERVALS.name))
            for row in found.rows:
                row["intervals"] = bounds.get((row["driver_id"], row["vehicle_id"]), {})
    return found


def page_of(
    rows: pd.DataFrame,
    frame: Frame,
    heading: Mapping[str, str],
    *,
    cursor: str,
    limit_rows: int,
) -> Page:
    """A page of rows that were made of a closing run.

    Parameters
    ----------
    rows : DataFrame
        All of them.
    frame : Frame
        Their contract.
    heading : mapping of str to str
        `month`, `fleet_id`, `edition` and `run_id` of the page.
    cursor, limit_rows
        As for `read_page`.

    Raises
    ------
    InputRefused
        ``cursor_malformed``, ``cursor_stale``.
    """
    begin = _place(cursor, heading["run_id"])
    shown = tables.records(tables.ordered(rows.iloc[begin : begin + limit_rows], frame))
    end = begin + len(shown)
    return Page(
        **heading,
        rows=shown,
        rows_count=len(rows),
        next_cursor=cursors.made(heading["run_id"], end) if end < len(rows) else "",
    )


def rows_with(rows: pd.DataFrame, equal: Mapping[str, str]) -> pd.DataFrame:
    """The rows with these values; of a flag the value is true or false."""
    for column, value in equal.items():
        held = rows[column]
        if pd.api.types.is_bool_dtype(held.dtype):
            rows = rows[(held == (value == "true")).fillna(value=False)]
        else:
            rows = rows[held == value]
    return rows


def run_id_of(settings: Settings, month: str) -> str:
    """The closing run that speaks for a month; what was read of it is as long as it does.

    Raises
    ------
    NotFound
        ``month_not_closed``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return latest_run(work, str(parse_month(month, storage.zone))).run_id


def closed_months(settings: Settings) -> list[dict[str, Any]]:
    """The months that were closed, each with the run that speaks for it."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        runs = [latest_run(work, month) for month in work.closings.months()]
    return [
        {
            "month": run.month,
            "run_id": run.run_id,
            "edition": run.edition_label,
            "closed_at": run.closed_at.isoformat(),
        }
        for run in runs
    ]


def _place(cursor: str, run_id: str) -> int:
    if not cursor:
        return 0
    of_run, place = cursors.opened(cursor, str, int)
    if of_run != run_id:
        raise InputRefused(
            "cursor_stale",
            "The month was closed again since the first page was read.",
            "Begin again without a cursor.",
        )
    return int(place)
