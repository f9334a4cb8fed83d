"""A simulated year of drivers with known saving: how much of it is credited, and to whom too much.

    python -m benchmarks.credited_year --drivers 200 --months 12 --write

Files of a fleet through the product, month by month, held against what was really burnt and what
every driver would have burnt without the platform.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.reporting import machine, machine_line, text_table, write_block, write_result
from benchmarks.year.files import Written, write_year
from benchmarks.year.people import PLATFORMS, World
from benchmarks.year.running import run_product
from benchmarks.year.verdict import Verdict, judge

_NAME = "credited_year"


def run_year(
    world: World, folder: Path, *, workers: int = 2, say: Callable[[str], None] = lambda _: None
) -> Verdict:
    """Simulate, run the product, judge; what is simulated already in the folder is taken again."""
    kept = folder / "written.pickle"
    if kept.exists():
        written: Written = pickle.loads(kept.read_bytes())
    else:
        written = write_year(world, folder / "files", workers)
        kept.write_bytes(pickle.dumps(written))
        say("simulated")
    home = folder / "home"
    # A home of an earlier run may be of another program.
    shutil.rmtree(home, ignore_errors=True)
    told = run_product(written, home, first_month=world.history_months, say=say)
    return judge(written, told, world.history_months)


def tables(summary: dict[str, Any]) -> str:
    """The figures as text, valid Markdown."""
    credit = [
        (part, f"{one['drivers']:.0f}", f"{one['over_percent']:.1f} %", f"{one['over_l']:,.0f}",
         f"{one['saved_l']:,.0f}", f"{one['credited_percent']:.1f} %",
         f"{one['claimed_percent']:.1f} %")
        for part, one in summary["credit"].items()
    ]  # fmt: skip
    fuel = [
        (part, *_fuel_cells(of_month, summary["legs"][part], summary["interval"].get(part)))
        for part, of_month in summary["months"].items()
    ]
    first = ("part", "drivers", "credited too much", "too much l", "saved l", "credited", "claimed")
    second = ("part", "fuel bias", "error month", "error leg", "saving in interval", "below it")
    return "\n\n".join((text_table(first, credit), text_table(second, fuel)))


def _fuel_cells(
    of_month: dict[str, float], of_leg: dict[str, float], interval: dict[str, float] | None
) -> tuple[str, ...]:
    bias, standard = of_month["bias_percent"], of_month["bias_standard_percent"]
    covered = ("", "")
    if interval is not None:
        covered = f"{interval['covered_percent']:.1f} %", f"{interval['below_percent']:.1f} %"
    errors = (f"{one['mape_percent']:.1f} %" for one in (of_month, of_leg))
    return f"{bias:+.2f} +- {standard:.2f} %", *errors, *covered


def main() -> None:
    """Run a year and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drivers", type=int, default=200)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--history", type=int, default=12, help="months of data before the year")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--effect", type=float, default=1.0, help="scales what the platform changes"
    )
    parser.add_argument(
        "--platform", choices=tuple(PLATFORMS), default="published", help="what it changes"
    )
    parser.add_argument("--home", type=Path, help="keep files, home and verdict in this folder")
    parser.add_argument("--write", action="store_true", help="keep the figures in the repository")
    given = parser.parse_args()
    world = World(
        given.drivers,
        given.months,
        given.seed,
        given.effect,
        given.history,
        platform=given.platform,
    )
    begun = time.perf_counter()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.perf_counter() - begun:7.1f} s  {text}\n")

    with tempfile.TemporaryDirectory() as scratch:
        folder = given.home or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        verdict = run_year(world, folder, say=say)
        if given.home:
            verdict.drivers.to_csv(folder / "drivers.csv", index=False)
            verdict.months.to_csv(folder / "months.csv", index=False)
    facts = {"machine": machine(), "world": vars(world), **verdict.summary}
    text = f"{_headline(facts)}\n\n{tables(verdict.summary)}"
    sys.stdout.write(text + "\n")
    if given.write:
        write_result(_NAME, facts)
        write_block(_NAME, text)


def _headline(facts: dict[str, Any]) -> str:
    world, credit = facts["world"], facts["credit"]["all"]
    return (
        f"{machine_line(facts['machine'])}.\n\n"
        f"{world['drivers']} drivers, {world['months']} months, seed {world['seed']}: "
        f"{credit['over_percent']:.1f} % of the drivers are credited more than they saved, "
        f"{credit['credited_percent']:.1f} % of what the fleet saved is credited. "
        f"Before joining, {facts['credited_before_joining_l']:,.0f} l are credited."
    )


if __name__ == "__main__":
    main()
