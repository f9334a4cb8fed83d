"""The orders of many trucks as columns, and the part of them that concerns one truck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Geod

from fleet_carbon.frames import epoch_ms, weight_codes
from fleet_carbon.legs.columns import OrderPlans

_ELLIPSOID = Geod(ellps="WGS84")
_ENDS = ("pickup", "delivery")
_UDEG_PER_DEG = 1e6


@dataclass(frozen=True)
class OrderRows:
    """Orders as columns, by planned loading, planned unloading and identifier.

    Attributes
    ----------
    order_id, driver_id, status : object array, shape (n,)
        Identifier; driver the order was given to, None if not said; status.
    id_rank : int64 array, shape (n,)
        Ascending as the identifiers are.
    plans : OrderPlans
        What the orders ask for.
    """

    order_id: NDArray[np.object_]
    driver_id: NDArray[np.object_]
    status: NDArray[np.object_]
    id_rank: NDArray[np.int64]
    plans: OrderPlans

    def __len__(self) -> int:
        return len(self.order_id)

    def take(self, rows: slice | NDArray[np.int64]) -> OrderRows:
        """These rows."""
        return OrderRows(
            self.order_id[rows],
            self.driver_id[rows],
            self.status[rows],
            self.id_rank[rows],
            self.plans.take(rows),
        )


@dataclass(frozen=True)
class Orders:
    """The orders of one truck.

    Attributes
    ----------
    rows : OrderRows
        Those in force first; behind them the cancelled ones, which are only listed.
    active_count : int
        How many are in force.
    """

    rows: OrderRows
    active_count: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def active(self) -> OrderRows:
        """Those that were not cancelled."""
        return self.rows.take(slice(0, self.active_count))


@dataclass(frozen=True)
class OrderBook:
    """The orders of many trucks, those of one truck in a row.

    Attributes
    ----------
    vehicle_ids : tuple of str
        Trucks that have orders, ascending.
    first : int64 array, shape (2 n_vehicles + 1,)
        Rows of truck v: in force from `first[2 v]`, cancelled from `first[2 v + 1]`.
    rows : OrderRows
        All orders.
    """

    vehicle_ids: tuple[str, ...]
    first: NDArray[np.int64]
    rows: OrderRows

    @classmethod
    def from_frame(cls, orders: pd.DataFrame) -> OrderBook:
        """Columns of the orders of any number of trucks.

        Parameters
        ----------
        orders : pd.DataFrame
            Rows of `frames.ORDERS`, each order once, in any order.
        """
        vehicle, vehicle_ids = pd.factorize(orders["vehicle_id"], sort=True)
        id_rank = pd.factorize(orders["order_id"], sort=True)[0].astype(np.int64)
        is_cancelled = (orders["status"] == "cancelled").to_numpy(dtype=bool)
        planned_ms = [epoch_ms(orders[f"{end}_time"]) for end in _ENDS]
        block = 2 * vehicle + is_cancelled
        by_plan = np.lexsort((id_rank, planned_ms[1], planned_ms[0], block))
        rows = OrderRows(
            order_id=_texts(orders["order_id"]),
            driver_id=_texts(orders["driver_id"]),
            status=_texts(orders["status"]),
            id_rank=id_rank,
            plans=_plans_of(orders, planned_ms),
        )
        first = np.searchsorted(block[by_plan], np.arange(2 * len(vehicle_ids) + 1))
        return cls(tuple(map(str, vehicle_ids)), first.astype(np.int64), rows.take(by_plan))

    def of_vehicle(self, vehicle_id: str) -> Orders:
        """The orders of one truck, none if it has none: views, nothing is copied."""
        at = self._place.get(vehicle_id)
        if at is None:
            return Orders(self.rows.take(slice(0, 0)), 0)
        begin, cancelled, end = self.first[2 * at : 2 * at + 3].tolist()
        return Orders(self.rows.take(slice(begin, end)), cancelled - begin)

    def of_vehicles(self, vehicle_ids: Sequence[str]) -> OrderBook:
        """The book of some trucks alone, to be sent to who works on them."""
        wanted = sorted(self._place[name] for name in set(vehicle_ids) if name in self._place)
        sizes = np.diff(self.first)
        blocks = np.array([[2 * at, 2 * at + 1] for at in wanted], dtype=np.int64).ravel()
        first = np.concatenate([[0], np.cumsum(sizes[blocks])]).astype(np.int64)
        rows = np.repeat(self.first[blocks] - first[:-1], sizes[blocks]) + np.arange(first[-1])
        names = tuple(self.vehicle_ids[at] for at in wanted)
        return OrderBook(names, first, self.rows.take(rows))

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.vehicle_ids)}


def _texts(column: pd.Series) -> NDArray[np.object_]:
    """Text as plain strings, None where missing."""
    texts = column.astype(object).to_numpy(copy=True)
    texts[column.isna().to_numpy(dtype=bool)] = None
    return texts


def _plans_of(orders: pd.DataFrame, planned_ms: Sequence[NDArray[np.int64]]) -> OrderPlans:
    """Numbers of the orders, in their order.

    Great circles are geodesics on the WGS-84 ellipsoid (Karney, Algorithms for geodesics,
    J. Geodesy 87, 2013, 43-55).
    """

    def of_ends(name: str) -> NDArray[np.float64]:
        return np.column_stack([orders[f"{end}_{name}"].to_numpy(float) for end in _ENDS])

    lon, lat = of_ends("lon"), of_ends("lat")
    great_circle_m = _ELLIPSOID.inv(lon[:, 0], lat[:, 0], lon[:, 1], lat[:, 1])[2]
    return OrderPlans(
        cargo_t=orders["cargo_t"].to_numpy(float),
        great_circle_km=np.asarray(great_circle_m) / 1000.0,
        planned_ms=np.column_stack(planned_ms),
        lon_udeg=lon * _UDEG_PER_DEG,
        lat_udeg=lat * _UDEG_PER_DEG,
        uncertainty_km=of_ends("uncertainty_km"),
        weight_source=weight_codes(orders["weight_source"]),
    )
