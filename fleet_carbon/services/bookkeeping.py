"""Read the ledger: balances, entries, and a driver's settlement lines with serials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from heapq import merge
from itertools import islice
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Sums, total
from fleet_carbon.ledger.entries import CARBON, Entry
from fleet_carbon.ledger.proceeds import money_text
from fleet_carbon.ledger.serials import serial_text
from fleet_carbon.services.selling import lot_state
from fleet_carbon.settings import Settings
from fleet_carbon.statements import bookkeeping
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_G_PER_T = 1_000_000


@dataclass(frozen=True)
class Balances:
    """Balances of accounts.

    Attributes
    ----------
    sums : Sums
        Where every gram is, of these months as known then. [g]
    rows : list of dict
        `book`, `unit`, `account` and `amount`, in this order.
    """

    sums: Sums
    rows: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "ledger_sums": self.sums.line(),
            "holds": self.sums.holds,
            "balances": self.rows,
        }

    def lines(self) -> list[str]:
        """Text for people."""
        return [*bookkeeping.balance_lines(self.rows), "", self.sums.line()]


def read_balances(
    settings: Settings,
    *,
    until_month: str | None = None,
    known_at: str | None = None,
    prefix: str | None = None,
) -> Balances:
    """Balances as of a month and as known at a moment.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    until_month : str, optional
        Vintages and periods up to this month only.
    known_at : str, optional
        Only what was recorded until then: ISO 8601 with offset.
    prefix : str, optional
        Only accounts whose names begin so; the sums are of all.
    """
    moment = None if known_at is None else _moment(known_at)
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        found = work.ledger.balances(until_month=until_month, known_at=moment)
    rows = [
        {"book": book, "unit": unit, "account": account, "amount": amount}
        for (book, unit, account), amount in found.items()
        if amount and (prefix is None or account.startswith(prefix))
    ]
    return Balances(_sums(found), rows)


def _sums(found: dict[tuple[str, str, str], int]) -> Sums:
    amounts_g = dict.fromkeys((accounts.ISSUED, *accounts.CLASSES), 0)
    for (book, _, account), amount in found.items():
        if book == CARBON:
            name = accounts.class_of(account)
            amounts_g[name] += -amount if name == accounts.ISSUED else amount
    return Sums(**{f"{name}_g": amount_g for name, amount_g in amounts_g.items()})


@dataclass(frozen=True)
class Listing:
    """Entries in their order, and of a driver what became of the serials.

    Attributes
    ----------
    entries : list of Entry
        The entries that were asked for.
    is_cut : bool
        Whether there are more than were asked for.
    settlement : list of dict
        Of a driver: one line for each lot.
    sums_line : str
        Where every gram is.
    """

    entries: list[Entry]
    is_cut: bool
    sums_line: str
    settlement: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "entries": [one.as_dict() for one in self.entries],
            "is_cut": self.is_cut,
            "settlement": self.settlement,
            "ledger_sums": self.sums_line,
        }

    def lines(self) -> list[str]:
        """Text for people."""
        lines = bookkeeping.entry_lines([one.as_dict() for one in self.entries])
        if self.is_cut:
            lines.append("There are more: --limit shows them.")
        if self.settlement:
            lines += ["", *bookkeeping.settlement_lines(self.settlement)]
        return [*lines, "", self.sums_line]


def list_entries(
    settings: Settings,
    *,
    month: str | None = None,
    account: str | None = None,
    driver_id: str | None = None,
    limit_count: int = 100,
) -> Listing:
    """The entries in their order, the first of them.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    month, account, driver_id : str, optional
        Only of this vintage or period, only of this account, only of this driver in both books.
    limit_count : int
        At most so many.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        if driver_id is None:
            found: Iterator[Entry] = work.ledger.entries(month, account=account)
        else:
            of_driver = driver_entries(work, driver_id)
            found = (one for one in of_driver if _fits(one, month, account))
        first = list(islice(found, limit_count + 1))
        lines = [] if driver_id is None else driver_settlement(work, driver_id, storage.fleet_id)
        sums_line = total(work.ledger.holdings.sums()).line()
    return Listing(first[:limit_count], len(first) > limit_count, sums_line, lines)


def _fits(entry: Entry, month: str | None, account: str | None) -> bool:
    return month in (None, entry.month) and account in (
        None,
        entry.debit_account,
        entry.credit_account,
    )


def driver_entries(work: UnitOfWork, driver_id: str) -> Iterator[Entry]:
    """The entries by which a driver's grams and money move, in order, of all trucks."""
    name = accounts.escaped(driver_id)
    books = ("held:driver/", "cash:driver/", "cash:voucher/")
    return merge(
        *(work.ledger.entries(below=f"{book}{name}/") for book in books),
        key=lambda entry: entry.sequence,
    )


def driver_settlement(work: UnitOfWork, driver_id: str, fleet_id: str) -> list[dict[str, Any]]:
    """What stands on a driver's statement of each lot with serials of the driver's.

    Returns
    -------
    lines : list of dict
        In order of reserving: `lot_id`, `state`, `buyer`, `amount_g`, `serials`, what was earned
        (`amount` in minor units of `currency`, `amount_text`). [g]
    """
    lines: dict[str, dict[str, Any]] = {}
    for entry in driver_entries(work, driver_id):
        kind, _, rest = entry.transaction_id.partition("/")
        lot_id, _, step = rest.partition("/")
        if kind == "lot" and step in ("reserve", "settle"):
            line = lines.setdefault(lot_id, {"lot_id": lot_id, "amount_g": 0, "amount": 0})
            _count(line, entry, fleet_id)
    for lot_id, line in lines.items():
        lot = work.lots.get(lot_id)
        if lot is not None:
            currency = lot.facts["currency"]
            line["state"], line["buyer"] = lot_state(work, lot_id), lot.facts["buyer"]
            line["currency"], line["amount_text"] = currency, money_text(line["amount"], currency)
    return list(lines.values())


def _count(line: dict[str, Any], entry: Entry, fleet_id: str) -> None:
    if entry.serials is None:
        line["amount"] += entry.amount
    elif entry.reason_code == acts.LOT_RESERVED:
        line["amount_g"] += entry.amount
        serials = serial_text(fleet_id, entry.block, entry.serials)
        line.setdefault("serials", []).append(serials)


def _moment(text: str) -> datetime:
    moment: datetime | None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputRefused(
            "moment_malformed",
            f"{text!r} is no moment.",
            "Write it with its offset, for example 2026-02-01T00:00:00+08:00.",
        )
    return moment


def amount_of(tonnes: str | None, amount_g: int | None) -> int:
    """The mass that a user gave, in one of two ways. [g]

    Raises
    ------
    InputRefused
        If both or none are given, or it is no whole number of grams above zero.
    """
    if (tonnes is None) == (amount_g is None):
        raise InputRefused(
            "amount_malformed", "No one amount is given.", "Give --tonnes or --grams."
        )
    amount = Decimal(amount_g or 0) if tonnes is None else _tonnes(tonnes)
    if not amount.is_finite() or amount <= 0 or amount != amount.to_integral_value():
        raise InputRefused(
            "amount_malformed",
            f"{tonnes or amount_g} is no amount.",
            "Give a number above zero, no finer than a gram: --tonnes 1.5 or --grams 1500000.",
        )
    return int(amount)


def _tonnes(text: str) -> Decimal:
    try:
        return Decimal(text.strip()) * _G_PER_T
    except InvalidOperation:
        return Decimal("NaN")
