"""OCPI: charge detail records of charging sessions, versions 2.1.1 to 2.3.

https://evroaming.org, module CDRs. Energy is kWh, moments are UTC and may lack the sign for it, the
cost is without tax, a credit takes an earlier record back. A record names the card, not the truck.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest.dialects.dialect import Dialect, DialectTable, Piece, content_of, not_of
from fleet_carbon.ingest.dialects.dialect import table_of as table_of_piece
from fleet_carbon.ingest.dialects.nested import first_text, objects, reach, text_of, texts
from fleet_carbon.ingest.dialects.records import RecordReader
from fleet_carbon.ingest.profiles import SourceProfile

_EXPECTED = "charge detail records with start_date_time and total_energy"
_DOCUMENTS: RecordReader[dict[str, Any]] = RecordReader(dict[str, Any])
_COLUMNS = (
    *("time", "quantity", "unit", "amount", "currency", "receipt_id", "place_lon", "place_lat"),
    *("product", "contract_id", "token_uid", "auth_id"),
)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # energy alone; what the profile says holds for the cells
    read = _DOCUMENTS.read(content_of(path), file=path.name)
    records: list[tuple[int, dict[str, Any]]] = []
    for line, document in zip(read.lines.tolist(), read.held, strict=True):
        # The answer to a request for records lists them beside a code of the state.
        listed = document.get("data")
        held = objects(listed) if "start_date_time" not in document else [document]
        records += [(line, one) for one in held or [document]]
    if records and not any("start_date_time" in one for _, one in records):
        raise not_of("an operator of charge points by OCPI", path, _EXPECTED)
    credits = [(line, one) for line, one in records if one.get("credit") is True]
    sold = [pair for pair in records if pair[1].get("credit") is not True]
    rows = [_session(one) for _, one in sold]
    columns = {name: texts([row[name] for row in rows]) for name in _COLUMNS}
    broken = (*read.broken, *(_credit(path.name, line) for line, _ in credits))
    lines = np.array([line for line, _ in sold], dtype=np.int64)
    return table_of_piece(Piece(columns, lines, broken))


def _session(record: dict[str, Any]) -> dict[str, str | None]:
    point = reach(record, "cdr_location", "coordinates") or reach(record, "location", "coordinates")
    cost = record.get("total_cost")
    return {
        "time": _in_utc(first_text(record.get("end_date_time"), record.get("stop_date_time"))),
        "quantity": text_of(record.get("total_energy")),
        "unit": "kWh",
        "amount": first_text(reach(cost, "excl_vat"), cost),
        "currency": text_of(record.get("currency")),
        "receipt_id": text_of(record.get("id")),
        "place_lon": text_of(reach(point, "longitude")),
        "place_lat": text_of(reach(point, "latitude")),
        "product": "electricity",
        "contract_id": text_of(reach(record, "cdr_token", "contract_id")),
        "token_uid": text_of(reach(record, "cdr_token", "uid")),
        "auth_id": text_of(record.get("auth_id")),
    }


def _in_utc(moment: str | None) -> str | None:
    """The moment with the sign for UTC, which may be left out: every moment is UTC."""
    if moment is None or moment.endswith(("Z", "z")) or "+" in moment:
        return moment
    return f"{moment}Z"


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
