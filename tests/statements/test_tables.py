"""Tables as files: promised columns first, readable back, the same bytes each time."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ACCOUNTS, LEGS, ORDER_RESULTS
from fleet_carbon.statements import tables

DELIVERED_AT = "2025-03-10T02:15:30.250+00:00"


def orders() -> pd.DataFrame:
    return ORDER_RESULTS.shape(
        pd.DataFrame(
            {
                "order_id": ["O1", "=cmd|'/c calc'!A0"],
                "vehicle_id": ["V1", "V1"],
                "driver_id": ["D1", None],
                "status": ["accepted", "planned"],
                "matched": [True, False],
                "reason_code": ["proven_by_stops", "no_positions"],
                "delivery_arrived_at": [pd.Timestamp(DELIVERED_AT), pd.NaT],
                "cargo_t": [10.0, 0.1],
                "onboard_km": [0.1 + 0.2, None],
                "great_circle_km": [55.4, 1.0],
                "confidence_share": [0.9, 0.0],
            }
        )
    )


def text_of(format_name: str) -> str:
    return tables.to_bytes(orders(), ORDER_RESULTS, format_name).decode("utf-8")


def test_the_columns_of_the_contract_come_first() -> None:
    # contract, section 3: legs and orders
    legs = tables.ordered(LEGS.empty(), LEGS)
    assert legs.columns.tolist()[:5] == "vehicle_id driver_id started_at finished_at state".split()
    assert legs.columns.tolist()[7:9] == ["payload_t", "distance_km"]
    assert legs.columns.tolist()[20] == "trace_version"
    shown = tables.ordered(orders(), ORDER_RESULTS).columns.tolist()
    assert shown[:6] == "order_id vehicle_id driver_id status matched reason_code".split()
    assert shown[10:13] == "onboard_km great_circle_km approach_km".split()
    for frame in (LEGS, ORDER_RESULTS, ACCOUNTS):
        assert set(tables.ordered(frame.empty(), frame).columns) == set(frame.names)


def test_a_number_in_csv_reads_back_as_the_same_number() -> None:
    read = pd.read_csv(io.StringIO(text_of("csv")))
    assert read["onboard_km"].iat[0] == 0.1 + 0.2
    assert read["matched"].tolist() == [True, False]


def test_a_moment_in_csv_and_json_ends_in_z_and_keeps_its_milliseconds() -> None:
    assert "2025-03-10T02:15:30.250Z" in text_of("csv")
    rows = json.loads(text_of("json"))
    assert rows[0]["delivery_arrived_at"] == "2025-03-10T02:15:30.250Z"
    assert rows[1]["delivery_arrived_at"] is None


def test_missing_values_are_empty_in_csv_and_null_in_json() -> None:
    assert text_of("csv").splitlines()[2].split(",")[2] == ""
    rows = json.loads(text_of("json"))
    assert rows[1]["driver_id"] is None
    assert rows[0]["matched"] is True


def test_parquet_keeps_types_and_zone() -> None:
    content = tables.to_bytes(orders(), ORDER_RESULTS, "parquet")
    schema = pq.read_schema(io.BytesIO(content))
    assert str(schema.field("delivery_arrived_at").type) == "timestamp[ms, tz=UTC]"
    assert str(schema.field("matched").type) == "bool"


def test_a_workbook_holds_no_formula_and_explains_its_columns() -> None:
    content = tables.to_bytes(orders(), ORDER_RESULTS, "xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    rows = book.get_sheet_by_name("order_results").to_python()
    assert rows[2][0] == "=cmd|'/c calc'!A0"
    assert rows[1][4] is True
    columns = book.get_sheet_by_name("columns").to_python()
    assert ["order_id", "", "", "Order."] in columns
    assert "All times are UTC" in book.get_sheet_by_name("notes").to_python()[0][0]


# https://owasp.org/www-community/attacks/CSV_Injection: these begin a formula.
COMPUTED = (
    "=cmd|'/c calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",
    "V\r=1+1,\r\n=2",
)


@pytest.mark.parametrize("name", COMPUTED)
def test_no_name_is_computed_by_a_spreadsheet(name: str) -> None:
    rows = orders().assign(driver_id=[name, None], approach_km=[-1.5, None])
    text = tables.to_bytes(rows, ORDER_RESULTS, "csv").decode("utf-8")
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    told = name.replace("\r\n", "\n").replace("\r", "\n")
    assert [row["driver_id"] for row in read] == [told if name[0] == "V" else "'" + told, ""]
    assert "\r" not in text
    assert read[1]["order_id"] == "'=cmd|'/c calc'!A0"
    assert [row["approach_km"] for row in read] == ["-1.5", ""]  # a number stays one
    book = CalamineWorkbook.from_filelike(io.BytesIO(tables.to_bytes(rows, ORDER_RESULTS, "xlsx")))
    cells = book.get_sheet_by_name("order_results").to_python()
    assert cells[1][cells[0].index("driver_id")].split() == name.split()
    assert json.loads(tables.to_bytes(rows, ORDER_RESULTS, "json"))[0]["driver_id"] == name


@pytest.mark.parametrize("format_name", tables.TEXT_FORMATS)
def test_a_negative_zero_is_written_as_zero(format_name: str) -> None:
    rows = orders().assign(approach_km=[-0.0, -1.5])
    text = tables.to_bytes(rows, ORDER_RESULTS, format_name).decode("utf-8")
    assert "-0.0" not in text
    assert "-1.5" in text


@pytest.mark.parametrize("format_name", tables.FORMATS)
def test_equal_tables_give_equal_bytes(format_name: str) -> None:
    first = tables.to_bytes(orders(), ORDER_RESULTS, format_name)
    assert first == tables.to_bytes(orders(), ORDER_RESULTS, format_name)


@pytest.mark.parametrize("format_name", tables.FORMATS)
def test_a_table_without_rows_is_a_file_with_its_columns(format_name: str) -> None:
    content = tables.to_bytes(LEGS.empty(), LEGS, format_name)
    if format_name == "parquet":
        assert pd.read_parquet(io.BytesIO(content)).columns[0] == "vehicle_id"
    elif format_name == "csv":
        assert content.startswith(b"vehicle_id,driver_id,")
    else:
        assert content


def test_the_suffix_names_the_format_and_an_option_overrules_it() -> None:
    assert tables.format_for(Path("a.XLSX"), None) == "xlsx"
    assert tables.format_for(Path("a.txt"), "csv") == "csv"
    assert tables.format_for(None, None) is None
    with pytest.raises(InputRefused) as refused:
        tables.format_for(Path("a.pdf"), None)
    assert refused.value.code == "format_unknown"


def test_a_file_in_a_missing_folder_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        tables.write(orders(), ORDER_RESULTS, tmp_path / "no" / "a.csv", format_name="csv")
    assert refused.value.code == "output_not_writable"
    assert list(tmp_path.iterdir()) == []
