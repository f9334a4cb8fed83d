"""GCJ-02 and BD-09 to WGS-84 and back, only inside the mainland of China.

Maps of mainland China are drawn in GCJ-02 (Amap, Tencent) or BD-09 (Baidu), 32 to 694 m and another
775 to 983 m away from WGS-84; everywhere else the same providers use WGS-84. Every point is judged
by itself, by where its WGS-84 candidate lies. The published constants of the offset are those of
the public reverse engineering of 2010 (eviltransform and its descendants agree on them).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Pair = tuple[Floats, Floats]

CRS_NAMES = ("wgs84", "gcj02", "bd09")

KRASOVSKY_AXIS_M = 6378245.0  # semi-major axis, Krasovsky 1940
KRASOVSKY_E2 = 0.00669342162296594323  # first eccentricity squared, Krasovsky 1940
_FIELD_ORIGIN_LON, _FIELD_ORIGIN_LAT = 105.0, 35.0
_BD_ANGLE = 3000.0 * np.pi / 180.0
_BD_SHIFT_LON, _BD_SHIFT_LAT = 0.0065, 0.006
# Measured: 3 steps leave 0.17 mm, 4 leave a micrometre; BD-09 gains two digits a step.
_GCJ_STEPS, _BD_STEPS = 4, 3
_BLOCK = 16_384  # points at a time, so that the arrays of one block stay in the cache

_OUTSIDE, _INSIDE, _BORDER = 0, 1, 2


class Mainland:
    """The area in which GCJ-02 is used: a polygon with a raster in front of it.

    Parameters
    ----------
    polygon : shapely.Geometry
        Polygon or multipolygon in WGS-84. [deg]
    cell_deg : float
        Width of the raster's cells; only points in cells on the border ask the polygon. [deg]
    """

    def __init__(self, polygon: shapely.Geometry, cell_deg: float = 0.05) -> None:
        self.polygon = polygon
        self.cell_deg = cell_deg

    @classmethod
    def load(cls, path: Path) -> Mainland:
        """Read the collected WKB file.

        Raises
        ------
        InputRefused
            If the file is not there, with the command that makes it.
        """
        if not path.is_file():
            raise InputRefused(
                "geography_missing",
                f"{path.name} is not in {path.parent}.",
                "In a checkout run: python hatch_build.py. A wheel brings the file along.",
            )
        return cls(shapely.from_wkb(path.read_bytes()))

    def contains(self, lon: Floats, lat: Floats) -> Flags:
        """Whether each point lies in the mainland; False for NaN. [deg, deg -> flags]"""
        left, bottom, right, top = shapely.bounds(self.polygon)
        inside: Flags = (lon >= left) & (lon <= right) & (lat >= bottom) & (lat <= top)
        near = np.flatnonzero(inside)
        columns = ((lon[near] - left) / self.cell_deg).astype(np.int64)
        rows = ((lat[near] - bottom) / self.cell_deg).astype(np.int64)
        state = self._raster[rows, columns]
        inside[near] = state == _INSIDE
        asked = near[state == _BORDER]
        shapely.prepare(self.polygon)
        inside[asked] = shapely.contains_xy(self.polygon, lon[asked], lat[asked])
        return inside

    @cached_property
    def _raster(self) -> NDArray[np.uint8]:
        """State of each cell: outside, inside, or touched by the border."""
        left, bottom, right, top = shapely.bounds(self.polygon)
        shape = (int((top - bottom) / self.cell_deg) + 1, int((right - left) / self.cell_deg) + 1)
        raster = np.zeros(shape, dtype=np.uint8)
        points, ring = shapely.get_coordinates(_rings(self.polygon), return_index=True)
        cells = ((points - (left, bottom)) / self.cell_deg).astype(np.int64)
        same_ring = np.flatnonzero(ring[1:] == ring[:-1])
        low = np.minimum(cells[same_ring], cells[same_ring + 1])
        high = np.maximum(cells[same_ring], cells[same_ring + 1])
        for (x0, y0), (x1, y1) in zip(low.tolist(), high.tolist(), strict=True):
            raster[y0 : y1 + 1, x0 : x1 + 1] = _BORDER
        self._fill(raster, left, bottom)
        return raster

    def _fill(self, raster: NDArray[np.uint8], left: float, bottom: float) -> None:
        """Give every run of cells between border cells the state of its first cell."""
        starts = raster != _BORDER
        starts[:, 1:] &= raster[:, :-1] == _BORDER
        rows, columns = np.nonzero(starts)
        shapely.prepare(self.polygon)
        state = shapely.contains_xy(
            self.polygon,
            left + (columns + 0.5) * self.cell_deg,
            bottom + (rows + 0.5) * self.cell_deg,
        )
        for row, column in zip(rows[state].tolist(), columns[state].tolist(), strict=True):
            stop = column + int(np.argmax(np.append(raster[row, column:] == _BORDER, True)))
            raster[row, column:stop] = _INSIDE


def _rings(polygon: shapely.Geometry) -> Any:
    return shapely.get_rings(shapely.get_parts(polygon))


def gcj02_offset(lon: Floats, lat: Floats) -> Pair:
    """The GCJ-02 offset at WGS-84 points, without asking where they lie. [deg -> deg]

    Returns
    -------
    lon_offset, lat_offset : ndarray
        What GCJ-02 adds to the WGS-84 longitude and latitude. [deg]
    """
    x, y = lon - _FIELD_ORIGIN_LON, lat - _FIELD_ORIGIN_LAT
    root = np.sqrt(np.abs(x))
    x3, y3 = np.sin(np.pi / 3 * x), np.sin(np.pi / 3 * y)
    # sin 3a = 3 sin a - 4 sin^3 a gives the two other frequencies without asking for more sines.
    x1, y1 = x3 * (3 - 4 * x3 * x3), y3 * (3 - 4 * y3 * y3)
    x05 = np.sin(2 * np.pi * x)
    ripple = 20 * x05 * (3 - 4 * x05 * x05) + 20 * x05
    north = -100 + 2 * x + y * (3 + 0.2 * y + 0.1 * x) + 0.2 * root
    waves = 20 * y1 + 40 * y3 + 160 * np.sin(np.pi / 12 * y) + 320 * np.sin(np.pi / 30 * y)
    north += (ripple + waves) * (2 / 3)
    east = 300 + x * (1 + 0.1 * x + 0.1 * y) + 2 * y + 0.1 * root
    waves = 20 * x1 + 40 * x3 + 150 * np.sin(np.pi / 12 * x) + 300 * np.sin(np.pi / 30 * x)
    east += (ripple + waves) * (2 / 3)
    radians = np.radians(lat)
    m = 1 - KRASOVSKY_E2 * np.sin(radians) ** 2
    scale = np.degrees(np.sqrt(m) / KRASOVSKY_AXIS_M)
    return east * scale / np.cos(radians), north * m * scale / (1 - KRASOVSKY_E2)


def wgs84_to_gcj02(lon: Floats, lat: Floats, mainland: Mainland) -> Pair:
    """WGS-84 to GCJ-02 for the points inside the mainland. [deg -> deg]"""
    return _where_inside(lon, lat, mainland.contains(lon, lat), _gcj_from_wgs)


def gcj02_to_wgs84(lon: Floats, lat: Floats, mainland: Mainland) -> Pair:
    """GCJ-02 to WGS-84, within 1 mm of the exact inverse; outside the mainland untouched. [deg]

    Fixed point ``w <- g - offset(w)``. A point is converted if its WGS-84 candidate lies inside.
    """
    return _back(lon, lat, mainland, _wgs_from_gcj)


def wgs84_to_bd09(lon: Floats, lat: Floats, mainland: Mainland) -> Pair:
    """WGS-84 to BD-09 for the points inside the mainland. [deg -> deg]"""
    return _where_inside(lon, lat, mainland.contains(lon, lat), _bd_from_wgs)


def bd09_to_wgs84(lon: Floats, lat: Floats, mainland: Mainland) -> Pair:
    """BD-09 to WGS-84, within 1 mm of the exact inverse; outside the mainland untouched. [deg]"""
    return _back(lon, lat, mainland, _wgs_from_bd)


def to_wgs84(lon: Floats, lat: Floats, *, crs: str, mainland: Mainland | None) -> Pair:
    """Points of the named system in WGS-84. [deg -> deg]

    Raises
    ------
    InputRefused
        If the system is unknown, or needs the mainland and none is given.
    """
    if crs not in CRS_NAMES:
        raise InputRefused(
            "crs_unknown",
            f"{crs!r} is no coordinate system.",
            f"Use one of {', '.join(CRS_NAMES)}.",
        )
    if crs == "wgs84":
        return lon, lat
    if mainland is None:
        raise InputRefused(
            "geography_missing",
            f"{crs} cannot be converted without the mainland polygon.",
            "In a checkout run: python hatch_build.py. A wheel brings the file along.",
        )
    return (gcj02_to_wgs84 if crs == "gcj02" else bd09_to_wgs84)(lon, lat, mainland)


def as_wgs84_everywhere(lon: Floats, lat: Floats, *, crs: str) -> Pair:
    """Points of the named system in WGS-84 without asking where they lie: to try a reading."""
    return {"wgs84": _unchanged, "gcj02": _wgs_from_gcj, "bd09": _wgs_from_bd}[crs](lon, lat)


def _unchanged(lon: Floats, lat: Floats) -> Pair:
    return lon, lat


def _back(lon: Floats, lat: Floats, mainland: Mainland, inverse: Callable[..., Pair]) -> Pair:
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    left, bottom, right, top = shapely.bounds(mainland.polygon)
    # No system moves a point by more than 0.02 degrees; the field is meaningless far away.
    near = (lon > left - 0.1) & (lon < right + 0.1) & (lat > bottom - 0.1) & (lat < top + 0.1)
    candidate = _where_inside(lon, lat, near, inverse)
    inside = near & mainland.contains(*candidate)
    return np.where(inside, candidate[0], lon), np.where(inside, candidate[1], lat)


def _where_inside(lon: Floats, lat: Floats, chosen: Flags, convert: Callable[..., Pair]) -> Pair:
    """Convert the chosen points block by block and leave the others as they are."""
    out_lon, out_lat = np.array(lon, np.float64), np.array(lat, np.float64)
    places = np.flatnonzero(chosen)
    for start in range(0, len(places), _BLOCK):
        block = places[start : start + _BLOCK]
        out_lon[block], out_lat[block] = convert(out_lon[block], out_lat[block])
    return out_lon, out_lat


def _gcj_from_wgs(lon: Floats, lat: Floats) -> Pair:
    east, north = gcj02_offset(lon, lat)
    return lon + east, lat + north


def _wgs_from_gcj(lon: Floats, lat: Floats) -> Pair:
    guess_lon, guess_lat = lon, lat
    for _ in range(_GCJ_STEPS):
        east, north = gcj02_offset(guess_lon, guess_lat)
        guess_lon, guess_lat = lon - east, lat - north
    return guess_lon, guess_lat


def _bd_from_gcj(lon: Floats, lat: Floats) -> Pair:
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_ANGLE)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_ANGLE)
    return radius * np.cos(angle) + _BD_SHIFT_LON, radius * np.sin(angle) + _BD_SHIFT_LAT


def _bd_from_wgs(lon: Floats, lat: Floats) -> Pair:
    return _bd_from_gcj(*_gcj_from_wgs(lon, lat))


def _wgs_from_bd(lon: Floats, lat: Floats) -> Pair:
    guess_lon, guess_lat = lon - _BD_SHIFT_LON, lat - _BD_SHIFT_LAT
    for _ in range(_BD_STEPS):
        back_lon, back_lat = _bd_from_gcj(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - back_lon, guess_lat + lat - back_lat
    return _wgs_from_gcj(guess_lon, guess_lat)
