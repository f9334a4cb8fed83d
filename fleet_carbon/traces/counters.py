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
    at_ms : float64 array, shape (n,)
        Moments, not decreasing. [ms]
    value : float64 array, shape (n,)
        LifetimeCounter, without missing values, in its own unit.
    """

    at_ms: NDArray[np.float64]
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
            LifetimeCounter values, NaN where missing; None if never sent.
        """
        if signal is None:
            return None
        was_sent = ~np.isnan(signal)
        value = signal[was_sent]
        if len(value) < 2 or value.max() == value.min():
            return None
        return cls(time_ms[was_sent].astype(np.float64), value)

    def growth(
        self, from_ms: NDArray[np.int64], until_ms: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Growth between moments, linear between values sent; NaN where the counter ran back.

        Before its first and after its last value the counter is taken to stand still.

        Parameters
        ----------
        from_ms, until_ms : int64 array, shape (n,)
            Begin and end of each interval. [ms]

        Returns
        -------
        growth : float64 array, shape (n,)
            In the unit of the counter.
        """
        began = np.interp(from_ms, self.at_ms, self.value)
        grown = np.asarray(np.interp(until_ms, self.at_ms, self.value) - began)
        return np.where(grown < 0.0, np.nan, grown)

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
