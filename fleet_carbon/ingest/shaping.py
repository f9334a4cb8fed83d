"""What a profile does to rows before they are checked: cells joined, rows left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.ingest.delimited import Chunk, Column, empty_to_null
from fleet_carbon.ingest.profiles import Filter
from fleet_carbon.ingest.values import Flags, identifiers_of, text_of

# A spreadsheet keeps a day as a day at midnight, and a clock as an hour of its first days.
_MIDNIGHT = (r"^(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0+)?)? +(\S.*)$", r"\1 \2")
_DAY_TWICE = (r"^\S+ +(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[T ]+\d.*)$", r"\1")
_FIRST_DAYS = (r"^(\S+) +(?:1899-12-3[01]|1900-01-0[01])[T ](\d{2}:\S+)$", r"\1 \2")
_DAY_AND_FRACTION = r"^(?P<day>\d{5})(?:\.0+)? +(?P<part>0?\.\d+|0|0\.0+)$"


class Join(NamedTuple):
    """Cells of several columns read as one: where it stands, and the places of its parts."""

    place: int
    parts: tuple[int, ...]


class PlacedFilter(NamedTuple):
    """A filter and the place of its column."""

    place: int
    rule: Filter


def shaped(
    chunk: Chunk, joins: Sequence[Join], filters: Sequence[PlacedFilter]
) -> tuple[Chunk, int]:
    """The rows that the filters leave, with their joined columns, and how many they leave out.

    Rows that could not be read stay: they are refused, not left out.
    """
    if joins:
        joined = {join.place: _joined([chunk.columns[one] for one in join.parts]) for join in joins}
        chunk = replace(chunk, columns=chunk.columns | joined)
    if not filters:
        return chunk, 0
    kept = np.ones(len(chunk.lines), dtype=np.bool_)
    for place, rule in filters:
        kept &= _passes(chunk.columns[place], rule)
    if kept.all():
        return chunk, 0
    mask = pa.array(kept)
    columns = {place: cells.filter(mask) for place, cells in chunk.columns.items()}
    return replace(chunk, columns=columns, lines=chunk.lines[kept]), int((~kept).sum())


def _joined(parts: list[Column]) -> Column:
    """The cells one after the other, a blank between them; empty ones are passed over."""
    # Arrow loses rows in which all parts are null; empty text it keeps.
    texts = [pc.fill_null(text_of(part), "") for part in parts]
    text = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*texts, " "))
    for pattern, put in (_MIDNIGHT, _FIRST_DAYS, _DAY_TWICE):
        text = pc.replace_substring_regex(text, pattern, put)
    found = pc.extract_regex(text, _DAY_AND_FRACTION)
    if found.null_count < len(found):
        serial = pc.add(
            pc.cast(pc.struct_field(found, "day"), pa.float64()),
            pc.cast(pc.struct_field(found, "part"), pa.float64()),
        )
        text = pc.coalesce(pc.cast(serial, pa.string()), text)
    return empty_to_null(text)


def _passes(cells: Column, rule: Filter) -> Flags:
    """Which rows a filter leaves: each different cell is looked at once."""
    places, words = identifiers_of(cells)
    pattern = re.compile("|".join(map(_pattern, rule.words)), re.IGNORECASE | re.DOTALL)
    told = [bool(pattern.fullmatch(word)) for word in words]
    is_told = np.array([*told, "" in rule.words], dtype=np.bool_)  # the last: of empty cells
    passing: Flags = is_told[places] == rule.keeps
    return passing


def _pattern(word: str) -> str:
    return ".*".join(re.escape(part) for part in word.strip().split("*"))
