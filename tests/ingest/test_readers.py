"""Parquet, workbooks and JSON lines: native values, row numbers, nested members."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import to_epoch_ms
from tests.ingest.reading import profile, read

MORNING = datetime(2026, 3, 1, 22, 45, tzinfo=UTC)  # 06:45 in Shanghai
MORNING_MS = to_epoch_ms(MORNING)


def parquet(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    path = folder / "f.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def jsonl(folder: Path, lines: list[Any]) -> Path:
    path = folder / "f.jsonl"
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def workbook(folder: Path, rows: list[list[Any]], sheet: str = "Sheet1") -> Path:
    path = folder / "f.xlsx"
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm"})
    page = book.add_worksheet(sheet)
    for number, row in enumerate(rows):
        page.write_row(number, 0, row)
    book.close()
    return path


@pytest.mark.parametrize("kind", ["us", "ms", "ns"])
def test_parquet_times_with_zone_are_taken_as_they_are(kind: str, tmp_path: Path) -> None:
    times = pa.array([MORNING, None], pa.timestamp(kind, "America/New_York"))
    path = parquet(
        tmp_path, {"vehicle_id": ["a", "b"], "time": times, "lon": [1.0, 2], "lat": [3.0, 4]}
    )
    found = read(path, "positions")
    assert found.rows["time_ms"].tolist() == [MORNING_MS]
    assert found.codes == [(2, "time", "missing_value")]


def test_parquet_times_without_zone_are_in_the_zone_of_the_profile(tmp_path: Path) -> None:
    times = pa.array([datetime(2026, 3, 2, 6, 45)], pa.timestamp("us"))  # noqa: DTZ001
    path = parquet(tmp_path, {"vehicle_id": ["a"], "time": times, "lon": [1.0], "lat": [3.0]})
    assert read(path, "positions").rows["time_ms"].tolist() == [MORNING_MS]
    utc = read(path, "positions", profile(time_zone="UTC")).rows["time_ms"]
    assert utc.tolist() == [MORNING_MS + 8 * 3_600_000]


def test_parquet_identifiers_may_be_numbers_or_dictionaries(tmp_path: Path) -> None:
    for ids in (
        pa.array([7, 8]),
        pa.array([7.0, 8.0]),
        pa.array(["7", "8"]),
        pa.array(["7", "8"]).dictionary_encode(),
        pa.array(["7", "8"], pa.large_string()),
    ):
        path = parquet(tmp_path, {"driver_id": ids})
        assert read(path, "drivers").rows["driver_id"].tolist() == ["7", "8"]


def test_parquet_rows_are_numbered_from_one_through_all_row_groups(tmp_path: Path) -> None:
    ids = ["a", None, "c", "d", None]
    path = parquet(tmp_path, {"driver_id": ids, "name": list("vwxyz")}, row_group_size=2)
    found = read(path, "drivers", chunk_rows=2)
    assert found.rows["line"].tolist() == [1, 3, 4]
    assert [line for line, _, _ in found.codes] == [2, 5]
    assert found.rows_read == 5


def test_parquet_members_of_a_structure_are_reached_by_dots(tmp_path: Path) -> None:
    where = pa.array([{"latitude": 35.48, "longitude": 110.44}])
    path = parquet(tmp_path, {"vin": ["a"], "at": [MORNING_MS], "gnssPosition": where})
    source = profile(
        columns={
            "vehicle_id": "vin",
            "time": "at",
            "lon": "gnssPosition.longitude",
            "lat": "gnssPosition.latitude",
        }
    )
    assert read(path, "positions", source).rows["lon_udeg"].tolist() == [110_440_000]


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"driver_id": ["a"] * 1000})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputRefused) as refused:
        read(path, "drivers")
    assert refused.value.code == "file_unreadable"


def test_a_parquet_file_without_rows_is_empty_and_not_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"driver_id": pa.array([], pa.string())})
    assert read(path, "drivers").rows_read == 0


def test_workbook_cells_are_dates_numbers_and_text(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["vehicle_id", "time", "quantity", "receipt_id"],
        [233, datetime(2026, 3, 2, 6, 45), 412.35, 1001],  # noqa: DTZ001
        ["T1", 46083.28125, "412.35", "R-2"],  # the same moment as days since 1899-12-30
        ["T1", "2026-03-02 06:45", "-", ""],
    ]
    found = read(workbook(tmp_path, rows), "energy")
    assert found.rows["vehicle_id"].tolist() == ["233", "T1"]
    assert found.rows["bought_at"].tolist() == [pd.Timestamp(MORNING)] * 2
    assert found.rows["quantity"].tolist() == [412.35, 412.35]
    assert found.rows["receipt_id"].tolist() == ["1001", "R-2"]
    assert found.codes == [(4, "quantity", "missing_value")]


def test_workbook_rows_are_those_of_the_sheet_and_empty_ones_do_not_count(tmp_path: Path) -> None:
    rows: list[list[Any]] = [[], ["driver_id", "name"], ["D1", "a"], [], [None, "b"], ["", ""]]
    found = read(workbook(tmp_path, rows), "drivers")
    assert found.rows["line"].tolist() == [3]
    assert found.codes == [(5, "driver_id", "missing_value")]
    assert found.rows_read == 2


def test_a_sheet_can_be_named_and_a_wrong_name_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["driver_id"], ["D1"]], sheet="司机")
    assert read(path, "drivers", profile(sheet="司机")).rows["driver_id"].tolist() == ["D1"]
    with pytest.raises(InputRefused) as refused:
        read(path, "drivers", profile(sheet="Drivers"))
    assert refused.value.code == "sheet_missing"
    assert "司机" in refused.value.hint


def test_workbook_days_are_days(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["driver_id", "joined_on"], ["D1", date(2026, 3, 2)]])
    assert read(path, "drivers").rows["joined_on"].tolist() == ["2026-03-02"]


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["driver_id"], ["D1"]])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputRefused) as refused:
        read(path, "drivers")
    assert refused.value.code == "file_unreadable"


def test_json_lines_are_objects_and_their_lines_are_true(tmp_path: Path) -> None:
    lines = [
        {"driver_id": "D1", "name": "张"},
        "",
        {"driver_id": 2},
        "no json",
        [1, 2],
        {"driver_id": None, "name": "x"},
        {"driver_id": "D7", "name": None, "joined_on": "2026-03-02"},
    ]
    for chunk_rows in (100, 2, 1):
        found = read(jsonl(tmp_path, lines), "drivers", chunk_rows=chunk_rows)
        assert found.rows["driver_id"].tolist() == ["D1", "2", "D7"]
        assert found.rows["line"].tolist() == [1, 3, 7]
        assert found.codes == [
            (4, "", "json_unreadable"),
            (5, "", "json_unreadable"),
            (6, "driver_id", "missing_value"),
        ]
        assert found.rows_read == 6


def test_nested_json_of_a_tracking_server_is_mapped_by_dots(tmp_path: Path) -> None:
    # Layout and values as published in a forum of that server: epoch ms, knots, metres.
    message = {
        "position": {
            "fixTime": 1663248932000,
            "latitude": 57.71727,
            "longitude": 11.921161,
            "speed": 29.4,
            "attributes": {"odometer": 101944000, "fuelUsed": 224.472},
        },
        "device": {"uniqueId": "860000000000007"},
    }
    source = profile(
        columns={
            "vehicle_id": "device.uniqueId",
            "time": "position.fixTime",
            "lon": "position.longitude",
            "lat": "position.latitude",
            "speed_kmh": "position.speed",
            "odometer_km": "position.attributes.odometer",
            "fuel_used_l": "position.attributes.fuelUsed",
        },
        units={"speed": "knots", "odometer": "m"},
    )
    row = read(jsonl(tmp_path, [message]), "positions", source).rows.iloc[0]
    assert row["vehicle_id"] == "860000000000007"
    assert row["time_ms"] == to_epoch_ms(datetime(2022, 9, 15, 13, 35, 32, tzinfo=UTC))
    assert row["speed_kmh"] == pytest.approx(54.4488)  # 29.4 x 1.852
    assert row["odometer_km"] == pytest.approx(101_944)
    assert row["fuel_used_l"] == 224.472


def test_json_values_of_mixed_types_in_one_column_are_read(tmp_path: Path) -> None:
    lines = [
        {"vehicle_id": 1, "time": MORNING_MS, "lon": "110.44", "lat": 35},
        {"vehicle_id": "b", "time": "2026-03-02 06:45:00", "lon": 110.44, "lat": "35"},
        {"vehicle_id": "c", "time": True, "lon": 110.44, "lat": 35},
    ]
    found = read(jsonl(tmp_path, lines), "positions")
    assert found.rows["vehicle_id"].tolist() == ["1", "b"]
    assert found.rows["time_ms"].tolist() == [MORNING_MS] * 2
    assert found.codes == [(3, "time", "time_unreadable")]
