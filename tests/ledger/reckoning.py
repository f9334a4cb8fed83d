"""A second reckoning of what entries come to, one by one: what the database's is held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece, Standing, Sums, effect_g, moved, not_held
from fleet_carbon.ledger.entries import CARBON, OWED, Entry
from fleet_carbon.ledger.serials import Block, SerialRange


def balances(entries: Iterable[Entry]) -> dict[tuple[str, str, str], int]:
    """Balance of every account named by the entries: debits minus credits.

    Returns
    -------
    balances : dict of (book, unit, account) to int
        In this order; the sum over all accounts of a book and unit is 0. [g or minor units]
    """
    totals: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        debit = (entry.book, entry.unit, entry.debit_account)
        credit = (entry.book, entry.unit, entry.credit_account)
        totals[debit] = totals.get(debit, 0) + entry.amount
        totals[credit] = totals.get(credit, 0) - entry.amount
    return dict(sorted(totals.items()))


def sums_of(entries: Iterable[Entry]) -> dict[Block, Sums]:
    """Where every gram is, by block."""
    found: dict[Block, Sums] = {}
    for entry in entries:
        if entry.book == CARBON:
            gives, takes = map(accounts.class_of, (entry.credit_account, entry.debit_account))
            found[entry.block] = found.get(entry.block, Sums()) + moved(
                gives, takes, amount_g=entry.amount
            )
    return dict(sorted(found.items()))


def standings_of(entries: Iterable[Entry]) -> dict[str, Standing]:
    """What the entries say of every figure they name.

    Returns
    -------
    standings : dict of str to Standing
        By name of the figure; one whose entries cancel out stays: it did have a value once.
    """
    found: dict[str, Standing] = {}
    for entry in entries:
        if entry.figure:
            before = found.get(entry.figure, Standing())
            found[entry.figure] = added_to(
                before, entry.debit_account, entry.credit_account, amount_g=entry.amount
            )
    return found


def added_to(
    standing: Standing, debit_account: str, credit_account: str, *, amount_g: int
) -> Standing:
    """A standing with one more movement of its figure."""
    change_g = effect_g(credit_account, amount_g)
    party = _party_of(debit_account if change_g > 0 else credit_account)
    if party == "owed":
        change_g = -change_g
    name = f"{party}_g"
    return replace(standing, **{name: getattr(standing, name) + change_g})


def _party_of(account: str) -> str:
    known = {
        accounts.HELD_BY_FLEET: "fleet",
        accounts.HELD_BY_PLATFORM: "platform",
        accounts.BUFFER: "buffer",
        accounts.OWED_BY_OPERATOR: OWED,
        accounts.OWED_TO_BUFFER: OWED,
    }
    if account in known:
        return known[account]
    if accounts.holder_of(account) is None:
        raise ValueError(f"a figure is given to {account!r}, which is no party to the sharing")
    return "driver"


def pieces_of(entries: Iterable[Entry]) -> list[Piece]:
    """Who holds which serials after the entries, in the order of block and serial.

    A piece reaches from one boundary that an entry ever had to the next, so that what is kept of
    holdings can be compared piece by piece.

    Raises
    ------
    LedgerBroken
        If an entry moves serials that its giving account does not hold.
    """
    kept: dict[Block, dict[SerialRange, str]] = {}
    for entry in entries:
        if entry.serials is not None:
            of_block = kept.setdefault(entry.block, {})
            if entry.credit_account == accounts.ISSUED:
                _issue(of_block, entry)
            else:
                _move(of_block, entry)
    return [
        Piece(account, block, one)
        for block, of_block in sorted(kept.items())
        for one, account in sorted(of_block.items())
    ]


def _issue(of_block: dict[SerialRange, str], entry: Entry) -> None:
    end = max((one.serial_until for one in of_block), default=0)
    if entry.serial_from != end:
        raise not_held(entry.entry_id, f"new serials begin at {end}")
    of_block[SerialRange(end, end + entry.amount)] = entry.debit_account


def _move(of_block: dict[SerialRange, str], entry: Entry) -> None:
    begin, until = int(entry.serial_from or 0), int(entry.serial_until or 0)
    touched = [one for one in of_block if one.serial_from < until and begin < one.serial_until]
    moved_g = 0
    for one in touched:
        account = of_block.pop(one)
        cuts = sorted({*one, *(cut for cut in (begin, until) if one[0] < cut < one[1])})
        for piece in map(SerialRange, cuts, cuts[1:]):
            is_moved = begin <= piece.serial_from and piece.serial_until <= until
            if is_moved and account != entry.credit_account:
                raise not_held(entry.entry_id, f"{account} holds {tuple(piece)}")
            moved_g += piece.amount_g if is_moved else 0
            of_block[piece] = entry.debit_account if is_moved else account
    if moved_g != entry.amount:
        raise not_held(entry.entry_id, "some of them were never issued")


def given_g(entries: Iterable[Entry]) -> dict[str, int]:
    """How much each account gave of serials. [g]"""
    amounts: dict[str, int] = {}
    for entry in entries:
        if entry.book == CARBON:
            amounts[entry.credit_account] = amounts.get(entry.credit_account, 0) + entry.amount
    return dict(sorted(amounts.items()))
