"""What the register says of a truck's fuel: empty rate x km + load rate x tkm + idle.

The model is affine in the load: VECTO, COPERT and the British factors agree within one per cent
that litres per kilometre rise linearly with payload (methodology note, sections 4.2 to 4.5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.physics import PhysicalTruck, physical_truck
from fleet_carbon.quantification.registered import kind_of_truck, told_number, told_text

COPERT_SPEED_KMH_MIN = 5.0  # [km/h] COPERT 5, range of validity of the HDV curves
COPERT_SPEED_KMH_MAX = 85.0  # [km/h] likewise

# Rungs whose litres are measured and not modelled.
MEASURED = ("counter", "receipts")
# Columns of the register on which the fuel model of a truck depends.
_DECIDING = (
    "rated_payload_t", "vehicle_class", "energy", "empty_l_per_100km", "full_l_per_100km",
    "curb_mass_t",
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
    """

    empty_l_per_km: float
    load_l_per_tkm: float
    idle_l_per_h: float
    source: str
    class_id: str

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
        ``counter``, ``receipts``, ``calibrated``, ``declared`` or ``class``; empty if there is
        no way.
    model : FuelModel or None
        The affine model of diesel; None if neither declared figures nor a class exist.
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
    ends_share : float
        The part of it that errs in every month by itself: levels of the tank after the fills
        that bound what receipts balance.
    scale_index : float
        Measured per modelled litres of its class: those of the receipts of the month, or what is
        predicted from its measured months, and then inside the rates of `model`; 1 without.
    energy : str
        What it burns.
    class_model : FuelModel or None
        Flat rates of its class, whatever is declared.
    physical : PhysicalTruck or None
        Its physical model, in the unit of its energy.
    model_id : str
        Which class model the month rests on; months of another one calibrate nothing.
    """

    source: str
    model: FuelModel | None
    rated_payload_t: float
    class_ids: tuple[str, ...]
    notes: tuple[str, ...]
    empty_rate_share: float = math.nan
    load_rate_share: float = math.nan
    scale_share: float = math.nan
    ends_share: float = 0.0
    scale_index: float = 1.0
    energy: str = "diesel"
    class_model: FuelModel | None = None
    physical: PhysicalTruck | None = None
    model_id: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether the litres are measured, so that efficiency can be compared."""
        return self.source in MEASURED

    @property
    def lasting_scale_share(self) -> float:
        """The part of `scale_share` that errs in all months alike."""
        if self.ends_share == 0:
            return self.scale_share
        return math.sqrt(max(0.0, self.scale_share**2 - self.ends_share**2))

    @property
    def energy_unit(self) -> str:
        """Unit of what it takes: l, kg or kWh; empty if it has no model."""
        if self.energy == "diesel":
            return "l"
        return "" if self.physical is None else self.physical.unit


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
    rated_payload_t = told_number(vehicle, "rated_payload_t") or 0.0
    class_id = class_of(vehicle, edition)
    named = told_text(vehicle, "vehicle_class")
    names = tuple(dict.fromkeys(name for name in (named, class_id) if name))
    energy = told_text(vehicle, "energy") or "diesel"
    physical = physical_truck(vehicle, class_id, edition)
    if energy != "diesel":
        note = f"no_fuel_model_for_{energy}" if physical is None else f"no_credit_for_{energy}"
        return TruckFuel(
            "", None, rated_payload_t, names, (note,), energy=energy, physical=physical
        )
    by_class = _class_model(class_id, edition)
    declared, why = _declared_model(vehicle, rated_payload_t, by_class, edition)
    model = declared or by_class
    if model is None:
        return TruckFuel("", None, rated_payload_t, names, ("no_fuel_model_for_payload",))
    takes_rates_of_class = declared is None or "load_rate_from_class" in why
    # A registered class that is not the one found is unknown to the edition.
    is_by_payload = takes_rates_of_class and names[0] != class_id
    shares = edition.rules("uncertainty")
    return TruckFuel(
        model.source,
        model,
        rated_payload_t,
        names,
        (*why, "class_by_payload") if is_by_payload else why,
        empty_rate_share=shares[f"empty_rate_{model.source}_share"],
        load_rate_share=shares["load_rate_share"],
        scale_share=0.0,
        class_model=by_class,
        physical=None if by_class is None else physical,
    )


def class_of(vehicle: Mapping[str, Any], edition: Edition) -> str:
    """The class of the edition: as registered if known there, else by rated payload, else ''."""
    return kind_of_truck(vehicle, edition.rules("classes"))


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


def _class_model(class_id: str, edition: Edition) -> FuelModel | None:
    """The flat rates of a class; None if the edition has none of that name."""
    rates = edition.rules("classes").get(class_id)
    if rates is None:
        return None
    return FuelModel(
        rates["empty_l_per_100km"] / 100,
        rates["load_l_per_100km_per_t"] / 100,
        fill_rules(edition, "fuel", FuelRules).idle_l_per_h,
        "class",
        class_id,
    )


def _declared_model(
    vehicle: Mapping[str, Any],
    rated_payload_t: float,
    by_class: FuelModel | None,
    edition: Edition,
) -> tuple[FuelModel | None, tuple[str, ...]]:
    """Declared rates, one of them completed by the slope of the class; or why there are none."""
    empty = told_number(vehicle, "empty_l_per_100km")
    full = told_number(vehicle, "full_l_per_100km")
    idle = fill_rules(edition, "fuel", FuelRules).idle_l_per_h
    class_id = "" if by_class is None else by_class.class_id
    if empty is not None and full is not None and rated_payload_t > 0:
        if full < empty:
            return None, ("declared_full_below_empty",)
        slope = (full - empty) / rated_payload_t
        return FuelModel(empty / 100, slope / 100, idle, "declared", class_id), ()
    if by_class is None or (empty is None and full is None):
        return None, ()
    if empty is None:
        empty = (full or 0.0) - by_class.load_l_per_tkm * 100 * rated_payload_t
        if empty <= 0:
            return None, ("declared_full_below_class",)
    slope_of_class = by_class.load_l_per_tkm
    model = FuelModel(empty / 100, slope_of_class, idle, "declared", class_id)
    return model, ("load_rate_from_class",)
