"""Readings of counters that have moments of their own, laid beside the fixes of their device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects.dialect import Piece
from fleet_carbon.ingest.dialects.records import cells_of
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.values import Flags, moments_of

# In it a truck drives a third of a kilometre at most, less than an odometer is read to.
_SAME_MOMENT_MS = 15_000


@dataclass(frozen=True)
class Readings:
    """What a counter of some devices was read as.

    Attributes
    ----------
    devices, times : pyarrow.Array
        Text of each.
    values : list
        As they were sent.
    """

    devices: Column
    times: Column
    values: list[Any]

    def where(self, is_wanted: Flags) -> Readings:
        """Some of them."""
        kept = pa.array(is_wanted)
        values = list(compress(self.values, is_wanted.tolist()))
        return Readings(self.devices.filter(kept), self.times.filter(kept), values)


def laid_beside(
    pieces: Sequence[Piece], name: str, readings: Sequence[Readings], *, profile: SourceProfile
) -> tuple[list[Piece], int]:
    """The pieces with what was read of a counter at the moment of each fix.

    Parameters
    ----------
    pieces : sequence of Piece
        All of a file, with `vehicle_id` and `time` as text.
    name : str
        The column of the counter; what stands in it already stays.
    readings : sequence of Readings
        All of the file.
    profile : SourceProfile
        Zone of moments without one.

    Returns
    -------
    pieces : list of Piece
        Nothing is laid beside a fix where nothing was read within 15 s of it; no reading serves
        twice.
    unused_count : int
        Readings that are of the moment of no fix.
    """
    values = list(chain.from_iterable(one.values for one in readings))
    if not values:
        return list(pieces), 0
    devices, times = (
        _joined([one.columns[key] for one in pieces]) for key in ("vehicle_id", "time")
    )
    read = _moments(
        _joined([one.devices for one in readings]),
        _joined([one.times for one in readings]),
        profile,
    )
    cells: list[Any] = [None] * len(devices)
    fixes, rows = _nearest(_moments(devices, times, profile), read)
    for fix, row in zip(fixes, rows, strict=True):
        cells[fix] = values[row]
    return list(_filled(pieces, name, cells)), len(values) - len(rows)


def _filled(pieces: Sequence[Piece], name: str, cells: list[Any]) -> Iterator[Piece]:
    first = 0
    for piece in pieces:
        near = cells[first : first + len(piece.lines)]
        first += len(near)
        if name in piece.columns:
            told = piece.columns[name].to_pylist()
            near = [two if one is None else one for one, two in zip(told, near, strict=True)]
        yield replace(piece, columns={**piece.columns, name: cells_of(near)})


def _joined(columns: Sequence[Column]) -> Column:
    return pa.concat_arrays([one.cast(pa.string()) for one in columns])


def _nearest(at: pd.DataFrame, read: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Fixes with a reading, and the reading of each."""
    if at.empty or read.empty:
        return [], []
    near = pd.merge_asof(
        read,
        at.assign(fix_ms=at["at_ms"]),
        on="at_ms",
        by="device",
        direction="nearest",
        tolerance=_SAME_MOMENT_MS,
        suffixes=("", "_of_fix"),
    ).dropna(subset=["row_of_fix"])
    nearest = near.assign(gap_ms=(near["at_ms"] - near["fix_ms"]).abs()).sort_values(
        ["gap_ms", "row"], kind="stable"
    )
    chosen = nearest.drop_duplicates("row_of_fix")
    return chosen["row_of_fix"].astype(int).tolist(), chosen["row"].tolist()


def _moments(devices: Column, times: Column, profile: SourceProfile) -> pd.DataFrame:
    """Those with a device and a moment that can be read, in the order of moments."""
    found = moments_of(times, profile.zone)
    told = pd.DataFrame(
        {
            "device": pd.array(devices.to_pylist(), dtype="object"),
            "at_ms": found.values_ms,
            "row": np.arange(len(devices)),
        }
    )
    known = told[~(found.missing | found.bad) & told["device"].notna().to_numpy()]
    return known.sort_values(["at_ms", "row"], kind="stable")
