"""Writers and a compactor at once, and processes that die: no fix is lost, none is doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import Storage
from tests.storage import workers
from tests.storage.builders import keys_on_record, marks_on_record, merge_all

pytestmark = pytest.mark.slow

TOGETHER_S_MAX = 240
FILES = 4


def as_arguments(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json", include={"home", "database_url", "fleet"})


def expected_rows(files: set[tuple[int, int]]) -> list[tuple[str, int, int, int]]:
    return sorted(row for writer, file in files for row in workers.rows_of_file(writer, file))


def expected_marks(folder: Path, files: list[tuple[int, int]]) -> dict[str, str]:
    """Marks of a store into which the same was taken without haste."""
    arguments = {"home": str(folder / "quiet"), "fleet": "quiet"}
    for writer, file in files:
        assert list(workers.write(arguments, str(folder), writer, range(file, file + 1)))
    quiet = workers.opened(arguments)
    found = marks_on_record(quiet)
    quiet.close()
    return found


def test_two_writers_and_a_compactor_at_once_lose_and_double_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    arguments = as_arguments(settings)
    workers.opened(arguments).close()
    with (
        workers.process("write", arguments, str(tmp_path), 1, 0, FILES) as one,
        workers.process("write", arguments, str(tmp_path), 2, 0, FILES) as other,
        workers.process("compact", arguments, 10_000) as compactor,
    ):
        told = [worker.communicate(timeout=TOGETHER_S_MAX) for worker in (one, other)]
        assert [one.returncode, other.returncode, compactor.poll()] == [0, 0, None], told
        assert compactor.stdout is not None
        # Its own steps are told too: it has put something together by now, or will.
        while int(compactor.stdout.readline().replace("ready", "0")) == 0:
            assert compactor.poll() is None
    files = {(writer, file) for writer in (1, 2) for file in range(FILES)}
    storage = workers.opened(arguments)
    try:
        assert keys_on_record(storage) == expected_rows(files)
        marks = expected_marks(tmp_path, sorted(files))
        assert marks_on_record(storage) == marks
        merge_all(storage)
        assert marks_on_record(storage) == marks
        with storage.begin(read_only=True) as work:
            assert work.traces.summary()["fixes"] == len(files) * 240
            assert work.traces.verify() == []
    finally:
        storage.close()


# A server of workers: killing a fork costs a hundredth of starting an interpreter.
_FORKING = """
import os, sys
from tests.storage import workers
import json
import pyarrow.parquet, sqlalchemy.dialects.sqlite.pysqlite
while line := sys.stdin.readline():
    kind, given = json.loads(line)
    child = os.fork()
    if child == 0:
        steps = (
            workers.write(given[0], given[1], given[2], range(given[3], given[4]))
            if kind == "write" else workers.compact(*given)
        )
        for step in steps:
            os.write(1, f"done {kind} {step}\\n".encode())
        os._exit(0)
    os.write(1, f"child {child}\\n".encode())
    sys.stdin.readline()  # until then the number of the child cannot become that of another
    os.waitpid(child, 0)
    os.write(1, b"over\\n")
"""


class Killer:
    """Starts steps in children of a helper process, and kills them after a while."""

    def __init__(self) -> None:
        self._helper = subprocess.Popen(
            [sys.executable, "-c", _FORKING],
            cwd=workers.ROOT,
            env={**os.environ, "PYTHONPATH": str(workers.ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def run(self, kind: str, *arguments: Any, kill_after_s: float | None) -> list[int]:
        """Do the steps, or as many as there is time for; those that were answered."""
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.write(json.dumps([kind, arguments]) + "\n")
        child = int(self._helper.stdout.readline().split()[1])
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            os.kill(child, signal.SIGKILL)
        self._helper.stdin.write("\n")
        answered = []
        while (line := self._helper.stdout.readline()) != "over\n":
            assert line.startswith("done"), line
            answered.append(int(line.split()[2]))
        return answered

    def close(self) -> None:
        self._helper.kill()
        self._helper.communicate()


@pytest.fixture
def killer() -> Any:
    found = Killer()
    yield found
    found.close()


@pytest.mark.parametrize("kills", [7, pytest.param(25, marks=pytest.mark.trial)])
def test_killed_at_random_points_every_answered_row_is_there_once(
    killer: Killer, tmp_path: Path, kills: int
) -> None:
    arguments = {"home": str(tmp_path / "home"), "fleet": "killed"}
    workers.opened(arguments).close()
    chance = random.Random(11)
    started_s = time.monotonic()
    killer.run("write", arguments, str(tmp_path), 1, 0, 2, kill_after_s=None)
    killer.run("compact", arguments, 1, kill_after_s=None)
    # How long a step takes by itself, so that the kills fall all over it.
    step_s = (time.monotonic() - started_s) / 3
    next_file, survived = 2, Counter[str]()
    for kill in range(kills):
        storage = workers.opened(arguments)
        if kill % 2 == 0:
            answered = killer.run(
                "write", arguments, str(tmp_path), 1, next_file, next_file + 1,
                kill_after_s=chance.uniform(0, 2 * step_s),
            )  # fmt: skip
            _every_row_is_there_once(storage, answered, next_file)
            # What was broken off is taken in again, and comes to the right result.
            killer.run("write", arguments, str(tmp_path), 1, next_file, next_file + 1,
                       kill_after_s=None)  # fmt: skip
            next_file += 1
            survived["write"] += len(answered)
        else:
            answered = killer.run("compact", arguments, 1, kill_after_s=chance.uniform(0, step_s))
            survived["compact"] += len(answered)
        files = {(1, file) for file in range(next_file)}
        assert keys_on_record(storage) == expected_rows(files)
        with storage.begin(read_only=True) as work:
            assert work.traces.verify() == []
        storage.close()
    _a_second_run_goes_on(workers.opened(arguments), tmp_path, next_file)
    assert survived["write"] < kills + 1  # some were killed before they were done


def _every_row_is_there_once(storage: Storage, answered: list[int], next_file: int) -> None:
    rows = Counter(keys_on_record(storage))
    assert set(rows.values()) == {1}
    for file in [*range(next_file), *answered]:
        assert all(row in rows for row in workers.rows_of_file(1, file))
    there = sum(row in rows for row in workers.rows_of_file(1, next_file))
    assert there in (0, 240)  # a file is there or not, never a part of it


def _a_second_run_goes_on(storage: Storage, folder: Path, files: int) -> None:
    before = marks_on_record(storage)
    merge_all(storage)
    assert marks_on_record(storage) == before
    assert before == expected_marks(folder, [(1, file) for file in range(files)])
    storage.close()
