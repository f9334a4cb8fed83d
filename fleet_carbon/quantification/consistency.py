"""Does a published figure agree with its own inputs, and if not, which slip explains it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsFloat

# Ratios of periods that are confused in print: months, quarters, half-years and years.
_PERIOD_RATIOS = {
    ("year", "month"): 12,
    ("quarter", "month"): 3,
    ("half_year", "month"): 6,
    ("year", "quarter"): 4,
    ("year", "half_year"): 2,
}


@dataclass(frozen=True)
class Finding:
    """What is wrong with a published figure.

    Attributes
    ----------
    code : str
        ``agrees``, ``rounded``, ``digits_transposed``, ``year_for_month``,
        ``quarter_for_month`` and its like, ``month_for_year`` for the reverse, or ``differs``.
    text : str
        A sentence with both numbers.
    """

    code: str
    text: str

    @property
    def is_contradiction(self) -> bool:
        """Whether the figure contradicts its inputs."""
        return self.code not in ("agrees", "rounded")


def check_published(
    published: str, computed: SupportsFloat, *, tolerance_share: float, rounding_share: float
) -> Finding:
    """Compare a figure as printed with what its inputs give.

    Parameters
    ----------
    published : str
        The figure as printed, in plain digits; its digits are looked at.
    computed : number
        What the stated inputs give, for the period stated.
    tolerance_share : float
        Relative difference up to which the figure agrees.
    rounding_share : float
        Relative difference up to which it is taken as rounded, also when a slip of period
        is tried.

    Returns
    -------
    finding : Finding
        Which slip explains the difference, the likeliest first: two neighbouring digits
        exchanged, then a period mistaken for another.

    Examples
    --------
    >>> check_published("1692.62", 1962.72, tolerance_share=1e-4, rounding_share=0.01).code
    'digits_transposed'
    """
    figure, expected = float(published), float(computed)
    if _near(figure, expected, tolerance_share):
        return Finding("agrees", f"{published} agrees with {expected:g}.")
    if _near(figure, expected, rounding_share):
        return Finding("rounded", f"{published} is a rounding of {expected:g}.")
    if any(_near(float(swap), expected, tolerance_share) for swap in _neighbour_swaps(published)):
        return Finding("digits_transposed", f"{published} is {expected:g} with digits exchanged.")
    return _period_slip(published, expected, rounding_share)


def _period_slip(published: str, expected: float, rounding_share: float) -> Finding:
    """The figure of another period, or no slip that is known."""
    figure = float(published)
    for (long, short), ratio in _PERIOD_RATIOS.items():
        if _near(figure, expected * ratio, rounding_share):
            text = f"{published} is the figure of a {long} given for a {short}: {expected:g}"
            return Finding(f"{long}_for_{short}", f"{text} x {ratio}.")
        if _near(figure, expected / ratio, rounding_share):
            text = f"{published} is the figure of a {short} given for a {long}: {expected:g}"
            return Finding(f"{short}_for_{long}", f"{text} / {ratio}.")
    return Finding("differs", f"{published} differs from {expected:g}, and no known slip fits.")


def _near(first: float, second: float, share: float) -> bool:
    return abs(first - second) <= share * abs(second)


def _neighbour_swaps(digits: str) -> list[str]:
    """All figures that arise by exchanging two neighbouring digits."""
    swaps = []
    for index in range(len(digits) - 1):
        pair = digits[index : index + 2]
        if pair.isdigit() and pair[0] != pair[1]:
            swaps.append(digits[:index] + pair[::-1] + digits[index + 2 :])
    return swaps
