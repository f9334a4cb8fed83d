"""How a truck moves along a road, second by second, and what road it is."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.random import Generator

from benchmarks.driving import uniform
from simulation.geodesy import FloatArray, metres_per_degree, step_lengths_m
from simulation.roads import Place

_ROAD_STEP_M = 100.0
# Targets of speed stand for so much of the road.
CELL_M = 250.0
_SLOW_DOWN_MS2 = 0.7
_TOWN_KMH = (32.0, 44.0)
# Lights that are red.
_LIGHT_EVERY_TOWN_M, _LIGHT_EVERY_COUNTRY_M = 1_800.0, 12_000.0
_JAM_EVERY_KM = 130.0
# Speed wanders by so much, and forgets it over a minute. [m/s]
_WANDER_MS = 0.8


@dataclass(frozen=True)
class Manner:
    """How fast a truck goes on open roads, by kind of road. [km/h]"""

    motorway_kmh: float
    country_kmh: float
    motorway_share: float


@dataclass(frozen=True)
class Road:
    """A polyline, the length to each of its points, wanted speeds per cell, traffic lights."""

    lon: FloatArray
    lat: FloatArray
    along_m: FloatArray
    wanted_ms: FloatArray
    lights_m: FloatArray
    grade: FloatArray

    @property
    def length_m(self) -> float:
        return float(self.along_m[-1])

    def places(self, along_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude so far along the road. [deg]"""
        return np.interp(along_m, self.along_m, self.lon), np.interp(
            along_m, self.along_m, self.lat
        )


def lay_road(rng: Generator, start: Place, end: Place, manner: Manner) -> Road:
    """A road with bends between two places, as towns, country and motorway follow each other."""
    east, north = (
        float(one[0]) for one in metres_per_degree(np.array([(start.lat + end.lat) / 2]))
    )
    aim = complex((end.lon - start.lon) * east, (end.lat - start.lat) * north)
    count = max(int(abs(aim) * 1.06 / _ROAD_STEP_M), 12)
    free_m = np.arange(1, count + 1) * _ROAD_STEP_M
    heading = np.zeros(count)
    for swing, shortest_m, longest_m in (
        (0.36 * min(1.0, abs(aim) / 30_000.0), 40_000.0, 110_000.0),
        (0.20, 6_000.0, 20_000.0),
        (0.06, 1_500.0, 4_000.0),
    ):
        wave_m = rng.uniform(shortest_m, longest_m)
        heading += swing * np.sin(2 * np.pi * (free_m / wave_m + rng.random()))
    drawn = np.concatenate(([0.0j], np.cumsum(np.exp(1j * heading))))
    laid = drawn * (aim / drawn[-1])
    lon, lat = start.lon + laid.real / east, start.lat + laid.imag / north
    lon[-1], lat[-1] = end.lon, end.lat
    along_m = np.concatenate(([0.0], np.cumsum(step_lengths_m(lon, lat))))
    cells = int(along_m[-1] / CELL_M) + 2
    wanted_ms, lights_m = _wanted(rng, cells, manner)
    return Road(lon, lat, along_m, wanted_ms, lights_m, _hills(rng, cells))


def _wanted(rng: Generator, cells: int, manner: Manner) -> tuple[FloatArray, FloatArray]:
    """Wanted speed in each cell [m/s] and places of lights [m]."""
    length_m = cells * CELL_M
    town_m = np.minimum(rng.uniform(1_500.0, 6_000.0, 2), 0.25 * length_m)
    fast_m = manner.motorway_share * rng.uniform(0.8, 1.2) * max(0.0, length_m - 40_000.0)
    middle_m = np.arange(cells) * CELL_M
    kmh = np.full(cells, manner.country_kmh) + rng.normal(0.0, 2.0)
    from_m = rng.uniform(0.3, 0.7) * max(0.0, length_m - fast_m)
    is_fast = (middle_m >= from_m) & (middle_m < from_m + fast_m)
    kmh[is_fast] = manner.motorway_kmh
    for _ in range(rng.poisson(length_m / 1000.0 / _JAM_EVERY_KM)):
        begins_m = rng.uniform(0.0, length_m)
        is_jam = (middle_m >= begins_m) & (middle_m < begins_m + rng.uniform(1_000.0, 4_000.0))
        kmh[is_jam] = rng.uniform(14.0, 35.0)
    is_town = (middle_m < town_m[0]) | (middle_m > length_m - town_m[1])
    kmh[is_town] = rng.uniform(*_TOWN_KMH)
    every_m = np.where(is_town, _LIGHT_EVERY_TOWN_M, _LIGHT_EVERY_COUNTRY_M)
    has_light = (rng.random(cells) < CELL_M / every_m) & ~is_fast
    return kmh / 3.6, middle_m[has_light] + 120.0


def _hills(rng: Generator, cells: int) -> FloatArray:
    """Rise per length in each cell: two waves, nothing gained over the whole road for long."""
    middle_m = np.arange(cells) * CELL_M
    hills = np.zeros(cells)
    for steepest, wave_m in ((0.006, rng.uniform(3e3, 8e3)), (0.004, rng.uniform(1e4, 4e4))):
        swing = steepest * rng.uniform(0.0, 1.0)
        hills += swing * np.sin(2 * np.pi * (middle_m / wave_m + rng.random()))
    return hills


@numba.njit(cache=True, nogil=True)
def drive(chance, wanted_ms, lights_m, from_m, until_m, speed_ms, along_m):  # type: ignore[no-untyped-def]
    """Drive from one place of a road to another, from standing to standing, second by second.

    Fills speeds [m/s] and lengths along the road [m] per second, both of the moment; says how
    many there are.
    """
    along, speed, wander = from_m, 0.0, 0.0
    light = np.searchsorted(lights_m, from_m)
    speed_ms[0], along_m[0] = 0.0, from_m
    at, waits = 0, 0
    while at < len(speed_ms) - 2:
        at += 1
        if waits > 0:
            waits -= 1
            speed_ms[at], along_m[at] = 0.0, along
            continue
        # The sum of three is near enough to a normal number.
        shock = uniform(chance) + uniform(chance) + uniform(chance) - 1.5
        wander = 0.983 * wander + 0.183 * 2.0 * _WANDER_MS * shock
        stop_m = until_m
        if light < len(lights_m) and lights_m[light] < until_m - 60.0:
            stop_m = lights_m[light]
        left_m = stop_m - along
        aim = max(2.0, wanted_ms[int(along / CELL_M)] + wander)
        aim = min(aim, np.sqrt(2.0 * _SLOW_DOWN_MS2 * max(left_m, 0.0)) + 0.2)
        gain = 0.75 * (1.0 - speed / 32.0)
        new = min(max(aim, speed - 1.4 * _SLOW_DOWN_MS2), speed + max(gain, 0.05))
        step_m = (speed + new) / 2.0
        if step_m >= left_m or (left_m < 3.0 and new < 2.0):
            step_m, new = left_m, 0.0
            if stop_m < until_m:
                light += 1
                waits = int(5.0 + 50.0 * uniform(chance))
        along += step_m
        speed = new
        speed_ms[at], along_m[at] = speed, along
        if along >= until_m - 1e-6:
            speed_ms[at] = 0.0
            return at + 1
    return -1
