"""Sums of accounts with their interval: of drivers, trucks, months.

Every sum is exact and rounded once: it depends neither on the order of the accounts nor on what
else is summed beside it. What errs alike in all accounts (rates, factor, baseline, scales) adds up
as it is; what errs in each by itself adds up in squares. Adding bounds would say too much of the
second, adding squares alone too little of the first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.grouping import Groups, together
from fleet_carbon.quantification.uncertainty import UncertaintyRules

# Figures that add up over accounts.
SUMMED = (
    *("distance_km", "loaded_km", "empty_km", "unknown_km", "imputed_km", "search_km"),
    *("transport_work_tkm", "activity_tkm", "orders_count", "orders_matched_count"),
    *("idle_h", "stop_h", "diesel_l", "baseline_diesel_l", "diesel_saved_l"),
    *("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l"),
    *("co2_ttw_kg", "co2e_wtw_kg", "co2_credited_g", "carbon_value", "fuel_cost_saved"),
)
# Shares and what is known of the saving, which are made anew of the sums.
SHARES = ("mileage_utilisation_share", "payload_utilisation_share", "load_rate_share")
SAVING = ("co2_avoided_kg", "co2_avoided_low_kg", "co2_avoided_high_kg", "co2_leakage_kg")


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
    [saving] = _savings(accounts, together(len(accounts)), rules).to_dict("records")
    return CombinedSaving(**{str(name): held for name, held in saving.items()})


def sum_accounts(accounts: pd.DataFrame, groups: Groups, rules: UncertaintyRules) -> pd.DataFrame:
    """The sums of each group of accounts; a sum of nothing known is missing, not zero.

    Parameters
    ----------
    accounts : DataFrame
        Rows of `frames.ACCOUNTS`.
    groups : Groups
        Which account belongs to which group.
    rules : UncertaintyRules
        Quantile of the interval.

    Returns
    -------
    sums : DataFrame, one row per group
        accounts_count, `SUMMED`, `SHARES`, `SAVING` with co2_avoided_standard_kg, and
        coverage_share, the mean by kilometres: a truck that hardly drove says little of the fleet.
    """
    sums = pd.DataFrame({name: sum_known(accounts[name], groups) for name in SUMMED})
    work_tkm, distance_km = (
        accounts[name].to_numpy(np.float64) for name in ("transport_work_tkm", "distance_km")
    )
    payload_share = accounts["payload_utilisation_share"].to_numpy(np.float64, na_value=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        capacity_tkm = groups.sums_at_hand(np.nan_to_num(work_tkm / payload_share, nan=0.0))
    mileage = _ratio(
        groups.sums_at_hand(accounts["loaded_km"].to_numpy(np.float64)),
        groups.sums_at_hand(distance_km),
    )
    payload = _ratio(groups.sums_at_hand(work_tkm), capacity_tkm)
    seen = accounts["coverage_share"].to_numpy(np.float64, na_value=np.nan)
    seen_km = groups.sums_at_hand(np.where(np.isnan(seen), 0.0, distance_km))
    savings = _savings(accounts, groups, rules)
    has_saving = savings.pop("accounts_count") > 0
    return pd.DataFrame(
        {
            "accounts_count": np.bincount(groups.code, minlength=groups.count),
            **sums,
            **dict(zip(SHARES, (mileage, payload, mileage * payload), strict=True)),
            **{name: savings[name].where(has_saving) for name in savings},
            "coverage_share": _ratio(
                groups.sums_at_hand(np.nan_to_num(seen * distance_km)), seen_km
            ),
        }
    )


def sum_known(values: pd.Series[Any], groups: Groups) -> Any:
    """The sum of what is known in each group; missing where nothing is. Integers stay such."""
    is_known = values.notna().to_numpy(bool)
    has_none = groups.counts(is_known) == 0
    if pd.api.types.is_integer_dtype(values.dtype):
        whole = np.zeros(groups.count, dtype=np.int64)
        np.add.at(whole, groups.code[is_known], values[is_known].to_numpy(np.int64))
        return pd.arrays.IntegerArray(whole, has_none)
    known = np.where(is_known, values.to_numpy(np.float64, na_value=np.nan), 0.0)
    return np.where(has_none, np.nan, groups.sums_at_hand(known))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=share, where=whole > 0)


def _savings(accounts: pd.DataFrame, groups: Groups, rules: UncertaintyRules) -> pd.DataFrame:
    """`CombinedSaving` of each group, in columns; zeros where no account has a saving."""
    is_saving = accounts["co2_avoided_kg"].notna().to_numpy(bool)

    def held(name: str) -> NDArray[np.float64]:
        values = accounts[name].to_numpy(np.float64, na_value=np.nan)
        return np.where(is_saving, np.nan_to_num(values), 0.0)

    avoided = groups.sums_at_hand(held("co2_avoided_kg"))
    common = groups.sums_at_hand(held("co2_common_standard_kg"))
    standard = np.sqrt(common**2 + groups.sums_at_hand(held("co2_single_standard_kg") ** 2))
    half = rules.coverage_index * standard
    return pd.DataFrame(
        {
            "accounts_count": groups.counts(is_saving),
            "co2_avoided_kg": avoided,
            "co2_avoided_low_kg": avoided - half,
            "co2_avoided_high_kg": avoided + half,
            "co2_avoided_standard_kg": standard,
            "co2_leakage_kg": groups.sums_at_hand(held("co2_leakage_kg")),
        }
    )
