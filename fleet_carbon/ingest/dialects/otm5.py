"""Open Trip Model 5: trips with their actions, consignments and goods.

https://opentripmodel.org, schemas Trip, Stop, Load, Unload, Consignment, Goods. Entities stand
inside one another or are referred to by their id. Masses are those of a single good, times its
quantity. Of what was planned, expected and done, what was done counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.errors import Rejection
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
from fleet_carbon.units import T_PER

_EXPECTED = "trips as JSON, with actions that load and unload consignments"
_DOCUMENTS: RecordReader[dict[str, Any]] = RecordReader(dict[str, Any])
_DEPTH_MAX = 40
# Later ones are nearer to what happened.
_LIFECYCLES = ("requested", "planned", "projected", "actual", "realized")
_STATUSES = {
    "draft": "planned", "requested": "planned", "confirmed": "accepted", "accepted": "accepted",
    "modified": "accepted", "intransit": "accepted", "completed": "delivered",
    "cancelled": "cancelled",
}  # fmt: skip
# UN/ECE Recommendation 20 and the words that are written instead.
_UNITS = {
    "kgm": "kg", "kg": "kg", "kilogram": "kg", "kilograms": "kg", "tne": "t", "t": "t",
    "tonne": "t", "metric ton": "t", "grm": "g", "g": "g", "gram": "g", "lbr": "lb", "lb": "lb",
}  # fmt: skip
_Row = dict[str, str | None]
_Entity = dict[str, Any]


@dataclass(frozen=True)
class _Act:
    """A loading or unloading, with the stop at which it happens."""

    action: _Entity
    stop: _Entity

    def held(self, name: str) -> Any:
        """A member of the action, or else of its stop."""
        return self.action.get(name) if self.action.get(name) is not None else self.stop.get(name)

    @property
    def rank(self) -> int:
        """How near it is to what happened."""
        said = text_of(self.held("lifecycle")) or "planned"
        return _LIFECYCLES.index(said) if said in _LIFECYCLES else 0


class _Entities:
    """All entities of a document by their ids, for those that are only referred to."""

    def __init__(self, document: Any) -> None:
        self._document = document

    @cached_property
    def _by_id(self) -> dict[str, _Entity]:
        # Most documents refer to nothing, and are not walked through.
        found: dict[str, _Entity] = {}
        _collect(self._document, found, 0)
        return found

    def of(self, association: Any) -> _Entity:
        """The entity that an association holds or refers to; empty if there is none."""
        inline = reach(association, "entity")
        if isinstance(inline, dict):
            return inline
        identifier = first_text(reach(association, "uuid"), reach(association, "id"))
        if identifier is not None and identifier in self._by_id:
            return self._by_id[identifier]
        return association if isinstance(association, dict) else {}


def _collect(value: Any, found: dict[str, _Entity], depth: int) -> None:
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, dict):
        identifier = text_of(value.get("id"))
        if identifier is not None:
            found.setdefault(identifier, value)
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            _collect(one, found, depth + 1)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # orders alone; what the profile says holds for the cells
    return table_in_pieces(_pieces(path))


def _pieces(path: Path) -> Iterator[Piece]:
    is_met = False
    for _, documents, broken in _DOCUMENTS.each(blocks_of(path), file=path.name):
        rows: list[_Row] = []
        lines: list[int] = []
        idle: list[Rejection] = []
        for line, document in documents:
            entities = _Entities(document)
            found = [_orders_of(trip, entities) for trip in _trips(document, entities)] or [[]]
            rows += [row for of_trip in found for row in of_trip]
            lines += [line for of_trip in found for _ in of_trip]
            idle += [_idle(path.name, line) for of_trip in found if not of_trip]
        is_met |= bool(rows) or not idle
        if not is_met:
            raise not_of("Open Trip Model 5", path, _EXPECTED)
        columns = {name: texts([row[name] for row in rows]) for name in _NAMES}
        yield Piece(columns, np.array(lines, dtype=np.int64), (*broken, *idle))


def _idle(file: str, line: int) -> Rejection:
    text = "the record is no trip that loads or unloads a consignment; it holds no order"
    return Rejection(file, line, "", "trip_without_consignment", text)


def _trips(document: _Entity, entities: _Entities) -> Iterator[_Entity]:
    """The trip that a document is, or those that it lists."""
    entity = document if "actions" in document else entities.of(document)
    if "actions" in entity:
        yield entity
        return
    for name in ("trips", "items", "data"):
        for one in objects(entity.get(name)):
            yield entities.of(one)


def _orders_of(trip: _Entity, entities: _Entities) -> list[_Row]:
    """One order for each consignment that the trip loads or unloads."""
    orders: list[_Row] = []
    loads: dict[str, list[_Act]] = {}
    unloads: dict[str, list[_Act]] = {}
    consignments: dict[str, _Entity] = {}
    for act in _acts(trip, entities, {}, 0):
        consignment = entities.of(act.action.get("consignment"))
        identifier = first_text(consignment.get("id"), consignment.get("uuid")) or ""
        consignments.setdefault(identifier, consignment)
        is_load = text_of(act.action.get("actionType")) == "load"
        (loads if is_load else unloads).setdefault(identifier, []).append(act)
    for identifier, consignment in consignments.items():
        acts = _nearest(loads.get(identifier, [])), _nearest(unloads.get(identifier, []))
        orders.append(_order(trip, identifier, consignment, acts=acts, entities=entities))
    return orders


def _order(
    trip: _Entity,
    identifier: str,
    consignment: _Entity,
    *,
    acts: tuple[_Act, _Act],
    entities: _Entities,
) -> _Row:
    load, unload = acts
    return {
        "order_id": _key(trip, identifier),
        "version": _version(trip, consignment),
        **_truck(trip, entities),
        "driver_id": _actor(trip, ("driver",), "id", entities),
        "shipper_id": _actor(consignment, ("shipper", "consignor"), "name", entities),
        "cargo_t": _mass_kg(consignment, entities),
        "status": _status(trip, consignment),
        **_end("pickup", load, entities),
        **_end("delivery", unload, entities),
    }


def _acts(holder: _Entity, entities: _Entities, stop: _Entity, depth: int) -> Iterator[_Act]:
    """Loadings and unloadings in the order of the document, at stops or beside them."""
    for association in objects(holder.get("actions")):
        action = entities.of(association)
        if text_of(action.get("actionType")) in ("load", "unload"):
            at = stop or entities.of(action.get("stop") or {})
            yield _Act(action, at)
        elif depth < _DEPTH_MAX:
            yield from _acts(action, entities, action, depth + 1)


def _nearest(acts: list[_Act]) -> _Act:
    """What is nearest to what happened."""
    return max(acts, key=lambda act: act.rank, default=_NO_ACT)


def _key(trip: _Entity, consignment: str) -> str | None:
    """Trip and consignment: a consignment may go on with another truck."""
    return ":".join(part for part in (text_of(trip.get("id")), consignment) if part) or None


def _version(trip: _Entity, consignment: _Entity) -> str | None:
    """The later of both last changes as milliseconds since 1970; None if none is told."""
    found = []
    for entity in (trip, consignment):
        moment_ms = _moment_ms(text_of(entity.get("lastModified")) or "")
        if moment_ms is not None:
            found.append(moment_ms)
    return str(max(found)) if found and max(found) >= 0 else None


def _moment_ms(said: str) -> int | None:
    """A moment, of UTC where it says no zone; None if it is none."""
    if not said:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:  # what is not plain ISO 8601 takes a hundred times as long
        parsed = pd.to_datetime(said, utc=True, errors="coerce")
        return None if pd.isna(parsed) else int(parsed.timestamp() * 1000)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _truck(trip: _Entity, entities: _Entities) -> _Row:
    vehicle = entities.of(trip.get("vehicle"))
    plate = text_of(vehicle.get("licensePlate"))
    identifier = first_text(vehicle.get("id"), vehicle.get("uuid"))
    return {
        "vehicle_id": None if plate else first_text(identifier, vehicle.get("name")),
        "plate": plate,
        "vehicle_uuid": identifier,
        "vehicle_name": text_of(vehicle.get("name")),
    }


def _actor(holder: _Entity, roles: tuple[str, ...], name: str, entities: _Entities) -> str | None:
    for association in objects(holder.get("actors")):
        held = association.get("roles")
        told = [text_of(one) for one in held] if isinstance(held, list) else []
        if set(told) & set(roles):
            actor = entities.of(association)
            return first_text(actor.get(name), actor.get("id"), association.get("uuid"))
    return None


def _mass_kg(consignment: _Entity, entities: _Entities) -> str | None:
    """The mass of all goods; with its packing where it is told. [kg]"""
    goods = [entities.of(one) for one in objects(consignment.get("goods"))]
    return sum_text([_good_kg(good) for good in goods])


def _good_kg(good: _Entity) -> str | None:
    """Quantity times the mass of one. [kg]"""
    stated = good.get("grossWeight") or good.get("weight")
    mass, unit = text_of(reach(stated, "value")), text_of(reach(stated, "unit"))
    if mass is None:
        return None
    known = _UNITS.get((unit or "").lower())
    if known is None:
        return f"{mass} {unit or '(no unit)'}"
    try:
        quantity = Decimal(text_of(good.get("quantity")) or "1")
        found = quantity * Decimal(mass) * Decimal(str(T_PER[known])) * 1000
    except InvalidOperation:
        return mass
    return f"{found:f}" if found.is_finite() and abs(found.adjusted()) < 30 else mass


def _status(trip: _Entity, consignment: _Entity) -> str | None:
    for entity in (consignment, trip):
        known = _STATUSES.get((text_of(entity.get("status")) or "").lower())
        if known is not None:
            return known
    return None


def _end(end: str, act: _Act, entities: _Entities) -> _Row:
    """Place and moment of one end: a loading counts from its end, an unloading from its start."""
    location = entities.of(act.held("location"))
    point = location.get("geoReference")
    names = ("endTime", "startTime") if end == "pickup" else ("startTime", "endTime")
    times = [act.action.get(name) for name in names] + [act.stop.get(name) for name in names]
    return {
        f"{end}_time": first_text(*times),
        f"{end}_lon": text_of(reach(point, "lon")),
        f"{end}_lat": text_of(reach(point, "lat")),
        f"{end}_place": _address(location),
    }


def _address(location: _Entity) -> str | None:
    """The address as text; the name of the place where there is none."""
    held = location.get("administrativeReference") or location.get("geoReference")
    names = ("street", "houseNumber", "postalCode", "city", "country")
    parts = [text_of(reach(held, name)) for name in names]
    return " ".join(part for part in parts if part) or text_of(location.get("name"))


_NO_ACT = _Act({}, {})
_NAMES = tuple(_order({}, "", {}, acts=(_NO_ACT, _NO_ACT), entities=_Entities({})))


def _is_certain(head: bytes) -> bool:
    return b'"associationType"' in head and b'"actionType"' in head


DIALECT = Dialect(
    name="otm5",
    title="Open Trip Model 5",
    text="Trips as JSON with stops, loadings and unloadings, entities inside one another or by"
    " their ids in the same document: a document, a list, or a document on each line.",
    kinds=("orders",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"cargo": "kg"}},
    vehicle="the registered truck of `licensePlate`, else the `id` of the vehicle; also offered:"
    " `vehicle_uuid`, `vehicle_name`",
)
