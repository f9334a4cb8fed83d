"""Closed months of a fleet of any size, on record in minutes: for measuring what people look at.

One month of the generator's trucks is closed by the product. Its tables, register and orders are
then put on record again and again, under other identifiers and in other months, through storage and
ledger as a close does it. Every driver is as one of the pattern; nothing is said of the traces.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.generator import FleetPlan
from benchmarks.stores import REGISTER, FleetOnDisk, copy_home
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.intake.pricing import PriceRequest, set_price
from fleet_carbon.services.ledger.issuing import issue_month
from fleet_carbon.services.ledger.sharing import sharing_in_force
from fleet_carbon.services.ledger.signing import KeyRing, checkpoint
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import ClosingRun, open_storage

PATTERN_TRUCKS = 100
_CUSTOMERS_COUNT = 20
_IDENTIFIERS = ("driver_id", "vehicle_id", "order_id")
_MOMENTS = ("_at", "_time")
_PRICES = (("diesel", "8.5", "l"), ("carbon", "30", "t"))

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pattern:
    """A closed month whose drivers are taken again and again.

    Attributes
    ----------
    run : ClosingRun
        With its tables.
    register : dict of str to DataFrame
        Files of vehicles, drivers, orders and baselines, as texts.
    """

    run: ClosingRun
    register: dict[str, pd.DataFrame]


def read_pattern(cache: Path, trucks_count: int = PATTERN_TRUCKS) -> Pattern:
    """Close a month of the generator's trucks, and read what came of it."""
    fleet = FleetOnDisk(FleetPlan(trucks_count), cache)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            home=copy_home(fleet.home, Path(folder) / "home"), timezone=fleet.plan.zone
        )
        for series, price, unit in _PRICES:
            set_price(settings, PriceRequest(series, price, "CNY", unit, "2020-01-01"))
        run = close_month(settings, fleet.plan.month).run
        with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
            tables = {name: work.closings.table(run, name) for name in run.table_digests}
    register = {kind: pd.read_csv(fleet.folder / f"{kind}.csv", dtype=str) for kind in REGISTER}
    return Pattern(replace(run, tables=tables, table_digests={}), register)


def put_on_record(
    settings: Settings,
    pattern: Pattern,
    *,
    drivers_count: int,
    months_count: int,
    has_orders: bool = True,
    say: Say = lambda _: None,
) -> list[str]:
    """Put closed months of a fleet on record, the last of them that of the pattern.

    Parameters
    ----------
    settings : Settings
        An empty home, and its database.
    pattern : Pattern
        From `read_pattern`.
    drivers_count, months_count : int
        How large the fleet is, and how long.
    has_orders : bool
        Whether the orders come on record, too, which name the customers; else only their results.
    say : callable
        Is told how far it is.

    Returns
    -------
    months : list of str
        The months, the last one last.
    """
    months = _months_until(pattern.run.month, months_count)
    with tempfile.TemporaryDirectory() as scratch:
        for kind in (one for one in REGISTER if one != "orders"):
            _ingest(settings, kind, _copies(pattern.register[kind], drivers_count), Path(scratch))
        for month in months:
            if has_orders:
                orders = _moved(_orders(pattern), month, pattern.run.month)
                _ingest(settings, "orders", _copies(orders, drivers_count), Path(scratch))
            _close(settings, pattern.run, month, drivers_count)
            say(f"{month} is on record")
    return months


def _months_until(last: str, count: int) -> list[str]:
    number = int(last[:4]) * 12 + int(last[5:]) - 1
    return [f"{one // 12:04d}-{one % 12 + 1:02d}" for one in range(number - count + 1, number + 1)]


def _orders(pattern: Pattern) -> pd.DataFrame:
    """The orders, each with a customer; times are moments."""
    orders = pattern.register["orders"]
    customers = [f"customer {number % _CUSTOMERS_COUNT:02d}" for number in range(len(orders))]
    moments = {
        name: pd.to_datetime(orders[name], utc=True).astype("datetime64[ms, UTC]")
        for name in orders.columns
        if name.endswith(_MOMENTS)
    }
    return orders.assign(shipper_id=customers, **moments)


def _moved(rows: pd.DataFrame, month: str, pattern_month: str) -> pd.DataFrame:
    """The rows as of another month."""
    begin, pattern_begin = (date.fromisoformat(f"{one}-01") for one in (month, pattern_month))
    moved: dict[str, Any] = {
        name: rows[name] + (begin - pattern_begin)
        for name in rows.columns
        if isinstance(rows[name].dtype, pd.DatetimeTZDtype)
    }
    if "order_id" in rows:
        moved["order_id"] = rows["order_id"] + f"-{month}"
    if "month" in rows:
        moved["month"] = month
    return rows.assign(**moved)


def _copies(rows: pd.DataFrame, drivers_count: int) -> pd.DataFrame:
    """The rows of as many drivers, the first ones of the pattern again in the last round."""
    rounds, pattern_count = [], PATTERN_TRUCKS
    for begin in range(0, drivers_count, pattern_count):
        left = min(pattern_count, drivers_count - begin)
        own = rows if left == pattern_count else rows[_truck_number(rows) < left]
        prefix = f"{begin // pattern_count:03d}-"
        named = {name: prefix + own[name] for name in _IDENTIFIERS if name in own}
        rounds.append(own.assign(**named))
    return pd.concat(rounds, ignore_index=True)


def _truck_number(rows: pd.DataFrame) -> pd.Series[Any]:
    name = "vehicle_id" if "vehicle_id" in rows else "driver_id"
    return rows[name].str.slice(1).astype(int)


def _ingest(settings: Settings, kind: str, rows: pd.DataFrame, scratch: Path) -> None:
    path = scratch / f"{kind}.csv"
    rows.to_csv(path, index=False)
    report = ingest_files(settings, kind, [path])
    if report.rows_rejected:
        raise RuntimeError(f"{kind}: {report.rows_rejected} rows were refused")


def _close(settings: Settings, pattern: ClosingRun, month: str, drivers_count: int) -> None:
    """Put a run on record and post it, as a close does."""
    now = datetime.now(UTC)
    tables = {
        name: _copies(_moved(rows, month, pattern.month), drivers_count)
        for name, rows in pattern.tables.items()
    }
    tables["accounts"]["fleet_id"] = settings.fleet
    run = replace(
        pattern,
        month=month,
        run_id=hashlib.sha256(f"{pattern.run_id} {month} {drivers_count}".encode()).hexdigest()[
            :32
        ],
        inputs=dict(_each_again(pattern.inputs, drivers_count)),
        summary=_summary(pattern.summary, tables, drivers_count),
        closed_at=now,
        tables=tables,
        traces_at=None,
    )
    rule = sharing_in_force(settings.models_dir, date.fromisoformat(f"{month}-01"))
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        saved = work.closings.save(month, run)
        issue_month(work, saved, tables["accounts"], rule=rule, now=now)
        checkpoint(work, KeyRing(settings), now)


def _summary(
    pattern: dict[str, Any], tables: dict[str, pd.DataFrame], drivers_count: int
) -> dict[str, Any]:
    accounts, orders = tables["accounts"], tables["order_results"]
    found = pattern["counterfactuals"]
    return pattern | {
        "accounts": len(accounts),
        "vehicles": drivers_count,
        "orders": len(orders),
        "orders_matched": int(orders["matched"].sum()),
        "co2_credited_g": int(accounts["co2_credited_g"].sum()),
        "counterfactuals": {
            "/".join(f"{number:03d}-{one}" for one in pair.split("/")): held
            for number in range(-(-drivers_count // PATTERN_TRUCKS))
            for pair, held in found.items()
        },
    }


def _each_again(inputs: dict[str, str], drivers_count: int) -> Iterator[tuple[str, str]]:
    """Digests of inputs, those of a truck or driver for each of its copies."""
    for name, digest in inputs.items():
        source, _, of = name.partition("/")
        if not of:
            yield name, digest
            continue
        for number in range(-(-drivers_count // PATTERN_TRUCKS)):
            yield f"{source}/{number:03d}-{of}", digest
