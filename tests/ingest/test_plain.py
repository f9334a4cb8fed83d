"""Bodies read by columns say what the general readers say of them, or leave it to those."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.ingest import bodies, intake, plain, scanning
from fleet_carbon.ingest.eights import with_room
from fleet_carbon.ingest.plain import PlainFixes
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.words import WordBook

TIME = "2026-09-01T08:00:00Z"
FIX = {"vehicle_id": "V1", "time": TIME, "lon": 116.5, "lat": 39.5}
# 2026-09-01 is 20,697 days after 1970-01-01: 56 years of 365 days, 14 leap days, 243 days.
TIME_MS = ((56 * 365 + 14 + 243) * 24 + 8) * 3_600_000


def read(content: bytes, book: WordBook | None = None) -> PlainFixes | None:
    """A JSON body read by columns."""
    return plain.plain_json(content, book or WordBook())


def of(*rows: dict[str, Any]) -> PlainFixes | None:
    """A JSON body of rows."""
    return read(json.dumps(rows).encode())


def csv_of(*rows: dict[str, Any]) -> bytes:
    """The rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_a_fix_is_read_with_all_it_has() -> None:
    found = of(FIX | {"speed_kmh": 61.25, "driver_id": "D7", "colour": "red"})
    assert found is not None
    assert found.time_ms.tolist() == [TIME_MS]
    assert (found.lon_udeg.tolist(), found.lat_udeg.tolist()) == ([116_500_000], [39_500_000])
    assert found.signals["speed_kmh"].tolist() == [61.25]
    assert [found.book.words[number] for number in found.vehicles] == ["V1"]
    assert found.drivers is not None
    assert [found.book.words[number] for number in found.drivers] == ["D7"]
    assert found.columns_ignored == ("colour",)


@pytest.mark.parametrize(
    "odd",
    [
        {"lat": 91.0},
        {"lon": None},
        {"lon": "116.5"},
        {"speed_kmh": -1},
        {"heading_deg": 361},
        {"time": "2026-09-01T08:00:00"},
        {"time": "2026-09-01"},
        {"time": "2026-02-29T08:00:00Z"},
        {"time": "2026-09-01T24:00:00Z"},
        {"time": "2026-09-01T08:00:60Z"},
        {"time": "2026-09-01T08:00:00.1234567Z"},
        {"time": "2026-09-01T08:00:00+25:00"},
        {"time": "2026-09-01T08:00:00+08:00x"},
        {"time": 45_000},
        {"time": None},
        {"vehicle_id": None},
        {"vehicle_id": 7},
        {"place": {"lon": 1}},
        {"coordinates": "116.5,39.5"},
        {"Lon": 116.5},
    ],
)
def test_what_is_to_be_asked_about_is_left_to_the_general_readers(odd: dict[str, Any]) -> None:
    assert of(FIX, FIX | odd) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"[{}]",
        b'[{"vehicle_id":"V1"',
        b'[{"vehicle_id":"V1","time":"%s","lon":1,"lat":2}' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":1,"lat":2},]' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":1,"lat":2,}]' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":1,"lat":2}]x' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":01,"lat":2}]' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":1.,"lat":2}]' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":.5,"lat":2}]' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":-,"lat":2}]' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":1e1,"lat":2}]' % TIME.encode(),
        b'[{"vehicle_id":"V\xff","time":"%s","lon":1,"lat":2}]' % TIME.encode(),
        b'[{"vehicle_id":"V1","time":"%s","lon":1,"lat":2,"lat":3}]' % TIME.encode(),
        b'[{"vehicle_id" "V1","time":"%s","lon":1,"lat":2}]' % TIME.encode(),
    ],
)
def test_what_is_broken_is_left_to_the_general_readers(text: bytes) -> None:
    assert read(text) is None


def test_members_may_be_missing_and_white_space_may_stand_between() -> None:
    text = json.dumps([FIX | {"speed_kmh": 5, "accuracy_m": 3}, FIX | {"accuracy_m": 4}], indent=2)
    found = read(text.encode() + b"\r\n")
    assert found is not None
    np.testing.assert_equal(found.signals["speed_kmh"], [5.0, np.nan])
    np.testing.assert_equal(found.signals["accuracy_m"], [3.0, 4.0])


ESCAPED = [("\\u6caaA", "沪A"), ("V\\/1", "V/1"), ("V\\\\1", "V\\1"), ("V\\u00411", "VA1")]


@pytest.mark.parametrize(("spelled", "name"), ESCAPED)
def test_a_name_with_escapes_is_the_name_that_it_spells(spelled: str, name: str) -> None:
    book = WordBook()
    for _ in range(2):  # the second time it is known
        found = read(json.dumps([FIX]).replace("V1", spelled).encode(), book)
        assert found is not None
        assert [book.words[number] for number in found.vehicles] == [name]
    plain_name = book.numbers([name]).tolist()
    assert plain_name == [0]
    assert plain.plain_csv(csv_of(FIX | {"vehicle_id": spelled}), book) is None


@pytest.mark.parametrize("spelled", ["\\x41", "\\u00", "\\ud83d\\ude00", "\\ud83d", "a\tb", "\\"])
def test_what_is_no_escape_or_half_a_pair_is_left_to_the_general_readers(spelled: str) -> None:
    text = json.dumps([FIX]).replace("V1", spelled).encode()
    book = WordBook()
    book.numbers([spelled])
    assert read(text, book) is None


def test_a_book_gives_the_same_name_the_same_number_in_every_body() -> None:
    book = WordBook()
    names = [f"沪A·{number}" for number in range(3_000)]  # more than a new book has room for
    first, again = (
        read(json.dumps([FIX | {"vehicle_id": name} for name in some]).encode(), book)
        for some in (names, names[::-1])
    )
    assert first is not None
    assert again is not None
    assert first.vehicles.tolist() == again.vehicles.tolist()[::-1] == list(range(3_000))
    assert book.words == names
    assert book.numbers([names[7], "new"]).tolist() == [7, 3_000]


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2109, 1, 1))  # noqa: DTZ001  # civil
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(MOMENTS, OFFSETS, st.sampled_from(["T", " "]))
def test_moments_are_those_of_the_calendar(moment: datetime, zone: timezone, between: str) -> None:
    aware = moment.replace(tzinfo=zone)
    given = aware.isoformat(between).encode()
    since = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    expected = since if since >= 0 else scanning.NOT_PLAIN
    last = np.zeros(3, dtype=np.uint64)
    for _ in range(2):  # the second time its minute is the one that was read last
        assert scanning.moment_ms(with_room(given), 0, len(given), last) == expected


@given(st.integers(0, 20), st.data())
def test_what_ends_early_ends_the_scan(rows: int, data: st.DataObject) -> None:
    whole = json.dumps([FIX | {"vehicle_id": "A" * number} for number in range(1, rows + 2)])
    stop = data.draw(st.integers(0, len(whole) - 1))
    assert read(whole[:stop].encode()) is None


@pytest.mark.parametrize("place", range(24))
def test_a_byte_0_is_no_end_of_a_text_or_cell(place: int) -> None:
    cells = "vehicle_id,time,lon,lat\n", "沪A123,2025-03-01T00:00:00Z,121.5,31.2\n"
    held = "".join(cells).encode()
    at = len(cells[0]) + place
    assert plain.plain_csv(held, WordBook()) is not None
    assert plain.plain_csv(held[:at] + b"\0" + held[at:], WordBook()) is None
    assert plain.plain_csv(held[:at] + b"\0" + held[at + 1 :], WordBook()) is None


@given(st.integers(0, 10**18 - 1), st.integers(0, 18))
def test_decimals_are_rounded_to_the_nearest_double(numerator: int, power: int) -> None:
    # Python divides fractions as the standard says: correctly rounded.
    assert scanning.quotient(numerator, power) == float(Fraction(numerator, 10**power))


@pytest.mark.parametrize("numerator", [2**53 + 1, 2**54 + 2, 2**54 + 6, 9_007_199_254_740_993])
def test_a_tie_goes_to_the_even_neighbour(numerator: int) -> None:
    assert scanning.quotient(numerator, 0) == float(numerator)


NUMBERS = st.one_of(
    st.none(),
    st.integers(0, 500),
    st.floats(0, 500).map(lambda value: round(value, 3)),
    st.floats(0, 500).filter(lambda value: "e" not in repr(value)),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from(["V1", "V2", "沪A12345", "-", " V1", "null"]),
            "time": st.one_of(
                MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC).isoformat()),
                st.sampled_from(["2026-09-01 08:00+0800", "2026-09-01T08:00:00.5-03", "x"]),
            ),
            "lon": st.floats(-181, 181).filter(lambda value: "e" not in repr(value)),
            "lat": st.floats(-91, 91).map(lambda value: round(value, 6)),
        },
        optional={"speed_kmh": NUMBERS, "heading_deg": NUMBERS, "gross_mass_t": NUMBERS},
    ),
    min_size=1,
    max_size=4,
)
READERS: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (plain.plain_json, bodies.table_of_json),
    (plain.plain_lines, bodies.table_of_lines),
]


@given(ROWS)
def test_what_is_read_by_columns_is_what_the_rules_read(rows: list[dict[str, Any]]) -> None:
    texts = [
        json.dumps(rows, ensure_ascii=False).encode(),
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(),
    ]
    for (by_columns, by_rules), text in zip(READERS, texts, strict=True):
        found = by_columns(text, WordBook())
        if found is not None:
            assert_same(found, by_rules(text))


def assert_same(found: PlainFixes, table: Any) -> None:
    """The fixes are those of the rules, which refuse and remark nothing of known trucks."""
    batch = intake.check_positions_table(table, SourceProfile(), file="body")
    named = [found.book.words[number] for number in found.vehicles]
    if any(name != name.strip() or name in ("-", "null") for name in named):
        return  # no truck on record has such a name, so the rules are asked after all
    assert not batch.rejections
    assert not batch.remarks
    assert named == batch.rows["vehicle_id"].tolist()
    for name in ("time_ms", "lon_udeg", "lat_udeg"):
        np.testing.assert_array_equal(getattr(found, name), batch.rows[name].to_numpy())
    for name, values in found.signals.items():
        np.testing.assert_array_equal(values, batch.rows[name].to_numpy(dtype=np.float64))


def test_cells_are_read_as_objects_are() -> None:
    rows = [FIX | {"speed_kmh": 61.5, "note": "a b"}, FIX | {"speed_kmh": "", "note": ""}]
    found = plain.plain_csv(csv_of(*rows), WordBook())
    assert found is not None
    assert found.time_ms.tolist() == [TIME_MS] * 2
    np.testing.assert_equal(found.signals["speed_kmh"], [61.5, np.nan])
    assert found.columns_ignored == ("note",)


@pytest.mark.parametrize(
    "text",
    [
        "vehicle_id,time,lon,lat\n",
        "vehicle_id,time,lon,lat",
        f"vehicle_id,time,lon,lat\nV1,{TIME},1\n",
        f"vehicle_id,time,lon,lat\nV1,{TIME},1,2,3\n",
        f"vehicle_id,time,lon,lat\nV1,{TIME},1,2\n\nV1,{TIME},1,2\n",
        f'vehicle_id,time,lon,lat\n"V1",{TIME},1,2\n',
        f"vehicle_id,time,lon,lat\r\nV1,{TIME},1,2\r\n",
        f"vehicle_id;time;lon;lat\nV1;{TIME};1;2\n",
        f"vehicle_id,time,lon,lat\nV1,{TIME},,2\n",
        f"vehicle_id,time,lon,lat\nV1,{TIME},1 ,2\n",
    ],
)
def test_cells_of_another_form_are_left_to_the_general_readers(text: str) -> None:
    assert plain.plain_csv(text.encode(), WordBook()) is None


def columns(**more: Any) -> pa.Table:
    """Two fixes as a table of Arrow."""
    moment = pa.timestamp("ms", "UTC")
    held = {
        "vehicle_id": pa.array(["V1", "V2"]).dictionary_encode(),
        "time": pa.array([TIME_MS, TIME_MS + 1], moment),
        "lon": [116.5, 116.6],
        "lat": [39.5, 39.6],
    }
    return pa.table(held | more)


def test_a_table_of_arrow_is_read_as_objects_are() -> None:
    found = plain.plain_table(columns(), WordBook())
    assert found is not None
    assert found.time_ms.tolist() == [TIME_MS, TIME_MS + 1]
    assert found.lon_udeg.tolist() == [116_500_000, 116_600_000]
    assert [found.book.words[number] for number in found.vehicles] == ["V1", "V2"]


@pytest.mark.parametrize(
    "odd",
    [
        {"vehicle_id": ["V1", None]},
        {"time": pa.array([TIME_MS, TIME_MS], pa.timestamp("ms"))},
        {"time": pa.array([TIME_MS, None], pa.timestamp("ms", "UTC"))},
        {"time": ["2026-09-01", "2026-09-01"]},
        {"lon": [116.5, math.inf]},
        {"lon": [116.5, None]},
        {"lat": ["39.5", "39.5"]},
        {"speed_kmh": [5.0, -1.0]},
        {"speed_kmh": [5.0, math.inf]},
        {"speed_kmh": [None, math.inf]},
        {"speed_kmh": pa.array([None, math.inf], pa.float32())},
        {"heading_deg": [True, False]},
    ],
)
def test_columns_to_be_asked_about_are_left_to_the_general_readers(odd: dict[str, Any]) -> None:
    assert plain.plain_table(columns(**odd), WordBook()) is None


def test_parquet_and_arrow_give_the_same_fixes() -> None:
    sink = io.BytesIO()
    pa_parquet.write_table(columns(speed_kmh=[5.0, None]), sink)
    table = bodies.table_of_parquet(sink.getvalue())
    assert isinstance(table, bodies.ColumnsTable)
    found = plain.plain_table(table.held, WordBook())
    assert found is not None
    assert_same(found, table)
    np.testing.assert_equal(found.signals["speed_kmh"], [5.0, np.nan])
