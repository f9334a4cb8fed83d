"""Which fixes are new: sorted, one of each, and none that the store has."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.storage.segments import OPTIONAL, VEHICLE, Int64s, int64_column, packed_place


class MonthFixes:
    """Fixes of one UTC month in the order of a segment, with a mark on those that are new.

    Truck and moment are compared as one integer: a month has fewer than 2**32 ms, so that both
    fit an int64 for any fleet. Of fixes that are equal the one with most values stays, then the
    first.

    Parameters
    ----------
    fixes : pa.Table
        With the codes of trucks.
    """

    def __init__(self, fixes: pa.Table) -> None:
        time_ms = int64_column(fixes, "time_ms")
        self._start = int(time_ms.min())
        self._span = int(time_ms.max()) - self._start + 1
        moment = self._packed(int64_column(fixes, VEHICLE), time_ms)
        place = packed_place(int64_column(fixes, "lon_udeg"), int64_column(fixes, "lat_udeg"))
        if not np.all(moment[1:] > moment[:-1]):
            order = _sorted(fixes, moment, place)
            fixes, moment, place = fixes.take(order), moment[order], place[order]
        self._fixes, self._moment, self._place = fixes, moment, place
        self._is_new = np.ones(len(moment), dtype=np.bool_)
        self._is_new[1:] = (moment[1:] != moment[:-1]) | (place[1:] != place[:-1])

    def _packed(self, codes: Int64s, time_ms: Int64s) -> Int64s:
        return codes * self._span + (time_ms - self._start)

    def bounds(self) -> tuple[Int64s, Int64s, Int64s]:
        """Code, first and last moment in ms of every truck, shape (n_vehicles,) each."""
        codes, time_ms = int64_column(self._fixes, VEHICLE), int64_column(self._fixes, "time_ms")
        starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        stops = np.append(starts[1:], len(codes)) - 1
        return codes[starts], time_ms[starts], time_ms[stops]

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
        step = 0
        while len(rows):  # as often as stored fixes share one moment, which is once or twice
            at = low[rows] + step
            equal = stored_place[at] == self._place[begin + rows]
            self._is_new[begin + rows[equal]] = False
            step += 1
            rows = rows[~equal & (at + 1 < high[rows])]

    def new(self) -> pa.Table:
        """The fixes that kept their mark."""
        if self._is_new.all():
            return self._fixes
        return self._fixes.filter(pa.array(self._is_new))


def _sorted(fixes: pa.Table, moment: Int64s, place: Int64s) -> npt.NDArray[np.intp]:
    order = np.argsort(moment, kind="stable")
    in_order = moment[order]
    tied = np.zeros(len(order), dtype=np.bool_)
    tied[1:] = in_order[1:] == in_order[:-1]
    tied[:-1] |= tied[1:]
    if tied.any():
        rows = order[tied]
        order[tied] = rows[np.lexsort((_missing_count(fixes, rows), place[rows], moment[rows]))]
    return order


def _missing_count(fixes: pa.Table, rows: npt.NDArray[np.intp]) -> Int64s:
    """How many optional values each of the rows lacks, shape (n_rows,)."""
    missing = np.zeros(len(rows), dtype=np.int64)
    for name in OPTIONAL:
        if name in fixes.column_names:
            missing += fixes.column(name).is_null().to_numpy()[rows]
    return missing
