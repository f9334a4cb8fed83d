"""What each leg measured: distance and its source, standing, gaps, counters, mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.timeline import Timeline
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import Trace

MS_PER_H = 3_600_000.0


@dataclass(frozen=True)
class LegMeasures:
    """Measures of each leg; all arrays have shape (n_legs,)."""

    distance_km: NDArray[np.float64]
    imputed_km: NDArray[np.float64]
    distance_source: NDArray[np.object_]
    duration_h: NDArray[np.float64]
    stop_h: NDArray[np.float64]
    idle_h: NDArray[np.float64]
    gap_h: NDArray[np.float64]
    fuel_counter_l: NDArray[np.float64]
    gross_mass_t_median: NDArray[np.float64]
    from_lon: NDArray[np.float64]
    from_lat: NDArray[np.float64]
    to_lon: NDArray[np.float64]
    to_lat: NDArray[np.float64]

    def columns(self) -> dict[str, NDArray[np.float64] | NDArray[np.object_]]:
        """As columns of the legs frame."""
        return dict(vars(self))


def measure_legs(trace: Trace, timeline: Timeline, rules: LegRules) -> LegMeasures:
    """Measure the legs of a timeline on its trace.

    Parameters
    ----------
    trace : Trace
        The line and the fixes kept.
    timeline : Timeline
        Borders of the legs.
    rules : LegRules
        Thresholds of the edition.
    """
    start, finish, until = timeline.started_ms, timeline.finished_ms, timeline.stood_until_ms
    driven_a, imputed_a, lon_a, lat_a = timeline.road.at(start)
    driven_b, imputed_b, lon_b, lat_b = timeline.road.at(finish)
    distance_km = (driven_b - driven_a) / 1000.0
    imputed_km = (imputed_b - imputed_a) / 1000.0
    distance_km, imputed_km, source = _fall_back(
        trace, start, until, distance_km, imputed_km, rules
    )
    gap_ms, gap_standing_ms = _gap_times(trace, timeline, imputed_km, rules)
    halt_ms = _overlap_ms(trace.halts[:, 0], trace.halts[:, 1], start, finish)
    stand_ms = (until - finish).astype(float)
    short = stand_ms <= rules.idle_stop_s_max * 1000.0
    return LegMeasures(
        distance_km=distance_km,
        imputed_km=imputed_km,
        distance_source=source,
        duration_h=(finish - start) / MS_PER_H,
        stop_h=(stand_ms + halt_ms + gap_standing_ms) / MS_PER_H,
        idle_h=(halt_ms + np.where(short, stand_ms, 0.0)) / MS_PER_H,
        gap_h=gap_ms / MS_PER_H,
        fuel_counter_l=counter_differences(
            trace.signals, trace.signals.fuel_used_l, start=start, until=until
        ),
        gross_mass_t_median=_mass_medians(trace.signals, start, finish),
        from_lon=lon_a / 1e6,
        from_lat=lat_a / 1e6,
        to_lon=lon_b / 1e6,
        to_lat=lat_b / 1e6,
    )


def counter_differences(
    signals: Fixes,
    counter: NDArray[np.float64] | None,
    *,
    start: NDArray[np.int64],
    until: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Growth of a lifetime counter over each leg; NaN where it was not sent or ran backwards.

    Parameters
    ----------
    signals : Fixes
        For the times.
    counter : float64 array, shape (n_fixes,), or None
        Counter values, NaN where not sent; None if never sent.
    start, until : int64 array, shape (n_legs,)
        Borders. [ms]

    Returns
    -------
    growth : float64 array, shape (n_legs,)
        In the unit of the counter; legs that lie outside the counter's time are NaN.
    """
    if counter is None:
        return np.full(len(start), np.nan)
    has = ~np.isnan(counter)
    values, times = counter[has], signals.time_ms[has]
    # A constant counter is one that is not connected, not a truck that burns nothing.
    if len(values) < 2 or values.max() == values.min():
        return np.full(len(start), np.nan)
    growth = np.interp(until, times, values) - np.interp(start, times, values)
    slack_ms = MS_PER_H
    outside = (start < times[0] - slack_ms) | (until > times[-1] + slack_ms) | (growth < 0)
    return np.where(outside, np.nan, growth)


def _fall_back(
    trace: Trace,
    start: NDArray[np.int64],
    until: NDArray[np.int64],
    distance_km: NDArray[np.float64],
    imputed_km: NDArray[np.float64],
    rules: LegRules,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Where positions are broken but odometer or speed is sound, take their distance and say so."""
    source = np.full(len(start), "positions", dtype=object)
    odometer_km = counter_differences(
        trace.signals, trace.signals.odometer_km, start=start, until=until
    )
    speed_km = _speed_integrals(trace, start, until, rules)
    spoilt = _loses_many_fixes(trace, rules)
    for name, other_km, witness_km in (
        ("odometer", odometer_km, speed_km),
        ("speed", speed_km, odometer_km),
    ):
        if not _is_sound(other_km, witness_km, distance_km, spoilt, rules):
            continue
        disagrees = _disagree(distance_km, other_km, rules)
        if (
            spoilt
            or _share(disagrees, distance_km > rules.fallback_km_min) > rules.broken_leg_share
        ):
            # Positions wrong that often are wrong by less elsewhere: none of them is believed.
            disagrees = ~np.isnan(other_km)
        disagrees &= source == "positions"
        imputed_km = np.where(disagrees, 0.0, imputed_km)
        distance_km = np.where(disagrees, other_km, distance_km)
        source[disagrees] = name
    return distance_km, imputed_km, source


def _share(what: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """Share of some legs among others, 0 if there are none of these."""
    return float((what & among).sum() / among.sum()) if among.any() else 0.0


def _disagree(
    a_km: NDArray[np.float64], b_km: NDArray[np.float64], rules: LegRules
) -> NDArray[np.bool_]:
    """Whether two distances differ by more than the ratio and the least distance. shape (n,)"""
    with np.errstate(invalid="ignore"):
        far = np.abs(a_km - b_km) > rules.fallback_km_min
        ratio = np.maximum(a_km, b_km) > rules.fallback_ratio_max * np.minimum(a_km, b_km)
    return far & ratio


def _is_sound(
    other_km: NDArray[np.float64],
    witness_km: NDArray[np.float64],
    distance_km: NDArray[np.float64],
    spoilt: bool,
    rules: LegRules,
) -> bool:
    """A counter is sound if a second one bears it out, or over all legs the positions do."""
    both = ~np.isnan(other_km) & ~np.isnan(witness_km)
    if both.any() and witness_km[both].sum() > 0:
        ratio = other_km[both].sum() / witness_km[both].sum()
        return bool(1.0 / rules.fallback_ratio_max <= ratio <= rules.fallback_ratio_max)
    has = ~np.isnan(other_km)
    if not has.any() or distance_km[has].sum() <= 0:
        return False
    if spoilt:
        return True
    ratio = other_km[has].sum() / distance_km[has].sum()
    return bool(1.0 / rules.fallback_ratio_max <= ratio <= rules.fallback_ratio_max)


def _loses_many_fixes(trace: Trace, rules: LegRules) -> bool:
    total = len(trace.kept) + sum(trace.dropped.values())
    return total > 0 and trace.dropped.get("teleport", 0) > rules.broken_drop_share * total


def _speed_integrals(
    trace: Trace, start: NDArray[np.int64], until: NDArray[np.int64], rules: LegRules
) -> NDArray[np.float64]:
    """Stated speed integrated over each leg; NaN where it was not sent densely. [km], shape (n,)"""
    signals = trace.signals
    if signals.speed_kmh is None:
        return np.full(len(start), np.nan)
    has = ~np.isnan(signals.speed_kmh)
    if has.sum() < 2 or np.nanmax(signals.speed_kmh) == 0.0:
        return np.full(len(start), np.nan)
    times, speed = signals.time_ms[has].astype(float), signals.speed_kmh[has]
    dense = np.diff(times) < rules.speed_step_s_max * 1000.0
    pieces = np.where(dense, 0.5 * (speed[1:] + speed[:-1]) * np.diff(times) / MS_PER_H, 0.0)
    along = np.concatenate([[0.0], np.cumsum(pieces)])
    silent = np.concatenate([[0.0], np.cumsum(np.where(dense, 0.0, np.diff(times)))])
    silent_ms = np.interp(until, times, silent) - np.interp(start, times, silent)
    km = np.interp(until, times, along) - np.interp(start, times, along)
    longest_ms = rules.speed_silence_share_max * np.maximum(1, until - start)
    return np.where(silent_ms > longest_ms, np.nan, km)


def _gap_times(
    trace: Trace, timeline: Timeline, imputed_km: NDArray[np.float64], rules: LegRules
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per leg the time in gaps taken as driving and the rest of it, standing. [ms], shape (n,)"""
    gaps = trace.gaps
    silent_ms = _overlap_ms(
        trace.time_ms[gaps - 1], trace.time_ms[gaps], timeline.started_ms, timeline.finished_ms
    )
    driving_ms = np.minimum(silent_ms, imputed_km / rules.gap_speed_kmh * MS_PER_H)
    return driving_ms, silent_ms - driving_ms


def _overlap_ms(
    first: NDArray[np.float64] | NDArray[np.int64],
    last: NDArray[np.float64] | NDArray[np.int64],
    start: NDArray[np.int64],
    finish: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Time that ascending, disjoint intervals share with each leg. [ms], shape (n_legs,)"""
    if len(first) == 0:
        return np.zeros(len(start))
    knots = np.column_stack([first, last]).ravel().astype(float)
    summed = np.column_stack([np.zeros(len(first)), last - first]).ravel().cumsum()
    return np.asarray(np.interp(finish, knots, summed) - np.interp(start, knots, summed))


def _mass_medians(
    signals: Fixes, start: NDArray[np.int64], finish: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Median of the mass signal while driving, NaN where it was not sent. [t], shape (n,)"""
    medians = np.full(len(start), np.nan)
    if signals.gross_mass_t is None:
        return medians
    has = ~np.isnan(signals.gross_mass_t)
    times, mass = signals.time_ms[has], signals.gross_mass_t[has]
    first = np.searchsorted(times, start, side="right")
    until = np.searchsorted(times, finish, side="left")
    for leg in np.flatnonzero(until > first):
        medians[leg] = np.median(mass[first[leg] : until[leg]])
    return medians
