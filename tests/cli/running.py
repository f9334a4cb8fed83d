"""Run one command in this process and keep what it printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.cli import main


@dataclass(frozen=True)
class Ran:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object it must be."""
        found: dict[str, Any] = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class CommandLine:
    """`fleet-carbon` with a home folder of its own."""

    def __init__(self, home: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capture = capture

    def __call__(self, *words: object) -> Ran:
        """Run the words and return what came of it."""
        self._capture.readouterr()
        code = main(["--home", str(self.home), *map(str, words)])
        printed = self._capture.readouterr()
        return Ran(code, printed.out, printed.err)

    def ingest_all(self, files: dict[str, Path]) -> None:
        """Ingest the files of a fleet in the order in which they refer to each other."""
        for kind in ("vehicles", "drivers", "assignments", "baselines", "orders", "positions"):
            if kind in files:
                ran = self("ingest", kind, files[kind])
                assert ran.code == 0, (kind, ran)
