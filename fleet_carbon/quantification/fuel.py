"""Diesel of a truck: its counter, or empty rate x km + load rate x tkm + idle.

The model is affine in the load: VECTO, COPERT and the British factors agree within one per cent
that litres per kilometre rise linearly with payload (methodology note, sections 4.2 to 4.5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.grouping import Groups, grouped

COPERT_SPEED_KMH_MIN = 5.0  # [km/h] COPERT 5, range of validity of the HDV curves
COPERT_SPEED_KMH_MAX = 85.0  # [km/h] likewise

# Rungs whose litres are measured and not modelled.
MEASURED = ("counter", "receipts")
# Columns of the register on which the fuel model of a truck depends.
_DECIDING = (
    "rated_payload_t", "vehicle_class", "energy", "empty_l_per_100km", "full_l_per_100km",
)  # fmt: skip


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

    @property
    def rates(self) -> tuple[float, float, float]:
        """Empty, load and idle rate. [l/km], [l/tkm], [l/h]"""
        return self.empty_l_per_km, self.load_l_per_tkm, self.idle_l_per_h

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
    empty_rate_share, load_rate_share : float
        Relative standard uncertainties of the model's rates, independent of one another; NaN
        without model.
    scale_share : float
        Relative standard uncertainty of what scales all litres together: of the measured litres
        where diesel is measured, of both rates and the idle rate where it is modelled.
    """

    source: str
    model: FuelModel | None
    rated_payload_t: float
    class_ids: tuple[str, ...]
    notes: tuple[str, ...]
    empty_rate_share: float = math.nan
    load_rate_share: float = math.nan
    scale_share: float = math.nan

    @property
    def is_measured(self) -> bool:
        """Whether the litres are measured, so that efficiency can be compared."""
        return self.source in MEASURED


@dataclass(frozen=True)
class _Counted:
    """What the fuel counter of a truck says of its month, beside the model."""

    total_km: float
    counted_km: float
    counter_l: float
    modelled_l: float
    runs_backwards: bool
    is_complete: bool


def fuel_of_trucks(
    legs: pd.DataFrame, known: Mapping[str, TruckFuel], edition: Edition
) -> dict[str, TruckFuel]:
    """Decide for every truck with legs where its diesel of the month comes from.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` of one month, all drivers.
    known : mapping of str to TruckFuel
        Models by the register, by vehicle_id.
    edition : Edition
        Section `fuel`.

    Returns
    -------
    fuels : dict of str to TruckFuel
        By vehicle_id, sorted.

    Raises
    ------
    InputRefused
        If a leg names a truck that is not registered.
    """
    driven = grouped(legs["vehicle_id"])
    driven_ids = [vehicle_id for (vehicle_id,) in driven.keys]
    for vehicle_id in driven_ids:
        if vehicle_id not in known:
            raise InputRefused(
                "vehicle_not_registered",
                f"Legs name the truck {vehicle_id!r}, which is not registered.",
                "Ingest it with `ingest vehicles` first.",
                vehicle_id=vehicle_id,
            )
    fuels = {vehicle_id: known[vehicle_id] for vehicle_id in driven_ids}
    rules = fill_rules(edition, "fuel", FuelRules)
    for vehicle_id, counted in _counted(legs, driven, fuels).items():
        fuels[vehicle_id] = _decide(fuels[vehicle_id], counted, rules, edition)
    return fuels


def register_fuels(
    vehicles: pd.DataFrame, edition: Edition, *, wanted: pd.Index[Any] | None = None
) -> dict[str, TruckFuel]:
    """The fuel model of trucks by their register entries alone, by vehicle_id.

    Trucks with the same figures share one decision: a fleet has few kinds of truck.

    Parameters
    ----------
    vehicles : DataFrame
        `frames.VEHICLES`.
    edition : Edition
        Sections `fuel` and `classes`.
    wanted : Index of str, optional
        Only these trucks, as far as they are registered; all if not given.
    """
    names = ("vehicle_id", *_DECIDING)
    is_wanted = slice(None) if wanted is None else vehicles["vehicle_id"].isin(wanted).to_numpy()
    rows = zip(*(vehicles[name].array[is_wanted].tolist() for name in names), strict=True)
    decided: dict[tuple[Any, ...], TruckFuel] = {}
    fuels: dict[str, TruckFuel] = {}
    for vehicle_id, *figures in rows:
        # NaN differs from itself, so what is missing is keyed as None.
        key = tuple(None if pd.isna(figure) else figure for figure in figures)
        if key not in decided:
            decided[key] = fuel_of_truck(dict(zip(_DECIDING, key, strict=True)), edition)
        fuels[str(vehicle_id)] = decided[key]
    return fuels


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
    shares = edition.rules("uncertainty")
    return TruckFuel(
        model.source,
        model,
        rated_payload_t,
        names,
        notes,
        empty_rate_share=shares[f"empty_rate_{model.source}_share"],
        load_rate_share=shares["load_rate_share"],
        scale_share=0.0,
    )


def class_of(vehicle: Mapping[str, Any], edition: Edition) -> str:
    """The class of the edition: as registered if known there, else by rated payload, else ''."""
    classes = edition.rules("classes")
    named = _text(vehicle.get("vehicle_class"))
    if named in classes:
        return named
    payload_t = _number(vehicle.get("rated_payload_t")) or 0.0
    fitting = [name for name in classes if payload_t >= classes[name]["rated_payload_t_min"]]
    return max(fitting, key=lambda name: classes[name]["rated_payload_t_min"], default="")


def leg_diesel_l(legs: pd.DataFrame, fuels: Mapping[str, TruckFuel]) -> NDArray[np.float64]:
    """Diesel of each leg; missing where there is no way to know.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS`.
    fuels : mapping of str to TruckFuel
        Decision for every truck of the legs.

    Returns
    -------
    diesel_l : ndarray of float, shape (n_legs,)
        [l]
    """
    code, found = pd.factorize(legs["vehicle_id"])
    trucks = [fuels[str(vehicle_id)] for vehicle_id in found]
    modelled = _modelled_l(legs, trucks, code)
    counter = legs["fuel_counter_l"].to_numpy(np.float64)
    is_by_counter = np.array([truck.source == "counter" for truck in trucks], dtype=bool)[code]
    return np.where(is_by_counter & ~np.isnan(counter), counter, modelled)


def rate_columns(trucks: Sequence[TruckFuel]) -> tuple[NDArray[np.float64], ...]:
    """Rates of the models: empty, load, idle; missing without model. [l/km], [l/tkm], [l/h]"""
    nothing = (math.nan, math.nan, math.nan)
    rows = [nothing if truck.model is None else truck.model.rates for truck in trucks]
    return tuple(np.array(rows, dtype=np.float64).reshape(-1, 3).T.copy())


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


def _counted(
    legs: pd.DataFrame, driven: Groups, fuels: Mapping[str, TruckFuel]
) -> dict[str, _Counted]:
    """What the counters of the trucks with a model say, of those that say anything."""
    litres = legs["fuel_counter_l"].to_numpy(np.float64)
    counted = ~np.isnan(litres)
    if not counted.any():
        return {}
    distance_km = legs["distance_km"].to_numpy(np.float64)
    modelled = _modelled_l(legs, list(fuels.values()), driven.code)
    columns = zip(
        driven.counts(counted).tolist(),
        driven.sums(distance_km).tolist(),
        driven.sums(np.where(counted, distance_km, 0.0)).tolist(),
        driven.sums(np.where(counted, litres, 0.0)).tolist(),
        driven.sums(np.where(counted, modelled, 0.0)).tolist(),
        (driven.counts(litres < 0) > 0).tolist(),
        (driven.counts(~counted) == 0).tolist(),
        strict=True,
    )
    return {
        vehicle_id: _Counted(*figures)
        for (vehicle_id, fuel), (count, *figures) in zip(fuels.items(), columns, strict=True)
        if count and fuel.model is not None
    }


def _decide(known: TruckFuel, counted: _Counted, rules: FuelRules, edition: Edition) -> TruckFuel:
    """Prefer the counter where it covers the month and is plausible beside the model."""
    total_km = counted.total_km
    if total_km <= 0 or counted.counted_km < rules.counter_km_share_min * total_km:
        return _with_note(known, "fuel_counter_covers_too_little")
    low = rules.counter_per_model_share_min * counted.modelled_l
    high = rules.counter_per_model_share_max * counted.modelled_l
    if counted.runs_backwards or not low <= counted.counter_l <= high:
        return _with_note(known, "fuel_counter_implausible")
    notes = known.notes if counted.is_complete else (*known.notes, "fuel_counter_gaps_modelled")
    scale_share = edition.rules("uncertainty")["fuel_counter_share"]
    return replace(known, source="counter", notes=notes, scale_share=scale_share)


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


def _modelled_l(
    legs: pd.DataFrame, trucks: Sequence[TruckFuel], code: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Litres of each leg by the model of its truck, `code` being the truck's place."""
    empty, load, idle = (rates[code] for rates in rate_columns(trucks))
    distance_km, work_tkm, idle_h = (
        legs[name].to_numpy(np.float64) for name in ("distance_km", "transport_work_tkm", "idle_h")
    )
    litres: NDArray[np.float64] = empty * distance_km + load * work_tkm + idle * idle_h
    return litres


def _with_note(known: TruckFuel, note: str) -> TruckFuel:
    return replace(known, notes=(*known.notes, note))


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)
