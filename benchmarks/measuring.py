"""Run one thing in a process of its own and learn what it took."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def run_module(module: str, *words: str) -> dict[str, Any]:
    """Run `python -m module words` and return the JSON object it prints, with its wall time.

    Raises
    ------
    RuntimeError
        If it ends with another code than 0; its standard error is in the message.
    """
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    wall_s = time.perf_counter() - begun
    if done.returncode != 0:
        raise RuntimeError(f"{module} {' '.join(words)} failed:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
    return {**answer, "wall_s": wall_s}


def peak_mib() -> float:
    """Largest resident memory of this process so far. [MiB]

    VmHWM belongs to the program that runs now; ru_maxrss would count the parent's at the fork.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024.0
    raise RuntimeError("no VmHWM in /proc/self/status: memory is measured on Linux only")


def answer(**facts: object) -> None:
    """Print what was measured as the one JSON object of this process."""
    sys.stdout.write(json.dumps({**facts, "peak_mib": peak_mib()}) + "\n")
