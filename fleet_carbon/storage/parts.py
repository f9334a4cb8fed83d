"""Fixes of one truck from several segments: put in order, each once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fleet_carbon.storage.files import ReceptionNumber
from fleet_carbon.storage.segments import OPTIONAL, FixColumns

DRIVER_ID = "driver_id"
NULL = np.iinfo(np.int64).min
"""What stands for a missing value among stored integers; none of them reaches it."""
Receptions: TypeAlias = ReceptionNumber | npt.NDArray[np.int32]
Part: TypeAlias = tuple[FixColumns, Receptions]
"""Fixes of one truck in order, and what brought them: one reception, or one for each fix."""


def merged(parts: list[Part]) -> Part:
    """Fixes of one truck from several segments: in order, each once.

    Of a fix that stands twice the first reception counts. Parts that follow each other in time
    are put together without sorting.
    """
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda part: int(part[0]["time_ms"][0]))
    names = sorted(set().union(*(columns for columns, _ in parts)))
    columns = {name: _joined(name, [columns for columns, _ in parts]) for name in names}
    receptions = _joined_receptions(parts)
    if all(
        before["time_ms"][-1] < after["time_ms"][0] for (before, _), (after, _) in pairwise(parts)
    ):
        return columns, receptions
    order = _order(columns, receptions)
    which = receptions if isinstance(receptions, int) else receptions[order]
    return {name: held[order] for name, held in columns.items()}, which


def _order(columns: FixColumns, receptions: Receptions) -> npt.NDArray[np.intp]:
    """Rows by moment, place and reception, without repeated fixes."""
    times = columns["time_ms"]
    order = np.argsort(times, kind="stable")
    in_order = times[order]
    if np.all(in_order[1:] > in_order[:-1]):
        return order
    lon, lat = columns["lon_udeg"], columns["lat_udeg"]
    ranks = np.zeros(len(times)) if isinstance(receptions, int) else receptions
    order = np.lexsort((ranks, lat, lon, times))
    times, lon, lat = times[order], lon[order], lat[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (times[1:] != times[:-1]) | (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    return order[first]


def _joined(name: str, parts: list[FixColumns]) -> npt.NDArray[Any]:
    """One column of all parts; those that do not have it lack the value in every row."""
    held = [part[name] if name in part else _missing(name, len(part["time_ms"])) for part in parts]
    return np.concatenate(held)


def _missing(name: str, rows: int) -> npt.NDArray[Any]:
    if name == DRIVER_ID:
        return np.full(rows, "", dtype=object)
    return np.full(rows, NULL) if name in OPTIONAL else np.full(rows, np.nan)


def _joined_receptions(parts: list[Part]) -> Receptions:
    numbers = {which if isinstance(which, int) else None for _, which in parts}
    if len(numbers) == 1 and None not in numbers:
        return parts[0][1]
    return np.concatenate(
        [
            np.full(len(columns["time_ms"]), which, dtype=np.int32)
            if isinstance(which, int)
            else which
            for columns, which in parts
        ]
    )
