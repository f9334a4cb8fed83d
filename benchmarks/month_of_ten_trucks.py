"""Ten trucks, one month, a fix every 30 s: from Parquet to accounts, beside plain pandas.

    python -m benchmarks.month_of_ten_trucks

Runs the product in one process, the same through its commands, and pandas for the kilometres
alone; each several times in turn, and prints the medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measuring import run_module

MONTH = "2026-09"
REGISTER = ("vehicles", "drivers", "assignments", "orders", "baselines")


def commands_s(files: Path, home: Path) -> float:
    """Wall time of the commands a user types, each with a start-up of its own. [s]"""
    at = ("--home", str(home))
    begun = time.perf_counter()
    for kind in REGISTER:
        run_module("fleet_carbon.cli", "ingest", kind, str(files / f"{kind}.csv"), *at, "--json")
    positions = str(files / "positions.parquet")
    run_module("fleet_carbon.cli", "ingest", "positions", positions, *at, "--json")
    run_module("fleet_carbon.cli", "close", MONTH, *at, "--json")
    run_module("fleet_carbon.cli", "accounts", MONTH, *at, "--json")
    return time.perf_counter() - begun


def worst_error_percent(km_by_vehicle: dict[str, float], truth: pd.Series) -> float:
    """Largest relative error of a truck's distance. [%]"""
    found = pd.Series(km_by_vehicle).reindex(truth.index)
    return float(((found / truth - 1.0).abs() * 100.0).max())


def median(runs: list[dict[str, Any]], name: str) -> float:
    """Median of one measure over the runs."""
    return statistics.median(float(run[name]) for run in runs)


def _report(ours: list[dict[str, Any]], pandas: list[dict[str, Any]], truth: pd.Series) -> str:
    parts = ("register_s", "positions_s", "close_s", "accounts_s")
    for run in ours:
        run["work_s"] = sum(run[part] for part in parts)
    for run in pandas:
        run["work_s"] += run["read_s"]
    for run in (*ours, *pandas):
        run["error"] = worst_error_percent(run["km_by_vehicle"], truth)
    rows = (
        ("whole process        s", "wall_s", ".2f"),
        ("  imports            s", "imports_s", ".2f"),
        ("  work               s", "work_s", ".2f"),
        ("peak memory        MiB", "peak_tree_mib", ".0f"),
        ("  after imports    MiB", "imported_mib", ".0f"),
        ("worst truck, km      %", "error", ".3f"),
    )
    told = [
        f"{text}  {median(ours, name):12{form}} {median(pandas, name):12{form}}"
        for text, name, form in rows
    ]
    split = ", ".join(f"{part.removesuffix('_s')} {median(ours, part):.2f} s" for part in parts)
    wall = median(ours, "wall_s") / median(pandas, "wall_s")
    work = median(ours, "work_s") / median(pandas, "work_s")
    return "\n".join(
        [
            f"{ours[0]['fixes_count']:,} fixes, medians of {len(ours)} runs in turn",
            "",
            "                             product       pandas",
            "                        (everything)    (km only)",
            *told,
            "",
            f"the product's work: {split}",
            f"product / pandas: {wall:.2f} of the wall time, {work:.2f} of the work",
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--trucks", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch) / "files"
        run_module("benchmarks.fleets", str(files), "--trucks", str(arguments.trucks))
        truth = pd.read_csv(files / "truth.csv").set_index("vehicle_id")["distance_km"]
        ours, pandas = [], []
        for run in range(arguments.runs):
            home = str(Path(scratch) / f"home{run}")
            ours.append(run_module("benchmarks.chain", str(files), home, MONTH))
            pandas.append(run_module("benchmarks.naive_pandas", str(files)))
        print(_report(ours, pandas, truth))
        typed_s = commands_s(files, Path(scratch) / "typed")
        print(f"the same by eight commands, each with a start of its own: {typed_s:.1f} s")


if __name__ == "__main__":
    main()
