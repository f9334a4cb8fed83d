"""What one ledger entry is: its fields, its canonical bytes, its place in the hash chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.errors import LedgerBroken

ISSUED = "issued"
CHAIN_START = "0" * 64
AMOUNT_G_MAX = 2**63 - 1

_HELD_BY_DRIVER = "held:driver/"


@dataclass(frozen=True)
class Entry:
    """One movement of grams between two accounts.

    The debit side receives, the credit side gives; a balance is debits minus credits, so that
    the balances of all accounts add up to zero.

    Attributes
    ----------
    entry_id : str
        Identifier given by the poster; the same identifier is never recorded twice.
    month : str
        Month the figure belongs to, YYYY-MM.
    debit_account, credit_account : str
        Accounts that receive and give; never the same one.
    amount_g : int
        Mass moved, at least 1. [g]
    reason_code : str
        Why, from a closed list of the poster.
    recorded_at : datetime
        Moment of recording, aware; kept to the millisecond, UTC.
    note : str
        A sentence for people.
    previous_figure_g : int or None
        The figure that this entry corrects; None if there was none. [g]
    evidence : dict of str to str
        Digests of what the figure rests on, by name.
    sequence : int
        Place in the chain, from 1; 0 until the entry is sealed.
    previous_hash, entry_hash : str
        Chain of SHA-256 in hexadecimal; empty until the entry is sealed.
    """

    entry_id: str
    month: str
    debit_account: str
    credit_account: str
    amount_g: int
    reason_code: str
    recorded_at: datetime
    note: str = ""
    previous_figure_g: int | None = None
    evidence: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    previous_hash: str = ""
    entry_hash: str = ""

    def __post_init__(self) -> None:
        _require_whole(self.amount_g, self.entry_id, "amount_g")
        if not 1 <= self.amount_g <= AMOUNT_G_MAX:
            raise _refused(self.entry_id, f"amount_g is {self.amount_g}, expected 1 or more")
        if self.previous_figure_g is not None:
            _require_whole(self.previous_figure_g, self.entry_id, "previous_figure_g")
        if not self.entry_id or not self.debit_account or not self.credit_account:
            raise _refused(self.entry_id, "entry_id and both accounts must be given")
        if self.debit_account == self.credit_account:
            raise _refused(self.entry_id, f"both sides are {self.debit_account}")
        if self.recorded_at.tzinfo is None:
            raise _refused(self.entry_id, "recorded_at has no time zone")

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: every field, the moment as text."""
        return {**asdict(self), "recorded_at": moment_text(self.recorded_at)}


def _require_whole(amount_g: object, entry_id: str, name: str) -> None:
    if type(amount_g) is not int:  # a bool is an int to isinstance, and no mass
        raise _refused(entry_id, f"{name} is {amount_g!r}, expected a whole number of grams")


def _refused(entry_id: str, reason: str) -> LedgerBroken:
    return LedgerBroken(
        "entry_malformed",
        f"Entry {entry_id!r} cannot be recorded: {reason}.",
        "Nothing was posted. This is a fault of the posting step, report it with this message.",
    )


def moment_text(moment: datetime) -> str:
    """The moment as UTC text to the millisecond, the one form that enters a hash.

    Examples
    --------
    >>> moment_text(datetime(2026, 10, 1, 8, 0, 0, 5999, tzinfo=UTC))
    '2026-10-01T08:00:00.005Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{moment.microsecond // 1000:03d}Z"
    )


def held_account(driver_id: str, vehicle_id: str) -> str:
    """Name of the account that holds what a driver saved with a truck.

    Examples
    --------
    >>> held_account("D/1", "V1")
    'held:driver/D%2F1/V1'
    """
    return f"{_HELD_BY_DRIVER}{_escaped(driver_id)}/{_escaped(vehicle_id)}"


def holder_of(account: str) -> tuple[str, str] | None:
    """Driver and truck of an account made by `held_account`; None for any other account.

    Examples
    --------
    >>> holder_of("held:driver/D%2F1/V1"), holder_of("issued")
    (('D/1', 'V1'), None)
    """
    if not account.startswith(_HELD_BY_DRIVER):
        return None
    driver, _, vehicle = account.removeprefix(_HELD_BY_DRIVER).partition("/")
    return _unescaped(driver), _unescaped(vehicle)


def _escaped(identifier: str) -> str:
    return identifier.replace("%", "%25").replace("/", "%2F")


def _unescaped(text: str) -> str:
    return text.replace("%2F", "/").replace("%25", "%")


def canonical_bytes(entry: Entry) -> bytes:
    """The bytes that are hashed: JSON, keys sorted, no spaces, UTF-8, without `entry_hash`."""
    fields = entry.as_dict()
    del fields["entry_hash"]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def seal_entries(drafts: Iterable[Entry], *, last: Entry | None) -> list[Entry]:
    """Give drafts their place in the chain, after the entry `last`.

    Parameters
    ----------
    drafts : iterable of Entry
        Entries in the order in which they are to stand.
    last : Entry or None
        The newest entry on record; None at the start of the ledger.

    Returns
    -------
    sealed : list of Entry
        The same entries with `sequence`, `previous_hash` and `entry_hash`.
    """
    sequence = last.sequence if last else 0
    previous_hash = last.entry_hash if last else CHAIN_START
    sealed: list[Entry] = []
    for draft in drafts:
        sequence += 1
        at = draft.recorded_at.astimezone(UTC)
        placed = replace(
            draft,
            # To the millisecond before it is hashed: what is stored must give the same bytes.
            recorded_at=at.replace(microsecond=at.microsecond // 1000 * 1000),
            sequence=sequence,
            previous_hash=previous_hash,
            entry_hash="",
        )
        previous_hash = hashlib.sha256(canonical_bytes(placed)).hexdigest()
        sealed.append(replace(placed, entry_hash=previous_hash))
    return sealed


def is_same_posting(draft: Entry, recorded: Entry) -> bool:
    """Whether a draft says the same as an entry on record, its time and place aside.

    Decides whether a posting that is sent again is a harmless repetition.
    """
    return _substance(draft) == _substance(recorded)


def _substance(entry: Entry) -> Mapping[str, Any]:
    ignored = {"recorded_at", "sequence", "previous_hash", "entry_hash"}
    return {name: held for name, held in entry.as_dict().items() if name not in ignored}
