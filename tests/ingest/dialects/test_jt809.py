"""JT/T 809: longitude before latitude, local time, plate and colour, and a mileage of any unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import to_epoch_ms
from tests.ingest.dialects import frames808
from tests.ingest.dialects.frames809 import FIXED, frame, location, location_2019
from tests.ingest.dialects.reading import read_dialect

GOLDEN = (Path(__file__).parent / "golden" / "jt809_published.hex").read_bytes()
AT = datetime(2018, 12, 7, 14, 34, 56)  # noqa: DTZ001
AT_MS = to_epoch_ms(datetime(2018, 12, 7, 6, 34, 56, tzinfo=UTC))


def test_the_published_values_are_read(tmp_path: Path) -> None:
    for content in (GOLDEN, bytes.fromhex(GOLDEN.decode())):
        [row] = read_dialect(tmp_path, content, "jt809").rows.to_dict("records")
        assert row["vehicle_id"] == "赣B63265"
        assert (row["lon_udeg"], row["lat_udeg"]) == (114_809_933, 25_526_799)
        assert (row["time_ms"], row["speed_kmh"]) == (AT_MS, 82.0)
        # As it is sent; no truck has driven so far, and the suspicion of the unit finds it.
        assert row["odometer_km"] == 7_970_937.0


def test_the_golden_file_is_what_the_field_tables_say() -> None:
    assert GOLDEN.strip().decode() == frame(location(AT)).hex()


def test_an_odometer_in_metres_is_said_by_the_profile(tmp_path: Path) -> None:
    rows = read_dialect(tmp_path, GOLDEN, "jt809", units={"odometer": "m"}).rows
    assert rows["odometer_km"].tolist() == [pytest.approx(7_970.937)]


def test_the_same_plate_in_another_colour_is_another_truck(tmp_path: Path) -> None:
    sent = frame(location(AT)) + frame(location(AT), color=93)
    found = read_dialect(tmp_path, sent, "jt809", columns={"vehicle_id": "plate_and_color"})
    assert found.rows["vehicle_id"].tolist() == ["赣B63265_2", "赣B63265_93"]


def test_locations_sent_later_come_one_by_one(tmp_path: Path) -> None:
    held = bytes((2,)) + location(AT) + location(AT + timedelta(seconds=30))
    found = read_dialect(tmp_path, frame(held, kind=0x1203), "jt809")
    assert found.rows["time_ms"].tolist() == [AT_MS, AT_MS + 30_000]


FAULTS = {
    "fix_not_valid": frame(location(AT, status=0)),
    "frame_check_wrong": frame(location(AT))[:-3] + b"\x01\x01\x5d",
    "frame_length_wrong": frame(location(AT)[:-1]),
    "frame_encrypted": frame(location(AT), encrypted=1),
    "missing_value": frame(location(AT), plate=""),
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_frame_that_cannot_be_used_is_named_beside_a_good_one(code: str, tmp_path: Path) -> None:
    found = read_dialect(tmp_path, FAULTS[code] + frame(location(AT)), "jt809")
    assert [(one.line, one.code) for one in found.rejections] == [(1, code)]
    assert found.rows["line"].tolist() == [2]


def of_2019(*held: bytes, **said: int) -> bytes:
    """A frame of 2019; several locations are sent later."""
    kind, count = (0x1203, bytes((len(held),))) if len(held) > 1 else (0x1202, b"")
    sent = b"".join(location_2019(one, **said) for one in held)
    return frame(count + sent, kind=kind, edition=2019)


def test_the_edition_of_2019_holds_locations_of_808_in_tenths(tmp_path: Path) -> None:
    items = frames808.item(1, (123_456).to_bytes(4, "big")) + frames808.item(2, b"\x0c\x21")
    content = of_2019(frames808.location(items=items))
    content += of_2019(frames808.location(), frames808.location(time="260302064530"))
    found = read_dialect(tmp_path, content + GOLDEN_BYTES, "jt809")
    assert (found.codes, found.rows_read) == ([], 4)
    rows = found.rows
    # 60.5 km/h, 12,345.6 km and 310.5 l; the last is of 2011, in whole km/h and km.
    assert rows["speed_kmh"].tolist() == [60.5, 60.5, 60.5, 82.0]
    assert rows["odometer_km"].fillna(0).tolist() == [12_345.6, 0, 0, 7_970_937]
    assert rows["fuel_level_l"].fillna(0).tolist() == [310.5, 0, 0, 0]
    assert rows["vehicle_id"].unique().tolist() == ["赣B63265"]
    morning = to_epoch_ms(datetime(2026, 3, 1, 22, 45, tzinfo=UTC))  # 06:45 in China
    assert rows["time_ms"].tolist()[:3] == [morning, morning, morning + 30_000]
    assert rows["lat_udeg"].tolist()[:3] == [30_572_815] * 3


def test_a_location_of_2019_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    short = location_2019(frames808.location())[:-1]
    for data in (short, short[:40], b"\0"):
        sent = frame(data, edition=2019) + GOLDEN_BYTES
        assert read_dialect(tmp_path, sent, "jt809").codes == [(1, "", "frame_length_wrong")]


@pytest.mark.parametrize("edition", [2011, 2019])
def test_coordinates_for_maps_of_china_are_refused_unless_the_profile_says_gcj02(
    edition: int, tmp_path: Path
) -> None:
    sent = (
        frame(location(AT, encrypted=1))
        if edition == 2011
        else of_2019(frames808.location(lat_udeg=25_526_799, lon_udeg=114_809_933), encrypted=1)
    )
    assert read_dialect(tmp_path, sent, "jt809").codes == [(1, "", "coordinates_encrypted")]
    [row] = read_dialect(tmp_path, sent, "jt809", crs="gcj02").rows.to_dict("records")
    # Some 400 to 700 m away from where they were written, as GCJ-02 is.
    assert 3_000 < abs(row["lat_udeg"] - 25_526_799) + abs(row["lon_udeg"] - 114_809_933) < 12_000


def test_other_messages_are_counted_and_are_no_rows(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, frame(b"x", kind=0x1201) + GOLDEN_BYTES, "jt809")
    assert (found.rows_read, found.remarks) == (1, {"messages_of_other_kinds": 1})


GOLDEN_BYTES = bytes.fromhex(GOLDEN.decode())


def test_what_holds_no_frame_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, b"nothing of the kind\n", "jt809")
    assert refused.value.code == "dialect_not_met"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lat=st.integers(-89_999_999, 89_999_999),
    lon=st.integers(-179_999_999, 179_999_999),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001
    speed=st.integers(0, 200),
    mileage=st.integers(1, 2_000_000),
    number=st.from_regex(r"[A-Z][0-9A-Z]{5}", fullmatch=True),
)
def test_what_is_written_is_read_back(
    lat: int, lon: int, at: datetime, speed: int, mileage: int, number: str, tmp_path: Path
) -> None:
    status = FIXED | (lat < 0) << 2 | (lon < 0) << 3
    sent = location(
        at,
        lon_udeg=abs(lon),
        lat_udeg=abs(lat),
        speed_kmh=speed,
        mileage=mileage,
        status=status,
    )
    [row] = read_dialect(tmp_path, frame(sent, plate=f"京{number}"), "jt809").rows.to_dict(
        "records"
    )
    zone = timezone(timedelta(hours=8))
    assert row["time_ms"] == to_epoch_ms(at.replace(microsecond=0, tzinfo=zone))
    assert (row["lat_udeg"], row["lon_udeg"]) == (lat, lon)
    assert (row["speed_kmh"], row["odometer_km"]) == (speed, mileage)
    assert row["vehicle_id"] == f"京{number}"
