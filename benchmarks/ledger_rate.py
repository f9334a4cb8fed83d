"""A month of a million drivers issued, 24,000 t of it sold, paid out to the fen, and verified.

    python -m benchmarks.ledger_rate

10 thousand, 100 thousand and a million drivers on a PostgreSQL server of its own, which is started
and stopped here, the smaller ones on SQLite, too; each step in a fresh process. Memory is that of
the program, the server's is its own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks.chart import Line, log_log_chart
from benchmarks.ledger_steps import SOLD_G_PER_DRIVER, STEPS
from benchmarks.measuring import run_module
from benchmarks.reporting import (
    machine,
    machine_line,
    text_table,
    write_block,
    write_chart,
    write_result,
)
from tests.storage.postgresql import running_server

POSTGRESQL, SQLITE = "postgresql", "sqlite"
_FEN_PER_DRIVER = 120
_SQLITE_DRIVERS_MAX = 100_000


def measure(database: str, drivers_count: int, url: str | None) -> Iterator[dict[str, Any]]:
    """All steps of one size, one after the other."""
    with tempfile.TemporaryDirectory() as home:
        for step in STEPS:
            more = ("--database-url", url) if url else ()
            told = run_module("benchmarks.ledger_steps", step, home, str(drivers_count), *more)
            _check(told, drivers_count)
            rate = told["entries_count"] / told["work_s"]
            print(
                f"{database} {drivers_count:,} {step}: {told['work_s']:.1f} s, "
                f"{told['processor_s']:.1f} processor-s, {rate:,.0f} entries/s, "
                f"{told['peak_tree_mib']:.0f} MiB",
                flush=True,
            )
            yield {
                "database": database,
                "drivers_count": drivers_count,
                "step": step,
                "entries_count": told["entries_count"],
                "work_s": round(told["work_s"], 2),
                "processor_s": round(told["processor_s"], 2),
                "entries_per_s": round(rate),
                "peak_mib": round(told["peak_tree_mib"]),
            }


def _check(told: dict[str, Any], drivers_count: int) -> None:
    """24 kg of each driver at 50 yuan a tonne are 1.2 yuan, on average and to the last fen."""
    if told.get("proceeds", told.get("to_holders", 0)) not in (0, _FEN_PER_DRIVER * drivers_count):
        raise RuntimeError(f"what was paid is not what was due: {told}")


def table(results: list[dict[str, Any]]) -> str:
    """The results for people."""
    return text_table(
        (
            *("database", "drivers", "step", "entries", "s", "processor-s"),
            *("entries/s", "us a driver", "peak MiB"),
        ),
        [
            (
                one["database"],
                f"{one['drivers_count']:,}",
                one["step"],
                f"{one['entries_count']:,}",
                f"{one['work_s']:.1f}",
                f"{one['processor_s']:.1f}",
                f"{one['entries_per_s']:,}",
                f"{one['work_s'] / one['drivers_count'] * 1e6:,.0f}",
                f"{one['peak_mib']:,}",
            )
            for one in results
        ],
    )


def chart(results: list[dict[str, Any]]) -> str:
    """Drivers against seconds, on PostgreSQL."""
    lines = []
    for step in ("issue", "sell", "settle", "verify"):
        points = [
            (float(one["drivers_count"]), float(one["work_s"]))
            for one in results
            if one["step"] == step and one["database"] == POSTGRESQL
        ]
        if points:
            lines.append(Line(step, tuple(sorted(points))))
    return log_log_chart(
        "A month of drivers in the ledger, PostgreSQL", "drivers", "seconds", lines
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drivers", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--databases", nargs="+", choices=(POSTGRESQL, SQLITE), default=[POSTGRESQL, SQLITE]
    )
    parser.add_argument("--write", action="store_true", help="keep results and chart")
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = []
    for database in arguments.databases:
        for drivers_count in sorted(arguments.drivers):
            if database == SQLITE and drivers_count > _SQLITE_DRIVERS_MAX:
                continue
            with ExitStack() as stack:
                url = stack.enter_context(running_server()) if database == POSTGRESQL else None
                for result in measure(database, drivers_count, url):
                    results.append(result)
                    if arguments.write:
                        _write(results)
    print(f"\n{_said(results)}")


def _said(results: list[dict[str, Any]]) -> str:
    paid = [one["drivers_count"] for one in results if one["step"] == "pay"]
    most = max(paid, default=0)
    return (
        f"{machine_line(machine())}. Of {most:,} drivers {most * SOLD_G_PER_DRIVER / 1e6:,.0f} t "
        f"were sold for {most * _FEN_PER_DRIVER / 100:,.2f} CNY, all of it paid to them.\n\n"
        f"{table(results)}"
    )


def _write(results: list[dict[str, Any]]) -> None:
    write_result("ledger_rate", {"machine": machine(), "results": results})
    write_chart("ledger_rate", chart(results))
    image = "![Drivers against seconds](results/ledger_rate.svg)"
    write_block("ledger_rate", f"{_said(results)}\n\n{image}")


if __name__ == "__main__":
    main()
