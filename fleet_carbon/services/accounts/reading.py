"""Read what a closed month says: accounts, legs, orders, receipts."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.frames import ACCOUNTS, INTERVALS, LEGS, ORDER_RESULTS, RECEIPTS, Frame
from fleet_carbon.ledger.balances import Sums
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts.naming import shown_name
from fleet_carbon.services.ledger.settling import read_driver_ledger
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import console, tables
from fleet_carbon.storage.unit_of_work import ClosingRun, open_storage

# The name of a command, and the table of the closing run behind it.
FRAME_BY_COMMAND: dict[str, Frame] = {
    "accounts": ACCOUNTS,
    "legs": LEGS,
    "orders": ORDER_RESULTS,
    "receipts": RECEIPTS,
}


@dataclass(frozen=True)
class Table:
    """One table of a closed month.

    Attributes
    ----------
    name, month, fleet_id, edition : str
        What it is and under which rules it was computed.
    frame : Frame
        The contract of its rows.
    rows : DataFrame
        The rows, in the order of the closing run.
    intervals : DataFrame or None
        `frames.INTERVALS` of accounts; None of other tables.
    sums_line : str
        Of accounts: where every gram of the month is; empty of other tables.
    """

    name: str
    month: str
    fleet_id: str
    edition: str
    frame: Frame
    rows: pd.DataFrame
    intervals: pd.DataFrame | None = None
    sums_line: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: the month and one object per row, with the intervals of its figures."""
        rows = tables.records(tables.ordered(self.rows, self.frame))
        if self.intervals is not None:
            bounds = bounds_by_account(self.intervals)
            for row in rows:
                row["intervals"] = bounds.get((row["driver_id"], row["vehicle_id"]), {})
        return {
            "month": self.month,
            "fleet_id": self.fleet_id,
            "edition": self.edition,
            **({"ledger_sums": self.sums_line} if self.sums_line else {}),
            "rows": rows,
        }

    def as_text(self, format_name: str) -> str:
        """The rows as CSV or JSON text."""
        return tables.to_bytes(self.rows, self.frame, format_name).decode("utf-8")

    def lines(self) -> list[str]:
        """The most telling columns for a screen."""
        sums = [f"The ledger of the month: {self.sums_line}"] if self.sums_line else []
        return [*console.table_lines(self.rows, self.frame), *sums]

    def write(self, path: Path, format_name: str) -> None:
        """Write the rows to a file, whole or not at all."""
        tables.write(self.rows, self.frame, path, format_name=format_name)


def output_format(path: Path | None, wanted: str | None) -> str | None:
    """The format of an output: the wanted one, else the suffix; None if neither is given.

    Raises
    ------
    InputRefused
        If it is none of the four, or one that no screen can show and no file is named.
    """
    name = tables.format_for(path, wanted)
    if path is None and name not in (None, *tables.TEXT_FORMATS):
        raise InputRefused(
            "format_needs_file", f"{name} is not for a screen.", "Name a file with -o."
        )
    return name


def read_table(settings: Settings, name: str, month: str) -> Table:
    """The table of the latest closing run of a month.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    name : str
        accounts, legs, orders or receipts.
    month : str
        YYYY-MM.

    Raises
    ------
    InputRefused
        If the month is malformed.
    NotFound
        If the month was never closed.
    """
    frame = FRAME_BY_COMMAND[name]
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = str(parse_month(month, storage.zone))
        run = latest_run(work, wanted)
        rows = work.closings.table(run, frame.name)
        has_intervals = frame is ACCOUNTS and INTERVALS.name in run.table_digests
        intervals = work.closings.table(run, INTERVALS.name) if has_intervals else None
        sums = work.ledger.holdings.sums() if frame is ACCOUNTS else {}
        of_month = [one for block, one in sums.items() if block.month == wanted]
    sums_line = sum(of_month, Sums()).line() if frame is ACCOUNTS else ""
    return Table(
        name,
        wanted,
        storage.fleet_id,
        run.edition_label,
        frame,
        rows,
        intervals,
        sums_line,
    )


def bounds_by_account(
    intervals: pd.DataFrame,
) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """Bounds of every figure of `frames.INTERVALS`, by driver and truck."""
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = defaultdict(dict)
    names = ("driver_id", "vehicle_id", "figure", "low", "high")
    for driver_id, vehicle_id, figure, low, high in zip(
        *(intervals[name].tolist() for name in names), strict=True
    ):
        found[driver_id, vehicle_id][figure] = {"low": low, "high": high}
    return found


def read_driver_account(
    settings: Settings, month: str, *, driver_id: str | None = None
) -> console.DriverAccount:
    """One driver's account of a closed month, with the orders it rests on.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.
    driver_id : str, optional
        The driver; by default one with an order that was not proven, for it shows most, and
        of these the one with the largest credit.

    Raises
    ------
    NotFound
        If the month was never closed or the driver has no account in it.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = str(parse_month(month, storage.zone))
        run = latest_run(work, wanted)
        accounts = tables.records(work.closings.table(run, "accounts"))
        orders = tables.records(work.closings.table(run, "order_results"))
        chosen = [row for row in accounts if driver_id in (None, row["driver_id"])]
        if not chosen:
            raise NotFound(
                "account_not_found",
                f"Driver {driver_id!r} has no account in {wanted}.",
                f"List the accounts with `fleet-carbon accounts {wanted}`.",
            )
        account = max(chosen, key=_telling)
        ledger = read_driver_ledger(
            storage,
            work,
            account["driver_id"],
            month=wanted,
            vehicle_id=account["vehicle_id"],
        )
        driver_name = shown_name(work, account["driver_id"])
    return console.DriverAccount(
        account=account,
        orders=orders_of(account, orders, accounts),
        driver_name=driver_name,
        counterfactual=_counterfactual(run, account),
        prices=run.summary.get("prices", {}),
        leakage=run.summary.get("leakage", {}),
        ledger=ledger.as_dict(),
        zone=storage.zone,
    )


def orders_of(
    account: dict[str, Any], orders: list[dict[str, Any]], accounts: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The orders that the account counts: its own, and those of its truck that nobody else has.

    An order without a driver is counted where the truck drove most, as the accounts do it.
    """
    of_truck = [row for row in accounts if row["vehicle_id"] == account["vehicle_id"]]
    drivers = {row["driver_id"] for row in of_truck}
    is_main = max(of_truck, key=lambda row: row["distance_km"]) is account
    return [
        order
        for order in orders
        if order["vehicle_id"] == account["vehicle_id"]
        and (
            order["driver_id"] == account["driver_id"]
            or (is_main and (order["driver_id"] or "") not in drivers)
        )
    ]


def _telling(account: dict[str, Any]) -> tuple[bool, bool, int]:
    unproven = account["orders_matched_count"] < account["orders_count"]
    return account["driver_id"] != "", unproven, account["co2_credited_g"]


def _counterfactual(run: ClosingRun, account: dict[str, Any]) -> console.Counterfactual | None:
    found = run.summary.get("counterfactuals", {})
    known = found.get(f"{account['driver_id']}/{account['vehicle_id']}")
    return None if known is None else console.Counterfactual(**known)
