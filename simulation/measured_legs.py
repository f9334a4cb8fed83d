"""Legs with measured litres, as a fleet with fuel counters has them after its months are closed.

Driven second by second and burnt by `simulation.burning`; told as coarsely as devices tell: fixes
every 5 to 60 seconds, with or without speed, height and temperature known for some trucks only,
litres with noise. The columns are those of the legs of a close.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numba import njit
from numpy.random import Generator

from simulation.burning import KINDS, Burner, Weather, burnt_l, idled_l, one_of
from simulation.courses import Course, Manner, any_manner, drive_course
from simulation.geodesy import FloatArray

# What the trace engine joins and takes for noise, and what it calls a halt and a short stop.
WINDOW_S = 20.0
SPEED_STEP_MS = 4.0 / 3.6
HALT_S = 30.0
SHORT_STOP_H = 0.25
FIRST_YEAR = 2024
# How the trucks of a class are used: shares of urban, regional and long-haul legs.
USES = {
    "tractor_trailer": (0.10, 0.30, 0.60),
    "rigid_26t": (0.20, 0.40, 0.40),
    "rigid_18t": (0.30, 0.45, 0.25),
    "rigid_7_5t": (0.50, 0.40, 0.10),
}
_LENGTHS_KM = {"urban": (4.0, 35.0), "regional": (20.0, 120.0), "long_haul": (90.0, 360.0)}
# Mean temperature of the months, north and south of China together. [degC]
_MONTH_DEGC = (1.0, 4.0, 10.0, 17.0, 22.0, 26.0, 28.0, 27.0, 22.0, 16.0, 9.0, 3.0)


@dataclass(frozen=True)
class FleetPlan:
    """How large a fleet of measured legs is.

    Attributes
    ----------
    trucks_per_class, months_count, legs_per_month : int
        [1]
    noise_share : float
        Standard deviation of a counter's litres on a leg, relative.
    empty_share : float
        Part of the legs without cargo.
    """

    trucks_per_class: int = 24
    months_count: int = 12
    legs_per_month: int = 6
    noise_share: float = 0.05
    empty_share: float = 0.35


@dataclass(frozen=True)
class _Truck:
    """One truck with its driver and its devices."""

    vehicle_id: str
    class_id: str
    burner: Burner
    manner: Manner
    every_s: int
    states_speed: bool
    knows_height: bool
    knows_air: bool
    knows_mass: bool


def measured_legs(rng: Generator, plan: FleetPlan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Register and legs of a fleet, with the litres its counters show.

    Returns
    -------
    vehicles : DataFrame
        vehicle_id, vehicle_class, energy, rated_payload_t, and curb_mass_t where known.
    legs : DataFrame
        Columns of the legs of a close that its driving is told by, `fuel_counter_l`, and the
        truth: `true_l` without noise, `month`.
    """
    trucks = [
        _any_truck(rng, class_id, number)
        for class_id in KINDS
        for number in range(plan.trucks_per_class)
    ]
    rows = [
        _leg(rng, truck, month, plan)
        for truck in trucks
        for month in range(plan.months_count)
        for _ in range(plan.legs_per_month)
    ]
    vehicles = pd.DataFrame(
        {
            "vehicle_id": truck.vehicle_id,
            "vehicle_class": truck.class_id,
            "energy": "diesel",
            "rated_payload_t": truck.burner.rated_payload_t,
            "curb_mass_t": truck.burner.curb_mass_t if index % 2 else np.nan,
        }
        for index, truck in enumerate(trucks)
    )
    return vehicles, pd.DataFrame(rows)


def _any_truck(rng: Generator, class_id: str, number: int) -> _Truck:
    kind = KINDS[class_id]
    # Bodies and trailers of a class differ: so do payload and empty mass, against each other.
    payload_t = round(kind.rated_payload_t * float(rng.uniform(0.9, 1.1)), 1)
    kind = replace(
        kind,
        rated_payload_t=payload_t,
        curb_mass_t=round(kind.curb_mass_t - 0.3 * (payload_t - kind.rated_payload_t), 2),
    )
    return _Truck(
        f"{class_id}-{number + 1:03d}",
        class_id,
        one_of(kind, rng),
        any_manner(rng),
        every_s=int(rng.choice((5, 10, 15, 30, 60))),
        states_speed=bool(rng.random() < 0.6),
        knows_height=bool(rng.random() < 0.4),
        knows_air=bool(rng.random() < 0.5),
        knows_mass=bool(rng.random() < 0.25),
    )


def _leg(rng: Generator, truck: _Truck, month: int, plan: FleetPlan) -> dict[str, object]:
    """One leg, driven, burnt and told."""
    mission = str(rng.choice(list(_LENGTHS_KM), p=USES[truck.class_id]))
    is_empty = rng.random() < plan.empty_share
    # Many a truck is loaded to what it may carry, and some a little beyond.
    filled_share = 0.0 if is_empty else min(float(rng.uniform(0.3, 1.25)), 1.02)
    payload_t = truck.burner.rated_payload_t * filled_share
    course = drive_course(
        rng,
        truck.burner,
        payload_t,
        truck.manner,
        length_km=float(np.exp(rng.uniform(*np.log(_LENGTHS_KM[mission])))),
        mission=mission,
    )
    air = Weather(
        _MONTH_DEGC[month % 12] + float(rng.normal(0.0, 5.0)), float(rng.normal(0.4, 1.2))
    )
    driving_l = burnt_l(truck.burner, course.speed_ms, payload_t, grade=course.grade, weather=air)
    stand_h = float(np.exp(rng.normal(-0.3, 1.0)))
    # The engine runs through most of a short stand, and for some minutes of a long one.
    running_h = stand_h * 0.85 if stand_h <= SHORT_STOP_H else float(rng.uniform(0.0, 0.06))
    true_l = float(driving_l.sum()) + idled_l(truck.burner, running_h)
    counted_l = true_l * (1.0 + plan.noise_share * float(rng.normal()))
    gross_t = truck.burner.curb_mass_t + payload_t + float(rng.normal(0.0, 0.8))
    weighed_t = round(gross_t, 1) if truck.knows_mass else np.nan
    return {
        "vehicle_id": truck.vehicle_id,
        "month": f"{FIRST_YEAR + month // 12}-{month % 12 + 1:02d}",
        "payload_t": round(payload_t, 2),
        "state": "empty" if is_empty else "loaded",
        "reason_code": "between_orders" if is_empty else "order_aboard",
        "confidence_share": 0.9,
        **_told(course, truck, stand_h),
        "ambient_degc_mean": round(air.ambient_degc, 1) if truck.knows_air else np.nan,
        "fuel_counter_l": round(counted_l, 2),
        "true_l": true_l,
        "gross_mass_t_median": weighed_t,
    }


def _told(course: Course, truck: _Truck, stand_h: float) -> dict[str, float]:
    """What a close says of the driving, rounded so that a last bit of it changes no model."""
    speed = course.speed_ms
    step_m = (speed[1:] + speed[:-1]) / 2.0
    halts_s = _standing_s(step_m)
    # A halt is seen if two fixes and the time between them fall into it.
    halts_s = halts_s[halts_s >= max(HALT_S, 2.0 * truck.every_s)]
    halt_h = float(halts_s.sum()) / 3600.0
    window_s = max(WINDOW_S, float(truck.every_s))
    spaced = np.concatenate(([0.0], _seen_speeds(speed, int(window_s), truck.states_speed), [0.0]))
    found = {
        "distance_km": course.distance_km,
        "imputed_km": 0.0,
        "duration_h": step_m.size / 3600.0,
        "gap_h": 0.0,
        "moving_h": step_m.size / 3600.0 - halt_h,
        "stop_h": halt_h + stand_h,
        "idle_h": halt_h + (stand_h if stand_h <= SHORT_STOP_H else 0.0),
        "stops_count": float(halts_s.size + 1),
        "kinetic_gained_j_per_kg": _gained(spaced, SPEED_STEP_MS),
        "climbed_m": course.climbed_m if truck.knows_height else np.nan,
        **_by_speed(step_m),
    }
    return {name: float(f"{value:.5g}") for name, value in found.items()}


def _seen_speeds(speed: FloatArray, window_s: int, is_stated: bool) -> FloatArray:
    """Speeds that a line shows: means of windows, or their ends and what lies between. [m/s]"""
    count = max((speed.size - 1) // window_s, 1)
    ends = np.minimum(np.arange(count + 1) * window_s, speed.size - 1)
    driven_m = np.concatenate(([0.0], np.cumsum((speed[1:] + speed[:-1]) / 2.0)))
    mean = np.diff(driven_m[ends]) / np.diff(ends)
    if not is_stated:
        return mean
    first, last = speed[ends[:-1]], speed[ends[1:]]
    middle = np.maximum(2.0 * mean - (first + last) / 2.0, 0.0)
    return np.stack((first, middle), axis=1).ravel()


def _by_speed(step_m: FloatArray) -> dict[str, float]:
    """Kilometres at 0 to 10, 10 to 20, ..., above 90 km/h."""
    place = np.minimum((step_m * 3.6 // 10.0).astype(int), 9)
    km = np.bincount(place, weights=step_m, minlength=10) / 1000.0
    return {f"driven_v{10 * index:02d}_km": float(one) for index, one in enumerate(km)}


def _standing_s(step_m: FloatArray) -> FloatArray:
    """How long each standing on the way lasts. [s]"""
    stands = np.concatenate(([0], (step_m < 0.2).astype(int), [0]))
    turns = np.diff(stands)
    return (np.flatnonzero(turns == -1) - np.flatnonzero(turns == 1)).astype(float)


@njit(cache=True)
def _gained(speed: FloatArray, step: float) -> float:  # pragma: no cover
    """Sum of the rises of v^2/2 that exceed a step of noise. [J/kg]"""
    low = high = speed[0]
    total = 0.0
    for at in range(1, speed.size):
        if speed[at] > high:
            high = speed[at]
        elif speed[at] < high - step:
            if high - low >= step:
                total += 0.5 * (high * high - low * low)
            low = high = speed[at]
        elif speed[at] < low:
            low = high = speed[at]
    if high - low >= step:
        total += 0.5 * (high * high - low * low)
    return total
