"""OCPI: charge detail records of charging sessions, versions 2.1.1 to 2.3.

https://evroaming.org, module CDRs. Energy is kWh, moments are UTC and may lack the sign for it, the
cost is without tax, a credit takes an earlier record back. A record names the card, not the truck.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
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
from fleet_carbon.ingest.dialects.nested import text_cells
from fleet_carbon.ingest.dialects.records import RecordReader, Scalar
from fleet_carbon.ingest.profiles import SourceProfile

_EXPECTED = "charge detail records with start_date_time and total_energy"


class _Token(msgspec.Struct, gc=False):
    uid: Scalar = None
    contract_id: Scalar = None


class _Point(msgspec.Struct, gc=False):
    longitude: Scalar = None
    latitude: Scalar = None


class _Location(msgspec.Struct, gc=False):
    coordinates: _Point | None = None


class _Cost(msgspec.Struct, gc=False):
    excl_vat: Scalar = None


class _Record(msgspec.Struct, gc=False):
    """A record, or the answer of an interface that lists them beside a code of the state."""

    id: Scalar = None
    start_date_time: Scalar = None
    end_date_time: Scalar = None
    stop_date_time: Scalar = None
    auth_id: Scalar = None
    cdr_token: _Token | None = None
    cdr_location: _Location | None = None
    location: _Location | None = None
    currency: Scalar = None
    total_cost: _Cost | Scalar = None
    total_energy: Scalar = None
    credit: Scalar = None
    data: list[_Record] | None = None


_DOCUMENTS = RecordReader(_Record)
_NO_TOKEN, _NOWHERE, _NO_POINT, _NO_COST = _Token(), _Location(), _Point(), _Cost()


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # energy alone; what the profile says holds for the cells
    return table_in_pieces(_pieces(path))


def _pieces(path: Path) -> Iterator[Piece]:
    is_met = False
    for read in _DOCUMENTS.read_blocks(blocks_of(path), file=path.name):
        counts = [1 if one.data is None else len(one.data) for one in read.held]
        records = [
            one for held in read.held for one in ((held,) if held.data is None else held.data)
        ]
        lines = np.repeat(read.lines, counts)
        is_met |= not records or any(one.start_date_time is not None for one in records)
        if not is_met:
            raise not_of("an operator of charge points by OCPI", path, _EXPECTED)
        is_credit = np.array([one.credit is True for one in records], dtype=np.bool_)
        credits = (_credit(path.name, line) for line in lines[is_credit].tolist())
        sold = [one for one in records if one.credit is not True]
        yield Piece(_columns(sold), lines[~is_credit], (*read.broken, *credits))


def _columns(records: list[_Record]) -> dict[str, Column]:
    """The sessions, a member of all of them at a time."""

    def told(name: str) -> Column:
        return text_cells([getattr(one, name) for one in records])

    tokens = [one.cdr_token or _NO_TOKEN for one in records]
    points = [
        (one.cdr_location or one.location or _NOWHERE).coordinates or _NO_POINT for one in records
    ]
    costs = [one.total_cost for one in records]
    parted = [cost if isinstance(cost, _Cost) else _NO_COST for cost in costs]
    no_tax = text_cells([one.excl_vat for one in parted])
    whole = text_cells([None if isinstance(cost, _Cost) else cost for cost in costs])
    count = len(records)
    return {
        "time": _in_utc(pc.coalesce(told("end_date_time"), told("stop_date_time"))),
        "quantity": told("total_energy"),
        "unit": pa.repeat("kWh", count),
        "amount": pc.coalesce(no_tax, whole),
        "currency": told("currency"),
        "receipt_id": told("id"),
        "place_lon": text_cells([one.longitude for one in points]),
        "place_lat": text_cells([one.latitude for one in points]),
        "product": pa.repeat("electricity", count),
        "contract_id": text_cells([one.contract_id for one in tokens]),
        "token_uid": text_cells([one.uid for one in tokens]),
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
