"""A small simulated fleet with known saving through the whole chain: nobody gets what is not his.

The judgement of 200 drivers over a year is `python -m benchmarks.credited_year`; here a few of
them, some months, in a minute. Limits leave room for the luck of so few.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.credited_year import run_year, tables
from benchmarks.year.people import World

pytestmark = pytest.mark.slow

WORLD = World(drivers=16, months=4, seed=2, effect=1.6, history_months=5, platform="cautious")
# Of the whole saving; the rest is what baselines, receipts and classes leave uncertain.
CREDITED_PERCENT_MIN = 60.0


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is credited, claimed, burnt and truly saved."""
    found = run_year(WORLD, tmp_path_factory.mktemp("year")).summary
    print(tables(found))
    return found


def test_hardly_anybody_is_credited_more_than_he_saved(summary: dict[str, Any]) -> None:
    credit = summary["credit"]["all"]
    # One driver in sixteen at most, and by little beside what the fleet saves.
    assert credit["over_percent"] <= 100.0 / 16.0
    assert credit["over_l"] <= 0.02 * credit["saved_l"]


def test_a_good_part_of_the_saving_is_credited(summary: dict[str, Any]) -> None:
    credit = summary["credit_of_joined"]
    assert credit["saved_l"] > 0
    assert credit["credited_percent"] >= CREDITED_PERCENT_MIN
    assert credit["claimed_percent"] <= 115.0


def test_months_before_joining_earn_nothing(summary: dict[str, Any]) -> None:
    of_later = summary["credit"].get("history later", {"credited_l": 0.0})
    assert of_later["credited_l"] == 0.0


@pytest.mark.parametrize(
    ("rung", "leg_percent", "month_percent"),
    [("counter", 5.0, 2.0), ("receipts", 8.0, 6.0), ("class", 15.0, 12.0)],
)
def test_fuel_is_as_close_as_its_rung_promises(
    summary: dict[str, Any], rung: str, leg_percent: float, month_percent: float
) -> None:
    # The drives themselves scatter by 5 %, the trucks of a class by 8 %.
    assert summary["legs"][f"rung {rung}"]["mape_percent"] <= leg_percent
    assert summary["months"][f"rung {rung}"]["mape_percent"] <= month_percent


def test_the_true_saving_is_hardly_ever_below_the_interval(summary: dict[str, Any]) -> None:
    # 5 % of the months are meant to be.
    assert summary["interval"]["all"]["below_percent"] <= 10.0


def test_kilometres_and_work_are_those_that_were_driven(summary: dict[str, Any]) -> None:
    assert abs(summary["kilometres_percent"]) < 1.0
    assert abs(summary["work_percent"]) < 2.0
    assert summary["rows_refused"]["positions"] == 0
