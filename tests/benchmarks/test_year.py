"""The simulated year: its truth on cases counted by hand, and that chance stays where it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.year.calendar import Calendar
from benchmarks.year.lives import Life, live
from benchmarks.year.people import Habit, World
from benchmarks.year.receipts import receipts
from benchmarks.year.truth import month_truth
from benchmarks.year.verdict import credit_figures, fuel_figures, interval_figures

WORLD = World(drivers=4, months=2, history_months=4)
CALENDAR = Calendar.of(2024, WORLD.months_total)


@pytest.fixture(scope="module")
def life() -> Life:
    return live(WORLD, 0, CALENDAR)


def test_more_drivers_leave_the_first_ones_as_they_are() -> None:
    assert replace(WORLD, drivers=8).people()[:4] == WORLD.people()


def test_a_driver_keeps_to_his_own_habits_until_he_joins(life: Life) -> None:
    person, pieces = life.person, pd.DataFrame(life.truth.pieces)
    before = pieces[pieces["month"] < person.joins_month]
    loaded = before[before["payload_t"] > 0]
    work_tkm = (loaded["km"] * loaded["payload_t"]).sum()
    capacity_tkm = person.burner.rated_payload_t * loaded["km"].sum()
    empty_share = 1.0 - loaded["km"].sum() / before["km"].sum()
    # Four months: markets and luck of 3 and 5 % a month leave some 3 % of the empty share.
    assert empty_share == pytest.approx(person.own.empty_share, rel=0.09)
    # 100 hauls that differ by 0.16 of the payload leave 0.016.
    assert work_tkm / capacity_tkm == pytest.approx(person.own.payload_share, abs=0.045)


def test_the_counter_holds_what_was_burnt(life: Life) -> None:
    pieces = pd.DataFrame(life.truth.pieces)
    burnt_l = pieces["litres"].sum() + pieces["idle_l"].sum()
    # The night before the first drive belongs to no drive.
    assert life.counter_l == pytest.approx(burnt_l, abs=1.0)
    assert life.odometer_m / 1000.0 == pytest.approx(pieces["km"].sum())


def test_own_habits_would_have_taken_so_many_kilometres_more() -> None:
    person = replace(
        WORLD.person(0), own=Habit(0.5, 0.5), joins_month=0, burner=WORLD.person(0).burner
    )
    payload_t = 0.8 * person.burner.rated_payload_t
    pieces = pd.DataFrame(
        {"month": 3, "km": [1000.0, 500.0], "payload_t": [payload_t, 0.0], "idle_l": 0.0}
    )
    # 0.2 l/km and 0.006 l/tkm, shared out over the two drives in any way.
    pieces["litres"] = [0.2 * 1500.0 + 0.006 * 1000.0 * payload_t, 0.0]
    # The same tonnes at half instead of 0.8 of the payload: 1,600 loaded km, and as many empty.
    ratio = 1.0 * WORLD.season_factor(3) * WORLD.market_factor(3, person.region)
    row = month_truth(WORLD, person, pieces, (0.2, 0.006)).iloc[0]
    assert row["saved_l"] == pytest.approx(0.2 * (1600.0 * (1.0 + ratio) - 1500.0))
    late = month_truth(WORLD, replace(person, joins_month=4), pieces, (0.2, 0.006))
    assert late["saved_l"].tolist() == [0.0]


def test_full_fills_add_up_to_what_was_burnt(life: Life) -> None:
    papers = receipts(life.person, life.truth.pieces, np.random.default_rng(1))
    is_plain = ~papers["receipt_id"].str.startswith("CARD") & ~papers["receipt_id"].str.endswith(
        "A"
    )
    bought_l = papers.loc[is_plain, "quantity"].clip(upper=life.person.kind.tank_l).sum()
    pieces = pd.DataFrame(life.truth.pieces)
    burnt_l = pieces["litres"].sum() + pieces["idle_l"].sum()
    # What is lost, or written in money, is some hundredths; the tank is full or empty at the ends.
    assert bought_l == pytest.approx(burnt_l, rel=0.04, abs=life.person.kind.tank_l)


def test_who_is_credited_more_than_he_saved_is_counted() -> None:
    drivers = pd.DataFrame(
        {
            "credited_l": [90.0, 110.0, 5.0, 0.0],
            "saved_l": [100.0, 100.0, -20.0, -20.0],
            "claimed_l": [100.0, 100.0, 0.0, -20.0],
        }
    )
    figures = credit_figures(drivers)
    # The second by 10 l; the third by the 5 l that he should not have.
    assert figures["over_percent"] == 50.0
    assert figures["over_l"] == pytest.approx(15.0)
    assert figures["credited_percent"] == pytest.approx(100.0 * 205.0 / 160.0)


def test_errors_of_fuel_and_intervals_are_counted() -> None:
    figures = {"found_l": [110.0, 95.0, np.nan], "true_l": [100.0] * 3}
    fuel = fuel_figures(pd.DataFrame(figures | {"vehicle_id": ["V1", "V2", "V3"]}))
    assert fuel == {
        "rows": 2,
        "bias_percent": pytest.approx(2.5),
        # Both trucks are 7.5 l off the mean ratio: the root of 2 x 7.5^2 over 200 l.
        "bias_standard_percent": pytest.approx(100.0 * 7.5 * 2**0.5 / 200.0),
        "mape_percent": pytest.approx(7.5),
    }
    held = interval_figures(
        pd.DataFrame({"low_l": [0, 5, 1], "high_l": [2, 9, 2], "saved_l": [1.0, 1.0, 4.0]})
    )
    assert held["covered_percent"] == pytest.approx(100.0 / 3.0)
    assert held["below_percent"] == pytest.approx(100.0 / 3.0)
