"""How a month stands: never closed, closed, or closed before something came that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import GROUPING, PERSONAL
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.services.intake.withdrawing import month_window
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork, open_storage

LISTED_MAX = 24
_NEVER_CLOSED_SHOWN = 3
OPEN, CLOSED, STALE = "open", "closed", "stale"
# Who and what stands in the accounts, by the column of a register that has no time.
_ACCOUNT_COLUMN = {"vehicles": "vehicle_id", "drivers": "driver_id"}
_FOR_NO_FIGURE = {"vehicles": GROUPING, "drivers": PERSONAL}
# What is told of a run besides its figures; the rest of the summary is for other readers.
_OF_OTHERS = ("counterfactuals", "code", "leakage")


@dataclass(frozen=True)
class MonthState:
    """A month as it stands.

    Attributes
    ----------
    month : str
        YYYY-MM.
    state : str
        ``open``: never closed; ``closed``; ``stale``: closed, and something came since.
    is_over : bool
        Whether its last day has passed, so that it can be closed.
    changed : tuple of str
        What came since: kinds of rows, ``prices``, ``earlier_months``.
    runs : list of ClosingRun
        Every close of it, the newest first.
    has_data : bool
        Whether positions of it came, or were there when it was closed last.
    """

    month: str
    state: str
    is_over: bool
    changed: tuple[str, ...]
    runs: list[ClosingRun]
    has_data: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "month": self.month,
            "state": self.state,
            "is_over": self.is_over,
            "has_data": self.has_data,
            "changed_since": list(self.changed),
            "run": run_dict(self.runs[0]) if self.runs else None,
            "runs_count": len(self.runs),
        }


def run_dict(run: ClosingRun) -> dict[str, Any]:
    """A closing run, JSON-ready, without its changes."""
    told = {name: held for name, held in run.summary.items() if name not in _OF_OTHERS}
    return {
        "run_id": run.run_id,
        "edition": run.edition_label,
        "closed_at": run.closed_at.isoformat(),
        "changes_count": len(run.changes),
        "summary": told,
    }


def read_month(settings: Settings, month: str) -> MonthState:
    """How a month stands.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.

    Raises
    ------
    InputRefused
        ``month_malformed``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        wanted = str(parse_month(month, storage.zone))
        return _read(storage, work, settings, months=[wanted])[0]


def _read(
    storage: Storage, work: UnitOfWork, settings: Settings, *, months: Sequence[str]
) -> list[MonthState]:
    """Each of some months as it stands."""
    runs_of, changed_of = work.closings.runs_of(months), _Changes(storage, work, settings)
    now, states, spans = datetime.now(UTC), [], work.traces.spans()
    if work.traces.journals.waiting_rows():  # what devices sent just now
        spans.append((now, now))
    for month in months:
        wanted, runs = parse_month(month, storage.zone), runs_of[month]
        changed = changed_of.since(wanted, runs[0]) if runs else ()
        state = (STALE if changed else CLOSED) if runs else OPEN
        had = bool(runs and runs[0].summary.get("accounts"))
        has = any(first < wanted.ends_at and last >= wanted.starts_at for first, last in spans)
        states.append(MonthState(month, state, wanted.is_over(now), changed, runs, had or has))
    return states


def list_months(settings: Settings) -> list[MonthState]:
    """The months from the first closed one to the present, the newest first; at most `LISTED_MAX`.

    Of a fleet that never closed one, the present month and those just before it.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        now = datetime.now(UTC).astimezone(storage.zone)
        listed = _listed(now.year * 12 + now.month - 1, sorted(work.closings.months()))
        return _read(storage, work, settings, months=[*listed])


def _listed(newest: int, closed: list[str]) -> Iterator[str]:
    """The months to list down from a number of a month since the year 0."""
    first = newest - _NEVER_CLOSED_SHOWN + 1
    if closed:
        first = min(first, int(closed[0][:4]) * 12 + int(closed[0][5:]) - 1)
    first = max(first, newest - LISTED_MAX + 1)
    for number in range(newest, first - 1, -1):
        yield f"{number // 12:04d}-{number % 12 + 1:02d}"


def read_run(settings: Settings, month: str, run_id: str) -> dict[str, Any]:
    """One close of a month, and what it changed against the close before, account by account.

    Raises
    ------
    NotFound
        ``run_not_found``.
    """
    for run in read_month(settings, month).runs:
        if run.run_id == run_id:
            return run_dict(run) | {"changes": run.changes}
    raise NotFound(
        "run_not_found",
        f"{month} has no closing run {run_id!r}.",
        "The month tells its runs.",
    )


class _Changes:
    """Tells what came since months were closed."""

    def __init__(self, storage: Storage, work: UnitOfWork, settings: Settings) -> None:
        self._storage, self._work, self._settings = storage, work, settings
        self._prices, self._closed_at = work.prices.list(), work.closings.closed_at()

    def since(self, month: Month, run: ClosingRun) -> tuple[str, ...]:
        """What came that belongs to a month since a run of it."""
        receptions, closed_at = self._work.receptions, run.closed_at
        window = month_window(self._settings, month)
        found = receptions.touched_since(closed_at, month, window=window)
        of_register = _ACCOUNT_COLUMN.keys() & found
        accounts = self._work.closings.table(run, "accounts") if of_register else None
        for kind, column in _ACCOUNT_COLUMN.items():
            if accounts is not None and kind in found:
                names = receptions.identifiers_since(closed_at, kind, column)
                if names.isdisjoint(accounts[column]) or names.isdisjoint(self._retold(run, kind)):
                    found.discard(kind)
        last_day = month.last_day
        if any(p.recorded_at > closed_at and p.valid_from <= last_day for p in self._prices):
            found.add("prices")
        if any(at > closed_at for earlier, at in self._closed_at.items() if earlier < str(month)):
            found.add("earlier_months")
        return tuple(sorted(found))

    def _retold(self, run: ClosingRun, kind: str) -> set[str]:
        """Who or what the register tells otherwise than at a close; names and depots no matter."""
        with self._storage.begin(known_at=run.closed_at, reads_traces=False) as before:
            then, now = (
                _rows(one.register.read(kind).drop(columns=list(_FOR_NO_FIGURE[kind])), kind)
                for one in (before, self._work)
            )
        return {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}


def _rows(register: pd.DataFrame, kind: str) -> dict[str, tuple[str, ...]]:
    """Every row as texts, by whom or what it is of."""
    texts = register.astype("string").fillna("").itertuples(index=False, name=None)
    return dict(zip(register[_ACCOUNT_COLUMN[kind]].tolist(), texts, strict=True))


def list_statements(settings: Settings, month: str) -> list[dict[str, Any]]:
    """Whose statements of a month can be had, with what they will say was credited.

    Raises
    ------
    NotFound
        ``month_not_closed``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        run = latest_run(work, str(parse_month(month, storage.zone)))
        columns = ("driver_id", "vehicle_id", "co2_credited_g")
        accounts = work.closings.table(run, "accounts", columns)
    named = accounts[accounts["driver_id"] != ""]
    of_driver = named.groupby("driver_id", sort=True)
    credited_g, trucks = of_driver["co2_credited_g"].sum(), of_driver["vehicle_id"].unique()
    return [
        {
            "driver_id": str(driver_id),
            "vehicle_ids": sorted(map(str, vehicle_ids)),
            "co2_credited_g": int(amount_g),
        }
        for (driver_id, amount_g), vehicle_ids in zip(credited_g.items(), trucks, strict=True)
    ]
