"""Lifetime counters of a vehicle: odometer and fuel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LifetimeCounter:
    """A lifetime counter where it was sent.

    Attributes
    ----------
    at_ms : int64 array, shape (n,)
        Moments, not decreasing. [ms]
    value : float64 array, shape (n,)
        What it said, without missing values, in its own unit.
    """

    at_ms: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def of(
        cls, time_ms: NDArray[np.int64], signal: NDArray[np.float64] | None
    ) -> LifetimeCounter | None:
        """The counter behind a signal; None if it never moves, for then it is not connected.

        Parameters
        ----------
        time_ms : int64 array, shape (n,)
            Moments of the fixes. [ms]
        signal : float64 array, shape (n,), or None
            What the counter said, NaN where missing; None if never sent.
        """
        if signal is None:
            return None
        was_sent = ~np.isnan(signal)
        if not was_sent.all():
            time_ms, signal = time_ms[was_sent], signal[was_sent]
        if len(signal) < 2 or signal.max() == signal.min():
            return None
        return cls(time_ms, signal)

    def growth(
        self, from_ms: NDArray[np.int64], until_ms: NDArray[np.int64], *, beyond_ms_max: float
    ) -> NDArray[np.float64]:
        """Growth between moments, linear between values sent; NaN where nobody can tell.

        That is where the counter ran back, and where an interval reaches too far beyond the first
        or last value; up to there the counter is taken to stand still.

        Parameters
        ----------
        from_ms, until_ms : int64 array, shape (n,)
            Begin and end of each interval. [ms]
        beyond_ms_max : float
            How far an interval may reach beyond the values. [ms]

        Returns
        -------
        growth : float64 array, shape (n,)
            In the unit of the counter.
        """
        began = np.interp(from_ms, self.at_ms, self.value)
        grown = np.asarray(np.interp(until_ms, self.at_ms, self.value) - began)
        is_told = (from_ms >= self.at_ms[0] - beyond_ms_max) & (
            until_ms <= self.at_ms[-1] + beyond_ms_max
        )
        return np.where(is_told & (grown >= 0.0), grown, np.nan)

    def is_sent_around(
        self, from_ms: NDArray[np.int64], until_ms: NDArray[np.int64], *, within_ms: float
    ) -> NDArray[np.bool_]:
        """Whether it was sent shortly before each interval begins and shortly after it ends.

        Parameters
        ----------
        from_ms, until_ms : int64 array, shape (n,)
            Begin and end of each interval. [ms]
        within_ms : float
            What counts as shortly. [ms]
        """
        last = np.searchsorted(self.at_ms, from_ms, side="right") - 1
        following = np.searchsorted(self.at_ms, until_ms, side="left")
        inside = (last >= 0) & (following < len(self.at_ms))
        silent_before_ms = from_ms - self.at_ms[np.maximum(last, 0)]
        silent_after_ms = self.at_ms[np.minimum(following, len(self.at_ms) - 1)] - until_ms
        near = (silent_before_ms <= within_ms) & (silent_after_ms <= within_ms)
        return np.asarray(inside & near)
