"""Close a fleet down: settle what can be settled, sign it, tell everybody, add nothing more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Piece, total
from fleet_carbon.ledger.proceeds import money_text
from fleet_carbon.ledger.serials import serial_text
from fleet_carbon.services.ledger.acting import oldest_below
from fleet_carbon.services.ledger.archiving import export_archive
from fleet_carbon.services.ledger.proving import checker_script
from fleet_carbon.services.ledger.selling import lot_state
from fleet_carbon.services.ledger.signing import KeyRing, checkpoint
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings
from fleet_carbon.statements import closing_down as wording
from fleet_carbon.statements.tables import write_whole
from fleet_carbon.storage.closing_down import ANNOUNCED, FINAL, WITHDRAWN, ClosingDown
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_ACT, _BUFFER_ACT = "closing-down/held", "closing-down/buffer"
_GIVEN_TO_GOOD = accounts.good_account("x")[:-1]
_OWED_TO = ("cash:driver/", "cash:voucher/", "cash:fleet", "cash:platform")
_ACCOUNT_OF = {
    wording.GIVEN: (acts.GIVEN, accounts.good_account),
    wording.RETIRED: (acts.RETIRED, accounts.retired_account),
    wording.CANCELLED: (acts.CANCELLED, accounts.cancelled_account),
}


@dataclass(frozen=True)
class Wish:
    """How a fleet is to be closed down.

    Attributes
    ----------
    what : str
        What becomes of held grams: ``handed_over`` (they stay where they are), ``given``,
        ``retired`` or ``cancelled``.
    name : str
        To which installation or public good, on whose behalf, why.
    reason : str
        Why the fleet is closed down; everybody reads it.
    is_voiding : bool
        True if open lots are let go; else they are in the way.
    """

    what: str
    name: str
    reason: str
    is_voiding: bool = False


@dataclass(frozen=True)
class State:
    """How a fleet stands, JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """Text for people."""
        return wording.state_lines(self.report)


@dataclass(frozen=True)
class Outcome:
    """What a closing down did, or would do, JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """Text for people."""
        return wording.outcome_lines(self.report)


def read_state(settings: Settings) -> State:
    """Whether the fleet is open, and what stands in the way of closing it down."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        step = work.closing_downs.newest()
        return State(
            {
                "fleet_id": storage.fleet_id,
                "state": step.state if step else "open",
                "at": step.recorded_at.isoformat(timespec="seconds") if step else None,
                "reason": step.facts["reason"] if step else None,
                **_found(work),
            }
        )


def announce(settings: Settings, reason: str, *, is_withdrawn: bool = False) -> State:
    """Say that the fleet will be closed down, or take it back; nothing else is changed.

    Raises
    ------
    InputRefused
        If no reason is given, or there is no announcement to take back.
    FleetCarbonError
        If the fleet was closed down: that is final.
    """
    _refuse_without_reason(reason)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        step = work.closing_downs.newest()
        if is_withdrawn and (step is None or step.state != ANNOUNCED):
            raise InputRefused(
                "closing_down_not_announced",
                f"No closing down of {storage.fleet_id} is announced.",
                "There is nothing to take back.",
            )
        state = WITHDRAWN if is_withdrawn else ANNOUNCED
        work.closing_downs.add(ClosingDown(state, {"reason": reason.strip()}, datetime.now(UTC)))
    return read_state(settings)


def _refuse_without_reason(reason: str) -> None:
    if not reason.strip():
        raise InputRefused(
            "reason_missing", "A closing down needs a reason.", "Say why with --reason."
        )


def close_down(
    settings: Settings,
    wish: Wish,
    *,
    confirmation: str | None,
    folder: Path | None,
    is_dry_run: bool,
    progress: Progress,
) -> Outcome:
    """Settle what can be settled and take nothing more; asked for again, only papers are written.

    Parameters
    ----------
    settings : Settings
        Where the records and the key are.
    wish : Wish
        What becomes of what is held.
    confirmation : str or None
        The fleet's identifier, to show that it is meant.
    folder : Path or None
        Receives notices, archive and checker; needed unless nothing is to be done.
    is_dry_run : bool
        True to see what would be done.
    progress : Progress
        Told of what takes long.

    Raises
    ------
    InputRefused
        If it is not confirmed, no folder is given, or lots are open that are not let go.
    """
    _refuse_without_reason(wish.reason)
    if not wish.name.strip():
        raise InputRefused("purpose_missing", "The act names nothing it is for.", "See --help.")
    if not is_dry_run and (confirmation != settings.fleet or folder is None):
        raise InputRefused(
            "closing_down_not_confirmed",
            f"Closing down {settings.fleet} is final and was not confirmed.",
            f"Look at it with --dry-run, then say --confirm {settings.fleet} and -o FOLDER.",
        )
    now, outcome = datetime.now(UTC), "dry_run" if is_dry_run else "closed_down"
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            step = work.closing_downs.newest()
        if step is not None and step.state == FINAL:
            facts, outcome = step.facts, "on_record_already"
        else:
            with storage.begin(read_only=is_dry_run) as work:
                facts = _Closing(work, KeyRing(settings), wish, now).run(is_dry_run=is_dry_run)
    report = {"fleet_id": settings.fleet, "outcome": outcome, **facts}
    if is_dry_run or folder is None:
        return Outcome(report)
    count = write_papers(settings, facts, folder, progress=progress)
    return Outcome({**report, "folder": str(folder), "notices_count": count})


class _Closing:
    """One closing down, in one unit of work."""

    def __init__(self, work: UnitOfWork, ring: KeyRing, wish: Wish, now: datetime) -> None:
        self._work = work
        self._ring = ring
        self._wish = wish
        self._now = now

    def run(self, *, is_dry_run: bool) -> dict[str, Any]:
        """Do it, or only say what it would be."""
        lots = _open_lots(self._work)
        if lots and not self._wish.is_voiding:
            raise InputRefused(
                "lots_open",
                f"{len(lots)} lots are reserved and neither settled nor void: {', '.join(lots)}.",
                "Settle them, or let them go with --void-open-lots.",
                lots=lots,
            )
        returned = [move for lot_id in lots for move in self._returned(lot_id)]
        held = [one for one in oldest_below(self._work, "held:") if not _is_given(one)]
        held += [Piece(to, piece.block, piece.serials) for piece, to in returned]
        buffer = list(oldest_below(self._work, accounts.BUFFER))
        is_moving = self._wish.what != wording.HANDED_OVER
        facts = {
            **asdict(self._wish),
            "voided_lots": lots,
            "moved_g": sum(one.serials.amount_g for one in held),
            "holders_count": len({one.account for one in held}),
            "buffer_cancelled_g": sum(one.serials.amount_g for one in buffer) * is_moving,
            "closed_at": self._now.isoformat(timespec="milliseconds"),
        }
        if not is_dry_run:
            for lot_id in lots:
                self._void(lot_id)
            if is_moving:
                self._move(acts.in_place(held), buffer)
            checkpoint(self._work, self._ring, self._now)
        facts |= _found(self._work)
        newest = self._work.checkpoints.newest()
        facts["checkpoint"] = newest.note if newest else ""
        if not is_dry_run:
            facts["key_id"] = self._ring.current(self._work, self._now).key_id
            self._work.closing_downs.add(ClosingDown(FINAL, facts, self._now))
        return facts

    def _returned(self, lot_id: str) -> Iterator[acts.Move]:
        return acts.returned(self._work.ledger.act(acts.lot_act(lot_id, "reserve")))

    def _void(self, lot_id: str) -> None:
        request = {"lot_id": lot_id, "step": "void"}
        act = self._act(acts.lot_act(lot_id, "void"), acts.LOT_VOID, request, f"lot {lot_id}")
        self._work.ledger.append(acts.post(act, list(self._returned(lot_id))))

    def _move(self, held: list[Piece], buffer: list[Piece]) -> None:
        reason_code, account_of = _ACCOUNT_OF[self._wish.what]
        note = f"closing down: {self._wish.reason}"
        act = self._act(_ACT, reason_code, asdict(self._wish), note)
        moves = acts.all_to(account_of(self._wish.name), held)
        self._work.ledger.append(acts.post(act, moves))
        act = self._act(_BUFFER_ACT, acts.CANCELLED, asdict(self._wish), note)
        nobody = accounts.cancelled_account("closed down")
        self._work.ledger.append(acts.post(act, acts.all_to(nobody, buffer)))

    def _act(self, name: str, reason_code: str, request: dict[str, Any], note: str) -> acts.Act:
        return acts.Act(
            transaction_id=name,
            reason_code=reason_code,
            month=f"{self._now:%Y-%m}",
            recorded_at=self._now,
            evidence={acts.REQUEST: acts.request_digest(request)},
            note=note,
        )


def _is_given(piece: Piece) -> bool:
    return piece.account.startswith(_GIVEN_TO_GOOD)


def _open_lots(work: UnitOfWork) -> list[str]:
    return [one.lot_id for one in work.lots.list() if lot_state(work, one.lot_id) == "reserved"]


def _found(work: UnitOfWork) -> dict[str, Any]:
    """What is open: lots, money, obligations; and where every gram is."""
    owed: dict[str, int] = {}
    for (_, currency, account), amount in work.ledger.balances(prefix="cash:").items():
        if account.startswith(_OWED_TO) and amount < 0:
            owed[currency] = owed.get(currency, 0) - amount
    obligations = work.ledger.balances(prefix=accounts.OWED_BY_OPERATOR)
    return {
        "open_lots": _open_lots(work),
        "unpaid": owed,
        "unpaid_text": [money_text(amount, currency) for currency, amount in sorted(owed.items())],
        "obligations_g": -sum(obligations.values()),
        "ledger_sums": total(work.ledger.holdings.sums()).line(),
    }


def write_papers(
    settings: Settings, facts: dict[str, Any], folder: Path, *, progress: Progress
) -> int:
    """Write archive, checker, the public notice and one for each driver; says how many these are.

    Parameters
    ----------
    settings : Settings
        Of a fleet that was closed down.
    facts : dict
        What became of it, as on record.
    folder : Path
        Is made if it is not there.
    progress : Progress
        Told of what takes long.

    Raises
    ------
    InputRefused
        If the folder cannot be written to. The closing down stands; ask for the papers again.
    """
    try:
        (folder / "drivers").mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise InputRefused(
            "folder_unusable",
            f"The folder {folder} cannot be made: {failure.strerror}.",
            "Run the command again with another --output.",
        ) from failure
    archive = export_archive(settings, folder / "archive.zip", progress=progress).report
    notice = {**facts, "fleet_id": settings.fleet, "archive_sha256": archive["sha256"]}
    _write(folder / "checker.py", checker_script())
    _write_notice(folder / "notice", notice, wording.public_text_en, wording.public_text_zh)
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        driver_ids = _drivers(work)
        progress.begin("notices", len(driver_ids), "drivers")
        for driver_id in driver_ids:
            told = _driver_notice(work, notice, driver_id)
            path = folder / "drivers" / quote(driver_id, safe="")
            _write_notice(path, told, wording.driver_text_en, wording.driver_text_zh)
            progress.advance(1)
        progress.end()
    return len(driver_ids)


def _drivers(work: UnitOfWork) -> list[str]:
    """Every driver who ever held grams or was owed money."""
    found = set()
    for prefix in (accounts.HELD_BY_DRIVERS, "cash:driver/", "cash:voucher/"):
        for _, _, account in work.ledger.balances(prefix=prefix):
            found.add(accounts.unescaped(account.removeprefix(prefix).partition("/")[0]))
    return sorted(found)


def _driver_notice(work: UnitOfWork, notice: dict[str, Any], driver_id: str) -> dict[str, Any]:
    escaped = accounts.escaped(driver_id)
    below = f"{accounts.HELD_BY_DRIVERS}{escaped}/"
    pieces = [
        Piece(one.credit_account, one.block, one.serials)
        for one in work.ledger.entries(below=below)
        if one.transaction_id == _ACT and one.serials is not None
    ]
    if notice["what"] == wording.HANDED_OVER:
        pieces = list(work.ledger.holdings.pieces_below(below))
    owed = [
        {"currency": currency, "amount": -amount, "amount_text": money_text(-amount, currency)}
        for prefix in ("cash:driver/", "cash:voucher/")
        for (_, currency, _), amount in work.ledger.balances(prefix=f"{prefix}{escaped}/").items()
        if amount < 0
    ]
    shown = ("fleet_id", "closed_at", "reason", "what", "name", "key_id", "archive_sha256")
    return {
        **{name: notice[name] for name in shown},
        "driver_id": driver_id,
        "balance_g": sum(one.serials.amount_g for one in pieces),
        "serials": [
            serial_text(notice["fleet_id"], one.block, one.serials) for one in acts.merged(pieces)
        ],
        "owed": owed,
        "checkpoint": notice["checkpoint"],
    }


def _write_notice(path: Path, notice: dict[str, Any], *texts: Any) -> None:
    content = json.dumps(notice, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    _write(path.with_name(f"{path.name}.json"), content)
    for language, text in zip(("en", "zh"), texts, strict=True):
        _write(path.with_name(f"{path.name}.{language}.txt"), text(notice))


def _write(path: Path, content: str) -> None:
    write_whole(content.encode(), path)
