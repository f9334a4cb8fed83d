"""In which of China's cities and prefectures a point lies, by the collected borders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.ingest.borders import Borders, read_units
from fleet_carbon.ingest.places import COLLECTED_DIR


@dataclass(frozen=True)
class City:
    """A unit right under a province, or a city that is one.

    Attributes
    ----------
    adcode : str
        Six digits by GB/T 2260.
    name : str
        In Chinese, without the word for its kind.
    province : str
        Full Chinese name of its province.
    """

    adcode: str
    name: str
    province: str


class Cities:
    """The cities, prefectures and counties right under a province.

    Parameters
    ----------
    cities : list of City
        What they are called.
    borders : Borders
        Their shapes in the same order.
    """

    def __init__(self, cities: list[City], borders: Borders) -> None:
        self._named: list[City | None] = [*cities, None]
        self._borders = borders

    @classmethod
    def load(cls, folder: Path = COLLECTED_DIR) -> Cities:
        """Those that were collected.

        Raises
        ------
        InputRefused
            If they were not, with the command that does.
        """
        rows = read_units(folder / "cities.csv")
        cities = [City(row["adcode"], row["short_name"], row["province"]) for row in rows]
        return cls(cities, Borders.load(folder / "cities.wkb"))

    def of(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[City | None]:
        """The city of each point; None outside all. [deg, deg -> city]"""
        return [self._named[place] for place in self._borders.places(lon, lat).tolist()]
