"""How long a drive takes a driver who keeps breaks and rests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

_TINY_H = 1e-9  # hours are sums: a break is not due for a rounding error


@dataclass(frozen=True)
class DrivingHours:
    """What a driver may drive before a break and before a rest: a group of `driving_hours`.

    Attributes
    ----------
    continuous_h_max, day_h_max : float
        Driving until a break is due, and until a rest is. [h]
    break_h, rest_h : float
        Shortest standing that counts as either. [h]
    """

    continuous_h_max: float
    break_h: float
    day_h_max: float
    rest_h: float


@dataclass(frozen=True)
class Hours:
    """What drivers have driven since they stood last.

    Attributes
    ----------
    since_break_h, since_rest_h : ndarray of float, shape (n,)
        Driving since the last break, and since the last rest. [h]
    """

    since_break_h: Column
    since_rest_h: Column

    def stood(self, standing_h: Column, rules: DrivingHours) -> Hours:
        """After standing with nothing to do: what is long enough is a break or a rest."""
        is_rest = standing_h >= rules.rest_h - _TINY_H
        is_break = standing_h >= rules.break_h - _TINY_H
        return Hours(
            np.where(is_rest | is_break, 0.0, self.since_break_h),
            np.where(is_rest, 0.0, self.since_rest_h),
        )


def drive(hours: Hours, driving_h: Column, rules: DrivingHours) -> tuple[Column, Hours]:
    """How long drives take with the breaks and rests that fall due on the way.

    A break or rest is taken when it is due and not before; one that falls due with the arrival
    is not taken on the way.

    Parameters
    ----------
    hours : Hours
        What was driven before.
    driving_h : ndarray of float, shape (n,)
        Time at the wheel. [h]
    rules : DrivingHours
        What a driver may drive.

    Returns
    -------
    elapsed_h : ndarray of float, shape (n,)
        From departure to arrival. [h]
    hours : Hours
        What was driven then.

    Examples
    --------
    >>> rules = DrivingHours(continuous_h_max=4, break_h=0.5, day_h_max=8, rest_h=10)
    >>> fresh = Hours(np.zeros(3), np.zeros(3))
    >>> drive(fresh, np.array([4.0, 5.0, 9.0]), rules)[0].tolist()  # 9 = 4 + break + 4 + rest + 1
    [4.0, 5.5, 19.5]
    """
    left_h = np.array(driving_h, dtype=np.float64)
    elapsed_h = np.zeros(len(left_h))
    since_break_h, since_rest_h = (
        np.array(clock_h, dtype=np.float64) for clock_h in (hours.since_break_h, hours.since_rest_h)
    )
    while True:
        is_driving = left_h > _TINY_H
        if not is_driving.any():
            return elapsed_h, Hours(since_break_h, since_rest_h)
        needs_rest = is_driving & (since_rest_h >= rules.day_h_max - _TINY_H)
        needs_break = is_driving & ~needs_rest
        needs_break &= since_break_h >= rules.continuous_h_max - _TINY_H
        elapsed_h += np.where(needs_rest, rules.rest_h, np.where(needs_break, rules.break_h, 0.0))
        since_rest_h[needs_rest] = 0.0
        since_break_h[needs_rest | needs_break] = 0.0
        allowed_h = np.minimum(
            rules.continuous_h_max - since_break_h, rules.day_h_max - since_rest_h
        )
        step_h = np.where(is_driving, np.minimum(left_h, allowed_h), 0.0)
        for clock_h in (elapsed_h, since_break_h, since_rest_h):
            clock_h += step_h
        left_h -= step_h
