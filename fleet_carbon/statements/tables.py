"""Tables as files: CSV, Parquet, XLSX and JSON, the same rows and the same bytes each time.

CSV is UTF-8 without mark, comma, one header line, moments as ISO 8601 with Z, numbers in the
shortest form that reads back as the same number. The columns of the contract come first. A text
that a spreadsheet would compute gets an apostrophe before it: what senders write is opened by
people who trust us, and CSV cannot say of a cell what it is, as a workbook does.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import FLAG, INTEGER, MOMENT, NUMBER, TEXT, Frame

FORMATS = ("csv", "parquet", "xlsx", "json")
TEXT_FORMATS = ("csv", "json")
# What spreadsheets take for the beginning of a formula (OWASP, CSV injection).
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# The order in which users were promised the columns; whatever else a frame has comes after.
_PROMISED: dict[str, str] = {
    "legs": "vehicle_id driver_id started_at finished_at state purpose order_ids payload_t"
    " distance_km imputed_km duration_h stop_h diesel_l co2_ttw_kg from_lon from_lat"
    " to_lon to_lat reason_code confidence_share trace_version",
    "order_results": "order_id vehicle_id driver_id status matched reason_code pickup_arrived_at"
    " pickup_departed_at delivery_arrived_at delivery_departed_at onboard_km"
    " great_circle_km approach_km planned_diesel_l planned_co2_kg realised_diesel_l"
    " realised_co2_kg",
}

# A workbook carries the moment of its making; one fixed moment keeps equal tables equal bytes.
_WORKBOOK_CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)
_WORKBOOK_NOTES = (
    "All times are UTC, not the fleet's own zone; add the zone's offset for local time.",
    "The end of a column's name is its unit; the sheet `columns` gives unit and meaning of each.",
    "Shares are parts of one: 0.25 is 25 %. An empty cell is a missing value, not zero.",
)
_WORKBOOK_MOMENT = 'yyyy-mm-dd"T"hh:mm:ss"Z"'


def format_for(path: Path | None, wanted: str | None) -> str | None:
    """The format of an output: the wanted one, else the one the file's suffix names.

    Returns
    -------
    name : str or None
        One of `FORMATS`; None if neither a format nor a file is given.

    Raises
    ------
    InputRefused
        If the name or the suffix is none of the four.
    """
    name = wanted or (path.suffix.lstrip(".").lower() if path else None)
    if name is None or name in FORMATS:
        return name
    where = f"--format {wanted}" if wanted else f"the suffix of {path}"
    raise InputRefused(
        "format_unknown",
        f"{where} names no format this program writes.",
        f"Choose one of {', '.join(FORMATS)}.",
    )


def ordered(rows: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    """The rows in the frame's dtypes, the columns of the contract first."""
    promised = _PROMISED.get(frame.name, "").split()
    rest = [name for name in frame.names if name not in promised]
    shown = frame.shape(rows)[promised + rest]
    for name in shown.columns:
        if frame.column(name).dtype == NUMBER:
            shown[name] = shown[name] + 0.0  # a negative zero becomes zero
    return shown


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON-ready objects: missing values are null, moments ISO 8601 with Z."""
    columns = {name: _json_values(rows[name]) for name in rows.columns}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def to_bytes(rows: pd.DataFrame, frame: Frame, format_name: str) -> bytes:
    """The file content of a table in one of `FORMATS`; equal tables give equal bytes.

    Parameters
    ----------
    rows : DataFrame
        Rows of `frame`.
    frame : Frame
        Their contract; it also explains the columns on the second sheet of a workbook.
    format_name : str
        csv, parquet, xlsx or json.
    """
    shown = ordered(rows, frame)
    if format_name == "csv":
        return _csv(shown, frame)
    if format_name == "xlsx":
        return _xlsx(shown, frame)
    return _parquet(shown) if format_name == "parquet" else _json(shown)


def write(rows: pd.DataFrame, frame: Frame, path: Path, *, format_name: str) -> None:
    """Write a table to a file; the file appears complete or not at all.

    Raises
    ------
    InputRefused
        If the file cannot be written there.
    """
    write_whole(to_bytes(rows, frame, format_name), path)


def write_whole(content: bytes, path: Path) -> None:
    """Write a file that appears complete or not at all.

    Raises
    ------
    InputRefused
        If the file cannot be written there.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as fault:
        raise InputRefused(
            "output_not_writable",
            f"{path} cannot be written: {fault.strerror or fault}.",
            "Name a file in a folder that exists and that you may write to.",
        ) from fault


def _json_values(values: pd.Series[Any]) -> list[Any]:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = _moments_as_text(values)
    return [None if pd.isna(value) else value for value in values.astype(object).tolist()]


def _moments_as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    # Always with milliseconds: readers that guess one form from the first row then hold.
    text: pd.Series[Any] = values.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"
    return text.astype("string")


def _csv(rows: pd.DataFrame, frame: Frame) -> bytes:
    shown = pd.DataFrame(index=rows.index)
    for name in rows.columns:
        shown[name] = _csv_values(rows[name], frame.column(name).dtype)
    return shown.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _csv_values(values: pd.Series[Any], dtype: str) -> pd.Series[Any]:
    if dtype == MOMENT:
        return _moments_as_text(values)
    if dtype == FLAG:
        return values.map({True: "true", False: "false"}).astype("string")
    if dtype == TEXT:
        begins = values.str.startswith(_FORMULA_BEGINS).fillna(value=False).astype(bool)
        guarded = values.where(~begins, "'" + values)
        # A carriage return is not quoted by the writer, and would begin a row.
        return guarded.str.replace("\r\n", "\n", regex=False).str.replace("\r", "\n", regex=False)
    return values


def _json(rows: pd.DataFrame) -> bytes:
    return (json.dumps(records(rows), ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _parquet(rows: pd.DataFrame) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(rows, preserve_index=False)
    sink = BytesIO()
    # The pandas metadata names library versions, which are no part of the table.
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return sink.getvalue()


def _xlsx(rows: pd.DataFrame, frame: Frame) -> bytes:
    import xlsxwriter

    sink = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(sink, options) as book:
        book.set_properties({"title": frame.text, "created": _WORKBOOK_CREATED_AT})
        _write_rows_sheet(book, rows, frame)
        _write_columns_sheet(book, rows, frame)
        _write_notes_sheet(book)
    return sink.getvalue()


def _write_rows_sheet(book: Any, rows: pd.DataFrame, frame: Frame) -> None:
    sheet = book.add_worksheet(frame.name)
    bold = book.add_format({"bold": True})
    moment = book.add_format({"num_format": _WORKBOOK_MOMENT})
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(rows.columns):
        dtype = frame.column(name).dtype
        sheet.set_column(place, place, max(12, len(name) + 2))
        sheet.write_string(0, place, name, bold)
        for line, value in enumerate(rows[name].astype(object).tolist(), start=1):
            if pd.isna(value):
                continue
            if dtype == MOMENT:
                naive = value.to_pydatetime().astimezone(UTC).replace(tzinfo=None)
                sheet.write_datetime(line, place, naive, moment)
            elif dtype == FLAG:
                sheet.write_boolean(line, place, bool(value))
            elif dtype in (NUMBER, INTEGER):
                sheet.write_number(line, place, value)
            else:
                sheet.write_string(line, place, str(value))


def _write_columns_sheet(book: Any, rows: pd.DataFrame, frame: Frame) -> None:
    sheet = book.add_worksheet("columns")
    bold = book.add_format({"bold": True})
    for place, title in enumerate(("column", "unit", "zh", "meaning")):
        sheet.set_column(place, place, (28, 14, 16, 90)[place])
        sheet.write_string(0, place, title, bold)
    for line, name in enumerate(rows.columns, start=1):
        column = frame.column(name)
        for place, text in enumerate((name, column.unit, column.zh, column.text)):
            sheet.write_string(line, place, text)


def _write_notes_sheet(book: Any) -> None:
    sheet = book.add_worksheet("notes")
    sheet.set_column(0, 0, 100)
    for line, text in enumerate(_WORKBOOK_NOTES):
        sheet.write_string(line, 0, text)
