"""Of several counterfactuals the smallest saving counts, net of what it causes elsewhere."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.quantification.declared import age_days
from fleet_carbon.quantification.leakage import Leakage, LeakageRules
from tests.quantification.account_builders import (
    BOOK,
    EDITION,
    MONTH,
    aboard,
    account,
    baselines,
    empty_leg,
    history,
    leg,
    order,
    orders,
    past,
)
from tests.quantification.counterfactual_builders import (
    joined,
    lane,
    lanes,
    order_places,
    placed,
)

CLASS = {"driver_id": None, "vehicle_class": "tractor_trailer"}
OTHERS = ("A", "B", "C", "D", "E")
KG_PER_L = 3.0959 * 0.84
COLUMNS = {
    "declared_driver": "saved_against_declared_l",
    "own_history": "saved_against_own_l",
    "cohort": "saved_against_cohort_l",
    "declared_class": "saved_against_class_l",
}


def drive(*, between: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """A month of D1: twenty loaded legs of 100 km with 20 t, 50 km to each of them."""
    rows = [
        row for at in range(20) for row in (empty_leg(2 * at, **(between or {})), leg(2 * at + 1))
    ]
    fields = {
        "drivers": joined(**dict.fromkeys(("D1", *OTHERS), "2026-01-01")),
        "results": orders(order()),
        "carried": aboard(*((2 * at + 1, "O1", 20.0, 100.0) for at in range(20))),
        "orders": order_places(placed("O1")),
    }
    return account(*rows, **{**fields, **given})


EVERYTHING = {
    "baselines": baselines({}, {**CLASS, "empty_share": 0.45}),
    "history": history(past("2025-11", empty_km=5_000.0, loaded_km=5_000.0)),
}


def test_the_saving_against_every_counterfactual_is_stated() -> None:
    # 2,000 km loaded, 1,000 empty, 40,000 tkm. Burnt: 0.2344 x 3,000 + 0.006 x 40,000 = 943.2 l.
    # Declared: 40,000 / 15 = 2,666.67 km loaded, x 5/3: 0.2344 x 4,444.44 + 240 = 1,281.78 l.
    # Own: e = 0.5, u = 90,000 / 150,000 = 0.6: 40,000 / 18 x 2 = 4,444.44 km: as before.
    # Class: e = 0.45 and u = 0.5, drawn to the own month, which is sure to 10 % of either: of
    # 0.05 and 0.06, where the class is sure to 0.045 and 0.04. Weights of the own month
    # 0.045^2 / (0.045^2 + 0.05^2) = 0.44751 and 0.04^2 / (0.04^2 + 0.06^2) = 0.30769:
    # e = 0.472376, u = 0.530769: 40,000 / 15.92308 / 0.527624 = 4,761.11 km: 1,356.00 l.
    found = drive(**EVERYTHING)
    assert found["saved_against_declared_l"] == pytest.approx(1_281.7778 - 943.2, abs=1e-3)
    assert found["saved_against_own_l"] == pytest.approx(1_281.7778 - 943.2, abs=1e-3)
    assert found["saved_against_class_l"] == pytest.approx(1_356.004 - 943.2, abs=1e-3)
    assert math.isnan(found["saved_against_cohort_l"])
    assert "no_cohort" in found["notes"].split(";")


def test_of_equal_savings_the_first_in_the_fixed_order_counts() -> None:
    assert drive(**EVERYTHING)["baseline_source"] == "declared_driver"


@pytest.mark.parametrize(
    ("line", "of_class", "own_empty_km", "source"),
    [
        ({"empty_share": 0.36}, {}, 4_000.0, "declared_driver"),
        ({}, {}, 3_900.0, "own_history"),
        ({}, {"empty_share": 0.39}, 4_000.0, "declared_class"),
    ],
)
def test_the_smallest_saving_counts_whoever_states_it(
    line: dict[str, Any], of_class: dict[str, Any], own_empty_km: float, source: str
) -> None:
    found = drive(
        baselines=baselines(line, {**CLASS, **of_class}),
        history=history(past("2025-11", empty_km=own_empty_km, loaded_km=6_000.0)),
    )
    assert found["baseline_source"] == source
    stated = {name: found[name] for name in COLUMNS.values() if not math.isnan(found[name])}
    assert found["diesel_saved_l"] == stated[COLUMNS[source]] == min(stated.values())
    assert found["baseline_diesel_l"] - found["diesel_l"] == found["diesel_saved_l"]


def test_the_baseline_that_counts_says_since_when_and_how_old() -> None:
    found = drive(baselines=baselines({"valid_from": "2026-01-15"}))
    assert (found["baseline_from"], found["baseline_age_days"]) == ("2026-01-15", 45)
    assert age_days("2025-11-01", MONTH.first_day) == 120
    own = drive(baselines=baselines().iloc[:0], history=history(past("2025-11")))
    assert (own["baseline_from"], own["baseline_age_days"]) == ("2025-11-01", 120)
    nothing = drive(baselines=baselines().iloc[:0])
    assert pd.isna(nothing["baseline_from"])
    assert pd.isna(nothing["baseline_age_days"])


def test_an_impossible_counterfactual_is_named_and_does_not_count() -> None:
    wrong = {"empty_share": 0.2, "payload_utilisation_share": 0.0}
    found = drive(baselines=baselines(wrong, CLASS))
    assert found["baseline_source"] == "declared_class"
    assert math.isnan(found["saved_against_declared_l"])
    assert "baseline_out_of_range" in found["notes"].split(";")
    assert found["co2_credited_g"] == drive(baselines=baselines(CLASS))["co2_credited_g"]


def test_circling_empty_before_joining_earns_nothing_where_a_class_or_cohort_is_known() -> None:
    # Twelve honest months at 40 % empty, and twelve with three times the empty kilometres.
    months = [f"2025-{at:02d}" for at in range(1, 13)]
    honest = history(*(past(month) for month in months))
    circling = {"distance_km": 18_000.0, "empty_km": 12_000.0}
    gamed = history(*(past(month, **circling) for month in months))
    lines, nothing = baselines({**CLASS, "empty_share": 0.40}), baselines().iloc[:0]
    before = lanes(*(lane(name) for name in OTHERS))
    unbounded = drive(baselines=nothing, history=gamed)
    assert unbounded["diesel_saved_l"] > drive(baselines=nothing, history=honest)["diesel_saved_l"]
    for given in ({"baselines": lines}, {"baselines": nothing, "lanes": before}):
        gaming, fair = (drive(history=one, **given) for one in (gamed, honest))
        assert gaming["saved_against_own_l"] == unbounded["saved_against_own_l"]
        assert gaming["baseline_source"] in ("cohort", "declared_class")
        assert gaming["diesel_saved_l"] == pytest.approx(fair["diesel_saved_l"], abs=1e-3)
        assert gaming["co2_credited_g"] <= fair["co2_credited_g"] + 1


def test_others_drawn_to_own_months_cost_hardly_anything_where_these_are_sure() -> None:
    # Own months are sure to 2 %; the others differ by far more. With the own baseline a little
    # above that of the cohort the cohort counts, as both together tell: nearly the own months.
    spread = (2_000.0, 3_000.0, 4_000.0, 5_000.0, 6_000.0)
    rows = lanes(*(lane(name, empty_km=km) for name, km in zip(OTHERS, spread, strict=True)))
    more = {"empty_km": 4_100.0, "distance_km": 10_100.0}
    year = history(*(past(f"2025-{at:02d}", **more) for at in range(1, 13)))
    nothing, lane_now = baselines().iloc[:0], {"lanes": rows}
    alone = drive(baselines=nothing, **lane_now)
    both = drive(baselines=nothing, history=year, **lane_now)
    own = drive(baselines=nothing, history=year)
    assert (alone["baseline_source"], both["baseline_source"]) == ("cohort", "cohort")
    assert alone["diesel_saved_l"] < both["diesel_saved_l"] < own["diesel_saved_l"]
    lost, between = (own["diesel_saved_l"] - one["diesel_saved_l"] for one in (both, alone))
    assert 0 < lost < 0.05 * between
    assert alone["co2_avoided_low_kg"] < both["co2_avoided_low_kg"]


def test_others_who_do_not_count_make_nothing_more_certain() -> None:
    # The cohort is alike and surer than the line of the class, whose saving is smaller.
    line = baselines({**CLASS, "empty_share": 0.39})
    alone = drive(baselines=line)
    beside = drive(baselines=line, lanes=lanes(*(lane(name) for name in OTHERS)))
    assert (beside["baseline_source"], alone["baseline_source"]) == ("declared_class",) * 2
    assert beside["saved_against_cohort_l"] > beside["diesel_saved_l"]
    assert beside["co2_avoided_low_kg"] == alone["co2_avoided_low_kg"]


def test_leakage_is_taken_off_the_lower_bound_and_off_nothing_else() -> None:
    # 0.5 + 1 + 1 % of what is avoided, and 0.1 kWh at 0.5306 kg for the one order.
    found = drive(baselines=baselines())
    assert found["co2_avoided_kg"] == pytest.approx(found["diesel_saved_l"] * KG_PER_L, rel=1e-4)
    leakage = 0.025 * found["co2_avoided_kg"] + 0.1 * 0.5306
    assert found["co2_leakage_kg"] == pytest.approx(leakage)
    half = found["co2_avoided_high_kg"] - found["co2_avoided_kg"]
    low = found["co2_avoided_kg"] - found["co2_leakage_kg"] - half
    assert found["co2_avoided_low_kg"] == pytest.approx(low)
    assert found["co2_credited_g"] == math.floor(1_000 * max(0.0, found["co2_avoided_low_kg"]))


def test_the_luck_of_a_month_is_held_back_where_months_were_seen_to_differ() -> None:
    # March is the first month of its period and nine are to come. Two own months, 0.4 and 0.5
    # empty, tell how far such a month may lie from the usual one.
    months = (past("2025-10"), past("2025-11", empty_km=5_000.0, loaded_km=5_000.0))
    found = drive(baselines=baselines().iloc[:0], history=history(*months))
    common, single, luck = (
        found[f"co2_{name}_standard_kg"] for name in ("common", "single", "luck")
    )
    assert luck > 0
    interval = found["co2_avoided_high_kg"] - found["co2_avoided_kg"]
    assert interval == pytest.approx(1.645 * math.hypot(common, single))
    low = found["co2_avoided_kg"] - found["co2_leakage_kg"]
    low -= 1.645 * math.sqrt(common**2 + single**2 + luck**2 * 9 / 10)
    assert found["co2_avoided_low_kg"] == pytest.approx(low)
    # One month tells nothing of how months differ.
    alone = drive(baselines=baselines().iloc[:0], history=history(months[0]))
    assert alone["co2_luck_standard_kg"] == 0.0


def test_a_month_is_credited_what_the_bound_of_its_year_has_grown_by() -> None:
    # February as March, nothing of it credited, and all errors in common: twice the bound of one.
    march = drive(baselines=baselines())
    figures = ("co2_avoided_kg", "co2_leakage_kg", "co2_common_standard_kg")
    before = {name: march[name] for name in figures}
    nothing = {"co2_single_standard_kg": 0.0, "co2_luck_standard_kg": 0.0}
    earlier = past("2026-02", **before, **nothing, co2_credited_g=0)
    found = drive(baselines=baselines(), history=history(earlier))
    standard = math.hypot(2 * march["co2_common_standard_kg"], march["co2_single_standard_kg"])
    net = 2 * (march["co2_avoided_kg"] - march["co2_leakage_kg"])
    assert found["co2_avoided_low_kg"] == pytest.approx(net - 1.645 * standard)
    # What was credited in February is not credited again.
    paid = drive(baselines=baselines(), history=history({**earlier, "co2_credited_g": 7_000}))
    low = found["co2_avoided_low_kg"] - 7.0
    assert paid["co2_avoided_low_kg"] == pytest.approx(low)


def test_a_loss_gives_no_leakage_back() -> None:
    found = drive(baselines=baselines({"empty_share": 0.0, "payload_utilisation_share": 1.0}))
    assert found["co2_avoided_kg"] < 0
    assert found["co2_leakage_kg"] == pytest.approx(0.1 * 0.5306)
    assert found["co2_credited_g"] == 0


def test_without_a_saving_there_is_no_leakage() -> None:
    assert math.isnan(drive(baselines=baselines().iloc[:0])["co2_leakage_kg"])


def test_the_parameters_of_leakage_are_told_with_value_origin_and_first_day() -> None:
    told = Leakage.of_month(BOOK, EDITION, MONTH).as_dict()
    assert set(told) == set(LeakageRules.__annotations__)
    assert told["detour_share"] == {
        "value": 0.005, "origin": "assumed", "valid_from": EDITION.valid_from.isoformat(),
    }  # fmt: skip


def test_unknown_kilometres_never_earn_against_any_counterfactual() -> None:
    before = lanes(*(lane(name) for name in OTHERS))
    known = drive(**EVERYTHING, lanes=before)
    unknown = drive(between={"state": "unknown", "purpose": "unknown"}, **EVERYTHING, lanes=before)
    for name in ("diesel_saved_l", *COLUMNS.values()):
        assert unknown[name] == known[name]
    assert unknown["co2_credited_g"] <= known["co2_credited_g"]
