"""Diesel of a truck: its counter, or empty rate x km + load rate x tkm + idle.

The model is affine in the load: VECTO, COPERT and the British factors agree within one per cent
that litres per kilometre rise linearly with payload (methodology note, sections 4.2 to 4.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.editions import Edition, fill_rules

COPERT_SPEED_KMH_MIN = 5.0  # [km/h] COPERT 5, range of validity of the HDV curves
COPERT_SPEED_KMH_MAX = 85.0  # [km/h] likewise


@dataclass(frozen=True)
class FuelRules:
    """Section `fuel` of an edition."""

    idle_l_per_h: float
    counter_km_share_min: float
    counter_per_model_share_min: float
    counter_per_model_share_max: float
    planned_circuity_index: float


@dataclass(frozen=True)
class FuelModel:
    """Affine consumption of one truck.

    Attributes
    ----------
    empty_l_per_km : float
        Litres per kilometre without cargo. [l/km]
    load_l_per_tkm : float
        Further litres per kilometre and tonne of cargo. [l/tkm]
    idle_l_per_h : float
        Litres per hour standing with the engine on. [l/h]
    source : str
        ``declared`` or ``class``.
    class_id : str
        Class of the edition by rated payload; empty if none fits.
    notes : tuple of str
        Named reasons, for example which of two rates was completed from the class.
    """

    empty_l_per_km: float
    load_l_per_tkm: float
    idle_l_per_h: float
    source: str
    class_id: str
    notes: tuple[str, ...]

    def driving_l(self, distance_km: float, transport_work_tkm: float) -> float:
        """Litres of driving so far with so much transport work. [l]"""
        return self.empty_l_per_km * distance_km + self.load_l_per_tkm * transport_work_tkm

    def idle_l(self, idle_h: float) -> float:
        """Litres of standing with the engine on. [l]"""
        return self.idle_l_per_h * idle_h


@dataclass(frozen=True)
class TruckFuel:
    """How a truck's diesel of one month is known.

    Attributes
    ----------
    source : str
        ``counter``, ``declared`` or ``class``; empty if there is no way.
    model : FuelModel or None
        The affine model; None if neither declared figures nor a class exist.
    rated_payload_t : float
        Largest payload. [t]
    class_ids : tuple of str
        Names under which a baseline of the class may stand: as registered, and by payload.
    notes : tuple of str
        Named reasons.
    """

    source: str
    model: FuelModel | None
    rated_payload_t: float
    class_ids: tuple[str, ...]
    notes: tuple[str, ...]


def fuel_of_trucks(
    legs: pd.DataFrame, vehicles: pd.DataFrame, edition: Edition
) -> dict[str, TruckFuel]:
    """Decide for every truck with legs where its diesel of the month comes from.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` of one month, all drivers.
    vehicles : DataFrame
        `frames.VEHICLES`.
    edition : Edition
        Sections `fuel` and `classes`.

    Returns
    -------
    fuels : dict of str to TruckFuel
        By vehicle_id, sorted.

    Raises
    ------
    InputRefused
        If a leg names a truck that is not registered.
    """
    register = register_of(vehicles)
    fuels: dict[str, TruckFuel] = {}
    for vehicle_id, driven in legs.groupby("vehicle_id", sort=True):
        key = str(vehicle_id)
        if key not in register:
            raise InputRefused(
                "vehicle_not_registered",
                f"Legs name the truck {key!r}, which is not registered.",
                "Ingest it with `ingest vehicles` first.",
                vehicle_id=key,
            )
        fuels[key] = _decide(fuel_of_truck(register[key], edition), driven, edition)
    return fuels


def register_of(vehicles: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows of `frames.VEHICLES` by vehicle_id."""
    rows = vehicles.to_dict("records")
    return {str(row["vehicle_id"]): {str(key): row[key] for key in row} for row in rows}


def fuel_of_truck(vehicle: Mapping[str, Any], edition: Edition) -> TruckFuel:
    """The fuel model of a truck by its register entry alone.

    Parameters
    ----------
    vehicle : mapping
        One row of `frames.VEHICLES`.
    edition : Edition
        Sections `fuel` and `classes`.
    """
    rated_payload_t = _number(vehicle.get("rated_payload_t")) or 0.0
    class_id = class_of(vehicle, edition)
    names = tuple(
        dict.fromkeys(name for name in (_text(vehicle.get("vehicle_class")), class_id) if name)
    )
    energy = _text(vehicle.get("energy")) or "diesel"
    if energy != "diesel":
        return TruckFuel("", None, rated_payload_t, names, (f"no_fuel_model_for_{energy}",))
    model = _model(vehicle, class_id, rated_payload_t, edition)
    if model is None:
        return TruckFuel("", None, rated_payload_t, names, ("no_fuel_model_for_payload",))
    takes_rates_of_class = model.source == "class" or "load_rate_from_class" in model.notes
    # A registered class that is not the one found is unknown to the edition.
    is_by_payload = takes_rates_of_class and names[0] != class_id
    notes = (*model.notes, "class_by_payload") if is_by_payload else model.notes
    return TruckFuel(model.source, model, rated_payload_t, names, notes)


def class_of(vehicle: Mapping[str, Any], edition: Edition) -> str:
    """The class of the edition: as registered if known there, else by rated payload, else ''."""
    classes = edition.rules("classes")
    named = _text(vehicle.get("vehicle_class"))
    if named in classes:
        return named
    payload_t = _number(vehicle.get("rated_payload_t")) or 0.0
    fitting = [name for name in classes if payload_t >= classes[name]["rated_payload_t_min"]]
    return max(fitting, key=lambda name: classes[name]["rated_payload_t_min"], default="")


def leg_diesel_l(driven: pd.DataFrame, fuel: TruckFuel) -> pd.Series:
    """Diesel of each leg of one truck; missing where there is no way to know.

    Parameters
    ----------
    driven : DataFrame
        Legs of that truck.
    fuel : TruckFuel
        Decision for the truck.

    Returns
    -------
    diesel_l : Series of float
        Index of `driven`. [l]
    """
    if fuel.model is None:
        return pd.Series(float("nan"), index=driven.index, dtype="float64")
    modelled = _modelled_l(driven, fuel.model)
    if fuel.source == "counter":
        return driven["fuel_counter_l"].astype("float64").fillna(modelled)
    return modelled


def copert_energy_mj_per_km(
    speed_kmh: float, coefficients: Mapping[str, float], reduction_share: float = 0.0
) -> float:
    """Energy of a heavy vehicle at a mean speed by the COPERT 5 curve. [MJ/km]

    Parameters
    ----------
    speed_kmh : float
        Mean speed, held inside 5 to 85. [km/h]
    coefficients : mapping
        alpha, beta, gamma, delta, epsilon, zeta, eta of one segment and load.
    reduction_share : float
        RF of the database, 0 for all segments used here.

    References
    ----------
    COPERT 5 / EMEP-EEA guidebook, hot emission energy of HDV; methodology note, section 4.2.
    """
    v = min(max(speed_kmh, COPERT_SPEED_KMH_MIN), COPERT_SPEED_KMH_MAX)
    c = coefficients
    above = c["alpha"] * v**2 + c["beta"] * v + c["gamma"] + c["delta"] / v
    below = c["epsilon"] * v**2 + c["zeta"] * v + c["eta"]
    return above / below * (1 - reduction_share)


def load_interpolated(empty_kg_per_km: float, full_kg_per_km: float, load_share: float) -> float:
    """Emissions at partial load, linear between empty and full (methodology, section 4.4). [kg/km]

    Examples
    --------
    >>> round(load_interpolated(0.69968, 1.16613, 0.61), 5)
    0.98421
    """
    return empty_kg_per_km + (full_kg_per_km - empty_kg_per_km) * load_share


def _decide(known: TruckFuel, driven: pd.DataFrame, edition: Edition) -> TruckFuel:
    """Prefer the counter where it covers the month and is plausible beside the model."""
    rules = fill_rules(edition, "fuel", FuelRules)
    counted = driven["fuel_counter_l"].notna()
    if known.model is None or not counted.any():
        return known
    total_km, counted_km = driven["distance_km"].sum(), driven.loc[counted, "distance_km"].sum()
    if total_km <= 0 or counted_km < rules.counter_km_share_min * total_km:
        return _with_note(known, "fuel_counter_covers_too_little")
    part = driven.loc[counted]
    litres, modelled = part["fuel_counter_l"].sum(), _modelled_l(part, known.model).sum()
    low = rules.counter_per_model_share_min * modelled
    high = rules.counter_per_model_share_max * modelled
    if (part["fuel_counter_l"] < 0).any() or not low <= litres <= high:
        return _with_note(known, "fuel_counter_implausible")
    notes = known.notes if counted.all() else (*known.notes, "fuel_counter_gaps_modelled")
    return TruckFuel("counter", known.model, known.rated_payload_t, known.class_ids, notes)


def _model(
    vehicle: Mapping[str, Any], class_id: str, rated_payload_t: float, edition: Edition
) -> FuelModel | None:
    """Declared rates, completed or replaced by those of the class."""
    empty = _positive(vehicle.get("empty_l_per_100km"))
    full = _positive(vehicle.get("full_l_per_100km"))
    idle = fill_rules(edition, "fuel", FuelRules).idle_l_per_h
    rates = edition.rules("classes").get(class_id)
    notes: tuple[str, ...] = ()
    if empty is not None and full is not None and rated_payload_t > 0:
        if full >= empty:
            slope = (full - empty) / rated_payload_t
            return FuelModel(empty / 100, slope / 100, idle, "declared", class_id, ())
        notes = ("declared_full_below_empty",)
    if rates is None:
        return None
    slope = rates["load_l_per_100km_per_t"]
    if not notes and empty is not None:
        notes = ("load_rate_from_class",)
        return FuelModel(empty / 100, slope / 100, idle, "declared", class_id, notes)
    if not notes and full is not None:
        derived = full - slope * rated_payload_t
        if derived > 0:
            notes = ("load_rate_from_class",)
            return FuelModel(derived / 100, slope / 100, idle, "declared", class_id, notes)
        notes = ("declared_full_below_class",)
    empty_of_class = rates["empty_l_per_100km"]
    return FuelModel(empty_of_class / 100, slope / 100, idle, "class", class_id, notes)


def _modelled_l(driven: pd.DataFrame, model: FuelModel) -> pd.Series:
    return (
        model.empty_l_per_km * driven["distance_km"]
        + model.load_l_per_tkm * driven["transport_work_tkm"]
        + model.idle_l_per_h * driven["idle_h"]
    )


def _with_note(known: TruckFuel, note: str) -> TruckFuel:
    notes = (*known.notes, note)
    return TruckFuel(known.source, known.model, known.rated_payload_t, known.class_ids, notes)


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)
