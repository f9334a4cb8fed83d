"""How well stops and kilometres agree with the truth: the same yardstick for every tool.

A found stop is right if it is paired, one to one, with a true one: more than half of the true
stop is covered, and the places are less than 150 m apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.driving import metres_per_degree

COVERED_SHARE_MIN = 0.5
APART_M_MAX = 150.0
STOP_COLUMNS = ("arrive_ms", "depart_ms", "lon", "lat")


@dataclass(frozen=True)
class StopScore:
    """Counts of one comparison; they add up over trucks."""

    true_count: int = 0
    found_count: int = 0
    right_count: int = 0

    def __add__(self, other: StopScore) -> StopScore:
        return StopScore(
            self.true_count + other.true_count,
            self.found_count + other.found_count,
            self.right_count + other.right_count,
        )

    @property
    def precision(self) -> float:
        return self.right_count / self.found_count if self.found_count else 0.0

    @property
    def recall(self) -> float:
        return self.right_count / self.true_count if self.true_count else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.true_count + self.found_count
        return 2.0 * self.right_count / both if both else 0.0


def pair_stops(true: pd.DataFrame, found: pd.DataFrame) -> list[tuple[int, int]]:
    """Rows of true and found stops that belong together, the largest overlap first.

    Both have `STOP_COLUMNS`, of one truck, in order of time.
    """
    starts = found["arrive_ms"].to_numpy(np.int64)
    ends = found["depart_ms"].to_numpy(np.int64)
    candidates = []
    for row, stop in enumerate(true.itertuples()):
        first = int(np.searchsorted(ends, stop.arrive_ms, side="right"))
        last = int(np.searchsorted(starts, stop.depart_ms, side="left"))
        for other in range(first, last):
            covered_ms = min(ends[other], stop.depart_ms) - max(starts[other], stop.arrive_ms)
            if covered_ms > COVERED_SHARE_MIN * (stop.depart_ms - stop.arrive_ms) and (
                _apart_m(stop.lon, stop.lat, found["lon"].iat[other], found["lat"].iat[other])
                < APART_M_MAX
            ):
                candidates.append((-covered_ms, row, other))
    pairs: list[tuple[int, int]] = []
    taken_true: set[int] = set()
    taken_found: set[int] = set()
    for _, row, other in sorted(candidates):
        if row not in taken_true and other not in taken_found:
            pairs.append((row, other))
            taken_true.add(row)
            taken_found.add(other)
    return sorted(pairs)


def score_stops(true: pd.DataFrame, found: pd.DataFrame) -> StopScore:
    """How many of the true stops of one truck were found, and how many found ones are none."""
    return StopScore(len(true), len(found), len(pair_stops(true, found)))


def _apart_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    to_lon_m, to_lat_m = metres_per_degree(lat)
    return float(np.hypot((lon - other_lon) * to_lon_m, (lat - other_lat) * to_lat_m))


def km_errors(true_km: pd.Series, found_km: pd.Series) -> dict[str, float]:
    """Error of all kilometres, and the 95th percentile of a truck's absolute error. [%]"""
    found = found_km.reindex(true_km.index).astype(float)
    of_truck = ((found / true_km - 1.0) * 100.0).abs()
    return {
        "km_error_percent": float((found.sum() / true_km.sum() - 1.0) * 100.0),
        "km_error_percent_p95": float(np.percentile(of_truck, 95)),
    }
