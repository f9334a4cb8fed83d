"""Which counterfactual holds: the driver's line, own months before joining, the class, or none."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from fleet_carbon.periods import Month
from fleet_carbon.quantification.baseline import Baseline, BaselineRecords, choose_baseline
from fleet_carbon.quantification.fuel import fuel_of_truck
from tests.quantification.account_builders import (
    EDITION,
    MONTH,
    TRUCK,
    baselines,
    drivers,
    history,
    past,
)

CLASS = {"driver_id": None, "vehicle_class": "tractor_trailer"}
TRUCKS = {"T1": fuel_of_truck(TRUCK, EDITION)}
NO_LINES = baselines().iloc[:0]


def chosen(
    lines: pd.DataFrame,
    *,
    earlier: pd.DataFrame | None = None,
    joined_on: str | None = None,
    driver_id: str = "D1",
    month: Month = MONTH,
) -> Baseline | None:
    records = BaselineRecords(
        drivers(joined_on), lines, history() if earlier is None else earlier, TRUCKS
    )
    return choose_baseline(driver_id, TRUCKS["T1"], month=month, records=records, edition=EDITION)


def source(*args: Any, **given: Any) -> str:
    found = chosen(*args, **given)
    return "none" if found is None else found.source


def test_a_line_of_the_driver_comes_before_own_months_and_the_class() -> None:
    lines = baselines({}, CLASS)
    assert (
        source(lines, earlier=history(past("2025-11")), joined_on="2026-01-01") == "declared_driver"
    )


def test_own_months_come_before_the_class() -> None:
    earlier = history(past("2025-11"))
    assert source(baselines(CLASS), earlier=earlier, joined_on="2026-01-01") == "own_history"


def test_the_class_serves_where_nothing_is_known_of_the_driver() -> None:
    assert source(baselines(CLASS)) == "declared_class"
    assert source(baselines(CLASS), driver_id="") == "declared_class"


def test_a_class_line_may_have_an_empty_text_for_its_driver() -> None:
    assert source(baselines({**CLASS, "driver_id": ""})) == "declared_class"


def test_without_any_line_there_is_no_counterfactual() -> None:
    assert source(NO_LINES) == "none"
    assert source(baselines({"driver_id": "D2"})) == "none"
    assert source(baselines({**CLASS, "vehicle_class": "rigid_18t"})) == "none"


@pytest.mark.parametrize(
    ("valid_from", "found"),
    [("2026-03-01", "declared_driver"), ("2026-03-02", "none"), ("2026-02-28", "declared_driver")],
)
def test_a_line_must_be_in_force_on_the_first_day_of_the_month(valid_from: str, found: str) -> None:
    assert source(baselines({"valid_from": valid_from})) == found


def test_the_latest_line_in_force_holds() -> None:
    lines = baselines(
        {"valid_from": "2026-02-01", "empty_share": 0.3},
        {"valid_from": "2025-01-01", "empty_share": 0.5},
        {"valid_from": "2026-04-01", "empty_share": 0.1},
    )
    found = chosen(lines)
    assert found is not None
    assert found.empty_share == 0.3


def test_a_line_carries_search_share_and_efficiency_if_given() -> None:
    found = chosen(baselines({"search_share": 0.8, "efficiency_index": 1.05}))
    assert found == Baseline("declared_driver", 0.40, 0.50, 0.8, 1.05)
    bare = chosen(baselines())
    assert bare is not None
    assert (bare.search_share, bare.efficiency_index) == (None, None)


def own(*rows: dict[str, Any], joined_on: str | None = "2026-01-01") -> Baseline | None:
    return chosen(NO_LINES, earlier=history(*rows), joined_on=joined_on)


def test_own_months_are_weighted_by_kilometres() -> None:
    # 4,000 of 10,000 km empty and 500 of 5,000: 4,500 / 15,000 = 0.30.
    # 90,000 + 81,000 tkm over 30 t x (6,000 + 4,500 km) = 171,000 / 315,000.
    small = {
        "distance_km": 5_000.0, "loaded_km": 4_500.0, "empty_km": 500.0, "search_km": 500.0,
        "transport_work_tkm": 81_000.0,
    }  # fmt: skip
    found = own(past("2025-10"), past("2025-11", **small))
    assert found is not None
    assert found.empty_share == pytest.approx(0.30)
    assert found.payload_utilisation_share == pytest.approx(171_000 / 315_000)
    assert found.search_share == pytest.approx(1_500 / 4_500)
    assert found.efficiency_index is None


def test_unknown_kilometres_do_not_make_a_baseline_look_emptier() -> None:
    found = own(past("2025-11", loaded_km=5_000.0, unknown_km=1_000.0))
    assert found is not None
    assert found.empty_share == pytest.approx(4_000 / 10_000)


@pytest.mark.parametrize(
    ("joined_on", "is_used"),
    [("2025-12-01", True), ("2025-11-30", False), ("2025-11-01", False), (None, False)],
)
def test_only_months_that_ended_before_joining_count(joined_on: str | None, is_used: bool) -> None:
    assert (own(past("2025-11"), joined_on=joined_on) is not None) == is_used


@pytest.mark.parametrize(("distance_km", "is_used"), [(3_999.0, False), (4_000.0, True)])
def test_own_months_need_the_kilometres_of_the_edition(distance_km: float, is_used: bool) -> None:
    row = past("2025-11", distance_km=distance_km, loaded_km=2_000.0, empty_km=1_000.0)
    assert (own(row) is not None) == is_used


def test_only_the_last_twelve_own_months_count() -> None:
    old = [past(f"2024-{number:02d}", empty_km=9_000.0) for number in range(1, 13)]
    recent = [past(f"2025-{number:02d}") for number in range(1, 13)]
    found = own(*old, *recent)
    assert found is not None
    assert found.empty_share == pytest.approx(0.40)


def test_own_months_of_another_driver_or_an_unknown_truck_do_not_count() -> None:
    assert own(past("2025-11", driver_id="D2")) is None
    assert own(past("2025-11", vehicle_id="T9")) is None


def test_a_month_before_joining_has_no_own_history() -> None:
    month = Month(2025, 12, ZoneInfo("Asia/Shanghai"))
    earlier = history(past("2025-11"))
    assert source(NO_LINES, earlier=earlier, joined_on="2026-01-01", month=month) == "none"


def test_own_months_measured_by_a_counter_give_an_efficiency() -> None:
    # Model: 0.2344 x 10,000 + 0.006 x 90,000 = 2,884 l; burnt 3,000 - 20 h x 2 l = 2,960 l.
    found = own(past("2025-11", diesel_source="counter", idle_h=20.0))
    assert found is not None
    assert found.efficiency_index == pytest.approx(2_960 / 2_884)


def test_one_month_without_counter_leaves_the_efficiency_unknown() -> None:
    found = own(past("2025-10"), past("2025-11", diesel_source="counter"))
    assert found is not None
    assert found.efficiency_index is None


def test_months_without_a_loaded_kilometre_are_no_baseline() -> None:
    assert own(past("2025-11", loaded_km=0.0, empty_km=10_000.0, transport_work_tkm=0.0)) is None
