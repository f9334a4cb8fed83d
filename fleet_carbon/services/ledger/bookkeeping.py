"""Read the ledger: balances, and entries with what became of a driver's grams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Sums, total
from fleet_carbon.ledger.entries import CARBON, GRAM, OWED, Entry
from fleet_carbon.services.ledger.settling import DriverLedger, driver_entries, read_driver_ledger
from fleet_carbon.settings import Settings
from fleet_carbon.statements import bookkeeping
from fleet_carbon.statements.settling import settlement_lines
from fleet_carbon.statements.wording import ENGLISH, Words
from fleet_carbon.storage.unit_of_work import open_storage

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
    owed_g : int
        What the operator owes. [g]
    """

    sums: Sums
    rows: list[dict[str, Any]]
    owed_g: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "ledger_sums": self.sums.line(),
            "holds": self.sums.holds,
            "obligations_open_g": self.owed_g,
            "balances": self.rows,
        }

    def lines(self) -> list[str]:
        """Text for people."""
        return [
            *bookkeeping.balance_lines(self.rows),
            "",
            self.sums.line(),
            *bookkeeping.owed_notice(self.owed_g, self.sums.buffer_g),
        ]


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
    owed_g = -found.get((OWED, GRAM, accounts.OWED_BY_OPERATOR), 0)
    return Balances(_sums(found), rows, owed_g)


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
    sums_line : str
        Where every gram is.
    ledger : DriverLedger or None
        Of a driver: what became of the grams.
    language : str
        In which that is told.
    """

    entries: list[Entry]
    is_cut: bool
    sums_line: str
    ledger: DriverLedger | None = None
    language: str = ENGLISH

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        told = {} if self.ledger is None else self.ledger.as_dict()
        return {
            "entries": [one.as_dict() for one in self.entries],
            "is_cut": self.is_cut,
            "next_after": self.entries[-1].sequence if self.is_cut else None,
            **({"driver": told} if told else {}),
            "ledger_sums": self.sums_line,
        }

    def lines(self) -> list[str]:
        """Text for people."""
        lines = bookkeeping.entry_lines([one.as_dict() for one in self.entries])
        if self.is_cut:
            lines.append(f"There are more: --after {self.entries[-1].sequence} goes on.")
        if self.ledger is not None:
            lines += ["", *settlement_lines(self.ledger.as_dict(), Words(self.language))]
        return [*lines, "", self.sums_line]


def list_entries(
    settings: Settings,
    *,
    month: str | None = None,
    account: str | None = None,
    driver_id: str | None = None,
    after: int = 0,
    limit_count: int = 100,
    language: str = ENGLISH,
) -> Listing:
    """The entries in their order, the first of them.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    month, account, driver_id : str, optional
        Only of this vintage or period, only of this account, only of this driver in both books.
    after : int
        Number of the entry after which to begin.
    limit_count : int
        At most so many.
    language : str
        ``en`` or ``zh``: in which it is told what became of a driver's grams.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        ledger = None
        if driver_id is None:
            found: Iterator[Entry] = work.ledger.entries(month, account=account, after=after)
        else:
            of_driver = driver_entries(work, driver_id, after=after)
            found = (one for one in of_driver if _fits(one, month, account))
            ledger = read_driver_ledger(storage, work, driver_id, month=month)
        first = list(islice(found, limit_count + 1))
        sums_line = total(work.ledger.holdings.sums()).line()
    return Listing(first[:limit_count], len(first) > limit_count, sums_line, ledger, language)


def _fits(entry: Entry, month: str | None, account: str | None) -> bool:
    return month in (None, entry.month) and account in (
        None,
        entry.debit_account,
        entry.credit_account,
    )


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
