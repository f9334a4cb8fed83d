"""Which fixes are new: sorted, one of each, and none that the store has."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.storage.ordering import Rows, order_by_key, order_by_moment
from fleet_carbon.storage.segments import (
    OPTIONAL,
    VEHICLE,
    Int64s,
    int64_column,
    packed_place,
    run_starts,
)


class MonthFixes:
    """Fixes of one UTC month in the order of a segment, with a mark on those that are new.

    Truck and moment are compared as one integer: a month has fewer than 2**32 ms, so that both
    fit an int64 for any fleet. Of fixes that are equal the one with most values stays, then the
    first. Places are compared only where moments are equal, and rows are moved once.

    Parameters
    ----------
    fixes : pa.Table
        With the codes of trucks.
    """

    def __init__(self, fixes: pa.Table) -> None:
        self._fixes = fixes
        time_ms = int64_column(fixes, "time_ms")
        self._start = int(time_ms.min())
        self._span = int(time_ms.max()) - self._start + 1
        codes = fixes.column(VEHICLE).to_numpy()
        moment = self._packed(codes, time_ms)
        self._order = _order_of(codes, moment)
        self._moment = moment if self._order is None else moment.take(self._order)
        self._is_new = np.ones(len(moment), dtype=np.bool_)
        self._settle_ties()

    def _packed(self, codes: npt.NDArray[Any], time_ms: Int64s) -> Int64s:
        packed = codes.astype(np.int64)
        packed *= self._span
        packed += time_ms
        packed -= self._start
        return packed

    def _unpacked(self, moment: Int64s) -> tuple[Int64s, Int64s]:
        codes, since_start = np.divmod(moment, self._span)
        return codes, since_start + self._start

    def _settle_ties(self) -> None:
        """Put fixes of one truck and moment in order, and take the mark from all but the first."""
        is_same = self._moment[1:] == self._moment[:-1]
        if not is_same.any():
            return
        tied = np.flatnonzero(np.append(is_same, False) | np.append(False, is_same))
        if self._order is None:
            self._order = np.arange(len(self._moment), dtype=np.int64)
        rows = self._order[tied]
        moment, place = self._moment[tied], self._places(tied)
        better = np.lexsort((_missing_count(self._fixes, rows), place, moment))
        self._order[tied] = rows[better]
        place = place[better]
        # Neighbours in `tied` that are none among the fixes differ in their moment.
        repeated = (moment[1:] == moment[:-1]) & (place[1:] == place[:-1])
        self._is_new[tied[1:][repeated]] = False

    def _places(self, rows: Rows) -> Int64s:
        """Places of some of the fixes in order, packed."""
        given = rows if self._order is None else self._order[rows]
        lon_udeg, lat_udeg = (self._fixes.column(n).to_numpy() for n in ("lon_udeg", "lat_udeg"))
        return packed_place(lon_udeg[given], lat_udeg[given])

    def bounds(self) -> tuple[Int64s, Int64s, Int64s]:
        """Code, first and last moment in ms of every truck, shape (n_vehicles,) each."""
        codes = self._moment // self._span
        starts = run_starts(codes)
        stops = np.append(starts[1:], len(codes)) - 1
        (of_trucks, first_ms), (_, last_ms) = map(
            self._unpacked, (self._moment[starts], self._moment[stops])
        )
        return of_trucks, first_ms, last_ms

    def mark_stored(self, codes: Int64s, time_ms: Int64s, place: Int64s) -> None:
        """Take the mark from every fix that the store has.

        Parameters
        ----------
        codes, time_ms, place : int64 arrays, shape (n_stored,)
            Stored fixes, sorted by truck and moment.
        """
        inside = (time_ms >= self._start) & (time_ms < self._start + self._span)
        stored, stored_place = self._packed(codes[inside], time_ms[inside]), place[inside]
        if len(stored) == 0:
            return
        begin = int(np.searchsorted(self._moment, stored[0], side="left"))
        end = int(np.searchsorted(self._moment, stored[-1], side="right"))
        low = np.searchsorted(stored, self._moment[begin:end], side="left")
        high = np.searchsorted(stored, self._moment[begin:end], side="right")
        rows = np.flatnonzero(high > low)
        places = self._places(begin + rows)
        step = 0
        while len(rows):  # as often as stored fixes share one moment, which is once or twice
            at = low[rows] + step
            equal = stored_place[at] == places
            self._is_new[begin + rows[equal]] = False
            step += 1
            goes_on = ~equal & (at + 1 < high[rows])
            rows, places = rows[goes_on], places[goes_on]

    def new(self) -> pa.Table:
        """The fixes that kept their mark."""
        if self._order is None and self._is_new.all():
            return self._fixes
        if self._order is None:
            return self._fixes.filter(pa.array(self._is_new))
        return self._fixes.take(pa.array(self._order[self._is_new]))


def _order_of(codes: npt.NDArray[Any], moment: Int64s) -> Rows | None:
    """The stable order by moment of rows that mostly come in time; None if they are in order."""
    if np.all(codes[1:] >= codes[:-1]):
        return order_by_moment(moment)
    by_truck = order_by_key(codes - codes.min())
    in_time = order_by_moment(moment.take(by_truck))
    return by_truck if in_time is None else by_truck.take(in_time)


def _missing_count(fixes: pa.Table, rows: npt.NDArray[np.intp]) -> Int64s:
    """How many optional values each of the rows lacks, shape (n_rows,)."""
    missing = np.zeros(len(rows), dtype=np.int64)
    for name in OPTIONAL:
        if name in fixes.column_names and fixes.column(name).null_count:
            missing += fixes.column(name).is_null().to_numpy()[rows]
    return missing
