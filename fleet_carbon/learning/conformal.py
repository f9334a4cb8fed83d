"""Intervals that cover what they promise: quantiles, widened by what they missed on later data."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused

Column = NDArray[np.float64]


def conformal_margin(low: Column, high: Column, seen: Column, *, coverage_share: float) -> float:
    """By how much bounds must be widened on both sides to cover so much of data like these.

    Parameters
    ----------
    low, high : ndarray of float, shape (n,)
        Bounds predicted for rows that were not used to make the predictor.
    seen : ndarray of float, shape (n,)
        What these rows really came to.
    coverage_share : float
        Promised coverage, for example 0.9.

    Returns
    -------
    margin : float
        In the unit of the bounds; negative if they were too wide.

    Raises
    ------
    InputRefused
        If there are too few rows for such a promise.

    References
    ----------
    Y. Romano, E. Patterson, E. Candes, Conformalized quantile regression, NeurIPS 2019,
    algorithm 1: the ceil((n+1)(1-alpha))-th smallest of max(low - seen, seen - high).

    Examples
    --------
    >>> seen = np.arange(9) / 4  # the 9th of 9 misses is 2 - 1
    >>> conformal_margin(np.zeros(9), np.ones(9), seen, coverage_share=0.9)
    1.0
    """
    misses = np.sort(np.maximum(low - seen, seen - high))
    rank = math.ceil((len(misses) + 1) * coverage_share)
    if rank > len(misses):
        raise InputRefused(
            "too_few_rows_to_calibrate",
            f"{len(misses)} rows cannot promise a coverage of {coverage_share:.0%}.",
            "Train with more months or more trucks.",
        )
    return float(misses[rank - 1])


def coverage_share(low: Column, high: Column, seen: Column) -> float:
    """Part of the rows that lie inside their bounds."""
    return float(np.mean((low <= seen) & (seen <= high)))
