"""Who drove: assignments first, then the order, then the device, then the usual driver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import epoch_ms
from fleet_carbon.legs import verdicts
from fleet_carbon.traces.fixes import Fixes

_FOREVER_MS = 2**62


@dataclass(frozen=True)
class DriverRecord:
    """What is on record about the drivers of one truck.

    Attributes
    ----------
    from_ms, until_ms : int64 array, shape (n,)
        Assignments as half-open intervals, ascending. [ms]
    driver_id : object array, shape (n,)
        Who was assigned.
    usual_driver_id : str or None
        The driver whose usual truck this is.
    """

    from_ms: NDArray[np.int64]
    until_ms: NDArray[np.int64]
    driver_id: NDArray[np.object_]
    usual_driver_id: str | None


@dataclass(frozen=True)
class DriverBook:
    """What is on record about the drivers of many trucks.

    Attributes
    ----------
    assigned : DriverRecord
        The assignments of all trucks, those of one truck in a row; without a usual driver.
    first : dict of str to pair of int
        Rows of each truck that has assignments: from, until.
    usual : dict of str to str
        The usual driver of each truck that has one; none if two claim it, for nobody can tell.
    """

    assigned: DriverRecord
    first: dict[str, tuple[int, int]]
    usual: dict[str, str]

    @classmethod
    def from_frames(cls, assignments: pd.DataFrame, drivers: pd.DataFrame) -> DriverBook:
        """The book of any number of trucks.

        Parameters
        ----------
        assignments, drivers : pd.DataFrame
            Rows of `frames.ASSIGNMENTS` and `frames.DRIVERS`, in force.
        """
        by = ["vehicle_id", "assigned_from", "driver_id"]
        ordered = assignments.sort_values(by, kind="stable")
        vehicle, vehicle_ids = pd.factorize(ordered["vehicle_id"])
        first = np.searchsorted(vehicle, np.arange(len(vehicle_ids) + 1)).tolist()
        from_ms, until_ms = (epoch_ms(ordered[f"assigned_{end}"]) for end in ("from", "until"))
        # One without an end lasts until the next of the truck begins.
        following = np.full(len(from_ms), _FOREVER_MS)
        following[:-1] = np.where(vehicle[1:] == vehicle[:-1], from_ms[1:], _FOREVER_MS)
        claims = drivers[["vehicle_id", "driver_id"]].dropna()
        alone = claims[~claims["vehicle_id"].duplicated(keep=False)]
        return cls(
            DriverRecord(
                from_ms,
                np.where(until_ms < 0, following, until_ms),
                ordered["driver_id"].to_numpy(dtype=object),
                None,
            ),
            {str(name): (first[at], first[at + 1]) for at, name in enumerate(vehicle_ids)},
            dict(zip(alone["vehicle_id"].map(str), alone["driver_id"].map(str), strict=True)),
        )

    def of_vehicle(self, vehicle_id: str) -> DriverRecord:
        """The record of one truck: views, nothing is copied."""
        rows = slice(*self.first.get(vehicle_id, (0, 0)))
        held = self.assigned
        return DriverRecord(
            held.from_ms[rows],
            held.until_ms[rows],
            held.driver_id[rows],
            self.usual.get(vehicle_id),
        )

    def of_vehicles(self, vehicle_ids: Sequence[str]) -> DriverBook:
        """The book of some trucks alone, to be sent to who works on them."""
        wanted = sorted(set(vehicle_ids))
        records = {name: self.of_vehicle(name) for name in wanted if name in self.first}
        ends = np.cumsum([len(record.from_ms) for record in records.values()]).tolist()
        held = list(records.values()) or [self.of_vehicle("")]
        return DriverBook(
            DriverRecord(
                np.concatenate([record.from_ms for record in held]),
                np.concatenate([record.until_ms for record in held]),
                np.concatenate([record.driver_id for record in held]),
                None,
            ),
            dict(zip(records, zip([0, *ends][:-1], ends, strict=True), strict=True)),
            {name: self.usual[name] for name in wanted if name in self.usual},
        )


class DriverClock:
    """Answers who drove a truck at a moment, from a `DriverRecord` and the device's own word.

    Parameters
    ----------
    record : DriverRecord
        What is on record.
    kept : Fixes
        What the device said.
    order_driver_ids : object array, shape (n_orders,)
        The word of each order, None if it names nobody.
    """

    def __init__(
        self, record: DriverRecord, kept: Fixes, order_driver_ids: NDArray[np.object_]
    ) -> None:
        self._record = record
        self._stated_ms, self._stated = _statements(kept)
        self._has_word = np.array([bool(name) for name in order_driver_ids], dtype=np.bool_)
        self._names = np.array(
            [*record.driver_id, *order_driver_ids, *self._stated, record.usual_driver_id or None],
            dtype=object,
        )

    def changes_ms(self) -> NDArray[np.int64]:
        """Moments at which the driver may change: there a drive is split. [ms]"""
        bounds = np.concatenate([self._record.from_ms, self._record.until_ms])
        bounds = bounds[(bounds > 0) & (bounds < _FOREVER_MS)]
        return np.concatenate([bounds, self._stated_ms[1:]])

    def drivers_at(
        self, moments_ms: NDArray[np.int64], order: NDArray[np.int64]
    ) -> NDArray[np.object_]:
        """Driver at each moment, None if nobody can tell; `order` is whose word counts, or -1."""
        record = self._record
        word = verdicts.who_drove(
            moments_ms, order, self._has_word, record.from_ms, record.until_ms, self._stated_ms
        )
        return np.asarray(self._names[word])


def _statements(kept: Fixes) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Since when the device stated which driver, one row per change."""
    if kept.driver_id is None:
        return np.zeros(0, np.int64), np.zeros(0, object)
    stated = np.flatnonzero(kept.driver_id != "")
    names = kept.driver_id[stated]
    begins = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]])[: len(names)])
    return kept.time_ms[stated[begins]], names[begins]
