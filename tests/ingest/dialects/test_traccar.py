"""Traccar: the documented example, its units, and each way in which its positions mislead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused
from tests.ingest.dialects.reading import read_dialect

EXAMPLE = (Path(__file__).parent / "golden" / "traccar_forwarded.json").read_bytes()


def position(**given: Any) -> dict[str, Any]:
    return {
        "deviceId": 7,
        "fixTime": 1663248932000,
        "valid": True,
        "latitude": 57.71727,
        "longitude": 11.921161,
        "attributes": {},
    } | given


def test_the_documented_example_is_read_in_units_of_the_house(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, EXAMPLE, "traccar")
    [row] = found.rows.to_dict("records")
    # 29.4 knots x 1.852 km/h = 54.4488 km/h; 101,944,000 m = 101,944 km.
    assert row["vehicle_id"] == "860000000000007"
    assert row["time_ms"] == 1663248932000
    assert (row["lon_udeg"], row["lat_udeg"]) == (11_921_161, 57_717_270)
    assert row["speed_kmh"] == pytest.approx(54.4488)
    assert row["odometer_km"] == pytest.approx(101_944.0)
    assert row["fuel_used_l"] == pytest.approx(224.472)
    assert (row["heading_deg"], row["altitude_m"]) == (30.0, 32.0)


def test_a_retry_of_the_forwarder_is_the_same_fix_again(tmp_path: Path) -> None:
    line = json.dumps(json.loads(EXAMPLE)).encode()
    found = read_dialect(tmp_path, line + b"\n" + line + b"\n", "traccar")
    assert found.rows_read == 2
    assert len(found.rows.drop(columns="line").drop_duplicates()) == 1
    assert found.rows["line"].tolist() == [1, 2]


def test_a_list_of_the_api_names_devices_by_their_number(tmp_path: Path) -> None:
    body = json.dumps([position(), position(deviceId=8, fixTime="2022-09-15T13:35:32.000+00:00")])
    found = read_dialect(tmp_path, body.encode(), "traccar")
    assert found.rows["vehicle_id"].tolist() == ["7", "8"]
    assert found.rows["time_ms"].tolist() == [1663248932000] * 2


def test_a_position_without_a_fix_is_refused_and_counted(tmp_path: Path) -> None:
    body = json.dumps([position(valid=False), position()])
    found = read_dialect(tmp_path, body.encode(), "traccar")
    assert found.codes == [(1, "", "fix_not_valid")]
    assert (found.rows_read, len(found.rows)) == (2, 1)


def test_an_outdated_position_keeps_its_fix_and_loses_what_was_measured_later(
    tmp_path: Path,
) -> None:
    late = position(outdated=True, speed=3, attributes={"odometer": 5000, "archive": True})
    found = read_dialect(tmp_path, json.dumps([late]).encode(), "traccar")
    assert found.rows["odometer_km"].isna().all()
    assert found.rows["speed_kmh"].isna().all()
    assert found.remarks == {"fixes_outdated": 1, "fixes_archived": 1}


def test_the_distance_of_the_server_is_no_odometer_and_a_rate_no_counter(tmp_path: Path) -> None:
    told = {"totalDistance": 26721.89, "distance": 12.5, "fuelConsumption": 1.17, "obdSpeed": 80}
    body = json.dumps([position(attributes=told)])
    [row] = read_dialect(tmp_path, body.encode(), "traccar").rows.to_dict("records")
    for name in ("odometer_km", "fuel_used_l", "fuel_level_l", "speed_kmh"):
        assert row[name] != row[name], name


def test_a_fix_is_of_its_own_moment_and_not_of_when_it_was_heard_of(tmp_path: Path) -> None:
    told = position(deviceTime=1663250000000, serverTime=1663378277602)
    found = read_dialect(tmp_path, json.dumps([told]).encode(), "traccar").rows
    assert found["time_ms"].tolist() == [1663248932000]


def test_a_radius_of_zero_is_not_known(tmp_path: Path) -> None:
    body = json.dumps([position(accuracy=0.0), position(accuracy=12.5)])
    found = read_dialect(tmp_path, body.encode(), "traccar").rows["accuracy_m"]
    assert found.isna().tolist() == [True, False]


def test_a_profile_says_otherwise(tmp_path: Path) -> None:
    # The server took m/s for knots: 10 m/s = 36 km/h.
    body = json.dumps({"position": position(speed=10), "device": {"name": "Truck 7"}})
    found = read_dialect(
        tmp_path,
        body.encode(),
        "traccar",
        units={"speed": "ms"},
        columns={"vehicle_id": "device_name"},
    )
    assert found.rows["speed_kmh"].tolist() == [pytest.approx(36.0)]
    assert found.rows["vehicle_id"].tolist() == ["Truck 7"]


def test_a_broken_record_is_named_and_the_others_stand(tmp_path: Path) -> None:
    lines = [json.dumps(position()), '{"deviceId": 7,', json.dumps(position(attributes=3))]
    found = read_dialect(tmp_path, "\n".join(lines).encode(), "traccar")
    assert found.codes == [(2, "", "json_unreadable"), (3, "", "json_unreadable")]
    assert found.rows_read == 3


def test_a_number_that_is_none_is_refused_by_the_checks(tmp_path: Path) -> None:
    found = read_dialect(
        tmp_path, json.dumps([position(latitude="north"), position()]).encode(), "traccar"
    )
    assert found.codes == [(1, "lat", "not_a_number")]


def test_the_export_of_the_database_is_read_with_its_attributes(tmp_path: Path) -> None:
    rows = [
        "ID,PROTOCOL,DEVICEID,SERVERTIME,DEVICETIME,FIXTIME,VALID,LATITUDE,LONGITUDE,ALTITUDE,"
        "SPEED,COURSE,ADDRESS,ATTRIBUTES,ACCURACY,NETWORK,GEOFENCEIDS",
        "1,osmand,7,2022-09-15 13:47:00,2022-09-15 13:35:32,2022-09-15 13:35:32,TRUE,57.71727,"
        '11.921161,32,29.4,30,,"{""odometer"":101944000,""driverUniqueId"":""D1""}",0,,',
        "2,osmand,7,2022-09-15 13:47:00,2022-09-15 13:36:32,2022-09-15 13:36:32,FALSE,57,11,0,0,0,"
        ",{},0,,",
    ]
    found = read_dialect(tmp_path, "\n".join([*rows, ""]).encode(), "traccar")
    [row] = found.rows.to_dict("records")
    assert (row["vehicle_id"], row["driver_id"]) == ("7", "D1")
    assert row["time_ms"] == 1663248932000  # 2022-09-15T13:35:32Z
    assert row["odometer_km"] == pytest.approx(101_944.0)
    assert row["speed_kmh"] == pytest.approx(54.4488)
    assert found.codes == [(3, "", "fix_not_valid")]


def test_what_is_no_position_is_refused_as_a_whole(tmp_path: Path) -> None:
    for body in (b'{"a": 1}', b"a,b\n1,2\n"):
        with pytest.raises(InputRefused) as refused:
            read_dialect(tmp_path, body, "traccar")
        assert refused.value.code == "dialect_not_met"
