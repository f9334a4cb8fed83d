"""The register: vehicles, drivers, who drove which truck when, and declared counterfactuals."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.frames import ASSIGNMENTS, BASELINES, DRIVERS, VEHICLES
from fleet_carbon.ingest.checking import Layout, RowCheck, moments_column, words
from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.plates import COLOR_CHOICES, identity_of
from fleet_carbon.ingest.values import Floats, flags

VEHICLE_LAYOUT = Layout(
    frame=VEHICLES,
    names=tuple(VEHICLES.names),
    required=("rated_payload_t",),
    either=(("vehicle_id", "plate"),),
)
DRIVER_LAYOUT = Layout(frame=DRIVERS, names=tuple(DRIVERS.names), required=("driver_id",))
ASSIGNMENT_LAYOUT = Layout(
    frame=ASSIGNMENTS,
    names=("driver_id", "vehicle_id", "from", "until"),
    required=("driver_id", "vehicle_id", "from"),
    frame_names={"from": "assigned_from", "until": "assigned_until"},
)
BASELINE_LAYOUT = Layout(
    frame=BASELINES,
    names=tuple(BASELINES.names),
    required=("valid_from", "empty_share", "payload_utilisation_share"),
    either=(("driver_id", "vehicle_class"),),
)
# Letters: vehicle energy types of the Chinese network freight messages.
ENERGIES = words("diesel", "lng", "cng", "methanol", "electric") | {
    "柴油": "diesel", "天然气": "lng", "液化天然气": "lng", "压缩天然气": "cng", "甲醇": "methanol",
    "电": "electric", "纯电动": "electric", "bev": "electric", "b": "diesel", "c": "electric",
}  # fmt: skip
_STRATA = ("body_length_m", "distance_km", "cargo_t")
_PERSONAL_ID = re.compile(r"1\d{10}|\d{17}[\dXx]", re.ASCII)
_SHARE_HINT = "expected a share between 0 and 1 (40 % is 0.4)"


def check_vehicles(check: RowCheck) -> pd.DataFrame:
    """The trucks of a chunk in the shape of `VEHICLES`, with `line`."""
    plate, color = check.text("plate"), check.choice_or_text("plate_color_code", COLOR_CHOICES)
    vehicle = _named_trucks(check, plate, color)
    rated_payload_t = check.number(
        "rated_payload_t",
        required="every truck needs its rated payload",
        factor=check.factor("rated_payload_t", "mass"),
        is_printed=True,
    )
    _positive(check, "rated_payload_t", rated_payload_t)
    factor = check.factor("curb_mass_t", "mass")
    curb_mass_t = check.number("curb_mass_t", factor=factor, is_printed=True)
    tank_l = check.number("tank_l", factor=check.profile.factor("fuel"))
    numbers = {name: check.number(name) for name in ("body_length_m", "volume_m3")}
    numbers |= {name: check.number(name) for name in ("empty_l_per_100km", "full_l_per_100km")}
    numbers |= {"curb_mass_t": curb_mass_t, "tank_l": tank_l}
    for name, values in numbers.items():
        _positive(check, name, values)
    fault = numbers["full_l_per_100km"] < numbers["empty_l_per_100km"]
    text = "is less than the consumption when empty"
    check.fault(fault, "full_l_per_100km", code="full_below_empty", expected=text)
    texts = {
        "plate": plate,
        "plate_color_code": color,
        "vehicle_class": check.text("vehicle_class"),
        "depot": check.text("depot"),
    }
    energy = check.choice("energy", ENERGIES, default="diesel")
    columns = {"vehicle_id": vehicle, "rated_payload_t": rated_payload_t, "energy": energy}
    return check.rows(VEHICLES, columns | numbers | texts)


def _named_trucks(check: RowCheck, plate: Column, color: Column) -> Column:
    """The identifier of each truck; by default its plate, and its colour where it is told."""
    named = check.text("vehicle_id")
    if not check.has("plate"):
        text = "every truck needs its identifier"
        check.fault(flags(named.is_null()), "vehicle_id", code="missing_value", expected=text)
        return named
    pairs = zip(plate.to_pylist(), color.to_pylist(), strict=True)
    made = pa.array([identity_of(*pair) if pair[0] else None for pair in pairs], pa.string())
    vehicle = pc.coalesce(named, made)
    column = "vehicle_id" if check.has("vehicle_id") else "plate"
    text = "every truck needs its identifier or its plate"
    check.fault(flags(vehicle.is_null()), column, code="missing_value", expected=text)
    return vehicle


def _positive(check: RowCheck, name: str, values: Floats) -> None:
    check.fault(values <= 0, name, code="not_positive", expected="expected more than 0")


def look_personal(identifiers: Iterable[str]) -> set[str]:
    """Those that look like a Chinese mobile telephone number or identity card number (GB 11643).

    Examples
    --------
    >>> sorted(look_personal(["D1", "13800138000", "11010519491231002X", "12345678901"]))
    ['11010519491231002X', '12345678901', '13800138000']
    """
    return {one for one in identifiers if _PERSONAL_ID.fullmatch(one)}


def check_drivers(check: RowCheck) -> pd.DataFrame:
    """The drivers of a chunk in the shape of `DRIVERS`, with `line`."""
    columns = {"driver_id": check.text("driver_id", required="every driver needs an identifier")}
    columns |= {name: check.text(name) for name in ("name", "phone", "vehicle_id")}
    return check.rows(DRIVERS, columns | {"joined_on": check.day("joined_on")})


def check_assignments(check: RowCheck) -> pd.DataFrame:
    """The assignments of a chunk in the shape of `ASSIGNMENTS`, with `line`."""
    driver = check.text("driver_id", required="every assignment needs its driver")
    vehicle = check.text("vehicle_id", required="every assignment needs its truck")
    from_ms, no_from = check.moment("from", required="every assignment needs its first moment")
    until_ms, is_open = check.moment("until")
    text = "is not later than the first moment"
    check.fault(~is_open & (until_ms <= from_ms), "until", code="until_before_from", expected=text)
    columns = {
        "driver_id": driver,
        "vehicle_id": vehicle,
        "assigned_from": moments_column(from_ms, no_from),
        "assigned_until": moments_column(until_ms, is_open),
    }
    return check.rows(ASSIGNMENTS, columns)


def check_baselines(check: RowCheck) -> pd.DataFrame:
    """The declared counterfactuals of a chunk in the shape of `BASELINES`, with `line`."""
    driver, vehicle_class = check.text("driver_id"), check.text("vehicle_class")
    nobody = flags(pc.and_(driver.is_null(), vehicle_class.is_null()))
    column = "driver_id" if check.has("driver_id") else "vehicle_class"
    text = "a baseline holds for a driver or for a vehicle class"
    check.fault(nobody, column, code="missing_value", expected=text)
    text = "stands beside a driver_id: a baseline holds for one of the two; write two rows for both"
    both = ~flags(driver.is_null()) & ~flags(vehicle_class.is_null())
    check.fault(both, "vehicle_class", code="baseline_names_both", expected=text)
    valid_from = check.day("valid_from", required="every baseline needs its first day")
    empty_share = _share(check, "empty_share", required=True)
    text = "an empty share of 1 has no loaded kilometre to carry anything"
    check.fault(empty_share == 1, "empty_share", code="empty_share_one", expected=text)
    utilisation_share = _share(check, "payload_utilisation_share", required=True)
    text = "a utilisation of 0 carries nothing"
    check.fault(
        utilisation_share == 0, "payload_utilisation_share", code="utilisation_zero", expected=text
    )
    efficiency_index = check.number("efficiency_index")
    _positive(check, "efficiency_index", efficiency_index)
    strata = _strata(check, driver)
    columns = {
        "driver_id": driver,
        "vehicle_class": vehicle_class,
        "valid_from": valid_from,
        "empty_share": empty_share,
        "payload_utilisation_share": utilisation_share,
        "search_share": _share(check, "search_share"),
        "efficiency_index": efficiency_index,
    }
    return check.rows(BASELINES, columns | strata)


def _strata(check: RowCheck, driver: Column) -> dict[str, Column | Floats]:
    """The part of the work of its class that a line holds for: missing fits all."""
    energy = check.choice("energy", ENERGIES)
    mass = check.profile.factor("mass")
    is_bound = ~flags(energy.is_null())
    bounds: dict[str, Floats] = {}
    for name in _STRATA:
        factor = mass if name == "cargo_t" else 1.0
        start, end = (check.number(f"{name}_{end}", factor=factor) for end in ("from", "until"))
        text = "expected 0 or more"
        check.fault(start < 0, f"{name}_from", code="stratum_below_zero", expected=text)
        text = f"is not more than {name}_from; a stratum ends before this value"
        until = f"{name}_until"
        check.fault(end <= np.nan_to_num(start), until, code="stratum_empty", expected=text)
        bounds |= {f"{name}_from": start, until: end}
        is_bound |= ~np.isnan(start) | ~np.isnan(end)
    text = "strata divide the work of a class; the line of a driver holds for all of it"
    is_of_driver = is_bound & ~flags(driver.is_null())
    check.fault(is_of_driver, "driver_id", code="stratum_of_driver", expected=text)
    return {"energy": energy, **bounds}


def _share(check: RowCheck, name: str, *, required: bool = False) -> Floats:
    needed = "every baseline needs it" if required else ""
    values = check.number(name, required=needed, expected="a share such as 0.4")
    outside = (values < 0) | (values > 1)
    check.fault(outside, name, code="share_out_of_range", expected=_SHARE_HINT)
    return np.asarray(values)
