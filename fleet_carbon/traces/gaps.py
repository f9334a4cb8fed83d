"""How long was the road that nobody saw: by the odometer, else by the truck's own drives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces import lengths
from fleet_carbon.traces.counters import LifetimeCounter
from fleet_carbon.traces.kernels import LINK_DRIVE, LINK_GAP

# So many of the longest drives are looked at per gap; more would cost time and hardly change it.
_DRIVES_MAX = 2048
_ODOMETER_WITHIN_MS = 60_000


@dataclass(frozen=True)
class GapRules:
    """How a gap gets its length.

    Attributes
    ----------
    circuity_default : float
        The edition's road km per great-circle km.
    samples_min : int
        Fewest windows from which the vehicle's own circuity is taken.
    span_ms_min : float
        Shortest window: below it is one step of a sparse trace. [ms]
    odometer_tolerance_share : float
        By how much an odometer may fall short of the straight way.
    speed_ms_max : float
        Fastest that a truck can drive. [m/s]
    """

    circuity_default: float
    samples_min: int
    span_ms_min: float
    odometer_tolerance_share: float
    speed_ms_max: float


@dataclass(frozen=True)
class Line:
    """Points of a line and how each is linked to the one before.

    Attributes
    ----------
    time_ms : int64 array, shape (n,)
        Time of each point, not decreasing. [ms]
    lon_udeg, lat_udeg : float64 array, shape (n,)
        Place. [udeg]
    link : int8 array, shape (n,)
        `kernels.LINK_*`.
    """

    time_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]
    link: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.time_ms)


@dataclass(frozen=True)
class Bridges:
    """The way over the gaps of a line.

    Attributes
    ----------
    imputed_m : float64 array, shape (n_points,)
        Imputed length from the start of the line up to each point. [m]
    circuity : float64 array, shape (n_points,)
        Road per great circle of the vehicle's own drives, NaN where there is no gap.
    is_counted : bool array, shape (n_points,)
        True where the odometer told the length.
    any_found : bool
        Whether there is a gap at all.
    """

    imputed_m: NDArray[np.float64]
    circuity: NDArray[np.float64]
    is_counted: NDArray[np.bool_]
    any_found: bool


def bridge_gaps(
    line: Line, along_m: NDArray[np.float64], odometer: LifetimeCounter | None, *, rules: GapRules
) -> Bridges:
    """Impute the length of each gap: the odometer's difference, else great circle times circuity.

    Parameters
    ----------
    line : Line
        The line.
    along_m : float64 array, shape (n,)
        Distance driven up to each point, gaps left out. [m]
    odometer : LifetimeCounter or None
        If there is one. [km]
    rules : GapRules
        Thresholds of the edition.
    """
    gaps = np.flatnonzero(line.link == LINK_GAP)
    found = Bridges(
        imputed_m=np.zeros(len(line)),
        circuity=np.full(len(line), np.nan),
        is_counted=np.zeros(len(line), dtype=bool),
        any_found=len(gaps) > 0,
    )
    if not found.any_found:
        return found
    began, ended = line.time_ms[gaps - 1], line.time_ms[gaps]
    chord_m = np.empty(len(gaps))
    lengths.step_lengths_at(line.lon_udeg, line.lat_udeg, gaps, chord_m)
    own = _own_circuities(line, along_m, ended - began, rules)
    circuity = np.where(np.isnan(own), rules.circuity_default, own)
    drove_m = np.full(len(gaps), np.nan)
    if odometer is not None:
        drove_m = 1000.0 * odometer.growth(began, ended, beyond_ms_max=0.0)
        drove_m[~odometer.is_sent_around(began, ended, within_ms=_ODOMETER_WITHIN_MS)] = np.nan
    # An odometer cannot say less than the straight way (but for its own tolerance), nor more
    # than a truck can drive.
    least_m = (1.0 - rules.odometer_tolerance_share) * chord_m
    is_counted = (least_m <= drove_m) & (drove_m <= rules.speed_ms_max * (ended - began) / 1000.0)
    imputed_m = np.cumsum(np.where(is_counted, drove_m, circuity * chord_m))
    for gap, until, so_far_m in zip(gaps, [*gaps[1:], len(line)], imputed_m, strict=True):
        found.imputed_m[gap:until] = so_far_m
    found.circuity[gaps] = circuity
    found.is_counted[gaps] = is_counted
    return found


def _own_circuities(
    line: Line, along_m: NDArray[np.float64], spans_ms: NDArray[np.int64], rules: GapRules
) -> NDArray[np.float64]:
    """Road per great circle of this vehicle over pieces of drive that last as long as each gap."""
    is_start = line.link != LINK_DRIVE
    is_start[0] = True
    first = np.flatnonzero(is_start)
    last = np.append(first[1:], len(line)) - 1
    duration_ms = line.time_ms[last] - line.time_ms[first]
    drives = np.flatnonzero(duration_ms >= rules.span_ms_min)
    if len(drives) > _DRIVES_MAX:
        longest = np.argsort(-duration_ms[drives], kind="stable")[:_DRIVES_MAX]
        drives = np.sort(drives[longest])
    spans, which = np.unique(spans_ms, return_inverse=True)
    found = np.full(len(spans), np.nan)
    lengths.circuities(
        line.time_ms, line.lon_udeg, line.lat_udeg, along_m, first[drives], last[drives],
        spans, rules.span_ms_min, rules.samples_min, found,
    )  # fmt: skip
    return found[which]
