"""Two real recordings, read in full: nothing refused, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.frames import POSITIONS
from tests.ingest.reading import profile, read, real_data


def recording(name: str) -> Path:
    path = real_data(name)
    if path is None:
        pytest.skip(f"optional data: {name} is not here; set FLEET_CARBON_TEST_DATA to its folder")
    return path


def test_every_poll_of_the_refuse_trucks_is_read_and_9744_differ() -> None:
    source = profile(
        header=["poll", "lat", "lon", "vehicle_id", "address", "time"],
        separator="|",
        time_zone="America/New_York",
    )
    found = read(recording("jersey_city/polls_raw.psv.gz"), "positions", source)
    assert (found.rows_read, found.rejections) == (198_075, [])
    assert found.rows["line"].tolist() == list(range(1, 198_076))
    # The counts are those of the data's own description; the key is truck, moment and place.
    assert POSITIONS.key == ("vehicle_id", "time_ms", "lon_udeg", "lat_udeg")
    assert len(found.rows.drop_duplicates(list(POSITIONS.key))) == 9_744
    assert found.rows["vehicle_id"].nunique() == 139


def test_every_fix_of_the_haul_truck_is_read_also_those_without_a_fraction() -> None:
    source = profile(columns={"vehicle_id": "machine", "time": "ts", "accuracy_m": "uncertainty"})
    found = read(recording("roadai/machine44_2022-03-07_positions.csv"), "positions", source)
    assert (found.rows_read, found.rejections) == (12_472, [])
    # The description counts 71 stamps of whole seconds without a fraction.
    assert int((found.rows["time_ms"] % 1000 == 0).sum()) >= 71
    assert found.rows["accuracy_m"].notna().all()


def test_labels_of_the_other_truck_are_ignored_and_reported() -> None:
    source = profile(columns={"vehicle_id": "machine", "time": "ts"})
    path = recording("roadai/machine1_2022-03-07_labelled_points.csv")
    found = read(path, "positions", source)
    assert (found.rows_read, found.rejections) == (1_911, [])
    assert found.batches[0].columns.ignored == ("uncertainty", "label")
