"""In which of China's provinces a point lies, by the collected borders."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.places import COLLECTED_DIR, PROVINCE

OUTSIDE = ""
"""Of a point in none of them."""


class Provinces:
    """The provinces, autonomous regions, cities and special regions of GB/T 2260.

    Parameters
    ----------
    names : list of str
        Their full names.
    borders : sequence of shapely.Geometry
        Their polygons in the same order, WGS-84. [deg]
    """

    def __init__(self, names: list[str], borders: list[shapely.Geometry]) -> None:
        self.names = names
        self._named = np.array([*names, OUTSIDE], dtype=object)
        self._tree = shapely.STRtree(borders)

    @classmethod
    def load(cls, folder: Path = COLLECTED_DIR) -> Provinces:
        """Those that were collected.

        Raises
        ------
        InputRefused
            If they were not, with the command that does.
        """
        borders, units = folder / "provinces.wkb", folder / "gazetteer.csv"
        if not borders.is_file() or not units.is_file():
            raise InputRefused(
                "geography_missing",
                f"provinces.wkb is not in {folder}.",
                "In a checkout run: python hatch_build.py. A wheel brings the file along.",
            )
        with units.open(encoding="utf-8", newline="") as stream:
            names = [row["name"] for row in csv.DictReader(stream) if row["level"] == PROVINCE]
        return cls(names, list(shapely.get_parts(shapely.from_wkb(borders.read_bytes()))))

    def of(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.object_]:
        """Full name of the province of each point; empty outside all. [deg, deg -> text]

        On a border, where the drawn ones overlap by some metres, the first of GB/T 2260 counts.
        """
        place = np.full(len(lon), len(self.names), dtype=np.int64)
        points, found = self._tree.query(shapely.points(lon, lat), predicate="intersects")
        np.minimum.at(place, points, found)
        named: NDArray[np.object_] = self._named[place]
        return named
