"""The fleet's files through the product: ingest, close every month in order, read the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.year.files import Written
from fleet_carbon.services.accounts.reading import read_table
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings

_KINDS = ("vehicles", "drivers", "baselines", "orders", "energy", "positions")
_ACCOUNT = [
    "month", "vehicle_id", "driver_id", "distance_km", "loaded_km", "empty_km", "unknown_km",
    "transport_work_tkm", "diesel_l", "diesel_source", "baseline_source", "baseline_diesel_l",
    "diesel_saved_l", "co2_ttw_kg", "co2_avoided_kg",
    "co2_credited_g", "notes",
]  # fmt: skip
_LEG = ["vehicle_id", "started_at", "finished_at", "state", "distance_km", "diesel_l", "idle_h"]


@dataclass(frozen=True)
class Told:
    """What the product says: accounts of all months, legs of the accounted year."""

    accounts: pd.DataFrame
    legs: pd.DataFrame
    rejected: dict[str, int]


def run_product(
    written: Written, home: Path, *, first_month: int, say: Callable[[str], None]
) -> Told:
    """Ingest, close and read; legs from a month on, counted from the first of all."""
    settings = Settings(home=home)
    rejected: dict[str, int] = {}
    for kind in _KINDS:
        report = ingest_files(settings, kind, written.files[kind])
        rejected[kind] = report.rows_rejected
        say(f"ingested {kind}, {report.rows_rejected} rows refused")
    accounts, legs = [], []
    for month in range(len(written.calendar.borders_s) - 1):
        name = written.calendar.name(month)
        close_month(settings, name)
        accounts.append(_accounts(settings, name).assign(month_at=month))
        if month >= first_month:
            legs.append(_rows(settings, "legs", name, _LEG).assign(month_at=month))
        say(f"closed {name}")
    return Told(
        pd.concat(accounts, ignore_index=True), pd.concat(legs, ignore_index=True), rejected
    )


def _accounts(settings: Settings, month: str) -> pd.DataFrame:
    """Accounts with the interval of the litres that the month by itself saved.

    The lower bound of the CO2 is another one: what the month adds to the credit of its year.
    """
    rows = _rows(settings, "accounts", month, _ACCOUNT)
    bounds = read_table(settings, "accounts", month).intervals
    assert bounds is not None
    of_saving = bounds.loc[(bounds["figure"] == "diesel_saved_l").to_numpy(bool)]
    named = of_saving.rename(columns={"low": "saved_low_l", "high": "saved_high_l"})
    key = ["driver_id", "vehicle_id"]
    named = named[[*key, "saved_low_l", "saved_high_l"]].astype(dict.fromkeys(key, str))
    return rows.astype(dict.fromkeys(key, str)).merge(named, on=key, how="left")


def _rows(settings: Settings, name: str, month: str, columns: list[str]) -> pd.DataFrame:
    rows = read_table(settings, name, month).rows
    held = rows[[column for column in columns if column in rows]]
    return held.assign(vehicle_id=held["vehicle_id"].astype("object").astype("str"))
