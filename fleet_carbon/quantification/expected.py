"""What a trip would come to if it were driven: the account of legs that are only planned.

There is no second formula: planned kilometres are made into legs, driven as the truck is usually
driven, and go the way of a closing, by the fuel hierarchy and against the counterfactuals of the
driver. What differs is named in `accounts.Foresight`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import LEG_ORDERS, LEGS, ORDER_RESULTS, RECEIPTS
from fleet_carbon.quantification.accounts import (
    AccountContext,
    Accounted,
    compose_accounts,
    quantify_legs,
)
from fleet_carbon.quantification.month_fuel import fuel_of_month
from fleet_carbon.quantification.profile import SPEED_COLUMNS

Column = NDArray[np.float64]

_KM_PER_M = 0.001
# What a leg adds up on its way, in proportion to its kilometres.
_ALONG = (
    "duration_h", "moving_h", "stop_h", "idle_h", "stops_count", "kinetic_gained_j_per_kg",
    "climbed_m", *SPEED_COLUMNS,
)  # fmt: skip
_ALWAYS_TOLD = ("duration_h", "stop_h", "idle_h")
_AMBIENT = "ambient_degc_mean"
_STATES = ("empty", "loaded")


@dataclass(frozen=True)
class RoadRules:
    """Section `roads` of the rules of planning."""

    detour_ratio: float
    detour_standard_share: float
    own_legs_count_min: int
    own_leg_km_min: float
    own_leg_ratio_max: float
    speed_kmh: float


@dataclass(frozen=True)
class Detour:
    """How a straight line becomes a road.

    Attributes
    ----------
    detour_ratio : float
        Road km per straight km.
    standard_share : float
        How the ratio of one trip differs from it, relative standard deviation.
    legs_count : int
        Legs of the fleet it was taken from; 0 if it is that of the rules.
    """

    detour_ratio: float
    standard_share: float
    legs_count: int


def detour_of(straight_km: Column, road_km: Column, rules: RoadRules) -> Detour:
    """The fleet's own ratio from its legs where there are enough, else that of the rules.

    Parameters
    ----------
    straight_km, road_km : ndarray of float, shape (n_legs,)
        Great circle between the ends of each leg, and what was driven. [km]
    rules : RoadRules
        Which legs count, and how many are enough.

    Notes
    -----
    Ratio of the sums; the scatter is that of single legs about it, weighted by their straight
    line, as a trip is a single leg.

    Examples
    --------
    >>> rules = RoadRules(1.3, 0.12, 2, 20.0, 3.0, 60.0)
    >>> found = detour_of(np.array([100.0, 100.0, 5.0]), np.array([110.0, 130.0, 99.0]), rules)
    >>> found.detour_ratio, round(found.standard_share, 6), found.legs_count  # 0.1 of 1.2
    (1.2, 0.083333, 2)
    >>> detour_of(np.array([100.0]), np.array([110.0]), rules).legs_count
    0
    """
    is_way = (straight_km >= rules.own_leg_km_min) & (road_km >= straight_km)
    is_way &= road_km <= rules.own_leg_ratio_max * straight_km
    straight_km, road_km = straight_km[is_way], road_km[is_way]
    if len(road_km) < rules.own_legs_count_min:
        return Detour(rules.detour_ratio, rules.detour_standard_share, 0)
    ratio = float(road_km.sum() / straight_km.sum())
    square = np.average((road_km / straight_km - ratio) ** 2, weights=straight_km)
    return Detour(ratio, float(np.sqrt(square)) / ratio, len(road_km))


@dataclass(frozen=True)
class UsualDriving:
    """How trucks are usually driven, loaded and empty.

    Attributes
    ----------
    per_km : DataFrame
        Index truck and state; what a kilometre adds to the columns of a leg. The truck ``""``
        stands for the fleet.
    """

    per_km: pd.DataFrame

    @classmethod
    def of_legs(cls, legs: pd.DataFrame, *, usual_km_min: float) -> UsualDriving:
        """The means of the legs of a fleet; of a truck with few kilometres those of the fleet.

        Parameters
        ----------
        legs : DataFrame
            `frames.LEGS` of closed months; none is fine.
        usual_km_min : float
            Fewest seen kilometres in a state from which a truck's own are taken. [km]
        """
        named = legs.assign(state=np.where(legs["state"] == "loaded", "loaded", "empty"))
        own, seen_km = _per_km(named)
        all_of_it, _ = _per_km(named.assign(vehicle_id=""))
        return cls(pd.concat([own.loc[seen_km >= usual_km_min], all_of_it]))

    def rows_for(self, vehicle_ids: Sequence[str], states: Sequence[str]) -> pd.DataFrame:
        """The means of each truck and state; missing where the fleet has none."""
        wanted = pd.MultiIndex.from_arrays([list(vehicle_ids), list(states)])
        place = self.per_km.index.get_indexer(wanted)
        of_fleet = pd.MultiIndex.from_arrays([[""] * len(wanted), list(states)])
        place = np.where(place >= 0, place, self.per_km.index.get_indexer(of_fleet))
        nothing = pd.DataFrame(np.nan, index=[-1], columns=self.per_km.columns)
        rows = pd.concat([self.per_km.reset_index(drop=True), nothing], ignore_index=True)
        return rows.iloc[place].reset_index(drop=True)


def _per_km(legs: pd.DataFrame) -> tuple[pd.DataFrame, Column]:
    km = legs["distance_km"].astype("float64")
    is_seen = legs["moving_h"].notna()
    keys = [legs["vehicle_id"].astype(object), legs["state"].astype(object)]

    def total(column: pd.Series[float]) -> pd.Series[float]:
        return column.groupby(keys, sort=True).sum()

    sums = {}
    for name in (*_ALONG, _AMBIENT):
        column = legs[name].astype("float64")
        is_told = column.notna() & (is_seen | (name in _ALWAYS_TOLD))
        whole_km = total(km.where(is_told, 0.0))
        amount = column * km if name == _AMBIENT else column
        sums[name] = total(amount.where(is_told, 0.0)) / whole_km.where(whole_km > 0)
    frame = pd.DataFrame(sums, columns=[*_ALONG, _AMBIENT], dtype=np.float64)
    seen_km = total(km.where(is_seen, 0.0)).to_numpy(np.float64)
    return frame, np.asarray(seen_km, dtype=np.float64)


@dataclass(frozen=True)
class PlannedOrder:
    """The order that would be driven.

    Attributes
    ----------
    order_id, weight_source : str
        What it is called, and how its weight is known.
    cargo_t, great_circle_km : float
        Mass and shortest way. [t], [km]
    pickup_at : datetime
        Planned loading, aware.
    """

    order_id: str
    weight_source: str
    cargo_t: float
    great_circle_km: float
    pickup_at: datetime


@dataclass(frozen=True)
class PlannedTrips:
    """What trucks would drive for the order, one row per truck.

    Attributes
    ----------
    vehicle_id, driver_id : tuple of str
        Who; the driver is empty if not known.
    empty_km, loaded_km : ndarray of float, shape (n,)
        Kilometres it adds, without and with cargo. [km]
    work_tkm : ndarray of float, shape (n,)
        Transport work it adds. [tkm]
    onboard_km : ndarray of float, shape (n,)
        Kilometres with the order aboard. [km]
    """

    vehicle_id: tuple[str, ...]
    driver_id: tuple[str, ...]
    empty_km: Column
    loaded_km: Column
    work_tkm: Column
    onboard_km: Column


@dataclass(frozen=True)
class Expected:
    """What the trips would come to, rows as given.

    Attributes
    ----------
    accounts : DataFrame
        `frames.ACCOUNTS`: each trip as an account of its own.
    intervals : DataFrame
        `frames.INTERVALS` of them.
    approach_l, trip_l : ndarray of float, shape (n,)
        Diesel without and with cargo; NaN where the truck has no diesel model. [l]
    fuel_source : list of str
        Rung of the fuel hierarchy.
    """

    accounts: pd.DataFrame
    intervals: pd.DataFrame
    approach_l: Column
    trip_l: Column
    fuel_source: list[str]


def told_apart(orders: pd.DataFrame, vehicle_ids: Sequence[str]) -> pd.DataFrame:
    """`frames.ORDERS` with every order once for each truck: the `orders` of a context.

    Each trip is an account of its own, with an order of its own.
    """
    rows = orders.loc[orders.index.repeat(len(vehicle_ids))].reset_index(drop=True)
    trucks = list(vehicle_ids) * len(orders)
    order_ids = [
        trip_id(str(order_id), vehicle_id)
        for order_id, vehicle_id in zip(rows["order_id"].tolist(), trucks, strict=True)
    ]
    return rows.assign(order_id=pd.array(order_ids, dtype="string"), vehicle_id=trucks)


def trip_id(order_id: str, vehicle_id: str) -> str:
    """What an order is called while a truck would drive it."""
    return f"{order_id}\n{vehicle_id}"


def expect(
    trips: PlannedTrips, order: PlannedOrder, usual: UsualDriving, *, context: AccountContext
) -> Expected:
    """Account for trips that were not driven, each by itself.

    Parameters
    ----------
    trips : PlannedTrips
        Of different trucks, n rows.
    order : PlannedOrder
        What for.
    usual : UsualDriving
        How the trucks are usually driven; without it the flat rates of their classes hold.
    context : AccountContext
        As of the month of loading, with `foresight`, and with orders `told_apart`.

    Notes
    -----
    The driven side counts no kilometre that other orders are spared: what is below zero is zero,
    so that the saving is rather too low. The activity is that of a closing: cargo times the
    shorter of the way and the edition's distance cap.
    """
    legs = _legs(trips, order, usual, context)
    fuel = fuel_of_month(legs, RECEIPTS.empty(), context.fuel)
    quantified = quantify_legs(legs, fuel, context=context)
    # No kilometre was seen; the profile above only says how it would be driven.
    unseen = quantified.assign(imputed_km=quantified["distance_km"])
    found: Accounted = compose_accounts(
        unseen,
        _leg_orders(legs, trips, order),
        _order_results(trips, order),
        fuel=fuel,
        context=context,
    )
    keys = pd.MultiIndex.from_frame(found.accounts[["driver_id", "vehicle_id"]].astype(object))
    place = keys.get_indexer(pd.MultiIndex.from_arrays([trips.driver_id, trips.vehicle_id]))
    accounts = found.accounts.iloc[place].reset_index(drop=True)
    litres = quantified["diesel_l"].to_numpy(np.float64)
    trucks = pd.Index(trips.vehicle_id).get_indexer(pd.Index(legs["vehicle_id"].astype(object)))
    approach_l, trip_l = (
        np.bincount(trucks, np.where(legs["state"] == state, litres, 0.0), len(place))
        for state in _STATES
    )
    sources = [fuel.trucks[vehicle_id].source for vehicle_id in trips.vehicle_id]
    return Expected(
        accounts,
        found.intervals,
        approach_l.astype(np.float64),
        trip_l.astype(np.float64),
        sources,
    )


def _legs(
    trips: PlannedTrips, order: PlannedOrder, usual: UsualDriving, context: AccountContext
) -> pd.DataFrame:
    """`frames.LEGS`: the way without cargo, if there is one, and the way with."""
    count = len(trips.vehicle_id)
    km = np.concatenate([np.maximum(trips.empty_km, 0.0), np.maximum(trips.loaded_km, _KM_PER_M)])
    state = np.repeat(_STATES, count)
    order_ids = [trip_id(order.order_id, vehicle_id) for vehicle_id in trips.vehicle_id]
    is_loaded = state == "loaded"
    work_tkm = np.where(is_loaded, np.tile(np.maximum(trips.work_tkm, 0.0), 2), 0.0)
    rules = context.edition.rules("legs")
    cap_km = rules["cap_great_circle_factor"] * order.great_circle_km + rules["cap_allowance_km"]
    activity_tkm = order.cargo_t * np.minimum(np.tile(trips.onboard_km, 2), cap_km)
    begins = order.pickup_at
    before, after = begins - timedelta(hours=1), begins + timedelta(hours=1)
    means = usual.rows_for([*trips.vehicle_id] * 2, state.tolist())
    along = {name: means[name].to_numpy(np.float64) * km for name in _ALONG}
    legs = pd.DataFrame(
        {
            "vehicle_id": [*trips.vehicle_id] * 2,
            "driver_id": [*trips.driver_id] * 2,
            "started_at": [before] * count + [begins] * count,
            "finished_at": [begins] * count + [after] * count,
            "state": state,
            "purpose": np.where(is_loaded, "delivery", "search"),
            "order_ids": [""] * count + order_ids,
            "payload_t": work_tkm / np.maximum(km, _KM_PER_M),
            "distance_km": km,
            **along,
            **{name: np.nan_to_num(along[name]) for name in _ALWAYS_TOLD},
            "stops_count": np.round(np.nan_to_num(along["stops_count"])),
            _AMBIENT: means[_AMBIENT].to_numpy(np.float64),
            "transport_work_tkm": work_tkm,
            "activity_tkm": np.where(is_loaded, activity_tkm, 0.0),
            "great_circle_tkm": np.where(is_loaded, order.cargo_t * order.great_circle_km, 0.0),
            **dict.fromkeys(("imputed_km", "gap_h", "overweight_tkm", "car_like_km"), 0.0),
            **dict.fromkeys(("from_lon", "from_lat", "to_lon", "to_lat"), 0.0),
            "reason_code": "planned",
            "distance_source": "plan",
            "confidence_share": 0.0,
            "trace_version": "",
        }
    )
    return LEGS.shape(legs.loc[is_loaded | (km > 0)].reset_index(drop=True))


def _leg_orders(legs: pd.DataFrame, trips: PlannedTrips, order: PlannedOrder) -> pd.DataFrame:
    loaded = legs.loc[(legs["state"] == "loaded").to_numpy(bool)]
    return LEG_ORDERS.shape(
        pd.DataFrame(
            {
                "vehicle_id": loaded["vehicle_id"].to_numpy(object),
                "started_at": loaded["started_at"].to_numpy(),
                "order_id": loaded["order_ids"].to_numpy(object),
                "cargo_t": order.cargo_t,
                "onboard_km": trips.onboard_km,
                "activity_tkm": loaded["activity_tkm"].to_numpy(np.float64),
                "weight_source": order.weight_source,
            }
        )
    )


def _order_results(trips: PlannedTrips, order: PlannedOrder) -> pd.DataFrame:
    """The order once per truck: each trip is an account of its own."""
    return ORDER_RESULTS.shape(
        pd.DataFrame(
            {
                "order_id": [trip_id(order.order_id, name) for name in trips.vehicle_id],
                "vehicle_id": list(trips.vehicle_id),
                "driver_id": list(trips.driver_id),
                "status": "planned",
                "matched": True,
                "reason_code": "planned",
                "cargo_t": order.cargo_t,
                "onboard_km": trips.onboard_km,
                "great_circle_km": order.great_circle_km,
                "confidence_share": 0.0,
            }
        )
    )
