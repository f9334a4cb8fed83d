"""Only differences are posted, and the ledger then says what is credited."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.balances import total
from fleet_carbon.ledger.entries import Entry
from tests.ledger.builders import Figures, moves_of, post, rule_of, told_of
from tests.ledger.reckoning import balances, pieces_of, sums_of

PAIR = ("D1", "V1")
DRIVER = "held:driver/D1/V1"


def moved(entries: list[Entry]) -> list[tuple[str, str, int | None, int | None]]:
    return [
        (one.credit_account, one.debit_account, one.serial_from, one.serial_until)
        for one in entries
    ]


def test_a_first_figure_is_split_by_the_shares_into_serials_that_follow_each_other() -> None:
    # 1000 g at 70, 10, 10, 10 %.
    assert moved(post([], {PAIR: 1000})) == [
        ("issued", DRIVER, 0, 700),
        ("issued", "held:fleet", 700, 800),
        ("issued", "held:platform", 800, 900),
        ("issued", "buffer", 900, 1000),
    ]


def test_a_first_figure_says_where_it_comes_from() -> None:
    entries = post([], {PAIR: 1000})
    assert [one.entry_id for one in entries] == [f"close/2026-01/r1/{n}" for n in (1, 2, 3, 4)]
    assert {one.reason_code for one in entries} == {"month_closed"}
    assert {one.figure for one in entries} == {"2026-01/D1/V1"}
    assert {one.previous_figure_g for one in entries} == {None}
    assert {one.evidence["accounts"] for one in entries} == {"d" * 64}


def test_a_gram_that_no_share_is_whole_of_goes_to_the_largest_remainder() -> None:
    # 3 g: 2.1, 0.3, 0.3, 0.3 -> 2, 0, 0, 0, and the gram left to the first of the three equals.
    assert moved(post([], {PAIR: 3})) == [
        ("issued", DRIVER, 0, 2),
        ("issued", "held:fleet", 2, 3),
    ]


def test_a_figure_that_rises_gets_new_serials_at_the_end_of_the_block() -> None:
    first = post([], {("D0", "V1"): 100, PAIR: 1000})
    # Split 700 100 100 100 -> 770 110 110 110; the block ends at 1100.
    more = post(first, {("D0", "V1"): 100, PAIR: 1100}, run_id="r2")
    assert moved(more) == [
        ("issued", DRIVER, 1100, 1170),
        ("issued", "held:fleet", 1170, 1180),
        ("issued", "held:platform", 1180, 1190),
        ("issued", "buffer", 1190, 1200),
    ]
    assert {one.reason_code for one in more} == {"month_restated"}
    assert {one.previous_figure_g for one in more} == {1000}
    assert {one.note for one in more} == {"1000 g before, 1100 g now"}


def test_a_figure_that_falls_is_cancelled_by_the_shares_the_latest_serials_first() -> None:
    less = post(post([], {PAIR: 1000}), {PAIR: 900}, run_id="r2")
    assert moved(less) == [
        (DRIVER, "cancelled/restated", 630, 700),
        ("held:fleet", "cancelled/restated", 790, 800),
        ("held:platform", "cancelled/restated", 890, 900),
        ("buffer", "cancelled/restated", 990, 1000),
    ]
    assert {one.reason_code for one in less} == {"month_restated"}
    assert {one.previous_figure_g for one in less} == {1000}


def test_a_figure_that_stays_posts_nothing() -> None:
    entries = post([], {PAIR: 900})
    assert post(entries, {PAIR: 900}, run_id="r2") == []
    assert post([], {PAIR: 0}) == []
    assert post([], {}) == []


def test_a_pair_that_is_gone_is_cancelled_whole() -> None:
    entries = post([], {PAIR: 1000})
    entries += post(entries, {}, run_id="r2")
    sums = total(sums_of(entries))
    assert (sums.issued_g, sums.cancelled_g, sums.held_g, sums.buffer_g) == (1000, 1000, 0, 0)


def sold(begin: int, until: int, gives: str = DRIVER, act: str = "sale") -> list[Entry]:
    return moves_of(act, (gives, "sold/B", begin, until))


def test_what_was_sold_is_cancelled_in_the_buffer_and_not_taken_from_the_buyer() -> None:
    # Two trucks of 1000 g; the driver of the first sold 680 of 700. Down by 100: 70 are the
    # driver's, who holds 20 (serials 680 to 700); the buffer bears 50 beside its own 10.
    entries = post([], {PAIR: 1000, ("D2", "V2"): 1000})
    entries += sold(0, 680)
    less = post(entries, {PAIR: 900, ("D2", "V2"): 1000}, run_id="r2")
    assert moved(less) == [
        (DRIVER, "cancelled/restated", 680, 700),
        ("held:fleet", "cancelled/restated", 1790, 1800),
        ("held:platform", "cancelled/restated", 1890, 1900),
        ("buffer", "cancelled/restated", 1990, 2000),
        ("buffer", "cancelled/restated", 1940, 1990),
    ]
    assert [one.reason_code for one in less[3:]] == ["month_restated", "reversal_from_buffer"]
    assert told_of([*entries, *less])[PAIR].figure_g == 900


def test_what_the_buffer_does_not_hold_is_an_open_obligation_of_the_operator() -> None:
    # All of the driver's 700 are sold; down to 0. Fleet and platform give 100 each, the buffer
    # its own 100 and nothing is left of it: 700 g are owed.
    entries = post([], {PAIR: 1000}) + sold(0, 700)
    less = post(entries, {}, run_id="r2")
    owed = less[-1]
    assert (owed.book, owed.serials) == ("owed", None)
    assert (owed.credit_account, owed.debit_account) == ("owed:operator", "owed:buffer")
    assert (owed.amount, owed.reason_code) == (700, "obligation_open")
    assert (owed.previous_figure_g, owed.figure) == (1000, "2026-01/D1/V1")
    after = entries + less
    assert told_of(after)[PAIR].figure_g == 0
    assert total(sums_of(after)).holds
    assert balances(after)["owed", "g", "owed:operator"] == -700


def test_the_buffer_of_earlier_months_answers_too_and_that_of_later_ones_does_not() -> None:
    entries = post([], {PAIR: 500}, month="2025-12")
    entries += post(entries, {PAIR: 1000}, month="2026-01")
    entries += post(entries, {PAIR: 1000}, month="2026-02")
    entries += sold(0, 700)
    less = post(entries, {}, run_id="r2")
    drawn = [(one.month, one.amount) for one in less if one.credit_account == "buffer"]
    # January's own 100 g, then December's 50 g; February's 100 g stay.
    assert drawn == [("2026-01", 100), ("2025-12", 50)]
    assert less[-1].amount == 650
    assert told_of(entries + less)[PAIR].figure_g == 0


def test_a_figure_that_rises_again_gives_back_to_the_buffer_before_the_driver_is_given_more() -> (
    None
):
    # Down by 200 with all 700 sold: the buffer bears 140 beside its own 20; it holds 300 from
    # three trucks. Up again by 200: fleet and platform get 20 each, the buffer 160, the driver
    # nothing, who kept the 700 of a figure of 1000.
    figures = {PAIR: 1000, ("D2", "V2"): 1000, ("D3", "V3"): 1000}
    entries = post([], figures) + sold(0, 700)
    entries += post(entries, {**figures, PAIR: 800}, run_id="r2")
    again = post(entries, figures, run_id="r3")
    assert [(one.debit_account, one.amount) for one in again] == [
        ("held:fleet", 20),
        ("held:platform", 20),
        ("buffer", 160),
    ]
    assert told_of(entries + again) == told_of(post([], figures))


def test_an_obligation_is_met_before_anything_is_issued() -> None:
    entries = post([], {PAIR: 1000}) + sold(0, 700)
    entries += post(entries, {}, run_id="r2")
    again = post(entries, {PAIR: 1000}, run_id="r3")
    assert [(one.debit_account, one.amount, one.reason_code) for one in again] == [
        ("owed:operator", 700, "obligation_met"),
        ("held:fleet", 100, "month_restated"),
        ("held:platform", 100, "month_restated"),
        ("buffer", 100, "month_restated"),
    ]
    assert balances(entries + again)["owed", "g", "owed:operator"] == 0


def test_a_second_fall_takes_no_more_from_the_driver_than_it_asks_for() -> None:
    # First fall by 200 while the driver holds nothing; then 700 come back from a broken-off
    # sale; second fall by 100: the driver loses 70, not also the 140 the buffer bore before.
    entries = post([], {PAIR: 1000, ("D2", "V2"): 2000})
    entries += moves_of("reserve", (DRIVER, "pending/L1", 0, 700))
    entries += post(entries, {PAIR: 800, ("D2", "V2"): 2000}, run_id="r2")
    entries += moves_of("void", ("pending/L1", DRIVER, 0, 700))
    less = post(entries, {PAIR: 700, ("D2", "V2"): 2000}, run_id="r3")
    assert [one.amount for one in less if one.credit_account == DRIVER] == [70]
    assert told_of(entries + less)[PAIR].figure_g == 700


@pytest.mark.parametrize("figure_g", [-1, 1.0, True, None])
def test_a_figure_that_is_no_whole_mass_is_refused(figure_g: Any) -> None:
    with pytest.raises(LedgerBroken):
        post([], {PAIR: figure_g})


FIGURES = strategies.dictionaries(
    strategies.tuples(strategies.sampled_from(["", "D1", "D/2"]), strategies.sampled_from("AB")),
    strategies.integers(0, 40),
)
RULES = strategies.sampled_from(
    [
        rule_of("0.70", "0.10", "0.10", "0.10"),
        rule_of("1", "0", "0", "0"),
        # Hamilton's paradox: a party may lose a gram when the whole gains one.
        rule_of("0.43", "0.43", "0.09", "0.05"),
    ]
)


@given(strategies.lists(strategies.tuples(FIGURES, strategies.data()), max_size=5), RULES)
@settings(max_examples=200)
def test_after_any_restatements_and_sales_the_ledger_says_the_last_figures(
    steps: list[tuple[Figures, Any]], rule: Any
) -> None:
    entries: list[Entry] = []
    for number, (figures, data) in enumerate(steps):
        entries += post(entries, figures, run_id=f"r{number}", rule=rule)
        assert {
            pair: told.figure_g for pair, told in told_of(entries).items() if told.figure_g
        } == {pair: figure_g for pair, figure_g in figures.items() if figure_g}
        held = [piece for piece in pieces_of(entries) if piece.account.startswith("held:")]
        gone = (
            data.draw(strategies.lists(strategies.sampled_from(held), unique=True)) if held else []
        )
        entries += moves_of(
            f"sale{number}", *((one.account, "sold/B", *one.serials) for one in gone)
        )
        assert total(sums_of(entries)).holds
        pieces_of(entries)  # refuses serials that are not held
        for book in ("carbon", "owed"):
            assert sum(held for key, held in balances(entries).items() if key[0] == book) == 0
    assert len({entry.entry_id for entry in entries}) == len(entries)
