"""Facts of a statement by hand: small numbers of which every part can be told without a program."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.frames import ACCOUNTS, ORDER_RESULTS
from fleet_carbon.statements.statement_facts import StatementFacts, TruckFacts

MONTH = "2026-09"
LEDGER = {
    "settlement": [],
    "issued": "issued 20,000 g = held 20,000",
    "own_g": 20_000,
    "ledger_sums": "issued 20,000 g = held 20,000",
}
CHAIN = {
    "rated_payload_t": 20.0,
    "empty_l_per_km": 0.25,
    "idle_l": 1.0,
    "activity_tkm": 1000.0,
    "counterfactual_loaded_km": 100.0,
    "counterfactual_empty_km": 50.0,
    "counterfactual_payload_t": 10.0,
    "counterfactual_payload_share": 0.5,
    "co2_ttw_kg_per_l": 2.5,
}


def account(**given: Any) -> dict[str, Any]:
    """80 km loaded, 16 empty, 4 unknown; 100 l in the comparison, 70 burnt, 20 kg credited."""
    row: dict[str, Any] = dict.fromkeys(ACCOUNTS.names)
    row |= {
        "month": MONTH, "fleet_id": "f", "driver_id": "D1", "vehicle_id": "V1",
        "distance_km": 100.0, "loaded_km": 80.0, "empty_km": 16.0, "unknown_km": 4.0,
        "transport_work_tkm": 1200.0, "load_rate_share": 0.6, "payload_utilisation_share": 0.75,
        "orders_count": 2, "orders_matched_count": 2, "idle_h": 0.5, "coverage_share": 1.0,
        "diesel_l": 70.0, "diesel_source": "declared", "baseline_diesel_l": 100.0,
        "diesel_saved_l": 30.0, "saved_by_less_empty_l": 20.25, "saved_by_higher_load_l": 10.25,
        "saved_by_efficiency_l": -0.5, "co2_avoided_kg": 78.0, "co2_credited_g": 20_000,
        "carbon_value": 0.6, "fuel_cost_saved": 255.0, "baseline_source": "declared_class",
        "baseline_from": "2026-01-01", "notes": "no_fuel_counter",
    }  # fmt: skip
    return row | given


def order(order_id: str, **given: Any) -> dict[str, Any]:
    """A proven order of 600 tkm credited and 30 l burnt."""
    row: dict[str, Any] = dict.fromkeys(ORDER_RESULTS.names)
    row |= {
        "order_id": order_id, "vehicle_id": "V1", "driver_id": "D1", "matched": True,
        "reason_code": "proven_by_stops", "weight_reason": "", "cargo_t": 12.5,
        "onboard_km": 48.0, "approach_km": 6.0, "realised_diesel_l": 30.0,
        "month_activity_tkm": 600.0,
    }  # fmt: skip
    return row | given


def truck(**given: Any) -> TruckFacts:
    """One truck with two proven orders and a cancelled one."""
    told: dict[str, Any] = {
        "account": account(),
        "plate": "京A·D1234",
        "chain": CHAIN,
        "bounds": {"diesel_saved_l": (20.0, 40.0), "co2_avoided_kg": (52.0, 104.0)},
        "orders": [
            order("A"),
            order("B", realised_diesel_l=36.0, month_activity_tkm=400.0),
            order("C", matched=False, reason_code="cancelled", realised_diesel_l=None),
        ],
    }
    return TruckFacts(**(told | given))


def facts(**given: Any) -> StatementFacts:
    """A driver's month with one truck, the month before, and a proof."""
    told: dict[str, Any] = {
        "month": MONTH, "fleet_id": "f", "driver_id": "D1", "driver_name": "张三",
        "zone": ZoneInfo("Asia/Shanghai"), "run_id": "0123456789abcdef", "edition": "e 1",
        "closed_at": datetime(2026, 10, 2, 4, tzinfo=UTC), "trucks": [truck()],
        "before_month": "2026-08", "before": [account(month="2026-08", co2_credited_g=15_000)],
        "months": [("2026-08", 15_000), (MONTH, 20_000)], "likeness": None,
        "prices": {
            "carbon": {"series": "c", "price": "30", "currency": "CNY", "unit": "t"},
            "diesel": {"series": "d", "price": "8.5", "currency": "CNY", "unit": "l"},
        },
        "ledger": LEDGER,
        "proof": {"digest": "ab" * 32, "serial": "", "link": "fleet-carbon statement x"},
    }  # fmt: skip
    return StatementFacts(**(told | given))
