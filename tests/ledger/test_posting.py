"""Only differences are posted, and the ledger then says what is credited."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.balances import balances_g, held_g
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.posting import post_month

AT = datetime(2026, 2, 2, tzinfo=UTC)
PAIR = ("D1", "V1")
Figures = dict[tuple[str, str], int]


def post(previous: Figures, credited: Figures, run_id: str = "r1", **more: Any) -> list[Entry]:
    return post_month(
        previous, credited, month="2026-01", run_id=run_id, recorded_at=AT, evidence={}, **more
    )


def test_a_first_figure_moves_grams_from_issued_to_the_driver() -> None:
    [entry] = post({}, {PAIR: 900})
    assert (entry.credit_account, entry.debit_account) == ("issued", "held:driver/D1/V1")
    assert (entry.amount_g, entry.reason_code) == (900, "month_closed")
    assert entry.previous_figure_g is None


@pytest.mark.parametrize(
    ("figure_g", "credit", "debit", "amount_g"),
    [(700, "held:driver/D1/V1", "issued", 200), (901, "issued", "held:driver/D1/V1", 1)],
)
def test_a_correction_moves_the_difference_and_names_the_figure_before(
    figure_g: int, credit: str, debit: str, amount_g: int
) -> None:
    [entry] = post({PAIR: 900}, {PAIR: figure_g})
    assert (entry.credit_account, entry.debit_account) == (credit, debit)
    assert (entry.amount_g, entry.previous_figure_g) == (amount_g, 900)
    assert entry.reason_code == "month_restated"
    assert "900 g before" in entry.note


def test_a_figure_that_stays_posts_nothing() -> None:
    assert post({PAIR: 900}, {PAIR: 900}) == []
    assert post({}, {PAIR: 0}) == []
    assert post({}, {}) == []


def test_a_pair_that_is_gone_is_taken_back() -> None:
    [entry] = post({PAIR: 900}, {})
    assert (entry.debit_account, entry.amount_g) == ("issued", 900)


def test_a_reason_given_is_the_reason_kept() -> None:
    [entry] = post({PAIR: 900}, {PAIR: 800}, reason_code="late_order")
    assert entry.reason_code == "late_order"


@pytest.mark.parametrize("figure_g", [-1, 1.0, True, None])
def test_a_figure_that_is_no_whole_mass_is_refused(figure_g: Any) -> None:
    with pytest.raises(LedgerBroken):
        post({}, {PAIR: figure_g})
    with pytest.raises(LedgerBroken):
        post({PAIR: figure_g}, {})


FIGURES = strategies.dictionaries(
    strategies.tuples(strategies.sampled_from(["", "D1", "D/2"]), strategies.sampled_from("AB")),
    strategies.integers(0, 2**62),
)


@given(strategies.lists(FIGURES, max_size=5))
def test_after_any_restatements_the_ledger_says_the_last_figures(steps: list[Figures]) -> None:
    entries: list[Entry] = []
    for number, credited in enumerate(steps):
        entries += post(held_g(entries), credited, run_id=f"r{number}")
        held = {pair: figure for pair, figure in held_g(entries).items() if figure}
        assert held == {pair: figure for pair, figure in credited.items() if figure}
        assert sum(balances_g(entries).values()) == 0
    assert len({entry.entry_id for entry in entries}) == len(entries)
