"""Columns that are joined and rows that are left out, as a profile says."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from fleet_carbon.errors import InputRefused
from tests.ingest.reading import ORDER, ORDERS_HEADER, profile, read, write

FILTERED: list[tuple[dict[str, Any], list[str]]] = [
    ({"keep": {"state": ["done"]}}, ["O1", "O3"]),
    ({"keep": {"state": "DONE"}}, ["O1", "O3"]),
    ({"skip": {"state": ["done"]}}, ["O2", "O4"]),
    ({"skip": {"state": [""]}}, ["O1", "O2", "O3"]),
    ({"keep": {"state": ["o*"]}}, ["O2"]),
    ({"keep": {"state": ["done"]}, "skip": {"order_id": ["O3"]}}, ["O1"]),
    ({"keep": {"state": [None]}}, ["O4"]),
]


@pytest.mark.parametrize(("filters", "kept"), FILTERED)
def test_a_filter_keeps_and_skips_by_the_words_of_a_column(
    filters: dict[str, Any], kept: list[str], tmp_path: Path
) -> None:
    states = ["done", "open", "Done ", ""]
    rows = [f"{ORDER.replace('O1', f'O{n}')},{state}" for n, state in enumerate(states, 1)]
    path = write(tmp_path, [f"{ORDERS_HEADER},state", *rows])
    found = read(path, "orders", profile(filters=filters))
    assert found.rows["order_id"].tolist() == kept
    assert found.batches[0].remarks == {"rows_left_out_by_filters": 4 - len(kept)}
    assert found.rows_read == len(kept)
    assert "state" not in (found.batches[0].columns.ignored if "state" in str(filters) else ())


def test_rows_keep_their_lines_when_others_are_left_out(tmp_path: Path) -> None:
    rows = [f"{ORDER},no", f"{ORDER.replace(',30,', ',x,')},yes"]
    path = write(tmp_path, [f"{ORDERS_HEADER},state", *rows])
    found = read(path, "orders", profile(filters={"keep": {"state": ["yes"]}}))
    assert found.codes == [(3, "cargo_t", "not_a_number")]


def test_numbers_and_truths_of_yaml_are_words_of_a_filter() -> None:
    source = profile(filters={"skip": {"Product": [89, True]}})
    assert source.filters[0].words == ("89", "true")


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"filters": ["state"]}, "filters"),
        ({"filters": {"only": {"state": ["x"]}}}, "filters"),
        ({"filters": {"keep": ["state"]}}, "filters.keep"),
        ({"filters": {"keep": {"state": {"a": 1}}}}, "filters.keep.state"),
        ({"joins": {"time": []}}, "joins.time"),
        ({"joins": "time"}, "joins"),
    ],
)
def test_a_filter_or_join_that_is_none_is_refused(document: dict[str, Any], key: str) -> None:
    with pytest.raises(InputRefused) as refused:
        profile(**document)
    assert refused.value.details["key"] == key


@pytest.mark.parametrize(
    "document",
    [{"filters": {"keep": {"stat": ["x"]}}}, {"joins": {"pickup_time": ["pickup_time", "clok"]}}],
)
def test_a_column_that_is_not_there_is_named(document: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read(write(tmp_path, [ORDERS_HEADER, ORDER]), "orders", profile(**document))
    assert refused.value.code == "column_missing"


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("2024-03-02", "06:45"),
        ("45353", "0.28125"),  # days since 1899-12-30, and 6.75 h of 24
        ("45353.0", "0.28125"),
        ("2024-03-02 00:00:00", "06:45:00"),
        ("2024/03/02", "06:45:00"),
        ("2024-03-02", "1899-12-31 06:45:00"),
        ("2024-03-02 06:45", ""),
    ],
)
def test_day_and_clock_apart_are_one_moment(day: str, clock: str, tmp_path: Path) -> None:
    lines = ["vehicle_id,quantity,Day,Clock", f"T1,9,{day},{clock}"]
    found = read(write(tmp_path, lines), "energy", profile(joins={"time": ["Day", "Clock"]}))
    assert found.codes == []
    assert found.rows["bought_at"].iloc[0].isoformat() == "2024-03-01T22:45:00+00:00"


def test_a_joined_cell_that_cannot_be_read_is_named_by_its_parts(tmp_path: Path) -> None:
    lines = ["vehicle_id,quantity,Day,Clock", "T1,9,Monday,06:45"]
    found = read(write(tmp_path, lines), "energy", profile(joins={"time": ["Day", "Clock"]}))
    assert found.codes == [(2, "Day + Clock", "time_unreadable")]


def test_a_workbook_keeps_day_and_clock_as_its_own_types(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "f.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["vehicle_id", "quantity", "Day", "Clock"])
        sheet.write_row(1, 0, ["T1", 9])
        sheet.write_datetime(1, 2, date(2024, 3, 2), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_datetime(1, 3, time(6, 45), book.add_format({"num_format": "hh:mm"}))
    source = profile(joins={"time": ["Day", "Clock"]})
    found = read(tmp_path / "f.xlsx", "energy", source)
    assert found.rows["bought_at"].iloc[0].isoformat() == "2024-03-01T22:45:00+00:00"
