"""Post an act that moves value, once; or show the entries that it would post."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.ledger.balances import Piece, total
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.settlement import REQUEST, Act, in_place, is_repeated, request_digest
from fleet_carbon.services.ledger.signing import KeyRing, checkpoint
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings
from fleet_carbon.statements import bookkeeping
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage

POSTED, DRY_RUN, ON_RECORD = "posted", "dry_run", "on_record_already"
_TOLD_EVERY = 10_000


@dataclass(frozen=True)
class Posted:
    """What became of an act.

    Attributes
    ----------
    transaction_id : str
        Its name.
    outcome : str
        ``posted``, ``dry_run`` or ``on_record_already``.
    entries_count : int
        Entries posted, or that would be.
    sums_line : str
        Where every gram is afterwards; of a dry run, now.
    facts : dict
        What it was about, JSON-ready.
    entries : list of Entry
        Of a dry run: exactly what would be posted.
    """

    transaction_id: str
    outcome: str
    entries_count: int
    sums_line: str
    facts: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        shown = {"entries": [_draft(one) for one in self.entries]} if self.entries else {}
        return {
            "transaction_id": self.transaction_id,
            "outcome": self.outcome,
            "entries_count": self.entries_count,
            "ledger_sums": self.sums_line,
            **self.facts,
            **shown,
        }

    def lines(self) -> list[str]:
        """Text for people."""
        lines = bookkeeping.act_lines(self.transaction_id, self.outcome, self.entries_count)
        lines += bookkeeping.fact_lines(self.facts)
        if self.entries:
            lines += ["", *bookkeeping.entry_lines([one.as_dict() for one in self.entries])]
        return [*lines, "", self.sums_line]


@dataclass(frozen=True)
class Doing:
    """One act under way.

    Attributes
    ----------
    storage : Storage
    work : UnitOfWork
        Everything of the act is in it, or nothing.
    act : Act
        Its name, moment and digest of what was asked for.
    is_dry_run : bool
        True if nothing is to be posted.
    is_on_record : bool
        True if the same was asked for before, and done.
    progress : Progress
    """

    storage: Storage
    work: UnitOfWork
    act: Act
    is_dry_run: bool
    is_on_record: bool
    progress: Progress

    def post(self, write: Callable[[], Iterator[Entry]], facts: dict[str, Any]) -> Posted:
        """Post what `write` gives, or show it."""
        name = self.act.transaction_id
        if self.is_on_record:
            return Posted(name, ON_RECORD, 0, self._sums_line(), facts)
        if self.is_dry_run:
            drafts = list(write())
            return Posted(name, DRY_RUN, len(drafts), self._sums_line(), facts, drafts)
        self.progress.begin("entries", None, "entries")
        appended = self.work.ledger.append(self._told(write()))
        self.progress.end()
        return Posted(name, POSTED, appended.entries_count, self._sums_line(), facts)

    def _sums_line(self) -> str:
        return total(self.work.ledger.holdings.sums()).line()

    def _told(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        number = 0
        for number, entry in enumerate(entries, start=1):
            if number % _TOLD_EVERY == 0:
                self.progress.advance(_TOLD_EVERY)
            yield entry
        self.progress.advance(number % _TOLD_EVERY)


@contextmanager
def begun(
    settings: Settings,
    transaction_id: str,
    *,
    reason_code: str,
    request: dict[str, Any],
    is_dry_run: bool,
    progress: Progress,
    note: str = "",
) -> Iterator[Doing]:
    """Begin an act: look whether it is on record, and take the ledger for it.

    What it posted is signed at its end, so that everything of it can be proven at once.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    transaction_id, reason_code, note : str
        As of `settlement.Act`.
    request : dict
        What was asked for; the same again is a repetition, other content is refused.
    is_dry_run : bool
        True if nothing is to be posted; then nobody is kept waiting.
    progress : Progress
        Told of what takes long.

    Raises
    ------
    LedgerBroken
        If another act has the name.
    FleetCarbonError
        If the private key that signs the ledger is not at hand; then nothing is posted.
    """
    now = datetime.now(UTC)
    with closing(open_storage(settings)) as storage, _begun(storage, is_dry_run) as work:
        act = Act(
            transaction_id=transaction_id,
            reason_code=reason_code,
            month=now.astimezone(storage.zone).strftime("%Y-%m"),
            recorded_at=now,
            evidence={REQUEST: request_digest(request)},
            note=note,
        )
        recorded = next(work.ledger.act(transaction_id), None)
        yield Doing(storage, work, act, is_dry_run, is_repeated(recorded, act), progress)
        if not is_dry_run:
            checkpoint(work, KeyRing(settings), now)


def _begun(storage: Storage, is_dry_run: bool) -> UnitOfWork:
    storage.check_open()  # of a dry run too: what it shows could not be done
    return storage.begin(read_only=is_dry_run)


def oldest_below(
    work: UnitOfWork, prefix: str, *, from_month: str = "", until_month: str = ""
) -> Iterator[Piece]:
    """What all accounts whose names begin so hold, the oldest vintage first.

    Parameters
    ----------
    work : UnitOfWork
        What it is read from, one vintage at a time.
    prefix : str
        Beginning of the names.
    from_month, until_month : str
        First and last vintage; empty for any.
    """
    for month in sorted({block.month for block in work.ledger.holdings.sums()}):
        if from_month <= month and (not until_month or month <= until_month):
            yield from in_place(work.ledger.holdings.pieces_below(prefix, month=month))


def _draft(entry: Entry) -> dict[str, Any]:
    """An entry that has no place in the chain yet."""
    unsealed = ("sequence", "previous_hash", "entry_hash")
    return {name: held for name, held in entry.as_dict().items() if name not in unsealed}
