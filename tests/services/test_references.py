"""Rows against the register: each fault is named, everything else stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.frames import ASSIGNMENTS, BASELINES, DRIVERS, ORDERS, POSITIONS, VEHICLES
from fleet_carbon.services.intake import ingesting, references

RULES = references.IntakeRules(
    cargo_payload_factor_max=1.5,
    cargo_light_t_max=0.2,
    plan_crossed_h_max=4.0,
    rated_payload_t_max=150.0,
    consumption_l_per_100km_min=3.0,
    consumption_l_per_100km_max=150.0,
)


def frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=[*columns, "line"])
    made["line"] = range(2, len(made) + 2)
    return made


def moment(text: str | None) -> Any:
    return pd.NaT if text is None else pd.Timestamp(datetime.fromisoformat(text))


def assignments(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    made = frame(
        [
            {
                "driver_id": driver,
                "vehicle_id": vehicle,
                "assigned_from": moment(begins),
                "assigned_until": moment(until),
            }
            for driver, vehicle, begins, until in rows
        ],
        ASSIGNMENTS.names,
    )
    return made.assign(
        assigned_from=pd.to_datetime(made["assigned_from"], utc=True),
        assigned_until=pd.to_datetime(made["assigned_until"], utc=True),
    )


def register(on_record: pd.DataFrame | None = None) -> references.Register:
    vehicles = frame([{"vehicle_id": "V1", "rated_payload_t": 20.0}], VEHICLES.names)
    drivers = frame([{"driver_id": name} for name in ("D1", "D2")], DRIVERS.names)
    return references.register_of(
        vehicles,
        drivers,
        assignments() if on_record is None else on_record,
        rules=RULES,
        vehicle_classes=frozenset({"rigid_18t"}),
    )


def check(
    rows: pd.DataFrame, kind: str, on_record: pd.DataFrame | None = None
) -> tuple[list[int], list[tuple[int, str, str]]]:
    """Lines that stand; line, column and code of each rejection."""
    standing, refused = references.check_rows(
        rows, kind, register(on_record), file="x.csv", headers={"vehicle_id": "车牌"}
    )
    return standing["line"].tolist(), [(one.line, one.column, one.code) for one in refused]


def test_an_order_of_an_unknown_vehicle_is_refused_under_the_name_of_its_column() -> None:
    rows = frame(
        [{"vehicle_id": "V1", "cargo_t": 1.0}, {"vehicle_id": "V9", "cargo_t": 1.0}], ORDERS.names
    )
    assert check(rows, "orders") == ([2], [(3, "车牌", "vehicle_unknown")])


def test_a_driver_without_a_usual_vehicle_stands() -> None:
    rows = frame([{"driver_id": "D3"}, {"driver_id": "D4", "vehicle_id": "V9"}], DRIVERS.names)
    assert check(rows, "drivers") == ([2], [(3, "车牌", "vehicle_unknown")])


def test_a_baseline_for_a_class_needs_no_driver_and_one_for_a_stranger_is_refused() -> None:
    rows = frame([{"vehicle_class": "tractor"}, {"driver_id": "D9"}], BASELINES.names)
    assert check(rows, "baselines") == ([2], [(3, "driver_id", "driver_unknown")])


@pytest.mark.parametrize(("cargo_t", "stands"), [(30.0, True), (30.1, False)])
def test_cargo_of_more_than_one_and_a_half_licences_is_a_wrong_unit(
    cargo_t: float, stands: bool
) -> None:
    # 1.5 x 20 t = 30 t is the border.
    rows = frame([{"vehicle_id": "V1", "cargo_t": cargo_t}], ORDERS.names)
    lines, refused = check(rows, "orders")
    assert lines == ([2] if stands else [])
    assert [code for _, _, code in refused] == ([] if stands else ["cargo_exceeds_vehicle"])


# What was written as 12 t in the unit that fits, and the one in which it was read.
@pytest.mark.parametrize(
    ("cargo_t", "read_as", "fits"),
    [
        *((12e3, "t", "kg"), (12e6, "t", "g"), (12e3, "kg", "g")),
        *((12e6, "kg", None), (12e3, "g", None), (12e3, "lb", None), (100.0, "t", None)),
    ],
)
def test_the_text_of_too_much_cargo_says_which_unit_would_fit(
    cargo_t: float, read_as: str, fits: str | None
) -> None:
    rows = frame([{"vehicle_id": "V1", "cargo_t": cargo_t}], ORDERS.names)
    _, refused = references.check_rows(
        rows, "orders", register(), file="x.csv", headers={}, mass_unit=read_as
    )
    text = refused[0].text
    if fits is None:
        assert f"It was read as {read_as}: correct it" in text
    else:
        assert f"Read as {fits} instead of {read_as} it is 12 t" in text
        assert f"`units: {{cargo: {fits}}}`" in text


def test_tonnes_that_are_read_as_kilograms_are_loads_of_next_to_nothing() -> None:
    # The payload is 20 t: 12 t and 29 t are within half as much again, 31.5 t are not.
    loads_t = [0.012, 0.029, 0.0315, 0.0, 12.0]
    rows = frame([{"vehicle_id": "V1", "cargo_t": one} for one in loads_t], ORDERS.names)
    assert references.light_loads(rows, register()) == (2, 4)
    assert ingesting.light_suspicions(2, 4, unit="kg") == []
    found = [ingesting.light_suspicions(*counts, unit="kg")[0] for counts in ((4, 4), (1, 1))]
    assert {one.code for one in found} == {"cargo_reads_too_light"}
    assert "units: {cargo: t}" in found[0].remedy
    assert "units: {cargo: kg}" in ingesting.light_suspicions(1, 1, unit="g")[0].remedy
    # A parcel of a file in tonnes is a parcel, and nobody is asked about nothing.
    assert (
        ingesting.light_suspicions(4, 4, unit="t")
        == ingesting.light_suspicions(0, 0, unit="kg")
        == []
    )


@pytest.mark.parametrize(("pickup", "stands"), [("16:00", True), ("16:01", False)])
def test_a_plan_that_crosses_by_more_than_four_hours_is_refused(pickup: str, stands: bool) -> None:
    # Delivery at 12:00; 4 h later is the border.
    planned = {
        "pickup_time": moment(f"2025-03-10T{pickup}:00+00:00"),
        "delivery_time": moment("2025-03-10T12:00:00+00:00"),
    }
    rows = frame([{"vehicle_id": "V1", "cargo_t": 1.0} | planned], ORDERS.names)
    refused = [] if stands else [(2, "pickup_time", "pickup_after_delivery")]
    assert check(rows, "orders") == ([2] if stands else [], refused)


@pytest.mark.parametrize(
    ("column", "stated", "code"),
    [
        ("rated_payload_t", 150.0, None),
        ("rated_payload_t", 20_000.0, "payload_beyond_trucks"),  # kilograms
        ("empty_l_per_100km", 3.0, None),
        ("empty_l_per_100km", 0.22, "consumption_beyond_trucks"),  # litres per km
        ("full_l_per_100km", 150.0, None),
        ("full_l_per_100km", 38_000.0, "consumption_beyond_trucks"),  # millilitres
    ],
)
def test_a_truck_in_wrong_units_is_refused(column: str, stated: float, code: str | None) -> None:
    rows = frame([{"vehicle_id": "V2", "rated_payload_t": 20.0} | {column: stated}], VEHICLES.names)
    refused = [] if code is None else [(2, column, code)]
    assert check(rows, "vehicles") == ([] if code else [2], refused)


def test_the_text_of_too_much_payload_says_how_to_state_kilograms() -> None:
    rows = frame([{"vehicle_id": "V2", "rated_payload_t": 20_000.0}], VEHICLES.names)
    _, refused = references.check_rows(rows, "vehicles", register(), file="x.csv", headers={})
    assert "units: {mass: kg}" in refused[0].text


DAY = "2025-03-{}T00:00:00+00:00".format
ON_RECORD = ("D1", "V1", DAY("10"), DAY("20"))


@pytest.mark.parametrize(
    ("begins", "until", "stands"),
    [
        (DAY("15"), None, False),  # begins inside the other's time
        (DAY("20"), None, True),  # begins when the other ends
        (DAY("05"), DAY("11"), False),  # ends inside the other's time
        (DAY("05"), DAY("10"), True),  # ends when the other begins
        (DAY("05"), None, True),  # open: ends when the other begins
        (DAY("10"), None, False),  # begins at the same moment
    ],
)
def test_two_drivers_cannot_have_one_truck_at_once(
    begins: str, until: str | None, stands: bool
) -> None:
    lines, refused = check(
        assignments(("D2", "V1", begins, until)), "assignments", assignments(ON_RECORD)
    )
    assert lines == ([2] if stands else [])
    assert [code for _, _, code in refused] == ([] if stands else ["two_drivers_at_once"])


def test_two_open_assignments_follow_each_other() -> None:
    rows = assignments(("D1", "V1", DAY("01"), None), ("D2", "V1", DAY("08"), None))
    assert check(rows, "assignments") == ([2, 3], [])


def test_a_closed_assignment_that_runs_into_an_open_one_is_refused() -> None:
    rows = assignments(("D1", "V1", DAY("01"), DAY("09")), ("D2", "V1", DAY("08"), None))
    assert check(rows, "assignments") == ([2], [(3, "from", "two_drivers_at_once")])


def test_an_assignment_that_comes_again_with_an_end_makes_room_for_the_next_driver() -> None:
    rows = assignments(("D1", "V1", DAY("10"), DAY("12")), ("D2", "V1", DAY("12"), None))
    assert check(rows, "assignments", assignments(ON_RECORD)) == ([2, 3], [])


def test_an_unregistered_driver_of_an_order_is_reported_and_not_refused() -> None:
    rows = frame([{"vehicle_id": "V1", "cargo_t": 1.0, "driver_id": "D7"}], ORDERS.names)
    assert check(rows, "orders") == ([2], [])
    assert references.strangers(rows, "orders", register()) == {"D7"}


def test_an_unregistered_driver_of_positions_is_reported_and_not_refused() -> None:
    rows = frame(
        [{"vehicle_id": "V1", "driver_id": name} for name in ("D7", "D1", None)], POSITIONS.names
    )
    assert check(rows, "positions") == ([2, 3, 4], [])
    assert references.strangers(rows, "positions", register()) == {"D7"}


def test_a_class_that_no_truck_has_is_reported_and_not_refused() -> None:
    names = ("tractor_42t", "rigid_18t", None)
    rows = frame([{"vehicle_class": name} for name in names], BASELINES.names)
    assert check(rows, "baselines") == ([2, 3, 4], [])
    assert references.strangers(rows, "baselines", register()) == {"tractor_42t"}
