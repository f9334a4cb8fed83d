"""A truck of round figures and drives made by hand, for tests of the energy of a leg."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fleet_carbon.quantification.physics import (
    Consumption,
    PhysicalTruck,
    PhysicsRules,
    consumption,
)
from fleet_carbon.quantification.profile import Profile

PHYSICS = PhysicsRules(
    gravity_j_per_kg_per_m=10.0,
    air_kg_per_m3=1.2,
    air_degc=20.0,
    wind_mps=3.0,
    speed_kmh_max=95.0,
    braked_share=0.8,
    descent_braked_share=0.25,
    climbed_m_per_km=7.0,
)
TRUCK = PhysicalTruck(
    class_id="tractor_trailer",
    energy="diesel",
    unit="l",
    curb_mass_t=15.0,
    rated_payload_t=25.0,
    rotating_mass_t=1.0,
    rolling_ratio=0.006,
    drag_area_m2=5.0,
    friction_kw=20.0,
    idle_kw=18.0,
    auxiliary_kw=4.0,
    heating_kw_per_deg=0.0,
    heating_degc=0.0,
    marginal_efficiency_share=0.4,
    driveline_efficiency_share=0.9,
    recovered_share=0.0,
    charged_share=1.0,
    heat_mj=36.0,
    physics=PHYSICS,
)
ELECTRIC = replace(
    TRUCK,
    energy="electric",
    unit="kWh",
    friction_kw=0.0,
    idle_kw=5.0,
    heating_kw_per_deg=0.2,
    heating_degc=15.0,
    marginal_efficiency_share=0.8,
    recovered_share=0.5,
    charged_share=0.9,
    heat_mj=3.6,
)


def drive(distance_km: float, *, speed_bin: int = 8, **columns: float) -> Profile:
    """One leg, all of it in one speed bin; level, without stops and standing unless given."""
    speed_km = np.zeros((1, 10))
    speed_km[0, speed_bin] = distance_km
    given = {
        "kinetic_gained_j_per_kg": 0.0,
        "stops_count": 0.0,
        "moving_h": distance_km / 80,
        "idle_h": 0.0,
        "climbed_m": 0.0,
        "ambient_degc": np.nan,
        **columns,
    }
    return Profile(
        distance_km=np.full(1, distance_km),
        speed_km=speed_km,
        **{name: np.full(1, value) for name, value in given.items()},
    )


def taken(profile: Profile, truck: PhysicalTruck = TRUCK) -> Consumption:
    """What one truck takes on all legs of a profile."""
    return consumption(profile, [truck], np.zeros(len(profile), dtype=np.intp))
