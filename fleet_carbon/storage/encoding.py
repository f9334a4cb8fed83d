"""Rows of a frame to the integers of a segment, with identifiers as numbers of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from fleet_carbon.storage.segments import (
    DRIVER,
    KEYS,
    QUANTITIES,
    SCHEMA,
    VEHICLE,
    Floats,
    Int32s,
    Int64s,
    encode_quantity,
)


class Identifiers:
    """Identifiers in the order in which they were met, and the number of each."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._ranks = np.zeros(0, dtype=np.int64)

    def numbers_of(self, column: pd.Series[Any]) -> tuple[Int32s, npt.NDArray[np.bool_]]:
        """Number of every row's identifier, and whether it has one, shape (n_rows,) both."""
        held = column.astype("category").array
        local = held.codes
        has_one = local >= 0
        # A dictionary may have words that no row has.
        there = local if has_one.all() else local[has_one]
        occurs = np.bincount(there, minlength=len(held.categories)) > 0
        lookup = np.zeros(len(held.categories) + 1, dtype=np.int32)
        words = held.categories.to_numpy()[occurs].tolist()
        for name in set(words).difference(self._numbers):
            self._numbers[name] = len(self.names)
            self.names.append(name)
        lookup[:-1][occurs] = list(map(self._numbers.__getitem__, words))
        return lookup.take(local), has_one

    def ranks(self) -> Int64s:
        """Rank of every identifier among those met so far, shape (n_names,).

        New trucks get their codes in the order of their identifiers, so that trucks which are
        worked on together stand together.
        """
        if len(self._ranks) < len(self.names):
            self._ranks = np.empty(len(self.names), dtype=np.int64)
            in_order = sorted(range(len(self.names)), key=self.names.__getitem__)
            self._ranks[in_order] = np.arange(len(self.names))
        return self._ranks


def encoded_columns(
    vehicles: Int32s,
    keys: Iterable[Any],
    *,
    signals: Mapping[str, Floats],
    drivers: Int32s | None,
) -> tuple[dict[str, Any], dict[str, int]]:
    """Fixes as the columns of a segment.

    Parameters
    ----------
    vehicles, drivers : int32 arrays, shape (n_rows,)
        Numbers of identifiers; -1 where there is no driver.
    keys : integer arrays, shape (n_rows,) each
        Moments [ms], longitudes and latitudes [1e-6 degree].
    signals : mapping of str to float64 array
        By column of `frames.POSITIONS`, NaN where missing.

    Returns
    -------
    columns : dict of str to pa.Array
    unstorable : dict of str to int
        By column, values too large to be a measurement, which count as missing.
    """
    columns: dict[str, Any] = {VEHICLE: pa.array(vehicles)}
    for name, values in zip(KEYS, keys, strict=True):
        kind = SCHEMA.field(name).type
        held = pa.array(values)
        columns[name] = held if held.type == kind else held.cast(kind)
    unstorable: dict[str, int] = {}
    for item in QUANTITIES:
        if item.column in signals:
            encoded, count = encode_quantity(signals[item.column], item)
            unstorable |= {item.column: count} if count else {}
            columns |= {item.stored: encoded} if encoded is not None else {}
    if drivers is not None and drivers.max(initial=-1) >= 0:
        columns[DRIVER] = pa.array(drivers, mask=drivers < 0)
    return columns, unstorable


class FixEncoder:
    """Makes integers of fixes that come in pieces.

    Attributes
    ----------
    vehicles, drivers : Identifiers
        Those that were met.
    columns_met : set of str
        Columns of a segment that any piece had.
    unstorable : dict of str to int
        By column, values too large to be a measurement, which count as missing.
    """

    def __init__(self) -> None:
        self.vehicles = Identifiers()
        self.drivers = Identifiers()
        self.columns_met: set[str] = set()
        self.unstorable: dict[str, int] = {}

    def encoded(self, rows: pd.DataFrame) -> pa.Table:
        """The rows as integers; trucks and drivers are numbers of their identifiers here.

        Parameters
        ----------
        rows : DataFrame
            Columns of `frames.POSITIONS`; optional ones may be absent, others are ignored.
        """
        numbers, is_known = self.vehicles.numbers_of(rows["vehicle_id"])
        if not is_known.all():
            raise ValueError("positions.vehicle_id is required and has missing values")
        signals = {
            item.column: rows[item.column].to_numpy(dtype=np.float64, na_value=np.nan)
            for item in QUANTITIES
            if item.column in rows.columns
        }
        drivers = None
        if "driver_id" in rows.columns and rows["driver_id"].notna().any():
            drivers, has_driver = self.drivers.numbers_of(rows["driver_id"])
            drivers = np.where(has_driver, drivers, np.int32(-1))
        columns, unstorable = encoded_columns(
            numbers, (rows[name].to_numpy() for name in KEYS), signals=signals, drivers=drivers
        )
        for name, count in unstorable.items():
            self.unstorable[name] = self.unstorable.get(name, 0) + count
        self.columns_met.update(columns)
        return pa.table(columns)
