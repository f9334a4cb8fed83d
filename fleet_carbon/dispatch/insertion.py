"""What orders add to what trucks have to do anyway: kilometres, hours, room, and obstacles."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.dispatch.driving_hours import DrivingHours
from fleet_carbon.dispatch.tours import Driven, Roads, Starts, Stops, follow, straight_km

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Why a truck cannot take an order, the first that holds: too heavy or large for the truck by
# itself, or with what is aboard; too late at the order's places; or others would be late.
OBSTACLES = ("too_heavy", "too_large", "no_room_left", "too_late", "delays_others")
_SLACK_T, _SLACK_H = 1e-6, 1e-6


@dataclass(frozen=True)
class Trucks:
    """Trucks with what they have to do; each order is two columns: loading and unloading.

    Attributes
    ----------
    starts : Starts
        Where they are, n rows.
    committed : Stops
        Stops of their orders; an order that is aboard has no loading.
    rated_t, volume_m3 : ndarray of float, shape (n,)
        What they may carry; infinite where it is not known. [t], [m3]
    """

    starts: Starts
    committed: Stops
    rated_t: Column
    volume_m3: Column

    def at(self, places: NDArray[np.intp]) -> Trucks:
        """Some trucks, each as often as it is named."""
        return Trucks(
            self.starts.at(places),
            self.committed.at(places),
            self.rated_t[places],
            self.volume_m3[places],
        )


@dataclass(frozen=True)
class Added:
    """What k orders add to each of n trucks.

    Attributes
    ----------
    approach_km : ndarray of float, shape (n, k)
        Road to the loading from the stop before. [km]
    is_approach_empty : ndarray of bool, shape (n, k)
        Whether nothing is aboard on it.
    onboard_km : ndarray of float, shape (n, k)
        Road with the order aboard. [km]
    loads_h, unloads_h : ndarray of float, shape (n, k)
        Arrivals. [h]
    late_h : ndarray of float, shape (n, k)
        How far beyond its windows, at the later of the two ends. [h]
    aboard_t, aboard_m3 : ndarray of float, shape (n, k)
        Most that is aboard while the order is. [t], [m3]
    shared : ndarray of bool, shape (n, k, j)
        Which of the j committed orders are aboard at the same time.
    empty_km, loaded_km, work_tkm : ndarray of float, shape (n,)
        Added to the tour, below 0 where it is spared. [km], [tkm]
    beyond_km : ndarray of float, shape (n,)
        Added road beyond the orders' own ways. [km]
    obstacle : ndarray of int, shape (n,)
        Place in `OBSTACLES` of the first that holds, -1 for none.
    """

    approach_km: Table
    is_approach_empty: Flags
    onboard_km: Table
    loads_h: Table
    unloads_h: Table
    late_h: Table
    aboard_t: Table
    aboard_m3: Table
    shared: Flags
    empty_km: Column
    loaded_km: Column
    work_tkm: Column
    beyond_km: Column
    obstacle: NDArray[np.intp]

    def rows(self, places: NDArray[np.intp] | Flags) -> Added:
        """Some of the trucks."""
        return Added(*(getattr(self, one.name)[places] for one in fields(self)))


def add(trucks: Trucks, orders: Stops, roads: Roads, *, rules: DrivingHours) -> Added:
    """Drive every tour with and without the orders, and tell the difference.

    Parameters
    ----------
    trucks : Trucks
        n trucks.
    orders : Stops
        Shape (n, 2 k): loading and unloading of each order that is to be added.
    roads : Roads
        Detours and speed.
    rules : DrivingHours
        Breaks and rests.
    """
    before = follow(trucks.starts, trucks.committed, roads, rules=rules)
    whole = trucks.committed.beside(orders)
    after = follow(trucks.starts, whole, roads, rules=rules)
    committed_count = trucks.committed.lon.shape[1]
    loads = np.arange(committed_count, whole.lon.shape[1], 2)
    own_km = roads.detour_ratio * straight_km(
        orders.lon[:, ::2],
        orders.lat[:, ::2],
        to_lon=orders.lon[:, 1::2],
        to_lat=orders.lat[:, 1::2],
    )
    loads_h, unloads_h = after.arrived_h[:, loads], after.arrived_h[:, loads + 1]
    # A stop lies on the way of an order if it is reached after the loading, up to the unloading.
    arrived_h = after.arrived_h[:, None, :]
    is_on_way = (arrived_h > loads_h[:, :, None]) & (arrived_h <= unloads_h[:, :, None])
    is_on_way &= whole.is_there[:, None, :]
    late_h = np.maximum(after.late_h[:, loads], after.late_h[:, loads + 1])
    empty_km = after.empty_km - before.empty_km
    return Added(
        approach_km=after.to_km[:, loads],
        is_approach_empty=after.aboard_t[:, loads] <= _SLACK_T,
        onboard_km=np.where(is_on_way, after.to_km[:, None, :], 0.0).sum(axis=2),
        loads_h=loads_h,
        unloads_h=unloads_h,
        late_h=late_h,
        aboard_t=np.where(is_on_way, after.aboard_t[:, None, :], 0.0).max(axis=2, initial=0.0),
        aboard_m3=np.where(is_on_way, after.aboard_m3[:, None, :], 0.0).max(axis=2, initial=0.0),
        shared=_shared(trucks.committed, after, loads_h, unloads_h),
        empty_km=empty_km,
        loaded_km=after.distance_km - before.distance_km - empty_km,
        work_tkm=after.work_tkm - before.work_tkm,
        beyond_km=after.distance_km - before.distance_km - own_km.sum(axis=1),
        obstacle=_obstacles(trucks, orders, before, after, late_h=late_h),
    )


def _shared(committed: Stops, after: Driven, loads_h: Table, unloads_h: Table) -> Flags:
    count = committed.lon.shape[1]
    loaded_h = np.where(committed.is_there[:, ::2], after.arrived_h[:, :count:2], -np.inf)
    unloaded_h = after.arrived_h[:, 1:count:2]
    is_there = committed.is_there[:, 1::2]
    return np.asarray(
        is_there[:, None, :]
        & (loaded_h[:, None, :] < unloads_h[:, :, None])
        & (unloaded_h[:, None, :] > loads_h[:, :, None])
    )


def _obstacles(
    trucks: Trucks, orders: Stops, before: Driven, after: Driven, *, late_h: Table
) -> NDArray[np.intp]:
    count = trucks.committed.lon.shape[1]
    delay_h = after.late_h[:, :count] - before.late_h
    heaviest_t = orders.loaded_t[:, ::2].max(axis=1, initial=0.0)
    largest_m3 = orders.loaded_m3[:, ::2].max(axis=1, initial=0.0)
    # Who is overloaded already is so without the order; it may not get worse.
    is_full = (after.most_t > np.maximum(trucks.rated_t, before.most_t) + _SLACK_T) | (
        after.most_m3 > np.maximum(trucks.volume_m3, before.most_m3) + _SLACK_T
    )
    holds = np.stack(
        [
            heaviest_t > trucks.rated_t + _SLACK_T,
            largest_m3 > trucks.volume_m3 + _SLACK_T,
            is_full,
            (late_h > _SLACK_H).any(axis=1),
            (delay_h > _SLACK_H).any(axis=1),
        ]
    )
    return np.where(holds.any(axis=0), holds.argmax(axis=0), -1).astype(np.intp)
