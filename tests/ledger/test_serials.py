"""Serials: numbered once, taken from the right end, never lost, never in two places."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.posting import Stock
from fleet_carbon.ledger.serials import (
    SERIAL_MAX,
    Block,
    SerialRange,
    allocate,
    checked,
    in_order,
    merge,
    take_earliest,
)
from tests.ledger.builders import EDITION, moves_of
from tests.ledger.reckoning import pieces_of

pytestmark = pytest.mark.slow

AMOUNTS = st.lists(st.integers(0, 9), max_size=6)
# Disjoint ranges: alternately a gap and a range.
RANGES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=6).map(
    lambda steps: [
        SerialRange(sum(map(sum, steps[:place])) + gap, sum(map(sum, steps[: place + 1])))
        for place, (gap, _) in enumerate(steps)
    ]
)


def serials(ranges: Any) -> list[int]:
    """Every single serial: the slow reckoning that the ranges are held against."""
    return [serial for one in ranges for serial in range(*one)]


def stock_of(ranges: list[SerialRange]) -> Stock:
    """What a close takes from, if the buffer holds these ranges."""
    return Stock(Piece("buffer", Block("2026-01", EDITION), one) for one in ranges)


def test_amounts_are_numbered_one_after_the_other() -> None:
    assert allocate(100, [7, 0, 3]) == [SerialRange(100, 107), None, SerialRange(107, 110)]
    assert allocate(0, []) == []


@given(st.integers(0, 9), AMOUNTS)
def test_allocating_leaves_nothing_out_and_gives_nothing_twice(
    begin: int, amounts: list[int]
) -> None:
    ranges = allocate(begin, amounts)
    assert [one.amount_g if one else 0 for one in ranges] == amounts
    assert serials(one for one in ranges if one) == list(range(begin, begin + sum(amounts)))


@given(RANGES, st.integers(0, 60))
def test_the_latest_are_the_highest_serials(ranges: list[SerialRange], amount_g: int) -> None:
    every = sorted(serials(ranges))
    stock = stock_of(ranges)
    taken, missing_g = stock.take("buffer", amount_g)
    left, _ = stock.take("buffer", len(every))
    kept = max(0, len(every) - amount_g)
    assert serials(one.serials for one in reversed(taken)) == every[kept:]
    assert serials(one.serials for one in reversed(left)) == every[:kept]
    assert missing_g == max(0, amount_g - len(every))


@given(RANGES, st.integers(0, 60))
def test_the_earliest_are_the_lowest_serials(ranges: list[SerialRange], amount_g: int) -> None:
    every = sorted(serials(ranges))
    done = take_earliest(reversed(ranges), amount_g)
    assert serials(done.taken) == every[:amount_g]
    assert serials(done.left) == every[amount_g:]
    assert done.missing_g == max(0, amount_g - len(every))


@given(RANGES)
def test_merging_keeps_the_serials_and_leaves_no_neighbours(ranges: list[SerialRange]) -> None:
    merged = merge(reversed(ranges))
    assert serials(merged) == sorted(serials(ranges))
    ends = {one.serial_until for one in merged}
    assert not ends & {one.serial_from for one in merged}


@given(AMOUNTS.map(lambda amounts: [1, *amounts]))
def test_splitting_and_merging_give_the_range_back(amounts: list[int]) -> None:
    whole = SerialRange(5, 5 + sum(amounts))
    parts = [one for one in allocate(whole.serial_from, amounts) if one]
    assert [one.amount_g for one in parts] == [amount for amount in amounts if amount]
    assert merge(parts) == [whole]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: checked(5, 5),
        lambda: checked(-1, 5),
        lambda: checked(6, 5),
        lambda: checked(0, SERIAL_MAX + 1),
        lambda: checked(0.0, 5),  # type: ignore[arg-type]
        lambda: checked(False, True),
        lambda: allocate(0, [-1]),
        lambda: allocate(0, [1.0]),  # type: ignore[list-item]
        lambda: take_earliest([], -1),
        lambda: in_order([SerialRange(0, 5), SerialRange(4, 6)]),
        lambda: merge([SerialRange(0, 5), SerialRange(0, 5)]),
    ],
)
def test_what_are_no_serials_is_refused(wrong: Any) -> None:
    with pytest.raises(LedgerBroken) as refused:
        wrong()
    assert refused.value.code == "serials_malformed"


class SerialsAreConserved(RuleBasedStateMachine):
    """Any acts in any order: a map from serial to account is the model, entries are the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[int, str] = {}
        self.entries: list[Entry] = []

    def _act(self, *moves: tuple[str, str, int, int]) -> None:
        self.entries += moves_of(f"act{len(self.entries)}", *moves)
        for _, takes, begin, until in moves:
            self.model.update(dict.fromkeys(range(begin, until), takes))

    def _held(self) -> list[Piece]:
        return pieces_of(self.entries)

    @rule(
        amounts=st.lists(st.integers(1, 20), min_size=1, max_size=4),
        account=st.sampled_from(["held:driver/A/V", "held:driver/B/V", "held:fleet", "buffer"]),
    )
    def issue(self, amounts: list[int], account: str) -> None:
        ranges = allocate(len(self.model), amounts)
        self._act(*(("issued", account, *one) for one in ranges if one))

    @rule(
        data=st.data(),
        to=st.sampled_from(["pending/L", "sold/B", "retired/B", "cancelled/x", "held:good/g"]),
    )
    def move_latest(self, data: st.DataObject, to: str) -> None:
        held = [one for one in self._held() if one.account != to]
        if not held:
            return
        account = data.draw(st.sampled_from(sorted({one.account for one in held})))
        ranges = [one.serials for one in held if one.account == account]
        amount_g = data.draw(st.integers(1, sum(one.amount_g for one in ranges)))
        latest, _ = stock_of(ranges).take("buffer", amount_g)
        taken = [one.serials for one in reversed(latest)]
        together = data.draw(st.booleans())
        self._act(*((account, to, *one) for one in (merge(taken) if together else taken)))

    @rule(data=st.data())
    def split_a_piece(self, data: st.DataObject) -> None:
        held = [one for one in self._held() if one.serials.amount_g >= 3]
        if not held:
            return
        piece = data.draw(st.sampled_from(held))
        first = data.draw(st.integers(1, piece.serials.amount_g - 2))
        begin = piece.serials.serial_from + first
        middle = SerialRange(begin, begin + 1)
        target = "sold/C" if piece.account != "sold/C" else "retired/C"
        self._act((piece.account, target, *middle))

    @rule(data=st.data())
    def what_another_holds_cannot_be_given(self, data: st.DataObject) -> None:
        held = self._held()
        if held:
            piece = data.draw(st.sampled_from(held))
            stolen = moves_of("theft", ("held:driver/Z/V", "sold/Z", *piece.serials))
            with pytest.raises(LedgerBroken) as refused:
                pieces_of([*self.entries, *stolen])
            assert refused.value.code == "serials_not_held"

    @invariant()
    def every_serial_stands_in_one_account(self) -> None:
        found = [(serial, one.account) for one in self._held() for serial in range(*one.serials)]
        assert found == sorted(self.model.items())


SerialsAreConserved.TestCase.settings = settings(max_examples=200, stateful_step_count=20)
TestSerialsAreConserved = SerialsAreConserved.TestCase
