"""What the docs tell a reader to type works, and what they show is what appears.

Blocks marked `console` hold commands after `$ `; each page runs from top to bottom in a fresh
home, in a folder where `data/` and `models/` lie as in a checkout. Excerpts are what
`docs/write_excerpts.py` writes.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands_of(page: Path) -> list[str]:
    """Commands of the page in order, without prompt and without trailing comment."""
    lines = "".join(CONSOLE.findall(page.read_text(encoding="utf-8"))).splitlines()
    return [line[2:].split("  #")[0].strip() for line in lines if line.startswith("$ ")]


def script(name: str, path: Path) -> Any:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def excerpts() -> list[tuple[str, str, int, int, str]]:
    find = script("write_excerpts", ROOT / "docs" / "write_excerpts.py").excerpts
    return [(p.name, *found) for p in PAGES for found in find(p.read_text(encoding="utf-8"))]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the repository's data beside it and nothing on record."""
    for name in ("data", "models"):
        (tmp_path / name).symlink_to(ROOT / name, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLEET_CARBON_HOME", raising=False)
    return tmp_path


def run(command: str) -> int:
    """Run one command of the docs in this process; return its exit code."""
    from fleet_carbon.cli import main

    return main(shlex.split(command)[1:])


def start_script() -> Any:
    return script("start", ROOT / "start.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(c.startswith("fleet-carbon") for c in commands_of(page))],
    ids=lambda page: page.name,
)
def test_the_commands_of_a_page_run(page: Path, checkout: Path) -> None:
    for command in commands_of(page):
        if command.startswith("fleet-carbon "):
            assert run(command) == 0, command
    described = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    for database in checkout.glob("*/fleet_carbon.sqlite"):
        inside = {path.name for path in database.parent.iterdir() if path.is_dir()}
        assert [name for name in sorted(inside) if f"`{name}/`" not in described] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_is_of_a_kind_that_is_checked(page: Path) -> None:
    known = ("fleet-carbon ", "python3.11 start.py ", "git clone ", "cd ")
    assert [command for command in commands_of(page) if not command.startswith(known)] == []


def test_the_start_script_knows_what_the_docs_ask_of_it() -> None:
    start = start_script()
    asked = [
        shlex.split(command)[2:]
        for page in PAGES
        for command in commands_of(page)
        if command.startswith("python3.11 start.py ")
    ]
    assert ["demo"] in asked
    assert ["test"] in asked
    for words in asked:
        start._parse(words)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command", "first", "last", "shown"), excerpts())
def test_an_excerpt_is_what_appears(
    page: str,
    command: str,
    first: int,
    last: int,
    shown: str,
    checkout: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(command) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert shown.splitlines() == printed[first - 1 : last], "run: python docs/write_excerpts.py"


def test_the_readme_shows_what_the_demo_prints() -> None:
    assert "fleet-carbon demo" in [command for page, command, *_ in excerpts()]
