"""One million fixes of 12 vehicles, of 120 and of 1,200: memory does not follow their number.

python -m benchmarks.memory_by_vehicles
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.measuring import run_module

MONTH = "2026-09"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, nargs="+", default=[12, 120, 1_200])
    parser.add_argument("--fixes", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print("vehicles      fixes   ingest s    close s   peak MiB   after imports MiB")
    for vehicles_count in arguments.vehicles:
        with tempfile.TemporaryDirectory() as scratch:
            files, home = Path(scratch) / "files", Path(scratch) / "home"
            run_module(
                "benchmarks.fleets",
                str(files),
                *("--trucks", "12", "--vehicles", str(vehicles_count)),
                *("--fixes", str(arguments.fixes)),
            )
            took = run_module("benchmarks.chain", str(files), str(home), MONTH)
        print(
            f"{vehicles_count:8,} {took['fixes_count']:10,} {took['positions_s']:10.2f} "
            f"{took['close_s']:10.2f} {took['peak_tree_mib']:10.0f} {took['imported_mib']:10.0f}"
        )


if __name__ == "__main__":
    main()
