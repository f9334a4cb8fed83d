"""Read the fixes of one vehicle into a trace: its line, stops, halts, gaps, and the drops."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces import kernels
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.lengths import GapRules, Line, bent_lengths_m, gap_lengths_m, sparse_scale

MS_PER_S = 1000


@dataclass(frozen=True)
class TraceRules:
    """Thresholds of the edition for reading traces; there are no defaults in the code.

    Attributes
    ----------
    clock_ahead_h_max : float
        A fix dated further ahead of its arrival is dropped before it gets here. [h]
    stop_radius_m, stop_dwell_s : float
        A stop: fixes within the radius for at least the dwell time. [m], [s]
    halt_radius_m, halt_dwell_s : float
        A halt, shorter than a stop: a hint for matching only. [m], [s]
    step_min_m : float
        A step counts as driven once it is that long. [m]
    gap_after_s, gap_radius_m, gap_odometer_km : float
        A silence that long is a gap, unless both ends lie within the radius and the odometer
        moved less: then it is standing. [s], [m], [km]
    speed_kmh_max, teleport_slack_m, branch_fixes_max : float
        The speed gate, its slack, and how many fixes are looked ahead. [km/h], [m]
    spike_speed_kmh_min, spike_step_s_max, spike_m_min, spike_return_share_max : float
        A quick there-and-back of one fix: its speed, step, reach, and how far from its start it
        may end per reach. [km/h], [s], [m], [-]
    accuracy_better_share : float
        Of two fixes of one moment the one with a radius below this share of the other's is kept.
    accuracy_m_max : float
        A fix with a larger stated radius is dropped. [m]
    circuity_default : float
        Road km per great-circle km where the vehicle's own is not known.
    curve_step_m_min, curve_turn_deg_max : float
        Longer steps are taken as bent by the turn to their neighbours, up to that turn. [m], [deg]
    own_circuity_samples_min, own_circuity_span_s_min : float
        Fewest windows of the own trace from which a circuity is taken, and the shortest. [-], [s]
    odometer_tolerance_share : float
        By how much an odometer may fall short of the straight way and still be believed.
    sparse_step_s, sparse_samples_min, sparse_scale_factor_max : float
        From which median step a trace is sparse, so that its length is scaled to the stated
        speeds; fewest moving steps for it; largest scale believed. [s], [-], [-]
    """

    clock_ahead_h_max: float
    stop_radius_m: float
    stop_dwell_s: float
    halt_radius_m: float
    halt_dwell_s: float
    step_min_m: float
    gap_after_s: float
    gap_radius_m: float
    gap_odometer_km: float
    speed_kmh_max: float
    teleport_slack_m: float
    branch_fixes_max: float
    spike_speed_kmh_min: float
    spike_step_s_max: float
    spike_m_min: float
    spike_return_share_max: float
    accuracy_better_share: float
    accuracy_m_max: float
    circuity_default: float
    curve_step_m_min: float
    curve_turn_deg_max: float
    own_circuity_samples_min: float
    own_circuity_span_s_min: float
    odometer_tolerance_share: float
    sparse_step_s: float
    sparse_samples_min: float
    sparse_scale_factor_max: float


@dataclass(frozen=True)
class Trace:
    """The line of one vehicle.

    Attributes
    ----------
    time_ms : int64 array, shape (n_points,)
        Time of each point of the line, not decreasing. [ms]
    lon_udeg, lat_udeg : float64 array, shape (n_points,)
        Place of each point. [udeg]
    link : int8 array, shape (n_points,)
        How each point is linked to the one before (`kernels.LINK_*`).
    driven_m, imputed_m : float64 array, shape (n_points,)
        Distance driven from the start of the trace, and the part of it inside gaps. [m]
    circuity : float64 array, shape (n_points,)
        For a gap point: road distance per great-circle distance used; NaN elsewhere.
    gap_is_counted : bool array, shape (n_points,)
        True for a gap point whose length the odometer tells.
    halts : float64 array, shape (n_halts, 4)
        Short standing: arrival [ms], departure [ms], longitude, latitude [udeg].
    kept : Fixes
        The fixes kept.
    signals : Fixes
        These and the teleports: a fix in a wrong place still tells speed and counters.
    dropped : dict of str to int
        Number of fixes dropped, by reason.
    version : str
        Digest of the fixes given.
    """

    time_ms: NDArray[np.int64]
    lon_udeg: NDArray[np.float64]
    lat_udeg: NDArray[np.float64]
    link: NDArray[np.int8]
    driven_m: NDArray[np.float64]
    imputed_m: NDArray[np.float64]
    circuity: NDArray[np.float64]
    gap_is_counted: NDArray[np.bool_]
    halts: NDArray[np.float64]
    kept: Fixes
    signals: Fixes
    dropped: dict[str, int]
    version: str

    @property
    def stops(self) -> NDArray[np.int64]:
        """Index of the departure point of each stop; its arrival is the point before. shape (n,)"""
        return np.flatnonzero(self.link == kernels.LINK_STAND)

    @property
    def gaps(self) -> NDArray[np.int64]:
        """Index of the first point after each gap that was driven. shape (n,)"""
        return np.flatnonzero(self.link == kernels.LINK_GAP)


class TraceReader:
    """Reads one vehicle's fixes piece by piece; any cutting gives the same trace.

    Parameters
    ----------
    rules : TraceRules
        Thresholds of the edition.
    """

    def __init__(self, rules: TraceRules) -> None:
        self._rules = rules
        self._dropped: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._before = np.zeros(4, dtype=np.int64)
        self._undecided: Fixes | None = None
        self._state = np.zeros(kernels.LINE_STATE_SIZE)
        self._undrawn: tuple[Fixes, NDArray[np.bool_]] | None = None
        self._kept: list[Fixes] = []
        self._signals: list[Fixes] = []
        self._points: list[tuple[NDArray[np.float64], ...]] = []

    def feed(self, fixes: Fixes, *, is_last: bool = False) -> None:
        """Take the next piece of the stream, in order of time; `is_last` ends it."""
        for array in (fixes.time_ms, fixes.lon_udeg, fixes.lat_udeg):
            self._digest.update(np.ascontiguousarray(array).tobytes())
        kept, jump = self._clean(self._plausible(fixes), is_last)
        self._kept.append(kept)
        self._draw(kept, jump, is_last)

    def finish(self) -> Trace:
        """The trace of everything fed; the last piece must have been fed with `is_last`."""
        kept, signals = Fixes.joined(self._kept), Fixes.joined(self._signals)
        time_ms, lon, lat, link = (
            np.concatenate(column) for column in zip(*self._points, strict=True)
        )
        line = Line(time_ms, lon, lat, link.astype(np.int8))
        driven_m, imputed_m, circuity, counted = _distances(line, kept, signals, rules=self._rules)
        return Trace(
            time_ms=time_ms.astype(np.int64),
            lon_udeg=lon,
            lat_udeg=lat,
            link=line.link,
            driven_m=driven_m,
            imputed_m=imputed_m,
            circuity=circuity,
            gap_is_counted=counted,
            halts=_halts(kept, self._rules),
            kept=kept,
            signals=signals,
            dropped=dict(sorted(self._dropped.items())),
            version=self._digest.hexdigest(),
        )

    def _plausible(self, fixes: Fixes) -> Fixes:
        """Drop what a single fix already betrays: null island, off the globe, too inaccurate."""
        lon, lat = fixes.lon_udeg, fixes.lat_udeg
        faults = {
            "null_island": (np.abs(lon) < 10_000) & (np.abs(lat) < 10_000),
            "off_globe": (np.abs(lon) > 180_000_000) | (np.abs(lat) > 90_000_000),
            "inaccurate": _stated(fixes.accuracy_m, len(fixes)) > self._rules.accuracy_m_max,
        }
        good = np.ones(len(fixes), dtype=bool)
        for reason, faulty in faults.items():
            self._count(reason, int((faulty & good).sum()))
            good &= ~faulty
        return fixes if good.all() else fixes.take(good)

    def _clean(self, fixes: Fixes, is_last: bool) -> tuple[Fixes, NDArray[np.bool_]]:
        if self._undecided is not None:
            fixes = Fixes.joined([self._undecided, fixes])
        rules = self._rules
        limits = np.array(
            [
                rules.speed_kmh_max / 3.6,
                rules.teleport_slack_m,
                rules.branch_fixes_max,
                rules.spike_speed_kmh_min / 3.6,
                rules.spike_step_s_max * MS_PER_S,
                rules.spike_m_min,
                rules.spike_return_share_max,
                rules.accuracy_better_share,
            ]
        )
        accuracy = _stated(fixes.accuracy_m, len(fixes))
        accuracy = np.where(np.isnan(accuracy), rules.accuracy_m_max, accuracy)
        verdict = np.zeros(len(fixes), dtype=np.int8)
        jump = np.zeros(len(fixes), dtype=bool)
        decided = kernels.clean(
            fixes.time_ms, fixes.lon_udeg, fixes.lat_udeg, accuracy,
            self._before, limits, is_last, verdict, jump,
        )  # fmt: skip
        self._undecided = fixes.take(slice(decided, None))
        verdict = verdict[:decided]
        for code, reason in kernels.REASONS.items():
            self._count(reason, int((verdict == code).sum()))
        rows = np.flatnonzero(verdict == kernels.KEPT)
        kept = fixes.take(rows)
        tells = (verdict == kernels.KEPT) | (verdict == kernels.TELEPORT)
        self._signals.append(
            kept if tells.sum() == len(rows) else fixes.take(np.flatnonzero(tells))
        )
        return kept, jump[rows]

    def _draw(self, kept: Fixes, jump: NDArray[np.bool_], is_last: bool) -> None:
        if self._undrawn is not None:
            kept = Fixes.joined([self._undrawn[0], kept])
            jump = np.concatenate([self._undrawn[1], jump])
        rules = self._rules
        limits = np.array(
            [
                rules.stop_radius_m,
                rules.stop_dwell_s * MS_PER_S,
                rules.gap_after_s * MS_PER_S,
                rules.step_min_m,
                rules.gap_radius_m,
                rules.gap_odometer_km,
            ]
        )
        size = 2 * len(kept) + 4
        out = (np.zeros(size, np.int64), np.zeros(size), np.zeros(size), np.zeros(size, np.int8))
        decided, points = kernels.draw_line(
            kept.time_ms, kept.lon_udeg, kept.lat_udeg,
            _stated(kept.odometer_km, len(kept)), jump,
            self._state, limits, is_last, *out,
        )  # fmt: skip
        self._undrawn = (kept.take(slice(decided, None)), jump[decided:])
        self._points.append(tuple(column[:points].astype(np.float64) for column in out))

    def _count(self, reason: str, number: int) -> None:
        if number:
            self._dropped[reason] += number


def _stated(signal: NDArray[np.float64] | None, count: int) -> NDArray[np.float64]:
    return np.full(count, np.nan) if signal is None else signal


def read_trace(fixes: Fixes, rules: TraceRules) -> Trace:
    """Read all fixes of one vehicle at once.

    Parameters
    ----------
    fixes : Fixes
        Sorted by time.
    rules : TraceRules
        Thresholds of the edition.

    Returns
    -------
    trace : Trace
        With `len(fixes) == len(trace.kept) + sum(trace.dropped.values())`.
    """
    reader = TraceReader(rules)
    reader.feed(fixes, is_last=True)
    return reader.finish()


def _halts(kept: Fixes, rules: TraceRules) -> NDArray[np.float64]:
    out = np.zeros((len(kept), 4))
    count = kernels.find_halts(
        kept.time_ms, kept.lon_udeg, kept.lat_udeg,
        rules.halt_radius_m, rules.halt_dwell_s * MS_PER_S, rules.gap_after_s * MS_PER_S, out,
    )  # fmt: skip
    return out[:count].copy()


def _distances(
    line: Line, kept: Fixes, signals: Fixes, *, rules: TraceRules
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Distance driven up to each point, the imputed part, circuity and source of each gap."""
    step_m = bent_lengths_m(
        line,
        chord_m=kernels.step_lengths(line.lon_udeg, line.lat_udeg),
        step_m_min=rules.curve_step_m_min,
        turn_deg_max=rules.curve_turn_deg_max,
    )
    step_m[line.link != kernels.LINK_DRIVE] = 0.0
    step_m *= sparse_scale(
        step_m,
        kept,
        sparse_step_s=rules.sparse_step_s,
        gap_after_s=rules.gap_after_s,
        moved_m_min=rules.stop_radius_m,
        samples_min=int(rules.sparse_samples_min),
        scale_factor_max=rules.sparse_scale_factor_max,
    )
    gap_m, circuity, counted = gap_lengths_m(
        line,
        step_m,
        signals,
        rules=GapRules(
            circuity_default=rules.circuity_default,
            samples_min=int(rules.own_circuity_samples_min),
            span_ms_min=rules.own_circuity_span_s_min * MS_PER_S,
            odometer_tolerance_share=rules.odometer_tolerance_share,
            speed_ms_max=rules.speed_kmh_max / 3.6,
        ),
    )
    return np.cumsum(step_m + gap_m), np.cumsum(gap_m), circuity, counted
