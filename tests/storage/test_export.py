"""An export is a Delta table that others read, whole or not at all, and never twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.storage import exporting
from fleet_carbon.storage.exporting import DeltaFolder, TruckFixes

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
JANUARY_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z: 20,454 days of 86,400,000 ms
FLEET = "fleet-1"


def truck(vehicle_id: str, rows: int, **optional: list[Any]) -> TruckFixes:
    """A fix a second, each a micro-degree further east and two further north."""
    steps = np.arange(rows)
    columns = {
        "time_ms": JANUARY_MS + steps * 1000,
        "lon_udeg": (121_000_000 + steps).astype(np.int32),
        "lat_udeg": (31_000_000 + 2 * steps).astype(np.int32),
        **{
            name: np.array(values, dtype=object if name == "driver_id" else np.float64)
            for name, values in optional.items()
        },
    }
    return vehicle_id, columns


def export(
    folder: Path, months: dict[str, list[TruckFixes]], *, replaced: str | None = None
) -> int:
    table = DeltaFolder(folder, FLEET)
    written = [table.write_month(month, fixes) for month, fixes in months.items()]
    return table.publish(written, replaced=replaced, facts={"trace_version": "7"}, at=AT)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    table = DeltaTable(folder).to_pyarrow_table()
    return sorted(table.to_pylist(), key=lambda row: (row["month"], row["vehicle_id"], row["time"]))


def test_a_fix_is_in_the_table_as_it_was(tmp_path: Path) -> None:
    fixes = [
        truck("沪A12345", 2, speed_kmh=[54.3, np.nan], driver_id=["张三", ""]),
        truck("V2", 1, odometer_km=[1234.567], accuracy_m=[5.0], gross_mass_t=[49.0]),
    ]
    assert export(tmp_path / "lake", {"2026-01": fixes}) == 0
    nothing = dict.fromkeys(
        "speed_kmh accuracy_m odometer_km fuel_used_l gross_mass_t altitude_m ambient_degc "
        "fuel_level_l driver_id".split()
    )
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    place = {"lon": 121.0, "lat": 31.0}
    assert rows_of(tmp_path / "lake") == [
        {"vehicle_id": "V2", "time": midnight, **place, **nothing, "odometer_km": 1234.567,
         "accuracy_m": 5.0, "gross_mass_t": 49.0, "month": "2026-01"},
        {"vehicle_id": "沪A12345", "time": midnight, **place, **nothing, "speed_kmh": 54.3,
         "driver_id": "张三", "month": "2026-01"},
        {"vehicle_id": "沪A12345", "time": midnight + timedelta(seconds=1), "lon": 121.000001,
         "lat": 31.000002, **nothing, "month": "2026-01"},
    ]  # fmt: skip


def test_the_commit_says_which_state_of_the_traces_it_holds(tmp_path: Path) -> None:
    export(tmp_path / "lake", {"2026-01": [truck("V1", 3)]})
    [commit] = DeltaTable(tmp_path / "lake").history()
    assert commit["trace_version"] == "7"


def test_the_same_export_again_changes_nothing(tmp_path: Path) -> None:
    months = {"2026-01": [truck("V1", 3)], "2026-02": [truck("V2", 4)]}
    assert export(tmp_path / "lake", months) == 0
    assert export(tmp_path / "lake", months) == 0
    assert len(rows_of(tmp_path / "lake")) == 7


def test_an_export_replaces_what_the_table_had(tmp_path: Path) -> None:
    export(tmp_path / "lake", {"2026-01": [truck("V1", 3)], "2026-02": [truck("V2", 4)]})
    assert export(tmp_path / "lake", {"2026-01": [truck("V1", 5)]}) == 1
    assert [row["month"] for row in rows_of(tmp_path / "lake")] == ["2026-01"] * 5
    before = DeltaTable(tmp_path / "lake", version=0)
    assert before.to_pyarrow_table().num_rows == 7


def test_a_table_of_an_earlier_release_gets_the_columns_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = pa.schema([field for field in exporting.FILE_SCHEMA if field.name != "altitude_m"])
    with monkeypatch.context() as before:
        before.setattr(exporting, "FILE_SCHEMA", earlier)
        before.setattr(exporting, "SCHEMA", earlier.append(exporting.SCHEMA.field("month")))
        export(tmp_path / "lake", {"2026-01": [truck("V1", 1)]})
    high = truck("V2", 1, altitude_m=[812.5])
    export(tmp_path / "lake", {"2026-02": [high]}, replaced="2026-02")
    assert [row["altitude_m"] for row in rows_of(tmp_path / "lake")] == [None, 812.5]


def test_an_export_of_one_month_leaves_the_others(tmp_path: Path) -> None:
    export(tmp_path / "lake", {"2026-01": [truck("V1", 3)], "2026-02": [truck("V2", 4)]})
    export(tmp_path / "lake", {"2026-02": [truck("V2", 1)]}, replaced="2026-02")
    assert [row["month"] for row in rows_of(tmp_path / "lake")] == ["2026-01"] * 3 + ["2026-02"]
    export(tmp_path / "lake", {}, replaced="2026-02")
    assert [row["month"] for row in rows_of(tmp_path / "lake")] == ["2026-01"] * 3


def test_fixes_that_came_back_are_there_again(tmp_path: Path) -> None:
    for rows in (3, 4, 3):
        export(tmp_path / "lake", {"2026-01": [truck("V1", rows)]})
        assert len(rows_of(tmp_path / "lake")) == rows


def test_a_fleet_without_fixes_gives_an_empty_table(tmp_path: Path) -> None:
    assert export(tmp_path / "lake", {}) == 0
    assert rows_of(tmp_path / "lake") == []


def test_the_bytes_do_not_depend_on_the_size_of_a_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_ROW_GROUP_ROWS", 10)
    monkeypatch.setattr(exporting, "_FILE_ROWS_MAX", 30)
    fixes = [truck("V1", 25), truck("V2", 3), truck("V3", 40), truck("V4", 1)]
    table = DeltaFolder(tmp_path / "lake", FLEET)
    written = table.write_month("2026-01", fixes)
    assert list(written.files.values()) == [30, 30, 9]
    pieces = [("V1", {name: part[start : start + 5] for name, part in columns.items()})
              for _, columns in fixes[:1] for start in range(0, 25, 5)]  # fmt: skip
    assert table.write_month("2026-01", [*pieces, *fixes[1:]]).files == written.files
    table.publish([written], replaced=None, facts={}, at=AT)
    assert len(rows_of(tmp_path / "lake")) == 69
    assert {row["vehicle_id"] for row in rows_of(tmp_path / "lake")} == {"V1", "V2", "V3", "V4"}


def test_an_export_that_breaks_off_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    export(tmp_path / "lake", {"2026-01": [truck("V1", 3)]})
    before = sorted((tmp_path / "lake").rglob("*"))

    def broken() -> Iterator[TruckFixes]:
        yield truck("V1", 9)
        raise FleetCarbonError("segment_missing", "gone")

    table = DeltaFolder(tmp_path / "lake", FLEET)
    table.write_month("2026-01", [truck("V9", 1)])
    with pytest.raises(FleetCarbonError) as refused:
        table.write_month("2026-01", broken())
    table.discard()
    assert refused.value.code == "segment_missing"
    assert sorted((tmp_path / "lake").rglob("*")) == before
    assert len(rows_of(tmp_path / "lake")) == 3


def test_of_two_exports_at_once_one_is_refused(tmp_path: Path) -> None:
    export(tmp_path / "lake", {"2026-01": [truck("V1", 3)]})
    tables = [DeltaFolder(tmp_path / "lake", FLEET) for _ in range(2)]
    months = [table.write_month("2026-02", [truck("V2", n)]) for n, table in enumerate(tables, 4)]
    tables[0].publish(months[:1], replaced="2026-02", facts={}, at=AT)
    with pytest.raises(FleetCarbonError) as refused:
        tables[1].publish(months[1:], replaced="2026-02", facts={}, at=AT)
    tables[1].discard()
    assert refused.value.code == "export_not_published"
    assert len(rows_of(tmp_path / "lake")) == 3 + 4


@pytest.mark.parametrize("other", ["file", "folder", "table"])
def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path: Path, other: str) -> None:
    folder = tmp_path / "lake"
    if other == "file":
        folder.write_text("mine")
    elif other == "folder":
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")
    else:
        DeltaFolder(folder, "other fleet").publish([], replaced=None, facts={}, at=AT)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputRefused) as refused:
        DeltaFolder(folder, FLEET)
    assert refused.value.code == "export_folder_in_use"
    assert sorted(tmp_path.rglob("*")) == before


def test_without_the_library_the_refusal_says_how_to_install_it(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "sys.modules['deltalake'] = None\n"  # what an import finds that is not installed
        "from fleet_carbon.errors import FleetCarbonError\n"
        "from fleet_carbon.storage.exporting import DeltaFolder\n"
        "try:\n"
        "    DeltaFolder(pathlib.Path(sys.argv[1]), 'f')\n"
        "except FleetCarbonError as refused:\n"
        "    print(refused.code, refused.hint)\n"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path / "lake")]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=300)
    assert said.stdout.strip() == (
        "lake_not_installed Install it: pip install 'fleet-carbon[lake]'."
    )


def test_duckdb_polars_and_arrow_read_the_same_sums(tmp_path: Path) -> None:
    import duckdb
    import polars

    fixes = {f"2026-0{n}": [truck(f"V{n}", 1000 * n, speed_kmh=[n] * 1000 * n)] for n in (1, 2)}
    export(tmp_path / "lake", fixes)
    # By hand: lat is 31 + 2e-6 n for n below 1000 and below 2000.
    lat_sum = 31.0 * 3000 + 2e-6 * (999 * 1000 / 2 + 1999 * 2000 / 2)
    speed_sum = 1000 * 1 + 2000 * 2
    table = DeltaTable(tmp_path / "lake").to_pyarrow_table()
    by_arrow = (
        table.num_rows,
        table.column("lat").to_numpy().sum(),
        table.column("speed_kmh").to_numpy().sum(),
    )
    with duckdb.connect() as database:
        database.register("fixes", DeltaTable(tmp_path / "lake").to_pyarrow_dataset())
        [by_duckdb] = database.execute(
            "SELECT count(*), sum(lat), sum(speed_kmh) FROM fixes"
        ).fetchall()
    lazy = polars.scan_delta(str(tmp_path / "lake"))
    summed = lazy.select(polars.len(), polars.sum("lat"), polars.sum("speed_kmh")).collect().row(0)
    for found in (by_arrow, by_duckdb, summed):
        assert found == (3000, pytest.approx(lat_sum, rel=1e-12), speed_sum)
    one = lazy.filter(polars.col("vehicle_id") == "V2").select(polars.len()).collect().item()
    assert one == 2000


def test_files_say_what_is_in_them_so_that_readers_skip_them(tmp_path: Path) -> None:
    fixes = [truck("V1", 3, speed_kmh=[np.nan, 5.0, 7.5]), truck("V2", 1)]
    export(tmp_path / "lake", {"2026-01": fixes})
    [line] = [
        json.loads(line)["add"]
        for line in (tmp_path / "lake/_delta_log/00000000000000000000.json").open(encoding="utf-8")
        if "add" in json.loads(line)
    ]
    said = json.loads(line["stats"])
    assert said["numRecords"] == 4
    assert said["minValues"]["vehicle_id"] == "V1"
    assert said["maxValues"]["vehicle_id"] == "V2"
    assert said["minValues"]["time"] == "2026-01-01T00:00:00.000Z"
    assert said["maxValues"]["time"] == "2026-01-01T00:00:02.000Z"
    assert (said["minValues"]["speed_kmh"], said["maxValues"]["speed_kmh"]) == (5.0, 7.5)
    assert said["nullCount"]["speed_kmh"] == 2
    assert "odometer_km" not in said["minValues"]
