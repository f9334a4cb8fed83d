"""Checks that one file cannot make alone: rows against what the fleet has on record.

In: rows of a batch with their `line`, and the register. Out: the rows that stand and one
rejection per row that does not. Nothing is changed and nothing is filled in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest.plates import PlateBook
from fleet_carbon.units import SECONDS_PER_H, mass_unit_beside


@dataclass(frozen=True)
class IntakeRules:
    """What the edition says no row can mean.

    Attributes
    ----------
    cargo_payload_factor_max : float
        Largest cargo of an order per rated payload of its truck.
    cargo_light_t_max : float
        Below this a load is so light that its mass looks like one in another unit. [t]
    plan_crossed_h_max : float
        Longest time by which the planned pick-up may lie after the planned delivery. [h]
    rated_payload_t_max : float
        Largest rated payload of a truck. [t]
    consumption_l_per_100km_min, consumption_l_per_100km_max : float
        Between these lies the consumption of every truck, empty or full. [l/100 km]
    """

    cargo_payload_factor_max: float
    cargo_light_t_max: float
    plan_crossed_h_max: float
    rated_payload_t_max: float
    consumption_l_per_100km_min: float
    consumption_l_per_100km_max: float


@dataclass
class Register:
    """What is on record when a file arrives: names of trucks and drivers, payloads, assignments.

    Attributes
    ----------
    payload_by_vehicle_t : dict of str to float
        Rated payload of every truck of the fleet. [t]
    driver_ids : set of str
        Every driver of the fleet.
    rules : IntakeRules
        What no row can mean.
    vehicle_classes : frozenset of str
        Classes that trucks of the fleet have, as registered or by their payload.
    shifts : dict of str to list of Shift
        Assignments in force per truck; rows that pass the check are added on the way.
    plates : PlateBook
        Every truck by its plate.
    """

    payload_by_vehicle_t: dict[str, float]
    driver_ids: set[str]
    rules: IntakeRules
    vehicle_classes: frozenset[str] = frozenset()
    shifts: dict[str, list[Shift]] = field(default_factory=lambda: defaultdict(list))
    plates: PlateBook = field(default_factory=PlateBook)


@dataclass(frozen=True)
class Shift:
    """One driver on one truck from a moment until another, open if `until` is None."""

    driver_id: str
    starts_at: datetime
    until: datetime | None

    def collides_with(self, other: Shift) -> bool:
        """Whether two drivers would be at the wheel at once; an open end yields to the next."""
        if self.driver_id == other.driver_id:
            return False
        earlier, later = sorted((self, other), key=lambda shift: shift.starts_at)
        if earlier.starts_at == later.starts_at:
            return True
        return earlier.until is not None and earlier.until > later.starts_at


def register_of(
    vehicles: pd.DataFrame,
    drivers: pd.DataFrame,
    assignments: pd.DataFrame,
    *,
    rules: IntakeRules,
    vehicle_classes: frozenset[str] = frozenset(),
) -> Register:
    """The register in the form the checks need."""
    register = Register(
        dict(zip(vehicles["vehicle_id"], vehicles["rated_payload_t"], strict=True)),
        set(drivers["driver_id"]),
        rules,
        vehicle_classes,
        plates=_plates_of(vehicles),
    )
    for row in assignments.to_dict("records"):
        register.shifts[row["vehicle_id"]].append(_shift(row))
    return register


def _plates_of(vehicles: pd.DataFrame) -> PlateBook:
    named = ("vehicle_id", "plate", "plate_color_code")
    columns = ([one if isinstance(one, str) else None for one in vehicles[name]] for name in named)
    return PlateBook(zip(*columns, strict=True))


def check_rows(
    rows: pd.DataFrame,
    kind: str,
    register: Register,
    *,
    file: str,
    headers: dict[str, str],
    mass_unit: str = "t",
) -> tuple[pd.DataFrame, list[Rejection]]:
    """Part the rows into those whose references hold and rejections for the others.

    Parameters
    ----------
    rows : DataFrame
        Rows of one kind, with their `line` in the file.
    kind : str
        One of the kinds of intake; vehicles refer to nothing and all pass.
    register : Register
        What is on record; assignments that pass are added to it.
    file : str
        Name of the file for the rejections.
    headers : dict of str to str
        Our column name to the name in the file, for columns that are named otherwise there.
    mass_unit : str
        In which the masses of the file were read: what is too much is said to fit another.

    Returns
    -------
    standing : DataFrame
        The rows that pass, in their order.
    rejections : list of Rejection
        One for each other row: its first fault.
    """
    faults: dict[int, tuple[str, str, str]] = {}
    if kind in ("drivers", "assignments", "orders", "positions", "energy"):
        faults |= _unknown_vehicles(rows, register, needed=kind != "drivers")
    if kind in ("assignments", "baselines"):
        faults |= _unknown_drivers(rows, register)
    if kind == "vehicles":
        faults |= _wrong_vehicle_units(rows, register.rules, mass_unit)
    if kind == "orders":
        faults |= _cargo_too_heavy(rows, register, mass_unit, faults)
        faults |= _plan_crossed(rows, register, faults)
    if kind == "assignments":
        faults |= _two_drivers_at_once(rows, register, faults)
    if not faults:
        return rows, []
    lines = rows["line"].tolist()
    rejections = [
        Rejection(file, lines[place], headers.get(column, column), code, text)
        for place, (column, code, text) in sorted(faults.items())
    ]
    stands = [place not in faults for place in range(len(rows))]
    return rows[stands].reset_index(drop=True), rejections


def strangers(rows: pd.DataFrame, kind: str, register: Register) -> set[str]:
    """Names that serve nothing as things are on record; the rows stand, the names are reported.

    Drivers named by orders and positions, and the classes of trucks that baselines hold for.
    """
    if kind in ("orders", "positions") and "driver_id" in rows:
        return set(rows["driver_id"].dropna().unique()) - register.driver_ids - {""}
    if kind == "baselines":
        return set(rows["vehicle_class"].dropna()) - register.vehicle_classes - {""}
    return set()


def _unknown_vehicles(
    rows: pd.DataFrame, register: Register, *, needed: bool
) -> dict[int, tuple[str, str, str]]:
    named = rows["vehicle_id"]
    is_words = isinstance(named.dtype, pd.CategoricalDtype)  # the same few in all rows
    if is_words and register.payload_by_vehicle_t.keys() >= set(named.cat.categories):
        return {}
    unknown = ~named.isin(register.payload_by_vehicle_t)
    if not needed:
        unknown &= rows["vehicle_id"].notna()
    return {
        place: (
            "vehicle_id",
            "vehicle_unknown",
            f"Vehicle {rows['vehicle_id'].iat[place]!r} is not registered. Ingest it with"
            " `ingest vehicles` first, or correct the identifier.",
        )
        for place in unknown.to_numpy().nonzero()[0].tolist()
    }


def _unknown_drivers(rows: pd.DataFrame, register: Register) -> dict[int, tuple[str, str, str]]:
    unknown = rows["driver_id"].notna() & ~rows["driver_id"].isin(register.driver_ids)
    return {
        place: (
            "driver_id",
            "driver_unknown",
            f"Driver {rows['driver_id'].iat[place]!r} is not registered. Ingest the driver with"
            " `ingest drivers` first, or correct the identifier.",
        )
        for place in unknown.to_numpy().nonzero()[0].tolist()
    }


def _wrong_vehicle_units(
    rows: pd.DataFrame, rules: IntakeRules, mass_unit: str
) -> dict[int, tuple[str, str, str]]:
    found: dict[int, tuple[str, str, str]] = {}
    lowest, highest = rules.consumption_l_per_100km_min, rules.consumption_l_per_100km_max
    for column in ("full_l_per_100km", "empty_l_per_100km"):
        stated = rows[column].astype("float64")
        for place in ((stated < lowest) | (stated > highest)).to_numpy().nonzero()[0].tolist():
            found[place] = (
                column,
                "consumption_beyond_trucks",
                f"Consumption of {stated.iat[place]:g} l/100 km lies outside {lowest:g} to"
                f" {highest:g}. Litres per kilometre and millilitres have no unit key: write"
                " litres per 100 km.",
            )
    rated_t = rows["rated_payload_t"].astype("float64")
    fits_t, masses_t = (rules.cargo_light_t_max, rules.rated_payload_t_max), rated_t.tolist()
    for place in (rated_t > rules.rated_payload_t_max).to_numpy().nonzero()[0].tolist():
        stated_t = masses_t[place]
        found[place] = (
            "rated_payload_t",
            "payload_beyond_trucks",
            f"A rated payload of {stated_t:g} t is more than the"
            f" {rules.rated_payload_t_max:g} t that any truck carries."
            f" {_unit_remedy(stated_t, fits_t=fits_t, quantity='mass', unit=mass_unit)}",
        )
    return found


def _cargo_too_heavy(
    rows: pd.DataFrame, register: Register, mass_unit: str, faults: dict[int, Any]
) -> dict[int, tuple[str, str, str]]:
    rated_t = rows["vehicle_id"].map(register.payload_by_vehicle_t).astype("float64")
    cargo_t, lowest_t = rows["cargo_t"].astype("float64"), register.rules.cargo_light_t_max
    factor = register.rules.cargo_payload_factor_max
    loads_t, payloads_t = cargo_t.tolist(), rated_t.tolist()
    found: dict[int, tuple[str, str, str]] = {}
    for place in (cargo_t > factor * rated_t).to_numpy().nonzero()[0].tolist():
        if place in faults:
            continue
        stated_t, payload_t = loads_t[place], payloads_t[place]
        fits_t = (lowest_t, factor * payload_t)
        found[place] = (
            "cargo_t",
            "cargo_exceeds_vehicle",
            f"Cargo of {stated_t:g} t is more than {factor:g} times the {payload_t:g} t that"
            f" vehicle {rows['vehicle_id'].iat[place]!r} may carry."
            f" {_unit_remedy(stated_t, fits_t=fits_t, quantity='cargo', unit=mass_unit)}",
        )
    return found


def _unit_remedy(mass_t: float, *, fits_t: tuple[float, float], quantity: str, unit: str) -> str:
    """Which other unit would bring a mass within what trucks are sent with, and how to say so."""
    lowest_t, highest_t = fits_t
    for steps in (1, 2):
        smaller, read_t = mass_unit_beside(unit, steps), mass_t / 1000**steps
        if smaller is not None and lowest_t <= read_t <= highest_t:
            return (
                f"Read as {smaller} instead of {unit} it is {read_t:g} t: if that is the unit of"
                f" the column, say `units: {{{quantity}: {smaller}}}` in a source profile and pass"
                " it with --source."
            )
    return (
        f"It was read as {unit}: correct it, or name the unit of the column as {quantity} under"
        " `units` in a source profile and pass it with --source."
    )


def light_loads(rows: pd.DataFrame, register: Register) -> tuple[int, int]:
    """How many orders weigh next to nothing where a thousand times as much fits their truck, and
    how many have a mass at all.

    Platforms name kilograms and send tonnes.
    """
    cargo_t = rows["cargo_t"].astype("float64")
    rated_t = rows["vehicle_id"].map(register.payload_by_vehicle_t).astype("float64")
    fits = (cargo_t * 1000).between(
        register.rules.cargo_light_t_max, register.rules.cargo_payload_factor_max * rated_t
    )
    light = (cargo_t > 0) & (cargo_t < register.rules.cargo_light_t_max) & fits
    return int(light.sum()), int((cargo_t > 0).sum())


def _plan_crossed(
    rows: pd.DataFrame, register: Register, faults: dict[int, Any]
) -> dict[int, tuple[str, str, str]]:
    # Plans are honest to an hour or two at each end, so those of short hauls may cross.
    pickup_at = pd.to_datetime(rows["pickup_time"], utc=True)
    late = pickup_at - pd.to_datetime(rows["delivery_time"], utc=True)
    crossed_h = late.dt.total_seconds() / SECONDS_PER_H
    allowed_h = register.rules.plan_crossed_h_max
    return {
        place: (
            "pickup_time",
            "pickup_after_delivery",
            f"Pick-up lies {crossed_h.iat[place]:.1f} h after the delivery; plans may cross by"
            f" {allowed_h:g} h at most. Look whether the two columns are interchanged or a day is"
            " wrong.",
        )
        for place in (crossed_h > allowed_h).to_numpy().nonzero()[0].tolist()
        if place not in faults
    }


def _two_drivers_at_once(
    rows: pd.DataFrame, register: Register, faults: dict[int, Any]
) -> dict[int, tuple[str, str, str]]:
    found: dict[int, tuple[str, str, str]] = {}
    for place, row in enumerate(rows.to_dict("records")):
        if place in faults:
            continue
        shift = _shift(row)
        others = register.shifts[row["vehicle_id"]]
        rival = next((other for other in others if shift.collides_with(other)), None)
        if rival is not None:
            found[place] = _collision(row["vehicle_id"], shift, rival)
            continue
        # A row that arrives again, perhaps with a new end, takes the place of the earlier one.
        register.shifts[row["vehicle_id"]] = [
            other
            for other in others
            if (other.driver_id, other.starts_at) != (shift.driver_id, shift.starts_at)
        ] + [shift]
    return found


def _collision(vehicle_id: str, shift: Shift, rival: Shift) -> tuple[str, str, str]:
    until = rival.until.isoformat() if rival.until else "open"
    return (
        "from",
        "two_drivers_at_once",
        f"Driver {shift.driver_id!r} on vehicle {vehicle_id!r} from"
        f" {shift.starts_at.isoformat()}: driver {rival.driver_id!r} is assigned to it from"
        f" {rival.starts_at.isoformat()} until {until}. End one assignment before the other"
        " begins.",
    )


def _shift(row: dict[Any, Any]) -> Shift:
    until = row["assigned_until"]
    return Shift(row["driver_id"], row["assigned_from"], None if pd.isna(until) else until)
