"""Close a month in a process of its own: `python -m benchmarks.closing_run MONTH HOME ...`.

Several homes are closed one after the other. With --warm HOME another, small home is closed
first, so that the kernels are loaded when the clock starts. With --arrivals FILE the fixes are
ingested into the first home and compacted first.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

BEGUN = time.perf_counter()

from benchmarks.measuring import answer  # noqa: E402
from fleet_carbon.services.accounts.reading import read_table  # noqa: E402
from fleet_carbon.services.intake.ingesting import ingest_files  # noqa: E402
from fleet_carbon.services.months.closing import close_month  # noqa: E402
from fleet_carbon.services.positions.tracekeeping import compact_traces  # noqa: E402
from fleet_carbon.settings import Settings  # noqa: E402


def main() -> None:
    """Close, and tell how long it took and what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("month")
    parser.add_argument("homes", type=Path, nargs="+")
    parser.add_argument("--warm", type=Path)
    parser.add_argument("--arrivals", type=Path)
    arguments = parser.parse_args()
    told: dict[str, Any] = {"imports_s": time.perf_counter() - BEGUN}
    if arguments.warm:
        close_month(Settings(home=arguments.warm), arguments.month)
    settings = Settings(home=arguments.homes[0])
    processor_before_s = sum(os.times()[:4])
    clock = _Clock()
    if arguments.arrivals:
        ingest_files(settings, "positions", [arguments.arrivals])
        told["ingest_s"] = clock.lap()
        compact_traces(settings)
        told["compact_s"] = clock.lap()
    for home in arguments.homes:
        settings = Settings(home=home)
        closed = close_month(settings, arguments.month)
        told.setdefault("closes_s", []).append(clock.lap())
    told["processor_s"] = sum(os.times()[:4]) - processor_before_s
    accounts = read_table(settings, "accounts", arguments.month).rows
    summary = closed.run.summary
    answer(
        **told,
        close_s=told["closes_s"][-1],
        fixes_count=int(summary["fixes_read"]),
        orders_count=int(summary["orders"]),
        orders_matched_count=int(summary["orders_matched"]),
        km_by_vehicle=accounts.groupby("vehicle_id")["distance_km"].sum().astype(float).to_dict(),
    )


class _Clock:
    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        took, self._last = now - self._last, now
        return took


if __name__ == "__main__":
    main()
