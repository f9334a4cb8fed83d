"""From the trace store to kilometres, litres and CO2 per driver, orders matched: fixes a second.

    python -m benchmarks.engine_rate

1, 10 and 100 million fixes, each run in a fresh process with its kernels loaded before the clock
starts. Two ways: from the store as it lies after compaction, and from a Parquet file in order of
arrival through ingest, compaction and close. Memory is that of the process and its workers.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.chart import Line, log_log_chart
from benchmarks.generator import MONTH, FleetPlan
from benchmarks.measuring import run_module
from benchmarks.reporting import (
    best_of,
    machine,
    machine_line,
    median_of,
    text_table,
    write_block,
    write_chart,
    write_result,
)
from benchmarks.stores import SIZES, FleetOnDisk, add_cache_option, copy_home

STORED, ARRIVED = "stored", "arrived"


def measure(fleet: FleetOnDisk, way: str = STORED, *, times: int = 1) -> dict[str, Any]:
    """One run in a fresh process; seconds from the fixes to the accounts on record.

    With `times` as many copies of the store are closed one after the other: nothing that was
    made for one serves another.
    """
    small = FleetOnDisk(FleetPlan(1), fleet.cache).home
    source = fleet.home_without_traces if way == ARRIVED else fleet.home
    more = ["--arrivals", str(fleet.by_arrival)] if way == ARRIVED else []
    # Beside the store, so that its files can be linked.
    with tempfile.TemporaryDirectory(dir=fleet.folder) as scratch:
        warm = copy_home(small, Path(scratch) / "warm")
        homes = [str(copy_home(source, Path(scratch) / f"home{run}")) for run in range(times)]
        told = run_module("benchmarks.closing_run", MONTH, *homes, "--warm", str(warm), *more)
    parts = sum(told.get(part, 0.0) for part in ("ingest_s", "compact_s"))
    return {**told, "work_s": parts + sum(told["closes_s"])}


def _facts(size: str, way: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    fixes_count = int(runs[0]["fixes_count"])
    facts = {
        "size": size,
        "way": way,
        "runs": len(runs),
        "fixes_count": fixes_count,
        "work_s_median": round(median_of(runs, "work_s"), 3),
        "fixes_per_s_median": round(fixes_count / median_of(runs, "work_s")),
        "fixes_per_s_best": round(fixes_count / best_of(runs, "work_s")),
        "fixes_per_processor_s_best": round(fixes_count / best_of(runs, "processor_s")),
        "peak_mib_median": round(median_of(runs, "peak_tree_mib")),
        "orders_matched_share": round(
            runs[0]["orders_matched_count"] / max(1, runs[0]["orders_count"]), 4
        ),
    }
    if way == ARRIVED:
        facts |= {
            f"{part}_median": round(median_of(runs, part), 3)
            for part in ("ingest_s", "compact_s", "close_s")
        }
    return facts


def table(results: list[dict[str, Any]]) -> str:
    """The results for people."""
    names = {STORED: "stored, by truck", ARRIVED: "arrivals, unsorted"}
    return text_table(
        (
            "from",
            "fixes",
            "s",
            "M fixes/s",
            "best",
            "M a processor-s",
            "peak MiB",
            "orders matched",
        ),
        [
            (
                names[one["way"]],
                f"{one['fixes_count']:,}",
                f"{one['work_s_median']:.2f}",
                f"{one['fixes_per_s_median'] / 1e6:.2f}",
                f"{one['fixes_per_s_best'] / 1e6:.2f}",
                f"{one['fixes_per_processor_s_best'] / 1e6:.2f}",
                f"{one['peak_mib_median']:,}",
                f"{one['orders_matched_share']:.2%}",
            )
            for one in results
        ],
    )


def chart(results: list[dict[str, Any]]) -> str:
    """Fixes against seconds."""
    names = {STORED: "from the store", ARRIVED: "from unsorted arrivals"}
    lines = []
    for way, name in names.items():
        points = [
            (float(one["fixes_count"]), float(one["work_s_median"]))
            for one in results
            if one["way"] == way
        ]
        if points:
            lines.append(Line(name, tuple(sorted(points))))
    return log_log_chart("A month to accounts, two processors", "fixes", "seconds", lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=tuple(SIZES), default=list(SIZES))
    parser.add_argument("--ways", nargs="+", choices=(STORED, ARRIVED), default=[STORED, ARRIVED])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="keep results and chart")
    add_cache_option(parser)
    arguments = parser.parse_args()
    results = []
    for size in arguments.sizes:
        fleet = FleetOnDisk(FleetPlan(SIZES[size]), arguments.cache)
        for way in arguments.ways:
            runs = [measure(fleet, way) for _ in range(arguments.runs)]
            results.append(_facts(size, way, runs))
            print(
                f"{size} {way}: {results[-1]['fixes_per_s_median'] / 1e6:.2f} M fixes/s", flush=True
            )
    facts = machine()
    said = f"{machine_line(facts)}; medians of {arguments.runs} runs.\n\n{table(results)}"
    print(f"\n{said}")
    if arguments.write:
        write_result("engine_rate", {"machine": facts, "results": results})
        write_chart("engine_rate", chart(results))
        write_block("engine_rate", f"{said}\n\n![Fixes against seconds](results/engine_rate.svg)")


if __name__ == "__main__":
    main()
