"""A picture of the whole way of a truck: what the map shows at first, for pages and paper.

It lies on the same plane, is as fine and shows the same parts as the map, which takes its place
where there is one; strokes and colours are those of the page.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from fleet_carbon.services.accounts.mapping import Track, province_shapes
from fleet_carbon.services.accounts.thinning import Degrees, mercator_deg

# Units along the longer side of the way: a quarter of a pixel where a screen is full of it.
_UNITS = 4_000
# Ground is drawn so far around the middle: what a narrow way leaves of a screen on its other side.
_GROUND_UNITS = 1.25 * _UNITS
_PIXEL_UNITS = 4.0


@dataclass(frozen=True)
class Picture:
    """Paths of SVG.

    Attributes
    ----------
    view_box : str
        All of the way, to its edge.
    land : str
        The provinces around it.
    ways : dict of str to str
        Lines by state of the leg, and ``gap``, those that matter most last.
    stops : str
        A line without length for each.
    """

    view_box: str
    land: str
    ways: dict[str, str]
    stops: str


class _Plane:
    """Where places lie on a picture."""

    def __init__(self, track: Track) -> None:
        box = track.box
        south, north = mercator_deg(np.array([box.south_deg, box.north_deg])).tolist()
        self._north_west = np.array([box.west_deg, north])
        sides_deg = np.array([box.east_deg - box.west_deg, north - south])
        self._units_a_deg = _UNITS / sides_deg.max()
        self.sides = sides_deg * self._units_a_deg

    def units(self, places: Degrees) -> Degrees:
        """Longitudes and latitudes as units east and south of the corner."""
        plane = np.column_stack((places[:, 0], mercator_deg(places[:, 1])))
        steps: Degrees = (plane - self._north_west) * (self._units_a_deg, -self._units_a_deg)
        return steps


def picture_of(track: Track) -> Picture:
    """The picture of a whole way.

    Parameters
    ----------
    track : Track
        With everything that is there.
    """
    plane = _Plane(track)
    parts: dict[str, list[str]] = defaultdict(list)
    for feature in track.features:
        told, geometry = feature["properties"], feature["geometry"]
        if told["kind"] == "stop":
            parts["stop"].append(_path(plane.units(np.array([geometry["coordinates"]]))) + "h0")
        else:
            name = told["state"] if told["kind"] == "leg" else told["kind"]
            parts[name].append(_path(plane.units(np.array(geometry["coordinates"]))))
    width, height = np.rint(plane.sides).astype(int).tolist()
    return Picture(
        view_box=f"0 0 {width} {height}",
        land=_land(plane),
        ways={name: "".join(parts[name]) for name in ("unknown", "loaded", "empty", "gap")},
        stops="".join(parts["stop"]),
    )


def _land(plane: _Plane) -> str:
    """The provinces as far as a screen can show them, no finer than it does."""
    _, shapes = province_shapes()
    low, high = plane.sides / 2 - _GROUND_UNITS, plane.sides / 2 + _GROUND_UNITS
    drawn = shapely.transform(shapes, plane.units)
    seen = shapely.clip_by_rect(drawn, *low.tolist(), *high.tolist())
    thin = shapely.simplify(seen, _PIXEL_UNITS, preserve_topology=False)
    rings = shapely.get_rings(shapely.get_parts(thin[~shapely.is_empty(thin)]))
    return "".join(_path(shapely.get_coordinates(ring)[:-1]) + "z" for ring in rings)


def _path(corners: Any) -> str:
    """Corners one after the other, each as a step from the one before."""
    units = np.rint(corners).astype(int)
    steps = np.diff(units, axis=0, prepend=units[:1] * 0)
    first, *others = steps.tolist()
    line = " ".join(f"{x} {y}" for x, y in others)
    return f"M{first[0]} {first[1]}" + (f"l{line}" if line else "")
