"""Exports of fuel cards, pumps and charging: a table somewhere below titles and balances.

What is in its columns is known by their headings (`headers`), as of every file; here the line is
found in which these stand, among the first hundred. Rebates are lines with a negative amount and a
quantity, which the checks refuse; totals at the end name no truck, and are refused likewise.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import islice
from pathlib import Path

from fleet_carbon.ingest.delimited import SEPARATORS, find_text_form, text_blocks
from fleet_carbon.ingest.dialects.dialect import Dialect, head_of, not_of
from fleet_carbon.ingest.headers import joined_headings, known_headings
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
                return open_table(path, found)
    raise not_of("a fuel card", path, _EXPECTED)


def _is_heading(names: list[str], kind: str, profile: SourceProfile) -> bool:
    """Whether the cells of a line are headings that say which truck bought how much and when."""
    plain = {" ".join(name.split()).lower() for name in names}
    told = {ours for ours in _OURS if profile.columns.get(ours, ours).lower() in plain}
    told |= {ours for ours in _OURS if ours in profile.constants}
    told |= {ours for ours, parts in profile.joins.items() if {p.lower() for p in parts} <= plain}
    told |= set(joined_headings(kind, names))
    found = told | set(known_headings(kind, names, profile, taken=dict.fromkeys(told, True)))
    return {"time", "quantity"} <= found and bool(found & {"vehicle_id", "plate"})


def _is_certain(head: bytes) -> bool:
    del head  # any table may begin with titles
    return False


DIALECT = Dialect(
    name="fuel_card",
    title="fuel cards, pumps and charging",
    text="Tables as text (tab, comma, semicolon; UTF-8 or GB18030) whose headings stand below"
    " titles, account lines and balances, in one of the first 100 lines.",
    kinds=("energy",),
    open_table=_open,
    is_certain=_is_certain,
    vehicle="the truck, or the registered truck of the plate",
)
