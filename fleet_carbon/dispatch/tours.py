"""Tours of trucks through the stops of their orders, in the order of the planned times.

Every tour is a row and every stop a column, so that many trucks are driven at once. Kilometres
are straight lines times the detour ratio; what is aboard follows from what was loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.dispatch.driving_hours import DrivingHours, Hours, drive

Column = NDArray[np.float64]
Table = NDArray[np.float64]

EARTH_KM = 6371.0088  # [km] mean radius (IUGG); a sphere is within 0.6 % of the ellipsoid
_TINY_T = 1e-9


@dataclass(frozen=True)
class Roads:
    """How straight lines become roads and hours.

    Attributes
    ----------
    detour_ratio : float
        Road km per straight km.
    speed_kmh : float
        Mean speed of driving. [km/h]
    """

    detour_ratio: float
    speed_kmh: float


@dataclass(frozen=True)
class Starts:
    """Where trucks begin, one row per tour.

    Attributes
    ----------
    lon, lat : ndarray of float, shape (n,)
        Place, WGS-84. [deg]
    free_h : ndarray of float, shape (n,)
        From when on it may drive. [h]
    aboard_t, aboard_m3 : ndarray of float, shape (n,)
        What is aboard then. [t], [m3]
    hours : Hours
        What the driver has driven.
    """

    lon: Column
    lat: Column
    free_h: Column
    aboard_t: Column
    aboard_m3: Column
    hours: Hours

    def at(self, places: NDArray[np.intp]) -> Starts:
        """The starts of some tours, each as often as it is named."""
        hours = Hours(self.hours.since_break_h[places], self.hours.since_rest_h[places])
        columns = (self.lon, self.lat, self.free_h, self.aboard_t, self.aboard_m3)
        lon, lat, free_h, aboard_t, aboard_m3 = (column[places] for column in columns)
        return Starts(lon, lat, free_h, aboard_t, aboard_m3, hours)


@dataclass(frozen=True)
class Stops:
    """Stops of tours, one row per tour; the order of the columns does not matter.

    Attributes
    ----------
    lon, lat : ndarray of float, shape (n, k)
        Place, WGS-84. [deg]
    planned_h, earliest_h, latest_h : ndarray of float, shape (n, k)
        Planned moment, by which stops are put in turn; the window of arrival, earlier the truck
        waits. [h]
    service_h : ndarray of float, shape (n, k)
        Standing. [h]
    loaded_t, loaded_m3 : ndarray of float, shape (n, k)
        What comes aboard, below 0 what leaves. [t], [m3]
    is_there : ndarray of bool, shape (n, k)
        False for a column that the tour has no stop for.
    """

    lon: Table
    lat: Table
    planned_h: Table
    earliest_h: Table
    latest_h: Table
    service_h: Table
    loaded_t: Table
    loaded_m3: Table
    is_there: NDArray[np.bool_]

    def at(self, places: NDArray[np.intp]) -> Stops:
        """The stops of some tours, each as often as it is named."""
        return Stops(*(getattr(self, one.name)[places] for one in fields(self)))

    def beside(self, more: Stops) -> Stops:
        """The stops of these tours and of others, tour by tour."""
        return Stops(
            *(
                np.concatenate([getattr(self, one.name), getattr(more, one.name)], axis=1)
                for one in fields(self)
            )
        )


@dataclass(frozen=True)
class Driven:
    """Tours as they would be driven; columns of stops are those of `Stops`.

    Attributes
    ----------
    to_km : ndarray of float, shape (n, k)
        Road to the stop from the stop before it; 0 where there is none. [km]
    aboard_t, aboard_m3 : ndarray of float, shape (n, k)
        Aboard on that road. [t], [m3]
    arrived_h, late_h : ndarray of float, shape (n, k)
        Arrival, and how far beyond the window. [h]
    most_t, most_m3 : ndarray of float, shape (n,)
        Most that is ever aboard. [t], [m3]
    """

    to_km: Table
    aboard_t: Table
    aboard_m3: Table
    arrived_h: Table
    late_h: Table
    most_t: Column
    most_m3: Column

    @property
    def distance_km(self) -> Column:
        """All of the tour. [km]"""
        return np.asarray(self.to_km.sum(axis=1), dtype=np.float64)

    @property
    def empty_km(self) -> Column:
        """With nothing aboard. [km]"""
        empty = np.where(self.aboard_t <= _TINY_T, self.to_km, 0.0)
        return np.asarray(empty.sum(axis=1), dtype=np.float64)

    @property
    def work_tkm(self) -> Column:
        """Mass times road. [tkm]"""
        return np.asarray((self.to_km * self.aboard_t).sum(axis=1), dtype=np.float64)


def straight_km(from_lon: Table, from_lat: Table, *, to_lon: Table, to_lat: Table) -> Table:
    """Great circles between places. [km]

    References
    ----------
    Haversine formula: R.W. Sinnott, Sky and Telescope 68 (1984) 159.

    Examples
    --------
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> straight_km(zero, zero, to_lon=zero, to_lat=one).round(3).tolist()  # 2 pi R / 360
    [111.195]
    """
    lon1, lat1, lon2, lat2 = (np.radians(one) for one in (from_lon, from_lat, to_lon, to_lat))
    half = np.sin((lat2 - lat1) / 2) ** 2
    half = half + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(1.0, half))), dtype=np.float64)


def follow(starts: Starts, stops: Stops, roads: Roads, *, rules: DrivingHours) -> Driven:
    """Drive every tour through its stops by their planned times.

    Of stops planned for the same moment those that unload come first. A truck that arrives early
    waits; waiting that is long enough is a break or a rest, loading is not.

    Parameters
    ----------
    starts : Starts
        Where the n tours begin.
    stops : Stops
        Their stops.
    roads : Roads
        Detours and speed.
    rules : DrivingHours
        Breaks and rests.
    """
    turns = np.lexsort((stops.loaded_t >= 0, np.where(stops.is_there, stops.planned_h, np.inf)))
    rows = np.arange(len(starts.lon))
    shape = stops.lon.shape
    to_km, aboard_t, aboard_m3, arrived_h, late_h = (np.zeros(shape) for _ in range(5))
    lon, lat, now_h = starts.lon, starts.lat, starts.free_h
    mass_t, volume_m3 = starts.aboard_t, starts.aboard_m3
    most_t, most_m3, hours = mass_t, volume_m3, starts.hours
    for place in turns.T:
        at = rows, place
        is_there = stops.is_there[at]
        to_lon = np.where(is_there, stops.lon[at], lon)
        to_lat = np.where(is_there, stops.lat[at], lat)
        road_km = roads.detour_ratio * straight_km(lon, lat, to_lon=to_lon, to_lat=to_lat)
        elapsed_h, hours = drive(hours, road_km / roads.speed_kmh, rules)
        arrives_h = now_h + elapsed_h
        waiting_h = np.where(is_there, np.maximum(0.0, stops.earliest_h[at] - arrives_h), 0.0)
        hours = hours.stood(waiting_h, rules)
        to_km[at], aboard_t[at], aboard_m3[at] = road_km, mass_t, volume_m3
        arrived_h[at] = arrives_h
        late_h[at] = np.where(is_there, np.maximum(0.0, arrives_h - stops.latest_h[at]), 0.0)
        now_h = arrives_h + waiting_h + np.where(is_there, stops.service_h[at], 0.0)
        lon, lat = to_lon, to_lat
        mass_t = mass_t + np.where(is_there, stops.loaded_t[at], 0.0)
        volume_m3 = volume_m3 + np.where(is_there, stops.loaded_m3[at], 0.0)
        most_t, most_m3 = np.maximum(most_t, mass_t), np.maximum(most_m3, volume_m3)
    return Driven(to_km, aboard_t, aboard_m3, arrived_h, late_h, most_t, most_m3)
