"""A driver's accounts over the months, and each year of them as one account."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.quantification.editions import edition_in_force, fill_rules
from fleet_carbon.quantification.sums import CombinedSaving, combined_saving
from fleet_carbon.quantification.uncertainty import UncertaintyRules
from fleet_carbon.services.accounts.reporting import bounds_told
from fleet_carbon.services.accounts.spreads import Bounds, Spreads, read_intervals
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage


@dataclass(frozen=True)
class DriverAccounts:
    """What is on record of a driver in closed months.

    Attributes
    ----------
    driver_id : str
    rows : list of dict
        Rows of `frames.ACCOUNTS` with `run_id`, in order of month and truck, JSON-ready.
    years : list of dict
        Each calendar year: months, sums, the saving with its interval, and those of the sums.
    bounds : dict of tuple of str to dict
        The intervals of the accounts, by month and truck.
    """

    driver_id: str
    rows: list[dict[str, Any]]
    years: list[dict[str, Any]]
    bounds: dict[tuple[str, ...], Bounds]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"driver_id": self.driver_id, "accounts": self.rows, "years": self.years}


def read_driver_accounts(
    settings: Settings, driver_id: str, *, from_month: str = "", until_month: str = ""
) -> DriverAccounts:
    """The accounts of a driver by the latest close of each month.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    driver_id : str
        The driver.
    from_month, until_month : str
        First and last month, YYYY-MM; empty for any.

    Raises
    ------
    NotFound
        ``account_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        run_ids = work.closings.run_ids()
        wanted = [
            month
            for month in run_ids
            if month >= from_month and (not until_month or month <= until_month)
        ]
        accounts = tables.ordered(
            work.closings.over_months("accounts", wanted, column="driver_id", values=[driver_id]),
            ACCOUNTS,
        )
        if accounts.empty:
            raise NotFound(
                "account_not_found",
                f"Driver {driver_id!r} has no account in those months.",
                "The list of months tells which were closed.",
            )
        intervals = _intervals(work, driver_id, set(accounts["month"]))
    rows = [row | {"run_id": run_ids[row["month"]]} for row in tables.records(accounts)]
    year, spreads = accounts["month"].str.slice(0, 4), Spreads(accounts, intervals)
    of_years = bounds_told({name: of for (name,), of in spreads.by(year).items()})
    return DriverAccounts(
        driver_id,
        rows,
        years=[
            {**_year(settings, one, accounts[year == one]), "intervals": told}
            for one, told in of_years.items()
        ],
        bounds=spreads.by(accounts["month"], accounts["vehicle_id"]),
    )


def _intervals(work: UnitOfWork, driver_id: str, months: Collection[str]) -> pd.DataFrame:
    """Those of a driver's accounts by the latest close of each month."""
    runs = work.closings.latest_of(months).values()
    found = [
        read_intervals(work, run, column="driver_id", values=[driver_id]).assign(month=run.month)
        for run in runs
    ]
    return pd.concat(found, ignore_index=True)


def _year(settings: Settings, year: str, rows: pd.DataFrame) -> dict[str, Any]:
    edition = edition_in_force(settings.models_dir, date(int(year), 12, 31))
    saving: CombinedSaving = combined_saving(
        rows, fill_rules(edition, "uncertainty", UncertaintyRules)
    )
    names = ("distance_km", "loaded_km", "empty_km", "activity_tkm", "diesel_l", "diesel_saved_l")
    return {
        "year": year,
        "months": sorted(set(rows["month"])),
        **{name: float(rows[name].sum()) for name in names},
        "co2_credited_g": int(rows["co2_credited_g"].sum()),
        "saving": saving.as_dict(),
    }
