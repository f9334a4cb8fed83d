"""How months of the year differ: learned from all drivers before they joined, and put in."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fleet_carbon.periods import Month
from fleet_carbon.quantification.baseline import baselines_side_by_side
from fleet_carbon.quantification.counterfactual import Baseline, BaselineRules
from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.seasons import USUAL, Seasons
from tests.quantification.account_builders import EDITION, MONTH, baselines, history, past
from tests.quantification.counterfactual_builders import (
    TRUCKS,
    by_source,
    driven,
    joined,
    lane,
    lanes,
    records,
)

RULES = fill_rules(EDITION, "baseline", BaselineRules)
OTHERS = [f"D{number}" for number in range(2, 8)]
JOINED = dict.fromkeys(["D1", *OTHERS], "2025-12")
JULY = Month(2026, 7, MONTH.zone)


def two_months(driver_id: str, march_km: float, july_km: float) -> list[dict[str, Any]]:
    """Beside 6,000 km loaded in either."""
    kilometres = {"2025-03": march_km, "2025-07": july_km}
    return [lane(driver_id, month=month, empty_km=km) for month, km in kilometres.items()]


def seasons(*rows: dict[str, Any], month: Month = MONTH) -> Seasons:
    return Seasons.of_lanes(lanes(*rows), JOINED, month=month, rules=RULES)


def alike(*names: str) -> list[dict[str, Any]]:
    """A tenth more in March than in a usual month, a tenth less in July; D2 drives twice it."""
    return [
        row
        for name in names
        for row in two_months(name, *((8_800, 7_200) if name == "D2" else (4_400, 3_600)))
    ]


def test_what_all_do_alike_is_the_season() -> None:
    found = seasons(*alike(*OTHERS))
    assert found.of_month(MONTH, "D1").index == pytest.approx(1.1)
    assert found.of_month(JULY, "D1").index == pytest.approx(0.9)
    assert found.of_month(MONTH, "D1").standard_share == pytest.approx(0.0, abs=1e-6)
    # Nobody was seen in April.
    assert found.of_month(Month(2026, 4, MONTH.zone), "D1").index == 1.0


def test_what_differs_from_driver_to_driver_is_luck_as_far_as_it_goes() -> None:
    rows = [
        row
        for at, name in enumerate(OTHERS)
        for row in two_months(name, *((4_800, 3_200) if at % 2 else (4_000, 4_000)))
    ]
    # As before the indices are 1.1 and 0.9; s^2 = (400^2/4,400 + 400^2/3,600) / 8,000 x 12/5,
    # v = s^2 / 6 = 0.00404, t^2 = 2 x 0.1^2 / 1 - v = 0.01596, b = t^2 / (t^2 + v) = 0.798.
    found = seasons(*rows).of_month(MONTH, "D1")
    assert found.index == pytest.approx(1.0798, abs=1e-4)
    assert found.standard_share == pytest.approx(math.sqrt(0.0159596 * 0.2020202), abs=1e-4)


def test_a_driver_is_no_witness_of_his_own_season() -> None:
    # Circling in March moves the March of others, and not his own.
    rows = [*alike(*OTHERS), *two_months("D1", 9_000, 3_600)]
    found = seasons(*rows)
    own, other = (found.of_month(MONTH, name).index for name in ("D1", "D3"))
    # What the others did is 1.1, drawn to 1; others hear of his circling.
    assert 1.0 < own < 1.1
    assert own < other


@pytest.mark.parametrize(
    "rows",
    [
        [],
        alike(*OTHERS[:4]),  # fewer than a cohort needs
        [row for row in alike(*OTHERS) if row["month"] == "2025-03"],  # one month of each
        [row | {"month": f"2025-12{row['month'][7:]}"} for row in alike(*OTHERS)],  # since joining
        [row | {"month": row["month"].replace("2025", "2021")} for row in alike(*OTHERS)],  # old
    ],
)
def test_too_little_tells_of_no_season(rows: list[dict[str, Any]]) -> None:
    found = seasons(*rows)
    assert found.of_month(MONTH, "D1") == USUAL
    assert found.index_of("2025-07") == 1.0


def test_a_baseline_of_other_months_is_told_of_this_one_and_a_line_of_the_driver_is_not() -> None:
    known = records(
        baselines({}),
        drivers=joined(D1="2026-01-01", **dict.fromkeys(OTHERS, "2025-12-01")),
        earlier=history(past("2025-07")),
        before=lanes(*alike(*OTHERS)),
    )
    (found,) = baselines_side_by_side([("D1", "T1")], [TRUCKS["T1"]], driven(), records=known)
    told: dict[str, Baseline] = by_source(found.baselines)
    # 4,000 km empty beside 6,000 in a July of 0.9: in a March of 1.1 r = 2/3 / 0.9 x 1.1 = 22/27.
    assert told["own_history"].empty_share == pytest.approx(22 / 49)
    assert told["declared_driver"].empty_share == 0.4
    assert found.season.index == pytest.approx(1.1)


def test_the_order_of_rows_changes_nothing() -> None:
    rows = alike(*OTHERS)
    one, other = seasons(*rows), seasons(*reversed(rows))
    assert one.of_month(MONTH, "D3").index == pytest.approx(other.of_month(MONTH, "D3").index)
