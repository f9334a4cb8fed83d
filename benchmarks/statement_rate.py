"""Monthly statements as PDF: how many a second and processor, and whether memory stays.

    python -m benchmarks.statement_rate                # 10,000; --statements 1000 for fewer

Closed months of `benchmarks/closed_fleets.py`, of 1,000 drivers with some 42 orders each; every
statement is of another driver or month, so that nothing which is kept of one serves the next. It is
proven, composed, drawn and set, each size in a fresh process. Records are read anew for every 100
statements, as `statement --all` does it; the first of them is made twice and compared. One process:
a machine with several runs as many.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.closed_fleets import put_on_record, read_pattern
from benchmarks.measuring import answer, resident_mib, run_module
from benchmarks.reporting import machine, machine_line, text_table, write_block, write_result
from benchmarks.stores import add_cache_option
from fleet_carbon.services.accounts.overviews import closed_months
from fleet_carbon.services.papers.stating import drivers_of_month, open_book
from fleet_carbon.settings import Settings

_DRIVERS = 1_000
_AT_A_TIME = 100
_SHARES = (0.01, 0.1, 1.0)


def make(settings: Settings, statements_count: int) -> None:
    """Make so many statements in this process, and tell what it took."""
    books = _books(settings, statements_count)
    month, drivers = next(books)
    with open_book(settings, month, drivers[:1]) as book:
        book.statement(drivers[0], "zh").content(".pdf")  # fonts and engine are loaded once
    begun_s, begun_cpu_s, begun_mib = time.perf_counter(), _processor_s(), resident_mib()
    composed_cpu_s, bytes_count, made_count = 0.0, 0, 0
    for month, drivers in _books(settings, statements_count):
        with open_book(settings, month, drivers) as book:
            for place, driver in enumerate([drivers[0], *drivers]):
                at_s = _processor_s()
                statement = book.statement(driver, "zh")
                composed_cpu_s += _processor_s() - at_s
                content = statement.content(".pdf")
                if place == 0:
                    first = content
                assert place != 1 or content == first
                bytes_count += len(content)
                made_count += 1
    processor_s = _processor_s() - begun_cpu_s
    answer(
        statements_count=made_count,
        work_s=time.perf_counter() - begun_s,
        processor_s=processor_s,
        composed_share=composed_cpu_s / processor_s,
        mean_kib=bytes_count / made_count / 1024,
        begun_mib=begun_mib,
    )


def _books(settings: Settings, statements_count: int) -> Iterator[tuple[str, list[str]]]:
    """Months and drivers whose statements are made from one reading, so many in all."""
    pairs = (
        (month, one)
        for month in closed_months(settings)
        for one in drivers_of_month(settings, month)
    )
    left = islice(pairs, statements_count)
    while part := list(islice(left, _AT_A_TIME)):
        for month in dict.fromkeys(of for of, _ in part):
            yield month, [driver for of, driver in part if of == month]


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(cache: Path, statements_count: int) -> list[dict[str, Any]]:
    """Three sizes up to this one, a hundredth, a tenth and the whole."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        put_on_record(
            Settings(home=home),
            read_pattern(cache),
            drivers_count=min(_DRIVERS, statements_count),
            months_count=-(-statements_count // _DRIVERS),
        )
        return [
            run_module(
                "benchmarks.statement_rate",
                *("--home", str(home), "--statements", str(max(1, int(share * statements_count)))),
            )
            for share in _SHARES
        ]


def _said(results: list[dict[str, Any]]) -> str:
    header = (
        "statements", "s", "a second", "a processor-second", "proven and composed",
        "KiB each", "MiB at the start", "peak MiB",
    )  # fmt: skip
    rows = [
        (
            f"{one['statements_count']:,}",
            f"{one['work_s']:.1f}",
            f"{one['statements_count'] / one['work_s']:.1f}",
            f"{one['statements_count'] / one['processor_s']:.1f}",
            f"{one['composed_share']:.0%}",
            f"{one['mean_kib']:.0f}",
            f"{one['begun_mib']:.0f}",
            f"{one['peak_mib']:.0f}",
        )
        for one in results
    ]
    return f"{machine_line(machine())}\n\n{text_table(header, rows)}"


def main() -> None:
    """Measure and print; with --write keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=10_000)
    parser.add_argument("--home", type=Path, help="a fleet on record: only this one size")
    parser.add_argument("--url", help="its database")
    parser.add_argument("--write", action="store_true", help="keep the numbers")
    add_cache_option(parser)
    options = parser.parse_args()
    if options.home is not None:
        make(Settings(home=options.home, database_url=options.url), options.statements)
        return
    results = measure(options.cache, options.statements)
    print(_said(results))
    if options.write:
        write_result("statement_rate", {"machine": machine(), "results": results})
        write_block("statement_rate", _said(results))


if __name__ == "__main__":
    main()
