"""The baselines of a closed month side by side, account by account, and which of them counted.

Everything is read as it stands on record of the closing run: what is told is what was credited by.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.frames import DERIVATIONS
from fleet_carbon.periods import parse_month
from fleet_carbon.quantification.counterfactual import BaselineRules
from fleet_carbon.quantification.declared import DAYS_PER_YEAR
from fleet_carbon.quantification.editions import fill_rules, load_editions
from fleet_carbon.quantification.joining import SINCE_JOINING
from fleet_carbon.services.accounts.naming import shown_names
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork, open_storage

SAVED_AGAINST = {
    "declared_driver": "saved_against_declared_l",
    "own_history": "saved_against_own_l",
    "cohort": "saved_against_cohort_l",
    "declared_class": "saved_against_class_l",
}
"""Baseline -> column of the account that states the saving against it."""
_DECLARED = ("declared_driver", "declared_class")
_NUMBERS = (
    *("empty_share", "payload_share", "drawn_empty_share", "drawn_payload_share"),
    *("age_days", "sample_count"),
)
# Notes of an account that are about what it was compared with.
NOTES = (
    *("no_baseline", "baseline_too_old", "before_joining", "baseline_out_of_range"),
    *("own_months_doubted", "joined_without_history", "no_cohort", "no_credit_for_lng"),
)


@dataclass(frozen=True)
class Counterfactuals:
    """The accounts of a month with their baselines.

    Attributes
    ----------
    month : str
        YYYY-MM.
    months : list of str
        Every month that was closed, the newest first.
    edition : str
        Under which it was closed.
    years_max : dict of str to float
        How long each kind of baseline serves; empty if the edition's file is gone. [years]
    accounts : list of dict
        Those asked for: driver, truck, `counted`, `notes`, `baselines` with their figures, and
        what the months since joining tell, None where they tell nothing.
    accounts_count : int
        How many there are of the choice.
    counted : dict of str to int
        How many accounts of the month each kind of baseline counted for.
    """

    month: str
    months: list[str]
    edition: str
    years_max: dict[str, float]
    accounts: list[dict[str, Any]]
    accounts_count: int
    counted: dict[str, int]


def read_counterfactuals(
    settings: Settings, month: str, *, search: str = "", first: int = 0, limit_count: int = 25
) -> Counterfactuals | None:
    """The baselines of the accounts of a closed month; None if no month was ever closed.

    Parameters
    ----------
    settings : Settings
        Where the records and the models are.
    month : str
        YYYY-MM; empty for the newest that was closed.
    search : str
        Only drivers and trucks whose name or identifier holds it.
    first, limit_count : int
        Which of the accounts, by driver and truck.

    Raises
    ------
    InputRefused
        If the month is malformed.
    NotFound
        If the month was never closed.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        months = sorted(work.closings.months(), reverse=True)
        if not months:
            return None
        run = latest_run(work, str(parse_month(month, storage.zone)) if month else months[0])
        accounts = work.closings.table(run, "accounts").sort_values(["driver_id", "vehicle_id"])
        named = shown_names(work)
        found = accounts.loc[_holds(accounts, named, search)]
        chosen = found.iloc[first : first + limit_count]
        years_max = _years_max(settings, run)
        written = _written(work, run, chosen)
    return Counterfactuals(
        month=run.month,
        months=months,
        edition=run.edition_label,
        years_max=years_max,
        accounts=[
            _account(row, named, written.get((row["driver_id"], row["vehicle_id"]), {}), years_max)
            for row in tables.records(chosen)
        ],
        accounts_count=len(found),
        counted=Counter(accounts["baseline_source"].fillna("none").tolist()),
    )


def _holds(accounts: pd.DataFrame, named: dict[str, str], search: str) -> np.ndarray[Any, Any]:
    wanted = search.strip().casefold()
    pairs = zip(accounts["driver_id"].tolist(), accounts["vehicle_id"].tolist(), strict=True)
    return np.array(
        [
            wanted in f"{driver_id}\n{named.get(driver_id, '')}\n{vehicle_id}".casefold()
            for driver_id, vehicle_id in pairs
        ],
        dtype=bool,
    )


def _years_max(settings: Settings, run: ClosingRun) -> dict[str, float]:
    """By the edition as it was when the month was closed."""
    for edition in load_editions(settings.models_dir):
        if edition.digest == run.edition_digest:
            rules = fill_rules(edition, "baseline", BaselineRules)
            return {
                **dict.fromkeys(_DECLARED, rules.declared_years_max),
                "own_history": rules.own_years_max,
                "cohort": rules.cohort_years_max,
            }
    return {}


def _written(
    work: UnitOfWork, run: ClosingRun, chosen: pd.DataFrame
) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """What was written down of the baselines of these accounts, by account and name."""
    if DERIVATIONS.name not in run.table_digests:  # closed by a program that kept none
        return {}
    rows = work.closings.rows_among(
        run,
        DERIVATIONS.name,
        column="driver_id",
        values=set(chosen["driver_id"].tolist()),
        columns=DERIVATIONS.names,
    )
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in tables.records(rows.loc[rows["step"] == "baseline"]):
        found.setdefault((row["driver_id"], row["vehicle_id"]), {})[row["name"]] = row
    return found


def _account(
    account: dict[str, Any],
    named: dict[str, str],
    written: dict[str, dict[str, Any]],
    years_max: dict[str, float],
) -> dict[str, Any]:
    codes = [code for code in (account["notes"] or "").split(";") if code]
    return {
        "driver_id": account["driver_id"],
        "driver_name": named.get(account["driver_id"], ""),
        "vehicle_id": account["vehicle_id"],
        "counted": account["baseline_source"],
        "saved_l": account["diesel_saved_l"],
        "credited_g": account["co2_credited_g"],
        "is_smallest": _is_smallest(account),
        "notes": [code for code in codes if code in NOTES],
        "baselines": [
            _baseline(source, account[column], written, years_max)
            for source, column in SAVED_AGAINST.items()
            if f"{source}_empty_share" in written
        ],
        "since_joining": _numbers(SINCE_JOINING, written) | {"source": SINCE_JOINING}
        if f"{SINCE_JOINING}_empty_share" in written
        else None,
    }


def _is_smallest(account: dict[str, Any]) -> bool:
    """Whether the saving is the smallest of those that are stated, and more than one is."""
    stated = [account[name] for name in SAVED_AGAINST.values() if account[name] is not None]
    return len(stated) > 1 and account["diesel_saved_l"] == min(stated)


def _baseline(
    source: str,
    saved_l: float | None,
    written: dict[str, dict[str, Any]],
    years_max: dict[str, float],
) -> dict[str, Any]:
    from_on = next(
        part.removeprefix("from:")
        for part in [*written[f"{source}_empty_share"]["source"].split(), "from:"]
        if part.startswith("from:")
    )
    return _numbers(source, written) | {
        "source": source,
        "saved_l": saved_l,
        "from_on": from_on,
        "serves_until": _serves_until(source, from_on, years_max),
    }


def _numbers(source: str, written: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: written.get(f"{source}_{name}", {}).get("value") for name in _NUMBERS}


def _serves_until(source: str, from_on: str, years_max: dict[str, float]) -> str:
    """Last day on which a declared line serves; empty where the age of months decides."""
    if source not in _DECLARED or source not in years_max or not from_on:
        return ""
    days = int(years_max[source] * DAYS_PER_YEAR)
    return (date.fromisoformat(from_on) + timedelta(days=days)).isoformat()
