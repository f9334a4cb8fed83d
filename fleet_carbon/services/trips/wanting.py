"""Orders that somebody asks about: on record by their id alone, or told with all they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ORDERS
from fleet_carbon.ingest.coordinates import to_wgs84
from fleet_carbon.ingest.orders import PlaceFinder
from fleet_carbon.ingest.places import Gazetteer, Place
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.readers import open_table
from fleet_carbon.ingest.values import text_of
from fleet_carbon.services.intake.geocoding import configured_geocoder
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import UnitOfWork

ENDS = ("pickup", "delivery")
_TOLD = ("cargo_t", "pickup_time", "delivery_time")
_FIRST_YEAR, _LAST_YEAR = 1971, 2199
_CHUNK_ROWS = 10_000
_NUMBERS = {
    "cargo_t", "cargo_m3", "pickup_lon", "pickup_lat", "delivery_lon", "delivery_lat",
}  # fmt: skip


@dataclass(frozen=True)
class OrderWanted:
    """An order as it is asked about: columns as in `frames.ORDERS`, what is None was not told.

    Attributes
    ----------
    order_id : str
        Alone it means the order on record.
    cargo_t, cargo_m3 : float or None
        Mass and volume. [t], [m3]
    pickup_lon, pickup_lat, delivery_lon, delivery_lat : float or None
        Places. [deg]
    pickup_place, delivery_place : str or None
        Places by name, where there are no coordinates.
    pickup_time, delivery_time : str or None
        Planned moments, ISO 8601; without offset in the fleet's zone.
    pickup_from, pickup_until, delivery_until : str or None
        Windows of arrival; by default as early as one likes, and the rules' window after the
        planned moment.
    weight_source : str
        How the weight is known.
    """

    order_id: str
    cargo_t: float | None = None
    cargo_m3: float | None = None
    pickup_lon: float | None = None
    pickup_lat: float | None = None
    delivery_lon: float | None = None
    delivery_lat: float | None = None
    pickup_place: str | None = None
    delivery_place: str | None = None
    pickup_time: str | None = None
    delivery_time: str | None = None
    pickup_from: str | None = None
    pickup_until: str | None = None
    delivery_until: str | None = None
    weight_source: str = "declared"

    @property
    def is_told(self) -> bool:
        """Whether more than its name was told."""
        return self != replace(OrderWanted(self.order_id), weight_source=self.weight_source)


@dataclass(frozen=True)
class Wanted:
    """Orders with all that is needed.

    Attributes
    ----------
    orders : DataFrame
        `frames.ORDERS`, in the order asked.
    pickup_from, pickup_until, delivery_until : list of datetime or None
        Windows, where they were told.
    """

    orders: pd.DataFrame
    pickup_from: list[datetime | None]
    pickup_until: list[datetime | None]
    delivery_until: list[datetime | None]


def orders_named(named: Sequence[str]) -> tuple[OrderWanted, ...]:
    """Orders by their names on record, or with all they need in files.

    Parameters
    ----------
    named : sequence of str
        Each the path of a file with columns as the fields of `OrderWanted`, or an order_id.

    Raises
    ------
    InputRefused
        ``column_missing`` or ``number_malformed``, or if a file cannot be read.
    """
    found: list[OrderWanted] = []
    for one in named:
        path = Path(one)
        found += _in_file(path) if path.is_file() else [OrderWanted(one)]
    return tuple(found)


def _in_file(path: Path) -> list[OrderWanted]:
    table = open_table(path, SourceProfile())
    known = [one.name for one in fields(OrderWanted)]
    if "order_id" not in table.names:
        raise InputRefused(
            "column_missing",
            f"{path.name} has no column order_id.",
            f"Columns: {', '.join(known)}; other columns are ignored.",
        )
    names = [name for name in known if name in table.names]
    places = [table.names.index(name) for name in names]
    rows: list[OrderWanted] = []
    for chunk in table.chunks(places, _CHUNK_ROWS):
        cells = [text_of(chunk.columns[place]).to_pylist() for place in places]
        rows += [_order(dict(zip(names, row, strict=True))) for row in zip(*cells, strict=True)]
    return rows


def _order(cells: dict[str, str | None]) -> OrderWanted:
    told: dict[str, Any] = {name: text.strip() for name, text in cells.items() if text}
    for name in _NUMBERS & told.keys():
        try:
            told[name] = float(told[name])
        except ValueError as wrong:
            raise InputRefused(
                "number_malformed",
                f"Order {told.get('order_id')!r}: {name} {told[name]!r} is no number.",
                "Write a decimal number with a point.",
            ) from wrong
    return OrderWanted(**told)


def moment_of(text: str, zone: ZoneInfo) -> datetime:
    """A moment as told; without an offset in the zone.

    Raises
    ------
    InputRefused
        ``moment_malformed``.
    """
    try:
        moment = datetime.fromisoformat(text)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError("no year of a trip")
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    except ValueError as wrong:
        raise InputRefused(
            "moment_malformed",
            f"{text!r} is not a moment.",
            "Write it as 2026-10-05T14:30, with an offset or Z if it is not in the fleet's zone.",
        ) from wrong


def read_wanted(
    work: UnitOfWork,
    settings: Settings,
    asked: Sequence[OrderWanted],
    *,
    zone: ZoneInfo,
    crs: str = "wgs84",
) -> Wanted:
    """Look up what is on record, and places by name.

    Parameters
    ----------
    work : UnitOfWork
        What is on record.
    settings : Settings
        Which geocoder is asked.
    asked : sequence of OrderWanted
        Different orders.
    zone : ZoneInfo
        Of moments without offset.
    crs : str
        Of the coordinates told.

    Raises
    ------
    InputRefused
        ``orders_named_twice``, ``order_incomplete``, ``place_unknown``, ``moment_malformed`` or
        ``order_not_plannable``.
    """
    names = [one.order_id for one in asked]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputRefused(
            "orders_named_twice", f"The order {twice!r} is named twice.", "Name each order once."
        )
    known = work.orders.named([one.order_id for one in asked if not one.is_told])
    rows = {row["order_id"]: row for row in known.to_dict("records")}
    places = _Places(settings, crs)
    found = [
        _told(one, places, zone) if one.is_told else _on_record(one.order_id, rows) for one in asked
    ]
    orders = ORDERS.shape(pd.DataFrame(found, columns=[c.name for c in ORDERS.columns]))

    def windows(name: str) -> list[datetime | None]:
        texts = [getattr(one, name) for one in asked]
        return [None if text is None else moment_of(text, zone) for text in texts]

    return Wanted(orders, *(windows(name) for name in ("pickup_from", "pickup_until",
                                                       "delivery_until")))  # fmt: skip


def _on_record(order_id: str, rows: dict[Any, Any]) -> dict[Any, Any]:
    if order_id not in rows:
        raise _incomplete(order_id, "is not on record, and nothing else is told of it")
    row: dict[Any, Any] = rows[order_id]
    if row["status"] == "cancelled":
        raise InputRefused(
            "order_not_plannable",
            f"The order {order_id!r} was cancelled.",
            "Leave it out, or send it again with a higher version.",
            order_id=order_id,
        )
    return row


def _told(one: OrderWanted, places: _Places, zone: ZoneInfo) -> dict[Any, Any]:
    missing = [name for name in _TOLD if getattr(one, name) is None]
    if missing:
        raise _incomplete(one.order_id, f"lacks {', '.join(missing)}")
    pickup, delivery = (moment_of(str(getattr(one, f"{end}_time")), zone) for end in ENDS)
    if delivery < pickup:
        raise InputRefused(
            "order_not_plannable",
            f"The order {one.order_id!r} is to be unloaded before it is loaded.",
            "Look whether pickup_time and delivery_time are interchanged.",
            order_id=one.order_id,
        )
    row: dict[Any, Any] = {
        "order_id": one.order_id,
        "vehicle_id": "",
        "cargo_t": one.cargo_t,
        "cargo_m3": one.cargo_m3,
        "pickup_time": pickup,
        "delivery_time": delivery,
        "weight_source": one.weight_source,
        "status": "planned",
        "version": 0,
    }
    for end in ENDS:
        place = places.of(one, end)
        row |= {f"{end}_lon": place.lon, f"{end}_lat": place.lat}
        row |= {f"{end}_uncertainty_km": place.uncertainty_km, f"{end}_place": place.name}
    return row


def _incomplete(order_id: str, what: str) -> InputRefused:
    return InputRefused(
        "order_incomplete",
        f"The order {order_id!r} {what}.",
        "Send cargo_t, pickup_time, delivery_time and both places (coordinates or names), or"
        " ingest the order first and name it alone.",
        order_id=order_id,
    )


class _Places:
    """Places as told: coordinates, else by name."""

    def __init__(self, settings: Settings, crs: str) -> None:
        self._gazetteer = Gazetteer()
        self._finder = PlaceFinder(self._gazetteer, configured_geocoder(settings))
        self._crs = crs

    def of(self, one: OrderWanted, end: str) -> Place:
        lon, lat = getattr(one, f"{end}_lon"), getattr(one, f"{end}_lat")
        name = getattr(one, f"{end}_place")
        if lon is not None and lat is not None:
            if self._crs != "wgs84":
                lons, lats = to_wgs84(
                    np.array([lon]),
                    np.array([lat]),
                    crs=self._crs,
                    mainland=self._gazetteer.mainland,
                )
                lon, lat = float(lons[0]), float(lats[0])
            return Place(lon, lat, 0.0, name or "", level="coordinates")
        if not name:
            raise _incomplete(one.order_id, f"lacks the place of its {end}")
        found = self._finder.find(name, None)
        if isinstance(found, Place):
            return found
        why = found or "no district of China has that name"
        raise InputRefused(
            "place_unknown",
            f"The order {one.order_id!r}: {name!r}: {why}.",
            f"Give {end}_lon and {end}_lat, or a district such as 韩城市, 610581 or an address.",
            order_id=one.order_id,
        )
