"""Write the fleets that the benchmarks run on: `python -m benchmarks.fleets FOLDER ...`."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.building import Plan, build
from simulation.fleet import Fleet, write_table


@dataclass(frozen=True)
class Spread:
    """One month of `trucks_count` trucks, handed out to `vehicles_count` vehicles, in pieces."""

    trucks_count: int
    vehicles_count: int
    fixes_count: int


def write_month(folder: Path, trucks_count: int, seed: int) -> None:
    """Files of a plain fleet, and its truth."""
    fleet = build(Plan("benchmark", trucks=trucks_count), seed)[0]
    fleet.write(folder)
    write_table(fleet.truth, folder / "truth.csv")


def write_spread(folder: Path, spread: Spread, seed: int) -> None:
    """The same fixes under few or many names: pieces of a month become vehicles of their own."""
    fleet = build(Plan("benchmark", trucks=spread.trucks_count), seed)[0]
    spread_out(fleet, spread).write(folder)


def spread_out(fleet: Fleet, spread: Spread) -> Fleet:
    """A fleet whose fixes are cut into as many pieces as there are vehicles, in any order."""
    fixes = fleet.positions.iloc[: spread.fixes_count]
    size = math.ceil(len(fixes) / spread.vehicles_count)
    piece = np.arange(len(fixes)) // size
    names = np.array([f"P{number:05d}" for number in range(spread.vehicles_count)], dtype=object)
    positions = fixes.assign(vehicle_id=names[piece])
    # As a gateway would send them: by time, all vehicles in turn.
    positions = positions.sort_values("time", kind="stable", ignore_index=True)
    vehicles = pd.DataFrame({"vehicle_id": names, "rated_payload_t": 16.0, "energy": "diesel"})
    return replace(
        fleet,
        vehicles=vehicles,
        drivers=fleet.drivers.iloc[:0],
        assignments=fleet.assignments.iloc[:0],
        orders=fleet.orders.iloc[:0],
        positions=positions,
    )


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trucks", type=int, default=10)
    parser.add_argument("--vehicles", type=int, default=0)
    parser.add_argument("--fixes", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.vehicles:
        spread = Spread(arguments.trucks, arguments.vehicles, arguments.fixes)
        write_spread(arguments.folder, spread, arguments.seed)
    else:
        write_month(arguments.folder, arguments.trucks, arguments.seed)


if __name__ == "__main__":
    main()
