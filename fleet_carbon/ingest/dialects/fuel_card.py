"""Exports of fuel cards, pumps, charging, logbooks: a table somewhere below titles and balances.

What is in its columns is known by their headings (`headers`), as of every file; here the line is
found in which these stand, among the first hundred. Rebates are lines with a negative amount and a
quantity, which the checks refuse; totals at the end name no truck, and are refused likewise. Apps
write several tables into one file: another one begins where its headings stand, told by the first
of them, and is not of fuel.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from fleet_carbon.ingest.delimited import (
    SEPARATORS,
    Chunk,
    TextForm,
    find_text_form,
    text_blocks,
)
from fleet_carbon.ingest.dialects.dialect import Dialect, head_of, not_of
from fleet_carbon.ingest.headers import joined_headings, known_headings, squashed
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.readers import Table, open_table

_EXPECTED = "headings of truck or plate, moment and quantity in one of the first 100 lines"
_LINES_LOOKED_AT = 100
_OURS = ("vehicle_id", "plate", "time", "quantity")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1")


def _open(path: Path, kind: str, profile: SourceProfile) -> Table:
    if profile.title_rows or profile.header or head_of(path)[:4] in _WORKBOOKS:
        return open_table(path, profile)
    form = find_text_form(path, profile.encoding)
    text = next(text_blocks(path, form), b"").decode("utf-8", "replace")
    separators = (profile.separator,) if profile.separator else SEPARATORS
    for place, line in enumerate(islice(text.splitlines(), _LINES_LOOKED_AT)):
        for separator in separators:
            if _is_heading(next(csv.reader([line], delimiter=separator), []), kind, profile):
                found = replace(profile, title_rows=place, separator=separator)
                table = open_table(path, found)
                end = _next_table(path, form, line, place, separator)
                return table if end is None else _Above(table, end)
    raise not_of("a fuel card", path, _EXPECTED)


class _Above:
    """A table of which nothing is read from a line on, where another one begins."""

    def __init__(self, table: Table, end_line: int) -> None:
        self.names, self.decimal_comma = table.names, table.decimal_comma
        self._table, self._end_line = table, end_line

    def chunks(self, wanted: Sequence[int], chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows above that line, with the cells of the wanted columns."""
        for chunk in self._table.chunks(wanted, chunk_rows):
            count = int(np.searchsorted(chunk.lines, self._end_line))
            yield replace(
                chunk,
                columns={place: cells.slice(0, count) for place, cells in chunk.columns.items()},
                lines=chunk.lines[:count],
                broken=tuple(one for one in chunk.broken if one.line < self._end_line),
            )
            if count < len(chunk.lines):
                return


def _next_table(path: Path, form: TextForm, heading: str, place: int, separator: str) -> int | None:
    """The line in which another table begins, its title included; None if the file has but one."""
    first = next(csv.reader([heading], delimiter=separator))[0]
    starts = (f"{first}{separator}", f'"{first}"{separator}')
    above, line_number = "", 0
    for block in text_blocks(path, form):
        if not any(start.encode() in block for start in starts):
            line_number += block.count(b"\n")
            continue
        for line in block.decode("utf-8", "replace").splitlines():
            line_number += 1
            if line_number > place + 1 and line.startswith(starts) and line != heading:
                is_title = above.strip() and separator not in above
                return line_number - 1 if is_title else line_number
            above = line
    return None


def _is_heading(names: list[str], kind: str, profile: SourceProfile) -> bool:
    """Whether the cells of a line are headings that say which truck bought how much and when."""
    plain = {squashed(name) for name in names}
    told = {ours for ours in _OURS if squashed(profile.columns.get(ours, ours)) in plain}
    told |= {ours for ours in _OURS if ours in profile.constants}
    told |= {
        ours for ours, parts in profile.joins.items() if {squashed(one) for one in parts} <= plain
    }
    told |= set(joined_headings(kind, names))
    found = told | set(known_headings(kind, names, profile, taken=dict.fromkeys(told, True)))
    return {"time", "quantity"} <= found and bool(found & {"vehicle_id", "plate"})


def _is_certain(head: bytes) -> bool:
    del head  # any table may begin with titles
    return False


DIALECT = Dialect(
    name="fuel_card",
    title="fuel cards, pumps, charging, logbooks",
    text="Tables as text (tab, comma, semicolon; UTF-8 or GB18030) whose headings stand below"
    " titles, account lines and balances, in one of the first 100 lines. Of a file with several"
    " tables (aCar) the first of fuel is read.",
    kinds=("energy",),
    open_table=_open,
    is_certain=_is_certain,
    vehicle="the truck, or the registered truck of the plate",
)
