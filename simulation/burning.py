"""What a truck really burns: forces on it second by second, and an engine that answers them.

This is the truth that estimates are held against. It shares no line and no parameter with the
model of the accounts: engine by an efficiency curve over load instead of a Willans line, wind,
weather, grade, and trucks of one kind that differ from each other as real ones do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from simulation.geodesy import FloatArray

GRAVITY_MS2 = 9.81
DIESEL_KJ_PER_L = 35_800.0
KELVIN = 273.15
# Spread among trucks of one kind: engine, tyres, body and upkeep together. [1]
THIRST_SPREAD = 0.08
# Efficiency of a diesel engine over its load; its friction is inside.
_LOAD_SHARE = np.array([0.0, 0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.45, 0.60, 0.80, 1.0])
_EFFICIENCY = np.array([0.10, 0.18, 0.27, 0.345, 0.378, 0.397, 0.417, 0.430, 0.432, 0.425, 0.412])
# Pushed harder than this part of its power by the wheels, an engine injects nothing.
_OVERRUN_SHARE = 0.05
_STANDING_MS = 0.3


@dataclass(frozen=True)
class Burner:
    """A truck as its engine feels it.

    Attributes
    ----------
    curb_mass_t, rated_payload_t : float
        Mass of the empty truck, largest payload. [t]
    drag_area_m2 : float
        Drag coefficient times frontal area. [m2]
    rolling_index : float
        Rolling resistance per weight at 20 degrees.
    power_kw : float
        Rated power of the engine. [kW]
    driveline_share : float
        Part of the engine's work that reaches the wheels.
    auxiliary_kw : float
        Fan, compressor, steering, alternator. [kW]
    idle_l_per_h : float
        Standing with the engine on. [l/h]
    thirst_factor : float
        Litres of this truck over those of its kind.
    """

    curb_mass_t: float
    rated_payload_t: float
    drag_area_m2: float
    rolling_index: float
    power_kw: float
    driveline_share: float
    auxiliary_kw: float
    idle_l_per_h: float
    thirst_factor: float = 1.0


@dataclass(frozen=True)
class Weather:
    """Air around a drive: temperature [degC], wind against the direction of travel [m/s]."""

    ambient_degc: float = 20.0
    headwind_ms: float = 0.0


# By class of the edition; a tractor with its trailer as they are driven in China.
KINDS = {
    "tractor_trailer": Burner(15.6, 32.0, 5.9, 0.0060, 330.0, 0.93, 4.6, 2.3),
    "rigid_26t": Burner(10.4, 16.0, 6.0, 0.0070, 250.0, 0.92, 5.0, 2.0),
    "rigid_18t": Burner(8.2, 10.0, 5.7, 0.0072, 200.0, 0.91, 4.6, 1.7),
    "rigid_7_5t": Burner(3.9, 4.5, 4.2, 0.0078, 115.0, 0.90, 2.8, 1.1),
}


def one_of(kind: Burner, rng: Generator, thirst_spread: float = THIRST_SPREAD) -> Burner:
    """A truck of a kind: its own thirst, tyres, body and idling."""
    thirst = float(np.exp(rng.normal(0.0, thirst_spread)))
    tyres, body, idling = np.exp(rng.normal(0.0, (0.03, 0.03, 0.15)))
    return replace(
        kind,
        rolling_index=kind.rolling_index * float(tyres),
        drag_area_m2=kind.drag_area_m2 * float(body),
        idle_l_per_h=kind.idle_l_per_h * float(idling),
        thirst_factor=kind.thirst_factor * thirst,
    )


def speeds_of(elapsed_s: FloatArray, along_m: FloatArray, step_s: float = 1.0) -> FloatArray:
    """Speed at every step of a drive known by moments and lengths, standing at both ends. [m/s]

    Parameters
    ----------
    elapsed_s, along_m : ndarray of float, shape (n,)
        Moments since departure [s] and length driven by then [m], as in `driving.Drive`.
    step_s : float
        Time between two speeds. [s]

    Returns
    -------
    speed_ms : ndarray of float, shape (m,)
        [m/s]
    """
    steps = int(np.ceil((elapsed_s[-1] - elapsed_s[0]) / step_s))
    moments = elapsed_s[0] + step_s * np.arange(steps + 1)
    driven = np.diff(np.interp(moments, elapsed_s, along_m)) / step_s
    # Speeds of steps to speeds between them, so that what is summed is what was driven.
    return np.concatenate(([0.0], (driven[1:] + driven[:-1]) / 2.0, [0.0]))


def burnt_l(
    truck: Burner,
    speed_ms: FloatArray,
    payload_t: float,
    *,
    step_s: float = 1.0,
    grade: FloatArray | float = 0.0,
    weather: Weather = Weather(),
) -> FloatArray:
    """Diesel burnt in every step between two speeds; a standing truck idles. [l]

    Parameters
    ----------
    truck : Burner
        Who drives.
    speed_ms : ndarray of float, shape (n,)
        Speeds, `step_s` apart. [m/s]
    payload_t : float
        Cargo aboard. [t]
    step_s : float
        [s]
    grade : ndarray of float, shape (n - 1,), or float
        Rise per length of each step.
    weather : Weather
        The air.

    Returns
    -------
    litres : ndarray of float, shape (n - 1,)
        [l]
    """
    wheel_kw = _wheel_kw(truck, speed_ms, payload_t, step_s, grade, weather)
    engine_kw = np.minimum(
        np.maximum(wheel_kw, 0.0) / truck.driveline_share + truck.auxiliary_kw, truck.power_kw
    )
    efficiency = np.interp(engine_kw / truck.power_kw, _LOAD_SHARE, _EFFICIENCY)
    idle_kw = truck.idle_l_per_h * DIESEL_KJ_PER_L / 3600.0
    fuel_kw = np.maximum(engine_kw / efficiency, idle_kw)
    mean_ms = (speed_ms[1:] + speed_ms[:-1]) / 2.0
    is_pushed = (wheel_kw < -_OVERRUN_SHARE * truck.power_kw) & (mean_ms > 3.0)
    fuel_kw = np.where(is_pushed, 0.0, np.where(mean_ms < _STANDING_MS, idle_kw, fuel_kw))
    litres: FloatArray = fuel_kw * (truck.thirst_factor * step_s / DIESEL_KJ_PER_L)
    return litres


def idled_l(truck: Burner, hours: float) -> float:
    """Diesel of standing with the engine on. [l]"""
    return truck.idle_l_per_h * truck.thirst_factor * hours


def _wheel_kw(
    truck: Burner,
    speed_ms: FloatArray,
    payload_t: float,
    step_s: float,
    grade: FloatArray | float,
    weather: Weather,
) -> FloatArray:
    """Power at the wheels; negative where they push. [kW]"""
    mass_kg = 1000.0 * (truck.curb_mass_t + payload_t)
    mean_ms = (speed_ms[1:] + speed_ms[:-1]) / 2.0
    air_kg_per_m3 = 1.204 * (KELVIN + 20.0) / (KELVIN + weather.ambient_degc)
    # Tyres roll about half a per cent harder per degree that it is colder.
    tyres = truck.rolling_index * (1.0 + 0.005 * (20.0 - weather.ambient_degc))
    against_ms = np.maximum(mean_ms + weather.headwind_ms, 0.0)
    air_n = 0.5 * air_kg_per_m3 * truck.drag_area_m2 * against_ms**2
    slope_n = mass_kg * GRAVITY_MS2 * (tyres + grade)
    # Wheels and shafts turn too: as if the mass were a little larger.
    gained_kw = 0.5 * 1.03 * mass_kg * np.diff(speed_ms**2) / step_s / 1000.0
    power_kw: FloatArray = (air_n + slope_n) * mean_ms / 1000.0 + gained_kw
    return power_kw
