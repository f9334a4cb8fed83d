"""Run a simulated fleet through the whole product and hold the outcome against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fleet_carbon.services.accounts.reading import read_table
from fleet_carbon.services.intake.ingesting import Source, ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from simulation.fleet import Fleet

GAZETTEER = Path(__file__).resolve().parents[2] / "fleet_carbon" / "_collected" / "gazetteer.csv"
KINDS = ("vehicles", "drivers", "assignments", "orders", "positions", "baselines")


@dataclass(frozen=True)
class Limits:
    """What the worst truck may be off by, in percent; orders proven, at least, in percent."""

    distance_percent: float
    empty_percent: float
    work_percent: float
    matched_percent: float


@dataclass(frozen=True)
class Outcome:
    """The tables of a closed month, in the words of the contract."""

    accounts: pd.DataFrame
    legs: pd.DataFrame
    orders: pd.DataFrame


def run_chain(fleet: Fleet, folder: Path) -> Outcome:
    """Write the fleet's files, ingest them into a fresh home, close the month, read it back."""
    files = fleet.write(folder / "files")
    settings = Settings(home=folder / "home")
    for kind in KINDS:
        report = ingest_files(settings, kind, [files[kind]], source=Source(crs=fleet.crs))
        assert report.rows_rejected == 0, report.as_dict()["rejections"]
    close_month(settings, fleet.month)
    tables = {
        name: read_table(settings, name, fleet.month).rows
        for name in ("accounts", "legs", "orders")
    }
    return Outcome(**tables)


def name_districts(fleet: Fleet) -> None:
    """Leave of every order's place only the name of the district whose middle is nearest."""
    units = pd.read_csv(GAZETTEER)
    units = units[units["level"] == "district"].reset_index(drop=True)
    for side in ("pickup", "delivery"):
        lon, lat = fleet.orders[f"{side}_lon"].to_numpy(), fleet.orders[f"{side}_lat"].to_numpy()
        east_km = (
            (lon[:, None] - units["lon"].to_numpy()) * 111.3 * np.cos(np.radians(lat))[:, None]
        )
        north_km = (lat[:, None] - units["lat"].to_numpy()) * 111.1
        nearest = units.iloc[np.hypot(east_km, north_km).argmin(axis=1)]
        city = nearest["city"].where(nearest["city"] != nearest["province"], "").fillna("")
        fleet.orders[f"{side}_place"] = (nearest["province"] + city + nearest["name"]).to_numpy()
        fleet.orders[[f"{side}_lon", f"{side}_lat"]] = np.nan


def errors_percent(fleet: Fleet, outcome: Outcome) -> pd.DataFrame:
    """Per truck: relative errors of distance, empty km and tkm, and the share of proven orders."""
    names = {"distance_km": "distance_km", "empty_km": "empty_km", "transport_work_tkm": "tkm"}
    found = outcome.accounts.groupby("vehicle_id")[list(names)].sum().astype(float)
    truth = fleet.truth.set_index("vehicle_id")
    found = found.rename(columns=names).reindex(truth.index)
    off = (found / truth[list(names.values())] - 1.0).abs() * 100.0
    off["matched"] = matched_percent(fleet, outcome)
    return off


def matched_percent(fleet: Fleet, outcome: Outcome) -> pd.Series:
    """Per truck the share of real orders of the month that were proven; 100 without orders."""
    proven = outcome.orders.set_index("order_id")["matched"].astype(bool)
    real = fleet.order_truth[_in_month(fleet)]
    is_proven = real["order_id"].map(proven).fillna(False).astype(float)
    share = is_proven.groupby(real["vehicle_id"]).mean() * 100.0
    return share.reindex(fleet.truth["vehicle_id"]).fillna(100.0)


def _in_month(fleet: Fleet) -> pd.Series:
    """Orders delivered in the month: they are the month's in the product's count too."""
    day = fleet.order_truth["delivery_arrived_at"].dt.tz_convert("Asia/Shanghai")
    return day.dt.strftime("%Y-%m") == fleet.month


def assert_within(off: pd.DataFrame, limits: Limits) -> None:
    """Every truck keeps every limit; the failure shows all trucks."""
    shown = off.round(3).to_string()
    assert off["distance_km"].max() <= limits.distance_percent, shown
    assert off["empty_km"].max() <= limits.empty_percent, shown
    assert off["tkm"].max() <= limits.work_percent, shown
    assert off["matched"].min() >= limits.matched_percent, shown
