"""Read the fixes of one vehicle into a trace: its line, stops, halts, gaps, and the drops."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.traces import cleaning, drawing, lengths
from fleet_carbon.traces.counters import LifetimeCounter
from fleet_carbon.traces.digests import FixesDigest
from fleet_carbon.traces.fixes import Fixes, sealed
from fleet_carbon.traces.gaps import Bridges, GapRules, Line, bridge_gaps
from fleet_carbon.traces.kernels import LINK_GAP, LINK_STAND

MS_PER_S = 1000.0


@dataclass(frozen=True)
class TraceRules:
    """Thresholds of the edition for reading traces; there are no defaults in the code.

    Attributes
    ----------
    clock_ahead_h_max : float
        A fix dated further ahead of its arrival is dropped before it gets here. [h]
    stop_radius_m, stop_dwell_s : float
        A stop: fixes within the radius, among them a standing longer than the dwell. [m], [s]
    halt_radius_m, halt_dwell_s : float
        Standing: fixes within that radius. Between stops it is a halt if it lasts that long: a
        hint for matching only. [m], [s]
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
        Short standing between stops: arrival [ms], departure [ms], longitude, latitude [udeg].
    fixes : Fixes
        The fixes that lie on the globe and are accurate enough.
    verdict : int8 array, shape (n_fixes,)
        What became of each of them (`cleaning.KEPT`, ...).
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
    fixes: Fixes
    verdict: NDArray[np.int8]
    dropped: dict[str, int]
    version: str

    @cached_property
    def kept(self) -> Fixes:
        """The fixes kept; copied only if some were dropped."""
        return _where(self.fixes, self.verdict <= cleaning.KEPT_FAR)

    @cached_property
    def signals(self) -> Fixes:
        """These and the teleports: a fix in a wrong place still tells speed and counters."""
        return _where(self.fixes, _tells(self.verdict))

    @cached_property
    def stops(self) -> NDArray[np.int64]:
        """Index of the departure point of each stop; its arrival is the point before. shape (n,)"""
        return np.flatnonzero(self.link == LINK_STAND)

    @cached_property
    def gaps(self) -> NDArray[np.int64]:
        """Index of the first point after each gap that was driven. shape (n,)"""
        return np.flatnonzero(self.link == LINK_GAP)


class TraceReader:
    """Reads one vehicle's fixes piece by piece; any cutting gives the same trace.

    Parameters
    ----------
    rules : TraceRules
        Thresholds of the edition.
    """

    def __init__(self, rules: TraceRules) -> None:
        self._rules = rules
        self._clean_limits, self._line_limits = _clean_limits(rules), _line_limits(rules)
        self._digest = FixesDigest()
        self._dropped: Counter[str] = Counter()
        self._latest_ms = -(2**63)
        self._before = np.zeros(4, dtype=np.int64)
        self._state = np.zeros(drawing.STATE_SIZE)
        # Fixes to be looked at again, the verdicts on them, and how many of these are decided.
        self._again: tuple[Fixes, NDArray[np.int8], int] | None = None
        self._done: list[tuple[Fixes, NDArray[np.int8]]] = []
        self._points: list[tuple[NDArray[Any], ...]] = []

    def feed(self, fixes: Fixes, *, is_last: bool = False) -> None:
        """Take the next piece of the stream, in order of time; `is_last` ends it.

        Raises
        ------
        ValueError
            If a fix of the piece is earlier than the one before it.
        """
        self._digest.update(fixes)
        fixes = self._plausible(fixes)
        verdict, decided = np.empty(len(fixes), dtype=np.int8), 0
        if self._again is not None:
            fixes = Fixes.joined([self._again[0], fixes])
            verdict = np.concatenate([self._again[1], verdict])
            decided = self._again[2]
        decided = self._clean(fixes, verdict, decided, is_last)
        drawn = self._draw(fixes, verdict, decided, is_last)
        if drawn == len(fixes):
            self._done.append((fixes, verdict))
            self._again = None
        else:
            self._done.append((fixes.take(slice(0, drawn)), verdict[:drawn]))
            self._again = (fixes.take(slice(drawn, None)), verdict[drawn:], decided - drawn)

    def finish(self) -> Trace:
        """The trace of everything fed; the last piece must have been fed with `is_last`."""
        fixes = Fixes.joined([piece for piece, _ in self._done])
        verdict = _joined([piece for _, piece in self._done])
        line = Line(*(_joined(column) for column in zip(*self._points, strict=True)))
        driven_m, gaps = _distances(line, fixes, verdict, self._rules)
        self._count(verdict)
        return Trace(
            **vars(line),
            driven_m=driven_m,
            imputed_m=gaps.imputed_m,
            circuity=gaps.circuity,
            gap_is_counted=gaps.is_counted,
            halts=_halts(line, fixes, verdict, self._rules),
            fixes=fixes,
            verdict=verdict,
            dropped=dict(sorted(self._dropped.items())),
            version=self._digest.version(),
        )

    def _plausible(self, fixes: Fixes) -> Fixes:
        """Drop what a single fix already betrays: null island, off the globe, too inaccurate."""
        verdict = np.empty(len(fixes), dtype=np.int8)
        dropped, in_order = cleaning.judge_alone(
            *_places(fixes), _stated(fixes.accuracy_m), float(self._rules.accuracy_m_max), verdict
        )
        if not in_order or (len(fixes) > 0 and fixes.time_ms[0] < self._latest_ms):
            raise ValueError("The fixes of a vehicle must be in order of time.")
        if len(fixes) > 0:
            self._latest_ms = int(fixes.time_ms[-1])
        if dropped == 0:
            return fixes
        self._count(verdict)
        return fixes.take(np.flatnonzero(verdict == cleaning.UNDECIDED))

    def _clean(self, fixes: Fixes, verdict: NDArray[np.int8], decided: int, is_last: bool) -> int:
        """Decide more fixes, those after the first `decided`; the number decided then."""
        rest = fixes if decided == 0 else fixes.take(slice(decided, None))
        found: int = cleaning.clean(
            *_places(rest), _stated(rest.accuracy_m),
            self._before, self._clean_limits, is_last, verdict[decided:],
        )  # fmt: skip
        return decided + found

    def _draw(self, fixes: Fixes, verdict: NDArray[np.int8], decided: int, is_last: bool) -> int:
        """Draw the line of the fixes decided; the number of fixes that are done with."""
        ready = fixes if decided == len(fixes) else fixes.take(slice(0, decided))
        size = decided + 4
        out = (np.empty(size, np.int64), np.empty(size), np.empty(size), np.empty(size, np.int8))
        drawn, points = drawing.draw_line(
            *_places(ready), _stated(ready.odometer_km), verdict[:decided],
            self._state, self._line_limits, is_last, *out,
        )  # fmt: skip
        self._points.append(tuple(column[:points] for column in out))
        return int(drawn)

    def _count(self, verdict: NDArray[np.int8]) -> None:
        counts = cleaning.tally(verdict)
        for code, reason in cleaning.REASONS.items():
            if counts[code] > 0:
                self._dropped[reason] += int(counts[code])


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


def _clean_limits(rules: TraceRules) -> NDArray[np.float64]:
    return np.array(
        [
            rules.speed_kmh_max / 3.6,
            rules.teleport_slack_m,
            rules.branch_fixes_max,
            rules.spike_speed_kmh_min / 3.6,
            rules.spike_step_s_max * MS_PER_S,
            rules.spike_m_min,
            rules.spike_return_share_max,
            rules.accuracy_better_share,
            rules.accuracy_m_max,
        ]
    )


def _line_limits(rules: TraceRules) -> NDArray[np.float64]:
    return np.array(
        [
            rules.stop_radius_m,
            rules.stop_dwell_s * MS_PER_S,
            rules.gap_after_s * MS_PER_S,
            rules.step_min_m,
            rules.gap_radius_m,
            rules.gap_odometer_km,
            rules.halt_radius_m,
        ]
    )


def _places(fixes: Fixes) -> tuple[NDArray[Any], ...]:
    return sealed(fixes.time_ms), sealed(fixes.lon_udeg), sealed(fixes.lat_udeg)


def _stated(signal: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """A signal, empty if it was never sent."""
    return sealed(np.empty(0) if signal is None else signal)


def _joined(pieces: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _where(fixes: Fixes, chosen: NDArray[np.bool_]) -> Fixes:
    """The fixes chosen; themselves if that is all of them."""
    return fixes if chosen.all() else fixes.take(np.flatnonzero(chosen))


def _tells(verdict: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which fixes tell speed and counters: those kept and the teleports."""
    return np.asarray((verdict <= cleaning.KEPT_FAR) | (verdict == cleaning.TELEPORT))


def _odometer(fixes: Fixes, verdict: NDArray[np.int8]) -> LifetimeCounter | None:
    if fixes.odometer_km is None:
        return None
    tells = _tells(verdict)
    return LifetimeCounter.of(fixes.time_ms[tells], fixes.odometer_km[tells])


def _halts(
    line: Line, fixes: Fixes, verdict: NDArray[np.int8], rules: TraceRules
) -> NDArray[np.float64]:
    if len(fixes) == 0:
        return np.empty((0, 4))
    dwell_ms = rules.halt_dwell_s * MS_PER_S
    lasts_ms = int(fixes.time_ms[-1] - fixes.time_ms[0])
    # Halts do not overlap and each lasts the dwell time, so there cannot be more than fit in.
    out = np.empty((min(len(fixes), int(lasts_ms / dwell_ms) + 1), 4))
    limits = np.array([rules.halt_radius_m, dwell_ms, rules.gap_after_s * MS_PER_S])
    stops = np.flatnonzero(line.link == LINK_STAND)
    count = drawing.find_halts(*_places(fixes), verdict, stops, line.time_ms, limits, out)
    return out[:count].copy()


def _distances(
    line: Line, fixes: Fixes, verdict: NDArray[np.int8], rules: TraceRules
) -> tuple[NDArray[np.float64], Bridges]:
    """Distance driven up to each point, gaps included, and the gaps."""
    along_m = np.empty(len(line))
    lengths.bent_line(
        line.lon_udeg, line.lat_udeg, line.link,
        float(rules.curve_step_m_min), math.radians(rules.curve_turn_deg_max), along_m,
    )  # fmt: skip
    scale = _sparse_scale(along_m, fixes, verdict, rules)
    if scale > 1.0:
        along_m *= scale
    gaps = bridge_gaps(
        line,
        along_m,
        _odometer(fixes, verdict),
        rules=GapRules(
            circuity_default=rules.circuity_default,
            samples_min=int(rules.own_circuity_samples_min),
            span_ms_min=rules.own_circuity_span_s_min * MS_PER_S,
            odometer_tolerance_share=rules.odometer_tolerance_share,
            speed_ms_max=rules.speed_kmh_max / 3.6,
        ),
    )
    return along_m + gaps.imputed_m if gaps.any_found else along_m, gaps


def _sparse_scale(
    along_m: NDArray[np.float64], fixes: Fixes, verdict: NDArray[np.int8], rules: TraceRules
) -> float:
    """Road per drawn line of a vehicle whose fixes are too sparse to show its bends, at least 1.

    Between fixes minutes apart bends are lost that no turn at the fixes betrays. Where the device
    states its speed at each fix, the speed integrated over the whole trace is an unbiased measure
    of the road: the fixes fall at random moments of the drive, so the trapezoids err to both
    sides, by about a tenth each, which over some hundred steps leaves a few thousandths. A larger
    scale than bends explain is not believed.
    """
    gap_ms, sparse_ms = rules.gap_after_s * MS_PER_S, rules.sparse_step_s * MS_PER_S
    if fixes.speed_kmh is None or not lengths.is_sparse(
        sealed(fixes.time_ms), verdict, sparse_ms, gap_ms
    ):
        return 1.0
    # What a parked device states as speed is noise that never turns negative, so it adds up:
    # steps within the radius of a stop are left out.
    steps, road_m = lengths.stated_road(
        *_places(fixes), _stated(fixes.speed_kmh), verdict, gap_ms, float(rules.stop_radius_m)
    )
    if steps < rules.sparse_samples_min or along_m[-1] == 0.0:
        return 1.0
    ratio = road_m / float(along_m[-1])
    return ratio if 1.0 < ratio <= rules.sparse_scale_factor_max else 1.0
