"""Sums of accounts with their interval: of drivers, trucks, months.

What errs alike in all accounts (rates, factor, baseline, scales) adds up as it is; what errs in
each by itself adds up in squares. Adding bounds would say too much of the second, adding squares
alone too little of the first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.quantification.uncertainty import UncertaintyRules


@dataclass(frozen=True)
class CombinedSaving:
    """What accounts have avoided together.

    Attributes
    ----------
    accounts_count : int
        Accounts with a saving; the others count for nothing here.
    co2_avoided_kg : float
        Sum of the estimates. [kg]
    co2_avoided_low_kg, co2_avoided_high_kg : float
        Bounds of the interval of the edition, before leakage and the year. [kg]
    co2_avoided_standard_kg : float
        Its standard uncertainty. [kg]
    co2_leakage_kg : float
        Taken off for what it causes elsewhere. [kg]
    """

    accounts_count: int
    co2_avoided_kg: float
    co2_avoided_low_kg: float
    co2_avoided_high_kg: float
    co2_avoided_standard_kg: float
    co2_leakage_kg: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def combined_saving(accounts: pd.DataFrame, rules: UncertaintyRules) -> CombinedSaving:
    """The saving of accounts as one, with its interval.

    The standard uncertainty is the root of (sum of common)^2 + sum of single^2: correlation one
    for the common part, none for the rest (JCGM 100:2008, 5.2.2).

    Parameters
    ----------
    accounts : DataFrame
        Rows of `frames.ACCOUNTS`.
    rules : UncertaintyRules
        Quantile of the interval.

    Examples
    --------
    Two accounts of 100 kg, each with 3 kg in common with the other and 4 kg of its own: the root
    of (3 + 3)^2 + 4^2 + 4^2.

    >>> rows = pd.DataFrame({"co2_avoided_kg": [100.0, 100.0], "co2_leakage_kg": 0.0,
    ...     "co2_common_standard_kg": 3.0, "co2_single_standard_kg": 4.0})
    >>> from types import SimpleNamespace
    >>> round(combined_saving(rows, SimpleNamespace(coverage_index=1.0)).co2_avoided_high_kg, 3)
    208.246
    """
    saved = accounts[accounts["co2_avoided_kg"].notna().to_numpy(bool)]
    common = float(saved["co2_common_standard_kg"].fillna(0.0).sum())
    single = saved["co2_single_standard_kg"].fillna(0.0).to_numpy(np.float64)
    standard = float(np.sqrt(common**2 + np.sum(single**2)))
    avoided = float(saved["co2_avoided_kg"].sum())
    half = rules.coverage_index * standard
    return CombinedSaving(
        accounts_count=len(saved),
        co2_avoided_kg=avoided,
        co2_avoided_low_kg=avoided - half,
        co2_avoided_high_kg=avoided + half,
        co2_avoided_standard_kg=standard,
        co2_leakage_kg=float(saved["co2_leakage_kg"].fillna(0.0).sum()),
    )
