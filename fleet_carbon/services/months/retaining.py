"""Keep positions for a set time, and then reduce them to legs and digests.

Only months go whose figures stand: the month itself and its neighbours, whose closes read some
days of it, are closed, or nothing of them was ever sent. Legs, accounts and ledger stay, and the
digest, count and marks of every segment, so that accounts still say which bytes they came from.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.settings import Settings
from fleet_carbon.statements import operating
from fleet_carbon.storage.retention import RetentionRule
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_UTC = ZoneInfo("UTC")
_NEIGHBOUR = timedelta(days=20)  # from the edge of a month well into the next


@dataclass(frozen=True)
class RetentionState:
    """The rules of a fleet, the last of which holds, and what was reduced; JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """The same for people."""
        return operating.retention_lines(self.report)


@dataclass(frozen=True)
class Reduced:
    """What a run reduced, or would; JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """The same for people."""
        return operating.reduced_lines(self.report)


def set_retention(settings: Settings, positions_days: int | None) -> RetentionState:
    """Put on record for how long the fleet's positions are kept; nothing is removed yet.

    Parameters
    ----------
    settings : Settings
        The fleet.
    positions_days : int or None
        None keeps them for good. [d]

    Raises
    ------
    InputRefused
        ``retention_too_short``.
    """
    if positions_days is not None and positions_days < 1:
        raise InputRefused(
            "retention_too_short",
            f"Positions cannot be kept for {positions_days} days.",
            "Give one day or more; months that are not closed are kept whatever it says.",
        )
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        work.traces.retention.add_rule(positions_days, datetime.now(UTC))
    return show_retention(settings)


def show_retention(settings: Settings) -> RetentionState:
    """The rules of the fleet, and what was reduced by them.

    Parameters
    ----------
    settings : Settings
        The fleet.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        rules, reductions = work.traces.retention.rules(), work.traces.retention.reductions()
        return RetentionState(
            {
                "fleet_id": storage.fleet_id,
                "positions_days": rules[-1].positions_days if rules else None,
                "rules": [
                    {"positions_days": one.positions_days, "since": one.recorded_at.isoformat()}
                    for one in rules
                ],
                "reductions": [
                    {
                        "month": one.month,
                        "fixes": one.rows,
                        "segments": one.segments,
                        "bytes": one.size_bytes,
                        "reduced_at": one.reduced_at.isoformat(),
                        "rule_of": one.ruled_at.isoformat(),
                    }
                    for one in reductions
                ],
            }
        )


def run_retention(settings: Settings, *, is_dry_run: bool = False) -> Reduced:
    """Reduce what is older than the rule of the fleet says, and remove the files of it.

    Broken off in the middle it is done the next time: what goes is on record before it goes.

    Parameters
    ----------
    settings : Settings
        The fleet.
    is_dry_run : bool
        Only count what would go.

    Raises
    ------
    NotFound
        ``retention_not_set``.
    """
    now = datetime.now(UTC)
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=is_dry_run, is_despite_closing=True) as work:
            rule = _rule(work)
            due, waiting = _months_due(work, rule, now)
            segments = [one for month in due for one in work.traces.months()[month]]
            if due and not is_dry_run:
                work.traces.reduce(set(due), rule, recorded_at=now)
        files_count = removed_count = 0
        if not is_dry_run:
            with storage.begin(is_despite_closing=True) as work:
                removed_count = work.traces.remove_reduced()
                files = work.traces.retention.removable_files()
                files = [one for one in files if work.files.path_of(one).is_file()]
                for file_id in files:
                    work.files.remove_for_good(file_id)
                files_count = len(files)
    return Reduced(
        {
            "fleet_id": storage.fleet_id,
            "dry_run": is_dry_run,
            "positions_days": rule.positions_days,
            "months": due,
            "months_waiting": waiting,
            "fixes": sum(one.rows for one in segments),
            "segments": len(segments),
            "bytes": sum(one.size_bytes for one in segments),
            "segments_removed": removed_count,
            "files_removed": files_count,
        }
    )


def refuse_without_rule(settings: Settings) -> None:
    """Pass only if a rule says for how long positions are kept.

    Parameters
    ----------
    settings : Settings
        The fleet.

    Raises
    ------
    NotFound
        ``retention_not_set``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        _rule(work)


def _rule(work: UnitOfWork) -> RetentionRule:
    rules = work.traces.retention.rules()
    if not rules:
        raise NotFound(
            "retention_not_set",
            "No rule says for how long positions are kept.",
            "Set one: fleet-carbon retention set --positions-days 180.",
        )
    return rules[-1]


def _months_due(
    work: UnitOfWork, rule: RetentionRule, now: datetime
) -> tuple[list[str], list[str]]:
    """UTC months whose fixes are to be reduced, and old ones that wait for a close."""
    if rule.positions_days is None:
        return [], []
    held, closed = set(work.traces.months()), set(work.closings.months())
    due: list[str] = []
    waiting: list[str] = []
    for name in sorted(held):
        month = parse_month(name, _UTC)
        if month.next.starts_at + timedelta(days=rule.positions_days) > now:
            continue
        before = (month.starts_at - _NEIGHBOUR).strftime("%Y-%m")
        beside = {one for one in (before, str(month.next)) if one in held}
        (due if {name} | beside <= closed else waiting).append(name)
    return due, waiting


def refuse_reduced(work: UnitOfWork, month: Month) -> None:
    """Pass only if all fixes that a close of the month reads are there.

    Raises
    ------
    NotFound
        ``traces_reduced``.
    """
    first, last = month.starts_at - _NEIGHBOUR, month.next.starts_at + _NEIGHBOUR
    names = (at.astimezone(UTC).strftime("%Y-%m") for at in (first, last))
    work.traces.retention.refuse_reduced(*names)
