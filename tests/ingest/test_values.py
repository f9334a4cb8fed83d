"""Cells to values: every written form of a moment and of a number, and what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.ingest import values

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
# 2026-03-02 06:45:00 at +08:00; China keeps one civil time without summer time.
MORNING = datetime(2026, 3, 1, 22, 45, tzinfo=UTC)
MORNING_MS = int(MORNING.timestamp()) * 1000
MIDNIGHT_MS = MORNING_MS - (6 * 60 + 45) * 60_000


def moments(cells: list[Any], zone: ZoneInfo = SHANGHAI, form: str | None = None) -> values.Moments:
    return values.moments_of(pa.array(cells), zone, form)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-03-02T06:45:00+08:00",
        "2026-03-01T22:45:00Z",
        "2026-03-01 22:45:00+0000",
        "2026-03-01T22:45Z",
        "2026-03-01 22:45:00 UTC",
        "2026-03-02T04:45:00.000+06",
        "2026-03-02 06:45:00",
        "2026-03-02T06:45",
        "2026-03-02 06:45:00.000",
        "2026/03/02 06:45:00",
        "2026/3/2 6:45",
        "2026.03.02 06:45:00",
        "2026年3月2日 06:45:00",
        "20260302064500",
        "202603020645",
        "20260302064500000",
        "  2026-03-02 06:45:00 ",
        "２０２６-０３-０２ ０６:４５:００",
        str(MORNING_MS // 1000),
        str(MORNING_MS),
        str(MORNING_MS * 1000),
        str(MORNING_MS * 1_000_000),
        f"{MORNING_MS // 1000}.0",
        "46083.28125",  # days since 1899-12-30: 25569 + 20514 days, 6.75 / 24
    ],
)
def test_every_written_form_is_the_same_moment(cell: str) -> None:
    for cells in ([cell], [None, cell], [cell, "2026-03-02T06:45:00+08:00"], ["-", cell, cell]):
        found = moments(cells)
        filled = [one not in (None, "-") for one in cells]
        assert found.values_ms[filled].tolist() == [MORNING_MS] * sum(filled), cells
        assert found.missing.tolist() == [not one for one in filled]
        assert not found.bad.any()
        assert not found.day_only.any()


@pytest.mark.parametrize("cell", ["2026-03-02", "2026/03/02", "2026年3月2日", "20260302", "46083"])
def test_a_day_alone_is_its_local_midnight_and_marked(cell: str) -> None:
    found = moments([cell])
    assert found.values_ms.tolist() == [MIDNIGHT_MS]
    assert found.day_only.tolist() == [True]


@pytest.mark.parametrize(
    "cell",
    [
        "Date Not Captured",
        "2026-02-30 06:45:00",
        "2026-13-01T00:00:00Z",
        "2026-03-02T25:00:00",
        "2026-03-02T06:60:00",
        "20260230064500",
        "12345",
        "-5",
        "03/02/2026 06:45",
        "6:45",
        "99999999999999999999999",
    ],
)
def test_what_is_no_moment_is_bad_and_never_missing(cell: str) -> None:
    for cells in ([cell], ["2026-03-02T06:45:00+08:00", cell], ["2026-03-02 06:45:00", cell, None]):
        found = moments(cells)
        place = cells.index(cell)
        assert found.bad.tolist() == [one == cell for one in cells]
        assert not found.missing[place]
        assert found.values_ms[place] == 0


@pytest.mark.parametrize("cell", [None, "", " ", "-", "--", "NULL", "nan", "N/A", "\\N"])
def test_what_senders_write_for_nothing_is_missing(cell: str | None) -> None:
    found = moments([cell, "2026-03-02T06:45:00+08:00"])
    assert found.missing.tolist() == [True, False]
    assert not found.bad.any()


def test_the_fraction_is_cut_to_milliseconds_and_may_be_absent() -> None:
    # The stamps of a real recording: six digits, and none where the second is whole.
    cells = ["2022-03-07 06:07:02.996000+0000", "2022-03-07 06:11:21+0000"]
    cells += ["2022-03-07T06:07:02.9969999Z", "2022-03-07T06:07:02,5Z"]
    found = moments(cells)
    start = int(datetime(2022, 3, 7, 6, 7, 2, tzinfo=UTC).timestamp()) * 1000
    assert found.values_ms.tolist() == [start + 996, start + 259_000, start + 996, start + 500]


def test_days_of_a_spreadsheet_are_rounded_to_the_millisecond_that_was_meant() -> None:
    # 06:45:01 is 24301 / 86400 of a day, which no binary fraction hits.
    found = moments(["46083.28126157407"])
    assert found.values_ms.tolist() == [MORNING_MS + 1000]


def test_the_hour_that_happens_twice_is_the_first_and_the_skipped_one_moves_on() -> None:
    found = moments(["2026-11-01 01:30:00", "2026-03-08 02:30:00"], NEW_YORK)
    # Summer time (UTC-4) holds at the first 01:30; 02:30 counts on from UTC-5.
    expected = [datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)]
    assert found.values_ms.tolist() == [int(one.timestamp()) * 1000 for one in expected]


def test_a_pattern_of_the_profile_reads_other_forms_and_names_what_it_cannot() -> None:
    found = moments(["03/02/2026 06:45", "2026-03-02", None], form="%m/%d/%Y %H:%M")
    assert found.values_ms.tolist() == [MORNING_MS, 0, 0]
    assert found.bad.tolist() == [False, True, False]
    assert found.missing.tolist() == [False, False, True]


def test_native_timestamps_with_zone_are_taken_as_they_are_and_others_in_the_zone() -> None:
    aware = pa.array([MORNING, None], pa.timestamp("us", "America/New_York"))
    naive = pa.array([datetime(2026, 3, 2, 6, 45), None], pa.timestamp("ns"))  # noqa: DTZ001
    for column in (aware, naive, naive.cast(pa.timestamp("s"))):
        found = values.moments_of(column, SHANGHAI)
        assert found.values_ms.tolist() == [MORNING_MS, 0]
        assert found.missing.tolist() == [False, True]
    days = values.moments_of(pa.array([date(2026, 3, 2)]), SHANGHAI)
    assert days.values_ms.tolist() == [MIDNIGHT_MS]
    assert days.day_only.tolist() == [True]


@pytest.mark.filterwarnings("error")
def test_numbers_beyond_every_epoch_are_bad_and_nothing_is_said_beside_it() -> None:
    found = values.moments_of(pa.array([1e308, -1e300, 1e19, 1663248932000.0]), SHANGHAI)
    assert found.bad.tolist() == [True, True, True, False]
    assert found.values_ms.tolist() == [0, 0, 0, 1663248932000]


def test_native_numbers_are_epochs_by_magnitude() -> None:
    for column in (
        pa.array([MORNING_MS]),
        pa.array([MORNING_MS / 1000]),
        pa.array([MORNING_MS // 1000]),
    ):
        assert values.moments_of(column, SHANGHAI).values_ms.tolist() == [MORNING_MS]
    assert values.moments_of(pa.array([0]), SHANGHAI).values_ms.tolist() == [0]


@given(
    st.lists(
        st.integers(788_918_400_000_000, 2_208_988_800_000_000).map(  # 1995 to 2040
            lambda us: datetime.fromtimestamp(us // 10**6, UTC).replace(
                tzinfo=None, microsecond=us % 10**6
            )
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
@settings(max_examples=60, deadline=None)
def test_local_times_agree_with_the_standard_library(times: list[datetime], zone: str) -> None:
    where = ZoneInfo(zone)
    found = moments([time.isoformat(" ") for time in times], where)
    for time, found_ms in zip(times, found.values_ms.tolist(), strict=True):
        exact = time.replace(tzinfo=where).astimezone(UTC)
        whole = exact.replace(microsecond=exact.microsecond // 1000 * 1000)
        assert datetime.fromtimestamp(found_ms / 1000, UTC) == whole
    back = values.to_local_ms(found.values_ms, where)
    assert values.from_local_ms(back, where).tolist() == found.values_ms.tolist() or any(
        time.replace(tzinfo=where, fold=1).utcoffset() != time.replace(tzinfo=where).utcoffset()
        for time in times
    )


def test_days_are_those_of_the_zone() -> None:
    found = moments(["2026-03-01T16:00:00Z", "2026-03-01T15:59:59Z", None])
    assert values.days_of(found, SHANGHAI).to_pylist() == ["2026-03-02", "2026-03-01", None]


def test_numbers_with_a_point_are_read_in_any_file() -> None:
    cells = ["412.35", " 7 ", "+3", "-.5", "1e3", "12.", "１２", None, "-"]
    found = values.numbers_of(pa.array(cells))
    assert found.values[:7].tolist() == [412.35, 7, 3, -0.5, 1000, 12, 12]
    assert found.missing.tolist() == [False] * 7 + [True] * 2
    assert not found.bad.any()


def test_a_comma_is_a_decimal_point_only_where_it_cannot_separate() -> None:
    cells = pa.array(["412,35", "1.412,35", "1.234", "-0,5"])
    assert values.numbers_of(cells, decimal_comma=True).values.tolist() == [
        412.35, 1412.35, 1.234, -0.5,
    ]  # fmt: skip
    assert values.numbers_of(cells).bad.tolist() == [True, True, False, True]


@pytest.mark.parametrize("cell", ["abc", "inf", "0x10", "1_000", "1,2,3", "See ASN-93 (ID#:1281)"])
def test_what_is_no_finite_number_is_bad(cell: str) -> None:
    for cells in ([cell], ["1.5", cell], [None, cell, "2"]):
        for comma in (False, True):
            found = values.numbers_of(pa.array(cells), decimal_comma=comma)
            assert found.bad.tolist() == [one == cell for one in cells]
            assert np.isnan(found.values[cells.index(cell)])


def test_a_word_for_nothing_among_numbers_is_missing_in_text_of_any_origin() -> None:
    found = values.numbers_of(pa.array(["110.44", "nan", "NULL", "inf"]))
    assert found.missing.tolist() == [False, True, True, False]
    assert found.bad.tolist() == [False, False, False, True]


def test_native_infinity_is_bad_and_nan_is_missing() -> None:
    found = values.numbers_of(pa.array([1.5, float("inf"), float("nan"), None]))
    assert found.bad.tolist() == [False, True, False, False]
    assert found.missing.tolist() == [False, False, True, True]
    assert values.numbers_of(pa.array([True, None])).bad.tolist() == [True, False]
    assert values.numbers_of(pa.array([Decimal("7.42")])).values.tolist() == [7.42]


def test_identifiers_keep_their_writing_and_lose_only_the_decimals_of_a_spreadsheet() -> None:
    assert values.text_of(pa.array([" 007 ", "233.0", "-", None])).to_pylist() == [
        "007", "233.0", None, None,
    ]  # fmt: skip
    assert values.text_of(pa.array([233.0, 2.5, None])).to_pylist() == ["233", "2.5", None]
    assert values.text_of(pa.array([2**60, None])).to_pylist() == [str(2**60), None]


def test_a_word_that_is_no_choice_is_named_and_an_empty_cell_is_not() -> None:
    words, unknown = values.choices_of(pa.array(["LNG", "petrol", None]), {"lng": "lng"})
    assert words.to_pylist() == ["lng", None, None]
    assert unknown.tolist() == [False, True, False]


def test_identifiers_of_a_dictionary_are_trimmed_and_empty_ones_are_none() -> None:
    words = pa.array(["T1", " T1 ", "n/a", "never used"])
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None], pa.int8()), words)
    places, found = values.identifiers_of(column)
    assert [None if place < 0 else found[place] for place in places] == ["T1", "T1", None, None]


def test_identifiers_of_numbers_are_text_without_decimals() -> None:
    places, found = values.identifiers_of(pa.array([7.0, None, 7.0]))
    assert [None if place < 0 else found[place] for place in places] == ["7", None, "7"]
