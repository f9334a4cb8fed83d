"""What entries come to: figures, where every gram is, and who holds which serials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.serials import Block, SerialRange

# What gives, when a figure rises: new serials, or an obligation that is no longer one.
_RAISING = (accounts.ISSUED, accounts.OWED_TO_BUFFER)


class Piece(NamedTuple):
    """Serials of one block that stand together in one account."""

    account: str
    block: Block
    serials: SerialRange


@dataclass(frozen=True)
class Standing:
    """What the ledger says of one figure, by who was given it.

    Attributes
    ----------
    driver_g, fleet_g, platform_g : int
        Issued to the party for this figure, less what was cancelled in its account. [g]
    buffer_g : int
        Issued to the buffer, less all that was cancelled in it for this figure; below 0 if the
        buffer bore more than its own part. [g]
    owed_g : int
        What nobody could bear: the open obligation of the operator. [g]
    """

    driver_g: int = 0
    fleet_g: int = 0
    platform_g: int = 0
    buffer_g: int = 0
    owed_g: int = 0

    @property
    def figure_g(self) -> int:
        """The figure: what its entries come to. [g]"""
        return self.driver_g + self.fleet_g + self.platform_g + self.buffer_g - self.owed_g


@dataclass(frozen=True)
class Sums:
    """Where every gram is that was issued. [g]"""

    issued_g: int = 0
    held_g: int = 0
    pending_g: int = 0
    sold_g: int = 0
    retired_g: int = 0
    cancelled_g: int = 0
    buffer_g: int = 0

    @property
    def holds(self) -> bool:
        """Whether what was issued is somewhere, once, and no class is below zero."""
        parts: list[int] = [getattr(self, f"{name}_g") for name in accounts.CLASSES]
        return self.issued_g == sum(parts) and min(parts) >= 0

    def __add__(self, other: Sums) -> Sums:
        """The sums of both together."""
        names = [part.name for part in fields(self)]
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def line(self) -> str:
        """The equation for reports, with its grams.

        Examples
        --------
        >>> Sums(issued_g=1000, held_g=900, buffer_g=100).line()
        'issued 1,000 g = held 900 + pending 0 + sold 0 + retired 0 + cancelled 0 + buffer 100'
        """
        parts = " + ".join(f"{name} {getattr(self, f'{name}_g'):,}" for name in accounts.CLASSES)
        return f"issued {self.issued_g:,} g {'=' if self.holds else '!='} {parts}"


def moved(gives: str, takes: str, *, amount_g: int) -> Sums:
    """What a movement from one class of accounts to another adds to the sums. [g]"""
    # What was issued counts up where every other class that gives counts down.
    given = Sums(**{f"{gives}_g": amount_g if gives == accounts.ISSUED else -amount_g})
    return given + Sums(**{f"{takes}_g": amount_g})


def effect_g(credit_account: str, amount_g: int) -> int:
    """What an entry that names a figure adds to it: below 0 where it corrects downwards. [g]"""
    return amount_g if credit_account in _RAISING else -amount_g


def not_held(entry_id: str, why: str) -> LedgerBroken:
    """The error for an entry whose giving account does not hold the serials it names."""
    return LedgerBroken(
        "serials_not_held",
        f"Entry {entry_id!r} moves serials that its giving account does not hold: {why}.",
        "Nothing was posted. Look at the holdings again, somebody may have moved them meanwhile.",
    )


def total(sums: Mapping[Block, Sums]) -> Sums:
    """The sums of all blocks together."""
    return sum(sums.values(), Sums())
