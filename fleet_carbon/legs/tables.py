"""The tables of the house, from the columns of many trucks at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fleet_carbon import frames
from fleet_carbon.legs import columns
from fleet_carbon.legs.columns import VehicleLegs

# Column of codes -> column of the table, and its words.
_CODED = {
    "state": ("state", columns.STATES),
    "purpose": ("purpose", columns.PURPOSES),
    "source": ("distance_source", columns.SOURCES),
    "weight_reason": ("weight_reason", columns.WEIGHT_REASONS),
}


@dataclass(frozen=True)
class LegTables:
    """Tables of the contract, vehicle by vehicle.

    Attributes
    ----------
    legs, leg_orders, order_results : pa.Table
        `frames.LEGS` without fuel, `frames.LEG_ORDERS`, `frames.ORDER_RESULTS`.
    """

    legs: pa.Table
    leg_orders: pa.Table
    order_results: pa.Table


def gather(cuts: Sequence[VehicleLegs]) -> LegTables:
    """Make the tables of any number of trucks.

    Parameters
    ----------
    cuts : sequence of VehicleLegs
        One per truck; the rows of the tables come in their order.

    Returns
    -------
    LegTables
        The same rows as if each truck had been made into tables alone.
    """
    if not cuts:
        empty = (frames.LEGS, frames.LEG_ORDERS, frames.ORDER_RESULTS)
        return LegTables(*(frame.schema.empty_table() for frame in empty))
    vehicle_ids = _texts([cut.vehicle_id for cut in cuts])
    trucks = np.arange(len(cuts))
    legs = _joined([cut.legs for cut in cuts], columns.LEG_REASONS)
    legs_count = np.array([len(cut.legs.started_ms) for cut in cuts])
    truck = np.repeat(trucks, legs_count)
    legs["vehicle_id"] = vehicle_ids.take(pa.array(truck))
    legs["trace_version"] = _texts([cut.trace_version for cut in cuts]).take(pa.array(truck))
    leg_orders = _joined([cut.leg_orders for cut in cuts], ())
    begins = np.cumsum(legs_count) - legs_count
    loads_count = [len(cut.leg_orders.leg) for cut in cuts]
    leg = (leg_orders.pop("leg") + np.repeat(begins, loads_count)).astype(np.int64)
    legs["order_ids"] = _order_ids(leg, leg_orders["order_id"], len(legs["vehicle_id"]))
    leg_orders["started_at"] = legs["started_at"][leg]
    leg_orders["vehicle_id"] = vehicle_ids.take(pa.array(np.repeat(trucks, loads_count)))
    results = _joined([cut.order_results for cut in cuts], columns.ORDER_REASONS)
    results_count = [len(cut.order_results.order_id) for cut in cuts]
    results["vehicle_id"] = vehicle_ids.take(pa.array(np.repeat(trucks, results_count)))
    return LegTables(
        frames.LEGS.table(legs),
        frames.LEG_ORDERS.table(leg_orders),
        frames.ORDER_RESULTS.table(results),
    )


def _texts(texts: Sequence[str]) -> pa.Array:
    """Texts in the form of the contract: each is made once, however many rows take it."""
    return pa.array(texts, pa.large_string())


def _joined(parts: Sequence[Any], reasons: tuple[str, ...]) -> dict[str, Any]:
    """Columns of all trucks one after the other, codes as words, moments as such."""
    coded = _CODED | {"reason": ("reason_code", reasons)}
    joined: dict[str, Any] = {}
    for field in fields(parts[0]):
        values = np.concatenate([getattr(part, field.name) for part in parts])
        if field.name in coded:
            name, words = coded[field.name]
            joined[name] = _texts(words).take(pa.array(values))
        elif field.name.endswith("_ms"):
            joined[field.name.removesuffix("_ms") + "_at"] = values.astype("datetime64[ms]")
        else:
            joined[field.name] = values
    return joined


def _order_ids(
    leg: NDArray[np.int64], order_id: NDArray[np.object_], legs_count: int
) -> NDArray[np.object_]:
    """The orders aboard each leg, separated by semicolons. shape (n_legs,)"""
    texts = np.full(legs_count, "", dtype=object)
    texts[leg] = order_id
    aboard_count = np.bincount(leg, minlength=legs_count)
    ends = np.cumsum(aboard_count)
    for row in np.flatnonzero(aboard_count > 1):
        texts[row] = ";".join(sorted(order_id[ends[row] - aboard_count[row] : ends[row]]))
    return texts
