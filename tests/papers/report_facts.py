"""A month of a made-up fleet, as a report is composed of it."""

from __future__ import annotations

from typing import Any

from fleet_carbon.statements.fleet_report import ReportFacts

EVIL = "=cmd|' /C calc'!A0"


def group(**other: Any) -> dict[str, Any]:
    """Sums of some accounts: 1,000 l compared with, 800 burnt; 100 + 120 - 20 saved."""
    return {
        "accounts_count": 1, "distance_km": 2000.0, "loaded_km": 1500.0, "empty_km": 400.0,
        "unknown_km": 100.0, "imputed_km": 0.0, "search_km": 300.0, "transport_work_tkm": 15000.0,
        "activity_tkm": 15000.0, "orders_count": 5, "orders_matched_count": 4, "idle_h": 3.5,
        "stop_h": 90.0, "diesel_l": 800.0, "baseline_diesel_l": 1000.0, "diesel_saved_l": 200.0,
        "saved_by_less_empty_l": 100.0, "saved_by_higher_load_l": 120.0,
        "saved_by_efficiency_l": -20.0, "co2_ttw_kg": 2080.0, "co2e_wtw_kg": 2800.0,
        "co2_credited_g": 350_250, "fuel_cost_saved": 1500.0, "mileage_utilisation_share": 0.75,
        "payload_utilisation_share": 0.5, "load_rate_share": 0.375, "co2_avoided_kg": 520.0,
        "co2_avoided_low_kg": 400.0, "co2_avoided_high_kg": 640.0, "co2_leakage_kg": 5.0,
        "co2_avoided_standard_kg": 73.0, "coverage_share": 0.97, "empty_share": 0.25,
    } | other  # fmt: skip


def facts(**other: Any) -> ReportFacts:
    """Two drivers, one of them named like a formula; one lane; one shipper."""
    unknown = dict.fromkeys(
        ("diesel_l", "diesel_saved_l", "co2_avoided_kg", "co2_avoided_low_kg", "load_rate_share",
         "co2_avoided_high_kg", "fuel_cost_saved", *PARTS)
    )  # fmt: skip
    month = {
        "month": "2026-09", "fleet_id": "=1+1", "edition": "cn-freight 2026.1", "run_id": "r",
        "fleet": group(),
        "waterfall": [
            {"step": "baseline_diesel_l", "volume_l": 1000.0},
            {"step": "diesel_l", "volume_l": 800.0},
        ],
        "drivers": [
            {"driver_id": "", **group(co2_credited_g=0, **unknown)},
            {"driver_id": EVIL, **group()},
        ],
        "vehicles": [{"vehicle_id": "+T1", **group()}],
        "depots": [
            {"depot": None, "vehicles_count": 1, **group(diesel_saved_l=150.0)},
            {"depot": "=成都", "vehicles_count": 2, **group(diesel_saved_l=50.0)},
        ],
        "lanes": [
            {"origin": "N30E105", "destination": "N31E105", "distance_band": "short",
             "orders_count": 4, "loaded_km": 1500.0, "empty_km": 400.0, "unknown_km": 100.0,
             "transport_work_tkm": 15000.0, "capacity_tkm": 30000.0, "empty_share": 0.25}
        ],
        "shippers": [
            {"shipper_id": "@S1", "orders_count": 5, "orders_matched_count": 4, "cargo_t": 40.0,
             "onboard_km": 1500.0, "approach_km": 300.0, "activity_tkm": 15000.0,
             "planned_diesel_l": 1000.0, "planned_co2_kg": 2600.0, "realised_diesel_l": 800.0,
             "realised_co2_kg": 2080.0}
        ],
        "issues": [
            {"about": "account", "code": "no_carbon_price", "affected_count": 2, "text": "x"},
            {"about": "order", "code": "no_positions", "affected_count": 1, "text": "y"},
        ],
        "quality": {},
        "intervals": {
            "fleet": {"": {"diesel_saved_l": {"low": 150.0, "high": 260.0}}},
            "drivers": {EVIL: {"empty_share": {"low": 0.2, "high": 0.3}}},
            "vehicles": {}, "depots": {"": {"diesel_saved_l": {"low": 90.0, "high": 199.5}}},
        },
    } | other.pop("month", {})  # fmt: skip
    trend = [
        {"month": name, "distance_km": 2000.0, "empty_share": 0.25, "diesel_saved_l": 200.0,
         "co2_credited_g": grams}
        for name, grams in (("2026-08", 300_000), ("2026-09", 350_250))
    ]  # fmt: skip
    given: dict[str, Any] = {
        "month": month, "closed_on": "2026-10-03", "trend": trend, "currency": "CNY",
        "driver_names": {EVIL: "-2+3 王五"}, "plates": {"+T1": "川A12345"},
    }  # fmt: skip
    return ReportFacts(**(given | other))


PARTS = ("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l")
