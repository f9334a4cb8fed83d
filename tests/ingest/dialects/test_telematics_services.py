"""Samsara, Geotab and Motive: lists where others have objects, zeros, and odometers of devices."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.dialects import records
from fleet_carbon.periods import to_epoch_ms
from tests.ingest.dialects.reading import read_dialect

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2024, 3, 15, 14, 1, tzinfo=UTC)
AT_MS = to_epoch_ms(AT)


@pytest.fixture(autouse=True, params=[records._SLICE_BYTES, 1], ids=["at_once", "one_by_one"])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few records are held at once, rows, counters beside them and remarks are the same."""
    monkeypatch.setattr(records, "_SLICE_BYTES", request.param)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def test_samsara_tells_miles_per_hour_and_an_odometer_beside_the_fix(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, golden("samsara_history.json"), "samsara")
    [row] = found.rows.to_dict("records")
    assert row["vehicle_id"] == "112"
    assert row["speed_kmh"] == pytest.approx(77.7313, abs=1e-4)  # 48.3 x 1.609344
    assert row["odometer_km"] == pytest.approx(9_723.103)
    assert row["time_ms"] == to_epoch_ms(datetime(2020, 1, 27, 7, 6, 25, tzinfo=UTC))


def test_a_snapshot_of_samsara_has_objects_and_counters_of_another_moment(tmp_path: Path) -> None:
    fix = {"time": "2020-01-27T07:06:25Z", "latitude": 37.4, "longitude": -122.1}
    later = {"time": "2020-01-27T07:09:00Z", "value": 5}
    truck = {"id": "112", "name": "A7", "gps": fix, "obdOdometerMeters": later}
    same = truck | {"obdOdometerMeters": later | {"time": fix["time"]}}
    found = read_dialect(tmp_path, json.dumps({"data": [truck, same]}).encode(), "samsara")
    assert found.rows["odometer_km"].isna().tolist() == [True, False]
    assert found.remarks == {"odometer_readings_without_fix": 1}


def test_burnt_fuel_of_samsara_is_a_counter_in_millilitres(tmp_path: Path) -> None:
    fix = {"time": "2020-01-27T07:06:25Z", "latitude": 37.4, "longitude": -122.1}
    near = {"time": "2020-01-27T07:06:35Z", "value": 563_016_787}
    late = near | {"time": "2020-01-27T07:06:41Z"}
    beside = fix | {"decorations": {"fuelConsumedMilliliters": {"value": 1_500}}}
    trucks = [
        {"id": "112", "gps": [fix], "fuelConsumedMilliliters": [near]},
        {"id": "113", "gps": [fix], "fuelConsumedMilliliters": [late]},
        {"id": "114", "gps": [beside]},
    ]
    found = read_dialect(tmp_path, json.dumps({"data": trucks}).encode(), "samsara")
    assert found.rows["fuel_used_l"].fillna(0).tolist() == [563_016.787, 0, 1.5]
    assert found.remarks == {"fuel_readings_without_fix": 1}


def test_the_stream_of_samsara_tells_metres_per_second(tmp_path: Path) -> None:
    event = json.loads(golden("samsara_stream.json"))
    by_wheels = event | {"speed": {"ecuSpeedMetersPerSecond": 10}, "happenedAtTime": None}
    forms = (golden("samsara_stream.json"), json.dumps({"data": [event, by_wheels]}).encode())
    for content in forms:
        found = read_dialect(tmp_path, content, "samsara_stream")
        [row] = found.rows.to_dict("records")
        assert (row["vehicle_id"], row["time_ms"]) == ("281474", AT_MS)
        assert row["speed_kmh"] == pytest.approx(77.4)  # 21.5 x 3.6
        assert (row["heading_deg"], row["accuracy_m"]) == (120.0, 4.5)
    assert found.codes == [(1, "time", "missing_value")]


def test_readings_of_geotab_lie_beside_the_fix_of_their_moment(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, golden("geotab_status.json"), "geotab")
    [row] = found.rows.to_dict("records")
    assert (row["odometer_km"], row["fuel_used_l"]) == (123_456.7, 40_321.5)  # metres, litres
    assert found.remarks == {}


def test_readings_of_geotab_without_a_fix_are_counted_and_counters_never_mixed(
    tmp_path: Path,
) -> None:
    log, adjusted, fuel = json.loads(golden("geotab_status.json"))
    raw = adjusted | {"diagnostic": {"id": "DiagnosticRawOdometerId"}, "data": 5_000}
    raw |= {"dateTime": log["dateTime"]}  # nearer, and of the counter that goes after the other
    late = fuel | {"dateTime": "2024-03-15T14:01:16.000Z"}
    unknown = adjusted | {"diagnostic": {"id": "DiagnosticOilTemperatureId"}}
    elsewhere = adjusted | {"device": {"id": "b9"}}
    content = json.dumps([raw, late, log, unknown, elsewhere, adjusted]).encode()
    found = read_dialect(tmp_path, content, "geotab")
    assert found.rows["odometer_km"].tolist() == [123_456.7]
    assert found.rows["fuel_used_l"].isna().all()  # 16 s later
    on_lines = b"\n".join(json.dumps(one).encode() for one in (raw, log))
    assert read_dialect(tmp_path, on_lines, "geotab").rows["odometer_km"].tolist() == [5.0]
    assert found.remarks == {"records_of_other_kinds": 1, "readings_without_fix": 3}


def test_geotab_tells_fixes_and_fills_in_one_list(tmp_path: Path) -> None:
    fixes = read_dialect(tmp_path, golden("geotab_log.json"), "geotab")
    [fix] = fixes.rows.to_dict("records")
    assert (fix["vehicle_id"], fix["time_ms"], fix["speed_kmh"]) == ("b1", AT_MS, 65.4)
    assert fixes.remarks == {"records_of_other_kinds": 1}
    fills = read_dialect(tmp_path, golden("geotab_log.json"), "geotab", "energy")
    [fill] = fills.rows.to_dict("records")
    assert (fill["quantity"], fill["unit"], fill["product"]) == (320.5, "l", "Diesel")
    assert (fill["odometer_km"], fill["place_lon"], fill["place_lat"]) == (123456.7, -79.7, 43.7)
    assert fills.rows["line"].tolist() == [2]
    assert Decimal(fill["price"]) == Decimal("1.5")  # 480.75 for 320.5 litres


def test_zeros_of_geotab_are_not_known(tmp_path: Path) -> None:
    fill = {
        "device": {"id": "b1"},
        "dateTime": "2024-03-15T15:00:00Z",
        "volume": 300,
        "odometer": 0,
        "location": {"x": 0, "y": 0},
    }
    answer = json.dumps({"result": {"data": [fill], "toVersion": "1"}}).encode()
    found = read_dialect(tmp_path, answer, "geotab", "energy").rows
    assert found[["odometer_km", "place_lon", "place_lat"]].isna().all(axis=None)


def test_a_fill_of_geotab_tells_metres_and_a_fuel_event_kilometres(tmp_path: Path) -> None:
    event = {"device": "b1", "dateTime": "2024-03-15T15:00:00Z", "volume": 300, "odometer": 98_765}
    fill = event | {"id": "f1", "derivedVolume": -1, "odometer": 98_765_000}
    found = read_dialect(tmp_path, json.dumps([event, fill]).encode(), "geotab", "energy").rows
    assert found["odometer_km"].tolist() == [98_765.0, 98_765.0]
    assert found["receipt_id"].fillna("").tolist() == ["", "f1"]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    fills=st.lists(
        st.tuples(
            st.integers(0, 10**8), st.integers(1, 10**6), st.integers(1, 10**7), st.booleans()
        ),
        min_size=1,
        max_size=6,
    )
)
def test_fills_of_geotab_are_read_back(
    fills: list[tuple[int, int, int, bool]], tmp_path: Path
) -> None:
    sent = [
        {
            "device": {"id": "b1"} if is_named else "b1",
            "dateTime": (AT + timedelta(seconds=after_s)).isoformat(),
            "volume": volume_ml / 1000,
            "odometer": odometer_m / 1000,
            "location": {"x": -79.7, "y": 43.7},
        }
        for after_s, volume_ml, odometer_m, is_named in fills
    ]
    found = read_dialect(tmp_path, json.dumps(sent).encode(), "geotab", "energy")
    assert (found.codes, found.rows["vehicle_id"].tolist()) == ([], ["b1"] * len(fills))
    assert found.rows["quantity"].tolist() == [one["volume"] for one in sent]
    assert found.rows["odometer_km"].tolist() == [one["odometer"] for one in sent]
    moments = [at.to_pydatetime().isoformat() for at in found.rows["bought_at"]]
    assert moments == [one["dateTime"] for one in sent]


def test_records_of_the_intake_of_geotab_name_the_device_by_its_number(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, golden("geotab_dig.json"), "geotab")
    [row] = found.rows.to_dict("records")
    assert (row["vehicle_id"], row["time_ms"]) == ("G70000000001", AT_MS)
    lost = json.loads(golden("geotab_dig.json"))[:1]
    lost[0]["IsGpsValid"] = False
    invalid = read_dialect(tmp_path, json.dumps(lost).encode(), "geotab")
    assert invalid.codes == [(1, "", "fix_not_valid")]


def test_the_odometer_of_motive_is_that_of_the_vehicle_in_the_unit_asked_for(
    tmp_path: Path,
) -> None:
    metric = read_dialect(tmp_path, golden("motive_locations.json"), "motive")
    [row] = metric.rows.to_dict("records")
    assert (row["vehicle_id"], row["speed_kmh"], row["odometer_km"]) == ("T7", 62.1, 98_765.4)
    assert metric.remarks == {"vehicles_without_location": 1}
    miles = read_dialect(tmp_path, golden("motive_locations.json"), "motive-miles").rows.iloc[0]
    # x 1.609344
    assert miles["speed_kmh"] == pytest.approx(99.9403, abs=1e-4)
    assert miles["odometer_km"] == pytest.approx(158_947.5, abs=0.1)


def test_odometers_of_vehicle_and_device_of_motive_are_never_mixed(tmp_path: Path) -> None:
    place = {"located_at": "2024-03-15T14:01:00Z", "lat": 1.0, "lon": 2.0, "odometer": 200_123.4}
    true = place | {"true_odometer": 98_765.4}
    told = [("T7", place), ("T7", true), ("T8", place)]
    vehicles = [{"vehicle": {"number": name, "current_location": at}} for name, at in told]
    found = read_dialect(tmp_path, json.dumps({"vehicles": vehicles}).encode(), "motive").rows
    assert found["odometer_km"].fillna(0).tolist() == [0, 98_765.4, 200_123.4]


def test_motive_is_told_the_zone_that_was_asked_for(tmp_path: Path) -> None:
    place = {"located_at": "2024-03-15T14:01:00", "lat": 1.0, "lon": 2.0, "kph": 62.0}
    vehicle = {"number": "T7", "current_location": place}
    content = json.dumps({"vehicles": [{"vehicle": vehicle}]}).encode()
    for zone, hours in (("UTC", 0), ("America/New_York", 4)):
        [row] = read_dialect(tmp_path, content, "motive", time_zone=zone).rows.to_dict("records")
        assert row["time_ms"] == AT_MS + hours * 3_600_000
        assert row["speed_kmh"] == 62.0  # the name of its third version


MOMENTS = {
    "geotab_dig.json": ("geotab", "DateTime"),
    "geotab_log.json": ("geotab", "dateTime"),
    "motive_locations.json": ("motive", "located_at"),
    "samsara_stream.json": ("samsara_stream", "happenedAtTime"),
    "samsara_history.json": ("samsara", "time"),
}


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize(
    "told", ["2024-03-15T14:01:00Z", "2024-03-15T10:01:00-04:00", "2024-03-15T22:01:00.000+08:00"]
)
def test_a_moment_may_have_an_offset_and_a_fraction(name: str, told: str, tmp_path: Path) -> None:
    dialect, member = MOMENTS[name]
    content = re.sub(rf'"{member}":\s*"[^"]*"', f'"{member}": "{told}"', golden(name).decode())
    found = read_dialect(tmp_path, content.encode(), dialect)
    assert (found.codes, set(found.rows["time_ms"])) == ([], {AT_MS})


def test_locations_of_one_vehicle_of_motive_need_its_name(tmp_path: Path) -> None:
    place = {"located_at": "2024-03-15T14:01:00Z", "lat": 1.0, "lon": 2.0}
    content = json.dumps({"vehicle_locations": [{"vehicle_location": place}]}).encode()
    assert [c for _, _, c in read_dialect(tmp_path, content, "motive").codes] == ["missing_value"]
    named = read_dialect(tmp_path, content, "motive", constants={"vehicle_id": "T7"})
    assert named.rows["vehicle_id"].tolist() == ["T7"]


@pytest.mark.parametrize("name", ["samsara", "geotab", "motive"])
def test_what_is_of_another_system_is_refused_as_a_whole(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, b'{"a": 1}', name)
    assert refused.value.code == "dialect_not_met"
