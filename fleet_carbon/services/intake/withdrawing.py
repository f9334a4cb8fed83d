"""Say which files were ingested, and take back what one of them brought.

A reception is one ingest of one file. A withdrawal takes back all receptions of a file that
still stand, or those of one kind. Everything stays on disk and on record; what the file brought
is not read any more, and the file may be ingested again. Closed months are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.quantification import editions
from fleet_carbon.settings import Settings
from fleet_carbon.statements import receipts
from fleet_carbon.storage.unit_of_work import ClosingRun, Reception, UnitOfWork, open_storage

_ID_DIGITS_SHOWN = 12
_NAMED = 5
_PREFIX = re.compile(r"^[0-9a-f]{6,64}$")
# The column by which an account shows that it rests on register rows that have no time.
_ACCOUNT_COLUMN = {"vehicles": "vehicle_id", "drivers": "driver_id"}


@dataclass(frozen=True)
class FileList:
    """The receptions of a fleet, in the order in which they were recorded."""

    fleet_id: str
    receptions: list[Reception]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "fleet_id": self.fleet_id,
            "files": [reception_dict(one) for one in self.receptions],
        }

    def lines(self) -> list[str]:
        """The list for people."""
        return receipts.file_lines(self.as_dict())


@dataclass(frozen=True)
class WithdrawalRequest:
    """What a user wants to take back.

    Attributes
    ----------
    file_id : str
        The first hexadecimal digits of the file's digest, six at least.
    reason : str
        Why; kept on record.
    kind : str or None
        Only what the file brought as this kind; None for all it brought.
    """

    file_id: str
    reason: str
    kind: str | None = None


@dataclass(frozen=True)
class Withdrawal:
    """What was taken back, and what is to be done now.

    Attributes
    ----------
    receptions : list of Reception
        Those that were withdrawn.
    months : list of str
        Closed months that took in something the file brought.
    others : list of Reception
        Later receptions that had rows which were on record already: perhaps from this file.
    """

    receptions: list[Reception]
    months: list[str]
    others: list[Reception]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        first = self.receptions[0]
        return {
            "file_id": first.file_id,
            "id": _short(first.file_id),
            "reason": first.reason,
            "withdrawn_at": _moment(first.withdrawn_at),
            "withdrawn": [reception_dict(one) for one in self.receptions],
            "months_to_close_again": self.months,
            "files_with_duplicates": [reception_dict(one) for one in self.others],
        }

    def lines(self) -> list[str]:
        """The outcome for people."""
        return receipts.withdrawal_lines(self.as_dict())


def list_files(settings: Settings, kind: str | None = None) -> FileList:
    """Every ingest of every file of the fleet, or those of one kind.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    kind : str, optional
        One of the kinds of ingest.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return FileList(storage.fleet_id, work.receptions.list(kind=kind))


def withdraw_file(settings: Settings, request: WithdrawalRequest) -> Withdrawal:
    """Take back what a file brought, in one unit of work; closed months stay as they are.

    Raises
    ------
    InputRefused
        If the id is malformed or fits several files, no reason is given, the file is withdrawn
        already, or it registers trucks that have positions or orders on record.
    NotFound
        If no file of the fleet has that id.
    """
    prefix = request.file_id.strip().lower()
    if not _PREFIX.match(prefix):
        raise InputRefused(
            "file_id_malformed",
            f"{request.file_id!r} is no id of a file: 6 to 64 hexadecimal digits are expected.",
            "`fleet-carbon files` lists the ids.",
        )
    choose = partial(_standing_of_file, prefix=prefix, kind=request.kind)
    return _withdrawn(settings, choose, request.reason.strip())


def withdraw_reception(settings: Settings, number: int, reason: str) -> Withdrawal:
    """Take back what came with one arrival of a file, or with one request.

    Errors as of `withdraw_file`; NotFound ``reception_not_found``.
    """
    return _withdrawn(settings, partial(_standing_reception, number=number), reason.strip())


def _withdrawn(
    settings: Settings, choose: Callable[[UnitOfWork], list[Reception]], reason: str
) -> Withdrawal:
    if not reason:
        raise InputRefused(
            "reason_missing",
            "A withdrawal needs a reason.",
            'Say why, for example --reason "ingested as WGS-84, is GCJ-02".',
        )
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        chosen = choose(work)
        work.receptions.withdraw(chosen, reason=reason, withdrawn_at=datetime.now(UTC))
        _refuse_needed_trucks(work, chosen)
        numbers = {one.number for one in chosen}
        on_record = work.receptions.list()
        months = [parse_month(month, storage.zone) for month in work.closings.months()]
        return Withdrawal(
            receptions=[one for one in on_record if one.number in numbers],
            months=[str(month) for month in months if _took_from(work, settings, month, chosen)],
            others=_perhaps_dropped(on_record, chosen),
        )


def reception_of(work: UnitOfWork, number: int) -> Reception:
    """The reception of a number.

    Raises
    ------
    NotFound
        ``reception_not_found``.
    """
    found = work.receptions.find(number)
    if found is None:
        raise NotFound(
            "reception_not_found",
            f"Nothing was received under the number {number}.",
            "The list of files tells the numbers.",
        )
    return found


def _standing_reception(work: UnitOfWork, number: int) -> list[Reception]:
    found = reception_of(work, number)
    if found.withdrawn_at is not None:
        raise _withdrawn_already(found)
    return [found]


def _withdrawn_already(last: Reception) -> InputRefused:
    return InputRefused(
        "file_withdrawn_already",
        f"{last.name} was withdrawn already, at {_moment(last.withdrawn_at)}: {last.reason}",
        "Nothing was changed. It may be ingested again.",
    )


def _standing_of_file(work: UnitOfWork, prefix: str, kind: str | None) -> list[Reception]:
    found = work.receptions.list(file_id_prefix=prefix)
    if not found:
        raise NotFound(
            "file_not_found",
            f"No file with an id that begins with {prefix} was ingested for this fleet.",
            "`fleet-carbon files` lists the ids.",
        )
    matching = {one.file_id: one.name for one in found}
    if len(matching) > 1:
        named = ", ".join(
            f"{_short(one)} ({name})" for one, name in list(matching.items())[:_NAMED]
        )
        raise InputRefused(
            "file_id_ambiguous",
            f"{len(matching)} files have ids that begin with {prefix}: {named}.",
            "Give more digits of the id.",
        )
    of_kind = [one for one in found if kind in (None, one.kind)]
    if not of_kind:
        raise NotFound(
            "file_not_of_kind",
            f"{found[0].name} was never ingested as {kind}.",
            f"It was ingested as {', '.join(sorted({one.kind for one in found}))}.",
        )
    chosen = [one for one in of_kind if one.withdrawn_at is None]
    if not chosen:
        raise _withdrawn_already(of_kind[-1])
    return chosen


def _refuse_needed_trucks(work: UnitOfWork, chosen: list[Reception]) -> None:
    """Positions and orders of a truck that nobody registers could not be computed."""
    lost: set[str] = set()
    for one in chosen:
        if one.kind == "vehicles":
            lost |= work.receptions.identifiers(one, "vehicle_id")
    if not lost:
        return
    lost -= set(work.register.read("vehicles")["vehicle_id"])
    needed = work.traces.holding(lost) | (lost & set(work.orders.in_force()["vehicle_id"]))
    if needed:
        named = ", ".join(sorted(needed)[:_NAMED])
        raise InputRefused(
            "vehicles_needed",
            "Only this file registers trucks that have positions or orders on record, in number"
            f" {len(needed)}: {named}.",
            "Nothing was changed. To correct trucks, ingest a file with the right values: the"
            " last one is in force. To be rid of them, withdraw their positions and orders first.",
        )


def _took_from(work: UnitOfWork, settings: Settings, month: Month, chosen: list[Reception]) -> bool:
    """Whether the latest close of a month took in something that the receptions brought."""
    run = work.closings.latest(str(month))
    if run is None:
        return False
    window = month_window(settings, month)
    return any(
        # A month that was closed before the file came knows nothing of it.
        one.received_at <= run.closed_at
        and work.receptions.reaches_into(one, month, window=window)
        and _stands_in_accounts(work, run, one)
        for one in chosen
    )


def month_window(settings: Settings, month: Month) -> tuple[datetime, datetime]:
    """The period that a close of the month reads."""
    last_day = month.last_day
    edition = editions.edition_in_force(settings.models_dir, last_day)
    rules = editions.fill_rules(edition, "legs", LegRules)
    return month.widened(round(rules.window_margin_days))


def _stands_in_accounts(work: UnitOfWork, run: ClosingRun, reception: Reception) -> bool:
    column = _ACCOUNT_COLUMN.get(reception.kind)
    if column is None:
        return True
    there = set(work.closings.table(run, "accounts")[column])
    return not there.isdisjoint(work.receptions.identifiers(reception, column))


def _perhaps_dropped(on_record: list[Reception], chosen: list[Reception]) -> list[Reception]:
    """Standing receptions that came after the withdrawn ones and had duplicates."""
    found = []
    for one in on_record:
        before = [was for was in chosen if was.kind == one.kind and was.number < one.number]
        if one.withdrawn_at is None and one.rows_duplicate and any(w.rows_accepted for w in before):
            found.append(one)
    return found


def reception_dict(one: Reception) -> dict[str, Any]:
    """A reception, JSON-ready."""
    return {
        "reception": one.number,
        "id": _short(one.file_id),
        "file_id": one.file_id,
        "kind": one.kind,
        "name": one.name,
        "size_bytes": one.size_bytes,
        "received_at": _moment(one.received_at),
        "rows_accepted": one.rows_accepted,
        "rows_duplicate": one.rows_duplicate,
        "rows_rejected": one.rows_rejected,
        "options": one.options,
        "withdrawn": one.withdrawn_at is not None,
        "withdrawn_at": _moment(one.withdrawn_at),
        "withdrawn_reason": one.reason or None,
    }


def _short(file_id: str) -> str:
    return file_id[:_ID_DIGITS_SHOWN]


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
