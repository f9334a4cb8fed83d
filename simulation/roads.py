"""Roads that really end where they should, in several styles, measured on the ellipsoid.

A road is first drawn freely, as a heading along its length; turning and stretching the drawing
then lays it between its two ends. The polyline is the road: its length is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from simulation.geodesy import FloatArray, distance_km, metres_per_degree, step_lengths_m

ComplexArray = npt.NDArray[np.complex128]

STYLES = ("waves", "arcs", "motorway", "town_ends")
STEP_M = 12.0


@dataclass(frozen=True)
class Place:
    """A yard, or any place a truck stands at."""

    lon: float
    lat: float
    name: str = ""


@dataclass(frozen=True)
class Road:
    """A polyline with its running length, and the speed its bends allow.

    Attributes
    ----------
    lon, lat : FloatArray
        Points. [deg]
    along_m : FloatArray
        Length from the start to each point. [m]
    bend_per_m : FloatArray
        Curvature at each point. [1/m]
    """

    lon: FloatArray
    lat: FloatArray
    along_m: FloatArray
    bend_per_m: FloatArray

    @property
    def length_m(self) -> float:
        """Length of the whole road. [m]"""
        return float(self.along_m[-1])

    def reversed(self) -> Road:
        """The same road, driven the other way."""
        back = self.along_m[-1] - self.along_m[::-1]
        return Road(self.lon[::-1], self.lat[::-1], back, self.bend_per_m[::-1])


def _wave(
    rng: Generator, along_m: FloatArray, shortest_m: float, longest_m: float, swing_rad: float
) -> FloatArray:
    """A heading that swings, its wavelength wandering between two bounds. [rad]"""
    knots = np.arange(0.0, along_m[-1] + 2 * longest_m, longest_m)
    wavelength = np.exp(rng.uniform(np.log(shortest_m), np.log(longest_m), knots.size))
    strength = swing_rad * rng.uniform(0.5, 1.3, knots.size)
    step = np.diff(along_m, prepend=0.0)
    phase = np.cumsum(2 * np.pi * step / np.interp(along_m, knots, wavelength))
    heading: FloatArray = np.interp(along_m, knots, strength) * np.sin(
        phase + rng.uniform(0, 2 * np.pi)
    )
    return heading


def _long_bow(rng: Generator, along_m: FloatArray) -> FloatArray:
    """The detour of a real road network: slow swings over tens of kilometres. [rad]"""
    wavelength = rng.uniform(40_000.0, 120_000.0)
    swing = rng.uniform(0.25, 0.55) * min(1.0, along_m[-1] / 30_000.0)
    phase = rng.uniform(0, 2 * np.pi)
    heading: FloatArray = swing * np.sin(2 * np.pi * along_m / wavelength + phase)
    return heading


def _waves(rng: Generator, along_m: FloatArray, curviness: float) -> FloatArray:
    short = _wave(rng, along_m, 600.0, 3_000.0, 0.05 * curviness)
    return short + _wave(rng, along_m, 5_000.0, 20_000.0, 0.22 * curviness)


def _arcs(rng: Generator, along_m: FloatArray, curviness: float) -> FloatArray:
    """Straight stretches, arcs between them, curvature rising and falling linearly (clothoids)."""
    position, heading = 0.0, 0.0
    where, bend = [0.0], [0.0]
    while position < along_m[-1]:
        position += rng.uniform(600.0, 4_500.0) / curviness
        radius = rng.uniform(900.0, 3_500.0) / curviness
        turn = rng.uniform(0.1, 0.7) * (-float(np.sign(heading)) if heading else 1.0)
        easing = 0.25 * radius
        full = max(abs(turn) * radius - easing, 30.0)
        where += [
            position,
            position + easing,
            position + easing + full,
            position + 2 * easing + full,
        ]
        bend += [0.0, float(np.sign(turn)) / radius, float(np.sign(turn)) / radius, 0.0]
        position = where[-1]
        heading += float(turn)
    step = np.diff(along_m, prepend=0.0)
    heading_along: FloatArray = np.cumsum(np.interp(along_m, where, bend) * step)
    return heading_along


def _motorway(rng: Generator, along_m: FloatArray, curviness: float) -> FloatArray:
    """Long gentle bends, and a ramp with a wide turn near each end."""
    heading = _wave(rng, along_m, 6_000.0, 25_000.0, 0.16 * curviness)
    if along_m[-1] > 12_000.0:
        for centre in (rng.uniform(1_500, 5_000), along_m[-1] - rng.uniform(1_500, 5_000)):
            radius, turn = (
                rng.uniform(120.0, 250.0),
                rng.choice((-1.0, 1.0)) * rng.uniform(0.7, 1.4),
            )
            heading = heading + turn * 0.5 * (1.0 + np.tanh((along_m - centre) / radius))
            heading = heading - turn * (centre < along_m[-1] / 2)
    return heading


def _town_ends(rng: Generator, along_m: FloatArray, curviness: float) -> FloatArray:
    """Open road in the middle, right-angled streets of a town at both ends."""
    heading = _wave(rng, along_m, 2_000.0, 8_000.0, 0.10 * curviness)
    blocks = int(rng.integers(1, 3)) if along_m[-1] < 20_000.0 else int(rng.integers(2, 4))
    for from_start in (True, False):
        position = 0.0
        sign = float(rng.choice((-1.0, 1.0)))
        for _ in range(blocks):
            position += rng.uniform(350.0, 900.0)
            centre = position if from_start else along_m[-1] - position
            sign = -sign
            sharp = rng.uniform(12.0, 22.0)
            heading = heading + sign * (np.pi / 4) * (
                1.0 + np.tanh((along_m - centre) / (2 * sharp))
            )
    return heading


_DRAWINGS = {"waves": _waves, "arcs": _arcs, "motorway": _motorway, "town_ends": _town_ends}


def _draw(rng: Generator, length_m: float, style: str, curviness: float) -> ComplexArray:
    """The free drawing as points in a plane, starting at zero. [m]"""
    step_m = STEP_M if length_m > 4_000.0 else 4.0
    along_m: FloatArray = np.arange(1.0, max(int(length_m / step_m), 20) + 1.0) * step_m
    heading = _DRAWINGS[style](rng, along_m, curviness)
    if along_m[-1] > 15_000.0:
        heading = heading + _long_bow(rng, along_m)
    points = np.concatenate(([0.0 + 0.0j], np.cumsum(np.exp(1j * heading) * step_m)))
    return points


def build_road(
    rng: Generator, start: Place, end: Place, *, style: str, curviness: float = 1.0
) -> Road:
    """Lay a road of a style between two places.

    Parameters
    ----------
    rng : Generator
        Source of the road's shape.
    start, end : Place
        Where it begins and ends, to the last bit.
    style : str
        One of `STYLES`.
    curviness : float
        1 for roads whose chords at 30 s are short by less than 0.1 %; above, curvier.
    """
    direct_m = distance_km(start.lon, start.lat, end.lon, end.lat) * 1000.0
    drawn = _draw(rng, direct_m * 1.05, style, curviness)
    east, north = metres_per_degree(np.array([(start.lat + end.lat) / 2.0]))
    target = (end.lon - start.lon) * float(east[0]) + 1j * (end.lat - start.lat) * float(north[0])
    laid = drawn * (target / drawn[-1])
    lon = start.lon + laid.real / float(east[0])
    lat = start.lat + laid.imag / float(north[0])
    lon[-1], lat[-1] = end.lon, end.lat
    return _measured(lon, lat)


def _measured(lon: FloatArray, lat: FloatArray) -> Road:
    steps = step_lengths_m(lon, lat)
    along = np.concatenate(([0.0], np.cumsum(steps)))
    east, north = metres_per_degree(lat)
    heading = np.unwrap(np.arctan2(np.diff(lat) * north[1:], np.diff(lon) * east[1:]))
    bend = np.zeros(lon.size)
    bend[1:-1] = np.abs(np.diff(heading)) / ((steps[1:] + steps[:-1]) / 2.0)
    return Road(lon, lat, along, bend)
