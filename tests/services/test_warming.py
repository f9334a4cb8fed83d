"""Compiled code is made once, with a word about it, and is there the next time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fleet_carbon.services.support import warming
from fleet_carbon.services.support.progress import Silent


class Told(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.tasks: list[str] = []

    def begin(self, task: str, total: int | None, unit: str) -> None:
        super().begin(task, total, unit)
        self.tasks.append(task)


def test_what_is_kept_is_loaded_without_a_word() -> None:
    warming.warm_kernels()
    told = Told()
    assert not warming.warm_kernels(told).was_compiled
    assert told.tasks == []


def test_a_source_newer_than_its_compiled_code_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "_is_kept", lambda: False)
    told = Told()
    assert warming.warm_kernels(told).was_compiled
    assert told.tasks == ["compiling for this processor, once"]


def test_an_empty_cache_is_noticed(tmp_path: Path) -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "from fleet_carbon.services.support import warming as w; print(w._is_kept())",
        ],
        env={"NUMBA_CACHE_DIR": str(tmp_path), "PATH": ""},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    assert answer.stdout.strip() == "False"
