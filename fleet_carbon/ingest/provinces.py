"""In which of China's provinces a point lies, by the collected borders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.ingest.borders import Borders, read_units
from fleet_carbon.ingest.places import COLLECTED_DIR, PROVINCE

OUTSIDE = ""
"""Of a point in none of them."""


class Provinces:
    """The provinces, autonomous regions, cities and special regions of GB/T 2260.

    Parameters
    ----------
    names : list of str
        Their full names.
    borders : Borders
        Their shapes in the same order.
    """

    def __init__(self, names: list[str], borders: Borders) -> None:
        self.names = names
        self._named = np.array([*names, OUTSIDE], dtype=object)
        self._borders = borders

    @classmethod
    def load(cls, folder: Path = COLLECTED_DIR) -> Provinces:
        """Those that were collected.

        Raises
        ------
        InputRefused
            If they were not, with the command that does.
        """
        units = read_units(folder / "gazetteer.csv")
        names = [row["name"] for row in units if row["level"] == PROVINCE]
        return cls(names, Borders.load(folder / "provinces.wkb"))

    def of(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.object_]:
        """Full name of the province of each point; empty outside all. [deg, deg -> text]"""
        named: NDArray[np.object_] = self._named[self._borders.places(lon, lat)]
        return named
