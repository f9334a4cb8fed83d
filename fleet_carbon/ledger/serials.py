"""Serial numbers: which grams of a block are meant. Half-open ranges, whole numbers, one a gram.

A block is one vintage month under one edition of one fleet. Its serials are numbered from 0 in
the order of issue, for ever; a gram that is cancelled keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from fleet_carbon.errors import InputRefused, LedgerBroken

SERIAL_MAX = 2**63 - 1
_WRITTEN = re.compile(
    r"((?P<fleet>[^/]+)/(?P<edition>[^/]+)/)?(?P<month>\d{4}-\d{2})/(?P<begin>\d+)(-(?P<until>\d+))?"
)


@dataclass(frozen=True, order=True, slots=True)
class Block:
    """What serials are numbered within; the fleet is that of the ledger.

    Attributes
    ----------
    month : str
        Vintage, YYYY-MM.
    edition : str
        Label of the methodology edition.
    """

    month: str
    edition: str


class SerialRange(NamedTuple):
    """Serials from `serial_from` up to and without `serial_until`; ranges sort by their start.

    Check one of unknown origin with `checked`.
    """

    serial_from: int
    serial_until: int

    @property
    def amount_g(self) -> int:
        """How many serials, one a gram. [g]"""
        return self.serial_until - self.serial_from


@dataclass(frozen=True)
class Taken:
    """What was taken of some ranges.

    Attributes
    ----------
    taken : tuple of SerialRange
        In order of serial, as they lay: no range crosses one that was given.
    left : tuple of SerialRange
        The rest, in order of serial.
    missing_g : int
        What the ranges did not suffice for. [g]
    """

    taken: tuple[SerialRange, ...]
    left: tuple[SerialRange, ...]
    missing_g: int


def checked(serial_from: int, serial_until: int) -> SerialRange:
    """A range that is one: whole numbers, from 0, at least one serial.

    Raises
    ------
    LedgerBroken
        If it is none.
    """
    if type(serial_from) is not int or type(serial_until) is not int:
        raise _refused(f"{serial_from!r} to {serial_until!r} are no whole numbers")
    if not 0 <= serial_from < serial_until <= SERIAL_MAX:
        raise _refused(f"{serial_from} to {serial_until} is no range of serials")
    return SerialRange(serial_from, serial_until)


def allocate(serial_from: int, amounts_g: Iterable[int]) -> list[SerialRange | None]:
    """Number amounts one after the other.

    Parameters
    ----------
    serial_from : int
        First serial that is free: the end of the block.
    amounts_g : iterable of int
        Amounts, 0 or more. [g]

    Returns
    -------
    ranges : list of SerialRange or None
        One for each amount, in their order, adjacent; None for an amount of 0.

    Examples
    --------
    >>> allocate(100, [7, 0, 3])
    [SerialRange(serial_from=100, serial_until=107), None, SerialRange(serial_from=107, \
serial_until=110)]
    """
    ranges: list[SerialRange | None] = []
    for amount_g in amounts_g:
        serial_until = serial_from + _whole(amount_g)
        ranges.append(checked(serial_from, serial_until) if amount_g else None)
        serial_from = serial_until
    return ranges


def take_earliest(ranges: Iterable[SerialRange], amount_g: int) -> Taken:
    """Take an amount from the beginning: the serials issued first go first.

    Parameters
    ----------
    ranges : iterable of SerialRange
        Of one block, disjoint, in any order.
    amount_g : int
        How much is wanted, 0 or more. [g]

    Examples
    --------
    >>> take_earliest([SerialRange(0, 10), SerialRange(20, 25)], 12).taken
    (SerialRange(serial_from=0, serial_until=10), SerialRange(serial_from=20, serial_until=22))
    """
    wanted_g = _whole(amount_g)
    taken: list[SerialRange] = []
    left: list[SerialRange] = []
    for one in in_order(ranges):
        cut = min(one.serial_until, one.serial_from + wanted_g)
        taken += _unless_empty(one.serial_from, cut)
        left += _unless_empty(cut, one.serial_until)
        wanted_g -= cut - one.serial_from
    return Taken(tuple(taken), tuple(left), wanted_g)


def merge(ranges: Iterable[SerialRange]) -> list[SerialRange]:
    """Write the same serials with as few ranges as can be, in order.

    Examples
    --------
    >>> merge([SerialRange(5, 9), SerialRange(0, 5), SerialRange(10, 12)])
    [SerialRange(serial_from=0, serial_until=9), SerialRange(serial_from=10, serial_until=12)]
    """
    merged: list[SerialRange] = []
    for one in in_order(ranges):
        if merged and merged[-1].serial_until == one.serial_from:
            merged[-1] = SerialRange(merged[-1].serial_from, one.serial_until)
        else:
            merged.append(one)
    return merged


def in_order(ranges: Iterable[SerialRange]) -> list[SerialRange]:
    """The ranges by their start.

    Raises
    ------
    LedgerBroken
        If two of them have a serial in common.
    """
    ordered = sorted(ranges)
    for before, after in pairwise(ordered):
        if after.serial_from < before.serial_until:
            raise _refused(f"{tuple(before)} and {tuple(after)} have serials in common")
    return ordered


def serial_text(fleet_id: str, block: Block, one: SerialRange) -> str:
    """The serials in full, as they stand on certificates and lists.

    Examples
    --------
    >>> serial_text("default", Block("2026-01", "cn-freight 2026.1"), SerialRange(0, 900))
    'default/cn-freight 2026.1/2026-01/0-900'
    """
    return f"{fleet_id}/{block.edition}/{block.month}/{one.serial_from}-{one.serial_until}"


class NamedSerials(NamedTuple):
    """Serials as somebody wrote them; fleet and edition are empty where they were left out."""

    fleet_id: str
    edition: str
    month: str
    serials: SerialRange


def read_serials(text: str) -> NamedSerials:
    """Serials as they stand on certificates and lists, or short: ``2026-01/17``.

    Raises
    ------
    InputRefused
        If it is not so written.

    Examples
    --------
    >>> read_serials("default/cn-freight 2026.1/2026-01/0-900").serials.amount_g
    900
    >>> read_serials("2026-01/17").serials
    SerialRange(serial_from=17, serial_until=18)
    """
    found = _WRITTEN.fullmatch(text.strip())
    begin = int(found["begin"]) if found else 0
    until = int(found["until"] or begin + 1) if found else 0
    if found is None or not begin < until <= SERIAL_MAX:
        raise InputRefused(
            "serial_malformed",
            f"{text!r} is no serial.",
            "Write it as on a certificate, FLEET/EDITION/MONTH/FROM-UNTIL, or as MONTH/NUMBER.",
        )
    return NamedSerials(
        found["fleet"] or "", found["edition"] or "", found["month"], SerialRange(begin, until)
    )


def _unless_empty(serial_from: int, serial_until: int) -> list[SerialRange]:
    return [SerialRange(serial_from, serial_until)] if serial_from < serial_until else []


def _whole(amount_g: int) -> int:
    if type(amount_g) is not int or amount_g < 0:
        raise _refused(f"{amount_g!r} is no amount, expected whole grams, 0 or more")
    return amount_g


def _refused(why: str) -> LedgerBroken:
    return LedgerBroken(
        "serials_malformed",
        f"Serials cannot be used: {why}.",
        "Nothing was posted. This is a fault of the posting step, report it with this message.",
    )
