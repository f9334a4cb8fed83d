"""Which counterfactuals there are side by side: declared, own months, a cohort, the class."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from fleet_carbon.periods import Month
from fleet_carbon.quantification.baseline import Candidates, baselines_side_by_side
from fleet_carbon.quantification.counterfactual import Baseline, BaselineRules, MonthScatter
from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.fuel import fuel_of_truck
from fleet_carbon.quantification.own_months import months_before_joining, own_history
from tests.quantification.account_builders import (
    EDITION,
    MONTH,
    TRUCK,
    baselines,
    drivers,
    history,
    past,
    vehicles,
)
from tests.quantification.counterfactual_builders import (
    TRUCKS,
    by_source,
    driven,
    joined,
    lane,
    lanes,
    records,
)

CLASS = {"driver_id": None, "vehicle_class": "tractor_trailer"}
NO_LINES = baselines().iloc[:0]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def found(
    lines: pd.DataFrame,
    *,
    earlier: pd.DataFrame | None = None,
    joined_on: str | None = None,
    driver_id: str = "D1",
    month: Month = MONTH,
    **given: Any,
) -> Candidates:
    known = records(lines, drivers=drivers(joined_on), month=month, earlier=earlier, **given)
    account = (driver_id, "T1")
    return baselines_side_by_side([account], [TRUCKS["T1"]], driven(), records=known)[0]


def sources(*args: Any, **given: Any) -> list[str]:
    return [baseline.source for baseline in found(*args, **given).baselines]


def test_all_that_there_are_stand_side_by_side_in_a_fixed_order() -> None:
    given = {"earlier": history(past("2025-11")), "joined_on": "2026-01-01"}
    assert sources(baselines(CLASS, {}), **given) == [
        "declared_driver", "own_history", "declared_class",
    ]  # fmt: skip


def test_the_class_alone_serves_where_nothing_is_known_of_the_driver() -> None:
    assert sources(baselines(CLASS)) == ["declared_class"]
    assert sources(baselines(CLASS), driver_id="") == ["declared_class"]


def test_a_class_line_may_have_an_empty_text_for_its_driver() -> None:
    assert sources(baselines({**CLASS, "driver_id": ""})) == ["declared_class"]


def test_without_any_there_is_nothing_to_compare_with() -> None:
    for lines in (NO_LINES, baselines({"driver_id": "D2"})):
        one = found(lines)
        assert one.baselines == ()
        assert {"no_baseline", "no_cohort"} == one.notes


@pytest.mark.parametrize(
    ("valid_from", "is_there"),
    [("2026-03-01", True), ("2026-03-02", False), ("2026-02-28", True)],
)
def test_a_line_must_be_in_force_on_the_first_day_of_the_month(
    valid_from: str, is_there: bool
) -> None:
    assert bool(sources(baselines({"valid_from": valid_from}))) == is_there


@pytest.mark.parametrize(
    ("valid_from", "is_there"),
    # 7 years of 365.25 days are 2,556.75 days; 2019-03-02 is 2,556 days before 2026-03-01.
    [("2019-03-02", True), ("2019-03-01", False)],
)
def test_a_line_that_is_too_old_is_named_and_not_used(valid_from: str, is_there: bool) -> None:
    for line in ({}, CLASS):
        one = found(baselines({**line, "valid_from": valid_from}))
        assert bool(one.baselines) == is_there
        assert ("baseline_too_old" in one.notes) != is_there


def test_the_latest_line_in_force_holds_and_says_since_when() -> None:
    lines = baselines(
        {"valid_from": "2026-02-01", "empty_share": 0.3},
        {"valid_from": "2025-01-01", "empty_share": 0.5},
        {"valid_from": "2026-04-01", "empty_share": 0.1},
    )
    (line,) = found(lines).baselines
    assert (line.empty_share, line.from_on) == (0.3, "2026-02-01")


def test_a_line_carries_its_efficiency_if_given_and_states_no_uncertainty() -> None:
    (line,) = found(baselines({"efficiency_index": 1.05})).baselines
    assert line == Baseline("declared_driver", 0.40, 0.50, 1.05, from_on="2026-01-01")
    assert math.isnan(line.empty_standard_share)
    (bare,) = found(baselines()).baselines
    assert bare.efficiency_index is None


def test_nothing_is_compared_in_a_month_before_the_driver_joined() -> None:
    month = Month(2025, 12, SHANGHAI)
    one = found(baselines({}, CLASS), joined_on="2026-01-15", month=month)
    assert one.baselines == ()
    assert one.notes == {"before_joining"}
    # In the month of joining it is.
    assert sources(baselines(), joined_on="2026-03-31") == ["declared_driver"]


def test_a_driver_who_joined_without_history_is_named() -> None:
    one = found(baselines(), joined_on="2026-01-01")
    assert "joined_without_history" in one.notes
    assert "joined_without_history" not in found(baselines()).notes
    small = past("2025-11", distance_km=3_999.0, loaded_km=2_000.0, empty_km=1_000.0)
    one = found(baselines(), joined_on="2026-01-01", earlier=history(small))
    assert "joined_without_history" in one.notes


def own(*rows: dict[str, Any], joined_on: str = "2026-01-01", **given: Any) -> Baseline | None:
    candidates = found(NO_LINES, earlier=history(*rows), joined_on=joined_on, **given)
    return by_source(candidates.baselines).get("own_history")


def test_months_since_joining_stand_beside_them_and_are_none_of_them() -> None:
    others = ("A", "B", "C", "D", "E")
    since = {"month": "2026-01", "empty_km": 2_000.0, "transport_work_tkm": 120_000.0}
    before = lanes(*(lane(name, **side) for name in others for side in ({}, since)))
    register = joined(**dict.fromkeys((*others, "D1"), "2026-01-01"))
    known = records(NO_LINES, drivers=register, before=before)
    now = driven(lane("D1", **{**since, "month": str(MONTH)}))
    one, *nobody = baselines_side_by_side(
        [("D1", "T1"), ("", "T1")], [TRUCKS["T1"]] * 2, now, records=known
    )
    # As the others drive since, so does he: then he drove as they did, 40 % empty, half full.
    assert [each.source for each in one.baselines] == ["cohort"]
    assert one.since is not None
    assert (one.since.empty_share, one.since.payload_utilisation_share) == pytest.approx((0.4, 0.5))
    assert [each.since for each in nobody] == [None]
    # Who joins only next month has no month since, nor has he of whom it is not known.
    for day in ("2026-04-01", None):
        register = joined(**dict.fromkeys(others, "2026-01-01"), D1=day)
        known = records(NO_LINES, drivers=register, before=before)
        (one,) = baselines_side_by_side([("D1", "T1")], [TRUCKS["T1"]], now, records=known)
        assert one.since is None


def test_own_months_are_weighted_by_kilometres() -> None:
    # 4,000 of 10,000 km empty and 500 of 5,000: 4,500 / 15,000 = 0.30.
    # 90,000 + 81,000 tkm over 30 t x (6,000 + 4,500 km) = 171,000 / 315,000.
    small = {
        "distance_km": 5_000.0, "loaded_km": 4_500.0, "empty_km": 500.0,
        "transport_work_tkm": 81_000.0,
    }  # fmt: skip
    one = own(past("2025-10"), past("2025-11", **small))
    assert one is not None
    assert one.empty_share == pytest.approx(0.30)
    assert one.payload_utilisation_share == pytest.approx(171_000 / 315_000)
    assert one.efficiency_index is None
    assert (one.sample_count, one.from_on) == (2, "2025-10-01")


def test_how_sure_own_months_are_follows_from_their_scatter() -> None:
    # Two months of 10,000 km, 5,000 and 3,000 of them empty: 0.40; relative deviations 0.25 each,
    # so s^2 = 2/1 (0.5 x 0.0625 + 0.5 x 0.0625) = 0.125. With 4 months' worth of 0.10:
    # (4 x 0.01 + 1 x 0.125) / 5 = 0.033; the mean of two equal months: sqrt(0.033 / 2).
    # Payload 0.6 and 0.3 on 5,000 and 7,000 km: 153,000 / 360,000 = 0.425.
    first = {"loaded_km": 5_000.0, "empty_km": 5_000.0, "transport_work_tkm": 90_000.0}
    second = {"loaded_km": 7_000.0, "empty_km": 3_000.0, "transport_work_tkm": 63_000.0}
    one = own(past("2025-10", **first), past("2025-11", **second))
    assert one is not None
    assert one.empty_standard_share == pytest.approx(math.sqrt(0.033 / 2))
    weight = (5 / 12, 7 / 12)
    square = 2 * (weight[0] * (0.6 / 0.425 - 1) ** 2 + weight[1] * (0.3 / 0.425 - 1) ** 2)
    believed = math.sqrt((4 * 0.01 + square) / 5 * (weight[0] ** 2 + weight[1] ** 2))
    assert one.payload_utilisation_share == pytest.approx(0.425)
    assert one.payload_standard_share == pytest.approx(believed)


def test_one_month_is_as_sure_as_the_edition_believes_and_twelve_equal_ones_surer() -> None:
    one, twelve = own(past("2025-11")), own(*(past(f"2025-{at:02d}") for at in range(1, 13)))
    assert one is not None
    assert twelve is not None
    assert one.empty_standard_share == pytest.approx(0.10)
    # No scatter of theirs; what the edition believes is left: sqrt(4 x 0.01 / 15 / 12).
    assert twelve.empty_standard_share == pytest.approx(0.01491, abs=1e-5)


def test_months_that_were_never_empty_have_the_least_uncertainty() -> None:
    one = own(past("2025-11", loaded_km=10_000.0, empty_km=0.0, transport_work_tkm=150_000.0))
    assert one is not None
    assert (one.empty_share, one.empty_standard_share) == (0.0, 0.01)


def test_months_of_the_season_serve_where_they_hold_enough() -> None:
    # March is accounted: February to April of two years are 6 of 24 months and hold half the
    # kilometres of the last twelve.
    matched = {2, 3, 4}
    rows = [
        past(f"{year}-{at:02d}", **({"empty_km": 2_000.0} if at in matched else {}))
        for year in (2024, 2025)
        for at in range(1, 13)
    ]
    one = own(*rows)
    assert one is not None
    assert one.empty_share == pytest.approx(0.20)
    assert (one.sample_count, one.from_on) == (6, "2024-02-01")
    # One year holds a quarter only: the last twelve months serve, (9 x 0.4 + 3 x 0.2) / 12.
    one = own(*rows[12:])
    assert one is not None
    assert one.empty_share == pytest.approx(0.35)
    assert (one.sample_count, one.from_on) == (12, "2025-01-01")


def test_the_season_goes_round_the_turn_of_the_year() -> None:
    rows = [past(f"{year}-{at:02d}") for year in (2024, 2025) for at in range(1, 13)]
    one = own(*rows, month=Month(2026, 1, SHANGHAI))
    assert one is not None
    assert one.from_on == "2024-01-01"  # January, February, December of both years
    assert one.sample_count == 6


def test_unknown_kilometres_do_not_make_a_baseline_look_emptier() -> None:
    one = own(past("2025-11", loaded_km=5_000.0, unknown_km=1_000.0))
    assert one is not None
    assert one.empty_share == pytest.approx(4_000 / 10_000)


@pytest.mark.parametrize(
    ("joined_on", "is_used"),
    [("2025-12-01", True), ("2025-11-30", False), ("2025-11-01", False)],
)
def test_only_months_that_ended_before_joining_count(joined_on: str, is_used: bool) -> None:
    assert (own(past("2025-11"), joined_on=joined_on) is not None) == is_used


@pytest.mark.parametrize(("distance_km", "is_used"), [(3_999.0, False), (4_000.0, True)])
def test_own_months_need_the_kilometres_of_the_edition(distance_km: float, is_used: bool) -> None:
    row = past("2025-11", distance_km=distance_km, loaded_km=2_000.0, empty_km=1_000.0)
    assert (own(row) is not None) == is_used


@pytest.mark.parametrize(("month", "is_used"), [("2019-03", True), ("2019-02", False)])
def test_own_months_are_reset_after_the_years_of_the_edition(month: str, is_used: bool) -> None:
    one = found(NO_LINES, earlier=history(past(month)), joined_on="2019-04-01")
    assert ("own_history" in by_source(one.baselines)) == is_used
    assert ("baseline_too_old" in one.notes) != is_used


def test_own_months_of_another_driver_or_an_unknown_truck_do_not_count() -> None:
    assert own(past("2025-11", driver_id="D2")) is None
    assert own(past("2025-11", vehicle_id="T9")) is None


def test_own_months_with_a_truck_of_another_class_do_not_count() -> None:
    # A quarter of 32 t is no less than a full 8 t: what a large truck carried says nothing of it.
    trucks = {**TRUCKS, "T2": fuel_of_truck({**TRUCK, "rated_payload_t": 8.0}, EDITION)}
    register = vehicles({}, {"vehicle_id": "T2", "rated_payload_t": 8.0})
    given = {"trucks": trucks, "register": register}
    assert own(past("2025-11", vehicle_id="T2"), **given) is None
    assert own(past("2025-11"), **given) is not None


def test_own_months_measured_by_a_counter_give_an_efficiency() -> None:
    # Model: 0.2344 x 10,000 + 0.006 x 90,000 = 2,884 l; burnt 3,000 - 20 h x 2 l = 2,960 l.
    one = own(past("2025-11", diesel_source="counter", idle_h=20.0))
    assert one is not None
    assert one.efficiency_index == pytest.approx(2_960 / 2_884)


def test_the_efficiency_is_as_sure_as_its_months_are_alike() -> None:
    # Three months of equal model litres burnt 5 % less, as much and 5 % more: square 0.0025, with
    # 0.02 believed, worth four months: (4 x 0.0004 + 2 x 0.0025) / 6 = 0.0011; over three months.
    months = (
        past(month, diesel_source="counter", diesel_l=litres)
        for month, litres in (("2025-09", 2_850.0), ("2025-10", 3_000.0), ("2025-11", 3_150.0))
    )
    one = own(*months)
    assert one is not None
    assert one.efficiency_index == pytest.approx(3_000 / 2_884)
    assert one.efficiency_standard_share == pytest.approx(math.sqrt(0.0011 / 3))
    assert one.efficiency_scatter_share == pytest.approx(math.sqrt(0.0011))
    unmeasured = own(past("2025-11"))
    assert unmeasured is not None
    assert math.isnan(unmeasured.efficiency_standard_share)
    assert unmeasured.efficiency_scatter_share == 0.0


def test_one_month_without_counter_leaves_the_efficiency_unknown() -> None:
    one = own(past("2025-10"), past("2025-11", diesel_source="counter"))
    assert one is not None
    assert one.efficiency_index is None


@pytest.mark.parametrize(
    ("months", "index"),
    [
        # Burnt 3,000 - 20 h x 2 l = 2,960 l; the class 2,840 - 40 = 2,800 l.
        ({"fuel_model": "physics"}, 2_960 / 2_800),
        ({"fuel_model": "class_rates"}, None),  # another model than the month accounted
        ({"fuel_model": "physics", "diesel_source": "calibrated"}, None),  # not measured
        ({"fuel_model": "physics", "model_diesel_l": None}, None),
    ],
)
def test_a_truck_compared_by_its_class_has_the_efficiency_of_months_by_the_same_class_model(
    months: dict[str, Any], index: float | None
) -> None:
    fields = {"diesel_source": "receipts", "idle_h": 20.0, "model_diesel_l": 2_840.0, **months}
    by_class = replace(TRUCKS["T1"], model=TRUCKS["T1"].class_model, model_id="physics")
    before = months_before_joining(
        history(past("2025-11", **fields)), {"D1": "2026-01"}, lambda _: 1.0
    )["D1"]
    rules = fill_rules(EDITION, "baseline", BaselineRules)
    usual = MonthScatter(0.1, 0.1, is_seen=False)
    one, _ = own_history(before, by_class, fuels=TRUCKS, month=MONTH, scatter=usual, rules=rules)
    assert one is not None
    assert one.efficiency_index == (index if index is None else pytest.approx(index))


def test_months_without_a_loaded_kilometre_are_no_baseline() -> None:
    assert own(past("2025-11", loaded_km=0.0, empty_km=10_000.0, transport_work_tkm=0.0)) is None


STRATA: tuple[dict[str, Any], ...] = (
    CLASS,
    {**CLASS, "empty_share": 0.20, "payload_utilisation_share": 0.80, "distance_km_from": 300.0},
    {**CLASS, "empty_share": 0.50, "distance_km_until": 300.0, "cargo_t_until": 12.0},
    {**CLASS, "empty_share": 0.10, "energy": "lng", "distance_km_from": 300.0},
    {**CLASS, "empty_share": 0.10, "body_length_m_from": 13.0, "cargo_t_from": 0.0},
)


def of_class(*orders: dict[str, Any], lines: tuple[dict[str, Any], ...] = STRATA) -> Baseline:
    known = records(baselines(*lines), drivers=drivers())
    work = driven(orders=orders)
    (candidates,) = baselines_side_by_side([("D1", "T1")], [TRUCKS["T1"]], work, records=known)
    (baseline,) = candidates.baselines
    return baseline


LIGHT = {"great_circle_km": 100.0, "cargo_t": 10.0, "transport_work_tkm": 1_000.0}
HEAVY = {"great_circle_km": 100.0, "cargo_t": 25.0, "transport_work_tkm": 2_500.0}
FAR = {"great_circle_km": 300.0, "cargo_t": 25.0, "transport_work_tkm": 8_000.0}


@pytest.mark.parametrize(("order", "empty_share"), [(LIGHT, 0.5), (HEAVY, 0.4), (FAR, 0.2)])
def test_the_most_specific_line_that_fits_an_order_holds(
    order: dict[str, Any], empty_share: float
) -> None:
    # The truck burns diesel and has no length of body: the last two lines do not hold for it.
    assert of_class(order).empty_share == empty_share


def test_lines_of_several_orders_come_together_by_their_work() -> None:
    # Loaded km of the counterfactual, times 30 t: 1,000 / 0.5 = 2,000 with r = 1 and
    # 8,000 / 0.8 = 10,000 with r = 0.25: r = 4,500 / 12,000 = 0.375, e = 3/11;
    # payload 9,000 / 12,000 = 0.75.
    one = of_class(LIGHT, FAR)
    assert one.empty_share == pytest.approx(3 / 11)
    assert one.payload_utilisation_share == pytest.approx(0.75)


def test_a_later_line_takes_the_place_of_its_own_stratum_only() -> None:
    far = {**STRATA[1], "empty_share": 0.25, "valid_from": "2026-02-01"}
    plain = {**CLASS, "empty_share": 0.30, "valid_from": "2026-02-01"}
    assert of_class(FAR, lines=(*STRATA, far, plain)).empty_share == 0.25
    assert of_class(HEAVY, lines=(*STRATA, far, plain)).empty_share == 0.30


def test_orders_that_no_line_fits_stand_for_nothing() -> None:
    assert of_class(HEAVY, FAR, lines=STRATA[1:]).empty_share == 0.2
    known = records(baselines(*STRATA[1:]), drivers=drivers())
    work = driven(orders=(HEAVY,))
    (candidates,) = baselines_side_by_side([("D1", "T1")], [TRUCKS["T1"]], work, records=known)
    assert candidates.baselines == ()


def test_strata_of_the_truck_fit_by_its_register() -> None:
    register = vehicles({"body_length_m": 13.0})
    known = records(baselines(*STRATA), drivers=drivers(), register=register)
    work = driven(orders=(HEAVY,))
    (candidates,) = baselines_side_by_side([("D1", "T1")], [TRUCKS["T1"]], work, records=known)
    assert candidates.baselines[0].empty_share == 0.10


def test_the_cohort_stands_beside_the_others() -> None:
    others = [f"D{at}" for at in range(2, 7)]
    before = lanes(*(lane(other) for other in others))
    everybody = pd.concat(
        [drivers("2026-01-01")]
        + [drivers("2026-01-01").assign(driver_id=other) for other in others]
    )
    known = records(NO_LINES, drivers=everybody, before=before)
    (candidates,) = baselines_side_by_side(
        [("D1", "T1")], [TRUCKS["T1"]], driven(lane(month=str(MONTH))), records=known
    )
    (cohort,) = candidates.baselines
    assert (cohort.source, cohort.sample_count) == ("cohort", 5)
    assert cohort.empty_share == pytest.approx(0.4)
