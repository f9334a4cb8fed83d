"""JT/T 808: the published frame, both editions of the header, escapes, check byte, state."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import to_epoch_ms
from tests.ingest.dialects.frames808 import FIXED, frame, item, location
from tests.ingest.dialects.reading import read_dialect

GOLDEN = Path(__file__).parent / "golden"
PUBLISHED = (GOLDEN / "jt808_published.hex").read_bytes()
# 2021-09-22 16:37:58 +08:00, as the page that published the frame reads it.
PUBLISHED_MS = to_epoch_ms(datetime(2021, 9, 22, 8, 37, 58, tzinfo=UTC))
MORNING_MS = to_epoch_ms(datetime(2026, 3, 1, 22, 45, tzinfo=UTC))  # 06:45 in China

FORMS = {
    "hexadecimal": PUBLISHED,
    "binary": bytes.fromhex(PUBLISHED.decode()),
    "in a line of a log": b"2021-09-22 16:38:01 recv 0x" + PUBLISHED.replace(b" ", b"").lower(),
    "over several lines": PUBLISHED.replace(b"7E 02 00", b"7E 02\r\n00"),
    "published by a broker": (GOLDEN / "jt808_published.json").read_bytes(),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_published_frame_has_its_published_values(form: str, tmp_path: Path) -> None:
    found = read_dialect(tmp_path, FORMS[form], "jt808")
    [row] = found.rows.to_dict("records")
    assert row["vehicle_id"] == "002002604323"
    assert (row["lat_udeg"], row["lon_udeg"]) == (22_591_771, 113_995_873)
    assert (row["time_ms"], row["altitude_m"]) == (PUBLISHED_MS, 70.0)
    assert (row["speed_kmh"], row["heading_deg"]) == (0.0, 89.0)
    assert row["odometer_km"] == pytest.approx(0.1)
    assert found.rejections == []
    assert found.remarks == {}  # its two bits for the load are 00


def test_the_header_of_2019_has_twenty_digits(tmp_path: Path) -> None:
    phone = "00000000013900000001"
    found = read_dialect(tmp_path, frame(location(), phone=phone) + frame(location()), "jt808")
    assert found.rows["vehicle_id"].tolist() == [phone, "013900000001"]
    assert found.rows["time_ms"].tolist() == [MORNING_MS] * 2
    named = read_dialect(
        tmp_path, frame(location(), phone=phone), "jt808", columns={"vehicle_id": "phone"}
    )
    assert named.rows["vehicle_id"].tolist() == ["13900000001"]


def test_escaped_bytes_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    # 0x7D7E = 32,126 m/10 is no height, but 0x017D7E7D udeg = 25,001,597 is a latitude.
    found = read_dialect(tmp_path, frame(location(lat_udeg=0x017D7E7D)), "jt808")
    assert found.rows["lat_udeg"].tolist() == [25_001_597]


def test_south_and_west_are_bits_of_the_state(tmp_path: Path) -> None:
    body = frame(location(status=FIXED | 1 << 2 | 1 << 3))
    row = read_dialect(tmp_path, body, "jt808").rows.iloc[0]
    assert (row["lat_udeg"], row["lon_udeg"]) == (-30_572_815, -104_066_801)


def test_speed_odometer_and_tank_are_tenths(tmp_path: Path) -> None:
    items = item(0x01, struct.pack(">I", 1_234_567)) + item(0x02, struct.pack(">H", 3_105))
    row = read_dialect(tmp_path, frame(location(items=items)), "jt808").rows.iloc[0]
    assert row["speed_kmh"] == pytest.approx(60.5)
    assert row["odometer_km"] == pytest.approx(123_456.7)
    assert row["fuel_level_l"] == pytest.approx(310.5)


def test_a_counter_of_zero_is_none(tmp_path: Path) -> None:
    items = item(0x01, bytes(4)) + item(0x02, bytes(2))
    row = read_dialect(tmp_path, frame(location(items=items)), "jt808").rows
    assert row[["odometer_km", "fuel_level_l"]].isna().all(axis=None)


def test_bits_for_the_load_are_counted_and_serve_nothing(tmp_path: Path) -> None:
    loaded = location(status=FIXED | 3 << 8)
    assert read_dialect(tmp_path, frame(loaded), "jt808").remarks == {"load_bits_not_used": 1}


FAULTS = {
    "fix_not_valid": frame(location(status=0)),
    "coordinates_encrypted": frame(location(status=FIXED | 1 << 5)),
    "frame_check_wrong": frame(location())[:-2] + b"\x00\x7e",
    "frame_escape_wrong": b"\x7e" + bytes(20) + b"\x7d\x03" + bytes(9) + b"\x7e",
    "frame_length_wrong": frame(location()[:-1]),
    "frame_encrypted": frame(location(), flags=1 << 10),
    "frame_in_parts": frame(location(), flags=1 << 13, parts=b"\x00\x02\x00\x02"),
    "missing_value": frame(location(time="260230064500")),  # there is no 30 February
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_frame_that_cannot_be_used_is_named_beside_a_good_one(code: str, tmp_path: Path) -> None:
    found = read_dialect(tmp_path, FAULTS[code] + frame(location()), "jt808")
    assert [(one.line, one.code) for one in found.rejections] == [(1, code)]
    assert (found.rows["line"].tolist(), found.rows_read) == ([2], 2)


def test_a_frame_that_was_cut_off_costs_only_itself(tmp_path: Path) -> None:
    text = frame(location()).hex().encode()
    found = read_dialect(tmp_path, text[:60] + b"\n" + text + b"\nlogged out\n", "jt808")
    assert found.codes == [(1, "", "frame_check_wrong")]
    assert found.rows["line"].tolist() == [2]
    assert found.remarks == {"lines_without_frame": 1}


def test_locations_held_back_come_one_by_one(tmp_path: Path) -> None:
    held = [location(time="260302064500"), location(time="260302064530", items=item(1, bytes(4)))]
    body = struct.pack(">HB", 2, 1) + b"".join(struct.pack(">H", len(o)) + o for o in held)
    found = read_dialect(tmp_path, frame(body, kind=0x0704), "jt808")
    assert found.rows["time_ms"].tolist() == [MORNING_MS, MORNING_MS + 30_000]


def test_other_messages_are_counted_and_are_no_rows(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, frame(b"", kind=2) + frame(location()), "jt808")
    assert (found.rows_read, found.remarks) == (1, {"messages_of_other_kinds": 1})


def test_a_message_of_a_broker_without_numbers_is_named(tmp_path: Path) -> None:
    good = json.loads((GOLDEN / "jt808_published.json").read_text())
    bad = good | {"body": good["body"] | {"latitude": "N"}}
    no_time = good | {"body": good["body"] | {"time": "yesterday"}}
    beat = {"header": {"msg_id": 2, "phone": "1"}}
    lines = "\n".join(map(json.dumps, [good, bad, no_time, beat])).encode()
    found = read_dialect(tmp_path, lines, "jt808")
    assert [(one.line, one.code) for one in found.rejections] == [
        (2, "json_unreadable"),
        (3, "missing_value"),
    ]
    assert found.remarks == {"messages_of_other_kinds": 1}


def test_another_zone_is_said_by_the_profile(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, frame(location()), "jt808", time_zone="UTC")
    assert found.rows["time_ms"].tolist() == [MORNING_MS + 8 * 3_600_000]


def test_what_holds_no_frame_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, b"nothing of the kind\n", "jt808")
    assert refused.value.code == "dialect_not_met"


CHINA = timezone(timedelta(hours=8))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    fixes=st.lists(
        st.tuples(
            st.integers(-89_999_999, 89_999_999),
            st.integers(-179_999_999, 179_999_999),
            MOMENTS,
            st.integers(0, 2_000),
            st.integers(1, 0xFFFFFFFF),
        ),
        min_size=1,
        max_size=8,
    ),
    phone=st.from_regex(r"[0-9]{12}|[0-9]{20}", fullmatch=True),
    is_hex=st.booleans(),
)
def test_what_is_written_is_read_back(
    fixes: list[tuple[int, int, datetime, int, int]], phone: str, is_hex: bool, tmp_path: Path
) -> None:
    frames = [
        frame(
            location(
                lat_udeg=abs(lat),
                lon_udeg=abs(lon),
                status=FIXED | (lat < 0) << 2 | (lon < 0) << 3,
                time=f"{at:%y%m%d%H%M%S}",
                speed=speed,
                items=item(1, struct.pack(">I", odometer)),
            ),
            phone=phone,
        )
        for lat, lon, at, speed, odometer in fixes
    ]
    sent = b"\n".join(one.hex().encode() for one in frames) if is_hex else b"".join(frames)
    rows = read_dialect(tmp_path, sent, "jt808").rows
    assert set(rows["vehicle_id"]) == {phone}
    assert rows["lat_udeg"].tolist() == [one[0] for one in fixes]
    assert rows["lon_udeg"].tolist() == [one[1] for one in fixes]
    times = [to_epoch_ms(one[2].replace(microsecond=0, tzinfo=CHINA)) for one in fixes]
    assert rows["time_ms"].tolist() == times
    assert rows["speed_kmh"].tolist() == [pytest.approx(one[3] / 10) for one in fixes]
    assert rows["odometer_km"].tolist() == [pytest.approx(one[4] / 10) for one in fixes]
