"""Quantifying trucks together gives each the same figures, to the last bit, as it has alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fleet_carbon.frames import LEG_ORDERS, LEGS, RECEIPTS, VEHICLES
from fleet_carbon.quantification import accounts
from fleet_carbon.quantification.month_fuel import fuel_of_month
from tests.quantification.account_builders import (
    EDITION,
    START,
    TRUCK,
    baselines,
    context,
    fill,
    history,
    leg,
    order,
    orders,
    past,
    seen,
)

STATES = {"L": "loaded", "E": "empty", "U": "unknown"}
# Trucks by the way their energy is known: declared, class, another energy, no class.
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"empty_l_per_100km": None, "full_l_per_100km": None},
    {"energy": "lng"},
    {"energy": "electric"},
    {"energy": "methanol"},
    {"rated_payload_t": 0.5, "empty_l_per_100km": None},
)
CLASS = {"driver_id": None, "vehicle_class": "tractor_trailer", "empty_share": 0.37}

drives = st.lists(
    st.tuples(
        st.sampled_from("LLEU"),
        st.floats(0.1, 900),
        st.floats(0.5, 30),
        st.sampled_from(("D1", "D1", "D1", "D2", None)),
        st.one_of(st.none(), st.floats(0.2, 0.6)),
    ),
    min_size=1,
    max_size=12,
)
fleets = st.lists(st.tuples(st.sampled_from(KINDS), drives), min_size=2, max_size=4)
# A fleet is quantified in tens of milliseconds: looking for a smaller one would take minutes.
QUICK = settings(deadline=None, phases=(Phase.generate,))
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]
# Every second truck has measured months, the others fill up after every leg.
MEASURED = history(
    *(
        past(
            month,
            vehicle_id=f"T{number}",
            edition=EDITION.label,
            fuel_model="physics",
            measured_l=3_300.0 + number,
            measured_model_l=3_000.0,
        )
        for number in (1, 3)
        for month in ("2026-01", "2026-02")
    )
)


def receipts_of(driven: pd.DataFrame) -> pd.DataFrame:
    """Full fills after every leg of some trucks, of 0.4 units a kilometre."""
    buying = driven[driven["vehicle_id"].isin(["T0", "T2"])]
    rows = [
        fill((row.started_at - START).total_seconds() / 3600 + 2.5, 0.4 * row.distance_km,
             vehicle_id=row.vehicle_id)
        for row in buying.itertuples()
    ]  # fmt: skip
    return RECEIPTS.shape(pd.DataFrame(rows)) if rows else RECEIPTS.empty()


def tables_of(fleet: list[Any]) -> Tables:
    """Register, legs, orders aboard and results; every loaded leg carries its own two orders."""
    trucks, driven, aboard, results = [], [], [], []
    for number, (kind, drive) in enumerate(fleet):
        vehicle_id = f"T{number}"
        trucks.append({**TRUCK, **kind, "vehicle_id": vehicle_id})
        for index, (state, km, t, driver_id, l_per_km) in enumerate(drive):
            given_leg = leg(
                index,
                vehicle_id=vehicle_id,
                driver_id=driver_id,
                state=STATES[state],
                payload_t=t if state == "L" else 0.0,
                fuel_counter_l=None if l_per_km is None else l_per_km * km,
                gap_h=0.1,
                **({"distance_km": km} if state == "U" else seen(km, km / 60)),
            )
            driven.append(given_leg)
            for name, share in (("a", 0.3), ("b", 0.7)) if state == "L" else ():
                of_truck = {"order_id": f"{vehicle_id}-{index}{name}", "vehicle_id": vehicle_id}
                part = {"cargo_t": share * t, "onboard_km": km, "activity_tkm": share * t * km}
                aboard.append({**of_truck, **part, "started_at": given_leg["started_at"]})
                results.append(order(**of_truck, driver_id=driver_id, cargo_t=share * t))
    return (
        VEHICLES.shape(pd.DataFrame(trucks)),
        LEGS.shape(pd.DataFrame(driven)),
        LEG_ORDERS.shape(pd.DataFrame(aboard, columns=LEG_ORDERS.names)),
        orders(*results),
    )


def quantified(
    tables: Tables, vehicle_ids: list[str], everything: accounts.AccountContext
) -> list[pd.DataFrame]:
    """Legs, orders, accounts and their derivations of some of the trucks."""
    others = tables[1:]
    driven, aboard, results = (rows[rows["vehicle_id"].isin(vehicle_ids)] for rows in others)
    fuel = fuel_of_month(driven, receipts_of(driven), everything.fuel)
    burnt = accounts.quantify_legs(driven, fuel, context=everything)
    shared = accounts.quantify_orders(results, aboard, burnt, fuel=fuel, context=everything)
    found = accounts.compose_accounts(burnt, aboard, shared, fuel=fuel, context=everything)
    return [burnt, shared, found.accounts, found.lanes, found.derivation.table()]


@settings(QUICK, max_examples=12)
@given(fleets, st.integers(1, 3))
def test_trucks_in_batches_have_the_figures_of_trucks_together(fleet: Any, size: int) -> None:
    tables = tables_of(fleet)
    everything = context(vehicles=tables[0], baselines=baselines({}, CLASS), history=MEASURED)
    names = list(tables[0]["vehicle_id"])
    together = quantified(tables, names, everything)
    batches = [names[start : start + size] for start in range(0, len(names), size)]
    parts = zip(*(quantified(tables, batch, everything) for batch in batches), strict=True)
    legs, results, *by_account = (pd.concat(part, ignore_index=True) for part in parts)
    by = ["driver_id", "vehicle_id"]
    found = [rows.sort_values(by, kind="stable", ignore_index=True) for rows in by_account]
    for one, other in zip(together, (legs, results, *found), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@settings(QUICK, max_examples=8)
@given(fleets, st.randoms(use_true_random=False))
def test_the_order_of_the_legs_changes_no_account(fleet: Any, chance: Any) -> None:
    vehicles, driven, aboard, results = tables_of(fleet)
    everything = context(vehicles=vehicles, baselines=baselines({}, CLASS), history=MEASURED)
    names = list(vehicles["vehicle_id"])
    places = list(range(len(driven)))
    chance.shuffle(places)
    one = quantified((vehicles, driven, aboard, results), names, everything)
    other = quantified((vehicles, driven.iloc[places], aboard[::-1], results), names, everything)
    for rows in (1, 2):
        pd.testing.assert_frame_equal(one[rows], other[rows], check_exact=True)


def carried(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    """Orders of 100 km aboard: truck, leg, order, cargo in t."""
    return LEG_ORDERS.shape(
        pd.DataFrame(
            [
                {
                    "vehicle_id": vehicle_id,
                    "started_at": START + timedelta(hours=3 * index),
                    "order_id": order_id,
                    "cargo_t": cargo_t,
                    "onboard_km": 100.0,
                    "activity_tkm": cargo_t * 100.0,
                }
                for vehicle_id, index, order_id, cargo_t in rows
            ]
        )
    )


def test_an_order_takes_the_approach_of_its_own_truck_only() -> None:
    # Both trucks are empty for 50 km (11.72 l) and 20 km (4.688 l); then loaded (35.44 l).
    trucks = VEHICLES.shape(pd.DataFrame([TRUCK, {**TRUCK, "vehicle_id": "T2"}]))
    way = {"state": "empty", "payload_t": 0.0}
    driven = pd.DataFrame(
        [
            leg(0, distance_km=50.0, **way),
            leg(0, distance_km=20.0, vehicle_id="T2", **way),
            leg(1),
            leg(1, vehicle_id="T2"),
        ]
    )
    aboard = carried(("T1", 1, "O1", 20.0), ("T2", 1, "O2", 20.0))
    results = orders(order("O1"), order("O2", vehicle_id="T2"))
    _, found, *_ = quantified(
        (trucks, LEGS.shape(driven), aboard, results), ["T1", "T2"], context(vehicles=trucks)
    )
    expected = [35.44 + 11.72, 35.44 + 4.688]
    assert (found["realised_diesel_l"] - expected).abs().max() < 1e-9


def test_an_order_aboard_already_bears_its_legs_and_no_further_approach() -> None:
    # O1 is aboard on two legs of 35.44 l with 50 empty km (11.72 l) between them, which load
    # nothing new and stay with the truck; O2, loaded on the third leg, shares that leg by mass.
    driven = [leg(0), leg(1, state="empty", payload_t=0.0, distance_km=50.0), leg(2), leg(3)]
    aboard = carried(
        ("T1", 0, "O1", 20.0), ("T1", 2, "O1", 20.0), ("T1", 3, "O1", 10.0), ("T1", 3, "O2", 10.0)
    )
    results = orders(order("O1"), order("O2"))
    vehicles = VEHICLES.shape(pd.DataFrame([TRUCK]))
    _, found, *_ = quantified(
        (vehicles, LEGS.shape(pd.DataFrame(driven)), aboard, results), ["T1"], context()
    )
    expected = [35.44 * 2 + 35.44 / 2, 35.44 / 2]
    assert (found["realised_diesel_l"] - expected).abs().max() < 1e-9
