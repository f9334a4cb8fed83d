"""Lots, retirements and proceeds: serials stay whole, and money is divided to the last fen."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused, LedgerBroken
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Piece, total
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.proceeds import (
    divided,
    money_text,
    payouts,
    read_money,
    sale_payments,
    worth,
)
from fleet_carbon.ledger.serials import Block, SerialRange
from tests.ledger.builders import AT, EDITION, post, rule_of
from tests.ledger.reckoning import balances, given_g, pieces_of, sums_of

_G_PER_T = 1_000_000


def piece(account: str, begin: int, until: int, month: str = "2026-01") -> Piece:
    return Piece(account, Block(month, EDITION), SerialRange(begin, until))


def act_of(name: str, reason_code: str = acts.LOT_RESERVED, request: str = "r") -> acts.Act:
    return acts.Act(name, reason_code, "2026-03", AT, {acts.REQUEST: request})


def amounts(pieces: Iterable[Piece]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in pieces:
        found[one.account] = found.get(one.account, 0) + one.serials.amount_g
    return found


def test_the_oldest_vintage_is_taken_whole_before_the_next() -> None:
    january, february = piece("held:a", 0, 10), piece("held:a", 0, 10, "2026-02")
    assert acts.chosen([january, february], 12) == [january, piece("held:a", 0, 2, "2026-02")]


def test_within_a_vintage_every_holder_gives_the_same_share() -> None:
    there = [piece("held:a", 0, 30), piece("held:b", 30, 90)]
    # 30 of 90 g: a third of each, the serials issued first.
    assert acts.chosen(there, 30) == [piece("held:a", 0, 10), piece("held:b", 30, 50)]


def test_more_than_there_is_is_refused() -> None:
    with pytest.raises(InputRefused, match="11 g are wanted and 10 g are there"):
        acts.chosen([piece("held:a", 0, 10)], 11)


def test_a_repeated_request_is_known_and_another_of_the_same_id_refused() -> None:
    (recorded,) = acts.post(act_of("retire/1"), acts.all_to("retired/B", [piece("sold/B", 0, 5)]))
    assert acts.is_repeated(recorded, act_of("retire/1"))
    assert not acts.is_repeated(None, act_of("retire/1"))
    with pytest.raises(LedgerBroken, match="other content"):
        acts.is_repeated(recorded, act_of("retire/1", request="another"))


@pytest.mark.parametrize(
    ("steps", "step", "is_open"),
    [
        ({"reserve": True}, "settle", True),
        ({"reserve": True}, "void", True),
        ({"reserve": True}, "pay", False),
        ({"reserve": True, "settle": True}, "void", False),
        ({"reserve": True, "void": True}, "settle", False),
        ({"reserve": True, "settle": True}, "pay", True),
        ({}, "settle", False),
    ],
)
def test_a_lot_is_settled_or_void_once(steps: dict[str, bool], step: str, is_open: bool) -> None:
    if is_open:
        acts.check_open("L", steps, step)
    else:
        with pytest.raises(InputRefused):
            acts.check_open("L", steps, step)


@pytest.mark.parametrize(
    ("account", "reason_code", "is_allowed"),
    [
        ("sold/B", acts.RETIRED, True),
        ("buffer", acts.RETIRED, False),
        ("buffer", acts.CANCELLED, True),
        ("pending/L", acts.CANCELLED, False),
        ("sold/B", acts.GIVEN, False),
        ("nobody", acts.RETIRED, False),
    ],
)
def test_a_verb_takes_only_from_its_accounts(
    account: str, reason_code: str, is_allowed: bool
) -> None:
    if is_allowed:
        acts.check_source(account, reason_code)
    else:
        with pytest.raises(InputRefused):
            acts.check_source(account, reason_code)


@pytest.mark.parametrize("client_id", ["", "a/b", "a b", "-a", "x" * 65])
def test_an_id_that_could_be_two_acts_is_refused(client_id: str) -> None:
    with pytest.raises(InputRefused):
        acts.act_name("retire", client_id)


def test_grams_are_worth_their_price_to_the_minor_unit() -> None:
    # 1 t at 73.06 yuan is 7306 fen; 50 g at 100 yuan are half a fen, to even: 0; 150 g: 1.5 -> 2.
    assert worth(_G_PER_T, Decimal("73.06"), "CNY") == 7306
    assert worth(50, Decimal(100), "CNY") == 0
    assert worth(150, Decimal(100), "CNY") == 2
    assert worth(_G_PER_T, Decimal(1200), "JPY") == 1200
    assert money_text(120_000_001, "CNY") == "1,200,000.01 CNY"
    assert read_money("12.5", "CNY") == 1250


@pytest.mark.parametrize("text", ["-1", "0.001", "x", "NaN", "inf"])
def test_what_is_no_amount_of_money_is_refused(text: str) -> None:
    with pytest.raises(InputRefused):
        read_money(text, "CNY")


def test_the_unit_that_is_left_goes_to_the_largest_remainder_then_the_first_name() -> None:
    # 100 fen by thirds: 33 each, one left, all remainders alike: a.
    assert divided(100, 0, {"c": 1, "b": 1, "a": 1}) == {"a": 34, "b": 33, "c": 33}
    # 90 after fees by 1:2:4 of 7 = 12.86, 25.71, 51.43: two left, to a and b.
    assert divided(100, 10, {"a": 1, "b": 2, "c": 4}) == {"a": 13, "b": 26, "c": 51}


def test_fees_above_the_proceeds_are_refused() -> None:
    with pytest.raises(InputRefused):
        divided(10, 11, {"a": 1})


WEIGHTS = st.dictionaries(
    st.text("abc/%司", min_size=1, max_size=4), st.integers(0, 10**13), min_size=1, max_size=30
).filter(lambda weights_g: sum(weights_g.values()) > 0)


@given(WEIGHTS, st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_division_leaves_nothing_and_nobody_loses_a_unit(
    weights_g: dict[str, int], part: int, fees: int
) -> None:
    parts = divided(part + fees, fees, weights_g)
    assert sum(parts.values()) == part
    assert parts == divided(part + fees, fees, dict(reversed(weights_g.items())))
    whole = sum(weights_g.values())
    for name, weight_g in weights_g.items():
        assert abs(parts[name] - Fraction(part * weight_g, whole)) < 1


def beijing(drivers_count: int) -> list[Entry]:
    """A vintage of 24,000 t, all of it the drivers', in shares that come out nowhere."""
    rest_g, figures = 24_000 * _G_PER_T, {}
    for number in range(drivers_count - 1):
        figures[f"D{number:05d}", "V"] = 20_000_000 + number * 7_919 % 9_973
        rest_g -= figures[f"D{number:05d}", "V"]
    return post([], {**figures, ("Z", "V"): rest_g}, rule=rule_of("1", "0", "0", "0"))


def test_the_beijing_case_returns_every_fen_to_the_participants() -> None:
    # 24,000 t sold for 1.2 million yuan, 50 yuan a tonne, all returned to those who took part.
    issued = beijing(1_000)
    lot = acts.chosen(pieces_of(issued), 24_000 * _G_PER_T)
    reserved = list(acts.post(act_of("lot/B/reserve"), acts.all_to("pending/B", lot)))
    proceeds = worth(24_000 * _G_PER_T, Decimal(50), "CNY")
    assert proceeds == 120_000_000
    parts = divided(proceeds, 0, given_g(reserved))
    assert (len(parts), sum(parts.values())) == (1_000, 120_000_000)
    pending = [one for one in pieces_of([*issued, *reserved]) if one.account == "pending/B"]
    settled = list(
        acts.post(
            act_of("lot/B/settle", acts.LOT_SETTLED),
            acts.all_to("sold/City", pending),
            sale_payments("City", proceeds, 0, parts=parts),
            currency="CNY",
        )
    )
    sums = total(sums_of([*issued, *reserved, *settled]))
    assert (sums.issued_g, sums.sold_g, sums.holds) == (24_000 * _G_PER_T,) * 2 + (True,)
    cash = {
        account: held for (book, _, account), held in balances(settled).items() if book == "cash"
    }
    assert (sum(cash.values()), cash["cash:bank"], cash["cash:buyer/City"]) == (0, 120_000_000, 0)
    # The first driver: 20 t of 24,000 t are 1,000 yuan.
    assert cash["cash:driver/D00000/V"] == -100_000
    owed = {account: -held for account, held in cash.items() if account.startswith("cash:driver/")}
    paid = acts.post(act_of("lot/B/pay"), (), payouts(owed), currency="CNY")
    assert {held for key, held in balances([*settled, *paid]).items() if key[0] == "cash"} == {0}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "void", "retire", "transfer", "cancel", "redeem"]),
        st.integers(1, 700),
        st.integers(0, 5),
    ),
    max_size=14,
)


@settings(deadline=None)
@given(STEPS, st.tuples(*[st.integers(0, 900)] * 3))
def test_whatever_is_done_every_gram_stands_in_one_account(
    steps: list[tuple[str, int, int]], figures_g: tuple[int, ...]
) -> None:
    pairs = [("D1", "V1"), ("D1", "V2"), ("D2", "V1")]
    entries = post([], dict(zip(pairs, figures_g, strict=True)))
    issued_g = sum(figures_g)
    open_lots: list[str] = []
    for number, (verb, amount_g, choice) in enumerate(steps):
        entries += _done(entries, verb, number, amount_g=amount_g, choice=choice, lots=open_lots)
        sums = total(sums_of(entries))
        assert sums.holds
        assert sums.issued_g == issued_g
        pieces = pieces_of(entries)
        assert sum(one.serials.amount_g for one in pieces) == issued_g
        for (book, _, account), held in balances(entries).items():
            if book == "carbon" and account != "issued":
                assert held == amounts(pieces).get(account, 0)
    cash = [held for key, held in balances(entries).items() if key[0] == "cash"]
    assert sum(cash) == 0


def _done(
    entries: list[Entry], verb: str, number: int, *, amount_g: int, choice: int, lots: list[str]
) -> list[Entry]:
    """The entries of an act; none where there is not enough, or no lot is open."""
    pieces = pieces_of(entries)
    lot = lots.pop(choice % len(lots)) if lots and verb in ("settle", "void") else ""
    if verb in ("settle", "void"):
        return _ended(entries, pieces, verb, lot) if lot else []
    prefix, receiver = {
        "reserve": ("held:driver/", f"pending/L{number}"),
        "retire": ("sold/", "retired/B"),
        "transfer": ("held:driver/D1/", "held:good/trees"),
        "cancel": ("buffer", "cancelled/mistake"),
        "redeem": ("held:driver/D2/", "held:platform"),
    }[verb]
    there = [one for one in pieces if one.account.startswith(prefix)]
    try:
        taken = acts.chosen(there, amount_g)
    except InputRefused:
        assert sum(one.serials.amount_g for one in there) < amount_g
        return []
    assert sum(one.serials.amount_g for one in taken) == amount_g
    if verb == "reserve":
        lots.append(f"L{number}")
    name = acts.lot_act(f"L{number}", "reserve") if verb == "reserve" else f"{verb}/{number}"
    return list(acts.post(act_of(name), acts.all_to(receiver, taken)))


def _ended(entries: list[Entry], pieces: list[Piece], verb: str, lot: str) -> list[Entry]:
    reserved = [one for one in entries if one.transaction_id == acts.lot_act(lot, "reserve")]
    if verb == "void":
        return list(acts.post(act_of(acts.lot_act(lot, "void")), acts.returned(reserved)))
    weights_g = given_g(reserved)
    proceeds = worth(sum(weights_g.values()), Decimal("73060.5"), "CNY")
    payments = sale_payments("B", proceeds, 0, parts=divided(proceeds, 0, weights_g))
    pending = [one for one in pieces if one.account == f"pending/{lot}"]
    moves = acts.all_to("sold/B", pending)
    return list(acts.post(act_of(acts.lot_act(lot, "settle")), moves, payments, currency="CNY"))
