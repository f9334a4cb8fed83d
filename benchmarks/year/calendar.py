"""Months, days and hours of the fleet's zone, in seconds since 1970 UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.fleet import month_bounds_s
from simulation.geodesy import FloatArray
from simulation.timeline import LOCAL_OFFSET_S

_DAY_S = 86_400
_LATE_H, _EARLY_H = 19.5, 5.0


@dataclass(frozen=True)
class Calendar:
    """Consecutive months from a first one.

    Attributes
    ----------
    first_year : int
        The first month is its January.
    borders_s : ndarray of float, shape (months + 1,)
        First moment of each month and the first after all. [s]
    """

    first_year: int
    borders_s: FloatArray

    @classmethod
    def of(cls, first_year: int, months: int) -> Calendar:
        names = [_name(first_year, month) for month in range(months)]
        starts = [month_bounds_s(name)[0] for name in names]
        return cls(first_year, np.array([*starts, month_bounds_s(names[-1])[1]]))

    def name(self, month: int) -> str:
        """YYYY-MM."""
        return _name(self.first_year, month)

    def starts_s(self, month: int) -> int:
        return int(self.borders_s[month])

    def month_of(self, moment_s: float) -> int:
        """Months since the first; moments after the last count to it."""
        at = int(np.searchsorted(self.borders_s, moment_s, side="right")) - 1
        return min(max(at, 0), len(self.borders_s) - 2)

    def local_hour(self, moment_s: float) -> float:
        return float((moment_s + LOCAL_OFFSET_S) % _DAY_S) / 3_600.0

    def weekday(self, moment_s: float) -> int:
        """Monday is 0; the first of January 1970 was a Thursday."""
        return int((moment_s + LOCAL_OFFSET_S) // _DAY_S + 3) % 7

    def is_late(self, moment_s: float) -> bool:
        return not _EARLY_H <= self.local_hour(moment_s) < _LATE_H

    def split(
        self, row: dict[str, Any], along_m: FloatArray, cumulated_l: FloatArray
    ) -> list[dict[str, Any]]:
        """A drive as it falls into months: one row, or two if it crosses a border."""
        first, last = self.month_of(row["begun_s"]), self.month_of(row["ended_s"])
        if first == last:
            return [row | {"month": first}]
        at = int(self.borders_s[last]) - row["begun_s"]
        part = (along_m[at] - along_m[0]) / (along_m[-1] - along_m[0])
        burnt = cumulated_l[at] / cumulated_l[-1]
        rows = []
        for month, km_share, l_share, bounds in (
            (first, part, burnt, (row["begun_s"], row["begun_s"] + at)),
            (last, 1.0 - part, 1.0 - burnt, (row["begun_s"] + at, row["ended_s"])),
        ):
            of_km = {name: row[name] * km_share for name in ("km", "empty_l", "full_l")}
            moments = {"begun_s": bounds[0], "ended_s": bounds[1], "month": month}
            rows.append(row | of_km | moments | {"litres": row["litres"] * l_share})
        return rows


def _name(first_year: int, month: int) -> str:
    return f"{first_year + month // 12}-{month % 12 + 1:02d}"
