"""The ledger as text for people: acts, entries, balances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet_carbon.ledger.entries import GRAM
from fleet_carbon.ledger.proceeds import money_text
from fleet_carbon.statements.layout import columns

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
    rows = [["no.", "day (UTC)", "month", "from", "to", "amount", "serials", "why"]]
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


def obligation_lines(report: dict[str, Any]) -> list[str]:
    """What the operator owes, figure by figure, and what to do about it."""
    if not report["obligations"]:
        return ["The operator owes nothing."]
    shown = [["month", "driver", "truck", "owed"]]
    shown += [
        [one["month"], one["driver_id"], one["vehicle_id"], f"{one['owed_g']:,} g"]
        for one in report["obligations"]
    ]
    return [*columns(shown, "lllr"), "", *owed_notice(report["owed_g"], report["buffer_g"])]


def owed_notice(owed_g: int, buffer_g: int) -> list[str]:
    """That something is owed, and how it is met; nothing if nothing is."""
    if not owed_g:
        return []
    how = "`ledger meet` cancels them for it" if buffer_g else "hand units in with `ledger refill`"
    return [
        f"The operator owes {owed_g:,} g for figures that fell after they were sold; the buffer "
        f"has {buffer_g:,} g: {how}."
    ]


def met_notice(met_g: int, owed_g: int) -> str:
    """What was met of what is owed."""
    return f"{met_g:,} g of {owed_g:,} g owed are met, {owed_g - met_g:,} g stay open"


def holder_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Serials with the account that holds them now."""
    shown = [["serials", "held by", "amount"]]
    shown += [[one["serials"], one["account"], f"{one['amount_g']:,} g"] for one in rows]
    return columns(shown, "llr")


def balance_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Accounts with what stands in them, by book."""
    if not rows:
        return ["No account has a balance."]
    shown = [["book", "account", "balance"]]
    shown += [
        [one["book"], one["account"], amount_text(one["amount"], one["unit"])] for one in rows
    ]
    return columns(shown, "llr")


def amount_text(amount: int, unit: str) -> str:
    """Grams or money, exact.

    Examples
    --------
    >>> amount_text(1500, "g"), amount_text(1500, "CNY")
    ('1,500 g', '15.00 CNY')
    """
    return f"{amount:,} g" if unit == GRAM else money_text(amount, unit)
