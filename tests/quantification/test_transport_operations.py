"""The inventory book by ISO 14083: categories, shipments and the rest, reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import ACCOUNTS, LANES, LEG_ORDERS, LEGS
from fleet_carbon.quantification.allocation import apportioned
from fleet_carbon.quantification.editions import edition_labelled
from fleet_carbon.quantification.emissions import EnergyFactors, resolve_inventory
from fleet_carbon.quantification.factors import FactorBook
from fleet_carbon.quantification.forming import COLUMNS, MonthTables
from fleet_carbon.quantification.transport_operations import Operations, operate
from tests.quantification.account_builders import (
    BOOK,
    EDITION,
    MODELS,
    MONTH,
    aboard,
    empty_leg,
    leg,
    order,
    orders,
    past,
)

# Round factors, so that a reader can follow: 2.5 and 3.4 kg of CO2e of a litre.
FACTORS = {"diesel": EnergyFactors(2.5, 3.4, ""), "lng": EnergyFactors(2.6, 3.5, "of_elsewhere")}


def tables(
    legs: list[dict[str, Any]],
    carried: pd.DataFrame,
    results: pd.DataFrame,
    sfd_km: dict[str, float] | None = None,
    **of_truck: dict[str, Any],
) -> MonthTables:
    """A month whose legs say how many litres they took (`diesel_l`); accounts are their sums."""
    rows = LEGS.shape(pd.DataFrame(legs))
    rows["co2e_wtw_kg"] = rows["diesel_l"] * 3.4
    accounts, lanes = [], []
    for (driver_id, vehicle_id), own in rows.groupby(["driver_id", "vehicle_id"]):
        told = of_truck.get(str(vehicle_id), {})
        quantity = float(own["diesel_l"].sum(min_count=len(own)))
        fields = {
            "energy": "diesel", "energy_unit": "l", "energy_quantity": quantity,
            "co2e_wtw_kg": quantity * 3.4, "fuel_model": "physics", "diesel_source": "receipts",
        }  # fmt: skip
        key = {"driver_id": driver_id, "vehicle_id": vehicle_id}
        accounts.append(past(str(MONTH), **{**fields, **told}, **key))
        own_class = told.get("vehicle_class", "tractor_trailer")
        lane = {"vehicle_class": own_class, "loaded_km": 10.0, "capacity_tkm": 300.0}
        lanes.append({**dict.fromkeys(LANES.required, 0), **key, "month": str(MONTH), **lane})
    every = {
        "legs": rows,
        "leg_orders": carried,
        "order_results": results,
        "accounts": ACCOUNTS.shape(pd.DataFrame(accounts)),
        "lanes": LANES.shape(pd.DataFrame(lanes).astype({"origin": str, "destination": str})),
    }
    return MonthTables(
        **{name: held[list(COLUMNS[name])] for name, held in every.items()},
        sfd_km=pd.Series(sfd_km or {}, dtype="float64"),
    )


def operated(*given: Any, distance_kind: str = "gcd", **of_truck: Any) -> Operations:
    return operate(
        tables(*given, **of_truck),
        month=MONTH,
        factors=FACTORS,
        edition=EDITION,
        distance_kind=distance_kind,
    )


def by_id(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    key = str(rows.columns[0])
    return {str(row[key]): row for row in rows.to_dict("records")}


# Empty to the yard, out with two part loads, on with one: 50 + 100 + 40 km and 20 + 60 + 20 l.
ROUND = [
    empty_leg(0, diesel_l=20.0),
    leg(1, order_ids="O1;O2", payload_t=30.0, diesel_l=60.0),
    leg(2, order_ids="O2", distance_km=40.0, diesel_l=20.0),
]
CARRIED = aboard((1, "O1", 10.0, 100.0), (1, "O2", 20.0, 100.0), (2, "O2", 20.0, 40.0))
RESULTS = orders(
    order("O1", cargo_t=10.0, great_circle_km=80.0, onboard_km=100.0),
    order("O2", cargo_t=20.0, great_circle_km=120.0, onboard_km=140.0),
)
SHORT_LTL = "2026-03.tractor_trailer.diesel.short.LTL"


def test_part_loads_of_a_round_bear_what_their_own_great_circle_weighs() -> None:
    found = operated(ROUND, CARRIED, RESULTS)
    # 10 t x 80 km = 800 and 20 t x 120 km = 2400 tkm: a quarter and three of 100 l and 340 kg.
    shipments = by_id(found.shipments)
    assert [shipments[one]["activity_tkm"] for one in ("O1", "O2")] == [800.0, 2400.0]
    assert [shipments[one]["energy_millionths"] for one in ("O1", "O2")] == [25_000_000, 75_000_000]
    assert [shipments[one]["co2e_wtw_mg"] for one in ("O1", "O2")] == [85_000_000, 255_000_000]
    assert [shipments[one]["co2e_ttw_mg"] for one in ("O1", "O2")] == [62_500_000, 187_500_000]
    assert found.unattributed.empty


def test_activity_by_the_feasible_distance_is_that_which_orders_tell() -> None:
    found = operated(ROUND, CARRIED, RESULTS, sfd_km={"O1": 90.0, "O2": 150.0}, distance_kind="sfd")
    # 10 t x 90 km = 900 and 20 t x 150 km = 3000 tkm, of 3900: the litres go by them.
    shipments, [toc] = by_id(found.shipments), found.tocs.to_dict("records")
    assert [shipments[one]["activity_tkm"] for one in ("O1", "O2")] == [900.0, 3000.0]
    assert [shipments[one]["energy_millionths"] for one in ("O1", "O2")] == [23_076_923, 76_923_077]
    assert [shipments[one]["distance_kind"] for one in ("O1", "O2")] == ["sfd", "sfd"]
    assert (toc["toc_id"], toc["distance_kind"]) == (f"{SHORT_LTL}.sfd", "sfd")
    # Driven 10 t x 100 km + 20 t x 140 km; intensity 340 kg / 3900 tkm.
    assert toc["distance_adjustment_ratio"] == pytest.approx(3800 / 3900)
    assert toc["co2e_wtw_g_per_tkm"] == pytest.approx(340_000 / 3900)


@pytest.mark.parametrize("told_km", [None, 119.9])
def test_what_has_no_feasible_distance_that_can_be_is_told_by_the_great_circle_and_apart(
    told_km: float | None,
) -> None:
    """No road is shorter than the 120 km of the great circle of O2."""
    told = {"O1": 90.0} | ({} if told_km is None else {"O2": told_km})
    found = operated(ROUND, CARRIED, RESULTS, sfd_km=told, distance_kind="sfd")
    tocs, shipments = by_id(found.tocs), by_id(found.shipments)
    assert {name: row["distance_kind"] for name, row in tocs.items()} == {
        SHORT_LTL: "gcd", f"{SHORT_LTL}.sfd": "sfd",
    }  # fmt: skip
    assert shipments["O2"]["distance_kind"] == "gcd"
    assert shipments["O2"]["activity_tkm"] == 20.0 * 120.0
    assert found.shipments["co2e_wtw_mg"].sum() == 340_000_000


def test_feasible_distances_change_nothing_where_the_great_circle_is_asked_for() -> None:
    told = operated(ROUND, CARRIED, RESULTS, sfd_km={"O1": 90.0, "O2": 150.0})
    pd.testing.assert_frame_equal(told.tocs, operated(ROUND, CARRIED, RESULTS).tocs)
    assert set(told.shipments["distance_kind"]) == {"gcd"}


def test_a_category_holds_its_empty_way_and_names_its_daf() -> None:
    toc = by_id(operated(ROUND, CARRIED, RESULTS).tocs)[SHORT_LTL]
    assert (toc["loaded_km"], toc["empty_km"]) == pytest.approx((140.0, 50.0))
    assert toc["empty_share"] == pytest.approx(50 / 190)
    # Work 10 t x 100 km + 20 t x 140 km = 3800 tkm, of 30 t x 140 km that were there.
    assert toc["load_factor_share"] == pytest.approx(3800 / 4200)
    assert toc["distance_adjustment_ratio"] == pytest.approx(3800 / 3200)
    assert toc["co2e_wtw_g_per_tkm"] == pytest.approx(340_000 / 3200)
    assert toc["co2e_ttw_g_per_tkm"] == pytest.approx(250_000 / 3200)
    assert (toc["data_class"], toc["primary_share"]) == ("primary", 1.0)


def test_a_shipment_alone_aboard_and_one_of_another_band_are_of_other_categories() -> None:
    legs = [*ROUND, empty_leg(3, diesel_l=10.0), leg(4, diesel_l=90.0, distance_km=330.0)]
    carried = pd.concat([CARRIED, aboard((4, "O3", 20.0, 330.0))])
    far = order("O3", great_circle_km=300.0, onboard_km=330.0)
    results = pd.concat([RESULTS, orders(far)])
    tocs = by_id(operated(legs, carried, results).tocs)
    middle = tocs["2026-03.tractor_trailer.diesel.middle.FTL"]
    # The empty leg before it is its own: 10 of 100 l.
    assert (middle["energy_millionths"], middle["empty_km"]) == (100_000_000, 50.0)
    assert tocs[SHORT_LTL]["energy_millionths"] == 100_000_000


def test_what_is_driven_for_nobody_known_is_told_by_reason() -> None:
    legs = [
        *ROUND,
        leg(3, state="unknown", order_ids="", payload_t=0.0, diesel_l=7.0),
        empty_leg(4, purpose="private", diesel_l=3.0),
        empty_leg(5, vehicle_id="T2", diesel_l=11.0),
    ]
    found = operated(legs, CARRIED, RESULTS)
    rest = by_id(found.unattributed)
    assert {name: row["energy_millionths"] for name, row in rest.items()} == {
        "no_shipment": 11_000_000,
        "private": 3_000_000,
        "unknown_load": 7_000_000,
    }
    assert rest["unknown_load"]["distance_km"] == 100.0
    assert found.shipments["energy_millionths"].sum() == 100_000_000


def test_cargo_that_goes_nowhere_by_the_great_circle_bears_nothing() -> None:
    results = orders(order("O1", great_circle_km=0.0, onboard_km=100.0))
    found = operated([leg(1, diesel_l=5.0)], aboard((1, "O1", 20.0, 100.0)), results)
    assert found.shipments["co2e_wtw_mg"].tolist() == [0]
    assert found.unattributed["reason"].tolist() == ["no_activity"]
    assert found.unattributed["co2e_wtw_mg"].tolist() == [17_000_000]


def test_of_a_shipment_across_two_months_the_month_bears_the_part_driven_in_it() -> None:
    results = orders(order("O1", great_circle_km=80.0, onboard_km=400.0))
    found = operated([leg(1, diesel_l=5.0)], aboard((1, "O1", 20.0, 100.0)), results)
    [row] = found.shipments.to_dict("records")
    # 100 of 400 km: a quarter of 20 t x 80 km.
    assert (row["month_share"], row["distance_gcd_km"], row["activity_tkm"]) == (0.25, 20.0, 400.0)


@pytest.mark.parametrize(
    ("mass_kg", "distance_km", "kg_per_tkm", "co2e_kg"),
    [
        # iLEAP extension, worked examples: 36.801 tkm and 3.6801 kg; 27.927 tkm and 4.74759 kg;
        # 16,920 tkm and 1962.72 kg (methodology note, W02 to W04).
        (87, 423, "0.1", "3.6801"),
        (87, 321, "0.17", "4.74759"),
        (40_000, 423, "0.116", "1962.72"),
        # 5,000 kg x 203 km x 0.162: 164.43 kg (W08).
        (5_000, 203, "0.162", "164.43"),
    ],
)
def test_activity_times_intensity_is_what_the_sources_print(
    mass_kg: int, distance_km: int, kg_per_tkm: str, co2e_kg: str
) -> None:
    # Beside it a shipment of 1,000 tkm over the same way, and litres that make the intensity.
    tkm, cargo_t = mass_kg * distance_km / 1000, 1000 / distance_km
    litres = (tkm + 1000) * float(kg_per_tkm) / 3.4
    like = {"great_circle_km": float(distance_km), "onboard_km": 500.0}
    results = orders(
        order("O1", cargo_t=mass_kg / 1000, **like), order("O2", cargo_t=cargo_t, **like)
    )
    rows = aboard((1, "O1", mass_kg / 1000, 500.0), (2, "O2", cargo_t, 500.0))
    found = operated([leg(1, diesel_l=litres), leg(2, diesel_l=0.0)], rows, results)
    shipment = by_id(found.shipments)["O1"]
    assert shipment["activity_tkm"] == pytest.approx(tkm)
    assert shipment["co2e_wtw_mg"] == pytest.approx(float(co2e_kg) * 1e6, abs=1)


def test_a_truck_of_unknown_energy_has_the_default_of_its_class_with_the_uplift_of_its_region() -> (
    None
):
    legs = [leg(1, distance_km=105.0, diesel_l=np.nan)]
    results = orders(order("O1", great_circle_km=90.0, onboard_km=105.0))
    carried = aboard((1, "O1", 20.0, 105.0))
    found = operated(legs, carried, results, T1={"energy": "cng", "energy_unit": None})
    [toc] = found.tocs.to_dict("records")
    # 20 t x 105 km / 1.05 = 2,000 tkm of the shortest feasible distance, x 95 (73) g x 1.22.
    assert toc["co2e_wtw_mg"] == 231_800_000
    assert toc["co2e_ttw_mg"] == 178_120_000
    assert pd.isna(toc["energy_millionths"])
    assert (toc["data_class"], toc["primary_share"]) == ("default", 0.0)
    assert toc["toc_id"].endswith(".cng.short.FTL.default")
    assert toc["notes"] == "default_intensity;uplift_asia"
    assert found.shipments["co2e_wtw_mg"].tolist() == [231_800_000]


@pytest.mark.parametrize(
    ("vehicle_class", "sfd_km", "wtw_mg", "ttw_mg"),
    [
        # The British ones are of what was driven: 5 t x 105 km = 525 tkm, x g x 1.22 of Asia.
        ("rigid_7_5t", 100.0, 525 * 687.39 * 1.22, 525 * 527.61 * 1.22),
        ("rigid_12t", 100.0, 525 * 473.74 * 1.22, 525 * 363.62 * 1.22),
        ("rigid_18t", None, 525 * 223.39 * 1.22, 525 * 171.46 * 1.22),
        # GLEC's are of the feasible distance: as it is told, 5 t x 98 km, else 105 km / 1.05.
        ("rigid_26t", 98.0, 490 * 162 * 1.22, 490 * 124 * 1.22),
        ("rigid_26t", None, 500 * 162 * 1.22, 500 * 124 * 1.22),
    ],
)
def test_each_class_has_the_default_of_its_source_by_the_distance_of_that_source(
    vehicle_class: str, sfd_km: float | None, wtw_mg: float, ttw_mg: float
) -> None:
    found = operated(
        [leg(1, distance_km=105.0, diesel_l=np.nan)],
        aboard((1, "O1", 5.0, 105.0)),
        orders(order("O1", cargo_t=5.0, great_circle_km=90.0, onboard_km=105.0)),
        sfd_km={} if sfd_km is None else {"O1": sfd_km},
        distance_kind="sfd",
        T1={"energy": "cng", "energy_unit": None, "vehicle_class": vehicle_class},
    )
    [toc] = found.tocs.to_dict("records")
    assert toc["co2e_wtw_mg"] == round(wtw_mg * 1000)
    assert toc["co2e_ttw_mg"] == round(ttw_mg * 1000)
    # 4.13 and 3.17 kg/kg: what is derived differs from the quotient by less than a rounding.
    assert wtw_mg / ttw_mg == pytest.approx(4.13 / 3.17, abs=0.005)


def test_where_no_default_may_stand_in_the_footprint_is_missing_and_named() -> None:
    results = orders(order("O1", onboard_km=100.0))
    burnt = {"energy": "methanol", "energy_unit": None}
    found = operated([leg(1, diesel_l=np.nan)], aboard((1, "O1", 20.0, 100.0)), results, T1=burnt)
    assert found.tocs["notes"].tolist() == ["no_default_for_methanol"]
    assert found.shipments["co2e_wtw_mg"].isna().all()
    assert found.shipments["data_class"].tolist() == ["none"]


@pytest.mark.parametrize(
    ("told", "data_class"),
    [
        ({"diesel_source": "counter"}, "primary"),
        ({"diesel_source": "calibrated"}, "modelled"),
        ({"diesel_source": "class"}, "modelled"),
        ({"diesel_source": "class", "fuel_model": "class_rates"}, "default"),
        ({"diesel_source": None, "energy": "lng", "notes": "energy_by_receipts"}, "primary"),
        ({"diesel_source": None, "energy": "lng"}, "modelled"),
    ],
)
def test_the_data_class_is_that_of_what_is_known_of_the_energy(
    told: dict[str, Any], data_class: str
) -> None:
    [toc] = operated(ROUND, CARRIED, RESULTS, T1=told).tocs.to_dict("records")
    assert toc["data_class"] == data_class


@pytest.mark.parametrize(("litres", "data_class"), [(4.0, "primary"), (6.0, "modelled")])
def test_the_weakest_class_counts_from_its_twentieth_on(litres: float, data_class: str) -> None:
    # Another truck with a like shipment, modelled: 4 of 104 l are less than a twentieth, 6 more.
    legs = [*ROUND, leg(1, vehicle_id="T2", diesel_l=litres)]
    own = aboard((1, "P1", 10.0, 100.0), (1, "P2", 10.0, 100.0)).assign(vehicle_id="T2")
    carried = LEG_ORDERS.shape(pd.concat([CARRIED, own]))
    like = {"vehicle_id": "T2", "great_circle_km": 80.0, "onboard_km": 100.0}
    results = pd.concat([RESULTS, orders(order("P1", **like), order("P2", **like))])
    [toc] = operated(legs, carried, results, T2={"diesel_source": "declared"}).tocs.to_dict(
        "records"
    )
    assert toc["trucks_count"] == 2
    assert toc["data_class"] == data_class
    assert toc["primary_share"] == pytest.approx(100 / (100 + litres))


def test_tank_to_wheel_diesel_is_co2e_of_the_source_of_its_well_to_wheel_factor() -> None:
    assert ttw_share(BOOK, None) == pytest.approx(3.17 / 4.13)


def ttw_share(book: FactorBook, known_on: date | None) -> float:
    """Tank-to-wheel by well-to-wheel: 3.17 and 4.13 kg of a kilogram (GLEC v3, Europe)."""
    name = "diesel_eu.co2e_ttw"
    found = resolve_inventory(
        book, EDITION, MONTH.first_day, known_on=known_on, diesel_ttw_factor=name
    )
    return found["diesel"].ttw_ratio / found["diesel"].wtw_ratio


def test_a_factor_that_was_published_after_a_close_does_not_change_it() -> None:
    series = {name: BOOK.series(name) for name in BOOK.ids}
    old = series["diesel_eu.co2e_ttw"]
    later = replace(old.values[-1], value=Decimal("3.50"), recorded_on=date(2099, 1, 1))
    book = FactorBook(series | {"diesel_eu.co2e_ttw": replace(old, values=(*old.values, later))})
    assert ttw_share(book, None) == pytest.approx(3.50 / 4.13)
    assert ttw_share(book, BOOK.complete_on) == pytest.approx(3.17 / 4.13)


def test_an_edition_is_found_by_its_label_and_missed_by_name() -> None:
    assert edition_labelled(MODELS, EDITION.label).digest == EDITION.digest
    with pytest.raises(NotFound) as missed:
        edition_labelled(MODELS, "cn-freight 1999.1")
    assert missed.value.code == "edition_not_at_hand"


@given(
    st.lists(st.integers(0, 10**13), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e6)), min_size=1, max_size=40),
)
def test_whole_numbers_are_split_without_a_rest(
    wholes: list[int], rows: list[tuple[int, float]]
) -> None:
    whole = np.array(wholes, np.int64)
    group = np.array([code % len(wholes) for code, _ in rows], np.intp)
    weight = np.array([value for _, value in rows])
    parts = apportioned(whole, group, weight)
    total = np.bincount(group, weight, len(wholes))
    for place, one in enumerate(wholes):
        own = group == place
        assert parts[own].sum() == (one if total[place] > 0 else 0)
        exact = one * np.divide(weight[own], total[place]) if total[place] > 0 else weight[own] * 0
        assert (np.abs(parts[own] - exact) < 1.01).all()
    assert (parts >= 0).all()


def test_the_order_of_the_rows_changes_nothing() -> None:
    legs = [*ROUND, leg(9, vehicle_id="T2", diesel_l=1 / 3), empty_leg(12, diesel_l=2 / 3)]
    own = aboard((9, "P1", 7.0, 100.0)).assign(vehicle_id="T2")
    carried = LEG_ORDERS.shape(pd.concat([CARRIED, own]))
    results = pd.concat([RESULTS, orders(order("P1", vehicle_id="T2", onboard_km=100.0))])
    of_month = tables(legs, carried, results)
    turned = MonthTables(
        of_month.legs.iloc[::-1],
        carried.iloc[::-1].reset_index(drop=True),
        results.iloc[::-1].reset_index(drop=True),
        of_month.accounts.iloc[::-1].reset_index(drop=True),
        of_month.lanes,
        of_month.sfd_km,
    )
    one, other = (
        operate(held, month=MONTH, factors=FACTORS, edition=EDITION, distance_kind="gcd")
        for held in (of_month, turned)
    )
    whole = ["shipment_id", "co2e_wtw_mg", "energy_millionths"]
    pd.testing.assert_frame_equal(one.shipments[whole], other.shipments[whole])
