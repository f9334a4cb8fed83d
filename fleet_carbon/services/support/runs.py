"""The close that speaks for a month, for every use case that reads one."""

from __future__ import annotations

from fleet_carbon.errors import NotFound
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork


def latest_run(work: UnitOfWork, month: str) -> ClosingRun:
    """The latest closing run of a month.

    Raises
    ------
    NotFound
        If the month was never closed.
    """
    run = work.closings.latest(month)
    if run is None:
        closed = ", ".join(work.closings.months()) or "none yet"
        raise NotFound(
            "month_not_closed",
            f"{month} was not closed. Closed months: {closed}.",
            f"Run `fleet-carbon close {month}` first.",
            month=month,
        )
    return run
