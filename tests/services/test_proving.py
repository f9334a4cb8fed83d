"""A statement is checked without the installation; a published account comes out the same again."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger.checker import check_statement
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.ledger import proving, signing
from fleet_carbon.services.months import closing, replaying
from fleet_carbon.services.support import program
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import (
    MONTH,
    STARTS_AT,
    TinyFleet,
    northward_order,
    shuttle,
    write_csv,
)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("proving")
    shutil.copytree(Settings().models_dir, folder / "models")
    made = Settings(home=folder / "home", models_dir=folder / "models")
    for kind, path in TinyFleet().write(folder / "files").items():
        ingesting.ingest_files(made, kind, [path])
    closing.close_month(made, MONTH)
    return made


@pytest.fixture(scope="module")
def statement(closed: Settings) -> dict[str, Any]:
    return json.loads(proving.prove_account(closed, "D1", MONTH).text())


def test_a_statement_is_proven_by_a_file_that_needs_nothing_of_the_program(
    closed: Settings, statement: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "checker.py").write_text(proving.checker_script(), encoding="utf-8")
    (tmp_path / "statement.json").write_text(json.dumps(statement), encoding="utf-8")
    [key] = signing.list_keys(closed).keys

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        # Isolated: neither this folder nor the environment names a place to import from.
        command = [sys.executable, "-I", "checker.py", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    assert "fleet_carbon" not in proving.checker_script()
    done = run("statement.json", key.key_id)
    assert (done.returncode, done.stderr) == (0, "")
    credited_g = statement["accounts"][0]["co2_credited_g"]
    assert f"{credited_g} g credited" in done.stdout
    assert run("statement.json", "0" * 32).returncode == 1
    assert run("missing.json").returncode == 1
    assert run().returncode == 2


def leaves_of(held: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(held, dict):
        return [one for name in held for one in leaves_of(held[name], (*path, name))]
    if isinstance(held, list):
        return [one for at, part in enumerate(held) for one in leaves_of(part, (*path, at))]
    return [path]


def test_any_change_of_a_statement_is_found(statement: dict[str, Any]) -> None:
    assert check_statement(statement).problems == []
    for path in leaves_of(statement):
        other = copy.deepcopy(statement)
        place = other
        for step in path[:-1]:
            place = place[step]
        held = place[path[-1]]
        place[path[-1]] = f"{held}x" if isinstance(held, str) else "x" if held is None else not held
        assert check_statement(other).problems, path
    for name in statement:
        assert check_statement({k: v for k, v in statement.items() if k != name}).problems, name


def test_an_operator_cannot_sign_more_than_the_entries_give(
    closed: Settings, statement: dict[str, Any]
) -> None:
    """Who has the key can sign anything, but not make entries of it."""
    from fleet_carbon.ledger.signing import SigningKey, signed_statement

    [path] = (closed.home / "keys").iterdir()
    key = SigningKey.from_pem(path.read_text())
    for change in ("account", "entry left out", "entry twice", "entry changed"):
        body = {k: copy.deepcopy(v) for k, v in statement.items() if k != "signature"}
        if change == "account":
            body["accounts"][0]["co2_credited_g"] += 1
        elif change == "entry left out":
            body["entries"].pop()
        elif change == "entry twice":
            body["entries"].append(body["entries"][0])
        else:
            body["entries"][0]["entry"]["amount"] += 1
            body["accounts"][0]["co2_credited_g"] += 1
        found = check_statement(signed_statement(key, "fleet-carbon/default", body))
        assert len(found.problems) == 1, change


@pytest.mark.parametrize("content", ["", "[]", "{}", "7", '{"format": 1}'])
def test_a_file_that_is_no_statement_proves_nothing(content: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    if not content:
        with pytest.raises(InputRefused):
            proving.check_statement(path)
    else:
        assert not proving.check_statement(path).is_well


def test_a_ledger_as_a_close_left_it_holds(closed: Settings) -> None:
    found = proving.check_ledger(closed)
    assert found.is_well, found.problems
    assert (found.checkpoints_count, found.keys_count) == (1, 1)


def test_an_account_comes_out_the_same_whatever_came_later(
    closed: Settings, tmp_path: Path
) -> None:
    """Late fixes, another version of an order, another truck's payload: none was known then."""
    assert replaying.replay_account(closed, "D1", MONTH).is_well
    truck = TinyFleet().vehicles[0] | {"rated_payload_t": 15, "full_l_per_100km": 30}
    late = shuttle(2, starts_at=STARTS_AT + timedelta(days=3))
    order = northward_order("O1", 0, version=2) | {"cargo_t": 3}
    for kind, rows in (("vehicles", [truck]), ("orders", [order]), ("positions", late)):
        ingesting.ingest_files(closed, kind, [write_csv(tmp_path / f"{kind}.csv", rows)])
    found = replaying.replay_account(closed, "D1", MONTH).report
    assert (found["ok"], found["inputs"], found["differences"]) == (True, [], [])
    assert found["digest_before"] == found["digest_after"]


def test_another_code_of_the_program_is_named_though_the_account_is_the_same(
    closed: Settings, statement: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    published = program.code_digest()
    assert statement["run"]["code"] == published
    monkeypatch.setattr(program, "code_digest", lambda: "f" * 64)
    found = replaying.replay_account(closed, "D1", MONTH).report
    told = f"code of the program is not what it was: {published[:12]} then, {'f' * 12} now"
    assert (found["ok"], found["inputs"]) == (True, [told])
    assert (found["code_before"], found["code_after"]) == (published, "f" * 64)


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        # How far ahead a clock may be: no fix of this fleet is.
        ('clock_ahead_h_max:\n    value: "24"', 'clock_ahead_h_max:\n    value: "25"', True),
        # Litres on a grid of whole ones.
        ('litre_steps_count:\n    value: "2048"', 'litre_steps_count:\n    value: "1"', False),
    ],
)
def test_an_edition_that_was_changed_since_is_named(
    closed: Settings, before: str, after: str, is_same: bool
) -> None:
    [path] = (closed.models_dir / "editions").glob("*.yaml")
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")
    found = replaying.replay_account(closed, "D1", MONTH).report
    path.write_text(text, encoding="utf-8")
    assert any(one.startswith("edition is not what it was") for one in found["inputs"])
    assert found["ok"] is is_same
    assert bool(found["differences"]) is not is_same
