"""A billion fixes: ten copies of a store of 100 million, closed one after the other.

    python -m benchmarks.billion

One process from the first fix to the last; nothing made for one copy serves the next. From its
rate follows by calculation what 24 billion fixes take, the day of 8 million trucks.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.engine_rate import measure
from benchmarks.generator import FleetPlan
from benchmarks.reporting import machine, machine_line, write_block, write_result
from benchmarks.stores import SIZES, FleetOnDisk, add_cache_option
from fleet_carbon.services.positions.tracekeeping import list_traces
from fleet_carbon.settings import Settings

DAY_FIXES = 24_000_000_000
DAY_TRUCKS = 8_000_000
MACHINES = 10
DAYS_PER_YEAR = 365


def calculation(fixes_per_s: float, bytes_per_fix: float) -> list[str]:
    """From one measured rate to a platform's day, ten machines and a year, step by step."""
    day_h = DAY_FIXES / fixes_per_s / 3600.0
    stored_gb = DAY_FIXES * bytes_per_fix / 1e9
    read_mb_per_s = fixes_per_s * bytes_per_fix / 1e6
    year_tb = stored_gb * DAYS_PER_YEAR / 1e3
    return [
        f"One machine: {DAY_FIXES / 1e9:.0f} G fixes / {fixes_per_s / 1e6:.2f} M fixes/s = "
        f"{DAY_FIXES / fixes_per_s:,.0f} s = {_duration(day_h)} for the day of "
        f"{DAY_TRUCKS / 1e6:.0f} million trucks.",
        f"The store of that day: 24 G x {bytes_per_fix:.2f} bytes = {stored_gb:.0f} GB; "
        f"the engine reads {read_mb_per_s:.0f} MB/s of it.",
        f"{MACHINES} machines share nothing but the list of trucks: {DAY_TRUCKS // MACHINES:,} "
        f"trucks each, {_duration(day_h / MACHINES)} for the day, {stored_gb / MACHINES:.0f} GB "
        "on each.",
        f"A year: {DAYS_PER_YEAR} x 24 G = {DAYS_PER_YEAR * 24 / 1e3:.2f} T fixes; one machine "
        f"{_duration(day_h * DAYS_PER_YEAR)}, {MACHINES} machines "
        f"{_duration(day_h * DAYS_PER_YEAR / MACHINES)}, {year_tb:.0f} TB.",
    ]


def _duration(hours: float) -> str:
    if hours < 2.0:
        return f"{hours * 60.0:.1f} minutes"
    return f"{hours:.1f} hours" if hours < 72.0 else f"{hours / 24.0:.0f} days"


def summary(told: dict[str, Any], bytes_per_fix: float) -> dict[str, Any]:
    """The run in numbers."""
    closes = told["closes_s"]
    fixes_count = int(told["fixes_count"]) * len(closes)
    return {
        "fixes_count": fixes_count,
        "closes": len(closes),
        "work_s": round(sum(closes), 2),
        "fixes_per_s": round(fixes_count / sum(closes)),
        "fixes_per_processor_s": round(fixes_count / told["processor_s"]),
        "slowest_over_fastest_close": round(max(closes) / min(closes), 2),
        "peak_mib": round(told["peak_tree_mib"]),
        "stored_bytes_per_fix": round(bytes_per_fix, 2),
    }


def main() -> None:
    """Measure, calculate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=tuple(SIZES), default="100M")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="keep the result")
    add_cache_option(parser)
    arguments = parser.parse_args()
    fleet = FleetOnDisk(FleetPlan(SIZES[arguments.size]), arguments.cache)
    told = measure(fleet, times=arguments.times)
    stored = list_traces(Settings(home=fleet.home)).as_dict()
    result = summary(told, stored["bytes_per_fix"])
    steps = calculation(result["fixes_per_s"], result["stored_bytes_per_fix"])
    facts = machine()
    said = (
        f"{machine_line(facts)}.\n\n{result['fixes_count']:,} fixes in {result['work_s']:,.1f} s: "
        f"{result['fixes_per_s'] / 1e6:.2f} M fixes/s, peak {result['peak_mib']} MiB, slowest "
        f"close {result['slowest_over_fastest_close']} times the fastest.\n\n- "
    ) + "\n- ".join(steps)
    print(said)
    if arguments.write:
        write_result("billion", {"machine": facts, "result": result, "calculation": steps})
        write_block("billion", said)


if __name__ == "__main__":
    main()
