"""Before a trip, by hand: two trucks on a meridian, and what an order would come to on each.

Half a degree of the sphere is 55.597 km; roads are 1.3 of it until a month was closed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.trips.dispatching import PlanRequest, plan
from fleet_carbon.services.trips.estimating import (
    EstimateRequest,
    OrderWanted,
    estimate,
    read_estimate,
)
from fleet_carbon.services.trips.realising import read_realised
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import (
    LON,
    MONTH,
    NORTH_LAT,
    SOUTH_LAT,
    YARD_KM,
    TinyFleet,
    northward_order,
    shuttle,
)

pytestmark = pytest.mark.slow

AT = "2025-03-10T00:30:00Z"
HALF_KM = 111.19508 / 2  # 2 pi 6371.0088 / 360 km of a degree
ROAD_KM = 1.3 * HALF_KM


def three_trucks() -> TinyFleet:
    """V1 stands in the south, V2 in the north, V3 was never seen; D1 drives V1, nobody V2."""
    fleet = TinyFleet(orders=[])
    truck = fleet.vehicles[0]
    fleet.vehicles = [truck | {"vehicle_id": f"V{n}"} for n in (1, 2, 3)]
    north = [row | {"lat": NORTH_LAT, "vehicle_id": "V2"} for row in shuttle(0)]
    fleet.positions = [*shuttle(3), *north]
    return fleet


def recorded(fleet: TinyFleet, folder: Path) -> Settings:
    settings = Settings(home=folder / "home")
    for kind, path in fleet.write(folder / "files").items():
        assert ingest_files(settings, kind, [path]).as_dict()["files"][0]["rows_rejected"] == 0
    return settings


def northward(order_id: str = "X", **given: Any) -> OrderWanted:
    """10 t from south to north, to be loaded at 3 o'clock and unloaded by 6."""
    told: dict[str, Any] = {
        "cargo_t": 10.0,
        "pickup_lon": LON,
        "pickup_lat": SOUTH_LAT,
        "delivery_lon": LON,
        "delivery_lat": NORTH_LAT,
        "pickup_time": "2025-03-10T03:00:00Z",
        "delivery_time": "2025-03-10T06:00:00Z",
    }
    return OrderWanted(order_id, **{**told, **given})


def ranked(settings: Settings, *orders: OrderWanted, **given: Any) -> list[dict[str, Any]]:
    request = EstimateRequest(orders=orders or (northward(),), **{"at": AT, **given})
    return list(estimate(settings, request).as_dict()["orders"])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return recorded(three_trucks(), tmp_path_factory.mktemp("three"))


def test_the_nearer_truck_comes_first_with_litres_by_hand(fleet: Settings) -> None:
    (order,) = ranked(fleet)
    near, far = order["candidates"]
    assert [(one["rank"], one["vehicle_id"]) for one in (near, far)] == [(1, "V1"), (2, "V2")]
    assert near["approach_km"] == pytest.approx(0, abs=0.1)
    assert far["approach_km"] == pytest.approx(ROAD_KM, abs=0.1)
    assert far["approach_low_km"] < far["approach_km"] < far["approach_high_km"]
    # 20 l/100 km empty; 10 of 20 t add half of the 16 to 36 when full.
    assert far["approach_diesel_l"] == pytest.approx(0.20 * ROAD_KM, rel=2e-3)
    assert far["trip_diesel_l"] == pytest.approx(0.28 * ROAD_KM, rel=2e-3)
    assert far["diesel_low_l"] < far["diesel_l"] < far["diesel_high_l"]
    assert (near["load_rate_share"], near["left_t"]) == (0.5, 10.0)
    assert near["co2_ttw_low_kg"] < near["co2_ttw_kg"] < near["co2_ttw_high_kg"]


def test_the_saving_is_against_the_drivers_line(fleet: Settings) -> None:
    (order,) = ranked(fleet)
    near, far = order["candidates"]
    # The line of D1: half of all km empty, 0.4 of 20 t: 8 t loaded, as many km empty.
    work_tkm = 10 * ROAD_KM
    baseline_l = work_tkm / 8 * 2 * 0.20 + work_tkm * 0.008
    assert near["counterfactual"] == "declared_driver"
    assert near["baseline_diesel_l"] == pytest.approx(baseline_l, rel=2e-3)
    assert near["diesel_saved_l"] == pytest.approx(baseline_l - 0.28 * ROAD_KM, rel=5e-3)
    assert 0 < near["co2_credited_g"] <= 1000 * near["co2_avoided_low_kg"]
    assert (far["driver_id"], far["co2_credited_g"]) == (None, 0)
    assert {"driver_unknown", "no_baseline"} <= set(far["notes"])


def test_a_truck_without_a_place_is_named_and_not_ranked(fleet: Settings) -> None:
    (order,) = ranked(fleet)
    assert order["unranked"] == [
        {"vehicle_id": "V3", "reason": "position_unknown", "seen_at": None}
    ]
    (later,) = ranked(
        fleet,
        northward(pickup_time="2025-03-12T03:00Z", delivery_time="2025-03-12T09:00Z"),
        at="2025-03-11T12:00Z",
    )
    assert {one["reason"] for one in later["unranked"]} == {"position_unknown", "position_old"}
    assert later["candidates"] == []


def test_who_cannot_be_there_in_time_or_carry_it_has_no_rank(fleet: Settings) -> None:
    # From the north 72 km take 1.2 h; the window of two hours ends at 0:00 + 2 h = half past one.
    soon = northward(pickup_time="2025-03-09T23:30:00Z", delivery_time="2025-03-10T06:00:00Z")
    (order,) = ranked(fleet, soon)
    assert [(one["rank"], one["obstacle"]) for one in order["candidates"]] == [
        (1, None),
        (None, "too_late"),
    ]
    (heavy,) = ranked(fleet, northward(cargo_t=20.5))
    assert {one["obstacle"] for one in heavy["candidates"]} == {"too_heavy"}
    assert {one["diesel_l"] for one in heavy["candidates"]} == {None}


def test_candidates_can_be_named_counted_and_kept_near(fleet: Settings) -> None:
    (named,) = ranked(fleet, vehicle_ids=("V2",))
    assert [one["vehicle_id"] for one in named["candidates"]] == ["V2"]
    (counted,) = ranked(fleet, candidates_count_max=1)
    assert [one["vehicle_id"] for one in counted["candidates"]] == ["V1"]
    (near,) = ranked(fleet, radius_km=50.0)
    assert [one["vehicle_id"] for one in near["candidates"]] == ["V1"]
    assert near["beyond_reach_count"] == 1


def test_a_part_load_on_the_way_of_another_says_so(tmp_path: Path) -> None:
    # V1 has to carry 8 t from 30.0 to 32.0 within a day; 5 t from 30.5 to 31.5 lie on that way.
    busy = three_trucks()
    long_haul = {
        "pickup_time": "2025-03-10T01:00:00Z",
        "delivery_time": "2025-03-10T20:00:00Z",
        "cargo_t": 8,
        "delivery_lat": 32.0,
    }
    busy.orders = [northward_order("LONG", 0) | long_haul]
    settings = recorded(busy, tmp_path)
    part = northward(
        cargo_t=5.0,
        pickup_lat=NORTH_LAT,
        delivery_lat=31.5,
        pickup_time="2025-03-10T04:00:00Z",
        delivery_time="2025-03-10T16:00:00Z",
    )
    (order,) = ranked(settings, part, vehicle_ids=("V1",))
    (one,) = order["candidates"]
    assert one["combinable_orders"] == one["committed_orders"] == ["LONG"]
    assert not one["is_approach_empty"]
    # No road is added: its own way of a degree is spared.
    assert one["beyond_km"] == pytest.approx(-2 * ROAD_KM, rel=1e-3)
    assert (one["load_rate_share"], one["left_t"]) == (0.65, 7.0)
    (full,) = ranked(settings, OrderWanted(**{**vars(part), "cargo_t": 12.5}), vehicle_ids=("V1",))
    assert full["candidates"][0]["obstacle"] == "no_room_left"


def test_places_may_be_named_and_orders_may_be_on_record(tmp_path: Path) -> None:
    settings = recorded(TinyFleet(), tmp_path)
    by_name = northward(
        pickup_lon=None, pickup_lat=None, pickup_place="成都市武侯区",
        pickup_time="2025-03-11T00:00:00Z", delivery_time="2025-03-11T20:00:00Z",
    )  # fmt: skip
    named, on_record = ranked(settings, by_name, OrderWanted("O1"))
    assert named["pickup_lon"] == pytest.approx(104.04, abs=0.1)
    assert named["places_uncertainty_km"] > 0
    assert on_record["cargo_t"] == 10
    with pytest.raises(InputRefused, match="lacks cargo_t"):
        ranked(settings, northward(cargo_t=None))
    with pytest.raises(InputRefused, match="not on record"):
        ranked(settings, OrderWanted("nowhere"))
    with pytest.raises(InputRefused, match="no district"):
        ranked(settings, northward(pickup_lon=None, pickup_place="Atlantis"))
    with pytest.raises(NotFound):
        ranked(settings, vehicle_ids=("V9",))


def test_what_was_expected_stands_beside_what_was_realised(tmp_path: Path) -> None:
    settings = recorded(TinyFleet(), tmp_path)
    asked = (OrderWanted("O1"), northward("NEVER"))
    told = estimate(settings, EstimateRequest(orders=asked, at=AT)).as_dict()
    before = read_realised(settings, "O1").as_dict()
    assert before["estimate_id"] == told["estimate_id"]
    assert before["realised"]["state"] == "month_not_closed"
    close_month(settings, MONTH)
    known = read_estimate(settings, told["estimate_id"]).as_dict()
    first, never = (one["realised"] for one in known["orders"])
    assert {**known["orders"][0], "realised": None} == {**told["orders"][0], "realised": None}
    assert (first["state"], first["month"], first["vehicle_id"]) == ("proven", MONTH, "V1")
    figures = first["against_estimate"]["figures"]
    assert figures["trip_km"]["planned"] == pytest.approx(ROAD_KM, rel=1e-3)
    assert figures["trip_km"]["realised"] == pytest.approx(YARD_KM, rel=5e-3)
    assert figures["trip_km"]["difference"] == pytest.approx(YARD_KM - ROAD_KM, abs=0.6)
    # 28 l/100 km with 10 t, and 20 on the way back to where the next order of the truck begins.
    assert figures["diesel_l"]["planned"] == pytest.approx((0.28 + 0.20) * ROAD_KM, rel=1e-3)
    assert (never["state"], never["reason_code"]) == ("not_proven", "order_not_on_record")
    # The account's grams by what each saved: both carried the same, the second was driven to empty.
    second = read_realised(settings, "O2").as_dict()["realised"]
    assert first["co2_credited_g"] > second["co2_credited_g"] > 0
    with pytest.raises(NotFound):
        read_realised(settings, "nothing")
    with pytest.raises(NotFound):
        read_estimate(settings, "0" * 32)


def test_a_plan_gives_each_order_the_truck_that_leaves_least_beyond(fleet: Settings) -> None:
    southward = northward(
        "S", pickup_lat=NORTH_LAT, delivery_lat=SOUTH_LAT, delivery_lon=LON, cargo_t=5.0
    )
    heavy = northward("H", cargo_t=30.0)
    asked = PlanRequest(orders=(southward, heavy, northward("N")), at=AT)
    told = plan(fleet, asked).as_dict()
    assert [(one["order_id"], one["vehicle_id"]) for one in told["assignments"]] == [
        ("N", "V1"),
        ("S", "V2"),
    ]
    assert told["unassigned"] == [{"order_id": "H", "reason": "too_heavy"}]
    assert told["unplaced"] == [{"vehicle_id": "V3", "reason": "position_unknown"}]
    assert told["totals"]["beyond_km"] == pytest.approx(0, abs=0.2)
    assert told["optimality"]["is_best"]
    assert told == plan(fleet, asked).as_dict()


def test_one_truck_drives_there_and_back_if_it_may(fleet: Settings) -> None:
    back = northward(
        "B",
        pickup_lat=NORTH_LAT,
        delivery_lat=SOUTH_LAT,
        pickup_time="2025-03-10T09:00:00Z",
        delivery_time="2025-03-10T14:00:00Z",
    )
    orders = (northward("A"), back)
    one = plan(fleet, PlanRequest(orders=orders, vehicle_ids=("V1",), at=AT)).as_dict()
    assert [row["order_id"] for row in one["assignments"]] == ["A"]
    assert one["unassigned"] == [{"order_id": "B", "reason": "trucks_taken"}]
    both = plan(
        fleet,
        PlanRequest(orders=orders, vehicle_ids=("V1",), orders_per_truck_count_max=2, at=AT),
    ).as_dict()
    assert [row["together_with"] for row in both["assignments"]] == [["B"], ["A"]]
    # Back from where the first is unloaded: no kilometre but the orders' own.
    assert both["totals"]["beyond_km"] == pytest.approx(0, abs=0.2)
    assert both["optimality"]["way"] == "sets"
    assert both["optimality"]["is_best"]
