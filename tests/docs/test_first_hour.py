"""What the README says of the first hour is so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fleet_carbon.cli import main
from tests.docs.test_commands import ROOT


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(ROOT / "models", tmp_path / "models")
    monkeypatch.setenv("FLEET_CARBON_MODELS_DIR", str(folder))
    monkeypatch.setenv("FLEET_CARBON_HOME", str(tmp_path / "home"))
    return folder


def test_a_changed_factor_is_refused(own_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = own_models / "factors" / "diesel_cn.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count('"0.84"') == 1
    path.write_text(text.replace('"0.84"', '"0.85"'), encoding="utf-8")
    assert main(["doctor"]) == 1
    assert "diesel_cn.density" in capsys.readouterr().out


def test_the_doctor_is_content_with_the_models_as_published(own_models: Path) -> None:
    assert main(["doctor"]) == 0
