"""Exact unit conversions. One unit per quantity inside the house; these serve its edges.

Every factor here is exact by definition: the international mile and the nautical mile
(BIPM, The International System of Units, 9th edition 2019, section 4), the SI prefixes and
the avoirdupois pound of the 1959 international agreement.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

KMH_PER: dict[str, float] = {"kmh": 1.0, "knots": 1.852, "ms": 3.6, "mph": 1.609344, "0.1kmh": 0.1}
KM_PER: dict[str, float] = {"km": 1.0, "m": 0.001, "0.1km": 0.1, "mi": 1.609344}
T_PER: dict[str, float] = {"t": 1.0, "kg": 0.001, "g": 0.000001, "lb": 0.00045359237}
L_PER: dict[str, float] = {"l": 1.0, "ml": 0.001, "gal_us": 3.785411784, "0.1l": 0.1}
M_PER: dict[str, float] = {"m": 1.0, "dm": 0.1, "ft": 0.3048}
DEGC_PER: dict[str, float] = {"degc": 1.0, "0.1degc": 0.1}

# Of these, each a thousandth of the one before, senders take one for another.
MASSES_IN_THOUSANDS = ("t", "kg", "g")
MICRODEGREES_PER_DEG = 1_000_000
G_PER_KG = 1_000
SECONDS_PER_H = 3_600


def mass_unit_beside(unit: str, thousands_count: int) -> str | None:
    """Unit of mass so many thousands smaller; None if senders know none.

    Parameters
    ----------
    unit : str
        One of `T_PER`.
    thousands_count : int
        1 is a thousandth, 2 a millionth, -1 a thousand times as much.

    Examples
    --------
    >>> mass_unit_beside("t", 1), mass_unit_beside("kg", -1), mass_unit_beside("kg", 2)
    ('kg', 't', None)
    """
    if unit not in MASSES_IN_THOUSANDS:
        return None
    place = MASSES_IN_THOUSANDS.index(unit) + thousands_count
    return MASSES_IN_THOUSANDS[place] if 0 <= place < len(MASSES_IN_THOUSANDS) else None


def grams_rounded_down(mass_kg: float | Decimal) -> int:
    """Whole grams not exceeding `mass_kg`, never below zero: the rounding of every credit.

    Parameters
    ----------
    mass_kg : float or Decimal
        Mass, finite. [kg]

    Returns
    -------
    mass_g : int
        `floor(mass_kg * 1000)`, at least 0. [g]

    Examples
    --------
    >>> grams_rounded_down(1.2349), grams_rounded_down(-3.0)
    (1234, 0)
    """
    # repr gives the shortest decimal that is this float, so 0.3 kg is 300 g and not 299 g.
    exact = mass_kg if isinstance(mass_kg, Decimal) else Decimal(repr(float(mass_kg)))
    return max(0, int((exact * G_PER_KG).to_integral_value(rounding=ROUND_DOWN)))
