"""Tables as files for others: the rows of a frame in the format that is asked for."""

from __future__ import annotations

import pandas as pd

from fleet_carbon.frames import TEXT, Frame
from fleet_carbon.statements import tables

# What spreadsheets take for the beginning of a formula (OWASP, CSV injection).
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


def table_bytes(rows: pd.DataFrame, frame: Frame, format_name: str) -> bytes:
    """A table as the content of a file.

    A workbook says of every cell what it is. In CSV nothing can: a text that a spreadsheet would
    compute gets an apostrophe before it, for what senders write is opened by people who trust us.

    Parameters
    ----------
    rows : DataFrame
        Of the frame.
    frame : Frame
        Their contract.
    format_name : str
        csv, parquet or xlsx.
    """
    if format_name == "csv":
        rows = _guarded(rows, frame)
    return tables.to_bytes(rows, frame, format_name)


def _guarded(rows: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    guarded = frame.shape(rows)
    for column in frame.columns:
        if column.dtype == TEXT:
            texts = guarded[column.name]
            begins = texts.str.startswith(_FORMULA_BEGINS).fillna(value=False).astype(bool)
            guarded[column.name] = texts.where(~begins, "'" + texts)
    return guarded
