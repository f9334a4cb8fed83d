"""Who drove: assignments first, then the order, then the device, then the usual driver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.traces.fixes import Fixes

_FOREVER_MS = 2**62


@dataclass(frozen=True)
class DriverRecord:
    """What is on record about the drivers of one truck.

    Attributes
    ----------
    assignments : pd.DataFrame
        Rows of `frames.ASSIGNMENTS` of the truck, in force.
    usual_driver_id : str or None
        The driver whose usual truck this is.
    """

    assignments: pd.DataFrame
    usual_driver_id: str | None


class DriverClock:
    """Answers who drove a truck at a moment, from a `DriverRecord` and the device's own word."""

    def __init__(self, record: DriverRecord, kept: Fixes) -> None:
        self._usual = record.usual_driver_id or ""
        self._from_ms, self._until_ms, self._drivers = _intervals(record.assignments)
        self._stated_ms: NDArray[np.int64] = np.zeros(0, np.int64)
        self._stated: NDArray[np.object_] = np.zeros(0, object)
        if kept.driver_id is not None:
            stated = kept.driver_id != ""
            self._stated_ms, self._stated = kept.time_ms[stated], kept.driver_id[stated]

    def changes_ms(self) -> NDArray[np.int64]:
        """Moments at which the driver may change: there a drive is split. [ms], ascending"""
        bounds = np.concatenate([self._from_ms, self._until_ms])
        moments = [bounds[(bounds > 0) & (bounds < _FOREVER_MS)]]
        if len(self._stated) > 1:
            other = np.flatnonzero(self._stated[1:] != self._stated[:-1]) + 1
            moments.append(self._stated_ms[other])
        return np.unique(np.concatenate(moments))

    def driver_at(self, moment_ms: int, order_driver_id: str) -> str:
        """Driver at a moment; `order_driver_id` is the word of the order aboard, "" if none."""
        here = np.flatnonzero((self._from_ms <= moment_ms) & (moment_ms < self._until_ms))
        if len(here):
            return str(self._drivers[here[-1]])
        return order_driver_id or self._stated_at(moment_ms) or self._usual

    def _stated_at(self, moment_ms: int) -> str:
        """Driver last stated by the device up to the moment (or just after it began to)."""
        if len(self._stated) == 0:
            return ""
        at = int(np.searchsorted(self._stated_ms, moment_ms, side="right")) - 1
        return str(self._stated[max(at, 0)])


def _intervals(
    assignments: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]:
    """Assignments as half-open intervals; one without an end lasts until the next begins."""
    if len(assignments) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, object)
    ordered = assignments.sort_values(["assigned_from", "driver_id"], kind="stable")
    from_ms = epoch_ms(ordered["assigned_from"])
    until_ms = epoch_ms(ordered["assigned_until"])
    following = np.append(from_ms[1:], _FOREVER_MS)
    until_ms = np.where(until_ms < 0, following, until_ms)
    return from_ms, until_ms, ordered["driver_id"].to_numpy(dtype=object)


def epoch_ms(moments: pd.Series) -> NDArray[np.int64]:
    """Moments as milliseconds since 1970-01-01 UTC; -1 where missing. [ms]"""
    stamps = moments.astype("datetime64[ms, UTC]")
    values = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    return np.where(stamps.isna().to_numpy(), -1, values)
