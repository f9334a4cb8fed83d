"""What one ledger entry is: its fields, its canonical bytes, its place in the hash chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.serials import Block, SerialRange, checked

CARBON, CASH, OWED = "carbon", "cash", "owed"
BOOKS = (CARBON, CASH, OWED)
GRAM = "g"
CHAIN_START = "0" * 64
AMOUNT_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of an amount between two accounts of one book.

    The debit side receives, the credit side gives; a balance is debits minus credits, so that
    the balances of all accounts of a book add up to zero. In the carbon book an entry moves the
    very serials it names: one contiguous range of one block.

    Attributes
    ----------
    entry_id : str
        ``transaction_id/number``, from 1 in the order of the transaction: see `entry_id`. The
        same identifier is never recorded twice.
    transaction_id : str
        The act, named by who sends it; its entries are recorded together or not at all.
    book : str
        ``carbon``; ``cash``; or ``owed``, grams that the operator owes to the buffer.
    unit : str
        ``g``, or the currency, ISO 4217; money is in its minor units.
    month : str
        Vintage of the serials, or period of the money, YYYY-MM.
    edition : str
        Label of the methodology edition; empty in the cash book.
    debit_account, credit_account : str
        Accounts that receive and give; never the same one.
    amount : int
        At least 1, in `unit`; of serials, how many.
    serial_from, serial_until : int or None
        Half-open range of the block (`edition`, `month`); None outside the carbon book.
    reason_code : str
        Why, from a closed list of the poster.
    recorded_at : datetime
        Moment of recording, aware; kept to the millisecond, UTC.
    note : str
        A sentence for people.
    figure : str
        Published figure that the entry makes up or corrects, see `figure_name`; empty if none.
    previous_figure_g : int or None
        What that figure was before; None if there was none. [g]
    evidence : dict of str to str
        Digests of what the act rests on, by name.
    sequence : int
        Place in the chain, from 1; 0 until the entry is sealed.
    previous_hash, entry_hash : str
        Chain of SHA-256 in hexadecimal; empty until the entry is sealed.
    """

    entry_id: str
    transaction_id: str
    book: str
    unit: str
    month: str
    edition: str
    debit_account: str
    credit_account: str
    amount: int
    serial_from: int | None
    serial_until: int | None
    reason_code: str
    recorded_at: datetime
    note: str = ""
    figure: str = ""
    previous_figure_g: int | None = None
    evidence: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    previous_hash: str = ""
    entry_hash: str = ""

    def __post_init__(self) -> None:
        fault = _fault_of(self)
        if fault:
            raise LedgerBroken(
                "entry_malformed",
                f"Entry {self.entry_id!r} cannot be recorded: {fault}.",
                "Nothing was posted. This is a fault of the posting step, report it with this "
                "message.",
            )

    @property
    def block(self) -> Block:
        """The block whose serials are moved; of the carbon book only."""
        return Block(self.month, self.edition)

    @property
    def serials(self) -> SerialRange | None:
        """The serials that are moved; None outside the carbon book."""
        if self.serial_from is None or self.serial_until is None:
            return None
        return SerialRange(self.serial_from, self.serial_until)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: every field, the moment as text."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        at = moment_text(self.recorded_at)
        return {**fields, "evidence": dict(self.evidence), "recorded_at": at}


def _fault_of(entry: Entry) -> str:
    """What is wrong with an entry, in half a sentence; empty if nothing is."""
    for name, held in (("amount", entry.amount), ("previous_figure_g", entry.previous_figure_g)):
        if type(held) is not int and (held is not None or name == "amount"):
            # A bool is an int to isinstance, and no mass.
            return f"{name} is {held!r}, expected a whole number"
    if not 1 <= entry.amount <= AMOUNT_MAX:
        return f"amount is {entry.amount}, expected 1 or more"
    if not entry.transaction_id or not entry.entry_id.startswith(f"{entry.transaction_id}/"):
        return f"entry_id does not begin with its transaction {entry.transaction_id!r}"
    if entry.debit_account == entry.credit_account:
        return f"both sides are {entry.debit_account!r}"
    if entry.recorded_at.tzinfo is None:
        return "recorded_at has no time zone"
    return _fault_of_carbon(entry) if entry.book == CARBON else _fault_of_other(entry)


def _fault_of_carbon(entry: Entry) -> str:
    for account in (entry.debit_account, entry.credit_account):
        accounts.class_of(account)
    if entry.debit_account == accounts.ISSUED:
        return "what was issued is never taken back, it is cancelled"
    if entry.unit != GRAM or not entry.month or not entry.edition:
        return "serials need the unit g, a month and an edition"
    if entry.serial_from is None or entry.serial_until is None:
        return "it moves no serials"
    if checked(entry.serial_from, entry.serial_until).amount_g != entry.amount:
        return f"it moves {entry.amount} g and {entry.serial_until - entry.serial_from} serials"
    return ""


def _fault_of_other(entry: Entry) -> str:
    if entry.book not in BOOKS:
        return f"there is no book {entry.book!r}"
    if entry.serial_from is not None or entry.serial_until is not None:
        return f"the book {entry.book} moves no serials"
    belongs = accounts.is_cash if entry.book == CASH else accounts.is_owed
    for account in (entry.debit_account, entry.credit_account):
        if not belongs(account):
            return f"{account!r} is no account of the book {entry.book}"
    if (entry.unit == GRAM) != (entry.book == OWED) or not entry.unit:
        return f"the book {entry.book} is not kept in {entry.unit!r}"
    return ""


def entry_id(transaction_id: str, number: int) -> str:
    """Identifier of an entry: the act it belongs to, and its number there, from 1.

    Examples
    --------
    >>> entry_id("lot-7/settle", 2)
    'lot-7/settle/2'
    """
    return f"{transaction_id}/{number}"


def figure_name(month: str, driver_id: str, vehicle_id: str) -> str:
    """Name of the figure credited for a month, driver and truck.

    Examples
    --------
    >>> figure_name("2026-01", "D/1", "V1")
    '2026-01/D%2F1/V1'
    """
    return f"{month}/{accounts.escaped(driver_id)}/{accounts.escaped(vehicle_id)}"


def figure_parts(figure: str) -> tuple[str, str, str]:
    """Month, driver and truck of a name that `figure_name` gave."""
    month, driver, vehicle = figure.split("/")
    return month, accounts.unescaped(driver), accounts.unescaped(vehicle)


@lru_cache(maxsize=64)
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


def canonical_bytes(entry: Entry) -> bytes:
    """The bytes that are hashed: JSON, keys sorted, no spaces, UTF-8, without `entry_hash`.

    The same as `json.dumps` of the fields would give, written out because a close of a large
    fleet hashes millions of them.
    """
    text = encode_basestring
    previous_g = "null" if entry.previous_figure_g is None else entry.previous_figure_g
    serial_from = "null" if entry.serial_from is None else entry.serial_from
    serial_until = "null" if entry.serial_until is None else entry.serial_until
    return (
        f'{{"amount":{entry.amount},"book":{text(entry.book)},'
        f'"credit_account":{text(entry.credit_account)},'
        f'"debit_account":{text(entry.debit_account)},"edition":{text(entry.edition)},'
        f'"entry_id":{text(entry.entry_id)},"evidence":{json_text(entry.evidence)},'
        f'"figure":{text(entry.figure)},"month":{text(entry.month)},"note":{text(entry.note)},'
        f'"previous_figure_g":{previous_g},"previous_hash":{text(entry.previous_hash)},'
        f'"reason_code":{text(entry.reason_code)},'
        f'"recorded_at":"{moment_text(entry.recorded_at)}","sequence":{entry.sequence},'
        f'"serial_from":{serial_from},"serial_until":{serial_until},'
        f'"transaction_id":{text(entry.transaction_id)},"unit":{text(entry.unit)}}}'
    ).encode()


def json_text(fields: Mapping[str, str]) -> str:
    """Texts by name as JSON: keys sorted, no spaces."""
    return _json_of(tuple(fields.items()))


@lru_cache(maxsize=64)
def _json_of(fields: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class ChainHead:
    """The newest place of a chain: what the next entry follows.

    Attributes
    ----------
    sequence : int
        Of the newest entry; 0 at the start of a ledger.
    entry_hash : str
        Its hash.
    """

    sequence: int = 0
    entry_hash: str = CHAIN_START


def seal_entries(drafts: Iterable[Entry], *, after: ChainHead) -> Iterator[Entry]:
    """Give drafts their place in the chain, one after the other.

    Parameters
    ----------
    drafts : iterable of Entry
        Entries in the order in which they are to stand.
    after : ChainHead
        The newest entry on record.

    Yields
    ------
    Entry
        The same entries with `sequence`, `previous_hash` and `entry_hash`.
    """
    sequence, previous_hash = after.sequence, after.entry_hash
    given_at = at = None
    for draft in drafts:
        sequence += 1
        if draft.recorded_at is not given_at:
            given_at = draft.recorded_at
            # To the millisecond before it is hashed: what is stored must give the same bytes.
            at = given_at.astimezone(UTC)
            at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        placed = _copied(draft, recorded_at=at, sequence=sequence, previous_hash=previous_hash)
        previous_hash = hashlib.sha256(canonical_bytes(placed)).hexdigest()
        object.__setattr__(placed, "entry_hash", previous_hash)  # nobody else has seen it yet
        yield placed


_setters = tuple(getattr(Entry, name).__set__ for name in Entry.__slots__)
_values_of = attrgetter(*Entry.__slots__)


def _copied(draft: Entry, **changed: Any) -> Entry:
    """A copy that is not checked again: `replace` would take half the time of a close."""
    copy: Entry = object.__new__(Entry)
    for put, held in zip(_setters, _values_of(draft), strict=True):
        put(copy, held)
    for name, held in changed.items():
        object.__setattr__(copy, name, held)
    return copy


def is_same_posting(draft: Entry, recorded: Entry) -> bool:
    """Whether a draft says the same as an entry on record, its time and place aside.

    Decides whether a posting that is sent again is a harmless repetition.
    """
    return _substance(draft) == _substance(recorded)


_substance = attrgetter(
    *sorted(set(Entry.__slots__) - {"recorded_at", "sequence", "previous_hash", "entry_hash"})
)
