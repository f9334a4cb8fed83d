"""The wheel holds all that is needed at run time, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command from the unpacked wheel, away from the checkout."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FLEET_CARBON_")}
    environment |= {"PYTHONPATH": str(installed), "NUMBA_CACHE_DIR": str(installed / "cache")}
    return subprocess.run(
        [sys.executable, "-m", "fleet_carbon.cli", *words],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_factors_samples_and_geography_are_inside(installed: Path) -> None:
    package = installed / "fleet_carbon"
    for inside in (
        "_shipped/models/factors/diesel_cn.yaml",
        "_shipped/models/factors.lock",
        "_shipped/data/samples/positions.parquet",
        "_shipped/data/samples/manbang.yaml",
        "_collected/gazetteer.csv",
        "_collected/mainland.wkb",
        "_collected/provinces.wkb",
        "_collected/cities.wkb",
        "_collected/cities.csv",
        "_collected/assets/static/echarts.min.js",
        "_collected/assets/static/fonts/fonts.css",
        "_collected/assets/fonts/NotoSansSC-Regular.ttf",
        "_collected/assets/licences/noto-sans-sc.txt",
    ):
        assert (package / inside).is_file(), inside


def test_nothing_else_is_inside(installed: Path) -> None:
    tops = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert tops - {"cache"} == {"fleet_carbon"}
    assert not list(installed.rglob("test_*.py"))
    assert not list(installed.rglob("*.sqlite"))


def test_licence_and_notice_travel_with_it(installed: Path) -> None:
    (info,) = installed.glob("*.dist-info")
    assert {path.name for path in (info / "licenses").iterdir()} == {"LICENSE", "NOTICE"}
    metadata = (info / "METADATA").read_text(encoding="utf-8")
    assert "License-Expression: Apache-2.0" in metadata


def test_its_own_models_are_used_and_the_doctor_is_content(installed: Path) -> None:
    done = run(installed, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True
    where = subprocess.run(
        [
            sys.executable,
            "-c",
            "from fleet_carbon.settings import Settings as S; print(S().models_dir)",
        ],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()) == installed / "fleet_carbon" / "_shipped" / "models"


def test_help_answers_at_once(installed: Path) -> None:
    done = run(installed, "--help")
    assert done.returncode == 0
    assert "ingest" in done.stdout
