"""What each leg measured: distance and its source, standing, gaps, counters, mass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.legs import kernels, profiles, surroundings
from fleet_carbon.legs.columns import BY_POSITIONS, Gaps, Road, Timeline
from fleet_carbon.legs.kernels import MS_PER_H
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.traces import cleaning
from fleet_carbon.traces.counters import LifetimeCounter
from fleet_carbon.traces.fixes import sealed
from fleet_carbon.traces.trace import Trace


class LegMeasures(NamedTuple):
    """Measures of each leg, named as in `frames.LEGS`; all arrays have shape (n_legs,).

    `source` is the index in `columns.SOURCES` of what told the distance.
    """

    distance_km: NDArray[np.float64]
    imputed_km: NDArray[np.float64]
    source: NDArray[np.int8]
    duration_h: NDArray[np.float64]
    stop_h: NDArray[np.float64]
    idle_h: NDArray[np.float64]
    gap_h: NDArray[np.float64]
    moving_h: NDArray[np.float64]
    stops_count: NDArray[np.int64]
    kinetic_gained_j_per_kg: NDArray[np.float64]
    driven_v00_km: NDArray[np.float64]
    driven_v10_km: NDArray[np.float64]
    driven_v20_km: NDArray[np.float64]
    driven_v30_km: NDArray[np.float64]
    driven_v40_km: NDArray[np.float64]
    driven_v50_km: NDArray[np.float64]
    driven_v60_km: NDArray[np.float64]
    driven_v70_km: NDArray[np.float64]
    driven_v80_km: NDArray[np.float64]
    driven_v90_km: NDArray[np.float64]
    climbed_m: NDArray[np.float64]
    ambient_degc_mean: NDArray[np.float64]
    fuel_counter_l: NDArray[np.float64]
    gross_mass_t_median: NDArray[np.float64]
    from_lon: NDArray[np.float64]
    from_lat: NDArray[np.float64]
    to_lon: NDArray[np.float64]
    to_lat: NDArray[np.float64]


def measure_legs(
    trace: Trace, timeline: Timeline, road: Road, *, gaps: Gaps, rules: LegRules
) -> LegMeasures:
    """Measure the legs of a timeline on its trace.

    Parameters
    ----------
    trace : Trace
        The line and the fixes kept.
    timeline : Timeline
        Borders of the legs.
    road : Road
        Distance over time, with services in gaps worked in.
    gaps : Gaps
        The gaps of the trace.
    rules : LegRules
        Thresholds of the edition.
    """
    start, finish, until = timeline.started_ms, timeline.finished_ms, timeline.stood_until_ms
    driven_a, imputed_a, lon_a, lat_a = kernels.places_at(road, start)
    driven_b, imputed_b, lon_b, lat_b = kernels.places_at(road, finish)
    distance_km, imputed_km, source = _fall_back(
        trace, timeline, (driven_b - driven_a) / 1000.0, (imputed_b - imputed_a) / 1000.0, rules
    )
    silent_ms = _overlaps_ms(
        trace.time_ms[gaps.point - 1], trace.time_ms[gaps.point], start, finish
    )
    gap_ms = np.minimum(silent_ms, imputed_km / rules.gap_speed_kmh * MS_PER_H)
    halt_ms = _overlaps_ms(trace.halts[:, 0], trace.halts[:, 1], start, finish)
    stand_ms = (until - finish).astype(float)
    short = stand_ms <= rules.idle_stop_s_max * 1000.0
    signals = trace.signals
    return LegMeasures(
        distance_km=distance_km,
        imputed_km=imputed_km,
        source=source,
        duration_h=(finish - start) / MS_PER_H,
        stop_h=(stand_ms + halt_ms + (silent_ms - gap_ms)) / MS_PER_H,
        idle_h=(halt_ms + np.where(short, stand_ms, 0.0)) / MS_PER_H,
        gap_h=gap_ms / MS_PER_H,
        **_profiles(trace, timeline, rules),
        climbed_m=_climbs_m(trace, timeline, rules),
        ambient_degc_mean=_while_driving(
            surroundings.means_while_driving, trace, signals.ambient_degc, timeline
        ),
        fuel_counter_l=_growth(trace, signals.fuel_used_l, timeline),
        gross_mass_t_median=_while_driving(
            kernels.medians_while_driving, trace, signals.gross_mass_t, timeline
        ),
        from_lon=lon_a / 1e6,
        from_lat=lat_a / 1e6,
        to_lon=lon_b / 1e6,
        to_lat=lat_b / 1e6,
    )


def _growth(
    trace: Trace, signal: NDArray[np.float64] | None, timeline: Timeline
) -> NDArray[np.float64]:
    """Growth of a lifetime counter over each leg and its standing; NaN where nobody can tell."""
    start, until = timeline.started_ms, timeline.stood_until_ms
    counter = LifetimeCounter.of(trace.signals.time_ms, signal)
    if counter is None:
        return np.full(len(start), np.nan)
    return counter.growth(start, until, beyond_ms_max=MS_PER_H)


def _while_driving(
    statistic: Any, trace: Trace, signal: NDArray[np.float64] | None, timeline: Timeline
) -> NDArray[np.float64]:
    """A statistic of a signal over each drive; NaN where it was not sent. shape (n_legs,)"""
    start, finish = timeline.started_ms, timeline.finished_ms
    if signal is None:
        return np.full(len(start), np.nan)
    times, values = sealed(trace.signals.time_ms), sealed(signal)
    return np.asarray(statistic(times, values, start, finish))


def _climbs_m(trace: Trace, timeline: Timeline, rules: LegRules) -> NDArray[np.float64]:
    """Sum of the ascents of each drive; NaN where altitudes were not sent densely. [m], shape (n,)

    A fix in a wrong place has no altitude of the road.
    """
    fixes, start = trace.fixes, timeline.started_ms
    if fixes.altitude_m is None:
        return np.full(len(start), np.nan)
    altitude_m = np.where(trace.verdict <= cleaning.KEPT_FAR, fixes.altitude_m, np.nan)
    limits = surroundings.ClimbLimits(
        rules.altitude_window_s * 1000.0,
        float(rules.climb_m_min),
        float(rules.altitude_silence_share_max),
    )
    climbs: NDArray[np.float64] = surroundings.climbs_m(
        sealed(fixes.time_ms),
        sealed(altitude_m),
        start,
        timeline.finished_ms,
        limits,
    )
    return climbs


def _overlaps_ms(
    first: NDArray[Any], last: NDArray[Any], start: NDArray[np.int64], finish: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Time that ascending, disjoint intervals share with each leg. [ms], shape (n_legs,)"""
    if len(first) == 0:
        return np.zeros(len(start))
    shared: NDArray[np.float64] = kernels.overlaps_ms(
        first.astype(np.float64), last.astype(np.float64), start, finish
    )
    return shared


def _fall_back(
    trace: Trace,
    timeline: Timeline,
    distance_km: NDArray[np.float64],
    imputed_km: NDArray[np.float64],
    rules: LegRules,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int8]]:
    """Where positions are broken but odometer or speed is sound, take their distance and say so."""
    if trace.signals.odometer_km is None and trace.signals.speed_kmh is None:
        return distance_km, imputed_km, np.full(len(distance_km), BY_POSITIONS, dtype=np.int8)
    odometer_km = _growth(trace, trace.signals.odometer_km, timeline)
    speed_km = _speed_integrals(trace, timeline, rules)
    limits = kernels.FallBack(
        float(rules.fallback_ratio_max),
        float(rules.fallback_km_min),
        float(rules.broken_leg_share),
    )
    source: NDArray[np.int8] = kernels.fall_back(
        distance_km, imputed_km, odometer_km, speed_km, _loses_many_fixes(trace, rules), limits
    )
    return distance_km, imputed_km, source


def _profiles(trace: Trace, timeline: Timeline, rules: LegRules) -> dict[str, NDArray[Any]]:
    """How fast each leg was driven, by the names of its columns."""
    line = profiles.Line(trace.time_ms, trace.driven_m, trace.link, trace.halts)
    limits = profiles.ProfileLimits(
        rules.profile_window_s * 1000.0,
        rules.profile_speed_step_kmh / 3.6,
        rules.profile_speed_kmh_max / 3.6,
    )
    found = profiles.sum_profiles(line, _stated(trace, line, rules), timeline, limits)
    by_speed = {f"driven_v{10 * at:02d}_km": km for at, km in enumerate(found.bin_km)}
    return by_speed | {
        "moving_h": found.moving_h,
        "stops_count": found.stops_count,
        "kinetic_gained_j_per_kg": found.kinetic_gained_j_per_kg,
    }


def _stated(trace: Trace, line: profiles.Line, rules: LegRules) -> profiles.Stated:
    """The speeds stated along the line; of no fix if they are not the road that was driven."""
    fixes = trace.fixes
    if fixes.speed_kmh is not None and len(line.time_ms) > 0:
        stated: profiles.Stated = profiles.find_stated(
            line,
            sealed(fixes.time_ms),
            sealed(fixes.speed_kmh),
            sealed(trace.verdict),
        )
        if profiles.is_believed(
            line, stated, float(rules.fallback_ratio_max), float(rules.speed_silence_share_max)
        ):
            return stated
    return _NOTHING_STATED


_NOTHING_STATED = profiles.Stated(
    sealed(np.zeros(0, np.int64)),
    sealed(np.zeros(0)),
    sealed(np.zeros(0, np.int8)),
    np.zeros(0, np.int64),
    np.zeros(0),
    np.zeros(0),
)


def _loses_many_fixes(trace: Trace, rules: LegRules) -> bool:
    kept_count = int(np.count_nonzero(trace.verdict <= cleaning.KEPT_FAR))
    total = kept_count + sum(trace.dropped.values())
    return total > 0 and trace.dropped.get("teleport", 0) > rules.broken_drop_share * total


def _speed_integrals(trace: Trace, timeline: Timeline, rules: LegRules) -> NDArray[np.float64]:
    """Stated speed integrated over each leg; NaN where it was not sent densely. [km], shape (n,)"""
    start, until = timeline.started_ms, timeline.stood_until_ms
    if trace.signals.speed_kmh is None:
        return np.full(len(start), np.nan)
    integrals: NDArray[np.float64] = kernels.speed_integrals_km(
        sealed(trace.signals.time_ms),
        sealed(trace.signals.speed_kmh),
        start,
        until,
        rules.speed_step_s_max * 1000.0,
        float(rules.speed_silence_share_max),
    )
    return integrals
