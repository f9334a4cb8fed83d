"""The inventory of a month as the data types of iLEAP: shipments, categories, activity data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

from fleet_carbon.periods import Month, parse_month
from fleet_carbon.services.inventories import Inventory, read_inventory
from fleet_carbon.services.place_naming import city_names
from fleet_carbon.services.withdrawing import month_window
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.ileap import (
    EnergyCarrier,
    Feedstock,
    GlecDistance,
    Location,
    ShipmentFootprint,
    Source,
    Toc,
    TransportActivityData,
    TransportChainElement,
    as_json,
)
from fleet_carbon.storage.unit_of_work import open_storage

_COUNTRY, _ROAD, _TKM = "CN", "Road", "tkm"
_CARRIERS = {
    "diesel": ("Diesel", "Fossil"),
    "lng": ("LNG", "Natural gas"),
    "cng": ("CNG", "Natural gas"),
    "methanol": ("Methanol", "Fossil"),
    "electric": ("Electric", "Grid"),
}
"""Energy of a truck -> energy carrier and feedstock."""
_GLEC = Source(name="GLEC Framework", version="3.0")
_PER_UNIT = 1_000_000
# More digits than a milligram of a month's tonnes needs.
_QUOTIENT, _FACTOR_DIGITS = Context(prec=12), 6


@dataclass(frozen=True)
class Exchanged:
    """What a month has to exchange.

    Attributes
    ----------
    shipments : tuple of ShipmentFootprint
    tocs : tuple of Toc
    tad : tuple of TransportActivityData
    left_out : dict of str to str
        Shipments and categories that cannot be told in this form, and why: ``no_footprint``,
        ``no_energy`` (a default intensity has no emission factor), ``no_place`` (of activity data).
    """

    shipments: tuple[ShipmentFootprint, ...]
    tocs: tuple[Toc, ...]
    tad: tuple[TransportActivityData, ...]
    left_out: dict[str, str]

    def documents(self, kind: str) -> dict[str, Any]:
        """The answer of a host: ``shipments``, ``tocs``, ``hocs`` (trucks make none) or ``tad``."""
        held: tuple[Any, ...] = () if kind == "hocs" else getattr(self, kind)
        return {"data": [as_json(one) for one in held]}


def exchange_month(settings: Settings, month: str) -> Exchanged:
    """The inventory of a closed month in the data types of iLEAP.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.

    Raises
    ------
    InputRefused
        ``month_malformed``, ``geography_missing``.
    NotFound
        ``month_not_closed``.
    """
    book = read_inventory(settings, month)
    places, period = _places(settings, book)
    tocs = {row["toc_id"]: row for row in tables.records(book.tables["tocs"])}
    left_out = {toc_id: why for toc_id, row in tocs.items() if (why := _lack(row))}
    shipments, activities = [], []
    for row in tables.records(book.tables["shipments"]):
        toc, shipment_id = tocs[row["toc_id"]], row["shipment_id"]
        if row["toc_id"] in left_out:
            left_out[shipment_id] = left_out[row["toc_id"]]
            continue
        ends = places[shipment_id]
        shipments.append(_shipment(row, toc, ends, book=book, period=period))
        if None in (*ends, row["departed_at"], row["arrived_at"]):
            left_out[f"tad {shipment_id}"] = "no_place"
            continue
        activities.append(_activity(row, toc, ends))
    return Exchanged(
        tuple(shipments),
        tuple(
            _category(row, book, period) for toc_id, row in tocs.items() if toc_id not in left_out
        ),
        tuple(activities),
        left_out,
    )


def write_documents(documents: dict[str, Any], output: Path) -> None:
    """Write the answer of a host to a file, whole or not at all.

    Raises
    ------
    InputRefused
        If it cannot be written there.
    """
    text = json.dumps(documents, ensure_ascii=False, indent=1)
    tables.write_whole(f"{text}\n".encode(), output)


def _lack(toc: Mapping[str, Any]) -> str:
    """Why a category cannot be told; empty if it can."""
    if toc["co2e_wtw_mg"] is None or not toc["activity_tkm"]:
        return "no_footprint"
    return "" if toc["energy_millionths"] else "no_energy"


def _places(
    settings: Settings, book: Inventory
) -> tuple[dict[str, tuple[Location | None, ...]], Month]:
    """Both ends of every shipment by their cities, and the month in the fleet's zone."""
    closed_at = datetime.fromisoformat(book.closed_at)
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(known_at=closed_at) as work,
    ):
        month = parse_month(book.month, storage.zone)
        orders = work.orders.in_force(month_window(settings, month))
    ids = book.tables["shipments"]["shipment_id"].tolist()
    # Of a month that came from another installation the orders did not: no place is known.
    own = orders.set_index("order_id").reindex(ids)
    ends = [
        map(_location, city_names(_column(own, end, "lon"), _column(own, end, "lat")))
        for end in ("pickup", "delivery")
    ]
    return dict(zip(ids, zip(*ends, strict=True), strict=True)), month


def _column(orders: Any, end: str, axis: str) -> Sequence[float]:
    values: Sequence[float] = orders[f"{end}_{axis}"].to_numpy(float).tolist()
    return values


def _location(city: str | None) -> Location | None:
    return None if city is None else Location(city=city, country=_COUNTRY)


def _told_of(row: Mapping[str, Any], book: Inventory, period: Month) -> dict[str, Any]:
    """Metadata of a footprint or category."""
    return {
        "company_name": book.fleet_id,
        "created_at": datetime.fromisoformat(book.closed_at),
        "period_starts_at": period.starts_at,
        "period_ends_at": period.ends_at,
        # Only where defaults were used; absent rather than empty.
        "secondary_sources": (_GLEC,) if row["data_class"] == "default" else None,
        "primary_data_percent_share": _rounded(100 * row["primary_share"]),
    }


def _shipment(
    row: Mapping[str, Any],
    toc: Mapping[str, Any],
    ends: Sequence[Location | None],
    *,
    book: Inventory,
    period: Month,
) -> ShipmentFootprint:
    mass_kg, distance = _mass_kg(row), _distance(row)
    element = TransportChainElement(
        tce_id=f"{row['shipment_id']}/{row['month']}",
        shipment_id=row["shipment_id"],
        previous_ids=(),
        toc_id=row["toc_id"],
        consignment_id=row["shipment_id"],
        mass_kg=mass_kg,
        distance=distance,
        origin=ends[0],
        destination=ends[1],
        activity_tkm=mass_kg * (distance.gcd_km or 0) / 1000,
        departed_at=_moment(row["departed_at"]),
        arrived_at=_moment(row["arrived_at"]),
        co2e_wtw_kg=_kg(row["co2e_wtw_mg"]),
        co2e_ttw_kg=_kg(row["co2e_ttw_mg"]),
    )
    return ShipmentFootprint(
        **_told_of({**row, "data_class": toc["data_class"]}, book, period),
        shipment_id=row["shipment_id"],
        mass_kg=mass_kg,
        tces=(element,),
    )


def _category(row: Mapping[str, Any], book: Inventory, period: Month) -> Toc:
    activity_tkm = Decimal(repr(row["activity_tkm"]))
    return Toc(
        **_told_of(row, book, period),
        toc_id=row["toc_id"],
        description=f"{row['vehicle_class']}, {row['energy']}, {row['distance_band']} hauls",
        mode=_ROAD,
        **_factors_of_distance(row),
        loading_sequence=row["loading"],
        energy_carriers=(_carrier(row, row, is_told=False),),
        co2e_wtw_kg_per_tkm=_QUOTIENT.divide(_kg(row["co2e_wtw_mg"]), activity_tkm),
        co2e_ttw_kg_per_tkm=_QUOTIENT.divide(_kg(row["co2e_ttw_mg"]), activity_tkm),
        activity_unit=_TKM,
    )


def _activity(
    row: Mapping[str, Any], toc: Mapping[str, Any], ends: Sequence[Any]
) -> TransportActivityData:
    return TransportActivityData(
        activity_id=f"{row['shipment_id']}/{row['month']}",
        consignment_ids=(row["shipment_id"],),
        distance=_distance(row),
        mass_kg=_mass_kg(row),
        **_factors_of_distance(toc),
        origin=ends[0],
        destination=ends[1],
        departed_at=datetime.fromisoformat(row["departed_at"]),
        arrived_at=datetime.fromisoformat(row["arrived_at"]),
        mode=_ROAD,
        energy_carriers=(_carrier(row, toc, is_told=True),),
    )


def _carrier(row: Mapping[str, Any], toc: Mapping[str, Any], *, is_told: bool) -> EnergyCarrier:
    """The energy carrier of a category; with what the row took of it, as a total, if it is told."""
    name, feedstock = _CARRIERS[toc["energy"]]
    quantity = Decimal(row["energy_millionths"]) / _PER_UNIT
    whole = Decimal(toc["energy_millionths"])
    return EnergyCarrier(
        energy_carrier=name,
        relative_share=Decimal(1),
        feedstocks=(Feedstock(feedstock=feedstock, feedstock_share=Decimal(1)),),
        consumed_quantity=quantity if is_told else None,
        consumed_unit=toc["energy_unit"] if is_told else None,
        factor_wtw_ratio=round(Decimal(toc["co2e_wtw_mg"]) / whole, _FACTOR_DIGITS),
        factor_ttw_ratio=round(Decimal(toc["co2e_ttw_mg"]) / whole, _FACTOR_DIGITS),
    )


def _factors_of_distance(toc: Mapping[str, Any]) -> dict[str, Any]:
    """Load factor and empty share, each only where the specification has a number for it."""
    load, empty = toc["load_factor_share"], toc["empty_share"]
    return {
        "load_factor_share": _rounded(load, 6) if load is not None and 0 < load <= 1 else None,
        "empty_distance_share": _rounded(empty, 6) if empty is not None and empty < 1 else None,
    }


def _distance(row: Mapping[str, Any]) -> GlecDistance:
    return GlecDistance(
        actual_km=_rounded(row["distance_actual_km"]), gcd_km=_rounded(row["distance_gcd_km"])
    )


def _mass_kg(row: Mapping[str, Any]) -> Decimal:
    return _rounded(1000 * row["cargo_t"])


def _kg(mass_mg: int) -> Decimal:
    return Decimal(mass_mg) / _PER_UNIT


def _rounded(value: float, digits: int = 3) -> Decimal:
    return round(Decimal(repr(float(value))), digits)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
