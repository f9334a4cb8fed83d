"""A Dask cluster of our own for the tests: processes on loopback, gone at the end."""

from __future__ import annotations

import ctypes
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S_MAX = 120
LIVES_S_MAX = 300
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_ADDRESS = re.compile(r"tcp://127\.0\.0\.1:\d+")
_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Cluster:
    """A scheduler and its workers, each a process with one thread."""

    address: str
    workers: list[subprocess.Popen[bytes]]

    def kill_a_worker(self) -> None:
        """End a worker as a power cut would."""
        worker = self.workers.pop(0)
        worker.send_signal(signal.SIGKILL)
        worker.wait(START_S_MAX)


@contextmanager
def running_cluster(folder: Path, *, workers: int) -> Iterator[Cluster]:
    """A cluster that answers, with its logs in a folder."""
    with ExitStack() as stack:
        log = folder / "scheduler.log"
        stack.enter_context(_started(log, "dask_scheduler", "--host", "127.0.0.1", "--port", "0"))
        address = _awaited(log, "Scheduler at")
        started = []
        for number in range(workers):
            log = folder / f"worker-{number}.log"
            options = ("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")
            place = ("--local-directory", str(folder / f"worker-{number}"))
            started.append(
                stack.enter_context(_started(log, "dask_worker", address, *options, *place))
            )
        for number in range(workers):
            _awaited(folder / f"worker-{number}.log", "Registered to")
        yield Cluster(address, started)


@contextmanager
def _started(log: Path, module: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", f"distributed.cli.{module}", *options, "--no-dashboard"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=_ROOT, stdout=stream, stderr=stream, preexec_fn=_live_with_parent
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(START_S_MAX)


def _live_with_parent() -> None:
    signal.alarm(LIVES_S_MAX)  # survives exec: whatever happens, it ends
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _awaited(log: Path, words: str) -> str:
    """The address in the line of a log that has these words, as soon as it is there."""
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            found = _ADDRESS.search(line)
            if words in line and found:
                return found.group()
        time.sleep(0.1)
    raise TimeoutError(f"{log.name} never said {words!r}")
