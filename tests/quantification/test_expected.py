"""What a planned trip comes to, by hand and against the account of the same trip once driven."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.frames import LEGS, ORDERS
from fleet_carbon.quantification.accounts import AccountContext, Foresight
from fleet_carbon.quantification.expected import (
    Expected,
    PlannedOrder,
    PlannedTrips,
    UsualDriving,
    expect,
    told_apart,
)
from tests.quantification import account_builders as build

ORDER = PlannedOrder("O1", "weighed", cargo_t=20, great_circle_km=200, pickup_at=build.START)
ROAD_SHARE = 0.12
NO_LEGS = UsualDriving.of_legs(LEGS.empty(), usual_km_min=200)


def foreseen(vehicle_ids: tuple[str, ...] = ("T1",), **given: object) -> AccountContext:
    orders = ORDERS.shape(
        pd.DataFrame(
            {
                "order_id": ["O1"], "vehicle_id": [""], "cargo_t": [20.0],
                "pickup_lon": [105.0], "pickup_lat": [30.0],
                "delivery_lon": [105.0], "delivery_lat": [31.8],
                "pickup_time": [build.START], "delivery_time": [build.START],
                "weight_source": ["weighed"], "status": ["planned"], "version": [1],
                "pickup_uncertainty_km": [0.0], "delivery_uncertainty_km": [0.0],
            }
        )
    )  # fmt: skip
    context = build.context(**given)
    return replace(context, orders=told_apart(orders, vehicle_ids), foresight=Foresight(ROAD_SHARE))


def trips(empty_km: float, loaded_km: float, **given: object) -> PlannedTrips:
    one = {
        "vehicle_id": ("T1",),
        "driver_id": ("D1",),
        "empty_km": np.array([empty_km]),
        "loaded_km": np.array([loaded_km]),
        "work_tkm": np.array([20.0 * loaded_km]),
        "onboard_km": np.array([loaded_km]),
    }
    return PlannedTrips(**{**one, **given})  # type: ignore[arg-type]


def one(found: Expected) -> dict[str, object]:
    (row,) = found.accounts.to_dict("records")
    return row


def test_litres_are_those_of_the_trucks_model() -> None:
    found = expect(trips(50, 260), ORDER, NO_LEGS, context=foreseen())
    # 23.44 l/100 km empty; 20 t add 20 x 0.6 = 12 l/100 km.
    assert found.approach_l[0] == pytest.approx(0.5 * 23.44)
    assert found.trip_l[0] == pytest.approx(2.6 * (23.44 + 12))
    assert found.fuel_source == ["declared"]
    assert one(found)["diesel_l"] == pytest.approx(11.72 + 92.144, abs=1 / 1024)


def test_the_saving_is_the_counterfactuals_litres_for_the_same_work() -> None:
    found = expect(trips(50, 260), ORDER, NO_LEGS, context=foreseen())
    account = one(found)
    # Baseline of the builders: empty share 0.4, payload 0.5 of 30 t. 5,200 tkm take 5,200 / 15 km
    # loaded, and 0.4 / 0.6 of it empty: 577.78 km x 0.2344 + 5,200 x 0.006.
    baseline_l = 5200 / 15 * (1 + 0.4 / 0.6) * 0.2344 + 5200 * 0.006
    assert account["baseline_source"] == "declared_driver"
    assert account["baseline_diesel_l"] == pytest.approx(baseline_l, abs=1 / 1024)
    assert account["diesel_saved_l"] == pytest.approx(baseline_l - 103.864, abs=1 / 500)
    assert 0 < account["co2_avoided_low_kg"] < account["co2_avoided_kg"]
    assert account["co2_credited_g"] == math.floor(account["co2_avoided_low_kg"] * 1000)


def test_a_longer_approach_saves_less_and_a_road_less_sure_is_credited_less() -> None:
    near = one(expect(trips(10, 260), ORDER, NO_LEGS, context=foreseen()))
    far = one(expect(trips(200, 260), ORDER, NO_LEGS, context=foreseen()))
    # 190 km empty at 0.2344 l/km.
    difference_l = near["diesel_saved_l"] - far["diesel_saved_l"]
    assert difference_l == pytest.approx(190 * 0.2344, abs=1 / 500)
    sure = replace(foreseen(), foresight=Foresight(0.0))
    surer = one(expect(trips(10, 260), ORDER, NO_LEGS, context=sure))
    assert surer["co2_avoided_kg"] == near["co2_avoided_kg"]
    assert surer["co2_credited_g"] > near["co2_credited_g"]


def test_a_detour_beyond_the_cap_earns_nothing() -> None:
    # The cap of the edition is 1.5 x 200 + 10 = 310 km; 400 km are driven.
    account = one(expect(trips(0, 400), ORDER, NO_LEGS, context=foreseen()))
    assert account["activity_tkm"] == pytest.approx(20 * 310)
    assert account["empty_km"] == 0


def test_kilometres_that_others_are_spared_are_not_counted() -> None:
    part = trips(-30, -5, work_tkm=np.array([400.0]), onboard_km=np.array([260.0]))
    account = one(expect(part, ORDER, NO_LEGS, context=foreseen()))
    assert account["empty_km"] == 0
    assert account["loaded_km"] == pytest.approx(0.001)
    assert account["activity_tkm"] == pytest.approx(20 * 260)


def test_every_truck_is_an_account_of_its_own() -> None:
    context = foreseen(
        ("T1", "T2"),
        vehicles=build.vehicles({}, {"vehicle_id": "T2", "rated_payload_t": 40.0}),
    )
    both = PlannedTrips(
        ("T2", "T1"),
        ("", "D1"),
        np.array([80.0, 50.0]),
        np.array([260.0, 260.0]),
        np.array([5200.0, 5200.0]),
        np.array([260.0, 260.0]),
    )
    found = expect(both, ORDER, NO_LEGS, context=context)
    assert found.accounts["vehicle_id"].tolist() == ["T2", "T1"]
    alone = one(expect(trips(50, 260), ORDER, NO_LEGS, context=context))
    together = found.accounts.to_dict("records")[1]
    for name in ("diesel_l", "co2_avoided_kg", "co2_avoided_low_kg", "co2_credited_g"):
        assert together[name] == alone[name], name
    assert "driver_unknown" in found.accounts["notes"][0]


def test_usual_driving_scales_with_the_way_and_falls_back_on_the_fleet() -> None:
    legs = LEGS.shape(
        pd.DataFrame(
            [
                build.leg(0, moving_h=2.0, idle_h=0.5, climbed_m=400.0, driven_v60_km=100.0),
                build.leg(1, moving_h=1.0, idle_h=0.1, climbed_m=None, driven_v60_km=100.0),
                build.leg(2, vehicle_id="T2", moving_h=3.0, idle_h=0.0, driven_v60_km=100.0),
            ]
        )
    )
    usual = UsualDriving.of_legs(legs, usual_km_min=150)
    rows = usual.rows_for(["T1", "T2", "T1"], ["loaded", "loaded", "empty"])
    # T1: 3 h in 200 km, 0.6 h idle, 400 m in the 100 km that tell; T2 has 100 km only: the fleet's.
    assert rows["moving_h"].tolist()[:2] == pytest.approx([0.015, 0.02])
    assert rows["idle_h"].tolist()[:2] == pytest.approx([0.003, 0.002])
    assert rows["climbed_m"].tolist()[0] == pytest.approx(4.0)
    assert rows.iloc[2].isna().all()
