"""The samples in the repository are what the generator writes, and tell what their page says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from simulation.samples import VAGUE_ORDER, write_samples

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
BYTES_MAX = 3_000_000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_samples(tmp_path_factory.mktemp("samples"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_generator_writes_the_same_bytes_again(written: list[Path]) -> None:
    for path in written:
        if path.suffix == ".csv":
            assert _digest(path) == _digest(SAMPLES / path.name), path.name


def test_the_generator_writes_the_same_positions_again(written: list[Path]) -> None:
    # The rows, not the bytes: a Parquet file names the version of the library that wrote it.
    (path,) = [one for one in written if one.suffix == ".parquet"]
    ours, theirs = pd.read_parquet(path), pd.read_parquet(SAMPLES / path.name)
    pd.testing.assert_frame_equal(ours, theirs)


def test_the_samples_are_small_enough_to_clone() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < BYTES_MAX


def test_the_samples_hold_the_cases_their_page_names() -> None:
    orders = pd.read_csv(SAMPLES / "orders.csv").set_index("order_id")
    assert orders.loc["T01-9001", "status"] == "cancelled"
    assert "T01-9002" in orders.index
    assert sorted(orders.loc["T02-0004", "version"]) == [1, 2]
    assert pd.isna(orders.loc[VAGUE_ORDER, "pickup_lon"])
    drivers = pd.read_csv(SAMPLES / "truth_drivers.csv")
    assert list(drivers.loc[drivers["vehicle_id"] == "T01", "driver_id"]) == ["D01", "D02"]
    fuels = set(pd.read_csv(SAMPLES / "energy.csv")["unit"])
    assert fuels == {"l", "kg"}
