"""Lines of a trace as a map shows them: cut at gaps, clipped to the view, thinned by zoom.

Everything is done on columns of all lines at once: a month of a truck has 86,400 fixes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from fleet_carbon.traces.kernels import LINK_GAP, LINK_JUMP, LINK_START
from fleet_carbon.traces.trace import Trace

# Degrees of longitude that a pixel is wide at zoom 0, tiles of 512 pixels (the map library's).
_ROUND_DEG = 360.0
_PIXEL_DEG = _ROUND_DEG / 512
_UDEG_PER_DEG = 1e6
# What lies so far outside the view is drawn too, so that a small move shows no end of a line.
_MARGIN_SHARE = 0.25
# Some 5 km: who sees less of the world does not know where he looks.
_SIDE_MIN_DEG = 0.05
_SCREEN_COUNT = 1000  # pixels of a screen, or of its part with a map, along its longer side

Numbers = npt.NDArray[np.int64]
Degrees = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Box(NamedTuple):
    """What of the world is in view, WGS-84."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    @classmethod
    def around(cls, lon: Degrees, lat: Degrees) -> Box:
        """All points, in the middle; the world if there are none."""
        if not len(lon):
            return _WORLD
        low, high = np.array([lon.min(), lat.min()]), np.array([lon.max(), lat.max()])
        lacking = np.maximum(_SIDE_MIN_DEG - (high - low), 0) / 2
        west, south, east, north = np.append(low - lacking, high + lacking).tolist()
        return cls(west, south, east, north)

    def zoom_filling(self) -> float:
        """The zoom of a map at which its longer side fills a screen."""
        south, north = mercator_deg(np.array([self.south_deg, self.north_deg])).tolist()
        side_deg = min(max(_SIDE_MIN_DEG, self.east_deg - self.west_deg, north - south), _ROUND_DEG)
        return round(math.log2(_SCREEN_COUNT * _PIXEL_DEG / side_deg), 2)

    def widened(self) -> Box:
        """With a margin on every side."""
        x, y = (
            _MARGIN_SHARE * (self.east_deg - self.west_deg),
            _MARGIN_SHARE * (self.north_deg - self.south_deg),
        )
        return Box(self.west_deg - x, self.south_deg - y, self.east_deg + x, self.north_deg + y)

    def holds(self, lon: Degrees, lat: Degrees) -> Flags:
        """Which points lie in it."""
        inside: Flags = (
            (lon >= self.west_deg)
            & (lon <= self.east_deg)
            & (lat >= self.south_deg)
            & (lat <= self.north_deg)
        )
        return inside


_WORLD = Box(-180.0, -85.0, 180.0, 85.0)


@dataclass(frozen=True)
class Lines:
    """Lines one after the other.

    Attributes
    ----------
    row : int64 array, shape (n_corners,)
        Which point of the trace each corner is.
    line : int64 array, shape (n_corners,)
        Number of its line, from 0, not decreasing; each line has two corners or more.
    leg : int64 array, shape (n_lines,)
        Number of the leg of each line.
    """

    row: Numbers
    line: Numbers
    leg: Numbers


def lines_of_legs(trace: Trace, started_ms: Numbers, finished_ms: Numbers) -> Lines:
    """The pieces of each leg between its gaps, with every point.

    Parameters
    ----------
    trace : Trace
        Of the truck.
    started_ms, finished_ms : int64 array, shape (n_legs,)
        Both ends belong to the leg. [ms]
    """
    row, leg = _rows(trace, started_ms, finished_ms)
    is_new = _is_first(leg) | np.isin(trace.link[row], (LINK_START, LINK_GAP, LINK_JUMP))
    return _numbered(row, is_new, leg)


def gaps_of_legs(trace: Trace, started_ms: Numbers, finished_ms: Numbers) -> Lines:
    """The gaps inside legs: from the last point before to the first after it."""
    row, leg = _rows(trace, started_ms, finished_ms)
    at = np.flatnonzero((trace.link[row] == LINK_GAP) & ~_is_first(leg))
    ends = np.column_stack((row[at] - 1, row[at])).reshape(-1)
    return Lines(ends, np.repeat(np.arange(len(at)), 2), leg[at])


def clipped(lines: Lines, lon: Degrees, lat: Degrees, *, box: Box) -> Lines:
    """The parts of lines that come into view, cut where they leave it.

    Parameters
    ----------
    lines : Lines
        What would be shown of the whole world.
    lon, lat : float64 array, shape (n_points,)
        Places of the points of the trace. [deg]
    box : Box
        The view.
    """
    if not len(lines.row):
        return lines
    wide = box.widened()
    x, y = lon[lines.row], lat[lines.row]
    goes_on = ~_is_first(lines.line)[1:]
    is_seen = (
        goes_on
        & (np.maximum(x[1:], x[:-1]) >= wide.west_deg)
        & (np.minimum(x[1:], x[:-1]) <= wide.east_deg)
        & (np.maximum(y[1:], y[:-1]) >= wide.south_deg)
        & (np.minimum(y[1:], y[:-1]) <= wide.north_deg)
    )
    before, after = np.append(False, is_seen), np.append(is_seen, False)
    kept = before | after
    return _numbered(lines.row[kept], ~before[kept], lines.leg[lines.line[kept]])


def thinned(lines: Lines, lon: Degrees, lat: Degrees, *, zoom_level: float) -> Lines:
    """The corners without which a line would move by a pixel or more (Douglas and Peucker).

    Parameters
    ----------
    lines : Lines
        With every point.
    lon, lat : float64 array, shape (n_points,)
        Places of the points of the trace. [deg]
    zoom_level : float
        Of the map.
    """
    if not len(lines.row):
        return lines
    # On the plane of the map (Mercator), where a pixel is as wide everywhere; the number of each
    # corner goes along as its height, which thinning keeps.
    x, y = lon[lines.row], mercator_deg(lat[lines.row])
    corners = np.column_stack((x, y, np.arange(len(x))))
    whole = shapely.linestrings(corners, indices=lines.line)
    thin = shapely.simplify(whole, _PIXEL_DEG / 2**zoom_level, preserve_topology=False)
    coordinates, line = shapely.get_coordinates(thin, include_z=True, return_index=True)
    return Lines(lines.row[coordinates[:, 2].astype(np.int64)], line, lines.leg)


def mercator_deg(lat: Degrees) -> Degrees:
    """How far north latitudes lie on the plane of the map, as wide as degrees of longitude."""
    north: Degrees = np.degrees(np.arcsinh(np.tan(np.radians(lat))))
    return north


def one_a_cell(lon: Degrees, lat: Degrees, zoom_level: float, *, cell_count: int) -> Numbers:
    """Points of which no two lie in the same square of so many pixels, the first of each."""
    cell_deg = cell_count * _PIXEL_DEG / 2**zoom_level
    cells = np.floor(np.column_stack((lon, lat)) / cell_deg).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return np.sort(first).astype(np.int64)


def degrees_of(trace: Trace) -> tuple[Degrees, Degrees]:
    """Longitude and latitude of each point of a trace. [deg]"""
    return trace.lon_udeg / _UDEG_PER_DEG, trace.lat_udeg / _UDEG_PER_DEG


def _rows(trace: Trace, started_ms: Numbers, finished_ms: Numbers) -> tuple[Numbers, Numbers]:
    """The points of each leg, one leg after the other, and the number of the leg of each."""
    first = np.searchsorted(trace.time_ms, started_ms)
    count = np.maximum(np.searchsorted(trace.time_ms, finished_ms, side="right") - first, 0)
    leg = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(leg)) + np.repeat(first - (np.cumsum(count) - count), count)
    return row.astype(np.int64), leg.astype(np.int64)


def _is_first(number: Numbers) -> Flags:
    """Where another number begins."""
    changed: Flags = np.diff(number, prepend=number[0] - 1 if len(number) else 0) != 0
    return changed


def _numbered(row: Numbers, is_new: Flags, leg: Numbers) -> Lines:
    """Lines that begin where it is said, those of a single point left out."""
    line = np.cumsum(is_new) - 1
    count = np.bincount(line, minlength=1)
    is_line = count >= 2
    kept = is_line[line]
    number = np.cumsum(is_line) - 1
    leg_of_line = leg[np.flatnonzero(is_new)]
    return Lines(row[kept], number[line[kept]], leg_of_line[is_line[: len(leg_of_line)]])
