"""Monthly statements as PDF: how many a second and processor, and whether memory stays.

    python -m benchmarks.statement_rate                # 10,000; --statements 1000 for fewer

The month of the sample fleet, closed; the statement of one driver with 25 orders is made from its
records, proven, composed, drawn and set again and again, each size in a fresh process. Records are
read anew for every 100 statements, as `statement --all` does it. One process: a machine
with several runs as many.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import answer, resident_mib, run_module
from benchmarks.reporting import machine, machine_line, text_table, write_block, write_result
from fleet_carbon.services.demonstrating import SAMPLE_MONTH, run_sample_fleet
from fleet_carbon.services.stating import open_book
from fleet_carbon.settings import Settings

_DRIVER = "D01"
_AT_A_TIME = 100
_SHARES = (0.01, 0.1, 1.0)


def make(home: Path, statements_count: int) -> None:
    """Make so many statements in this process, and tell what it took."""
    settings = Settings(home=home)
    with open_book(settings, SAMPLE_MONTH, (_DRIVER,)) as book:
        first = book.statement(_DRIVER, "zh").content(".pdf")  # fonts and engine are loaded once
    begun_s, begun_cpu_s, begun_mib = time.perf_counter(), _processor_s(), resident_mib()
    composed_s, bytes_count, left = 0.0, 0, statements_count
    while left:
        with open_book(settings, SAMPLE_MONTH, (_DRIVER,)) as book:
            for _ in range(min(left, _AT_A_TIME)):
                at_s = time.perf_counter()
                statement = book.statement(_DRIVER, "zh")
                composed_s += time.perf_counter() - at_s
                content = statement.content(".pdf")
                assert content == first
                bytes_count += len(content)
                left -= 1
    answer(
        statements_count=statements_count,
        work_s=time.perf_counter() - begun_s,
        processor_s=_processor_s() - begun_cpu_s,
        composed_s=composed_s,
        mean_kib=bytes_count / statements_count / 1024,
        begun_mib=begun_mib,
    )


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(statements_count: int) -> list[dict[str, Any]]:
    """Three sizes up to this one, a hundredth, a tenth and the whole."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        run_sample_fleet(Settings(home=home))
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
            f"{one['composed_s'] / one['work_s']:.0%}",
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
    parser.add_argument("--home", type=Path, help="a closed sample fleet: only this one size")
    parser.add_argument("--write", action="store_true", help="keep the numbers")
    options = parser.parse_args()
    if options.home is not None:
        make(options.home, options.statements)
        return
    results = measure(options.statements)
    print(_said(results))
    if options.write:
        write_result("statement_rate", {"machine": machine(), "results": results})
        write_block("statement_rate", _said(results))


if __name__ == "__main__":
    main()
