"""Towns and yards of mainland China, so that fleets drive at real-looking places (WGS-84)."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from simulation.geodesy import FloatArray, metres_per_degree, offset_deg
from simulation.roads import Place

# Centres of towns to a hundredth of a degree; common knowledge, rounded by hand.
TOWNS: tuple[tuple[str, float, float], ...] = (
    ("南昌", 115.89, 28.68), ("九江", 115.99, 29.71), ("宜春", 114.38, 27.80),
    ("吉安", 114.99, 27.11), ("赣州", 114.93, 25.83), ("上饶", 117.97, 28.45),
    ("鹰潭", 117.03, 28.24), ("长沙", 112.94, 28.23), ("株洲", 113.13, 27.83),
    ("衡阳", 112.57, 26.89), ("岳阳", 113.13, 29.36), ("武汉", 114.30, 30.59),
    ("孝感", 113.92, 30.93), ("咸宁", 114.32, 29.84), ("黄石", 115.04, 30.20),
    ("荆州", 112.24, 30.33), ("宜昌", 111.29, 30.69), ("襄阳", 112.12, 32.01),
    ("信阳", 114.09, 32.15), ("南阳", 112.53, 32.99), ("郑州", 113.62, 34.75),
    ("洛阳", 112.45, 34.62), ("许昌", 113.85, 34.04), ("周口", 114.65, 33.63),
    ("商丘", 115.65, 34.44), ("开封", 114.31, 34.80), ("徐州", 117.18, 34.26),
    ("蚌埠", 117.39, 32.92), ("合肥", 117.23, 31.82), ("阜阳", 115.81, 32.89),
    ("南京", 118.80, 32.06), ("芜湖", 118.43, 31.35), ("安庆", 117.06, 30.54),
    ("济南", 117.00, 36.67), ("泰安", 117.09, 36.20), ("石家庄", 114.51, 38.04),
    ("邯郸", 114.54, 36.63), ("安阳", 114.39, 36.10), ("邢台", 114.50, 37.07),
    ("保定", 115.46, 38.87), ("太原", 112.55, 37.87), ("西安", 108.94, 34.34),
    ("宝鸡", 107.24, 34.36), ("汉中", 107.02, 33.07), ("成都", 104.07, 30.57),
    ("绵阳", 104.68, 31.47), ("重庆", 106.55, 29.56), ("遂宁", 105.59, 30.53),
    ("内江", 105.06, 29.58), ("自贡", 104.78, 29.34), ("宜宾", 104.64, 28.75),
    ("贵阳", 106.63, 26.65), ("遵义", 106.93, 27.73), ("昆明", 102.83, 24.88),
    ("曲靖", 103.80, 25.49), ("桂林", 110.29, 25.27), ("柳州", 109.43, 24.33),
    ("金华", 119.65, 29.08), ("衢州", 118.87, 28.94), ("潍坊", 119.16, 36.71),
    ("淄博", 118.05, 36.81), ("临沂", 118.36, 35.10),
)  # fmt: skip


class Map:
    """Yards around every town, the same for all trucks of a fleet.

    Parameters
    ----------
    rng : Generator
        Source of the yards.
    yards_per_town : int
        Yards around each town, 2 to 14 km from its centre.
    """

    def __init__(self, rng: Generator, yards_per_town: int = 4) -> None:
        self.yards: list[list[Place]] = []
        for name, lon, lat in TOWNS:
            around = []
            for number in range(yards_per_town):
                radius_m, angle = rng.uniform(2_000, 14_000), rng.uniform(0, 2 * np.pi)
                d_lon, d_lat = offset_deg(lat, radius_m * np.cos(angle), radius_m * np.sin(angle))
                around.append(Place(lon + d_lon, lat + d_lat, f"{name}{number + 1}号货场"))
            self.yards.append(around)
        self._all = [yard for town in self.yards for yard in town]
        self._lon = np.array([yard.lon for yard in self._all])
        self._lat = np.array([yard.lat for yard in self._all])

    def any_yard(self, rng: Generator) -> Place:
        """Some yard anywhere."""
        town = self.yards[int(rng.integers(len(self.yards)))]
        return town[int(rng.integers(len(town)))]

    def yard_between(self, rng: Generator, near: Place, least_km: float, most_km: float) -> Place:
        """A yard at a distance between two bounds from a place, the nearest beyond if none is."""
        far_km = self._distances_km(near)
        fitting = np.flatnonzero((far_km >= least_km) & (far_km <= most_km))
        if fitting.size:
            return self._all[int(fitting[int(rng.integers(fitting.size))])]
        return self._all[int(np.argmin(np.where(far_km > least_km, far_km, np.inf)))]

    def _distances_km(self, near: Place) -> FloatArray:
        """From a place to every yard, by the middle latitude. [km]"""
        east, north = metres_per_degree((self._lat + near.lat) / 2.0)
        far_m = np.hypot((self._lon - near.lon) * east, (self._lat - near.lat) * north)
        return np.asarray(far_m / 1000.0, dtype=np.float64)


def near_by(rng: Generator, place: Place, least_m: float, most_m: float) -> Place:
    """A place at a distance between two bounds from another, in any direction."""
    radius_m, angle = rng.uniform(least_m, most_m), rng.uniform(0.0, 2 * np.pi)
    d_lon, d_lat = offset_deg(place.lat, radius_m * np.cos(angle), radius_m * np.sin(angle))
    return Place(place.lon + d_lon, place.lat + d_lat, place.name)
