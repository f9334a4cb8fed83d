"""Distances between places, and how the points of a line are linked: what other rooms call, too.

Distances are those of a local metric on the WGS-84 ellipsoid: a millionth of a degree of latitude
is M(lat) long, one of longitude N(lat) cos(lat), taken at the middle latitude of the step
(meridional and prime-vertical radii of curvature; Snyder, Map Projections: A Working Manual, USGS
PP 1395, 1987, eq. 4-18 to 4-20). Both are read from a table of quarter degrees, with a parabola in
each, which is within 4e-8 of the formula below 89 degrees and costs a few nanoseconds. Against the
geodesic a step of 0.2 to 1.5 km is within 1e-7 below 80 degrees.

No fastmath and no parallel sums here and in the other kernels: the same bits on every run.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

# WGS-84 defining constants: NIMA TR8350.2, 3rd edition, 2000.
_AXIS_M = 6378137.0
_ECC2 = 0.0066943799901413165
_RAD_PER_UDEG = math.pi / 180.0 / 1e6
_HALF_TURN_UDEG = 180_000_000
_ROWS_PER_DEG = 4
_ROWS = 90 * _ROWS_PER_DEG

LINK_START = 0
LINK_DRIVE = 1
LINK_STAND = 2
LINK_GAP = 3
LINK_JUMP = 4


def _metric_at(lat_deg: float) -> tuple[float, float]:
    """Metres north and east per udeg of latitude and longitude."""
    lat = math.radians(lat_deg)
    w2 = 1.0 - _ECC2 * math.sin(lat) ** 2
    north = _AXIS_M * (1.0 - _ECC2) / (w2 * math.sqrt(w2))
    east = _AXIS_M / math.sqrt(w2) * math.cos(lat)
    return north * _RAD_PER_UDEG, east * _RAD_PER_UDEG


def _parabolas() -> NDArray[np.float64]:
    """Per row the coefficients of both parabolas through its two ends and its middle."""
    table = np.zeros((_ROWS, 6))
    for row in range(_ROWS):
        ends = [_metric_at((row + share) / _ROWS_PER_DEG) for share in (0.0, 0.5, 1.0)]
        for axis in (0, 1):
            low, middle, high = (end[axis] for end in ends)
            curve = 2.0 * (low + high - 2.0 * middle)
            table[row, 3 * axis : 3 * axis + 3] = middle, high - low, curve
    return table


_TABLE = _parabolas()


@njit(cache=True, nogil=True, error_model="numpy")
def metric(lat_udeg: float) -> tuple[float, float]:
    """Metres north and east that a udeg of latitude and longitude measures at a latitude."""
    x = abs(lat_udeg) * (_ROWS_PER_DEG * 1e-6)
    row = min(int(x), _ROWS - 1)
    u = x - row - 0.5
    north = _TABLE[row, 0] + u * (_TABLE[row, 1] + u * _TABLE[row, 2])
    east = _TABLE[row, 3] + u * (_TABLE[row, 4] + u * _TABLE[row, 5])
    return north, east


@njit(cache=True, nogil=True, error_model="numpy")
def turned(lon_udeg):  # type: ignore[no-untyped-def]
    """A difference of longitudes the short way round. [udeg]"""
    if lon_udeg > _HALF_TURN_UDEG:
        return lon_udeg - 2 * _HALF_TURN_UDEG
    if lon_udeg < -_HALF_TURN_UDEG:
        return lon_udeg + 2 * _HALF_TURN_UDEG
    return lon_udeg


@njit(cache=True, nogil=True, error_model="numpy")
def step_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Length of the straight step between two places given in udeg. [m]"""
    north_m, east_m = metric(0.5 * (lat_a + lat_b))
    north = (lat_b - lat_a) * north_m
    east = turned(lon_b - lon_a) * east_m
    return math.sqrt(north * north + east * east)


@njit(cache=True, nogil=True, error_model="numpy")
def step_lengths(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of each step to the point from the one before; 0 for the first. [m], shape (n,)"""
    out = np.zeros(len(lon))
    for k in range(1, len(lon)):
        out[k] = step_m(lon[k - 1], lat[k - 1], lon[k], lat[k])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def distances_to(
    lon: NDArray[np.float64], lat: NDArray[np.float64], to_lon: float, to_lat: float
) -> NDArray[np.float64]:
    """Distance of each place from one place, all in udeg. [m], shape (n,)"""
    out = np.empty(len(lon))
    for k in range(len(lon)):
        out[k] = step_m(lon[k], lat[k], to_lon, to_lat)
    return out
