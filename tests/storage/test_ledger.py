"""The ledger on record: acts whole and once, serials where the entries say, nothing changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.balances import Piece, Standing, total
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.obligations import Obligation
from fleet_carbon.ledger.posting import MonthPosting, Stock, needed, post_month
from fleet_carbon.ledger.serials import Block, SerialRange
from fleet_carbon.settings import Settings
from fleet_carbon.storage.ledger import Appended
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage
from tests.ledger.builders import AT, EDITION, RULE, Figures, entry_of, moves_of
from tests.ledger.reckoning import balances, pieces_of, sums_of
from tests.storage.builders import behind

PAIR = ("D1", "V1")
DRIVER = "held:driver/D1/V1"
JANUARY = Block("2026-01", EDITION)


def close(work: UnitOfWork, run_id: str, figures: Figures, month: str = "2026-01") -> Appended:
    """Post a month as a close does, with everything there is as its stock."""
    ledger = work.ledger
    standings = ledger.standings(month)
    block = Block(month, EDITION)
    sums = ledger.holdings.sums()
    posting = MonthPosting(
        month=month,
        edition=EDITION,
        run_id=run_id,
        recorded_at=AT,
        evidence={"accounts": "d" * 64},
        rule=RULE,
        issued_g=sums[block].issued_g if block in sums else 0,
    )
    pieces: list[Piece] = []
    for account, amount_g in needed(figures, standings, RULE).items():
        limits = {"until_month": month} if account == "buffer" else {"month": month}
        pieces += ledger.holdings.latest(account, amount_g, **limits)
    return ledger.append(post_month(figures, standings, posting, stock=Stock(pieces)))


def all_pieces(work: UnitOfWork) -> list[tuple[Any, ...]]:
    found = [piece for prefix in "hpsrcb" for piece in work.ledger.holdings.pieces_below(prefix)]
    return sorted((piece.block, piece.serials, piece.account) for piece in found)


def assert_sound(work: UnitOfWork) -> None:
    """What is derived in the database is what a second reckoning of the entries gives."""
    entries = list(work.ledger.entries())
    assert all_pieces(work) == [
        (piece.block, piece.serials, piece.account) for piece in pieces_of(entries)
    ]
    assert dict(sorted(work.ledger.holdings.sums().items())) == sums_of(entries)
    assert work.ledger.balances() == balances(entries)
    assert list(work.ledger.verify()) == []


def test_the_ledger_says_what_was_credited_last(storage: Storage) -> None:
    steps = [{PAIR: 900, ("D1", "V2"): 5}, {PAIR: 700}, {PAIR: 701}]
    for number, figures in enumerate(steps):
        with storage.begin() as work:
            close(work, f"r{number}", figures)
    with storage.begin(read_only=True) as work:
        assert work.ledger.posted_g("2026-01") == {PAIR: 701, ("D1", "V2"): 0}
        assert work.ledger.posted_g("2026-02") == {}
        # 701 g: 490.7, 70.1, 70.1, 70.1 -> 491, 70, 70, 70.
        assert work.ledger.standings("2026-01")[PAIR] == Standing(491, 70, 70, 70)
        assert_sound(work)


def test_entries_come_back_as_they_were_sealed(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {("D\\1\t'", "V\n1"): 900})
    with storage.begin(read_only=True) as work:
        first, *_ = entries = list(work.ledger.entries())
        assert first.debit_account == "held:driver/D\\1\t'/V\n1"
        assert [one.sequence for one in entries] == [1, 2, 3, 4]
        assert list(work.ledger.records()) == [one.as_dict() for one in entries]
        assert work.ledger.head().entry_hash == entries[-1].entry_hash
        assert work.ledger.count() == 4


def test_an_act_sent_again_is_recorded_once(storage: Storage) -> None:
    with storage.begin() as work:
        assert close(work, "r1", {PAIR: 900}).entries_count == 4
        head, act = work.ledger.head(), list(work.ledger.act("close/2026-01/r1"))
    with storage.begin() as work:
        later = [replace(one, recorded_at=AT + timedelta(days=1)) for one in act]
        assert work.ledger.append(later) == Appended(0, head)
        assert work.ledger.count() == 4
        assert_sound(work)


@pytest.mark.parametrize("change", ["other amount", "fewer", "more"])
def test_an_act_with_the_identifier_of_another_is_refused(storage: Storage, change: str) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
        act = list(work.ledger.act("close/2026-01/r1"))
    act = {
        "other amount": [*act[:3], replace(act[3], amount=101, serial_until=1001)],
        "fewer": act[:3],
        "more": [*act, replace(act[3], entry_id="close/2026-01/r1/5")],
    }[change]
    with pytest.raises(LedgerBroken) as refused, storage.begin() as work:
        work.ledger.append(act)
    assert refused.value.code == "transaction_id_taken"


@pytest.mark.parametrize("entry_id", ["t1/2", "t1/x"])
def test_entries_of_an_act_are_numbered_from_one(storage: Storage, entry_id: str) -> None:
    with pytest.raises(LedgerBroken) as refused, storage.begin() as work:
        work.ledger.append([entry_of(entry_id=entry_id)])
    assert refused.value.code == "act_malformed"


# A truck of 1000 g: the driver's 0 to 700, fleet 700 to 800, platform to 900, buffer to 1000.
MOVES = {
    "a whole piece": [(DRIVER, "sold/B", 0, 700)],
    "the end of a piece": [(DRIVER, "sold/B", 600, 700)],
    "the beginning of a piece": [(DRIVER, "sold/B", 0, 1)],
    "the middle of a piece": [(DRIVER, "sold/B", 1, 2)],
    "several parts of a piece": [
        (DRIVER, "sold/B", 0, 10),
        (DRIVER, "sold/C", 20, 30),
        (DRIVER, "sold/B", 30, 40),
        (DRIVER, "retired/B", 690, 700),
    ],
    "pieces of several accounts": [
        ("buffer", "cancelled/x", 950, 1000),
        ("held:platform", "sold/B", 800, 900),
        ("held:fleet", "sold/B", 750, 800),
    ],
}


@pytest.mark.parametrize("moves", MOVES.values(), ids=MOVES)
def test_serials_move_with_their_entries(storage: Storage, moves: list[Any]) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
        work.ledger.append(moves_of("act", *moves))
        assert_sound(work)
        for _, takes, begin, until in moves:
            [piece] = [
                one for one in work.ledger.holdings.pieces([takes]) if one.serials[0] == begin
            ]
            assert piece == Piece(takes, JANUARY, SerialRange(begin, until))


@pytest.mark.parametrize("back", [(0, 700), (3, 699), (10, 20), (5, 15)])
def test_a_move_takes_several_pieces_where_they_were_cut_before(
    storage: Storage, back: tuple[int, int]
) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000, ("D2", "V2"): 10})
        parts = [(DRIVER, "sold/B", begin, begin + 10) for begin in range(0, 700, 10)]
        work.ledger.append(moves_of("sale", *parts))
        work.ledger.append(moves_of("use", ("sold/B", "retired/B", *back)))
        assert_sound(work)


REFUSED = {
    "not that account's": [("held:fleet", "sold/B", 0, 10)],
    "partly another's": [(DRIVER, "sold/B", 690, 710)],
    "never issued": [("buffer", "sold/B", 990, 1001)],
    "wholly beyond the block": [("buffer", "sold/B", 1000, 1001)],
    "twice in one act": [(DRIVER, "sold/B", 0, 10), (DRIVER, "sold/B", 0, 10)],
    "twice in one act, in part": [(DRIVER, "sold/B", 0, 10), (DRIVER, "sold/B", 5, 15)],
    "once to hold and once to give": [(DRIVER, "sold/B", 0, 10), ("sold/B", DRIVER, 0, 10)],
    "issued with a gap": [("issued", "buffer", 1001, 1002)],
    "issued again": [("issued", "buffer", 999, 1000)],
}


@pytest.mark.parametrize("moves", REFUSED.values(), ids=REFUSED)
def test_serials_that_the_account_does_not_hold_are_refused(
    storage: Storage, moves: list[Any]
) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
    with pytest.raises(LedgerBroken) as refused, storage.begin() as work:
        work.ledger.append(moves_of("act", *moves))
    assert refused.value.code == "serials_not_held"
    with storage.begin(read_only=True) as work:
        assert work.ledger.count() == 4
        assert_sound(work)


def test_serials_of_a_month_that_has_none_are_refused(storage: Storage) -> None:
    with pytest.raises(LedgerBroken) as refused, storage.begin() as work:
        work.ledger.append(moves_of("act", (DRIVER, "sold/B", 0, 10)))
    assert refused.value.code == "serials_not_held"


def test_what_is_sold_twice_is_refused_the_second_time(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
        work.ledger.append(moves_of("one", (DRIVER, "sold/B", 100, 200)))
    with pytest.raises(LedgerBroken), storage.begin() as work:
        work.ledger.append(moves_of("two", (DRIVER, "sold/C", 150, 160)))


def test_the_newest_serials_come_last_and_no_more_than_are_wanted(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000}, month="2025-12")
        close(work, "r2", {PAIR: 1000, ("D2", "V2"): 1000})
        close(work, "r3", {PAIR: 1000}, month="2026-02")
        latest = work.ledger.holdings.latest
        assert latest("buffer", 0, until_month="2026-01") == []
        found = latest("buffer", 150, until_month="2026-01")
        assert [(one.block.month, *one.serials) for one in found] == [
            ("2026-01", 900, 1000),
            ("2026-01", 1900, 2000),
        ]
        found = latest("buffer", 999, until_month="2026-01")
        assert [one.block.month for one in found] == ["2025-12", "2026-01", "2026-01"]


def test_balances_are_told_as_of_a_month_and_as_known_at_a_moment(storage: Storage) -> None:
    later = AT + timedelta(days=30)
    sale = [replace(one, recorded_at=later) for one in moves_of("sale", (DRIVER, "sold/B", 0, 700))]
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000}, month="2025-12")
        close(work, "r2", {PAIR: 1000})
        work.ledger.append(sale)
    with storage.begin(read_only=True) as work:
        ledger = work.ledger
        held = ("carbon", "g", DRIVER)
        assert ledger.balances()[held] == 700
        assert ledger.balances(until_month="2025-12")[held] == 700
        # To the millisecond in which the sale was recorded, and just before it.
        before = later.replace(microsecond=later.microsecond - later.microsecond % 1000)
        assert ledger.balances(known_at=before)["carbon", "g", "sold/B"] == 700
        known = ledger.balances(known_at=before - timedelta(milliseconds=1))
        assert known[held] == 1400
        assert ("carbon", "g", "sold/B") not in known
        assert ledger.balances(prefix="sold/") == {("carbon", "g", "sold/B"): 700}


def test_entries_are_found_by_account_figure_and_month(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000, ("D2", "V2"): 1000})
        close(work, "r2", {PAIR: 1000}, month="2026-02")
        work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 0, 700)))
    with storage.begin(read_only=True) as work:
        ledger = work.ledger
        assert [one.sequence for one in ledger.entries(account=DRIVER)] == [1, 9, 13]
        assert [one.sequence for one in ledger.entries(account="sold/B")] == [13]
        assert [one.sequence for one in ledger.entries(account="issued")] == [*range(1, 13)]
        assert [one.sequence for one in ledger.entries(figure="2026-01/D2/V2")] == [5, 6, 7, 8]
        assert [one.sequence for one in ledger.entries("2026-02")] == [9, 10, 11, 12]
        assert [one.sequence for one in ledger.entries(after=11)] == [12, 13]


def test_serials_are_found_where_they_stand_and_by_what_moved_them(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000, ("D2", "V2"): 1000})
        work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 100, 700)))
    with storage.begin(read_only=True) as work:

        def held(begin: int, until: int) -> list[tuple[str, int, int]]:
            found = work.ledger.holdings.within(JANUARY, SerialRange(begin, until))
            return [(piece.account, *piece.serials) for piece in found]

        assert held(50, 701) == [
            (DRIVER, 50, 100),
            ("sold/B", 100, 700),
            ("held:fleet", 700, 701),
        ]
        assert held(100, 101) == [("sold/B", 100, 101)]
        assert held(1999, 2500) == [("buffer", 1999, 2000)]
        assert held(2000, 2500) == []
        assert list(work.ledger.holdings.within(Block("2026-01", "x"), SerialRange(0, 1))) == []
        moving = work.ledger.entries(moving=(JANUARY, SerialRange(99, 100)))
        assert [one.sequence for one in moving] == [1]
        moving = work.ledger.entries(moving=(JANUARY, SerialRange(99, 101)))
        assert [one.sequence for one in moving] == [1, 9]


def test_what_is_owed_is_told_by_figure_the_oldest_first(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000}, month="2026-02")
        close(work, "r2", {PAIR: 1000})
        work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 0, 700)))
        close(work, "r3", {PAIR: 0})
        # Fleet, platform and buffer give their 100 g each; nobody has the other 700.
        assert work.ledger.obligations() == [Obligation("2026-01/D1/V1", EDITION, 700)]
        close(work, "r4", {PAIR: 300})
        # Fleet and platform get their 30 g each; 240 of the 700 are met.
        assert [one.owed_g for one in work.ledger.obligations()] == [460]
        close(work, "r5", {PAIR: 1000})
        assert work.ledger.obligations() == []


CHANGES = [
    "UPDATE ledger_entries SET note = 'x' WHERE fleet_id = :fleet AND sequence = 1",
    "DELETE FROM ledger_entries WHERE fleet_id = :fleet",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_refuses_to_change_entries(storage: Storage, statement: str) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 900})
    with pytest.raises(DBAPIError, match="only grows"), behind(storage) as connection:
        connection.execute(text(statement), {"fleet": storage.fleet_id})


def test_the_database_refuses_to_empty_or_replace(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 900})
    statement = "TRUNCATE ledger_entries"
    if storage._engine.dialect.name == "sqlite":
        statement = "INSERT OR REPLACE INTO ledger_entries SELECT * FROM ledger_entries"
    with pytest.raises(DBAPIError, match="only grows"), behind(storage) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["sequence", "entry_id"])
def test_sqlite_refuses_to_replace_an_entry_whoever_asks(storage: Storage, column: str) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 900})
    other = {"sequence": "entry_id", "entry_id": "sequence"}[column]
    with behind(storage) as connection:
        # Another program does not set it; then REPLACE deletes unseen by the DELETE trigger.
        connection.execute(text("PRAGMA recursive_triggers = OFF"))
        columns = [
            row.name for row in connection.execute(text("PRAGMA table_info(ledger_entries)"))
        ]
        changed = {"entry_id": "'t9/1'", "sequence": "99"}[other]
        values = ", ".join(changed if name == other else name for name in columns)
        with pytest.raises(DBAPIError, match="only grows"):
            connection.execute(
                text(
                    f"INSERT OR REPLACE INTO ledger_entries SELECT {values} "
                    "FROM ledger_entries WHERE sequence = 1"
                )
            )


def test_the_database_holds_the_sums_to_their_equation(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
    for changed in ("held_g = held_g + 1", "held_g = -100, buffer_g = 1100"):
        with pytest.raises(DBAPIError), behind(storage) as connection:
            connection.execute(
                text(f"UPDATE ledger_blocks SET {changed} WHERE fleet_id = :fleet"),
                {"fleet": storage.fleet_id},
            )


def test_an_act_after_which_the_sums_do_not_come_out_is_refused(storage: Storage) -> None:
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
    with behind(storage) as connection:
        # Changed behind the program's back so that the equation of the database still holds.
        connection.execute(
            text(
                "UPDATE ledger_blocks SET held_g = held_g - 500, sold_g = sold_g + 500"
                " WHERE fleet_id = :fleet"
            ),
            {"fleet": storage.fleet_id},
        )
    with pytest.raises(LedgerBroken) as refused, storage.begin() as work:
        work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 0, 500)))
    assert refused.value.code == "sums_broken"
    assert "held -100" in refused.value.message


@pytest.fixture
def unlocked(storage: Storage) -> Iterator[Storage]:
    """A ledger whose database does not refuse to be changed behind the program's back."""
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
        work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 0, 700)))
    off, on = {
        "sqlite": ("DROP TRIGGER ledger_entries_no_update", "SELECT 1"),
        "postgresql": (
            "ALTER TABLE ledger_entries DISABLE TRIGGER USER",
            "ALTER TABLE ledger_entries ENABLE TRIGGER USER",
        ),
    }[storage._engine.dialect.name]
    with behind(storage) as connection:
        connection.execute(text(off))
    yield storage
    with behind(storage) as connection:
        connection.execute(text(on))


SLIPPED = {
    "UPDATE ledger_entries SET note = 'x' WHERE sequence = 2": "was changed",
    "UPDATE ledger_entries SET evidence = replace(evidence, ':', ': ') WHERE sequence = 2": (
        "was changed"
    ),
    "UPDATE ledger_holdings SET account = 'sold/C' WHERE serial_from = 0": "stands in sold/C",
    "DELETE FROM ledger_holdings WHERE serial_from = 700": "should begin at 700",
    "UPDATE ledger_blocks SET held_g = held_g - 1, sold_g = sold_g + 1": "The sums of 2026-01",
}


@pytest.mark.parametrize(("statement", "said"), SLIPPED.items())
def test_what_slips_past_the_database_is_found(
    unlocked: Storage, statement: str, said: str
) -> None:
    joined = "AND" if "WHERE" in statement else "WHERE"
    with behind(unlocked) as connection:
        connection.exec_driver_sql(f"{statement} {joined} fleet_id = '{unlocked.fleet_id}'")
    with unlocked.begin(read_only=True) as work:
        problems = list(work.ledger.verify())
    assert said in problems[0]


def test_what_an_act_gave_is_summed_by_account(storage: Storage) -> None:
    more = [replace(one, entry_id="t/1/1", transaction_id="t/1") for one in [entry_of()]]
    with storage.begin() as work:
        close(work, "r1", {PAIR: 1000})
        parts = [(DRIVER, "sold/B", 0, 300), ("buffer", "sold/B", 900, 901)]
        work.ledger.append(moves_of("t", *parts, (DRIVER, "sold/C", 300, 310)))
        # Another act whose name begins the same, of another month.
        work.ledger.append([replace(more[0], month="2026-02")])
        assert work.ledger.given("t", "carbon") == {"buffer": 1, DRIVER: 310}
        assert list(work.ledger.given("t", "carbon")) == ["buffer", DRIVER]
        assert work.ledger.given("t", "cash") == work.ledger.given("other", "carbon") == {}


def test_each_fleet_has_a_chain_of_its_own(storage: Storage, settings: Settings) -> None:
    other = open_storage(settings.model_copy(update={"fleet": f"{settings.fleet}-other"}))
    for opened in (storage, other):
        with opened.begin() as work:
            assert close(work, "r1", {PAIR: 900}).head.sequence == 4
            assert_sound(work)
    other.close()


def test_a_million_grams_in_one_entry_are_one_piece(storage: Storage) -> None:
    big = 2**62
    with storage.begin() as work:
        work.ledger.append([entry_of(amount=big, serial_until=big)])
        assert total(work.ledger.holdings.sums()).held_g == big
        assert work.ledger.balances()["carbon", "g", DRIVER] == big


def test_an_act_of_no_entries_posts_nothing(storage: Storage) -> None:
    with storage.begin() as work:
        nothing: list[Entry] = []
        assert work.ledger.append(nothing).entries_count == 0
        assert list(work.ledger.verify()) == []


ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("close"),
            st.dictionaries(
                st.tuples(st.sampled_from(["D1", "D2"]), st.just("V1")), st.integers(0, 60)
            ),
            st.sampled_from(["2026-01", "2026-02"]),
        ),
        st.tuples(st.just("move"), st.randoms(use_true_random=False), st.none()),
    ),
    min_size=2,
    max_size=8,
)
_LEDGERS = itertools.count(1)


def random_moves(work: UnitOfWork, chance: Random, act: str) -> list[Entry]:
    """Some pieces of one block, whole or in part, alone or with their neighbours."""
    pieces = pieces_of(work.ledger.entries())
    block = chance.choice([one.block for one in pieces])
    moves: list[tuple[str, str, int, int]] = []
    held = [(one.account, *one.serials) for one in pieces if one.block == block]
    for account, begin, until in held:
        if moves and moves[-1][0] == account and moves[-1][3] == begin and chance.random() < 0.7:
            moves[-1] = (*moves[-1][:3], chance.randint(begin + 1, until))
        elif chance.random() < 0.4:
            begin = chance.randint(begin, until - 1)
            moves.append((account, "", begin, chance.randint(begin + 1, until)))
    targets = ["sold/B", "retired/B", "pending/L", "held:driver/D2/V1"]
    chosen = [
        (account, chance.choice([to for to in targets if to != account]), begin, until)
        for account, _, begin, until in moves
    ]
    return [replace(one, month=block.month) for one in moves_of(act, *chosen)]


@given(acts=ACTS)
@hypothesis.settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_after_any_acts_what_is_derived_is_what_the_entries_say(
    settings: Settings, acts: list[Any]
) -> None:
    fleet = f"{settings.fleet}-{next(_LEDGERS)}"
    storage = open_storage(settings.model_copy(update={"fleet": fleet}))
    for number, (kind, what, which) in enumerate(acts):
        with storage.begin() as work:
            if kind == "close":
                close(work, f"r{number}", what, which)
                posted = work.ledger.posted_g(which)
                assert {pair: figure for pair, figure in posted.items() if figure} == {
                    pair: figure for pair, figure in what.items() if figure
                }
            elif work.ledger.count():
                work.ledger.append(random_moves(work, what, f"act{number}"))
            assert_sound(work)
    storage.close()
