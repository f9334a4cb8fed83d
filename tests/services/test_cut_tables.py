"""Packing the legs of trucks into rows loses nothing and changes nothing."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.frames import (
    DAY,
    FLAG,
    INTEGER,
    LEG_ORDERS,
    LEGS,
    LEVEL_CHANGES,
    MOMENT,
    NUMBER,
    ORDER_RESULTS,
    PURCHASES,
    Column,
    Frame,
)
from fleet_carbon.services.months.cut_tables import CutFacts, CutTables, packed, unpacked

FRAMES = (LEGS, LEG_ORDERS, ORDER_RESULTS, PURCHASES, LEVEL_CHANGES)
_NUMBERS = st.floats(allow_nan=False, width=64)
_VALUES = {
    NUMBER: _NUMBERS,
    INTEGER: st.integers(-(2**53), 2**53),
    FLAG: st.booleans(),
    DAY: st.dates().map(str),
    MOMENT: st.datetimes(
        min_value=pd.Timestamp("1970-01-01").to_pydatetime(),
        max_value=pd.Timestamp("2100-01-01").to_pydatetime(),
    ).map(lambda moment: pd.Timestamp(moment, tz="UTC").floor("ms")),
}


def value_of(column: Column) -> st.SearchStrategy[object]:
    value = _VALUES.get(column.dtype, st.text(max_size=5))
    return value if column.required else st.none() | value


@st.composite
def table_of(draw: st.DrawFn, frame: Frame, vehicle_ids: list[str]) -> pd.DataFrame:
    rows = []
    for vehicle_id in vehicle_ids:
        for _ in range(draw(st.integers(0, 2))):
            row = {column.name: draw(value_of(column)) for column in frame.columns}
            rows.append({**row, "vehicle_id": vehicle_id})
    return frame.shape(pd.DataFrame(rows, columns=frame.names))


@st.composite
def cut_tables(draw: st.DrawFn) -> CutTables:
    names = [f"V{number}" for number in range(draw(st.integers(0, 3)))]
    facts = [
        CutFacts(name, draw(st.integers(0, 9)), 1, {"teleport": draw(st.integers(1, 5))}, "ab")
        for name in names
    ]
    tables = (draw(table_of(frame, names)) for frame in FRAMES)
    return CutTables(facts, *tables)


def packed_as_made(tables: CutTables) -> pa.Table:
    made = {frame.name: frame.table(getattr(tables, frame.name)) for frame in FRAMES}
    return packed(tables.facts, made)


@settings(max_examples=25, deadline=None)
@given(cut_tables())
def test_what_is_packed_comes_back_the_same(tables: CutTables) -> None:
    found = unpacked(packed_as_made(tables))
    assert found.facts == tables.facts
    for frame in FRAMES:
        before, after = getattr(tables, frame.name), getattr(found, frame.name)
        pd.testing.assert_frame_equal(before, after, check_exact=True)


@settings(max_examples=10, deadline=None)
@given(cut_tables())
def test_rows_packed_alone_are_those_packed_together(tables: CutTables) -> None:
    rows = packed_as_made(tables)
    for at, fact in enumerate(tables.facts):
        alone = unpacked(rows.slice(at, 1))
        of_vehicle = tables.legs[tables.legs["vehicle_id"] == fact.vehicle_id]
        pd.testing.assert_frame_equal(of_vehicle.reset_index(drop=True), alone.legs)
