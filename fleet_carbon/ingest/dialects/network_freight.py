"""China's electronic waybill of network freight platforms (网络货运电子运单), and its message of a
vehicle.

Fields by the ministry's access guide (部网络货运信息交互系统接入指南). A waybill is known by
number and serial number; masses of goods are kg, those of vehicles t; moments are civil time of
China without a zone; places are an address and a region code by GB/T 2260. Names and identity
numbers of drivers are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    blocks_of,
    not_of,
    table_in_pieces,
)
from fleet_carbon.ingest.dialects.nested import first_text, objects, reach, sum_text, text_of, texts
from fleet_carbon.ingest.dialects.records import RecordReader
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.register import look_personal

_EXPECTED = "JSON with shippingNoteNumber, or with vehicleNumber and vehicleTonnage for vehicles"
_DOCUMENTS: RecordReader[dict[str, Any]] = RecordReader(dict[str, Any])
_NO_TRUCK_M3 = 1_000
_LOADING, _UNLOADING = "10", "20"
_ENDS = {
    "pickup": ("consignorInfo", "placeOfLoading", "loadingCountrySubdivisionCode", "despatch"),
    "delivery": (
        *("consigneeInfo", "goodsReceiptPlace", "receiptCountrySubdivisionCode", "receipt"),
    ),
}
_MOMENTS = {"despatch": "despatchActualDateTime", "receipt": "goodsReceiptDateTime"}
_Row = dict[str, str | None]

# Taking every document apart is half of the work, and most files are of the later guide.
_CAPITALISED = re.compile(rb'"([A-Z]|\\u00[45])\w*"\s*:')


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del profile  # what it says of units and zone holds for the cells
    return table_in_pieces(_pieces(path, kind))


def _pieces(path: Path, kind: str) -> Iterator[Piece]:
    key = "vehicleNumber" if kind == "vehicles" else "shippingNoteNumber"
    rows_of = _vehicles_of if kind == "vehicles" else _orders_of
    names = list(next(rows_of({})))
    is_met = False
    for content, documents, broken in _DOCUMENTS.each(blocks_of(path), file=path.name):
        is_capitalised = _CAPITALISED.search(content) is not None
        rows: list[_Row] = []
        lines: list[int] = []
        for line, told in documents:
            document = _uncapitalised(told) if is_capitalised else told
            is_met |= key in document
            # A document may hold several rows, all of them on its line.
            of_document = list(rows_of(document))
            rows += of_document
            lines += [line] * len(of_document)
        if rows and not is_met:
            raise not_of("a network freight platform", path, _EXPECTED)
        columns = {name: texts([row[name] for row in rows]) for name in names}
        yield Piece(columns, np.array(lines, dtype=np.int64), tuple(broken))


def _uncapitalised(value: Any) -> Any:
    """Members by the names of the guide; its predecessor began them with capitals."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _uncapitalised(one) for key, one in value.items()}
    return [_uncapitalised(one) for one in value] if isinstance(value, list) else value


def _orders_of(waybill: dict[str, Any]) -> Iterator[_Row]:
    """One order for each vehicle; one without a vehicle where none is told, which is refused."""
    vehicles = objects(waybill.get("vehicleInfo")) or [{}]
    is_shared = len(vehicles) > 1
    for place, vehicle in zip(count(1), vehicles):
        yield {
            "order_id": _key(waybill, place if is_shared else 1),
            "version": text_of(waybill.get("sendToProDateTime")),
            "plate": text_of(vehicle.get("vehicleNumber")),
            "plate_color_code": text_of(vehicle.get("vehiclePlateColorCode")),
            **_cargo(vehicle, waybill),
            **_end("pickup", waybill, vehicle),
            **_end("delivery", waybill, vehicle),
            "shipper_id": _shipper(reach(waybill, "consignorInfo")),
            # The amount is of the whole waybill; nothing tells how several trucks share it.
            "price": None if is_shared else text_of(waybill.get("totalMonetaryAmount")),
            "status": "delivered",
        }


def _key(waybill: dict[str, Any], place: int) -> str | None:
    """Number and serial number; further trucks of one message by their place in it."""
    note = text_of(waybill.get("shippingNoteNumber"))
    if note is None:
        return None
    serial = text_of(waybill.get("serialNumber")) or "0000"
    key = f"{note}-{serial.zfill(4)}"
    return key if place == 1 else f"{key}-{place}"


def _cargo(vehicle: dict[str, Any], waybill: dict[str, Any]) -> _Row:
    goods = objects(vehicle.get("goodsInfo")) or objects(waybill.get("goodsInfo"))
    volume = sum_text([text_of(one.get("cube")) for one in goods])
    return {
        "cargo_t": sum_text([text_of(one.get("goodsItemGrossWeight")) for one in goods]),
        "cargo_m3": None if volume and _is_in_other_units(volume) else volume,
    }


def _is_in_other_units(volume: str) -> bool:
    """Whether no truck has such a room in m3: platforms send cm3, too."""
    try:
        return Decimal(volume) >= _NO_TRUCK_M3
    except InvalidOperation:
        return False


def _end(end: str, waybill: dict[str, Any], vehicle: dict[str, Any]) -> _Row:
    """Place and moment of one end: the vehicle's own where it has them."""
    party, place, code, moment = _ENDS[end]
    points = _points(waybill, _LOADING if end == "pickup" else _UNLOADING)
    point = (points[0] if end == "pickup" else points[-1]) if points else {}
    actual = _MOMENTS[moment]
    # Loading ends with the departure, unloading begins with the arrival.
    of_point = ("actualSendTime", "sendTime") if end == "pickup" else ("actualArriveTime",)
    return {
        f"{end}_time": first_text(
            vehicle.get(actual), waybill.get(actual), *(point.get(name) for name in of_point)
        ),
        f"{end}_place": first_text(
            vehicle.get(place), reach(waybill, party, place), point.get("pointAddress")
        ),
        f"{end}_region_code": first_text(
            vehicle.get(code),
            reach(waybill, party, "countrySubdivisionCode"),
            point.get("pointCode"),
        ),
        f"{end}_lon": text_of(point.get("pointLongitude")),
        f"{end}_lat": text_of(point.get("pointLatitude")),
    }


def _points(waybill: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Places on the map that a platform's own interface adds, in their order."""
    points = [
        one
        for one in objects(waybill.get("cargoPointList"))
        if text_of(one.get("pointType")) == kind
    ]
    return sorted(points, key=lambda one: (text_of(one.get("pointSort")) or "").zfill(9))


def _shipper(party: Any) -> str | None:
    """The consignor's identifier: of a company its credit code; a person's number is not read."""
    identifier = text_of(reach(party, "consignorID"))
    return None if identifier is None or look_personal([identifier]) else identifier


def _vehicles_of(message: dict[str, Any]) -> Iterator[_Row]:
    yield {
        "plate": text_of(message.get("vehicleNumber")),
        "plate_color_code": text_of(message.get("vehiclePlateColorCode")),
        "rated_payload_t": text_of(message.get("vehicleTonnage")),
        "energy": text_of(message.get("vehicleEnergyType")),
    }


def _is_certain(head: bytes) -> bool:
    return b'"shippingNoteNumber"' in head and b'"vehicleInfo"' in head


DIALECT = Dialect(
    name="network_freight",
    title="网络货运电子运单, the waybill of China's network freight platforms",
    text="Waybills as JSON, one for each vehicle in `vehicleInfo`: a document, a list or a document"
    " on each line; with places on the map where a platform adds `cargoPointList`. The message of a"
    " vehicle as kind vehicles. Names with capitals as of the earlier guide, too.",
    kinds=("orders", "vehicles"),
    open_table=_open,
    is_certain=_is_certain,
    declares={
        "units": {"cargo": "kg", "mass": "t"},
        "time_zone": "Asia/Shanghai",
        "crs": "gcj02",
        "constants": {"currency": "CNY"},
    },
    vehicle="the registered truck of plate and colour",
)
