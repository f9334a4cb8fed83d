"""A ledger with everything in it: what tests of its way elsewhere begin with."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fleet_carbon import frames
from fleet_carbon.ledger import claims
from fleet_carbon.ledger.posting import MonthPosting, Stock, post_month
from fleet_carbon.services.ledger import selling
from fleet_carbon.services.ledger.disposing import Disposal, dispose
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.results import ClosingRun
from fleet_carbon.storage.unit_of_work import UnitOfWork
from tests.ledger.builders import AT, EDITION, RULE

MONTH = "2026-01"
# 70 % of a figure are the driver's: 700,000 g and 350,000 g.
FIGURES = {("D1", "V1"): 1_000_000, ("D2", "V2"): 500_000}


def sell(settings: Settings, lot_id: str, amount_g: int) -> None:
    request = selling.SaleRequest(lot_id, "City", amount_g, price="50", currency="CNY")
    selling.sell(settings, request, is_dry_run=False, progress=Silent())


def step(settings: Settings, name: str, lot_id: str) -> None:
    told: dict[str, Any] = {"is_dry_run": False, "progress": Silent()}
    if name == "settle":
        selling.settle(settings, lot_id, fees="0", **told)
    else:
        {"void": selling.void, "pay": selling.pay}[name](settings, lot_id, **told)


def retire(settings: Settings, client_id: str, source: str, amount_g: int) -> None:
    wanted = Disposal("retire", client_id, source, amount_g, "Marathon")
    dispose(settings, wanted, is_dry_run=False, progress=Silent())


def close(work: UnitOfWork, fleet_id: str) -> None:
    """A run with accounts as a close would leave it, and what it posts."""
    rows = [
        {
            "month": MONTH,
            "fleet_id": "f",
            "driver_id": driver,
            "vehicle_id": truck,
            "edition": EDITION,
            "co2_credited_g": figure_g,
        }
        for (driver, truck), figure_g in FIGURES.items()
    ]
    columns = {
        one.name: [row.get(one.name, "" if one.dtype == frames.TEXT else 0) for row in rows]
        for one in frames.ACCOUNTS.columns
    }
    accounts = frames.ACCOUNTS.shape(pd.DataFrame(columns))
    tables = {"accounts": accounts}
    run = ClosingRun(
        "r1", MONTH, EDITION, "e" * 64, {"program": "p"}, AT, {}, tables=tables, traces_at=3
    )
    work.closings.save(MONTH, run)
    trucks = [
        (driver, truck, f"plate/2/{fleet_id}-{truck}", 1_767_225_600, 1_767_229_200)
        for driver, truck in FIGURES
    ]
    work.claims.record(MONTH, "r1", pd.DataFrame(trucks, columns=list(claims.COLUMNS)))
    posting = MonthPosting(MONTH, EDITION, "r1", AT, {"accounts": "d" * 64}, RULE)
    work.ledger.append(post_month(FIGURES, {}, posting, stock=Stock()))
