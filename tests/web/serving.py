"""The server as it is run: a process of its own on loopback, found where it listens, ended."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fleet_carbon.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S, STOPS_WITHIN_S = 120, 60
_LISTENS = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class Running:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    address: str
    settings: Settings
    log: Path


@contextmanager
def running(
    settings: Settings,
    *words: str,
    bind: str = "127.0.0.1:0",
    program: Sequence[str] = ("fleet_carbon.cli",),
) -> Iterator[Running]:
    """Start `fleet-carbon serve` with more words; stop it whatever happens."""
    settings.home.mkdir(parents=True, exist_ok=True)
    log = settings.home.with_name(f"{settings.home.name}-{time.monotonic_ns()}.log")
    told = {"FLEET_CARBON_DATABASE_URL": settings.database_url} if settings.database_url else {}
    command = [sys.executable, "-m", *program, "--home", str(settings.home)]
    with log.open("wb") as target:
        process = subprocess.Popen(
            [*command, "serve", "--bind", bind, *words],
            stdout=target,
            stderr=target,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | told,
            preexec_fn=_end_with_parent,  # or a killed test run would leave it behind
        )
    try:
        yield Running(process, _address_of(process, log), settings, log)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Tell it to stop; what does not is killed."""
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _address_of(process: subprocess.Popen[bytes], log: Path) -> str:
    until_s = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until_s and process.poll() is None:
        if found := _LISTENS.search(log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"the server did not listen: {log.read_text(encoding='utf-8')}")


def children_of(pid: int) -> list[int]:
    """Processes that a process started and that still run."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in found.split()]


def kill(pids: Sequence[int]) -> None:
    """End processes at once; those that ended by themselves meanwhile are as well."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def await_that(is_so: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Wait until something is so."""
    until_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until_s, what
        time.sleep(0.1)
