"""What tests run in processes of their own, to be many at once or to be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.settings import Settings
from fleet_carbon.storage.segments import TraceLimits
from fleet_carbon.storage.unit_of_work import Storage, open_storage
from tests.storage.builders import JANUARY_MS, fixes, received

ROOT = Path(__file__).resolve().parents[2]
LIMITS = TraceLimits(held_rows_max=1000, merged_rows_max=200, row_group_rows=64)
TRUCKS = 6


def rows_of_file(writer: int, file: int) -> list[tuple[str, int, int, int]]:
    """Fixes of a file: each truck's lie between those of the other files."""
    step = 1000 * file + writer
    return [
        (f"V{truck}", JANUARY_MS + n * 86_400_000 + step, n, truck)
        for truck in range(TRUCKS)
        for n in range(40)
    ]


def table_of_file(writer: int, file: int) -> pd.DataFrame:
    """The same as a frame."""
    return fixes(*rows_of_file(writer, file))


def opened(settings: dict[str, Any]) -> Storage:
    """The store of a process."""
    return open_storage(Settings(**settings), limits=LIMITS)


def write(settings: dict[str, Any], folder: str, writer: int, files: range) -> Iterator[int]:
    """Take in one file after the other; each is on record when its number is given."""
    storage = opened(settings)
    for file in files:
        with storage.begin() as work:
            at = datetime.fromtimestamp(1_770_000_000 + file, UTC)
            kept = received(work, Path(folder), f"writer {writer} file {file}", at=at)
            taking = work.traces.writer()
            taking.add(table_of_file(writer, file))
            saved = taking.finish(kept)
            work.files.count(kept, accepted=saved.accepted, duplicate=saved.duplicate, rejected=0)
        yield file
    storage.close()


def compact(settings: dict[str, Any], rounds: int) -> Iterator[int]:
    """Put together what there is, again and again; gives how often that was done."""
    storage = opened(settings)
    done = 0
    for _ in range(rounds):
        with storage.begin(read_only=True) as work:
            merges = [work.traces.merge(one.month, one.bucket) for one in work.traces.mergeable()]
        for merge in merges:
            written = merge.written()
            with storage.begin() as work:
                done += work.traces.replace(merge, written, recorded_at=datetime.now(UTC))
        yield done
    storage.close()


@contextmanager
def process(kind: str, *arguments: Any) -> Iterator[subprocess.Popen[str]]:
    """A worker; it tells a line for each step, and is ended with the block."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.storage.workers", kind, json.dumps(arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def main() -> None:
    """Work, and tell of every step that is done for good."""
    kind, given = sys.argv[1], json.loads(sys.argv[2])
    if kind == "write":
        settings, folder, writer, first, stop = given
        steps = write(settings, folder, writer, range(first, stop))
    else:
        steps = compact(*given)
    print("ready", flush=True)
    for step in steps:
        print(step, flush=True)


if __name__ == "__main__":
    main()
