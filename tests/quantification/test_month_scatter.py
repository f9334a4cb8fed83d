"""How the months of one driver differ is learned from the months of the others."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fleet_carbon.quantification.month_scatter import MonthScatters
from tests.quantification.counterfactual_builders import RULES, lane, lanes

CLASS = "tractor_trailer"
# 0.3 and 0.5 of 10,000 km empty; payload 0.5 of 210,000 tkm and 0.6 of 150,000 tkm.
UNEVEN = (
    {"month": "2025-10", "empty_km": 3_000.0, "loaded_km": 7_000.0, "transport_work_tkm": 105_000.0,
     "capacity_tkm": 210_000.0},
    {"month": "2025-11", "empty_km": 5_000.0, "loaded_km": 5_000.0, "transport_work_tkm": 90_000.0,
     "capacity_tkm": 150_000.0},
)  # fmt: skip
EVEN = ({"month": "2025-10"}, {"month": "2025-11"}, {"month": "2025-12"})


def of(driver_id: str, *rows: dict[str, object]) -> MonthScatters:
    return MonthScatters.of_rows(lanes(*(lane(driver_id, **row) for row in rows)), RULES)


def test_months_are_held_against_the_mean_of_their_driver() -> None:
    # Empty: +-0.25 of 0.40, one degree of freedom: 2 x 0.0625 = 0.125; four months' worth of 0.01:
    # (0.04 + 0.125) / 5 = 0.033. Payload: mean 195 / 360; weights 7 and 5 twelfths.
    found = of("A", *UNEVEN).of_others(CLASS, "D1")
    assert found.empty_share == pytest.approx(math.sqrt(0.033))
    mean = 195 / 360
    square = 2 * (7 / 12 * (0.5 / mean - 1) ** 2 + 5 / 12 * (0.6 / mean - 1) ** 2)
    assert found.payload_share == pytest.approx(math.sqrt((0.04 + square) / 5))
    assert found.is_seen


def test_drivers_may_differ_from_one_another_as_they_like() -> None:
    # Each is even by himself: two and two degrees of freedom without any scatter.
    other = {"empty_km": 1_000.0, "transport_work_tkm": 30_000.0}
    rows = [lane("A", **one) for one in EVEN] + [lane("B", **one, **other) for one in EVEN]
    found = MonthScatters.of_rows(lanes(*rows), RULES).of_others(CLASS, "D1")
    assert found.empty_share == pytest.approx(math.sqrt(0.04 / 8))
    assert found.payload_share == pytest.approx(math.sqrt(0.04 / 8))


def test_ones_own_months_other_classes_and_single_months_say_nothing() -> None:
    believed = RULES.month_scatter_share
    for scatters in (of("D1", *UNEVEN), of("A", UNEVEN[0]), of("A")):
        found = scatters.of_others(CLASS, "D1")
        assert (found.empty_share, found.payload_share) == pytest.approx((believed, believed))
        assert not found.is_seen
    assert of("A", *UNEVEN).of_others("rigid_18t", "D1").empty_share == pytest.approx(believed)


def test_the_lanes_of_a_month_are_one_month() -> None:
    halves = [
        {
            **row,
            **{name: value / 2 for name, value in row.items() if name != "month"},
            "origin": end,
        }
        for row in UNEVEN
        for end in ("N30E113", "N31E113")
    ]
    whole = of("A", *UNEVEN).of_others(CLASS, "D1")
    assert of("A", *halves).of_others(CLASS, "D1") == replace(
        whole,
        empty_share=pytest.approx(whole.empty_share),
        payload_share=pytest.approx(whole.payload_share),
    )
