"""How places are called on what people read: by city and province, else by their coordinates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.ingest.cities import Cities, City
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.quantification.editions import edition_in_force
from fleet_carbon.quantification.lanes import regions_of
from fleet_carbon.services.intake.withdrawing import month_window
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements.place_words import CITIES, cell_text, city_text, coordinates_text
from fleet_carbon.storage.unit_of_work import open_storage

_KEPT_MAX = 64
_ENDS = ("pickup", "delivery")


@cache
def load_cities() -> Cities:
    """The borders of the cities, read once a process.

    Raises
    ------
    InputRefused
        ``geography_missing`` if the borders were not collected.
    """
    return Cities.load()


def place_texts(lon: Sequence[float], lat: Sequence[float], language: str) -> list[str]:
    """The city of each point with its province; the coordinates of those that lie in none.

    Parameters
    ----------
    lon, lat : sequence of float
        WGS-84. [deg]
    language : str
        ``en`` or ``zh``.

    Raises
    ------
    InputRefused
        ``geography_missing`` if the borders were not collected.
    """
    found = load_cities().of(np.array(lon, np.float64), np.array(lat, np.float64))
    return [
        coordinates_text(east, north, language) if city is None else _text(city, language)
        for city, east, north in zip(found, lon, lat, strict=True)
    ]


def city_names(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[str | None]:
    """The city of each point in English, as abroad it is written; None where it lies in none.

    Parameters
    ----------
    lon, lat : ndarray of float
        WGS-84. [deg]

    Raises
    ------
    InputRefused
        ``geography_missing`` if the borders were not collected.
    """
    found = load_cities().of(lon, lat)
    return [None if city is None else CITIES[city.adcode] for city in found]


@dataclass(frozen=True)
class RegionNames:
    """How the regions of the lanes of a month are called.

    Attributes
    ----------
    cities : dict of str to City
        By the identifier of the region: the city in which most of the orders of the month that
        load or unload in the region do so. A region whose orders lie in no city is not among them.
    """

    cities: dict[str, City]

    @cached_property
    def _regions_of(self) -> Counter[str]:
        return Counter(one.adcode for one in self.cities.values())

    def text(self, region: str, language: str) -> str:
        """A region as people call it; the identifier stands with it if another is called so."""
        city = self.cities.get(region)
        if city is None:
            return cell_text(region, language)
        is_shared = self._regions_of[city.adcode] > 1
        return f"{_text(city, language)} ({region})" if is_shared else _text(city, language)


def name_regions(settings: Settings, month: str) -> RegionNames:
    """How the regions of the lanes of a closed month are called, by the places of its orders.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.

    Raises
    ------
    InputRefused
        ``month_malformed``, ``geography_missing``.
    NotFound
        ``month_not_closed``.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = parse_month(month, storage.zone)
        run = latest_run(work, str(wanted))
    place = (str(settings.home), str(settings.database_url), settings.fleet)
    return _named(_Wanted((*place, run.run_id), wanted, settings))


@dataclass(frozen=True)
class _Wanted:
    """Of which close the regions are named; once a process for each."""

    key: tuple[str, ...]
    month: Month = field(compare=False)
    settings: Settings = field(compare=False)


@lru_cache(maxsize=_KEPT_MAX)
def _named(wanted: _Wanted) -> RegionNames:
    settings, month = wanted.settings, wanted.month
    with closing(open_storage(settings)) as storage, storage.look() as work:
        orders = work.orders.places(month_window(settings, month))
    edition = edition_in_force(settings.models_dir, month.last_day)
    counts: dict[str, Counter[City]] = {}
    for end in _ENDS:
        named = regions_of(orders, end, edition).tolist()
        cities = _cities_of(orders, end)
        for region, city, count in zip(named, cities, orders["count"].tolist(), strict=True):
            if city is not None:
                counts.setdefault(region, Counter())[city] += count
    return RegionNames(
        {
            # Of equally many, the first code.
            region: min(found, key=lambda city: (-found[city], city.adcode))
            for region, found in counts.items()
        }
    )


def _cities_of(orders: Any, end: str) -> list[City | None]:
    lon, lat = (_numbers(orders[f"{end}_{axis}"]) for axis in ("lon", "lat"))
    return load_cities().of(lon, lat)


def _numbers(column: Any) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = column.to_numpy(np.float64)
    return numbers


def _text(city: City, language: str) -> str:
    return city_text(city.adcode, city.name, province=city.province, language=language)
