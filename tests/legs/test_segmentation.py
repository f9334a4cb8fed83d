"""Orders proven against stops, payload aboard, states, drivers and borders of legs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.traces.trace import read_trace
from tests.builders import (
    LEG_RULES,
    START,
    TRACE_RULES,
    Truck,
    fixes_of,
    km_by_state,
    legs_of,
    order,
)


def round_trip() -> Truck:
    """Load at 0, unload at 100 km, search 40 km, load at 60, unload at 120."""
    return (
        Truck()
        .stand(1.0)
        .drive_to(100.0)
        .stand(1.0)
        .drive_to(60.0)
        .stand(1.0)
        .drive_to(120.0)
        .stand(1.0)
    )


# Departures at 1.0, 3.67, 5.33 h; arrivals at 2.67, 4.33, 6.33 h.
TWO = [order("A", 0, 100, hours=(1, 2.5)), order("B", 60, 120, hours=(5, 7))]


def test_loaded_empty_and_search_kilometres_add_up_to_the_distance() -> None:
    result = legs_of(round_trip().trace(), TWO)
    assert km_by_state(result.legs) == pytest.approx({"loaded": 160.0, "empty": 40.0}, abs=0.2)
    search = result.legs[result.legs["purpose"] == "search"]
    assert search["distance_km"].sum() == pytest.approx(40.0, abs=0.1)
    # 20 t over 100 km and over 60 km.
    assert result.legs["transport_work_tkm"].sum() == pytest.approx(3200.0, rel=0.002)
    assert list(result.order_results["matched"]) == [True, True]
    assert result.order_results["approach_km"].tolist() == pytest.approx([0.0, 40.0], abs=0.1)
    assert result.order_results["onboard_km"].tolist() == pytest.approx([100.0, 60.0], abs=0.1)


def test_planned_times_two_hours_off_and_places_a_kilometre_off_are_still_proven() -> None:
    rough = [order("A", 1, 99, hours=(3, 4.7)), order("B", 61, 121, hours=(3, 4.4))]
    result = legs_of(round_trip().trace(), rough)
    assert list(result.order_results["matched"]) == [True, True]
    assert km_by_state(result.legs)["loaded"] == pytest.approx(160.0, abs=0.3)


def test_the_order_of_the_files_does_not_matter() -> None:
    trace = round_trip().trace()
    one, other = legs_of(trace, TWO), legs_of(trace, TWO[::-1])
    pd.testing.assert_frame_equal(one.legs, other.legs)
    pd.testing.assert_frame_equal(one.order_results, other.order_results)


def test_an_order_that_never_happened_is_unproven_and_names_the_reason() -> None:
    ghost = order("G", 300, 400, hours=(1, 4))
    result = legs_of(round_trip().trace(), [*TWO, ghost])
    rows = result.order_results.set_index("order_id")
    assert not rows.loc["G", "matched"]
    assert rows.loc["G", "reason_code"] == "no_stop_near_pickup"
    assert rows.loc[["A", "B"], "matched"].all()


def test_empty_kilometres_while_an_unproven_order_was_planned_are_unknown() -> None:
    ghost = order("G", 300, 400, hours=(3.6, 4.4))
    result = legs_of(round_trip().trace(), [*TWO, ghost])
    assert km_by_state(result.legs)["unknown"] == pytest.approx(40.0, abs=0.1)


def test_a_cancelled_order_is_listed_and_changes_nothing() -> None:
    gone = order("C", 100, 60, hours=(3.6, 4.4), status="cancelled")
    result = legs_of(round_trip().trace(), [*TWO, gone])
    row = result.order_results.set_index("order_id").loc["C"]
    assert (bool(row["matched"]), row["reason_code"]) == (False, "cancelled")
    assert km_by_state(result.legs)["empty"] == pytest.approx(40.0, abs=0.1)


def test_a_truck_without_orders_has_unknown_kilometres() -> None:
    result = legs_of(round_trip().trace(), [])
    assert km_by_state(result.legs) == pytest.approx({"unknown": 200.0}, abs=0.2)
    assert set(result.legs["reason_code"]) == {"no_orders"}


def test_part_loads_ride_together() -> None:
    # 8 t from 0 to 120 over 100 (where 5 t of another order get off): 100 km with 13 t.
    truck = Truck().stand(1.0).drive_to(100.0).stand(0.5).drive_to(120.0).stand(1.0)
    orders = [
        order("A", 0, 120, hours=(0.9, 4.0), cargo_t=8.0),
        order("B", 0, 100, hours=(0.5, 3.0), cargo_t=5.0),
    ]
    result = legs_of(truck.trace(), orders)
    loaded = result.legs[result.legs["state"] == "loaded"]
    assert loaded["payload_t"].tolist() == [13.0, 8.0]
    assert loaded["order_ids"].tolist() == ["A;B", "A"]
    assert loaded["transport_work_tkm"].sum() == pytest.approx(1300 + 160, rel=0.002)


def shuttle(trips: int) -> Truck:
    """Loads at 0, unloads at 10 km, ten minutes each, 20 minutes of drive: an hour a round."""
    truck = Truck()
    for _ in range(trips):
        truck.stand(1 / 6).drive_to(10.0, 30.0).stand(1 / 6).drive_to(0.0, 30.0)
    return truck.stand(0.5)


def test_shuttle_trips_are_told_apart_though_the_plans_overlap() -> None:
    # Plans half an hour off to either side; each trip has its own order, none is shared.
    off = [0.5, -0.5, 0.5, 0.4, -0.4, 0.5]
    orders = [
        order(f"S{i}", 0, 10, hours=(i + 0.1 + off[i], i + 0.6 + off[i]), cargo_t=12.0)
        for i in range(6)
    ]
    result = legs_of(shuttle(6).trace(), orders)
    assert result.order_results["matched"].all()
    assert km_by_state(result.legs) == pytest.approx({"loaded": 60.0, "empty": 60.0}, abs=0.5)


def test_what_does_not_fit_on_the_truck_is_not_aboard_together() -> None:
    orders = [order(f"S{i}", 0, 10, hours=(1.1, 1.6), cargo_t=25.0) for i in range(3)]
    result = legs_of(shuttle(3).trace(), orders)
    assert result.legs["payload_t"].max() == 25.0
    assert result.order_results["matched"].sum() == 3


def test_loading_inside_a_gap_is_found_and_marked() -> None:
    # Silent from km 90 on the way to 100 until it is back at 90: it went there, 20 km.
    truck = Truck().stand(1.0).drive_to(90.0).silent(1.2, 90.6).drive_to(60.0).stand(1.0)
    result = legs_of(truck.trace(), [order("A", 0, 100, hours=(1, 3))])
    row = result.order_results.iloc[0]
    assert row["reason_code"] == "proven_delivery_in_gap"
    assert row["onboard_km"] == pytest.approx(100.0, abs=1.0)
    assert km_by_state(result.legs)["empty"] == pytest.approx(40.0, abs=1.0)


def test_a_place_known_only_as_a_district_is_proven_by_time() -> None:
    vague = order(
        "A", 8, 92, hours=(1, 2.6), pickup_uncertainty_km=12.0, delivery_uncertainty_km=12.0
    )
    result = legs_of(round_trip().trace(), [vague])
    assert result.order_results["onboard_km"].iloc[0] == pytest.approx(100.0, abs=0.2)


def test_a_detour_earns_nothing_beyond_the_cap() -> None:
    # 10 km apart but 90 km driven: credited are 1.5 x 10 + 10 = 25 km with 20 t.
    truck = Truck().stand(1.0).drive_to(50.0).drive_to(10.0).stand(1.0)
    result = legs_of(truck.trace(), [order("A", 0, 10, hours=(1, 2.5))])
    row = result.order_results.iloc[0]
    assert row["onboard_km"] == pytest.approx(90.0, abs=0.3)
    assert row["activity_tkm"] == pytest.approx(20 * 25.0, rel=0.002)
    assert result.legs["activity_tkm"].sum() == pytest.approx(20 * 25.0, rel=0.002)


def assignment(driver: str, hours: tuple[float, float | None]) -> dict[str, object]:
    start = pd.Timestamp(START)
    return {
        "driver_id": driver,
        "vehicle_id": "V1",
        "assigned_from": start + pd.Timedelta(hours=hours[0]),
        "assigned_until": None if hours[1] is None else start + pd.Timedelta(hours=hours[1]),
    }


def test_a_relay_on_the_road_splits_the_leg() -> None:
    # The drive from 0 to 100 km lasts from 1.0 h to 2.67 h; the change is at 2.0 h, km 60.
    shifts = [assignment("D1", (0, 2.0)), assignment("D2", (2.0, None))]
    result = legs_of(round_trip().trace(), TWO, assignments=shifts)
    km = result.legs.groupby("driver_id")["distance_km"].sum()
    assert km["D1"] == pytest.approx(60.0, abs=0.1)
    assert km["D2"] == pytest.approx(140.0, abs=0.2)


def test_an_assignment_goes_before_order_and_device_and_these_before_the_usual_driver() -> None:
    orders = [order("A", 0, 100, hours=(1, 2.5), driver_id="ORDER")]
    trace = round_trip().trace(driver_id="DEVICE")
    by_order = legs_of(trace, orders, usual_driver_id="USUAL").legs
    assert by_order.loc[by_order["state"] == "loaded", "driver_id"].tolist() == ["ORDER"]
    assert by_order["driver_id"].iloc[-1] == "DEVICE"
    assigned = legs_of(trace, orders, assignments=[assignment("SHIFT", (0, None))]).legs
    assert set(assigned["driver_id"]) == {"SHIFT"}
    silent = legs_of(round_trip().trace(), [], usual_driver_id="USUAL").legs
    assert set(silent["driver_id"]) == {"USUAL"}
    nobody = legs_of(round_trip().trace(), []).legs
    assert nobody["driver_id"].isna().all()


def test_a_leg_across_the_end_of_the_month_is_cut_at_local_midnight() -> None:
    # September ends at 16:00 UTC; the drive of 100 km begins at 15:00 with 60 km/h.
    truck = (
        Truck(start=datetime(2026, 9, 30, 14, 0, tzinfo=UTC)).stand(1.0).drive_to(100.0).stand(1.0)
    )
    shift = (datetime(2026, 9, 30, 14, 0, tzinfo=UTC) - START).total_seconds() / 3600
    result = legs_of(truck.trace(), [order("A", 0, 100, hours=(shift + 1, shift + 3))])
    assert result.legs["distance_km"].sum() == pytest.approx(60.0, abs=0.1)
    # The order is unloaded in October and belongs to that month; its work of September stays here.
    assert len(result.order_results) == 0
    assert result.legs["transport_work_tkm"].sum() == pytest.approx(1200.0, rel=0.01)


def test_an_order_without_a_drive_is_spurious() -> None:
    result = legs_of(round_trip().trace(), [order("A", 0, 0.09, hours=(0.2, 0.5))])
    assert result.order_results["reason_code"].iloc[0] == "no_drive_between"


def test_an_order_that_was_never_closed_is_named() -> None:
    truck = Truck().stand(1.0).drive_to(10.0).stand(11.0)
    result = legs_of(truck.trace(), [order("A", 0, 10, hours=(1, 12))])
    assert result.order_results["reason_code"].iloc[0] == "never_closed"


def test_a_night_at_the_gate_before_unloading_is_no_open_order() -> None:
    truck = Truck().stand(1.0).drive_to(200.0).stand(10.0)
    result = legs_of(truck.trace(), [order("A", 0, 200, hours=(1, 13))])
    assert result.order_results["matched"].all()


def mass(truck: Truck, heavy: list[tuple[float, float]]) -> np.ndarray:
    """45 t within the hours given, else 15 t, with the jitter of such signals."""
    frame = truck.frame()
    hours = (frame["time_ms"] - frame["time_ms"].iloc[0]) / 3.6e6
    loaded = np.zeros(len(frame), dtype=bool)
    for first, last in heavy:
        loaded |= ((hours > first) & (hours < last)).to_numpy()
    jitter = np.random.default_rng(3).normal(0, 3, len(frame))
    return np.where(loaded, 45.0, 15.0) + jitter


def test_the_mass_signal_confirms_what_the_orders_say() -> None:
    truck = round_trip()
    trace = truck.trace(gross_mass_t=mass(truck, [(1.0, 2.7), (5.3, 6.4)]))
    legs = legs_of(trace, TWO, curb_mass_t=15.0).legs
    moved = legs[legs["distance_km"] > 1]
    assert (moved["confidence_share"] == 0.99).all()


def test_a_mass_mostly_missing_with_noise_and_spikes_is_read_by_its_median() -> None:
    # As mass comes off the bus: two thirds missing, off by up to 10 t, a fifth of it spikes.
    truck, chance = round_trip(), np.random.default_rng(5)
    signal = mass(truck, [(1.0, 2.7), (5.3, 6.4)])
    signal += chance.uniform(-7, 7, len(signal))
    signal[chance.random(len(signal)) < 0.2] = 57.0
    signal[chance.random(len(signal)) < 0.64] = np.nan
    legs = legs_of(truck.trace(gross_mass_t=signal), TWO, curb_mass_t=15.0).legs
    moved = legs[legs["distance_km"] > 1]
    assert moved["state"].tolist().count("unknown") == 0
    assert (moved["confidence_share"] == 0.99).all()


def test_an_empty_leg_that_weighs_loaded_becomes_unknown() -> None:
    truck = round_trip()
    trace = truck.trace(gross_mass_t=mass(truck, [(1.0, 6.4)]))
    legs = legs_of(trace, TWO, curb_mass_t=15.0).legs
    odd = legs[legs["state"] == "unknown"]
    assert odd["reason_code"].tolist() == ["mass_contradicts_empty"]
    assert odd["distance_km"].sum() == pytest.approx(40.0, abs=0.1)


def test_broken_positions_fall_back_to_the_odometer_and_say_so() -> None:
    truck = Truck().stand(1.0).drive_to(100.0).stand(1.0)
    frame = truck.frame()
    km = (frame["lon_udeg"] - frame["lon_udeg"].iloc[0]) * 0.0964862 / 1000.0
    zigzag = frame.assign(
        lat_udeg=frame["lat_udeg"]
        + np.where((km > 1) & (km < 99), np.arange(len(km)) % 2 * 9000, 0),
        odometer_km=1000.0 + km,
        speed_kmh=np.where((km > 0) & (km < 100), 60.0, 0.0),
    )
    legs = legs_of(read_trace(fixes_of(zigzag), TRACE_RULES), []).legs
    assert legs["distance_km"].sum() == pytest.approx(100.0, abs=0.5)
    assert "odometer" in set(legs["distance_source"])


def test_every_threshold_comes_from_the_edition() -> None:
    # With a tighter place rule the same order is not proven.
    strict = replace(LEG_RULES, place_error_m_max=500.0)
    result = legs_of(round_trip().trace(), [order("A", 1, 100, hours=(1, 2.5))], rules=strict)
    assert not result.order_results["matched"].any()


def test_two_services_inside_one_gap_follow_each_other() -> None:
    # Silent for three hours from km 90: unloads A at 100, loads B at 80, seen again at 70.
    truck = Truck().stand(1.0).drive_to(90.0).silent(3.0, 70.0).drive_to(20.0).stand(1.0)
    orders = [order("A", 0, 100, hours=(1, 3)), order("B", 80, 20, hours=(4.5, 6.5))]
    result = legs_of(truck.trace(), orders)
    assert result.order_results["matched"].all()
    assert (result.legs["duration_h"] >= 0).all()
    assert (result.legs["stop_h"] >= 0).all()
    # To 100 loaded, 20 km empty, 60 km loaded: in all 180 km.
    assert km_by_state(result.legs) == pytest.approx({"loaded": 160.0, "empty": 20.0}, abs=1.0)


def test_fixes_in_wrong_places_still_tell_their_speed() -> None:
    # Every fourth fix is thrown 300 km away; the stated 60 km/h over 100 minutes is 100 km.
    truck = Truck().stand(1.0).drive_to(100.0).stand(1.0)
    frame = truck.frame()
    km = (frame["lon_udeg"] - frame["lon_udeg"].iloc[0]) * 0.0964862 / 1000.0
    away = np.where((np.arange(len(km)) % 4 == 0) & (km > 1) & (km < 99), 3_000_000, 0)
    thrown = frame.assign(
        lat_udeg=frame["lat_udeg"] + away,
        speed_kmh=np.where((km > 0) & (km < 100), 60.0, 0.0),
    )
    trace = read_trace(fixes_of(thrown), TRACE_RULES)
    assert trace.dropped["teleport"] > 40
    assert len(trace.signals) == len(thrown)
    legs = legs_of(trace, []).legs
    assert legs["distance_km"].sum() == pytest.approx(100.0, abs=1.0)
    assert "speed" in set(legs["distance_source"])
