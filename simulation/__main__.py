"""Write a simulated fleet: the samples of the repository, or any scenario with its truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulation.fleet import write_table
from simulation.samples import write_samples
from simulation.scenarios import SCENARIOS

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"


def main(words: list[str] | None = None) -> None:
    """Do what the command line asks for and name every file written."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    samples = commands.add_parser("samples", help="the small fleet of data/samples")
    samples.add_argument("--folder", type=Path, default=SAMPLES)
    fleet = commands.add_parser("fleet", help="one scenario: files and truth")
    fleet.add_argument("scenario", choices=sorted(SCENARIOS))
    fleet.add_argument("--seed", type=int, default=1)
    fleet.add_argument("--folder", type=Path, required=True)
    fleet.add_argument("--positions", choices=("parquet", "csv", "csv.gz"), default="parquet")
    arguments = parser.parse_args(words)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.what == "samples":
        written = write_samples(arguments.folder)
    else:
        written = _write_fleet(arguments)
    for path in written:
        print(f"{path} {path.stat().st_size:,} bytes")


def _write_fleet(arguments: argparse.Namespace) -> list[Path]:
    fleet = SCENARIOS[arguments.scenario](arguments.seed)
    written = list(fleet.write(arguments.folder, arguments.positions).values())
    for name in ("truth", "order_truth", "stop_truth", "drive_truth", "driver_truth"):
        path = arguments.folder / f"{name}.csv"
        write_table(getattr(fleet, name), path)
        written.append(path)
    return written


if __name__ == "__main__":
    main()
