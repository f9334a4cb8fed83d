"""The months of a year as one account: credited is what its lower bound has grown by."""

from __future__ import annotations

import math
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.periods import Month
from fleet_carbon.quantification.period import OF_MONTH, CreditingPeriod, MonthBound, bound_of_month
from tests.quantification.account_builders import history, past

KEY = ("D1", "T1")
ZONE = ZoneInfo("Asia/Shanghai")


def month(avoided: float, **given: float) -> dict[str, float]:
    """CO2 avoided, nothing leaked, 30 kg of common and 40 kg of single error, no luck."""
    fields = {
        "co2_avoided_kg": avoided, "co2_leakage_kg": 0.0, "co2_common_standard_kg": 30.0,
        "co2_single_standard_kg": 40.0, "co2_luck_standard_kg": 0.0,
    }  # fmt: skip
    return {**fields, **given}


def year(*months: dict[str, float], months_count: int = 12) -> list[tuple[float, MonthBound]]:
    """January and what follows, each closed after those before it: credit in kg, and bound."""
    rows: list[dict[str, Any]] = []
    found = []
    for number, figures in enumerate(months, start=1):
        on = Month(2026, number, ZONE)
        period = CreditingPeriod.of_month(history(*rows), on, months_count)
        columns = {name: np.array([value]) for name, value in figures.items()}
        bound = bound_of_month(period, [KEY], columns, coverage_index=1.645)
        credited_g = max(0, math.floor(1000 * bound.low_kg[0]))
        rows.append(past(str(on), **figures, co2_credited_g=credited_g))
        found.append((credited_g / 1000, bound))
    return found


def test_a_first_month_is_credited_the_lower_bound_of_its_interval() -> None:
    # sqrt(30^2 + 40^2) = 50 kg: 200 - 1.645 x 50 = 117.75 kg.
    [(credited, bound)] = year(month(200.0))
    assert credited == pytest.approx(117.75)
    assert bound.low_kg[0] == bound.period_low_kg[0]


def test_errors_of_single_months_average_out_and_common_ones_do_not() -> None:
    # Three months: 600 - 1.645 sqrt(90^2 + 3 x 40^2) = 600 - 1.645 x 113.578 = 413.164 kg, where
    # three months each for itself would have 353.25 kg.
    found = year(*[month(200.0)] * 3)
    assert sum(credited for credited, _ in found) == pytest.approx(413.164, abs=2e-3)
    alone = year(*[month(200.0)] * 3, months_count=1)
    assert sum(credited for credited, _ in alone) == pytest.approx(353.25)


def test_a_bad_month_is_made_good_before_anything_more_is_credited() -> None:
    # 117.75 kg in January. With February's -150 kg the bound is far below that, and March only
    # brings it back: 200 - 150 + 200 - 1.645 x 113.578 = 63.16 kg, less than was credited.
    found = year(month(200.0), month(-150.0), month(200.0), month(400.0))
    assert [credited for credited, _ in found[1:3]] == [0.0, 0.0]
    assert found[2][1].period_low_kg[0] == pytest.approx(63.164, abs=1e-3)
    # April: 650 - 1.645 sqrt(120^2 + 4 x 40^2) = 412.75 kg, 117.75 kg of which are credited.
    assert found[3][0] == pytest.approx(
        650 - 1.645 * math.sqrt(120**2 + 4 * 40**2) - 117.75, abs=2e-3
    )


def test_no_month_is_credited_more_than_it_avoided_net_of_leakage() -> None:
    # January is denied all for its error; a February without any error catches up only so far.
    rough = month(200.0, co2_single_standard_kg=200.0)
    sure = {"co2_common_standard_kg": 0.0, "co2_single_standard_kg": 0.0, "co2_leakage_kg": 10.0}
    found = year(rough, *[month(900.0, **sure)] * 2)
    assert found[0][0] == 0.0
    # 200 + 890 - 1.645 sqrt(30^2 + 200^2) = 757.3 kg in February, and then what was avoided.
    assert found[1][0] == pytest.approx(1_090 - 1.645 * math.hypot(30, 200), abs=1e-2)
    assert found[2][0] == pytest.approx(890.0, abs=2e-3)


def test_luck_is_an_error_as_long_as_months_are_to_come() -> None:
    # Luck of 60 kg a month. January, eleven to come: 60 sqrt(11 / 12). December: none.
    found = year(*[month(200.0, co2_luck_standard_kg=60.0)] * 12)
    assert found[0][1].open_kg[0] == pytest.approx(60 * math.sqrt(11 / 12))
    assert found[5][1].open_kg[0] == pytest.approx(60 * math.sqrt(6 * 6 / 12))
    assert found[11][1].open_kg[0] == 0.0
    # The year comes to the same as without luck.
    calm = year(*[month(200.0)] * 12)
    total, same = (sum(credited for credited, _ in one) for one in (found, calm))
    assert total == pytest.approx(same, abs=0.02)
    # A driver who began in November shares the luck of two months, not of twelve.
    late = CreditingPeriod.of_month(history(), Month(2026, 11, ZONE), 12)
    columns = {name: np.array([v]) for name, v in month(200.0, co2_luck_standard_kg=60.0).items()}
    assert bound_of_month(late, [KEY], columns, coverage_index=1.645).open_kg[0] == pytest.approx(
        60 * math.sqrt(0.5)
    )


def test_a_period_begins_anew_in_january_and_knows_its_account_alone() -> None:
    figures = month(200.0)
    rows = history(
        past("2025-12", **figures, co2_credited_g=99_000),
        past("2026-01", **figures, co2_credited_g=50_000),
        past("2026-01", **figures, co2_credited_g=60_000, vehicle_id="T2"),
        past("2026-02", co2_credited_g=0),  # without a saving
        past("2026-04", **figures, co2_credited_g=70_000),
    )
    period = CreditingPeriod.of_month(rows, Month(2026, 3, ZONE), 12)
    before = period.before([KEY, ("D1", "T2"), ("D2", "T1")])
    assert before.credited_kg.tolist() == [50.0, 60.0, 0.0]
    assert before.months_count.tolist() == [1.0, 1.0, 0.0]
    assert before.net_kg.tolist() == [200.0, 200.0, 0.0]
    assert period.to_come_count == 9
    quarter = CreditingPeriod.of_month(rows, Month(2026, 4, ZONE), 3)
    assert quarter.before([KEY]).credited_kg.tolist() == [0.0]
    assert quarter.to_come_count == 2


@given(st.lists(st.tuples(st.floats(-500, 500), *[st.floats(0, 100)] * 3), min_size=1, max_size=12))
def test_a_period_is_never_credited_more_than_its_best_bound(
    months: list[tuple[float, float, float, float]],
) -> None:
    found = year(
        *(month(avoided, **dict(zip(OF_MONTH, errors, strict=True))) for avoided, *errors in months)
    )
    credited, best = 0.0, 0.0
    for (added, bound), (avoided, *_) in zip(found, months, strict=True):
        credited, best = credited + added, max(best, bound.period_low_kg[0])
        assert added <= max(0.0, avoided) + 1e-6
    assert credited <= best + 1e-6
