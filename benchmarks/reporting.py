"""What all benchmarks print and keep: tables of text, JSON, the machine; no paths."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
README = Path(__file__).resolve().parent / "README.md"
_PARTS = ("numpy", "numba", "pandas", "pyarrow", "SQLAlchemy")


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    facts = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    models = [line.split(":", 1)[1].strip() for line in facts if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": models[0] if models else platform.machine(),
        "processors_count": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PARTS},
        "measured_on": datetime.now(UTC).date().isoformat(),
    }


def machine_line(facts: dict[str, Any]) -> str:
    """The machine in one line."""
    return (
        f"{facts['processor']}, {facts['processors_count']} processors, "
        f"{facts['memory_gib']} GiB, {facts['system']}, Python {facts['python']}"
    )


def median_of(runs: Iterable[dict[str, Any]], name: str) -> float:
    """Median of one measure over the runs."""
    return statistics.median(float(run[name]) for run in runs)


def best_of(runs: Iterable[dict[str, Any]], name: str) -> float:
    """Smallest of one measure over the runs: what a busy machine disturbs least."""
    return min(float(run[name]) for run in runs)


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a header, first column to the left, numbers to the right; valid Markdown."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]
    rule = [width * "-" for width in widths]
    rule[1:] = [dashes[:-1] + ":" for dashes in rule[1:]]

    def line(row: Sequence[str]) -> str:
        words = [row[0].ljust(widths[0])]
        words += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "| " + " | ".join(words) + " |"

    return "\n".join(line(row) for row in (cells[0], rule, *cells[1:]))


def write_result(name: str, facts: dict[str, Any]) -> Path:
    """Keep a result as JSON, the same bytes for the same numbers."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def write_chart(name: str, svg: str) -> Path:
    """Keep a chart."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.svg"
    path.write_text(svg, encoding="utf-8")
    return path


def write_block(name: str, text: str) -> None:
    """Put a generated part into the README, between the marks that carry its name."""
    begins, ends = f"<!-- {name}: written by --write -->", f"<!-- end of {name} -->"
    old = README.read_text(encoding="utf-8")
    before, _, rest = old.partition(begins)
    _, found, after = rest.partition(ends)
    if not found:
        raise RuntimeError(f"the README of the benchmarks has no part {name}")
    new = f"{before}{begins}\n\n{text.strip()}\n\n{ends}{after}"
    README.write_text(new, encoding="utf-8")
