"""Drives second by second: town ends, country road, motorway, hills, jams, and who is at the wheel.

A loaded truck gathers speed more slowly and crawls uphill: speed answers mass and power, so a
trace says a little of the load, as it does in life.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

from simulation.burning import GRAVITY_MS2, Burner
from simulation.geodesy import FloatArray

STEP_M = 20.0
# Kinds of road: limits [km/h], halts per km, standing of a halt [s].
_ROADS = {
    "town": ((30.0, 50.0), 1.50, (8.0, 60.0)),
    "country": ((50.0, 72.0), 0.20, (8.0, 60.0)),
    "motorway": ((74.0, 90.0), 0.008, (10.0, 90.0)),
}
# Shares of town, country and motorway on drives of a kind, on average.
MISSIONS = {
    "urban": (0.75, 0.20, 0.05),
    "regional": (0.20, 0.50, 0.30),
    "long_haul": (0.05, 0.20, 0.75),
}
_JAMS_PER_KM = 0.004
_JAM_KMH = (8.0, 28.0)


@dataclass(frozen=True)
class Manner:
    """Who is at the wheel.

    Attributes
    ----------
    pace_factor : float
        Speed kept over the usual one.
    speed_up_ms2, slow_down_ms2 : float
        Acceleration and braking where the truck allows it. [m/s2]
    restless_kmh : float
        How much the speed sways on an open road. [km/h]
    """

    pace_factor: float
    speed_up_ms2: float
    slow_down_ms2: float
    restless_kmh: float


@dataclass(frozen=True)
class Course:
    """A drive as it was driven: speeds a second apart [m/s], rise per length of each second."""

    speed_ms: FloatArray
    grade: FloatArray

    @property
    def distance_km(self) -> float:
        """Length driven. [km]"""
        return float((self.speed_ms[1:] + self.speed_ms[:-1]).sum() / 2000.0)

    @property
    def climbed_m(self) -> float:
        """Sum of all ascents. [m]"""
        steps_m = (self.speed_ms[1:] + self.speed_ms[:-1]) / 2.0
        return float((np.maximum(self.grade, 0.0) * steps_m).sum())


def any_manner(rng: Generator) -> Manner:
    """A driver: hasty or calm, but one."""
    haste = float(np.clip(rng.normal(0.0, 1.0), -2.0, 2.0))
    return Manner(
        pace_factor=1.0 + 0.03 * haste,
        speed_up_ms2=0.45 * float(np.exp(0.2 * haste)),
        slow_down_ms2=0.60 * float(np.exp(0.2 * haste)),
        restless_kmh=2.6 * float(np.exp(0.3 * haste)),
    )


def drive_course(
    rng: Generator,
    truck: Burner,
    payload_t: float,
    manner: Manner,
    *,
    length_km: float,
    mission: str,
) -> Course:
    """Drive one leg from standing to standing.

    Parameters
    ----------
    rng : Generator
        Chance.
    truck : Burner
        Its power and mass bound what the driver wants.
    payload_t : float
        Cargo aboard. [t]
    manner : Manner
        The driver.
    length_km : float
        [km]
    mission : str
        ``urban``, ``regional`` or ``long_haul``.
    """
    points = max(int(length_km * 1000.0 / STEP_M), 10) + 1
    wanted_kmh, halts_per_km, standing_s = _road(rng, points, mission)
    grade = _hills(rng, points)
    open_kmh = np.maximum(
        wanted_kmh * manner.pace_factor + manner.restless_kmh * _sway(rng, points), 6.0
    )
    wanted = open_kmh / 3.6
    halts = np.flatnonzero(rng.random(points) < halts_per_km * STEP_M / 1000.0)
    wanted[halts] = wanted[0] = wanted[-1] = 0.0
    weight_kg = 1000.0 * (truck.curb_mass_t + payload_t)
    force_kw = 0.85 * truck.power_kw * truck.driveline_share
    speed = _driven(
        wanted,
        grade,
        (manner.speed_up_ms2, manner.slow_down_ms2, STEP_M),
        (force_kw * 1000.0 / weight_kg, truck.rolling_index * GRAVITY_MS2),
    )
    return _second_by_second(speed, grade, halts, standing_s[halts])


def _road(rng: Generator, points: int, mission: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Limit [km/h], halts per km and standing [s] at each point of a road of a mission."""
    town, country, motorway = rng.dirichlet(5.0 * np.array(MISSIONS[mission]))
    turns = np.cumsum([town / 2, country / 2, motorway, country / 2]) * points
    kinds = np.searchsorted(turns, np.arange(points), side="right")
    piece = (np.arange(points) * STEP_M / rng.uniform(1_500.0, 6_000.0)).astype(int)
    drawn = rng.random(piece[-1] + 1)[piece]
    limit, halts, standing = (np.empty(points) for _ in range(3))
    for index, name in enumerate(("town", "country", "motorway", "country", "town")):
        limits_kmh, halts_per_km, standing_s = _ROADS[name]
        here = kinds == index
        limit[here] = limits_kmh[0] + drawn[here] * (limits_kmh[1] - limits_kmh[0])
        halts[here] = halts_per_km
        standing[here] = rng.uniform(*standing_s, int(here.sum()))
    for _ in range(rng.poisson(points * STEP_M / 1000.0 * _JAMS_PER_KM)):
        begin = int(rng.integers(points))
        jam = slice(begin, begin + int(rng.uniform(500.0, 4_000.0) / STEP_M))
        limit[jam] = np.minimum(limit[jam], rng.uniform(*_JAM_KMH))
        halts[jam] = 2.0
    return limit, halts, standing


def _hills(rng: Generator, points: int) -> FloatArray:
    """Rise per length along a road that ends about as high as it began."""
    spread = float(rng.choice([0.005, 0.010, 0.016, 0.024], p=[0.3, 0.4, 0.2, 0.1]))
    noise = rng.normal(0.0, spread * np.sqrt(1 - 0.96**2), points)
    grade = lfilter([1.0], [1.0, -0.96], noise)
    level: FloatArray = np.clip(grade - grade.mean(), -0.06, 0.06)
    return level


def _sway(rng: Generator, points: int) -> FloatArray:
    """How the speed sways about what is wanted, in standard deviations; slowly, over 2 km."""
    knots = np.arange(0, points + 10, 10)
    level = lfilter([np.sqrt(1 - 0.9**2)], [1.0, -0.9], rng.normal(0.0, 1.0, knots.size))
    return np.interp(np.arange(points), knots, level)


@njit(cache=True)
def _driven(
    wanted: FloatArray,
    grade: FloatArray,
    manner: tuple[float, float, float],
    truck: tuple[float, float],
) -> FloatArray:  # pragma: no cover
    """Wanted speeds, held to what driver and engine can do from point to point. [m/s]"""
    speed_up, slow_down, step = manner
    power_per_mass, rolling = truck
    speed = np.empty_like(wanted)
    speed[0] = 0.0
    for at in range(1, wanted.size):
        before = max(speed[at - 1], 2.0)
        able = power_per_mass / before - rolling - 9.81 * grade[at]
        square = speed[at - 1] ** 2 + 2.0 * step * min(able, speed_up)
        speed[at] = min(wanted[at], np.sqrt(max(square, 9.0)))
    for at in range(wanted.size - 2, -1, -1):
        speed[at] = min(speed[at], np.sqrt(speed[at + 1] ** 2 + 2.0 * step * slow_down))
    return speed


def _second_by_second(
    speed: FloatArray, grade: FloatArray, halts: NDArray[np.intp], standing_s: FloatArray
) -> Course:
    """Speeds along the road as speeds in time, with the standing at every halt."""
    mean_ms = np.maximum((speed[1:] + speed[:-1]) / 2.0, 0.5)
    moments = np.concatenate(([0.0], np.cumsum(STEP_M / mean_ms)))
    waits = np.zeros(speed.size)
    waits[halts] = standing_s
    arrivals = moments + np.concatenate(([0.0], np.cumsum(waits)[:-1]))
    # A point with a halt stands twice in the record: arrival and departure.
    order = np.sort(np.concatenate((np.arange(speed.size), halts)))
    again = np.concatenate(([False], order[1:] == order[:-1]))
    elapsed_s = arrivals[order] + np.where(again, waits[order], 0.0)
    # Between points the acceleration is constant, so speed is linear in time.
    seconds = np.arange(np.ceil(elapsed_s[-1]) + 1.0)
    speed_ms: FloatArray = np.interp(seconds, elapsed_s, speed[order])
    driven_m = np.cumsum((speed_ms[1:] + speed_ms[:-1]) / 2.0)
    return Course(speed_ms, grade[np.minimum(driven_m / STEP_M, grade.size - 1).astype(int)])
