"""What a counterfactual is, and how its shares are made of parts and of scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Those of one driver first; of equal savings the first counts.
SOURCES = ("declared_driver", "own_history", "cohort", "declared_class")
OF_DRIVER = SOURCES[:2]

_Column = NDArray[np.float64]


@dataclass(frozen=True)
class BaselineRules:
    """Section `baseline` of an edition."""

    own_history_km_min: float
    own_history_month_count_max: int
    own_season_month_count: int
    own_season_year_count_max: int
    own_season_km_share_min: float
    own_years_max: float
    declared_years_max: float
    cohort_years_max: float
    cohort_driver_count_min: int
    cohort_shrinkage_count: float
    month_scatter_share: float
    efficiency_scatter_share: float
    driver_scatter_share: float
    scatter_weight_count: float
    standard_share_min: float
    own_doubt_index: float


@dataclass(frozen=True)
class MonthScatter:
    """How months of one driver differ from one another.

    Attributes
    ----------
    empty_share, payload_share : float
        Relative standard deviations.
    is_seen : bool
        Whether months of anybody were seen to differ; else it is what the edition believes.
    """

    empty_share: float
    payload_share: float
    is_seen: bool


@dataclass(frozen=True)
class Baseline:
    """One counterfactual of one driver and truck.

    Attributes
    ----------
    source : str
        One of `SOURCES`.
    empty_share : float
        Empty km / total km.
    payload_utilisation_share : float
        tkm / (rated payload x loaded km).
    efficiency_index : float or None
        Fuel burnt per model fuel; None if never measured.
    from_on : str
        First day of the data, or on which the line came into force; YYYY-MM-DD.
    class_id : str
        Class whose line it is; empty for a driver's own.
    empty_standard_share, payload_standard_share : float
        Relative standard uncertainties of the two shares, from the scatter of what they were
        made of; NaN takes those of the edition by source.
    sample_count : int
        Months or other drivers it was made of; 0 if it was declared.
    of_orders_share : float
        Part of it that was made of the fleet's own orders, and has the habits of their weights.
    efficiency_standard_share : float
        Relative standard uncertainty of the index, likewise; NaN takes that of the edition.
    efficiency_scatter_share : float
        How far the index of a single month lies off that of the driver's months, relative.
    scatter : MonthScatter or None
        How the months it was made of differ; None if it was not made of one driver's months.
    season_standard_share : float
        Relative standard uncertainty of the month's season inside it.
    is_drawn : bool
        Whether what others tell was drawn to what is known of the driver.
    """

    source: str
    empty_share: float
    payload_utilisation_share: float
    efficiency_index: float | None
    from_on: str = ""
    class_id: str = ""
    empty_standard_share: float = math.nan
    payload_standard_share: float = math.nan
    sample_count: int = 0
    of_orders_share: float = 0.0
    efficiency_standard_share: float = math.nan
    efficiency_scatter_share: float = 0.0
    scatter: MonthScatter | None = None
    season_standard_share: float = 0.0
    is_drawn: bool = False


def standardised(
    account: NDArray[np.intp],
    count: int,
    *,
    work_tkm: _Column,
    empty_km_ratio: _Column,
    payload_share: _Column,
) -> tuple[_Column, _Column, _Column]:
    """The shares of an account from those of the parts of its work: direct standardisation.

    Every part keeps its transport work; the counterfactual drives it with the part's payload and
    is empty for its kilometres per loaded kilometre.

    Parameters
    ----------
    account : ndarray of int, shape (n_parts,)
        Place of each part's account.
    count : int
        How many accounts there are.
    work_tkm : ndarray of float, shape (n_parts,)
        Transport work of the part in the month accounted, above 0. [tkm]
    empty_km_ratio : ndarray of float, shape (n_parts,)
        Empty kilometres per loaded kilometre.
    payload_share : ndarray of float, shape (n_parts,)
        Payload utilisation, above 0.

    Returns
    -------
    empty_share, payload_share : ndarray of float, shape (n_accounts,)
        NaN for an account without parts.
    part : ndarray of float, shape (n_parts,)
        Part of the account's loaded kilometres in the counterfactual.

    Notes
    -----
    With ``D_i = W_i / (u_i C)``: ``r = sum r_i D_i / sum D_i``, ``u = sum W_i / (C sum D_i)``, so
    that the litres of the whole are the sum of those of its parts (methodology, F4 and F5).

    Examples
    --------
    >>> one = np.zeros(2, np.intp)
    >>> empty, payload, _ = standardised(one, 1, work_tkm=np.array([60.0, 20.0]),
    ...     empty_km_ratio=np.array([0.2, 0.6]), payload_share=np.array([0.6, 0.2]))
    >>> (round(float(payload[0]), 3), round(float(empty[0]), 4))  # r = 0.4
    (0.4, 0.2857)
    """
    loaded = work_tkm / payload_share
    whole, empty, work = (
        # Of nothing the sums would be integers.
        np.bincount(account, each, count).astype(np.float64)
        for each in (loaded, loaded * empty_km_ratio, work_tkm)
    )
    whole[whole == 0] = np.nan
    return empty / (empty + whole), work / whole, loaded / whole[account]


def believed_scatter(
    seen_square: _Column | float,
    freedom_count: _Column | float,
    *,
    prior_share: float,
    prior_count: float,
) -> _Column | float:
    """Relative standard deviation as seen, drawn to what is believed where little was seen.

    Parameters
    ----------
    seen_square : float or column
        Square of the relative standard deviation seen.
    freedom_count : float or column
        Degrees of freedom of it: one less than the months or drivers.
    prior_share : float
        Relative standard deviation believed before.
    prior_count : float
        Degrees of freedom that the belief is worth.

    References
    ----------
    Mean of a scaled inverse chi-squared prior and a sample, as in A. Gelman et al., Bayesian Data
    Analysis, 3rd edition, section 2.6, with the pooled variance in place of the quantile.

    Examples
    --------
    >>> # Half way, in squares, from 0.1 to 0.2.
    >>> round(believed_scatter(0.04, 4, prior_share=0.1, prior_count=4), 4)
    0.1581
    """
    pooled = prior_count * prior_share**2 + freedom_count * seen_square
    return (pooled / (prior_count + freedom_count)) ** 0.5
