"""Which share of the kilometres of a month counts as empty: one rule for all that tell it."""

from __future__ import annotations

from collections.abc import Sequence


def empty_share(loaded_km: float | None, distance_km: float | None) -> float | None:
    """Whatever is not proven loaded counts as empty; None of no distance.

    Kilometres of unknown load stay in the denominator and never earn: in the month accounted they
    count as empty, so that an order that is not sent improves nothing. In baselines, where it would
    be to the driver's good, they count as driven and not as empty (methodology, section 7).

    Parameters
    ----------
    loaded_km, distance_km : float or None
        Proven loaded, and driven. [km]

    Returns
    -------
    share : float or None
        [0..1]

    Examples
    --------
    Of 100 km 60 are proven loaded, 30 proven empty and 10 neither.

    >>> empty_share(60.0, 100.0)
    0.4
    """
    if loaded_km is None or not distance_km:
        return None
    return 1.0 - loaded_km / distance_km


def bounds_of_mean(
    parts: Sequence[tuple[tuple[float, float] | None, float]],
) -> tuple[float, float] | None:
    """Low and high of a mean by weight, as if all parts erred alike.

    Parameters
    ----------
    parts : sequence of pair
        Low and high of each part, and its weight; one without weight does not count.

    Returns
    -------
    pair of float or None
        None where nothing has weight, or something with weight has no interval.

    Examples
    --------
    >>> bounds_of_mean([((0.25, 0.5), 1.0), ((0.5, 0.75), 3.0), (None, 0.0)])
    (0.4375, 0.6875)
    >>> bounds_of_mean([((0.2, 0.4), 1.0), (None, 2.0)])
    """
    ends = [(*bounds, weight) for bounds, weight in parts if weight and bounds is not None]
    whole = sum(weight for _, weight in parts)
    if not whole or sum(weight for _, _, weight in ends) != whole:
        return None
    low, high = (sum(one[at] * one[2] for one in ends) / whole for at in (0, 1))
    return low, high
