"""Every purchase has a verdict and a reason: products, units, prices, places, dates, duplicates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.frames import PURCHASES, RECEIPTS, VEHICLES
from fleet_carbon.quantification.products import Products
from fleet_carbon.quantification.receipt_codes import REMARKS, VERDICTS
from fleet_carbon.quantification.receipts import judge_receipts
from tests.quantification.account_builders import EDITION, MONTH

DENSITY_KG_PER_L = 0.84
AT = datetime(2026, 3, 10, 14, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
# The edition's plausible prices of diesel are 4 to 12 CNY/l; the tank of T1 holds 600 l.
TRUCKS = (
    {"vehicle_id": "T1", "rated_payload_t": 30.0, "energy": "diesel", "tank_l": 600.0},
    {"vehicle_id": "T2", "rated_payload_t": 30.0, "energy": "lng"},
    {"vehicle_id": "T3", "rated_payload_t": 5.0, "energy": "electric"},
    {"vehicle_id": "T4", "rated_payload_t": 4.0, "energy": "diesel"},
)


def bought(**given: Any) -> dict[str, Any]:
    """400 l of diesel in the tank of T1, at a station where it stood."""
    row: dict[str, Any] = {
        "vehicle_id": "T1",
        "bought_at": AT,
        "quantity": 400.0,
        "unit": "l",
        "product": "0号柴油",
        "price": "7.42",
        "currency": "CNY",
        "receipt_id": None,
        "place_lon": 114.0,
        "place_lat": 30.0,
        "is_hour_known": True,
        "fix_distance_m": 20.0,
        "standing_distance_m": 20.0,
        "stood_at": AT - timedelta(minutes=5),
        "unseen_h": 0.0,
        **given,
    }
    return {"looked_at": row["bought_at"], **row}


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return PURCHASES.shape(pd.DataFrame(list(rows)).convert_dtypes())


def judged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    vehicles = VEHICLES.shape(pd.DataFrame(list(TRUCKS)))
    found = judge_receipts(
        table(*rows), vehicles, month=MONTH, density_kg_per_l=DENSITY_KG_PER_L, edition=EDITION
    )
    assert set(found["verdict"]) <= VERDICTS.keys()
    assert {code for one in found["remarks"] for code in one.split(";") if one} <= REMARKS.keys()
    return found.to_dict("records")


def verdict(**given: Any) -> str:
    return str(judged(bought(**given))[0]["verdict"])


def test_a_fill_where_the_truck_stood_is_counted() -> None:
    (row,) = judged(bought())
    assert (row["verdict"], row["counted_quantity"], row["counted_unit"]) == ("counted", 400, "l")
    assert row["remarks"] == "place_confirmed"
    assert row["text"] == "Counted. The truck stood there."
    assert row["fuelled_at"] == AT
    assert row["tank_quantity"] == 600


# --- what was bought --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "product",
    [
        "AdBlue", "ad blue 10L", "DEF", "车用尿素", "柴油车用尿素溶液", "AUS32", "洗车费",
        "92#汽油", "95＃", "Petrol", "LNG", "充电", "柴机油", "Parking fee", "E10",
    ],
)  # fmt: skip
def test_what_a_diesel_truck_does_not_burn_is_not_counted(product: str) -> None:
    (row,) = judged(bought(product=product))
    assert (row["verdict"], row["counted_quantity"]) == ("not_fuel_of_truck", 0)
    assert product in row["text"]


@pytest.mark.parametrize(
    "product",
    [
        "0号柴油",
        "国VI 0#车用柴油",
        "-10#柴油",
        "０＃",
        "Diesel B7",
        "ULSD",
        "gas oil",
        "加油",
        "Fuel",
        None,
    ],
)
def test_what_a_diesel_truck_burns_is_counted(product: str | None) -> None:
    (row,) = judged(bought(product=product))
    assert row["verdict"] == "counted"
    assert "product_unknown" not in row["remarks"]


def test_a_product_of_no_known_word_counts_with_a_remark() -> None:
    # Leaving true fuel out would make the truck look thriftier than it is.
    (row,) = judged(bought(product="X-Tra 3000"))
    assert row["verdict"] == "counted"
    assert "product_unknown" in row["remarks"].split(";")


def test_words_stand_alone_and_grades_are_not_parts_of_others() -> None:
    products = Products.of({"diesel": "0#;diesel", "other": "def;10#"})
    assert products.kinds("default diesel") == {"diesel"}
    assert products.kinds("10#") == {"other"}
    assert products.kinds("0#") == {"diesel"}
    assert products.kinds("50#") == frozenset()
    assert products.kinds(None) == frozenset()


def test_each_energy_has_its_unit() -> None:
    gas = {"vehicle_id": "T2", "product": "LNG", "price": "4.85", "unit": "kg"}
    (row,) = judged(bought(**gas, quantity=280.0))
    assert (row["verdict"], row["counted_quantity"], row["counted_unit"]) == ("counted", 280, "kg")
    charge = {"vehicle_id": "T3", "product": None, "price": "1.2", "unit": "kWh"}
    (row,) = judged(bought(**charge, quantity=180.0))
    assert (row["verdict"], row["counted_unit"]) == ("counted", "kWh")
    assert row["remarks"] == "place_confirmed"  # 1.2 CNY would be no price of a litre
    assert verdict(unit="kWh", product=None) == "not_fuel_of_truck"
    assert verdict(unit="kWh") == "unit_unusable"  # diesel by name, in no unit of diesel
    assert verdict(**{**gas, "unit": "l"}) == "unit_unusable"
    assert verdict(**{**charge, "unit": "l"}) == "not_fuel_of_truck"
    assert verdict(**{**gas, "product": "天然气", "quantity": 200.0}) == "counted"
    assert verdict(**{**gas, "product": "0号柴油", "quantity": 200.0}) == "not_fuel_of_truck"


def test_kilograms_of_diesel_are_converted_by_the_density_and_say_so() -> None:
    (row,) = judged(bought(quantity=336.0, unit="kg", price="8.83"))
    assert row["counted_quantity"] == pytest.approx(336 / 0.84)  # 400 l
    assert "kilograms_converted" in row["remarks"].split(";")
    assert row["verdict"] == "counted"


# --- how much ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "price", "counted", "remark"),
    [
        (412.35, "7.42", 412.35, ""),
        (7.42, "412.35", 412.35, "quantity_and_price_swapped"),
        (3059.64, "412.35", 412.35, "quantity_is_amount"),  # 412.35 l at 7.42
        (412.35, "3059.64", 412.35, "price_is_amount"),
        (412.35, "0", 412.35, ""),  # no price was told
        (412.35, None, 412.35, ""),
        (412.35, "30", 412.35, "price_unusual"),
    ],
)
def test_a_mix_up_is_read_where_both_numbers_stand_on_the_row(
    quantity: float, price: str | None, counted: float, remark: str
) -> None:
    (row,) = judged(bought(quantity=quantity, price=price))
    assert (row["verdict"], row["counted_quantity"]) == ("counted", counted)
    assert row["remarks"] == ";".join(["place_confirmed", *([remark] if remark else [])])


def test_an_amount_beside_the_right_price_is_named_with_what_it_may_have_been() -> None:
    # 3,059.64 CNY at 7.42 CNY/l are 412.35 l; but it may be a delivery to a depot.
    (row,) = judged(bought(quantity=3059.64))
    assert (row["verdict"], row["counted_quantity"]) == ("litres_amount_mixed", 0)
    assert "412.35 l" in row["text"]


def test_a_small_amount_that_may_be_a_quantity_is_not_guessed() -> None:
    # 300 may be 50 l at 6 CNY, or 300 l with a price that lost its point.
    (row,) = judged(bought(quantity=300.0, price="50"))
    assert row["verdict"] == "litres_amount_mixed"
    assert "50.00 l" in row["text"]


def test_two_readings_that_are_both_plausible_are_not_guessed() -> None:
    # 7 l for an amount of 49, or 49 l at 7 each.
    (row,) = judged(bought(quantity=7.0, price="49"))
    assert (row["verdict"], row["remarks"]) == ("litres_amount_mixed", "place_confirmed")


def test_a_price_in_another_currency_is_no_evidence() -> None:
    (row,) = judged(bought(price="1.65", currency="EUR"))
    assert (row["verdict"], row["remarks"]) == ("counted", "place_confirmed")


def test_more_than_the_tank_holds_is_not_counted() -> None:
    assert verdict(quantity=660.0, price=None) == "counted"  # a tenth above the 600 l told
    (row,) = judged(bought(quantity=661.0, price=None))
    assert (row["verdict"], row["counted_quantity"]) == ("beyond_tank", 0)
    assert "holds 600 l" in row["text"]


def test_without_a_tank_the_class_limits_it() -> None:
    # 4 t of payload: the class of 7.5 t, 250 l by the edition.
    assert verdict(vehicle_id="T4", quantity=275.0) == "counted"
    assert verdict(vehicle_id="T4", quantity=276.0, price=None) == "beyond_tank"


# --- where ------------------------------------------------------------------------------------

FRIENDS_STATION = {
    "fix_distance_m": 18_400.0,
    "standing_distance_m": 21_000.0,
    "stood_at": AT,
    "unseen_h": 0.01,
}


def test_a_receipt_of_a_friend_is_contradicted_by_the_place() -> None:
    (row,) = judged(bought(**FRIENDS_STATION))
    assert (row["verdict"], row["counted_quantity"]) == ("place_contradicted", 0)
    assert row["distance_m"] == 18_400
    assert row["text"] == (
        "The truck was elsewhere. It came no nearer than 18.4 km around that time."
    )


@pytest.mark.parametrize(
    ("distance_m", "expected"), [(200.0, "counted"), (201.0, "place_contradicted")]
)
def test_standing_within_a_hundred_metres_of_the_station_confirms(
    distance_m: float, expected: str
) -> None:
    assert verdict(fix_distance_m=distance_m, standing_distance_m=distance_m) == expected


def test_passing_by_is_no_fill() -> None:
    (row,) = judged(bought(fix_distance_m=15.0, standing_distance_m=np.nan, stood_at=None))
    assert row["verdict"] == "place_contradicted"
    assert "passed at 15 m without standing" in row["text"]


def test_who_may_have_been_there_unseen_is_not_contradicted() -> None:
    away = {"fix_distance_m": 4_000.0, "standing_distance_m": np.nan, "stood_at": None}
    (row,) = judged(bought(**away, unseen_h=0.05))  # three minutes, the least a fill takes
    assert (row["verdict"], row["remarks"]) == ("counted", "place_unknown")
    assert verdict(**away, unseen_h=0.049) == "place_contradicted"


def test_without_positions_or_without_a_place_the_place_is_unknown_and_counts() -> None:
    nothing = {"fix_distance_m": np.nan, "standing_distance_m": np.nan, "stood_at": None}
    nowhere = {"place_lon": None, "place_lat": None, "unseen_h": np.nan}
    for unknown in ({"unseen_h": 1 / 3}, nowhere):
        (row,) = judged(bought(**nothing, **unknown))
        assert (row["verdict"], row["remarks"]) == ("counted", "place_unknown")
    (row,) = judged(bought(**nothing, unseen_h=0.0))
    assert "no time to be at the place" in row["text"]


def test_a_day_without_hour_is_taken_when_the_truck_stood_there() -> None:
    midnight = datetime(2026, 3, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
    day = {"bought_at": midnight, "is_hour_known": False}
    (row,) = judged(bought(**day))
    assert (row["fuelled_at"], row["is_hour_known"]) == (AT - timedelta(minutes=5), True)
    assert "day_only" in row["remarks"].split(";")
    (row,) = judged(
        bought(**day, place_lon=None, standing_distance_m=np.nan, fix_distance_m=np.nan)
    )
    assert (row["fuelled_at"], row["is_hour_known"]) == (midnight + timedelta(hours=12), False)


# --- twice ------------------------------------------------------------------------------------


def verdicts(*rows: dict[str, Any]) -> list[str]:
    return [one["verdict"] for one in judged(*rows)]


def test_a_fuel_card_and_a_rounding_driver_are_one_purchase() -> None:
    card = bought(quantity=412.35, receipt_id="C123")
    app = bought(quantity=412.0, bought_at=AT + timedelta(minutes=12), price=None)
    found = judged(app, card)
    assert [one["verdict"] for one in found] == ["counted", "duplicate"]
    assert found[0]["counted_quantity"] == 412.35
    assert found[1]["text"] == (
        "The same purchase is told twice; the fuller record counts."
        " It is told also as C123 at 2026-03-10 14:30, 412.35 l. The truck stood there."
    )


def test_the_fuller_record_counts_even_if_it_comes_later() -> None:
    app = bought(quantity=412.0, price=None, place_lon=None)
    card = bought(quantity=412.35, receipt_id="C123", bought_at=AT + timedelta(minutes=12))
    assert verdicts(app, card) == ["duplicate", "counted"]


def test_one_number_within_a_day_is_one_purchase() -> None:
    late = bought(receipt_id="R7", bought_at=AT + timedelta(hours=9))
    assert verdicts(bought(receipt_id="R7"), late) == ["counted", "duplicate"]
    two_days = bought(receipt_id="R7", bought_at=AT + timedelta(hours=49))
    assert verdicts(bought(receipt_id="R7"), two_days) == ["counted", "counted"]


def test_two_numbers_of_one_till_are_two_purchases() -> None:
    # Prepaid 200 l twice, one receipt after the other.
    first = bought(quantity=200.0, receipt_id="R0017")
    second = bought(quantity=200.0, receipt_id="R0018", bought_at=AT + timedelta(minutes=4))
    assert verdicts(first, second) == ["counted", "counted"]
    other_form = bought(quantity=200.0, receipt_id="APP-5", bought_at=AT + timedelta(minutes=4))
    assert verdicts(first, other_form) == ["counted", "duplicate"]


def test_two_quantities_are_two_purchases() -> None:
    second = bought(quantity=180.3, bought_at=AT + timedelta(minutes=4))
    assert verdicts(bought(quantity=200.5), second) == ["counted", "counted"]


def test_a_record_of_the_day_and_one_of_the_hour_are_one_purchase() -> None:
    midnight = datetime(2026, 3, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert verdicts(bought(bought_at=midnight, is_hour_known=False), bought()) == [
        "duplicate", "counted",
    ]  # fmt: skip
    before = bought(bought_at=midnight - timedelta(days=1), is_hour_known=False)
    assert verdicts(before, bought()) == ["counted", "counted"]


def test_two_trucks_may_buy_the_same() -> None:
    other = bought(vehicle_id="T4", quantity=200.0)
    assert verdicts(bought(quantity=200.0), other) == ["counted", "counted"]


def test_adblue_on_the_same_receipt_is_no_duplicate_of_the_diesel() -> None:
    urea = bought(receipt_id="R7", product="车用尿素", quantity=400.0)
    assert sorted(verdicts(bought(receipt_id="R7"), urea)) == ["counted", "not_fuel_of_truck"]


def test_a_duplicate_just_beyond_the_month_is_found_from_both_months() -> None:
    last = datetime(2026, 3, 31, 23, 50, tzinfo=ZoneInfo("Asia/Shanghai"))
    in_march = bought(bought_at=last, price=None, place_lon=None)
    in_april = bought(bought_at=last + timedelta(minutes=15))
    assert verdicts(in_march, in_april) == ["duplicate"]  # that of April is in April's table


# --- when -------------------------------------------------------------------------------------

A_YEAR_LATE = {
    "bought_at": AT.replace(year=2025),
    "looked_at": AT,
    "odometer_km": 120_010.0,
    "odometer_seen_km": 120_000.0,
}


def test_a_date_a_year_off_that_fits_by_the_odometer_is_named_and_not_counted() -> None:
    (row,) = judged(bought(**A_YEAR_LATE))
    assert (row["verdict"], row["counted_quantity"]) == ("wrong_date", 0)
    assert "dated 2025-03-10, but fits 2026-03-10" in row["text"]
    assert row["bought_at"] == AT.replace(year=2025)


def test_a_date_of_another_year_that_fits_nothing_is_no_receipt_of_the_month() -> None:
    assert judged(bought(**{**A_YEAR_LATE, "odometer_km": 60_000.0})) == []
    # A place alone is no proof: trucks stand at the same pumps every year.
    assert judged(bought(**{**A_YEAR_LATE, "odometer_km": None})) == []
    assert judged(bought(**{**A_YEAR_LATE, **FRIENDS_STATION})) == []
    # Adblue of another year neither.
    assert judged(bought(**A_YEAR_LATE, product="AdBlue")) == []


def neighbours(**given: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Receipts of the same truck two days before and after, with these values."""
    return [
        bought(
            bought_at=AT + timedelta(days=days),
            **{name: values[place] for name, values in given.items()},
        )
        for place, days in enumerate((-2, 2))
    ]


def test_without_an_odometer_of_the_truck_the_neighbours_tell_a_wrong_date() -> None:
    doubtful = bought(**{**A_YEAR_LATE, "odometer_seen_km": None})
    fits = judged(doubtful, *neighbours(odometer_km=(119_000.0, 121_000.0)))
    assert [one["verdict"] for one in fits] == ["counted", "wrong_date", "counted"]
    apart = judged(doubtful, *neighbours(odometer_km=(121_000.0, 122_000.0)))
    assert [one["verdict"] for one in apart] == ["counted", "counted"]


def test_without_any_odometer_the_numbers_of_the_receipts_tell_a_wrong_date() -> None:
    told = {**A_YEAR_LATE, "odometer_km": None, "receipt_id": "R0123"}
    fits = judged(bought(**told), *neighbours(receipt_id=("R0120", "R0130")))
    assert [one["verdict"] for one in fits] == ["counted", "wrong_date", "counted"]
    other_form = judged(bought(**told), *neighbours(receipt_id=("A-120", "A-130")))
    assert [one["verdict"] for one in other_form] == ["counted", "counted"]


def test_a_receipt_while_nobody_moved_with_another_odometer_has_a_wrong_date() -> None:
    standing = {"silence_h": 30.0, "odometer_seen_km": 80_000.0, "odometer_km": 95_000.0}
    (row,) = judged(bought(**standing))
    assert row["verdict"] == "wrong_date"
    assert "no position for 30 h" in row["text"]
    assert verdict(**{**standing, "silence_h": 23.0}) == "counted"
    assert verdict(**{**standing, "odometer_km": 80_040.0}) == "counted"
    assert verdict(**{**standing, "odometer_km": None}) == "counted"


def test_an_odometer_that_runs_backwards_is_a_remark() -> None:
    later = bought(bought_at=AT + timedelta(days=1), odometer_km=99_000.0)
    found = judged(bought(odometer_km=100_000.0), later)
    assert [one["verdict"] for one in found] == ["counted", "counted"]
    assert found[1]["remarks"] == "place_confirmed;odometer_backwards"
    assert "odometer_backwards" not in found[0]["remarks"]


def test_purchases_beside_the_month_are_not_shown() -> None:
    assert (
        judged(bought(bought_at=datetime(2026, 2, 27, 12, tzinfo=ZoneInfo("Asia/Shanghai")))) == []
    )


def test_no_purchases_make_an_empty_table() -> None:
    vehicles = VEHICLES.shape(pd.DataFrame(list(TRUCKS)))
    found = judge_receipts(
        PURCHASES.empty(), vehicles, month=MONTH, density_kg_per_l=0.84, edition=EDITION
    )
    assert found.equals(RECEIPTS.empty())


# --- all of it --------------------------------------------------------------------------------

PURCHASE = st.fixed_dictionaries(
    {
        "vehicle_id": st.sampled_from([truck["vehicle_id"] for truck in TRUCKS]),
        "bought_at": st.integers(0, 30 * 24 * 12).map(
            lambda steps: MONTH.starts_at + timedelta(minutes=5 * steps)
        ),
        "quantity": st.floats(0.1, 5000).map(lambda value: round(value, 2)),
        "unit": st.sampled_from(["l", "kg", "kWh"]),
        "product": st.sampled_from([None, "0号柴油", "LNG", "AdBlue", "charging", "???"]),
        "price": st.sampled_from([None, "0", "7.42", "412.35", "3059.64"]),
        "receipt_id": st.sampled_from([None, "R1", "R2", "APP-1"]),
        "odometer_km": st.sampled_from([None, 1000.0, 2000.0]),
        "fix_distance_m": st.sampled_from([np.nan, 10.0, 5000.0]),
        "standing_distance_m": st.sampled_from([np.nan, 10.0, 5000.0]),
        "unseen_h": st.sampled_from([0.0, 0.2]),
    }
)


def one_of_each(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A purchase is told apart by truck, moment, number and quantity."""
    key = ("vehicle_id", "bought_at", "receipt_id", "quantity")
    return list({tuple(row[name] for name in key): row for row in rows}.values())


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(PURCHASE, min_size=1, max_size=12).map(one_of_each), seed=st.randoms())
def test_every_purchase_has_one_verdict_whatever_else_is_given(
    rows: list[dict[str, Any]], seed: Any
) -> None:
    purchases = [bought(**row) for row in rows]
    found = judged(*purchases)
    assert len(found) == len(purchases)  # none is dropped, none is doubled
    for one in found:
        counts = one["verdict"] == "counted"
        assert (one["counted_quantity"] > 0) == counts
        assert one["counted_quantity"] <= 1.1 * one["tank_quantity"] + 1e-9
        assert one["text"]
    shuffled = list(purchases)
    seed.shuffle(shuffled)
    assert repr(judged(*shuffled)) == repr(found)
    for name in {row["vehicle_id"] for row in rows}:
        mine = judged(*(row for row in purchases if row["vehicle_id"] == name))
        assert repr(mine) == repr([one for one in found if one["vehicle_id"] == name])
