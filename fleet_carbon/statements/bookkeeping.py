"""The ledger as text for people: acts, entries, balances, a driver's settlement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet_carbon.ledger.entries import GRAM
from fleet_carbon.ledger.proceeds import money_text
from fleet_carbon.statements.layout import columns, headed

_OUTCOMES = {
    "posted": "posted",
    "dry_run": "dry run, nothing was posted",
    "on_record_already": "is on record already, nothing was posted",
}


def act_lines(transaction_id: str, outcome: str, entries_count: int) -> list[str]:
    """What became of an act, in a line."""
    counted = "" if outcome == "on_record_already" else f" ({entries_count:,} entries)"
    return [f"{transaction_id}: {_OUTCOMES[outcome]}{counted}"]


def fact_lines(facts: dict[str, Any]) -> list[str]:
    """What an act was about: its plain facts, those that say something."""
    rows = [
        [name, f"{held:,}" if type(held) is int else str(held)]
        for name, held in facts.items()
        if type(held) in (int, str) and held != ""
    ]
    return columns(rows, "ll")


def entry_lines(entries: Sequence[dict[str, Any]]) -> list[str]:
    """Entries one under the other: place, day, month, from whom to whom, amount, serials, why."""
    if not entries:
        return ["No entries."]
    rows = [["no.", "recorded", "month", "from", "to", "amount", "serials", "why"]]
    rows += [
        [
            str(one["sequence"] or ""),
            one["recorded_at"][:10],
            one["month"],
            one["credit_account"],
            one["debit_account"],
            amount_text(one["amount"], one["unit"]),
            "" if one["serial_from"] is None else f"{one['serial_from']}-{one['serial_until']}",
            one["reason_code"],
        ]
        for one in entries
    ]
    return columns(rows, "rllllrll")


def balance_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Accounts with what stands in them, by book."""
    if not rows:
        return ["No account has a balance."]
    shown = [["book", "account", "balance"]]
    shown += [
        [one["book"], one["account"], amount_text(one["amount"], one["unit"])] for one in rows
    ]
    return columns(shown, "llr")


def settlement_lines(lines: Sequence[dict[str, Any]]) -> list[str]:
    """What became of a driver's serials, lot by lot."""
    text: list[str] = []
    for one in lines:
        text.append(
            f"  lot {one['lot_id']}, {one.get('state', '')}: {one['amount_g']:,} g for "
            f"{one.get('buyer', '')}, earned {one.get('amount_text', '')}"
        )
        text += [f"    {serials}" for serials in one.get("serials", [])]
    return headed("Settlement", text)


def amount_text(amount: int, unit: str) -> str:
    """Grams or money, exact.

    Examples
    --------
    >>> amount_text(1500, "g"), amount_text(1500, "CNY")
    ('1,500 g', '15.00 CNY')
    """
    return f"{amount:,} g" if unit == GRAM else money_text(amount, unit)
