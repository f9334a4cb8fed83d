"""What a fitted model looks at: one place for training and for use.

A row is a leg, or a sum of legs between two full fills; every feature is a share or a rate, so
both kinds of row speak of the same things.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.quantification.profile import SPEED_BINS_KMH, Profile

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """One thing a model looks at.

    Attributes
    ----------
    name, unit : str
        What it is.
    is_only_up : bool
        Whether more of it can only mean more fuel.
    may_miss : bool
        Whether rows without it are usable.
    """

    name: str
    unit: str
    is_only_up: bool = False
    may_miss: bool = False


FEATURES = (
    Feature("payload_share", "1", is_only_up=True),
    Feature("moving_speed_kmh", "km/h"),
    Feature("kinetic_gained_j_per_kg_per_km", "J/(kg km)", is_only_up=True),
    Feature("stops_count_per_100km", "1/100 km", is_only_up=True),
    Feature("idle_h_per_100km", "h/100 km", is_only_up=True),
    Feature("slow_share", "1"),
    Feature("fast_share", "1"),
    Feature("climbed_m_per_km", "m/km", is_only_up=True, may_miss=True),
    Feature("ambient_degc", "degC", may_miss=True),
    Feature("rated_payload_t", "t"),
)
NAMES = tuple(feature.name for feature in FEATURES)
_SLOW_BELOW_KMH, _FAST_FROM_KMH = 30, 80


def features(profile: Profile, payload_t: Column, rated_payload_t: Column) -> Column:
    """The features of each row.

    Parameters
    ----------
    profile : Profile
        n legs or sums of legs.
    payload_t, rated_payload_t : ndarray of float, shape (n,)
        Cargo aboard, for a sum its mean over the kilometres; largest payload. [t]

    Returns
    -------
    table : ndarray of float, shape (n, 10)
        Columns as in `FEATURES`; NaN where there is nothing to divide by, or nothing known.
    """
    km = profile.distance_km
    slow_km, fast_km = np.zeros(len(profile)), np.zeros(len(profile))
    for place, low_kmh in enumerate(SPEED_BINS_KMH):
        if low_kmh < _SLOW_BELOW_KMH:
            slow_km += profile.speed_km[:, place]
        elif low_kmh >= _FAST_FROM_KMH:
            fast_km += profile.speed_km[:, place]
    columns = (
        _ratio(payload_t, rated_payload_t),
        _ratio(km, profile.moving_h),
        _ratio(profile.kinetic_gained_j_per_kg, km),
        100 * _ratio(profile.stops_count, km),
        100 * _ratio(profile.idle_h, km),
        _ratio(slow_km, km),
        _ratio(fast_km, km),
        _ratio(profile.climbed_m, km),
        profile.ambient_degc,
        np.asarray(rated_payload_t, dtype=np.float64),
    )
    return np.stack(columns, axis=1)


def summed(profile: Profile, code: NDArray[np.intp], count: int) -> Profile:
    """The profile of several legs together.

    Parameters
    ----------
    profile : Profile
        n legs.
    code : ndarray of int, shape (n,)
        Which sum a leg belongs to, 0 to `count` - 1.
    count : int
        Number of sums.

    Returns
    -------
    profile : Profile
        `count` rows. The temperature is the mean over the kilometres; ascents and temperature
        are missing where one of the legs lacks them.
    """

    def total(column: Column) -> Column:
        sums: Column = np.bincount(code, weights=column, minlength=count).astype(np.float64)
        return sums

    columns: dict[str, Column] = {}
    for field in fields(Profile):
        column: Column = getattr(profile, field.name)
        if column.ndim == 2:
            bins = [total(column[:, place]) for place in range(column.shape[1])]
            columns[field.name] = np.stack(bins, axis=1)
        elif field.name == "ambient_degc":
            km = profile.distance_km
            columns[field.name] = _ratio(total(np.where(km > 0, column * km, 0.0)), total(km))
        else:
            columns[field.name] = total(column)
    return Profile(**columns)


def _ratio(part: Column, whole: Column) -> Column:
    """Part per whole; NaN where the whole is nothing."""
    is_something = np.asarray(whole) > 0
    return np.where(is_something, part, np.nan) / np.where(is_something, whole, 1.0)
