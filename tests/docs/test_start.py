"""The start script: refuses other Pythons, trusts its stamp, and knows when it is stale."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_commands import ROOT, start_script


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, pointed to a folder of its own, with pip and venv replaced by a notebook."""
    script = start_script()
    for name in ("run", "dev"):
        lock = tmp_path / f"{name}.txt"
        lock.write_text("somewhat==1.0 --hash=sha256:00", encoding="utf-8")
        monkeypatch.setitem(script.LOCKS, name, lock)
    (tmp_path / "fleet_carbon" / "_collected").mkdir(parents=True)
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(script, "STAMP", tmp_path / ".venv" / "stamp.json")
    monkeypatch.setattr(script, "_venv_works", lambda: True)
    script.done = []
    monkeypatch.setattr(script, "_pip", lambda *words: script.done.append(words))
    monkeypatch.setattr(script, "_make_venv", lambda: script.done.append(("venv",)))
    monkeypatch.setattr(script, "_call", lambda _tool, *words: script.done.append(words))
    return script


def installed(start: Any, kind: str) -> list[str]:
    """Which steps a preparation took: venv, lock, project, warm."""
    start.done.clear()
    start.main(["setup", "--dev"] if kind == "dev" else ["setup"])
    names = {"venv": "venv", "--require-hashes": "lock", "--no-deps": "project", "warm": "warm"}
    return [names[words[0]] for words in start.done]


def test_the_first_run_makes_everything_and_the_second_nothing(start: Any) -> None:
    assert installed(start, "run") == ["venv", "lock", "project", "warm"]
    assert installed(start, "run") == []


def test_a_developers_environment_serves_the_demo(start: Any) -> None:
    assert installed(start, "dev") == ["venv", "lock", "project", "warm"]
    assert installed(start, "run") == []


def test_the_developers_tools_are_added_to_an_environment_for_running(start: Any) -> None:
    installed(start, "run")
    start.LOCKS["dev"].write_text("somewhat==1.0\nmore==2.0", encoding="utf-8")
    assert installed(start, "dev") == ["lock", "project", "warm"]


def test_a_changed_lock_is_installed(start: Any) -> None:
    installed(start, "run")
    start.LOCKS["run"].write_text("somewhat==1.1", encoding="utf-8")
    assert installed(start, "run") == ["lock", "project", "warm"]


def test_a_broken_off_setup_is_begun_anew(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: str) -> None:
        raise start.SetupFailed("no network")

    monkeypatch.setattr(start, "_pip", fail)
    with pytest.raises(start.SetupFailed):
        start._prepare_environment("run")
    assert not start.STAMP.exists()
    monkeypatch.setattr(start, "_pip", lambda *words: start.done.append(words))
    assert installed(start, "run") == ["venv", "lock", "project", "warm"]


def test_a_torn_stamp_counts_as_none(start: Any) -> None:
    installed(start, "run")
    start.STAMP.write_text('{"kind": "r', encoding="utf-8")
    assert installed(start, "run") == ["venv", "lock", "project", "warm"]
    assert json.loads(start.STAMP.read_text(encoding="utf-8"))["kind"] == "run"


def test_another_python_is_refused_with_what_to_do(
    start: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "PYTHON_NEEDED", (3, 99))
    assert start.main(["demo"]) == 1
    said = capsys.readouterr().err
    assert "Python 3.99 is needed, this is 3." in said
    assert "and run: python3.99" in said


# A process that is killed has a negative code.
@pytest.mark.parametrize(
    ("of_pytest", "of_mypy", "of_all"), [(0, 0, 0), (1, 0, 1), (-9, 0, 1), (0, 1, 1)]
)
def test_a_check_fails_with_any_of_its_parts(
    start: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    of_pytest: int,
    of_mypy: int,
    of_all: int,
) -> None:
    def look(*words: str) -> subprocess.CompletedProcess[str]:
        code = of_mypy if words[0] == "mypy" else 0
        return subprocess.CompletedProcess(words, code, stdout=f"said {words[0]}", stderr="")

    def test() -> int:
        start.done.append(("pytest",))
        return of_pytest

    monkeypatch.setattr(start, "_looked", look)
    monkeypatch.setattr(start, "_call_pytest", test)
    assert start.main(["check"]) == of_all
    assert start.done[-2:] == [("warm",), ("pytest",)]  # workers need not compile one by one
    assert "$ mypy\nsaid mypy" in capsys.readouterr().out
    start.main(["check"])
    assert start.done.count(("warm",)) == 1


def test_wrong_usage_is_exit_code_2() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "start.py"), "dance"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"demo" in done.stderr


def test_ci_calls_the_script_with_skips_forbidden() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert "start.py check" in text
    assert "FLEET_CARBON_NO_SKIP=1" in text
