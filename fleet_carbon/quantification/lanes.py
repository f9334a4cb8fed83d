"""Where each driver drove and for whom: kilometres and work of a month by order and by lane.

A lane leads from a region of loading to one of unloading and has a distance band; regions are
cells of a grid, so that no service has to be asked. Empty and unknown kilometres stand with the
load they led to, as the diesel of an approach does (methodology note, section 1.2); what follows
the last load of a month stands with that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import LANES
from fleet_carbon.periods import Month
from fleet_carbon.quantification.allocation import legs_for_orders
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.fuel import TruckFuel
from fleet_carbon.quantification.grouping import Groups, grouped

BANDS = ("local", "short", "middle", "long")
LANE = ("origin", "destination", "distance_band")
_STATES = ("loaded", "empty", "unknown")
_FIGURES = (*(f"{state}_km" for state in _STATES), "transport_work_tkm")


@dataclass(frozen=True)
class LaneRules:
    """Section `lanes` of an edition."""

    region_deg: float
    local_km_max: float
    short_km_max: float
    middle_km_max: float


@dataclass(frozen=True)
class OrderRegions:
    """Regions of loading and unloading by order, found once for a month.

    Attributes
    ----------
    order_ids : Index of str
        Orders.
    origin, destination : ndarray of str
        Their regions, named by the south-west corner of the cell, such as ``N30E114``.
    """

    order_ids: pd.Index[Any]
    origin: NDArray[np.object_]
    destination: NDArray[np.object_]

    @classmethod
    def of_orders(cls, orders: pd.DataFrame, edition: Edition) -> OrderRegions:
        """The regions of `frames.ORDERS`, in the grid of the edition's section `lanes`."""
        origin, destination = (regions_of(orders, end, edition) for end in ("pickup", "delivery"))
        return cls(pd.Index(orders["order_id"].astype(object)), origin, destination)


@dataclass(frozen=True)
class Driven:
    """What was driven in a month for which load.

    Attributes
    ----------
    orders : DataFrame
        One row per driver, truck and order: the lane, `great_circle_km`, `cargo_t` and the
        kilometres and work of `frames.LANES`; the order is empty where no load was aboard or
        led to.
    lanes : DataFrame
        `frames.LANES`: their sums by lane.
    """

    orders: pd.DataFrame
    lanes: pd.DataFrame


def drive_by_lane(
    legs: pd.DataFrame,
    leg_orders: pd.DataFrame,
    order_results: pd.DataFrame,
    *,
    regions: OrderRegions,
    trucks: Mapping[str, TruckFuel],
    month: Month,
    edition: Edition,
) -> Driven:
    """Give the kilometres of every leg to the orders they were driven for, and sum by lane.

    Parameters
    ----------
    legs, leg_orders, order_results : DataFrame
        `frames.LEGS`, `frames.LEG_ORDERS`, `frames.ORDER_RESULTS` of some trucks.
    regions : OrderRegions
        Of all orders of the month.
    trucks : mapping of str to TruckFuel
        Class and rated payload by vehicle_id.
    month : Month
        The month accounted.
    edition : Edition
        Section `lanes`.

    Returns
    -------
    driven : Driven
        Sorted by driver, truck and lane. Kilometres and work of a driver and truck add up to
        those of the account; several orders aboard share a leg, and the way to it, by their
        tonne-kilometres on it.
    """
    leg, order, share, order_ids = legs_for_orders(legs, leg_orders)
    of_leg = [legs[name].astype("string").take(leg) for name in ("driver_id", "vehicle_id")]
    ids = pd.Series(np.append(order_ids.astype(object), ""), dtype="string").take(order)
    by_order = grouped(*of_leg, ids)
    leg_km = legs["distance_km"].to_numpy(np.float64)
    state = legs["state"].to_numpy(object)
    amounts = {f"{name}_km": np.where(state == name, leg_km, 0.0) for name in _STATES}
    amounts["transport_work_tkm"] = legs["transport_work_tkm"].to_numpy(np.float64)
    rows = pd.DataFrame(
        {
            **_texts(by_order, ("driver_id", "vehicle_id", "order_id")),
            **{name: by_order.sums(figures[leg] * share) for name, figures in amounts.items()},
        }
    )
    rows = _with_lanes(rows, order_results, regions, fill_rules(edition, "lanes", LaneRules))
    return Driven(rows, _lanes(rows, trucks, month))


def _with_lanes(
    rows: pd.DataFrame, order_results: pd.DataFrame, regions: OrderRegions, rules: LaneRules
) -> pd.DataFrame:
    """The rows with the lane, the distance and the cargo of their order; empty without one."""
    place = regions.order_ids.get_indexer(pd.Index(rows["order_id"].astype(object)))
    result = pd.Index(order_results["order_id"].astype(object)).get_indexer(
        pd.Index(rows["order_id"].astype(object))
    )
    found = {
        name: np.append(order_results[name].to_numpy(np.float64), np.nan)[result]
        for name in ("great_circle_km", "cargo_t")
    }
    return rows.assign(
        origin=np.append(regions.origin, "")[place],
        destination=np.append(regions.destination, "")[place],
        distance_band=distance_bands(found["great_circle_km"], rules),
        **found,
    )


def _lanes(rows: pd.DataFrame, trucks: Mapping[str, TruckFuel], month: Month) -> pd.DataFrame:
    """Sums by lane; what nobody drove is no lane."""
    key = ("driver_id", "vehicle_id", *LANE)
    by_lane = grouped(*(pd.Series(rows[name], dtype="string") for name in key))
    lanes = pd.DataFrame(
        {
            **_texts(by_lane, key),
            "orders_count": by_lane.counts((rows["order_id"] != "").to_numpy(bool)),
            **{name: by_lane.sums(rows[name].to_numpy(np.float64)) for name in _FIGURES},
        }
    )
    of = [trucks[vehicle_id] for vehicle_id in lanes["vehicle_id"].tolist()]
    payload_t = np.array([truck.rated_payload_t for truck in of], dtype=np.float64)
    lanes["month"] = str(month)
    lanes["vehicle_class"] = [class_of_work(truck) for truck in of]
    lanes["capacity_tkm"] = payload_t * lanes["loaded_km"].to_numpy(np.float64)
    is_driven = lanes[[f"{state}_km" for state in _STATES]].to_numpy(np.float64).sum(axis=1) > 0
    return LANES.shape(lanes.loc[is_driven])


def distance_bands(great_circle_km: NDArray[np.float64], rules: LaneRules) -> NDArray[np.object_]:
    """The band of each order by its great circle; empty where that is not known.

    Parameters
    ----------
    great_circle_km : ndarray of float
        Between loading and unloading. [km]
    rules : LaneRules
        Where the bands end.
    """
    limits_km = (rules.local_km_max, rules.short_km_max, rules.middle_km_max)
    band = np.minimum(np.searchsorted(limits_km, great_circle_km, side="right"), len(BANDS) - 1)
    return np.where(np.isnan(great_circle_km), "", np.array(BANDS, dtype=object)[band])


def class_of_work(truck: TruckFuel) -> str:
    """The class whose work is compared: that of the edition, by payload where none is named."""
    return truck.class_ids[-1] if truck.class_ids else ""


def _texts(groups: Groups, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: groups.texts(at) for at, name in enumerate(names)}


def regions_of(orders: pd.DataFrame, end: str, edition: Edition) -> NDArray[np.object_]:
    """Names of the cells of the edition's section `lanes` in which the places of one end lie.

    Parameters
    ----------
    orders : DataFrame
        With longitude and latitude of the end.
    end : str
        ``pickup`` or ``delivery``.
    edition : Edition
        Section `lanes`.
    """
    step_deg = fill_rules(edition, "lanes", LaneRules).region_deg
    places = orders[[f"{end}_lat", f"{end}_lon"]].to_numpy(np.float64)
    cells = np.floor(places / step_deg).astype(np.int64)
    found, place = np.unique(cells, axis=0, return_inverse=True)
    names = [
        f"{'S' if south < 0 else 'N'}{abs(south * step_deg):g}"
        f"{'W' if west < 0 else 'E'}{abs(west * step_deg):g}"
        for south, west in found.tolist()
    ]
    return np.array(names, dtype=object)[place.reshape(-1)]


def months_of_joining(lanes: pd.DataFrame, joined_month: Mapping[str, str]) -> pd.Series[Any]:
    """Of each row the month in which its driver joined, YYYY-MM; "" if that is not known."""
    # As objects: where nobody is known to have joined, nothing would tell that they are texts.
    return lanes["driver_id"].astype(object).map(joined_month).astype(object).fillna("")


def first_days(lanes: pd.DataFrame) -> dict[str, str]:
    """First day of the earliest month of each class, YYYY-MM-DD."""
    first = lanes.groupby("vehicle_class", sort=False)["month"].min()
    return {str(name): f"{earliest}-01" for name, earliest in first.items()}
