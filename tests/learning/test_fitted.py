"""Model files: what is read, what is refused, and where a model keeps silent."""

from __future__ import annotations

import copy
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from fleet_carbon.errors import ModelRefused, NotFound
from fleet_carbon.learning.keeping import file_bytes
from fleet_carbon.quantification.features import NAMES
from fleet_carbon.quantification.fitted import FittedFuel
from tests.learning.learning_builders import known_model, known_samples


def model() -> FittedFuel:
    return known_model()


def written(folder: Path, contents: dict[str, Any]) -> Path:
    path = folder / "model.skops"
    path.write_bytes(file_bytes(contents))
    return path


def row(**given: float) -> np.ndarray:
    usual = {"payload_share": 0.5, "moving_speed_kmh": 60.0, "kinetic_gained_j_per_kg_per_km": 40.0,
             "stops_count_per_100km": 10.0, "idle_h_per_100km": 0.3, "slow_share": 0.1,
             "fast_share": 0.2, "rated_payload_t": 32.0}  # fmt: skip
    found = usual | given
    return np.array([[found.get(name, np.nan) for name in NAMES]])


def test_a_model_says_the_same_after_it_was_kept(tmp_path: Path) -> None:
    kept = FittedFuel.load(written(tmp_path, model().contents()))
    table = known_samples().table[:200]
    for ours, theirs in zip(model().correction(table), kept.correction(table), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(kept.digest) == 64
    assert kept.trained_until == "2025-12"


def test_bounds_lie_about_the_factor() -> None:
    found = model().correction(known_samples().table)
    valid = found.is_valid
    assert (found.low[valid] <= found.factor[valid]).all()
    assert (found.factor[valid] <= found.high[valid]).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("moving_speed_kmh", 130.0),
        ("payload_share", 1.6),
        ("kinetic_gained_j_per_kg_per_km", 400.0),
        ("rated_payload_t", 25.0),
        ("moving_speed_kmh", np.nan),
        ("slow_share", np.nan),
    ],
)
def test_outside_of_its_range_a_model_says_so_and_nothing_else(name: str, value: float) -> None:
    found = model().correction(row(**{name: value}))
    assert not found.is_valid[0]
    assert np.isnan(found.factor[0])
    assert model().outside(row(**{name: value})) == [name]


def test_inside_of_its_range_it_speaks() -> None:
    assert model().correction(row()).is_valid[0]
    assert model().outside(row()) == []


def test_a_row_is_answered_alone_or_among_others_alike() -> None:
    table = known_samples().table[:30]
    together = model().correction(table).factor
    alone = np.concatenate([model().correction(table[k : k + 1]).factor for k in range(30)])
    np.testing.assert_array_equal(together, alone)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        FittedFuel.load(tmp_path / "none.skops")


def test_a_file_with_other_types_is_refused_before_they_are_made(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(skops.io.dumps({"format": "fleet-carbon fuel 1", "center": io.StringIO}))
    with pytest.raises(ModelRefused) as refused:
        FittedFuel.load(path)
    assert refused.value.code == "model_file_untrusted"
    assert "StringIO" in refused.value.message


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x05\x06" + 18 * b"\0"])
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(data)
    with pytest.raises(ModelRefused) as refused:
        FittedFuel.load(path)
    assert refused.value.code == "model_file_damaged"


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    contents = model().contents() | {"features": ["speed"]}
    with pytest.raises(ModelRefused) as refused:
        FittedFuel.load(written(tmp_path, contents))
    assert refused.value.code == "model_features_differ"


@pytest.mark.parametrize(("field", "value"), [("left", 60_000), ("right", 0), ("feature_idx", 99)])
def test_a_tree_that_leads_out_of_itself_is_refused(tmp_path: Path, field: str, value: int) -> None:
    evil = copy.deepcopy(model())
    evil.center.estimator._predictors[0][0].nodes[field][0] = value
    with pytest.raises(ModelRefused) as refused:
        FittedFuel.load(written(tmp_path, evil.contents()))
    assert refused.value.code == "model_file_damaged"


def test_files_bear_no_date_and_no_place_in_memory() -> None:
    data = file_bytes(model().contents())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    assert {part.date_time for part in parts} == {(1980, 1, 1, 0, 0, 0)}
    assert {part.compress_type for part in parts} == {zipfile.ZIP_DEFLATED}
    assert all(len(part.filename) <= len("schema.json") for part in parts)
