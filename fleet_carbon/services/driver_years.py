"""A driver's accounts over the months, and each year of them as one account."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import ACCOUNTS, INTERVALS
from fleet_carbon.quantification.editions import edition_in_force, fill_rules
from fleet_carbon.quantification.sums import CombinedSaving, combined_saving
from fleet_carbon.quantification.uncertainty import UncertaintyRules
from fleet_carbon.services.spreads import COLUMNS, Bounds, bounds_by
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import open_storage


@dataclass(frozen=True)
class DriverAccounts:
    """What is on record of a driver in closed months.

    Attributes
    ----------
    driver_id : str
    rows : list of dict
        Rows of `frames.ACCOUNTS` with `run_id`, in order of month and truck, JSON-ready.
    years : list of dict
        Each calendar year: months, sums, and the saving with its interval.
    """

    driver_id: str
    rows: list[dict[str, Any]]
    years: list[dict[str, Any]]

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
    rows = [row | {"run_id": run_ids[row["month"]]} for row in tables.records(accounts)]
    if not rows:
        raise NotFound(
            "account_not_found",
            f"Driver {driver_id!r} has no account in those months.",
            "The list of months tells which were closed.",
        )
    return DriverAccounts(driver_id, rows, _years(settings, accounts))


def read_driver_bounds(settings: Settings, found: DriverAccounts) -> dict[tuple[str, str], Bounds]:
    """The intervals of the accounts of a driver, by month and truck.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    found : DriverAccounts
        The accounts.
    """
    told: dict[tuple[str, str], Bounds] = {}
    with closing(open_storage(settings)) as storage, storage.look() as work:
        for month in dict.fromkeys(row["month"] for row in found.rows):
            run = work.closings.latest(month)
            if run is None or INTERVALS.name not in run.table_digests:
                continue
            intervals = work.closings.rows_among(
                run,
                INTERVALS.name,
                column="driver_id",
                values=[found.driver_id],
                columns=COLUMNS,
            )
            accounts = pd.DataFrame([row for row in found.rows if row["month"] == month])
            of_month = bounds_by(accounts, intervals, accounts["vehicle_id"])
            told |= {(month, vehicle_id): of for vehicle_id, of in of_month.items()}
    return told


def _years(settings: Settings, accounts: pd.DataFrame) -> list[dict[str, Any]]:
    years = accounts["month"].str.slice(0, 4)
    return [_year(settings, year, accounts[years == year]) for year in sorted(set(years))]


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
