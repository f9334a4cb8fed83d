"""One step of a ledger in a process of its own: `python -m benchmarks.ledger_steps STEP ...`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measuring import answer
from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.services.ledger import selling
from fleet_carbon.services.ledger.issuing import issue_month
from fleet_carbon.services.ledger.sharing import sharing_in_force
from fleet_carbon.services.ledger.signing import KeyRing, checkpoint
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import ClosingRun, open_storage

MONTHS = ("2026-01", "2026-02")
EDITION = "benchmark"
# The Beijing case: 24,000 t of a million people at 50 yuan, all of it returned to them.
SOLD_G_PER_DRIVER = 24_000
PRICE, CURRENCY = "50", "CNY"
_LOT = "beijing"
# 36 to 56 kg a driver, spread evenly: the shares and the parts of the sale are no round numbers.
_CREDITED_G, _SPREAD_G, _STEP_G = 36_000, 20_001, 7_919


def credited(drivers_count: int, month: str) -> pd.DataFrame:
    """Accounts of a month: every driver with one truck."""
    numbers = range(drivers_count)
    given: dict[str, Any] = {
        "month": month,
        "fleet_id": "benchmark",
        "driver_id": [f"D{number:07d}" for number in numbers],
        "vehicle_id": [f"V{number:07d}" for number in numbers],
        "edition": EDITION,
        "co2_credited_g": [_CREDITED_G + number * _STEP_G % _SPREAD_G for number in numbers],
        "quality": "measured",
        "notes": "",
    }
    rows = pd.DataFrame(given)
    required = [one.name for one in ACCOUNTS.columns if one.required and one.name not in rows]
    return ACCOUNTS.shape(rows.assign(**dict.fromkeys(required, 0)))


def issue(settings: Settings, drivers_count: int, month: str) -> int:
    """Put a closed month on record and post it, as a close does; how many entries."""
    now, rows = datetime.now(UTC), credited(drivers_count, month)
    rule = sharing_in_force(settings.models_dir, date.fromisoformat(f"{month}-01"))
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        run = ClosingRun(
            run_id=f"run-{month}",
            month=month,
            edition_label=EDITION,
            edition_digest="0" * 64,
            inputs={},
            closed_at=now,
            summary={},
            tables={"accounts": rows},
        )
        saved = work.closings.save(month, run)
        issued = issue_month(work, saved, rows, rule=rule, now=now)
        checkpoint(work, KeyRing(settings), now)
    return issued.entries_count


def _sell(settings: Settings, drivers_count: int) -> dict[str, Any]:
    request = selling.SaleRequest(
        _LOT, "City of Beijing", SOLD_G_PER_DRIVER * drivers_count, PRICE, CURRENCY
    )
    posted = selling.sell(settings, request, is_dry_run=False, progress=Silent())
    return {"entries_count": posted.entries_count, "proceeds": posted.facts["proceeds"]}


def _settle(settings: Settings, _drivers_count: int) -> dict[str, Any]:
    posted = selling.settle(settings, _LOT, fees="0", is_dry_run=False, progress=Silent())
    return {"entries_count": posted.entries_count, "to_holders": posted.facts["to_holders"]}


def _pay(settings: Settings, _drivers_count: int) -> dict[str, Any]:
    posted = selling.pay(settings, _LOT, is_dry_run=False, progress=Silent())
    return {"entries_count": posted.entries_count, "to_holders": posted.facts["to_holders"]}


def _issue_first(settings: Settings, drivers_count: int) -> dict[str, Any]:
    return {"entries_count": issue(settings, drivers_count, MONTHS[0])}


def _issue_second(settings: Settings, drivers_count: int) -> dict[str, Any]:
    """Half of the drivers in the next month: ten entries for each driver of the first, in all."""
    return {"entries_count": issue(settings, drivers_count // 2, MONTHS[1])}


def _verify(settings: Settings, _drivers_count: int) -> dict[str, Any]:
    """Chain, tiles and holdings; what the months claim is no part of what is measured."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        for problem in work.ledger.verify(tiles=work.checkpoints.tiles()):
            raise RuntimeError(problem)
        return {"entries_count": work.ledger.count()}


def _balances(settings: Settings, _drivers_count: int) -> dict[str, Any]:
    """Every account of money is back at nothing: what came in went out."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        found = work.ledger.balances(prefix="cash:")
    if any(found.values()):
        raise RuntimeError("money is left in the ledger")
    return {"entries_count": len(found)}


STEPS: dict[str, Callable[[Settings, int], dict[str, Any]]] = {
    "issue": _issue_first,
    "sell": _sell,
    "settle": _settle,
    "pay": _pay,
    "cash is 0": _balances,
    "issue again": _issue_second,
    "verify": _verify,
}


def main() -> None:
    """Do one step and tell how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("home", type=Path)
    parser.add_argument("drivers", type=int)
    parser.add_argument("--database-url")
    arguments = parser.parse_args()
    settings = Settings(
        home=arguments.home,
        database_url=arguments.database_url,
        fleet=f"benchmark-{arguments.drivers}",
    )
    # The connection and the tables are there before the clock starts.
    open_storage(settings).close()
    begun_s, processor_s = time.perf_counter(), time.process_time()
    told = STEPS[arguments.step](settings, arguments.drivers)
    answer(
        **told,
        work_s=time.perf_counter() - begun_s,
        processor_s=time.process_time() - processor_s,
    )


if __name__ == "__main__":
    main()
