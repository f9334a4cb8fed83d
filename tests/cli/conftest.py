"""A command line with an empty home, and one whose tiny fleet is ingested."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import TinyFleet

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "FLEET", "DATABASE_URL", "TRACES_URL", "TIMEZONE"):
        monkeypatch.delenv(f"FLEET_CARBON_{name}", raising=False)
    # A process of its own finds the package also where it is not installed.
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """`fleet-carbon` on an empty home."""
    return CommandLine(tmp_path / "home", capsys)


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the tiny fleet, made once; tests work on copies."""
    return tmp_path_factory.mktemp("filled") / "home"


@pytest.fixture
def filled(cli: CommandLine, tmp_path: Path, filled_home: Path) -> CommandLine:
    """`fleet-carbon` on a home that holds the tiny fleet."""
    if not filled_home.exists():
        cli.ingest_all(TinyFleet().write(tmp_path / "first"))
        shutil.copytree(cli.home, filled_home)
    else:
        shutil.copytree(filled_home, cli.home)
    return cli
