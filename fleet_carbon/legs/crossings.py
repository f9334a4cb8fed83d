"""What trucks say of each other: an order driven by another one, one trace under two names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Geod

_ELLIPSOID = Geod(ellps="WGS84")
_S_PER_H = 3_600.0
# Reason of an order, note of an account.
DRIVEN_BY_ANOTHER, TWIN = "driven_by_another_truck", "trace_shared_with_another_truck"
_LONELY_KM = 1.0

_Column = NDArray[np.float64]


@dataclass(frozen=True)
class CrossingRules:
    """Section `crossings` of an edition.

    Attributes
    ----------
    place_m_max, plan_h_max : float
        Another truck that stood that close to both places of an unproven order, at most that far
        from the planned times, drove it. [m], [h]
    twin_s_max, twin_m_max, twin_km_share_min : float
        Two trucks whose legs begin and end that close in time and place, on that share of the
        kilometres of either, are one. [s], [m], [-]
    """

    place_m_max: float
    plan_h_max: float
    twin_s_max: float
    twin_m_max: float
    twin_km_share_min: float


def driven_by_others(
    order_results: pd.DataFrame, orders: pd.DataFrame, legs: pd.DataFrame, *, rules: CrossingRules
) -> dict[str, str]:
    """Which unproven orders another truck drove, without an order of its own.

    Parameters
    ----------
    order_results, orders, legs : DataFrame
        `frames.ORDER_RESULTS` and `frames.LEGS` of all trucks, `frames.ORDERS` on record.
    rules : CrossingRules
        Section `crossings`.

    Returns
    -------
    vehicle : dict of str to str
        order_id -> the truck that stood at both places, in the right order, with nothing proven
        aboard in between. Of several the one first at the place of loading.
    """
    is_open = ~order_results["matched"].to_numpy(bool) & (
        order_results["status"] != "cancelled"
    ).to_numpy(bool)
    unproven = order_results.loc[is_open, ["order_id", "vehicle_id"]]
    plans = unproven.merge(orders.drop(columns="vehicle_id"), on="order_id")
    stands = _Stands.of_legs(legs) if len(plans) else None
    found = {}
    for plan in plans.itertuples():
        assert stands is not None
        vehicle_id = stands.who_served(plan, rules)
        if vehicle_id is not None:
            found[str(plan.order_id)] = vehicle_id
    return found


@dataclass(frozen=True)
class _Stands:
    """Where trucks stood after each of their legs, by arrival; loaded km driven by then."""

    vehicle_id: NDArray[np.object_]
    arrived_s: _Column
    left_s: _Column
    lon: _Column
    lat: _Column
    loaded_km: _Column

    @classmethod
    def of_legs(cls, legs: pd.DataFrame) -> _Stands:
        rows = legs.sort_values(["vehicle_id", "started_at"], kind="stable")
        vehicle = rows["vehicle_id"].to_numpy(object)
        started_s, arrived_s = _seconds(rows["started_at"]), _seconds(rows["finished_at"])
        left_s = np.full(len(rows), np.inf)
        is_next = vehicle[1:] == vehicle[:-1]
        left_s[:-1] = np.where(is_next, started_s[1:], np.inf)
        loaded = np.where(rows["state"] == "loaded", rows["distance_km"].to_numpy(float), 0.0)
        order = np.argsort(arrived_s, kind="stable")
        return cls(
            vehicle_id=vehicle[order],
            arrived_s=arrived_s[order],
            left_s=left_s[order],
            lon=rows["to_lon"].to_numpy(float)[order],
            lat=rows["to_lat"].to_numpy(float)[order],
            loaded_km=np.cumsum(loaded)[order],
        )

    def who_served(self, plan: object, rules: CrossingRules) -> str | None:
        pickup, delivery = (self._near(plan, end, rules) for end in ("pickup", "delivery"))
        pickup = pickup[self.vehicle_id[pickup] != getattr(plan, "vehicle_id")]  # noqa: B009
        for stand in pickup.tolist():
            later = delivery[
                (self.vehicle_id[delivery] == self.vehicle_id[stand])
                & (self.arrived_s[delivery] >= self.left_s[stand])
            ]
            if len(later) and self.loaded_km[later[0]] - self.loaded_km[stand] < _LONELY_KM:
                return str(self.vehicle_id[stand])
        return None

    def _near(self, plan: object, end: str, rules: CrossingRules) -> NDArray[np.intp]:
        """Stands at one end of an order around its planned time."""
        planned_s = getattr(plan, f"{end}_time").timestamp()
        reach_s = rules.plan_h_max * _S_PER_H
        until = int(np.searchsorted(self.arrived_s, planned_s + reach_s, side="right"))
        at = np.flatnonzero(self.left_s[:until] >= planned_s - reach_s)
        lon, lat = (np.full(len(at), float(getattr(plan, f"{end}_{x}"))) for x in ("lon", "lat"))
        apart_m = np.asarray(_ELLIPSOID.inv(self.lon[at], self.lat[at], lon, lat)[2])
        return at[apart_m <= rules.place_m_max]


def twins(legs: pd.DataFrame, rules: CrossingRules) -> dict[str, str]:
    """Which trucks are one truck under two names: the same legs at the same time.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` of all trucks.
    rules : CrossingRules
        Section `crossings`.

    Returns
    -------
    other : dict of str to str
        vehicle_id -> the other name, both ways.
    """
    rows = legs.loc[(legs["distance_km"] > _LONELY_KM).to_numpy(bool)]
    km = rows.groupby("vehicle_id")["distance_km"].sum().to_dict()
    shared: dict[tuple[str, str], float] = {}
    for pair, distance_km in _pairs(rows, rules):
        shared[pair] = shared.get(pair, 0.0) + distance_km
    found: dict[str, str] = {}
    for (one, other), distance_km in sorted(shared.items()):
        if distance_km >= rules.twin_km_share_min * min(km[one], km[other]):
            found |= {one: other, other: one}
    return found


# Legs are compared within cells of the places they end at: about 5 km.
_CELL_DEG = 0.05


def _pairs(rows: pd.DataFrame, rules: CrossingRules) -> Iterator[tuple[tuple[str, str], float]]:
    """Legs of two trucks that begin and end together: their names in order, the distance."""
    started_s, finished_s = _seconds(rows["started_at"]), _seconds(rows["finished_at"])
    places = [rows[name].to_numpy(float) for name in ("from_lon", "from_lat", "to_lon", "to_lat")]
    cells = np.floor(places[2] / _CELL_DEG) * 100_000 + np.floor(places[3] / _CELL_DEG)
    order = np.lexsort((started_s, cells))
    vehicle = rows["vehicle_id"].to_numpy(object)[order]
    km = rows["distance_km"].to_numpy(float)[order]
    started_s, finished_s, cells = started_s[order], finished_s[order], cells[order]
    lon_a, lat_a, lon_b, lat_b = (column[order] for column in places)
    for shift in range(1, len(rows)):
        first = np.flatnonzero(
            (cells[shift:] == cells[:-shift])
            & (started_s[shift:] - started_s[:-shift] <= rules.twin_s_max)
        )
        if len(first) == 0:
            return
        second = first + shift
        is_same = (np.abs(finished_s[first] - finished_s[second]) <= rules.twin_s_max) & (
            vehicle[first] != vehicle[second]
        )
        first, second = first[is_same], second[is_same]
        for lon, lat in ((lon_a, lat_a), (lon_b, lat_b)):
            apart_m = _ELLIPSOID.inv(lon[first], lat[first], lon[second], lat[second])[2]
            is_near = np.asarray(apart_m) <= rules.twin_m_max
            first, second = first[is_near], second[is_near]
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            names = sorted((str(vehicle[one]), str(vehicle[other])))
            yield (names[0], names[1]), float(min(km[one], km[other]))


def _seconds(moments: pd.Series) -> _Column:
    """Seconds since 1970-01-01 UTC."""
    stamps = moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    seconds: _Column = stamps.astype("datetime64[ms]").astype(np.int64) / 1000.0
    return seconds
