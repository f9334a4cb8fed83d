"""Erase a person: the key is destroyed, and the ledger stays as it was."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.settling import read_driver_ledger
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage


@dataclass(frozen=True)
class Erased:
    """What was erased of a driver, or would be; JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """Text for people."""
        said = "would be erased" if self.report["outcome"] == "dry_run" else "is erased"
        return [
            f"Driver {self.report['driver_id']} {said}: name and telephone number in "
            f"{self.report['rows_count']} rows, and {len(self.report['files'])} received files.",
            "Copies in backups and what was handed out before are not reached.",
        ]


@dataclass(frozen=True)
class Person:
    """What is known of a driver, JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """The same, as JSON text."""
        return [json.dumps(self.report, ensure_ascii=False, indent=1, sort_keys=True)]


def erase_driver(
    settings: Settings, driver_id: str, reason: str, *, confirmation: str | None, is_dry_run: bool
) -> Erased:
    """Make a driver's name and telephone number unreadable for good.

    The register files that hold them are removed; everything under the driver's id stays.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    driver_id : str
        Who.
    reason : str
        Why; kept on record, so that it must not name the person.
    confirmation : str or None
        The id once more: nothing brings the person back.
    is_dry_run : bool
        True to see what would be done.

    Raises
    ------
    NotFound
        If the driver is not on the register.
    InputRefused
        If it is not confirmed, or no reason is given.
    """
    if not reason.strip():
        raise InputRefused("reason_missing", "An erasure needs a reason.", "Give --reason.")
    if not is_dry_run and confirmation != driver_id:
        raise InputRefused(
            "erasure_not_confirmed",
            f"Erasing {driver_id} is final and was not confirmed.",
            f"Look at it with --dry-run, then say --confirm {driver_id}.",
        )
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=is_dry_run, is_despite_closing=True) as work:
            rows = _versions(work, driver_id)
            files = sorted(set(rows["file_id"]))
            is_new = driver_id not in work.persons.erased()
            if not is_dry_run:
                if is_new:
                    work.persons.erase(driver_id, reason.strip(), datetime.now(UTC), files=files)
                for file_id in files:  # before the commit: what fails here is tried again
                    work.files.remove_for_good(file_id)
        if not is_dry_run:
            storage.forget_deleted()
    outcome = "dry_run" if is_dry_run else "erased" if is_new else "on_record_already"
    return Erased(
        {
            "driver_id": driver_id,
            "outcome": outcome,
            "reason": reason.strip(),
            "rows_count": len(rows),
            "files": files,
        }
    )


def _versions(work: UnitOfWork, driver_id: str) -> Any:
    rows = work.register.versions("drivers", "driver_id", driver_id)
    if rows.empty:
        raise NotFound(
            "driver_unknown",
            f"Driver {driver_id!r} is not on the register.",
            "The ids stand in the files of drivers that were ingested.",
        )
    return rows


def read_person(settings: Settings, driver_id: str) -> Person:
    """Everything on record of a driver: register, assignments, accounts, ledger.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    driver_id : str
        Who.

    Raises
    ------
    NotFound
        If the driver is not on the register.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        rows = _versions(work, driver_id)
        accounts = {}
        for month in work.closings.months():
            run = work.closings.latest(month)
            if run is not None:
                found = work.closings.rows_of_driver(run, "accounts", driver_id)
                accounts[month] = tables.records(found)
        assignments = work.register.versions("assignments", "driver_id", driver_id)
        return Person(
            {
                "fleet_id": storage.fleet_id,
                "driver_id": driver_id,
                "erased": driver_id in work.persons.erased(),
                "register": tables.records(rows),
                "assignments": tables.records(assignments),
                "accounts": accounts,
                "settlement": [
                    one.as_dict() for one in read_driver_ledger(storage, work, driver_id).settlement
                ],
            }
        )
