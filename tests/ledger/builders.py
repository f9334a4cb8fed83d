"""What tests of the ledger are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from fleet_carbon.ledger.balances import Piece, Standing
from fleet_carbon.ledger.entries import Entry, figure_parts
from fleet_carbon.ledger.posting import MonthPosting, Stock, needed, post_month
from fleet_carbon.ledger.sharing import PARTIES, SharingRule
from tests.ledger.reckoning import pieces_of, standings_of

AT = datetime(2026, 2, 2, 3, 4, 5, 678_999, tzinfo=UTC)
EDITION = "cn-freight 2026.1"
Figures = Mapping[tuple[str, str], int]


def rule_of(*shares: str) -> SharingRule:
    """A rule of sharing; the shares are those of driver, fleet, platform and buffer."""
    return SharingRule(
        name="rule",
        valid_from=date(2020, 1, 1),
        recorded_on=date(2020, 1, 1),
        status="assumed",
        source="S",
        text="For tests.",
        shares=dict(zip(PARTIES, map(Decimal, shares), strict=True)),
    )


RULE = rule_of("0.70", "0.10", "0.10", "0.10")


def entry_of(**changed: Any) -> Entry:
    """An entry that issues 900 serials to a driver, but for what is changed."""
    fields: dict[str, Any] = {
        "entry_id": "t1/1",
        "transaction_id": "t1",
        "book": "carbon",
        "unit": "g",
        "month": "2026-01",
        "edition": EDITION,
        "debit_account": "held:driver/D1/V1",
        "credit_account": "issued",
        "amount": 900,
        "serial_from": 0,
        "serial_until": 900,
        "reason_code": "month_closed",
        "recorded_at": AT,
    }
    return Entry(**{**fields, **changed})


def moves_of(transaction_id: str, *moves: tuple[str, str, int, int]) -> list[Entry]:
    """An act of moves: who gives, who takes, first serial, end."""
    return [
        entry_of(
            entry_id=f"{transaction_id}/{number}",
            transaction_id=transaction_id,
            credit_account=gives,
            debit_account=takes,
            amount=until - begin,
            serial_from=begin,
            serial_until=until,
            reason_code="moved",
        )
        for number, (gives, takes, begin, until) in enumerate(moves, start=1)
    ]


def told_of(entries: Sequence[Entry], month: str = "2026-01") -> dict[tuple[str, str], Standing]:
    """What entries say of the figures of a month."""
    named = {figure_parts(name): one for name, one in standings_of(entries).items()}
    return {parts[1:]: standing for parts, standing in named.items() if parts[0] == month}


def post(
    entries: Sequence[Entry],
    figures: Figures,
    *,
    run_id: str = "r1",
    month: str = "2026-01",
    rule: SharingRule = RULE,
) -> list[Entry]:
    """The entries of a close after those on record, from these alone."""
    standings, pieces = told_of(entries, month), pieces_of(entries)
    posting = MonthPosting(
        month=month,
        edition=EDITION,
        run_id=run_id,
        recorded_at=AT,
        evidence={"accounts": "d" * 64},
        rule=rule,
        issued_g=max((one.serials[1] for one in pieces if one.block.month == month), default=0),
    )
    amounts_g = needed(figures, standings, rule)
    stock = Stock(
        piece for piece in pieces if _is_at_hand(piece, month) and piece.account in amounts_g
    )
    return list(post_month(figures, standings, posting, stock=stock))


def _is_at_hand(piece: Piece, month: str) -> bool:
    return piece.block.month == month or (piece.account == "buffer" and piece.block.month < month)
