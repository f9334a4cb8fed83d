"""NMEA and GPX: knots and metres per second, sides, days of two digits, and whose track it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import to_epoch_ms
from tests.ingest.dialects.reading import read_dialect

GOLDEN = Path(__file__).parent / "golden"
T1 = {"vehicle_id": "T1"}


def sentence(text: str) -> bytes:
    """A sentence with its check."""
    return f"${text}*{reduce(xor, text.encode()):02X}\r\n".encode()


def rmc(clock: str = "064500", state: str = "A", day: str = "020326") -> bytes:
    return sentence(f"GNRMC,{clock},{state},3034.3689,N,10404.0081,E,32.7,089.0,{day},,,A")


def test_the_documented_sentence_is_read(tmp_path: Path) -> None:
    content = (GOLDEN / "nmea_rmc.log").read_bytes()
    [row] = read_dialect(tmp_path, content, "nmea", constants=T1).rows.to_dict("records")
    # 49 + 16.45/60 N, 123 + 11.12/60 W; 0.5 knots = 0.926 km/h; 19 November 1994.
    assert (row["lat_udeg"], row["lon_udeg"]) == (49_274_167, -123_185_333)
    assert row["speed_kmh"] == pytest.approx(0.926)
    assert row["heading_deg"] == pytest.approx(54.7)
    assert row["time_ms"] == to_epoch_ms(datetime(1994, 11, 19, 22, 54, 46, tzinfo=UTC))


def test_a_log_around_the_sentences_does_no_harm(tmp_path: Path) -> None:
    gga = sentence("GNGGA,064500,3034.3689,N,10404.0081,E,1,08,0.9,500.0,M,,M,,")
    content = b"# begin\n" + gga + b"12:00 " + rmc() + rmc(state="V") + rmc()[:-4] + b"00\n"
    found = read_dialect(tmp_path, content, "nmea", constants=T1)
    assert found.rows["line"].tolist() == [3]
    assert found.codes == [(4, "", "fix_not_valid"), (5, "", "sentence_check_wrong")]
    assert found.remarks == {"sentences_of_other_kinds": 1}


def test_a_sentence_that_was_cut_off_is_named(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, b"$GPRMC,0645\n" + rmc(), "nmea", constants=T1)
    assert found.codes == [(1, "", "sentence_cut_off")]


def test_a_sentence_without_a_day_is_no_fix(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, rmc(day="") + rmc(day="310226"), "nmea", constants=T1)
    assert [code for _, _, code in found.codes] == ["missing_value", "time_unreadable"]


@pytest.mark.parametrize("name", ["nmea", "gpx"])
def test_a_track_without_a_truck_is_refused_and_told_what_to_say(name: str, tmp_path: Path) -> None:
    content = rmc() if name == "nmea" else (GOLDEN / "gpx_track.gpx").read_bytes()
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, content, name)
    assert refused.value.code == "vehicle_not_named"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lat_100k=st.integers(-89 * 60 * 100_000, 89 * 60 * 100_000),
    lon_100k=st.integers(-179 * 60 * 100_000, 179 * 60 * 100_000),
    after_s=st.integers(0, 10**9),
)
def test_what_is_written_is_read_back(
    lat_100k: int, lon_100k: int, after_s: int, tmp_path: Path
) -> None:
    at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=after_s)

    def side(hundred_thousandths: int, digits: int, letters: str) -> str:
        degrees, rest = divmod(abs(hundred_thousandths), 60 * 100_000)
        minutes = f"{rest // 100_000:02d}.{rest % 100_000:05d}"
        return f"{degrees:0{digits}d}{minutes},{letters[hundred_thousandths < 0]}"

    place = f"{side(lat_100k, 2, 'NS')},{side(lon_100k, 3, 'EW')}"
    sent = sentence(f"GPRMC,{at:%H%M%S},A,{place},0.0,0.0,{at:%d%m%y},,")
    [row] = read_dialect(tmp_path, sent, "nmea", constants=T1).rows.to_dict("records")
    assert row["time_ms"] == to_epoch_ms(at)
    assert row["lat_udeg"] == pytest.approx(lat_100k / 6, abs=0.6)
    assert row["lon_udeg"] == pytest.approx(lon_100k / 6, abs=0.6)


def test_points_of_a_track_are_read_and_an_unknown_speed_stays_unknown(tmp_path: Path) -> None:
    content = (GOLDEN / "gpx_track.gpx").read_bytes()
    found = read_dialect(tmp_path, content, "gpx", constants=T1)
    first, second = found.rows.to_dict("records")
    assert (first["lat_udeg"], first["lon_udeg"]) == (47_600_000, -122_330_000)
    assert first["speed_kmh"] == pytest.approx(29.16)  # 8.1 m/s
    assert first["altitude_m"] == 32.5
    assert first["time_ms"] == to_epoch_ms(datetime(2021, 9, 13, 6, 0, 1, tzinfo=UTC))
    assert second["time_ms"] - first["time_ms"] == 3_600_500
    assert second["speed_kmh"] != second["speed_kmh"]  # NaN: -1 was sent
    assert found.remarks == {"speed_kmh_not_known_to_device": 1}
    assert found.rows["line"].tolist() == [5, 7]  # where the points begin in the file


BOMB = b"""<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;">]>
<gpx><trk><trkseg><trkpt lat="1" lon="2"><time>&b;</time></trkpt></trkseg></trk></gpx>"""


def test_a_document_that_unfolds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, BOMB, "gpx", constants=T1)
    assert refused.value.code == "xml_document_type"


def test_what_is_no_gpx_is_refused_as_a_whole(tmp_path: Path) -> None:
    for content in (b"<kml/>", b"<gpx", b"text"):
        with pytest.raises(InputRefused) as refused:
            read_dialect(tmp_path, content, "gpx", constants=T1)
        assert refused.value.code == "dialect_not_met"
