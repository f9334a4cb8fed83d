"""Energy a truck takes for a leg by its own longitudinal model: how much empty, how much a tonne.

The work at the wheels against rolling, air and brakes goes through driveline and engine; the
engine is a Willans line: power of the fuel = drag of the turning engine + work / marginal
efficiency. Every term is a constant or proportional to the mass, so that the energy of a given
drive is exactly affine in payload. Formulas and what they were checked against: methodology,
section "Fuel of a leg".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.profile import SPEED_BINS_KMH, Profile
from fleet_carbon.quantification.registered import kind_of_truck, told_number, told_text

Column = NDArray[np.float64]

KG_PER_T = 1000.0
M_PER_KM = 1000.0
MJ_PER_KWH = 3.6
J_PER_MJ = 1e6
J_PER_KWH = 3.6e6
MPS_PER_KMH = 1 / 3.6
KELVIN_OF_0_DEGC = 273.15


@dataclass(frozen=True)
class PhysicsRules:
    """Section `physics` of an edition: what is the same for all trucks.

    Attributes
    ----------
    gravity_j_per_kg_per_m : float
        Weight of a kilogram. [J/(kg m)]
    air_kg_per_m3 : float
        Density of the air at `air_degc`. [kg/m3]
    air_degc : float
        Temperature taken where none is known. [degC]
    wind_mps : float
        Wind that adds its square to the square of the speed. [m/s]
    speed_kmh_max : float
        Upper end of the last speed bin. [km/h]
    braked_share : float
        Part of the kinetic energy put in that brakes, clutch and gear changes take; the rest
        rolls out against air and tyres. [1]
    descent_braked_share : float
        Part of the climbed energy that the way down does not give back. [1]
    climbed_m_per_km : float
        Ascents taken where none are known. [m/km]
    """

    gravity_j_per_kg_per_m: float
    air_kg_per_m3: float
    air_degc: float
    wind_mps: float
    speed_kmh_max: float
    braked_share: float
    descent_braked_share: float
    climbed_m_per_km: float


@dataclass(frozen=True)
class VehicleRules:
    """One vehicle of section `vehicles` of an edition, with a diesel engine.

    Attributes
    ----------
    rated_payload_t_min : float
        Smallest rated payload that is taken as this vehicle. [t]
    curb_mass_t, rated_payload_t : float
        Mass of the empty truck with its body or trailer; largest payload. [t]
    rotating_mass_t : float
        Mass that stands for what turns when the truck gains speed. [t]
    rolling_ratio : float
        Rolling resistance per weight. [1]
    drag_area_m2 : float
        Drag coefficient times frontal area. [m2]
    friction_kw : float
        Fuel power that keeps engine and gears turning while driving. [kW]
    auxiliary_kw : float
        Power of fan, compressor, steering and generator, at the engine. [kW]
    idle_l_per_h : float
        Diesel of standing with the engine on. [l/h]
    """

    rated_payload_t_min: float
    curb_mass_t: float
    rated_payload_t: float
    rotating_mass_t: float
    rolling_ratio: float
    drag_area_m2: float
    friction_kw: float
    auxiliary_kw: float
    idle_l_per_h: float


@dataclass(frozen=True)
class EngineRules:
    """One energy of section `engines` of an edition.

    Attributes
    ----------
    unit : str
        Unit of the quantity: l, kg or kWh.
    heat_mj : float
        Lower heating value, or energy, of one unit. [MJ per unit]
    marginal_efficiency_share : float
        Further work at the crankshaft per further energy of the fuel. [1]
    driveline_efficiency_share : float
        Work at the wheels per work at the crankshaft. [1]
    friction_factor : float
        Times the `friction_kw` of the vehicle. [1]
    idle_factor : float
        Energy while standing, times that of the diesel; 0: auxiliaries only. [1]
    curb_mass_factor : float
        Mass of the empty truck, times that with a diesel engine. [1]
    recovered_share : float
        Part of the braked energy that drives again. [1]
    charged_share : float
        Part of the energy drawn that arrives in tank or battery. [1]
    heating_kw_per_deg : float
        Electric heating per degree below `heating_degc`. [kW/K]
    heating_degc : float
        Temperature below which it heats. [degC]
    """

    unit: str
    heat_mj: float
    marginal_efficiency_share: float
    driveline_efficiency_share: float
    friction_factor: float
    idle_factor: float
    curb_mass_factor: float
    recovered_share: float
    charged_share: float
    heating_kw_per_deg: float
    heating_degc: float


@dataclass(frozen=True)
class PhysicalTruck:
    """A truck as the model sees it: the figures of its vehicle, engine and register together.

    Attributes
    ----------
    class_id, energy, unit : str
        Vehicle of the edition; diesel, lng or electric; l, kg or kWh.
    curb_mass_t, rated_payload_t, rotating_mass_t : float
        Mass of the empty truck; largest payload; mass that stands for what turns. [t]
    rolling_ratio, drag_area_m2 : float
        Rolling resistance per weight; drag coefficient times frontal area. [1], [m2]
    friction_kw, idle_kw : float
        Power of the fuel that keeps the engine turning while driving; while standing, everything
        included. [kW]
    auxiliary_kw, heating_kw_per_deg, heating_degc : float
        Auxiliaries at the engine; electric heating per degree below. [kW], [kW/K], [degC]
    marginal_efficiency_share, driveline_efficiency_share : float
        Further work at the crankshaft per further energy; work at the wheels per that. [1]
    recovered_share, charged_share : float
        Part of the braked energy that drives again; part of what is drawn that arrives. [1]
    heat_mj : float
        Energy of one unit. [MJ per unit]
    physics : PhysicsRules
        What is the same for all trucks.
    """

    class_id: str
    energy: str
    unit: str
    curb_mass_t: float
    rated_payload_t: float
    rotating_mass_t: float
    rolling_ratio: float
    drag_area_m2: float
    friction_kw: float
    idle_kw: float
    auxiliary_kw: float
    heating_kw_per_deg: float
    heating_degc: float
    marginal_efficiency_share: float
    driveline_efficiency_share: float
    recovered_share: float
    charged_share: float
    heat_mj: float
    physics: PhysicsRules


@dataclass(frozen=True)
class Consumption:
    """What legs take, in the unit of each truck's energy, affine in payload.

    Attributes
    ----------
    empty : ndarray of float, shape (n,)
        Driving without payload. [l, kg or kWh]
    per_tonne : ndarray of float, shape (n,)
        Driving, for each tonne of payload. [l/t, kg/t or kWh/t]
    idle : ndarray of float, shape (n,)
        Standing with the engine on. [l, kg or kWh]
    """

    empty: Column
    per_tonne: Column
    idle: Column

    def at(self, payload_t: Column | float) -> Column:
        """All of it at a payload, standing included. [l, kg or kWh]"""
        return self.empty + self.per_tonne * payload_t + self.idle


def physical_truck(
    vehicle: Mapping[str, Any], class_id: str, edition: Edition
) -> PhysicalTruck | None:
    """Decide which vehicle of the edition a registered truck is; None if its energy has no model.

    The registered class counts if the edition has a vehicle of that name, else the rated payload
    decides, else `class_id`. Mass and payload of the register replace those of the vehicle.

    Parameters
    ----------
    vehicle : mapping
        One row of `frames.VEHICLES`.
    class_id : str
        Class found by other means; empty if none.
    edition : Edition
        Sections `physics`, `vehicles` and `engines`.
    """
    energy = told_text(vehicle, "energy") or "diesel"
    vehicles = edition.rules("vehicles")
    name = kind_of_truck(vehicle, vehicles) or (class_id if class_id in vehicles else "")
    if energy not in edition.rules("engines") or not name:
        return None
    rules = fill_rules(edition, "vehicles", VehicleRules, group=name)
    engine = fill_rules(edition, "engines", EngineRules, group=energy)
    diesel = fill_rules(edition, "engines", EngineRules, group="diesel")
    standing_kw = rules.idle_l_per_h * diesel.heat_mj / MJ_PER_KWH * engine.idle_factor
    return PhysicalTruck(
        class_id=name,
        energy=energy,
        unit=engine.unit,
        curb_mass_t=told_number(vehicle, "curb_mass_t")
        or rules.curb_mass_t * engine.curb_mass_factor,
        rated_payload_t=told_number(vehicle, "rated_payload_t") or rules.rated_payload_t,
        rotating_mass_t=rules.rotating_mass_t,
        rolling_ratio=rules.rolling_ratio,
        drag_area_m2=rules.drag_area_m2,
        friction_kw=rules.friction_kw * engine.friction_factor,
        idle_kw=standing_kw or rules.auxiliary_kw / engine.marginal_efficiency_share,
        auxiliary_kw=rules.auxiliary_kw,
        heating_kw_per_deg=engine.heating_kw_per_deg,
        heating_degc=engine.heating_degc,
        marginal_efficiency_share=engine.marginal_efficiency_share,
        driveline_efficiency_share=engine.driveline_efficiency_share,
        recovered_share=engine.recovered_share,
        charged_share=engine.charged_share,
        heat_mj=engine.heat_mj,
        physics=fill_rules(edition, "physics", PhysicsRules),
    )


def consumption(
    profile: Profile, trucks: Sequence[PhysicalTruck], code: NDArray[np.intp]
) -> Consumption:
    """Decide what each leg takes, empty, per tonne and standing.

    Parameters
    ----------
    profile : Profile
        n legs.
    trucks : sequence of PhysicalTruck
        The trucks of the legs, all of one edition.
    code : ndarray of int, shape (n,)
        Place of each leg's truck in `trucks`.

    References
    ----------
    Methodology, section "Fuel of a leg"; Willans line: methodology note, section 4.6.
    """
    if not trucks:
        nothing = np.zeros(len(profile))
        return Consumption(nothing, nothing.copy(), nothing.copy())

    def of(name: str) -> Column:
        return np.array([getattr(truck, name) for truck in trucks], dtype=np.float64)[code]

    physics = trucks[0].physics
    degc = np.where(np.isnan(profile.ambient_degc), physics.air_degc, profile.ambient_degc)
    kinetic = physics.braked_share * _kinetic(profile)
    kept = 1 - of("recovered_share")
    # Work at the wheels: per kilogram [J/kg], against the air and for what turns [J].
    braked = kinetic + _descent_braked(profile, physics)
    rolling = of("rolling_ratio") * physics.gravity_j_per_kg_per_m * M_PER_KM * profile.distance_km
    per_kg = rolling + kept * braked
    air = 0.5 * _air_kg_per_m3(degc, physics) * of("drag_area_m2") * _square_m3(profile, physics)
    turning = of("rotating_mass_t") * KG_PER_T * kept * kinetic
    # Power over time: drag of the engine, auxiliaries, heating [kW of what is stored].
    marginal = of("marginal_efficiency_share")
    cold = np.clip(of("heating_degc") - degc, 0.0, None)
    heating = of("heating_kw_per_deg") * cold / marginal
    driving = of("friction_kw") + of("auxiliary_kw") / marginal + heating
    # In units drawn per joule stored, and per joule at the wheels.
    stored = 1 / (of("heat_mj") * J_PER_MJ * of("charged_share"))
    wheels = stored / (marginal * of("driveline_efficiency_share"))
    hours = stored * J_PER_KWH
    return Consumption(
        empty=(of("curb_mass_t") * KG_PER_T * per_kg + air + turning) * wheels
        + driving * hours * profile.moving_h,
        per_tonne=KG_PER_T * per_kg * wheels,
        idle=(of("idle_kw") + heating) * hours * profile.idle_h,
    )


def _kinetic(profile: Profile) -> Column:
    """Kinetic energy put in; at least one launch to the mean speed in motion for each stop. [J/kg]

    Sparse positions do not see a truck come to rest and start again; the count of stops does.
    """
    moving_h = np.where(profile.moving_h > 0, profile.moving_h, 1.0)
    mean_mps = np.where(profile.moving_h > 0, profile.distance_km / moving_h, 0.0) * MPS_PER_KMH
    return np.maximum(profile.kinetic_gained_j_per_kg, profile.stops_count * mean_mps**2 / 2)


def _descent_braked(profile: Profile, physics: PhysicsRules) -> Column:
    """Part of the climbs that the way down does not give back. [J/kg]"""
    usual_m = profile.distance_km * physics.climbed_m_per_km
    climbed_m = np.where(np.isnan(profile.climbed_m), usual_m, profile.climbed_m)
    braked: Column = physics.descent_braked_share * physics.gravity_j_per_kg_per_m * climbed_m
    return braked


def _square_m3(profile: Profile, physics: PhysicsRules) -> Column:
    """Square of the speed against the air, summed over the way. [m3/s2]

    Inside a bin the kilometres are spread evenly: the mean of v^2 from a to b is (a^2+ab+b^2)/3.
    """
    summed = profile.distance_km * physics.wind_mps**2
    edges_kmh = (*SPEED_BINS_KMH, physics.speed_kmh_max)
    for place, low in enumerate(SPEED_BINS_KMH):
        high = edges_kmh[place + 1]
        square = (low * low + low * high + high * high) / 3 * MPS_PER_KMH**2
        summed = summed + profile.speed_km[:, place] * square
    return summed * M_PER_KM


def _air_kg_per_m3(degc: Column, physics: PhysicsRules) -> Column:
    """Density of the air: inverse to its absolute temperature (ideal gas, constant pressure)."""
    warm = physics.air_degc + KELVIN_OF_0_DEGC
    return physics.air_kg_per_m3 * warm / (degc + KELVIN_OF_0_DEGC)
