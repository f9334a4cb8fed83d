"""What a driver reads: the result first, the parts, and a sentence for each order."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from fleet_carbon.frames import ACCOUNTS, ORDER_RESULTS, RECEIPTS
from fleet_carbon.statements import layout
from fleet_carbon.statements.console import Counterfactual, DriverAccount, table_lines
from fleet_carbon.statements.reasons import note_sentence

ACCOUNT: dict[str, Any] = dict.fromkeys(ACCOUNTS.names) | {
    "month": "2025-03",
    "driver_id": "D1",
    "vehicle_id": "V1",
    "edition": "cn-freight 2026.1",
    "distance_km": 1000.0,
    "loaded_km": 700.0,
    "empty_km": 250.0,
    "unknown_km": 50.0,
    "search_km": 200.0,
    "payload_utilisation_share": 0.75,
    "load_rate_share": 0.525,
    "orders_count": 2,
    "orders_matched_count": 1,
    "diesel_l": 300.0,
    "diesel_source": "declared",
    "baseline_diesel_l": 400.0,
    "diesel_saved_l": 100.0,
    "saved_by_less_empty_l": 60.0,
    "saved_by_higher_load_l": 50.0,
    "saved_by_efficiency_l": -10.0,
    "co2_avoided_kg": 260.0,
    "co2_avoided_low_kg": 123.4567,
    "co2_avoided_high_kg": 396.5,
    "co2_credited_g": 123456,
    "carbon_price": 30.0,
    "carbon_currency": "CNY",
    "carbon_value": 3.70368,
    "fuel_cost_saved": 850.0,
    "quality": "modelled",
    "notes": "load_rate_from_class;something_new",
}
ORDERS: list[dict[str, Any]] = [
    {
        "order_id": "O1",
        "matched": True,
        "reason_code": "proven_by_stops",
        "cargo_t": 15.5,
        "onboard_km": 700.4,
        "delivery_arrived_at": "2025-03-10T20:15:00.000Z",
    },
    {"order_id": "O2", "matched": False, "reason_code": "no_stop_near_pickup"},
]


PRICES = {
    "carbon": {"series": "CEA", "price": "30", "currency": "CNY", "unit": "t"},
    "diesel": {"series": "pump", "price": "8.5", "currency": "CNY", "unit": "l"},
}


LEAKAGE = {
    "detour_share": {"value": 0.005, "origin": "assumed", "valid_from": "2020-01-01"},
    "platform_electricity_kwh_per_order": {
        "value": 0.1, "origin": "published, SOMEWHERE", "valid_from": "2020-01-01",
    },
}  # fmt: skip


LEDGER = {
    "settlement": [],
    "issued": "issued 0 g = held 0",
    "own_g": 0,
    "ledger_sums": "issued 9 g = held 9",
}


def text(
    counterfactual: Counterfactual | None = None,
    orders: list[dict[str, Any]] | None = None,
    prices: dict[str, dict[str, str]] | None = None,
    **changes: Any,
) -> str:
    shown = DriverAccount(
        account=ACCOUNT | changes,
        orders=ORDERS if orders is None else orders,
        driver_name="张三",
        counterfactual=counterfactual,
        prices=PRICES if prices is None else prices,
        leakage=LEAKAGE,
        ledger=LEDGER,
        zone=ZoneInfo("Asia/Shanghai"),
    )
    return "\n".join(shown.lines())


def test_the_first_screen_says_grams_litres_and_money() -> None:
    first = text().splitlines()[:8]
    assert "张三, truck V1, 2025-03" in first[0]
    joined = "\n".join(first)
    for figure in ("123.456 kg", "100.0 l", "850.00 CNY", "3.70 CNY", "30 CNY/t"):
        assert figure in joined


def test_an_account_ends_with_where_every_gram_of_the_fleet_is() -> None:
    assert "issued 9 g = held 9" in text().splitlines()[-1]


def test_a_truck_without_diesel_is_told_in_the_unit_of_its_energy() -> None:
    gas = {"diesel_l": None, "diesel_source": None, "diesel_saved_l": None, "energy": "lng"}
    told = text(**gas, energy_quantity=1234.56, energy_unit="kg")
    assert "LNG burnt: 1,234.6 kg." in told
    assert "Diesel modelled without any source." in text(**gas)


def test_shares_stand_beside_the_counterfactual() -> None:
    # 300 of 1,000 km empty or unknown; counterfactual load rate (1 - 0.4) x 0.6 = 0.36
    lines = text(Counterfactual(0.4, 0.6, "declared_driver")).splitlines()
    empty = next(line for line in lines if "Empty running" in line)
    assert empty.split()[-4:] == ["30.0", "%", "40.0", "%"]
    rate = next(line for line in lines if "实载率" in line)
    assert rate.split()[-4:] == ["52.5", "%", "36.0", "%"]


def test_the_parts_of_the_saving_carry_their_sign() -> None:
    shown = text()
    for part in ("+60.0 l", "+50.0 l", "-10.0 l", "+100.0 l"):
        assert part in shown


def test_the_saving_against_each_counterfactual_is_shown_and_which_counts() -> None:
    shown = text(
        saved_against_own_l=120.0,
        saved_against_cohort_l=100.0,
        baseline_source="cohort",
        baseline_from="2024-05-01",
    ).splitlines()
    own, cohort = (
        next(line for line in shown if line.strip().startswith(label))
        for label in ("own months before joining", "other drivers on the same lanes")
    )
    assert own.split()[-2:] == ["+120.0", "l"]
    assert cohort.endswith("counts, from 2024-05-01")
    assert not any("declared for" in line for line in shown)


def test_what_is_taken_off_is_shown_with_every_parameter_and_where_it_comes_from() -> None:
    shown = text(co2_leakage_kg=6.25)
    assert "6.250 kg are taken off" in shown
    lines = shown.splitlines()
    detours = next(line for line in lines if line.strip().startswith("detours"))
    assert detours.split(maxsplit=2)[1:] == ["0.5%", "assumed, in force from 2020-01-01"]
    assert "0.1 kWh an order" in shown
    assert "SOMEWHERE" in shown
    assert "taken off" not in text()


def test_each_order_has_one_sentence_with_its_local_day_or_its_reason() -> None:
    shown = text()
    # 20:15 UTC is the next morning in Shanghai
    assert "+ O1: 15.5 t over 700 km, delivered 2025-03-11; loaded and unloaded" in shown
    assert "- O2: not proven: the truck never stopped near the place of loading" in shown


def test_what_is_missing_is_said_with_what_to_do() -> None:
    shown = text()
    assert "Only one of the two declared consumptions is known" in shown
    assert "something new." in shown


def test_an_account_without_saving_says_so_and_shows_no_parts() -> None:
    nothing = ("diesel_saved_l", "co2_avoided_kg", "fuel_cost_saved", "carbon_value")
    shown = text(**dict.fromkeys(nothing), prices={}, co2_credited_g=0)
    assert "nothing can be credited" in shown
    assert "not known" in shown
    assert "parts add up" not in shown
    assert "price set" in shown


def test_chinese_and_latin_cells_stand_under_each_other() -> None:
    lines = layout.columns([["实载率", "1"], ["abcdef", "2"]], "lr", indent=0)
    assert [layout.width_of(line) for line in lines] == [9, 9]


def test_a_small_negative_number_is_shown_as_zero() -> None:
    assert layout.grouped(-0.004, 2) == "0.00"
    assert layout.grouped(-0.006, 2) == "-0.01"


def test_a_table_for_the_screen_says_where_all_columns_are() -> None:
    rows = ORDER_RESULTS.shape(
        pd.DataFrame(
            [{"vehicle_id": "V1", "status": "planned", "cargo_t": 1.0, "great_circle_km": 5.0,
              "confidence_share": 0.0, "order_id": "O2", "matched": False, "reason_code": "x"}]
        )
    )  # fmt: skip
    lines = table_lines(rows, ORDER_RESULTS)
    assert lines[0].split()[0] == "order_id"
    assert lines[1].split()[:3] == ["O2", "V1", "no"]
    assert "--format csv" in lines[-1]


def test_receipts_show_what_became_of_each_on_a_screen() -> None:
    receipt = dict.fromkeys(RECEIPTS.names) | {
        "vehicle_id": "V1", "bought_at": "2025-03-10T00:12:00Z", "fuelled_at": "2025-03-10T00:12Z",
        "quantity": 15.0, "unit": "l", "product": "AdBlue", "verdict": "not_fuel_of_truck",
        "counted_quantity": 0.0, "counted_unit": "l", "is_hour_known": True, "remarks": "",
        "text": "What was bought is nothing that this truck burns.",
    }  # fmt: skip
    lines = table_lines(RECEIPTS.shape(pd.DataFrame([receipt])), RECEIPTS)
    assert lines[0].split()[:3] == ["vehicle_id", "bought_at", "receipt_id"]
    assert lines[1].split()[:3] == ["V1", "2025-03-10", "00:12Z"]
    assert "not_fuel_of_truck" in lines[1]


def test_of_many_plain_orders_a_few_are_shown_and_every_one_that_needs_a_word() -> None:
    many = [{**ORDERS[0], "order_id": f"P{number}"} for number in range(30)]
    lines = text(orders=[*many, ORDERS[1]]).splitlines()
    shown = [line for line in lines if line.startswith(("  + P", "  - "))]
    assert [line.split(":")[0].split()[1] for line in shown] == ["O2", "P0", "P1", "P2", "P3", "P4"]
    assert "  + and 25 more, all proven the same way." in lines


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("no_fuel_model_for_methanol", "runs on methanol"),
        ("no_credit_for_lng", "savings of diesel alone earn"),
        ("no_factor_for_electric", "no emission factor of electric"),
        ("nothing_measured", "cannot be calibrated"),
        ("no_fuel_model_for_payload", "neither declared consumption nor a class"),
        ("fuel_cost_in_usd", "diesel price is in USD"),
        ("never_seen_before", "never seen before."),
    ],
)
def test_every_note_is_a_sentence(note: str, words: str) -> None:
    assert words in note_sentence(note)
