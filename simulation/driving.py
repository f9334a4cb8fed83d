"""How a truck drives a road: speed along it, halts in traffic, breaks and nights on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from simulation.geodesy import FloatArray
from simulation.roads import Road

SPEED_UP_MS2 = 0.45
SLOW_DOWN_MS2 = 0.7
SIDEWAYS_MS2 = 1.2
SLOWEST_MS = 3.0


@dataclass(frozen=True)
class Pace:
    """How fast a truck is driven.

    Attributes
    ----------
    cruise_kmh, spread_kmh : float
        Mean and standard deviation of the speed on an open road. [km/h]
    halt_every_km : float
        Mean distance between halts in traffic. [km]
    slow_every_km : float
        Mean distance between slow stretches of a few kilometres. [km]
    """

    cruise_kmh: float = 70.0
    spread_kmh: float = 7.0
    halt_every_km: float = 30.0
    slow_every_km: float = 60.0


@dataclass(frozen=True)
class Standing:
    """A standing on the road: where along it [m], for how long [s], and why."""

    along_m: float
    duration_s: float
    kind: str


@dataclass(frozen=True)
class Drive:
    """A road driven: moments since departure [s] against length driven [m]; standings inside."""

    elapsed_s: FloatArray
    along_m: FloatArray
    lon: FloatArray
    lat: FloatArray
    standings: tuple[tuple[float, float, str, float, float], ...]

    @property
    def duration_s(self) -> float:
        """From departure to arrival, standings included. [s]"""
        return float(self.elapsed_s[-1])


def cruise_speeds_ms(rng: Generator, road: Road, pace: Pace) -> FloatArray:
    """Speed a driver would keep at each point of the road if nothing stopped him. [m/s]"""
    knots = np.arange(0.0, road.length_m + 1_000.0, 500.0)
    noise, memory = rng.normal(0.0, 1.0, knots.size), 0.9
    level = np.empty(knots.size)
    held = noise[0]
    for index, shock in enumerate(noise):
        held = memory * held + np.sqrt(1 - memory**2) * shock
        level[index] = held
    kmh = np.clip(pace.cruise_kmh + pace.spread_kmh * level, 50.0, 90.0)
    for _ in range(rng.poisson(road.length_m / 1000.0 / pace.slow_every_km)):
        begin = rng.uniform(0.0, road.length_m)
        slow = (knots >= begin) & (knots < begin + rng.uniform(1_000.0, 6_000.0))
        kmh[slow] = np.minimum(kmh[slow], rng.uniform(25.0, 45.0))
    ends = np.minimum(knots, road.length_m - knots)
    kmh = np.where(ends < 1_500.0, np.minimum(kmh, rng.uniform(35.0, 50.0)), kmh)
    bends = np.sqrt(SIDEWAYS_MS2 / np.maximum(road.bend_per_m, 1e-9))
    return np.minimum(np.interp(road.along_m, knots, kmh) / 3.6, np.maximum(bends, SLOWEST_MS))


def traffic_halts(rng: Generator, road: Road, pace: Pace) -> list[Standing]:
    """Halts of 30 to 180 s in traffic: no stops in the sense of the account."""
    count = rng.poisson(road.length_m / 1000.0 / pace.halt_every_km)
    places = np.sort(rng.uniform(300.0, max(road.length_m - 300.0, 301.0), count))
    return [Standing(float(s), float(rng.uniform(30.0, 180.0)), "halt") for s in places]


def _stopping_speeds_ms(along_m: FloatArray, wanted_ms: FloatArray, halts: list[int]) -> FloatArray:
    """The wanted speed, held to standing at the halts and to real acceleration. [m/s]

    v^2 may grow by 2 a per metre forward and by 2 d per metre backward (v^2 = 2 a s).
    """
    square = wanted_ms**2
    square[halts] = 0.0
    up, down = 2 * SPEED_UP_MS2 * along_m, 2 * SLOW_DOWN_MS2 * along_m
    square = np.minimum.accumulate(square - up) + up
    square = np.minimum.accumulate((square + down)[::-1])[::-1] - down
    return np.sqrt(np.maximum(square, 0.0))


def _moving_times_s(along_m: FloatArray, speed_ms: FloatArray) -> FloatArray:
    """Moments at each point under constant acceleration between points. [s]"""
    mean = np.maximum((speed_ms[1:] + speed_ms[:-1]) / 2.0, 0.5)
    return np.concatenate(([0.0], np.cumsum(np.diff(along_m) / mean)))


def _snap(along_m: FloatArray, standings: list[Standing]) -> list[tuple[int, Standing]]:
    """Standings at points of the road, in order, two of them never within 250 m."""
    snapped: list[tuple[int, Standing]] = []
    last_m = 0.0
    # A break weighs more than a traffic halt beside it.
    by_weight = sorted(standings, key=lambda one: -one.duration_s)
    kept: list[Standing] = []
    for one in by_weight:
        if all(abs(one.along_m - other.along_m) > 250.0 for other in kept):
            kept.append(one)
    for one in sorted(kept, key=lambda each: each.along_m):
        index = int(np.searchsorted(along_m, one.along_m))
        if 2 <= index < along_m.size - 2 and along_m[index] > last_m:
            snapped.append((index, one))
            last_m = float(along_m[index])
    return snapped


def moving_times_s(road: Road, wanted_ms: FloatArray) -> FloatArray:
    """Driving time to each point without any standing: what breaks are planned by. [s]"""
    speed = _stopping_speeds_ms(road.along_m, wanted_ms.copy(), [0, road.along_m.size - 1])
    return _moving_times_s(road.along_m, speed)


def drive_road(road: Road, wanted_ms: FloatArray, standings: list[Standing]) -> Drive:
    """Drive a road with its standings; every point of the road gets its moment."""
    placed = _snap(road.along_m, standings)
    stops = [0, *[index for index, _ in placed], road.along_m.size - 1]
    speed = _stopping_speeds_ms(road.along_m, wanted_ms.copy(), stops)
    moving = _moving_times_s(road.along_m, speed)
    waits = np.zeros(moving.size)
    for index, one in placed:
        waits[index] = one.duration_s
    arrivals = moving + np.concatenate(([0.0], np.cumsum(waits)[:-1]))
    # A point with a standing appears twice: arrival and departure.
    order = np.sort(np.concatenate((np.arange(moving.size), [i for i, _ in placed]))).astype(int)
    again = np.concatenate(([False], order[1:] == order[:-1]))
    elapsed = arrivals[order] + np.where(again, waits[order], 0.0)
    inside = tuple(
        (
            float(arrivals[i]),
            float(arrivals[i]) + one.duration_s,
            one.kind,
            road.lon[i],
            road.lat[i],
        )
        for i, one in placed
    )
    return Drive(elapsed, road.along_m[order], road.lon[order], road.lat[order], inside)
