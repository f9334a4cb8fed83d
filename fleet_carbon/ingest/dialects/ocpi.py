"""OCPI: charge detail records of charging sessions, versions 2.1.1 to 2.3.

https://evroaming.org, module CDRs. Energy is kWh, moments are UTC and may lack the sign for it, the
cost is without tax, a credit takes an earlier record back. A record names the card, not the truck.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    blocks_of,
    not_of,
    table_in_pieces,
)
from fleet_carbon.ingest.dialects.nested import objects, reach, text_cells
from fleet_carbon.ingest.dialects.records import RecordReader
from fleet_carbon.ingest.profiles import SourceProfile

_EXPECTED = "charge detail records with start_date_time and total_energy"
_DOCUMENTS: RecordReader[dict[str, Any]] = RecordReader(dict[str, Any])


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # energy alone; what the profile says holds for the cells
    return table_in_pieces(_pieces(path))


def _pieces(path: Path) -> Iterator[Piece]:
    is_met = False
    for read in _DOCUMENTS.read_blocks(blocks_of(path), file=path.name):
        records: list[tuple[int, dict[str, Any]]] = []
        for line, document in zip(read.lines.tolist(), read.held, strict=True):
            # The answer to a request for records lists them beside a code of the state.
            held = objects(document.get("data")) if "start_date_time" not in document else []
            records += [(line, one) for one in held or [document]]
        is_met |= not records or any("start_date_time" in one for _, one in records)
        if not is_met:
            raise not_of("an operator of charge points by OCPI", path, _EXPECTED)
        credits = [line for line, one in records if one.get("credit") is True]
        sold = [pair for pair in records if pair[1].get("credit") is not True]
        broken = (*read.broken, *(_credit(path.name, line) for line in credits))
        lines = np.array([line for line, _ in sold], dtype=np.int64)
        yield Piece(_columns([one for _, one in sold]), lines, broken)


def _columns(records: list[dict[str, Any]]) -> dict[str, Column]:
    """The sessions, a member of all of them at a time."""

    def told(name: str) -> Column:
        return text_cells([one.get(name) for one in records])

    tokens = [one.get("cdr_token") for one in records]
    points = [
        reach(one, "cdr_location", "coordinates") or reach(one, "location", "coordinates")
        for one in records
    ]
    costs = [one.get("total_cost") for one in records]
    no_tax = text_cells([reach(one, "excl_vat") for one in costs])
    count = len(records)
    return {
        "time": _in_utc(pc.coalesce(told("end_date_time"), told("stop_date_time"))),
        "quantity": told("total_energy"),
        "unit": pa.repeat("kWh", count),
        "amount": pc.coalesce(no_tax, text_cells(costs)),
        "currency": told("currency"),
        "receipt_id": told("id"),
        "place_lon": text_cells([reach(one, "longitude") for one in points]),
        "place_lat": text_cells([reach(one, "latitude") for one in points]),
        "product": pa.repeat("electricity", count),
        "contract_id": text_cells([reach(one, "contract_id") for one in tokens]),
        "token_uid": text_cells([reach(one, "uid") for one in tokens]),
        "auth_id": told("auth_id"),
    }


def _in_utc(moments: Column) -> Column:
    """The moments with the sign for UTC, which may be left out: every moment is UTC."""
    is_signed = pc.match_substring_regex(moments, r"[Zz]$|\+")
    return pc.if_else(is_signed, moments, pc.binary_join_element_wise(moments, "Z", ""))


def _credit(file: str, line: int) -> Rejection:
    text = "a credit takes back a session; withdraw the file that it came with, or correct it"
    return Rejection(file, line, "credit", "credit_no_purchase", text)


def _is_certain(head: bytes) -> bool:
    return b'"start_date_time"' in head and b'"total_energy"' in head


DIALECT = Dialect(
    name="ocpi",
    title="OCPI, charge detail records",
    text="Charging sessions as JSON: a record, a list, a record on each line, or the answer of an"
    " interface with its `data`.",
    kinds=("energy",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"time_zone": "UTC"},
    vehicle="none: say the truck, or take a card whose number is that of the truck by"
    " `columns: {vehicle_id: contract_id}`; offered: `contract_id`, `token_uid`, `auth_id`",
)
