"""The legs of some trucks as one table with a row per truck, and back.

A row can be kept, sent between machines and joined with others without a look at what is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from fleet_carbon.frames import (
    LEG_ORDERS,
    LEGS,
    LEVEL_CHANGES,
    ORDER_RESULTS,
    PURCHASES,
    Frame,
)

_NESTED: tuple[Frame, ...] = (LEGS, LEG_ORDERS, ORDER_RESULTS, PURCHASES, LEVEL_CHANGES)
VEHICLE = "vehicle_id"


@dataclass(frozen=True)
class CutFacts:
    """What is told of one truck beside its legs.

    Attributes
    ----------
    vehicle_id : str
        Truck.
    fixes_count, fixes_in_month_count : int
        Fixes read in the window; those of them that lie in the month itself.
    dropped : dict of str to int
        Fixes dropped by reason.
    trace_version : str
        Digest of the fixes.
    """

    vehicle_id: str
    fixes_count: int
    fixes_in_month_count: int
    dropped: dict[str, int]
    trace_version: str


@dataclass(frozen=True)
class CutTables:
    """The tables of several trucks, in the order of the trucks."""

    facts: list[CutFacts]
    legs: pd.DataFrame
    leg_orders: pd.DataFrame
    order_results: pd.DataFrame
    purchases: pd.DataFrame
    level_changes: pd.DataFrame


_FACTS = pa.schema(
    [
        pa.field(VEHICLE, pa.string()),
        pa.field("fixes_count", pa.int64()),
        pa.field("fixes_in_month_count", pa.int64()),
        pa.field("dropped", pa.map_(pa.string(), pa.int64())),
        pa.field("trace_version", pa.string()),
    ]
)


def packed(facts: Sequence[CutFacts], tables: Mapping[str, pa.Table]) -> pa.Table:
    """One row per truck, its legs, orders, purchases and changes of level as lists in it.

    Parameters
    ----------
    facts : sequence of CutFacts
        The trucks.
    tables : mapping of str to pa.Table
        The frames of `CutTables` by name, rows in the order of the trucks.
    """
    vehicle_ids = [fact.vehicle_id for fact in facts]
    columns = {
        field.name: pa.array(
            [
                sorted(fact.dropped.items()) if field.name == "dropped" else vars(fact)[field.name]
                for fact in facts
            ],
            field.type,
        )
        for field in _FACTS
    }
    for frame in _NESTED:
        columns[frame.name] = _nested(tables[frame.name], vehicle_ids)
    return pa.table(columns)


def unpacked(rows: pa.Table) -> CutTables:
    """The tables of all trucks of packed rows, in the order of the rows."""
    told = rows.select(_FACTS.names).to_pylist()
    facts = [CutFacts(**{**fact, "dropped": dict(fact["dropped"])}) for fact in told]
    flat = {frame.name: _flat(rows, frame) for frame in _NESTED}
    return CutTables(facts, **flat)


def _nested(rows: pa.Table, vehicle_ids: Sequence[str]) -> pa.ListArray:
    """A list per truck of its rows, which stand in the order of the trucks."""
    found = rows.column(VEHICLE).value_counts()
    count_of = dict(zip(*(found.field(at).to_pylist() for at in range(2)), strict=True))
    counts = [count_of.get(vehicle_id, 0) for vehicle_id in vehicle_ids]
    if sum(counts) != rows.num_rows:
        raise AssertionError("rows of a truck that is not among those cut")
    columns = [_one_array(column) for column in rows.columns]
    structs = pa.StructArray.from_arrays(columns, fields=list(rows.schema))
    offsets = np.cumsum([0, *counts]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), structs)


def _flat(rows: pa.Table, frame: Frame) -> pd.DataFrame:
    structs = _one_array(rows.column(frame.name)).flatten()
    table = pa.Table.from_arrays(structs.flatten(), schema=pa.schema(list(structs.type)))
    return frame.shape(table.to_pandas())


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
