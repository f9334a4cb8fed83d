"""Readings of counters that have moments of their own, laid beside the fixes of their device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.values import moments_of

# In it a truck drives a third of a kilometre at most, less than an odometer is read to.
_SAME_MOMENT_MS = 15_000


def laid_beside(
    fixes: tuple[Column, Column],
    readings: tuple[Column, Column],
    values: Sequence[Any],
    *,
    profile: SourceProfile,
) -> tuple[list[Any], int]:
    """For each fix the reading that was made at its moment.

    Parameters
    ----------
    fixes, readings : tuple of pyarrow.Array
        Devices and moments of each.
    values : sequence
        What was read.
    profile : SourceProfile
        Zone of moments without one.

    Returns
    -------
    cells : list
        One for each fix, None where nothing was read within 15 s of it; no reading serves twice.
    unused_count : int
        Readings that are of the moment of no fix.
    """
    cells: list[Any] = [None] * len(fixes[0])
    at, read = _moments(*fixes, profile), _moments(*readings, profile)
    if at.empty or read.empty:
        return cells, len(values)
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
    for fix, row in zip(chosen["row_of_fix"].astype(int), chosen["row"], strict=True):
        cells[fix] = values[row]
    return cells, len(values) - len(chosen)


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
