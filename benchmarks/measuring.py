"""Run one thing in a process of its own and learn what it took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# The system holds up who asks it for memory while it counts: ten times a second cost a tenth.
SAMPLE_EVERY_S = 0.25


def run_module(module: str, *words: str, python: str | None = None) -> dict[str, Any]:
    """Run `python -m module words`; the JSON object it prints, its wall time, its memory.

    Memory is that of the process and all it starts, pages they share counted once, sampled four
    times a second: `peak_tree_mib`. Another interpreter runs it if one is given.

    Raises
    ------
    RuntimeError
        If it ends with another code than 0; its standard error is in the message.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(
        [python or sys.executable, "-m", module, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with _Sampler(process.pid) as sampler:
        out, err = process.communicate()
    wall_s = time.perf_counter() - begun
    if process.returncode != 0:
        raise RuntimeError(f"{module} {' '.join(words)} failed:\n{err}")
    told: dict[str, Any] = json.loads(out) if out.strip() else {}
    return {**told, "wall_s": wall_s, "peak_tree_mib": sampler.peak_mib}


class _Sampler:
    """Looks at the memory of a process and its descendants until it is told to stop."""

    def __init__(self, pid: int) -> None:
        self.peak_mib = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_EVERY_S):
            family = _descendants(self._pid)
            self.peak_mib = max(self.peak_mib, sum(map(_proportional_mib, family)))


def _descendants(pid: int) -> list[int]:
    """A process and everything it started that still runs."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            waiting += [int(word) for word in _text(children).split()]
    return found


def processor_s(pid: int) -> float:
    """Processor time of a process and all it started, ended ones that it awaited included. [s]"""
    ticks = 0
    for one in _descendants(pid):
        # The name of the program may hold spaces; after it come state, parents and so on.
        words = _text(Path(f"/proc/{one}/stat")).rpartition(")")[2].split()
        ticks += sum(map(int, words[11:15]))  # own and of children that ended
    return ticks / os.sysconf("SC_CLK_TCK")


def _proportional_mib(pid: int) -> float:
    """Resident memory, pages shared with others divided among them. [MiB]"""
    for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024.0
    return 0.0


def _text(path: Path) -> str:
    """What a file of /proc says, nothing if its process has just ended."""
    try:
        return path.read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def resident_mib() -> float:
    """Memory of this process now. [MiB]"""
    return _proportional_mib(os.getpid())


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
