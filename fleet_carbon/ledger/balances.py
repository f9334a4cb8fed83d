"""What each account holds, by adding up entries."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_carbon.ledger.entries import Entry, holder_of


def balances_g(entries: Iterable[Entry]) -> dict[str, int]:
    """Balance of every account named by the entries: debits minus credits.

    Returns
    -------
    balances : dict of str to int
        By account, in order of name; the sum over all accounts is 0. [g]
    """
    totals: dict[str, int] = {}
    for entry in entries:
        totals[entry.debit_account] = totals.get(entry.debit_account, 0) + entry.amount_g
        totals[entry.credit_account] = totals.get(entry.credit_account, 0) - entry.amount_g
    return dict(sorted(totals.items()))


def held_g(entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    """What the entries leave with each driver and truck.

    Returns
    -------
    held : dict of (driver_id, vehicle_id) to int
        A pair whose entries cancel out stays, with 0: it did have a figure once. [g]
    """
    held: dict[tuple[str, str], int] = {}
    for account, balance_g in balances_g(entries).items():
        holder = holder_of(account)
        if holder is not None:
            held[holder] = balance_g
    return held
