"""Which share of the kilometres of a month counts as empty: one rule for all that tell it."""

from __future__ import annotations


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
