"""Source profiles: what they may say, and that a slip is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.profiles import SourceProfile, default_profile, profile_from_document


def test_an_empty_document_is_the_profile_of_the_contract() -> None:
    assert profile_from_document({}, where="x") == SourceProfile()
    assert default_profile("Europe/Oslo", "wgs84") == SourceProfile(time_zone="Europe/Oslo")


def test_a_full_document_is_taken_over() -> None:
    document: dict[str, Any] = {
        "columns": {"lon": "lng", "driver_id": None},
        "units": {"speed": "knots", "odometer": "m"},
        "constants": {"vehicle_id": 7},
        "time_zone": "UTC",
        "crs": "bd09",
        "coordinate_order": "lat_lon",
        "separator": "tab",
        "header": ["a", None, "b"],
        "title_rows": 2,
        "sheet": None,
    }
    profile = profile_from_document(document, where="x")
    assert profile.columns == {"lon": "lng"}
    assert profile.constants == {"vehicle_id": "7"}
    assert (profile.separator, profile.header, profile.title_rows) == ("\t", ("a", "", "b"), 2)
    assert profile.factor("speed") == 1.852  # the international nautical mile is 1,852 m
    assert (profile.factor("odometer"), profile.factor("fuel")) == (0.001, 1)


@pytest.mark.parametrize(
    ("document", "key", "part"),
    [
        ({"colums": {}}, "colums", "columns"),
        ({"units": {"sped": "kmh"}}, "units", "speed"),
        ({"units": {"speed": "kph"}}, "units.speed", "kmh, knots"),
        ({"units": {"speed": "km/h"}}, "units.speed", "Did you mean kmh?"),
        ({"units": ["kmh"]}, "units", "['kmh']"),
        ({"time_zone": "Peking"}, "time_zone", "Asia/Shanghai"),
        ({"time_zone": 8}, "time_zone", "8"),
        ({"time_zone": "Berlin"}, "time_zone", "Europe/Berlin"),
        ({"crs": "gcj-02"}, "crs", "Did you mean gcj02?"),
        ({"coordinate_order": "yx"}, "coordinate_order", "lat_lon"),
        ({"separator": "::"}, "separator", "one character"),
        ({"encoding": "utf-9"}, "encoding", "utf-9"),
        ({"header": "a,b"}, "header", "a,b"),
        ({"gps_rollover_before": "spring"}, "gps_rollover_before", "YYYY-MM-DD"),
        ({"title_rows": -1}, "title_rows", "-1"),
        ({"title_rows": "2"}, "title_rows", "2"),
    ],
)
def test_a_slip_is_refused_with_its_key_and_what_is_allowed(
    document: dict[str, Any], key: str, part: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        profile_from_document(document, where="our.yaml")
    error = refused.value
    assert error.code == "source_profile_refused"
    assert error.message.startswith(f"our.yaml: {key} ")
    assert part in error.message + error.hint
    assert error.details["key"] == key
