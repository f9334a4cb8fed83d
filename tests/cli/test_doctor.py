"""`doctor` finds what is broken and says so with exit code 1."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fleet_carbon.settings import Settings
from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH


def statuses(cli: CommandLine) -> dict[str, str]:
    return {one["check"]: one["status"] for one in cli("doctor", "--json").json["checks"]}


def test_a_home_in_order_is_well(filled: CommandLine) -> None:
    filled("close", MONTH)
    ran = filled("doctor")
    assert ran.code == 0
    assert "the chain holds" in ran.out
    assert "fail" not in statuses(filled).values()


def test_a_home_that_does_not_exist_is_no_fault_and_is_not_made(cli: CommandLine) -> None:
    assert cli("doctor").code == 0
    assert not cli.home.exists()


def test_a_changed_byte_of_a_trace_is_found(filled: CommandLine) -> None:
    (segment,) = (filled.home / "traces").rglob("*.parquet")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.chmod(0o644)
    segment.write_bytes(bytes(content))
    assert filled("doctor").code == 1
    assert statuses(filled)["traces"] == "fail"


def test_a_result_that_is_gone_is_found(filled: CommandLine) -> None:
    filled("close", MONTH)
    shutil.rmtree(filled.home / "results")
    assert statuses(filled)["closed months"] == "fail"


def test_a_published_factor_that_was_edited_is_found(
    filled: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    shutil.copytree(Settings().models_dir, models)
    path = models / "factors" / "diesel_cn.yaml"
    text = path.read_text(encoding="utf-8")
    assert '"0.84"' in text
    path.write_text(text.replace('"0.84"', '"0.85"'), encoding="utf-8")
    monkeypatch.setenv("FLEET_CARBON_MODELS_DIR", str(models))
    assert statuses(filled)["factors"] == "fail"
    ran = filled("close", MONTH, "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
