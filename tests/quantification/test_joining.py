"""What joining changed for others, on top of what a driver does since, tells of him before."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fleet_carbon.quantification.counterfactual import Baseline
from fleet_carbon.quantification.joining import SINCE_JOINING, Changes
from fleet_carbon.quantification.month_scatter import MonthScatters
from tests.quantification.account_builders import MONTH
from tests.quantification.counterfactual_builders import RULES, lane, lanes

OTHERS = ("A", "B", "C", "D", "E")
JOINED = dict.fromkeys((*OTHERS, "D1"), "2026-01")
# Before: 2 loaded km per km at full payload (payload 0.5), 2 x 4 / 6 = 4/3 empty ones.
BEFORE = {"month": "2025-11"}
# Since: payload 2/3, so 1.5 loaded km, and 1.5 x 2 / 6 = 0.5 empty ones.
SINCE = {"month": "2026-01", "empty_km": 2_000.0, "transport_work_tkm": 120_000.0}
# D1 this month: payload 2/3, and 1.5 x 3 / 6 = 0.75 empty ones.
NOW = {"month": str(MONTH), "empty_km": 3_000.0, "transport_work_tkm": 120_000.0}


def both_sides(*names: str, **since: Any) -> list[dict[str, Any]]:
    return [lane(name, **side) for name in names for side in (BEFORE, {**SINCE, **since})]


def told(
    *rows: dict[str, Any], joined: dict[str, str] | None = None, **now: Any
) -> Baseline | None:
    """What is told of D1."""
    changes = Changes.of_lanes(
        lanes(*rows),
        JOINED if joined is None else joined,
        month=MONTH,
        scatters=MonthScatters.of_rows(lanes(), RULES),
        rules=RULES,
    )
    return changes.baselines(lanes(lane("D1", **{**NOW, **now}))).get(("D1", "T1"))


def known(*rows: dict[str, Any], **given: Any) -> Baseline:
    found = told(*rows, **given)
    assert found is not None
    return found


def test_what_joining_changed_for_others_is_put_on_top_of_what_he_does_now() -> None:
    # 1.5 + (2 - 1.5) = 2 loaded, 0.75 + (4/3 - 0.5) = 19/12 empty: payload 1/2, r = 19/24.
    found = known(*both_sides(*OTHERS))
    assert found.payload_utilisation_share == pytest.approx(0.5)
    assert found.empty_share == pytest.approx(19 / 43)
    assert (found.source, found.sample_count, found.from_on) == (SINCE_JOINING, 5, "2025-11-01")
    assert found.efficiency_index is None


def test_a_kilometre_for_nothing_raises_it_by_no_more_than_itself() -> None:
    def empty_km(found: Baseline) -> float:
        """Of the counterfactual, for the 120,000 tkm of the month with 30 t."""
        loaded_km = 120_000.0 / (30.0 * found.payload_utilisation_share)
        return loaded_km * found.empty_share / (1 - found.empty_share)

    plain = known(*both_sides(*OTHERS))
    circling = known(*both_sides(*OTHERS), empty_km=4_000.0)
    assert empty_km(circling) - empty_km(plain) == pytest.approx(1_000.0)


def test_where_all_changed_alike_belief_and_luck_of_months_are_left() -> None:
    # Drivers: four degrees of freedom without scatter beside four of 0.01: 0.005, times 1 + 1/5.
    # Luck of 0.1 a month: one month of his own, 0.01; two of each of five others, 2 x 0.01 / 5.
    found = known(*both_sides(*OTHERS))
    standard = math.sqrt(0.005 * 1.2 + 0.01 + 0.004)
    assert found.payload_standard_share == pytest.approx(standard)
    assert found.empty_standard_share == pytest.approx(standard)


def test_it_is_no_surer_than_it_is_of_the_others() -> None:
    # 1, 1, 2, 2 and 1.5 loaded km since, 2 before: 0.5 less on average, so that 1.5, 1.5, 2.5, 2.5
    # and 2 would be told: -1/4, -1/4, 1/4, 1/4, 0 off. Square 1/4 / 4 = 0.0625, of which luck of
    # two months is 0.02: 0.0425, and with belief (0.04 + 4 x 0.0425) / 8 = 0.02625.
    rows = [
        *both_sides("A", "B", transport_work_tkm=180_000.0),
        *both_sides("C", "D", transport_work_tkm=90_000.0),
        *both_sides("E"),
    ]
    found = known(*rows)
    assert found.payload_utilisation_share == pytest.approx(0.5)
    assert found.payload_standard_share == pytest.approx(math.sqrt(0.02625 * 1.2 + 0.01 + 0.004))


def test_all_of_his_months_since_count_and_steady_his_luck() -> None:
    # Two equal months: half of the luck of one.
    earlier = lane("D1", **{**NOW, "month": "2026-02"})
    found = known(*both_sides(*OTHERS), earlier)
    assert found.empty_share == pytest.approx(19 / 43)
    assert found.payload_standard_share == pytest.approx(math.sqrt(0.006 + 0.005 + 0.004))


def test_what_he_did_himself_before_is_no_part_of_it() -> None:
    plain, circling = (
        known(*both_sides(*OTHERS), lane("D1", empty_km=empty_km), lane("D1", **SINCE))
        for empty_km in (4_000.0, 40_000.0)
    )
    assert circling.empty_share == pytest.approx(plain.empty_share, rel=1e-12)
    assert circling.sample_count == plain.sample_count == 5


def test_unknown_kilometres_are_driven_and_not_empty() -> None:
    # As if 8,000 km were loaded for the ratio: 1.5 x 3 / 8, so a missing order raises nothing.
    found = known(*both_sides(*OTHERS), unknown_km=2_000.0)
    ratio = (1.5 * 3 / 8 + 5 / 6) / 2
    assert found.empty_share == pytest.approx(ratio / (1 + ratio))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        both_sides(*OTHERS[:4]),
        # Of the fifth one side only, or too few kilometres on one, or another class.
        [*both_sides(*OTHERS[:4]), lane("E")],
        [*both_sides(*OTHERS[:4]), lane("E", **SINCE)],
        [*both_sides(*OTHERS[:4]), *both_sides("E", loaded_km=1_999.0)],
        [*both_sides(*OTHERS[:4]), *both_sides("E", vehicle_class="rigid_18t")],
        # More than three years ago.
        [*both_sides(*OTHERS[:4]), lane("E", month="2023-02"), lane("E", **SINCE)],
    ],
)
def test_fewer_than_five_others_with_both_sides_tell_nothing(rows: list[dict[str, Any]]) -> None:
    assert told(*rows) is None


def test_who_is_not_known_to_have_joined_tells_nothing_of_others() -> None:
    unknown = {name: month for name, month in JOINED.items() if name != "E"}
    assert told(*both_sides(*OTHERS), joined=unknown) is None


def test_of_less_than_the_kilometres_of_an_own_history_nothing_is_told() -> None:
    assert told(*both_sides(*OTHERS), loaded_km=500.0, empty_km=499.0) is None
    # With the months before together they are enough.
    found = told(
        *both_sides(*OTHERS), lane("D1", **{**NOW, "month": "2026-02"}), loaded_km=500.0,
        empty_km=499.0,
    )  # fmt: skip
    assert found is not None


def test_a_change_so_large_that_nothing_would_be_left_is_not_told() -> None:
    # Others were emptier since by 3 loaded km's worth: less than no kilometre before.
    worse = both_sides(*OTHERS, transport_work_tkm=30_000.0)
    assert told(*worse) is None
