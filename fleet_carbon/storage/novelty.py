"""Which fixes are new, decided while requests wait: exactly, and mostly without a look at the disk.

Of every truck the latest moment on record is known, and a later fix is new for certain. Fixes that
came lately are at hand; only a fix from before their time is looked up where it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fleet_carbon.storage.arranging import in_order
from fleet_carbon.storage.segments import (
    Int32s,
    Int64s,
    JournalNumber,
    VehicleCode,
    run_starts,
)

Flags = npt.NDArray[np.bool_]
# Truck and moment fit one integer: moments from 1970 to 2109, and two million trucks.
_MOMENT_BITS = 42
TIME_MS_END = 1 << _MOMENT_BITS
"""Moments from 0 to before this are told apart here; others are taken in as files are. [ms]"""
VEHICLES_END = 1 << (63 - _MOMENT_BITS)
_NEVER = -1
_LEVEL_GROWTH = 2

Lookup = Callable[[Int64s, Int64s], Iterator[tuple[Int64s, Int64s, Int64s]]]
"""Codes and moments [ms] of fixes to truck, moment and place of those stored that may be equal."""


class _Held(NamedTuple):
    """Fixes at hand: truck and moment in one, packed place, number of the journal."""

    moment: Int64s
    place: Int64s
    journal: Int32s

    def after(self, journal_number: JournalNumber) -> _Held:
        """Those of later journals, in their order."""
        stays = self.journal > journal_number
        if stays.all():
            return self
        return _Held(self.moment[stays], self.place[stays], self.journal[stays])


class KnownFixes:
    """What is on record of the fixes of a fleet.

    Parameters
    ----------
    latest_ms : dict of VehicleCode to int
        Latest moment of every truck in the segments. [ms]
    lookup : callable
        Finds stored fixes; it may give more than are equal, and is asked in the transaction of
        the moment.

    Attributes
    ----------
    lookup : callable
    """

    def __init__(self, latest_ms: dict[VehicleCode, int], lookup: Lookup) -> None:
        self.lookup = lookup
        size = max(latest_ms, default=0) + 1
        self._latest = np.full(size, _NEVER, dtype=np.int64)
        self._latest[list(latest_ms)] = list(latest_ms.values())
        # From this moment on every fix of the truck is at hand.
        self._floor = self._latest + 1
        self._levels: list[_Held] = []
        self._loose: list[_Held] = []
        self.rows = 0

    def packed(self, codes: Int64s, time_ms: Int64s) -> Int64s:
        """Truck and moment as one integer, shape (n_rows,)."""
        if len(codes) and int(codes.max()) >= VEHICLES_END:
            raise OverflowError("more trucks than fit the integer of truck and moment")
        return (codes << _MOMENT_BITS) | time_ms

    def add(
        self, codes: Int64s, time_ms: Int64s, place: Int64s, *, journal_number: JournalNumber
    ) -> None:
        """Take the fixes of a journal that is on record now, in order of truck and moment."""
        if len(codes) == 0:
            return
        self._make_room(int(codes[-1]) + 1)
        last = _last_of_each(codes)
        trucks = codes[last]
        self._latest[trucks] = np.maximum(self._latest[trucks], time_ms[last])
        numbers = np.full(len(codes), journal_number, dtype=np.int32)
        self._loose.append(_Held(self.packed(codes, time_ms), place, numbers))
        self.rows += len(codes)

    def forget(self, journal_number: JournalNumber) -> None:
        """Have the fixes of the journals up to a number at hand no more: they are looked up."""
        for pieces in (self._levels, self._loose):
            for held in pieces:
                self._lift_floor(held.moment[held.journal <= journal_number])
            pieces[:] = [
                held.after(journal_number) for held in pieces if held.journal.max() > journal_number
            ]

    def _lift_floor(self, gone: Int64s) -> None:
        """Note that some fixes, in order of truck and moment, are at hand no more."""
        if len(gone) == 0:
            return
        last = _last_of_each(gone >> _MOMENT_BITS)
        trucks, after_ms = gone[last] >> _MOMENT_BITS, (gone[last] & (TIME_MS_END - 1)) + 1
        self._floor[trucks] = np.maximum(self._floor[trucks], after_ms)
        self.rows -= len(gone)

    def _make_room(self, size: int) -> None:
        more = size - len(self._latest)
        if more > 0:
            more = max(more, len(self._latest))
            self._latest = np.append(self._latest, np.full(more, _NEVER, dtype=np.int64))
            self._floor = np.append(self._floor, np.full(more, _NEVER + 1, dtype=np.int64))

    def new_among(
        self,
        codes: Int32s,
        time_ms: Int64s,
        places: Callable[[], Int64s],
        *,
        missing: Callable[[npt.NDArray[Any]], Int64s],
    ) -> Int64s:
        """Rows of the fixes that are new, by truck and moment; of equal ones the best.

        Parameters
        ----------
        codes : int32 array, shape (n_rows,)
            Trucks.
        time_ms : int64 array, shape (n_rows,)
            Moments. [ms]
        places : callable
            Tells the places as `packed_place` has them; mostly nobody asks.
        missing : callable
            See `repeated_in`.
        """
        self._make_room(int(codes.max()) + 1 if len(codes) else 0)
        order, has_ties, has_late = in_order(codes, time_ms, self._latest)
        if not has_ties and not has_late:
            return order
        trucks, place = codes.astype(np.int64), places()
        moment = self.packed(trucks, time_ms)
        is_new = ~repeated_in(moment, place, order=order, missing=missing)
        is_new &= ~self.holds(trucks, time_ms, place, among=is_new)
        return order[is_new[order]]

    def holds(self, codes: Int64s, time_ms: Int64s, place: Int64s, *, among: Flags) -> Flags:
        """Which of some fixes are on record, shape (n_rows,); others than those are not asked."""
        self._make_room(int(codes.max()) + 1 if len(codes) else 0)
        found = np.zeros(len(codes), dtype=np.bool_)
        rows = np.flatnonzero(among & (time_ms <= self._latest[codes]))
        if len(rows) == 0:
            return found
        moment = self.packed(codes[rows], time_ms[rows])
        for level in self._sorted_levels():
            found[rows] |= _is_in(level.moment, level.place, moment, place[rows])
        old = rows[(time_ms[rows] < self._floor[codes[rows]]) & ~found[rows]]
        if len(old):
            found[old] = self._is_stored(codes[old], time_ms[old], place[old])
        return found

    def _is_stored(self, codes: Int64s, time_ms: Int64s, place: Int64s) -> Flags:
        found = np.zeros(len(codes), dtype=np.bool_)
        moment = self.packed(codes, time_ms)
        for stored_codes, stored_ms, stored_place in self.lookup(codes, time_ms):
            inside = (stored_ms >= 0) & (stored_ms < TIME_MS_END)
            stored = self.packed(stored_codes[inside], stored_ms[inside])
            order = np.argsort(stored, kind="stable")
            found |= _is_in(stored[order], stored_place[inside][order], moment, place)
        return found

    def _sorted_levels(self) -> list[_Held]:
        """What is at hand in a few sorted pieces, each more than twice the next."""
        if self._loose:
            self._levels.append(_sorted_together(self._loose))
            self._loose = []
        while len(self._levels) > 1 and len(self._levels[-2].moment) < _LEVEL_GROWTH * len(
            self._levels[-1].moment
        ):
            self._levels[-2:] = [_sorted_together(self._levels[-2:])]
        return self._levels


def _last_of_each(codes: Int64s) -> Int64s:
    """The last row of each truck, of rows in order of their trucks."""
    return np.append(run_starts(codes)[1:], len(codes)) - 1


def _sorted_together(pieces: list[_Held]) -> _Held:
    moment, place, journal = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    order = np.argsort(moment, kind="stable")
    return _Held(moment[order], place[order], journal[order])


def _is_in(held_moment: Int64s, held_place: Int64s, moment: Int64s, place: Int64s) -> Flags:
    """Which fixes are among others, which are sorted by moment, shape (n_rows,)."""
    found = np.zeros(len(moment), dtype=np.bool_)
    at = np.searchsorted(held_moment, moment, side="left")
    rows = np.arange(len(moment))
    while len(rows):  # as often as fixes at hand share one moment, which is once or twice
        rows = rows[at[rows] < len(held_moment)]
        rows = rows[held_moment[at[rows]] == moment[rows]]
        equal = held_place[at[rows]] == place[rows]
        found[rows[equal]] = True
        rows = rows[~equal]
        at[rows] += 1
    return found


def repeated_in(
    moment: Int64s,
    place: Int64s,
    *,
    order: npt.NDArray[Any],
    missing: Callable[[npt.NDArray[Any]], Int64s],
) -> Flags:
    """Which fixes repeat another one of their own; of equal fixes the best stays, then the first.

    Parameters
    ----------
    moment, place : int64 arrays, shape (n_rows,)
        Truck and moment, and both coordinates, packed.
    order : integer array, shape (n_rows,)
        Rows in order of `moment`; what shares a moment is put in order of place here.
    missing : callable
        How much worse each of some rows is than others: the least stays.
    """
    repeated = np.zeros(len(moment), dtype=np.bool_)
    in_order = moment[order]
    is_same = in_order[1:] == in_order[:-1]
    if not is_same.any():
        return repeated
    tied = np.flatnonzero(np.append(is_same, False) | np.append(False, is_same))
    rows = order[tied]
    rows = rows[np.lexsort((missing(rows), place[rows], moment[rows]))]
    order[tied] = rows
    same = (moment[rows[1:]] == moment[rows[:-1]]) & (place[rows[1:]] == place[rows[:-1]])
    repeated[rows[1:][same]] = True
    return repeated
