"""Recompute a published account from what was known when its month was closed.

Register, orders and prices are read as of the run, traces at the version it names, and nothing
that was made before is taken from the shelf. What is not kept as of then, such as an edition or
the program, is held against the digest that the run kept of it, and named if it is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from fleet_carbon.errors import NotFound
from fleet_carbon.ledger import checker
from fleet_carbon.periods import parse_month
from fleet_carbon.services.ledger.proving import accounts_of, rows_of_driver
from fleet_carbon.services.months import comparing
from fleet_carbon.services.months.computing import recompute
from fleet_carbon.services.support import program
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import proofs as wording
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import open_storage

_DIGITS_SHOWN = 12
_CODE = "code of the program"


@dataclass(frozen=True)
class Replay:
    """A published account beside what comes out when it is computed again.

    Attributes
    ----------
    report : dict
        ``ok`` if both are the same bytes; digests of both, inputs that are not what they were,
        figures that differ.
    """

    report: dict[str, Any]

    @property
    def is_well(self) -> bool:
        """Whether both are the same bytes."""
        return bool(self.report["ok"])

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """The outcome for people."""
        return wording.replay_lines(self.report)


def replay_account(
    settings: Settings, driver_id: str, month: str, *, progress: Progress | None = None
) -> Replay:
    """Compute a driver's published month again.

    Parameters
    ----------
    settings : Settings
        Where the records, editions and factors are.
    driver_id : str
        Driver.
    month : str
        YYYY-MM, closed.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    NotFound
        If the month is not closed, the driver has no account in it, or its traces were removed.
    """
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            run = latest_run(work, str(parse_month(month, storage.zone)))
            published = accounts_of(work, run, driver_id)
            is_imported = run.month in work.handover.imported_months()
        if run.traces_at is None:
            where = "was made where its ledger came from" if is_imported else "is of old"
            raise NotFound(
                "replay_impossible",
                f"The run of {run.month} {where}: the traces that it read are not known here.",
                "Replay it where its traces are. A month of old may be closed again.",
            )
        found, inputs = recompute(settings, storage, run, progress=progress)
    again = rows_of_driver(found["accounts"], driver_id)
    digests = [
        hashlib.sha256(checker.canonical(tables.records(rows))).hexdigest()
        for rows in (published, again)
    ]
    # Of a run that does not say which code made it nothing is said.
    code_after = program.code_digest()
    code_before = str(run.summary.get("code", code_after))
    return Replay(
        {
            "ok": digests[0] == digests[1],
            "month": run.month,
            "driver_id": driver_id,
            "run_id": run.run_id,
            "closed_at": run.closed_at.isoformat(),
            "digest_before": digests[0],
            "digest_after": digests[1],
            "code_before": code_before,
            "code_after": code_after,
            "inputs": _changed_inputs(
                {**run.inputs, _CODE: code_before}, {**inputs, _CODE: code_after}
            ),
            "differences": comparing.compare_accounts(
                published,
                again,
                inputs_before=run.inputs,
                inputs_after=inputs,
            ),
        }
    )


def _changed_inputs(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What went in then and is not on record as it was, each with both digests."""
    return [
        f"{name} is not what it was: {_short(before, name)} then, {_short(after, name)} now"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _short(digests: Mapping[str, str], name: str) -> str:
    return digests.get(name, "none")[:_DIGITS_SHOWN] or "none"
