"""What entries come to: sums that are held to their equation, pieces, the tracking of serials."""

from __future__ import annotations

import pytest

from fleet_carbon.ledger.balances import Piece, Standing, Sums, total
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.serials import Block, SerialRange
from fleet_carbon.ledger.tracking import Move, find_misplaced
from tests.ledger.builders import EDITION, entry_of, moves_of, post
from tests.ledger.reckoning import balances, pieces_of, standings_of, sums_of

PAIR = ("D1", "V1")
DRIVER = "held:driver/D1/V1"


@pytest.fixture
def entries() -> list[Entry]:
    # 1000 g: driver 700, fleet, platform and buffer 100 each; 300 sold, 100 of these retired.
    return [
        *post([], {PAIR: 1000}),
        *moves_of("sale", (DRIVER, "pending/L", 0, 300)),
        *moves_of("settle", ("pending/L", "sold/B", 0, 300)),
        *moves_of("use", ("sold/B", "retired/B", 0, 100)),
        *moves_of("loss", ("buffer", "cancelled/x", 950, 1000)),
    ]


def test_balances_are_debits_less_credits_and_add_up_to_nothing(entries: list[Entry]) -> None:
    found = {account: amount for (_, _, account), amount in balances(entries).items()}
    assert found == {
        "issued": -1000,
        DRIVER: 400,
        "held:fleet": 100,
        "held:platform": 100,
        "pending/L": 0,
        "sold/B": 200,
        "retired/B": 100,
        "cancelled/x": 50,
        "buffer": 50,
    }
    assert sum(found.values()) == 0


def test_what_was_issued_is_somewhere(entries: list[Entry]) -> None:
    sums = total(sums_of(entries))
    assert sums == Sums(1000, 600, 0, 200, 100, 50, 50)
    assert sums.holds
    assert sums.line() == (
        "issued 1,000 g = held 600 + pending 0 + sold 200 + retired 100 + cancelled 50 + buffer 50"
    )


@pytest.mark.parametrize("wrong", [Sums(issued_g=1), Sums(held_g=1), Sums(0, 1, -1)])
def test_sums_that_do_not_come_out_say_so(wrong: Sums) -> None:
    assert not wrong.holds
    assert "!=" in wrong.line()


def test_months_and_editions_are_blocks_of_their_own() -> None:
    found = sums_of([entry_of(), entry_of(month="2026-02"), entry_of(edition="other")])
    assert set(found) == {
        Block("2026-01", EDITION),
        Block("2026-02", EDITION),
        Block("2026-01", "other"),
    }
    assert total(found).issued_g == 2700


def test_a_sale_leaves_the_figure_as_it_is(entries: list[Entry]) -> None:
    assert standings_of(entries) == {"2026-01/D1/V1": Standing(700, 100, 100, 100, 0)}


def test_a_figure_in_an_account_of_no_party_is_refused() -> None:
    with pytest.raises(ValueError, match="no party to the sharing"):
        standings_of([entry_of(debit_account="sold/B", figure="2026-01/D1/V1")])


def tracked(entries: list[Entry], pieces: list[Piece]) -> list[str]:
    moves: dict[Block, list[Move]] = {one.block: [] for one in pieces}
    for number, one in enumerate(entries, start=1):
        if one.serials is not None:
            move = (*one.serials, number, one.credit_account, one.debit_account)
            moves.setdefault(one.block, []).append(move)
    return [
        problem
        for block in sorted(moves)
        for problem in find_misplaced(
            block,
            sorted(moves[block]),
            sorted((*one.serials, one.account) for one in pieces if one.block == block),
        )
    ]


def test_pieces_as_the_entries_leave_them_are_in_place(entries: list[Entry]) -> None:
    more = [*entries, entry_of(month="2026-02")]
    assert tracked(more, pieces_of(more)) == []
    assert tracked([], []) == []


def test_a_piece_in_another_account_or_place_is_named(entries: list[Entry]) -> None:
    pieces = pieces_of(entries)
    for place, piece in enumerate(pieces):
        others = [
            piece._replace(account="sold/Z"),
            piece._replace(serials=SerialRange(piece.serials[0], piece.serials[1] - 1)),
            piece._replace(block=Block("2026-02", EDITION)),
        ]
        for other in others:
            assert tracked(entries, [*pieces[:place], other, *pieces[place + 1 :]]), other
        assert tracked(entries, [*pieces[:place], *pieces[place + 1 :]]), piece
        assert tracked(entries, [*pieces, piece]), piece


def test_a_piece_that_reaches_beyond_the_movement_that_made_it_is_named(
    entries: list[Entry],
) -> None:
    # 100 serials were retired; the piece says 150, and what follows it begins there.
    pieces = [
        Piece("retired/B", one.block, SerialRange(0, 150))
        if one.account == "retired/B"
        else one._replace(serials=SerialRange(max(150, one.serials[0]), one.serials[1]))
        for one in pieces_of(entries)
    ]
    assert any("ends within" in problem for problem in tracked(entries, pieces))


def test_an_entry_that_gives_what_it_does_not_hold_is_named(entries: list[Entry]) -> None:
    pieces = pieces_of(entries)
    [problem] = tracked([*entries, *moves_of("theft", (DRIVER, DRIVER + "x", 0, 100))], pieces)[:1]
    assert "which retired/B held then" in problem


def test_entries_of_a_block_without_pieces_are_named(entries: list[Entry]) -> None:
    pieces = pieces_of(entries)
    for month in ("2025-12", "2026-02"):
        assert tracked([*entries, entry_of(month=month)], pieces)
