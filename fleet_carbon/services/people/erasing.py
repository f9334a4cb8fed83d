"""Erase a person: the key is destroyed, the ways in are closed, and the ledger stays as it was."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.people.personal_records import Holdings, read_holdings
from fleet_carbon.settings import Settings
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
            f"{self.report['rows_count']} rows, {len(self.report['files'])} received files,"
            f" the words of {self.report['disputes_count']} disputes,"
            f" {len(self.report['users'])} sign-in names and {len(self.report['keys'])} keys.",
            "Copies in backups and what was handed out before are not reached.",
        ]


def erase_driver(
    settings: Settings, driver_id: str, reason: str, *, confirmation: str | None, is_dry_run: bool
) -> Erased:
    """Make unreadable for good how a driver is called and reached, and what was said in disputes.

    The register files that hold names are removed; who signs in as the driver, by a password or
    key, is ended, without the name; no statement is mailed any more. Everything under the
    driver's id stays.

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
        If nothing on record names the driver.
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
            held = read_holdings(work, driver_id)
            files = sorted(set(held.register["file_id"]))
            is_new = driver_id not in work.persons.erased()
            if not is_dry_run:
                at = datetime.now(UTC)
                if is_new:
                    work.persons.erase(driver_id, reason.strip(), at, files=files)
                _forget_ways_in(work, held, at)
                for file_id in files:  # before the commit: what fails here is tried again
                    work.files.remove_for_good(file_id)
        if not is_dry_run:
            storage.downloads().remove_all()
            storage.forget_deleted()
    outcome = "dry_run" if is_dry_run else "erased" if is_new else "on_record_already"
    return Erased(
        {
            "driver_id": driver_id,
            "outcome": outcome,
            "reason": reason.strip(),
            "rows_count": len(held.register),
            "files": files,
            "users": [one.user_id for one in held.users],
            "keys": [one.key_id for one in held.keys],
            "disputes_count": len(held.disputes),
        }
    )


def _forget_ways_in(work: UnitOfWork, held: Holdings, at: datetime) -> None:
    """Whoever the driver was as a user is ended without a name; nothing is sent any more."""
    for user in held.users:
        work.grants.end_of_holder(user.user_id)
        work.failures.note(hashlib.sha256(user.login.encode()).hexdigest(), 0, at)
        work.answers.forget_naming(user.login)
        work.users.change(
            user.user_id,
            login=f"erased-{user.user_id}",
            password_hash="",
            subject="",
            ended_at=user.ended_at or at,
        )
    for key in held.keys:
        if key.ended_at is None:
            work.access_keys.end(key.key_id, reason="erased", at=at)
            work.grants.end_of_holder(key.key_id)
    for wish, ended_at in held.wishes:
        if ended_at is None:
            work.mailing.end_recipient(wish.number, at)
