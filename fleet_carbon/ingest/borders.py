"""In which of the collected shapes a point lies, and how the shapes are called."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused


class Borders:
    """Shapes that hardly overlap, such as the provinces or the cities of a country.

    Parameters
    ----------
    shapes : sequence of shapely.Geometry
        Polygons, WGS-84. [deg]
    """

    def __init__(self, shapes: list[shapely.Geometry]) -> None:
        self._shapes = np.array(shapes, dtype=object)
        # A prepared shape finds its edges by a tree of its own. That is made when it is first
        # asked for a point within its bounds: here, so that no two threads make it at once.
        shapely.prepare(self._shapes)
        west, south, east, north = shapely.bounds(self._shapes).T
        shapely.intersects_xy(self._shapes, (west + east) / 2, (south + north) / 2)
        self._tree = shapely.STRtree(shapes)

    @classmethod
    def load(cls, path: Path) -> Borders:
        """Those that were collected in a file.

        Raises
        ------
        InputRefused
            ``geography_missing``, with the command that collects them.
        """
        return cls(list(shapely.get_parts(shapely.from_wkb(_present(path).read_bytes()))))

    def places(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number of the shape of each point; the count of shapes outside all. [deg, deg -> number]

        On a border, where the drawn ones overlap by some metres, the first of them counts.
        """
        # The yards of customers come again and again: each is looked up once.
        spots, spot = np.unique(lon + 1j * lat, return_inverse=True)
        place = np.full(len(spots), len(self._shapes), dtype=np.int64)
        east, north = spots.real, spots.imag
        points, near = self._tree.query(shapely.points(east, north))
        is_in = shapely.intersects_xy(self._shapes[near], east[points], north[points])
        np.minimum.at(place, points[is_in], near[is_in])
        return place[spot]


def read_units(path: Path) -> list[dict[str, str]]:
    """The rows of a collected table, all as text.

    Raises
    ------
    InputRefused
        ``geography_missing``, with the command that collects it.
    """
    with _present(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _present(path: Path) -> Path:
    if not path.is_file():
        raise InputRefused(
            "geography_missing",
            f"{path.name} is not in {path.parent}.",
            "In a checkout run: python hatch_build.py. A wheel brings the file along.",
        )
    return path
