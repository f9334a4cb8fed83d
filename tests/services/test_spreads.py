"""Intervals of sums, by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from fleet_carbon.services.accounts.spreads import Spreads


def account(driver_id: str, **figures: float | None) -> dict[str, Any]:
    return {
        "driver_id": driver_id,
        "vehicle_id": "T",
        "distance_km": 100.0,
        "loaded_km": 50.0,
        "transport_work_tkm": 1000.0,
        "payload_utilisation_share": 0.5,
        "diesel_l": 30.0,
        "diesel_saved_l": 10.0,
        "fuel_cost_saved": None,
        **figures,
    }


def interval(driver_id: str, figure: str, *told: float) -> dict[str, Any]:
    named = dict(zip(("value", "low", "high"), told, strict=True))
    return {"driver_id": driver_id, "vehicle_id": "T", "figure": figure, **named}


INTERVALS = pd.DataFrame(
    [
        *(interval("A", "diesel_saved_l", 10.0, 4.0, 16.0), interval("A", "diesel_l", 30, 27, 33)),
        interval("B", "diesel_saved_l", -5.0, -8.0, -1.0),
        interval("A", "mileage_utilisation_share", 0.5, 0.48, 0.52),
        interval("B", "mileage_utilisation_share", 0.8, 0.75, 0.85),
        interval("A", "load_rate_share", 0.25, 0.2, 0.3),
    ]
)


def bounds(*rows: dict[str, Any], key: str = "") -> dict[str, Any]:
    accounts = pd.DataFrame(rows).astype({"fuel_cost_saved": "float64"})
    found = Spreads(accounts, INTERVALS).by(*([accounts[key]] if key else []))
    return {" ".join(told): of for told, of in found.items()}


def test_bounds_of_several_accounts_are_added_as_if_all_erred_alike() -> None:
    found = bounds(account("A"), account("B", diesel_saved_l=-5.0, distance_km=300.0))[""]
    # 10 - 6 with -5 - 3, and 10 + 6 with -5 + 4
    assert found["diesel_saved_l"] == pytest.approx((-4.0, 15.0))
    # empty: 1 - (100 x 0.52 + 300 x 0.85) / 400, and 1 - (100 x 0.48 + 300 x 0.75) / 400
    assert found["empty_share"] == pytest.approx((0.2325, 0.3175))


def test_a_sum_of_which_a_part_has_no_interval_has_none() -> None:
    found = bounds(account("A"), account("B"), key="driver_id")
    assert found["A"]["diesel_l"] == pytest.approx((27.0, 33.0))
    assert "diesel_l" not in found["B"]
    assert "diesel_l" not in bounds(account("A"), account("B"))[""]
    assert "fuel_cost_saved" not in found["A"]  # known of nobody


def test_empty_running_of_others_lowers_the_load_rate_and_its_bounds_alike() -> None:
    nothing = {"transport_work_tkm": 0.0, "payload_utilisation_share": None, "loaded_km": 0.0}
    alone = bounds(account("A"))[""]["load_rate_share"]
    # 50 of 100 km loaded at half of the payload: 0.25, off by 0.05 of it either way
    assert alone == pytest.approx((0.2, 0.3))
    # 50 of 200 km: half as much
    together = bounds(account("A"), account("B", **nothing))[""]["load_rate_share"]
    assert together == pytest.approx((0.1, 0.15))


def test_a_fleet_without_accounts_has_no_bounds() -> None:
    assert Spreads(pd.DataFrame([account("A")]).iloc[:0], INTERVALS).by() == {(): {}}


def test_of_several_months_each_account_has_the_interval_of_its_own() -> None:
    months = ("2026-08", "2026-09")
    accounts = pd.DataFrame([account("A", month=one) for one in months])
    told = [(10.0, 4.0, 16.0), (10.0, 9.0, 12.0)]
    intervals = pd.DataFrame(
        [
            interval("A", "diesel_saved_l", *one) | {"month": month}
            for month, one in zip(months, told, strict=True)
        ]
    )
    spreads = Spreads(accounts.astype({"fuel_cost_saved": "float64"}), intervals)
    by_month = spreads.by(accounts["month"], accounts["vehicle_id"])
    assert by_month["2026-08", "T"]["diesel_saved_l"] == pytest.approx((4.0, 16.0))
    assert by_month["2026-09", "T"]["diesel_saved_l"] == pytest.approx((9.0, 12.0))
    # 20 - 6 - 1, and 20 + 6 + 2
    of_year = spreads.by(accounts["month"].str.slice(0, 4))
    assert of_year["2026",]["diesel_saved_l"] == pytest.approx((13.0, 28.0))
