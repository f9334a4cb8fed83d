"""A customer's report of a month by its inventory: table, workbook or PDF, the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from fleet_carbon.frames import DAY, NUMBER, SHIPMENTS, TEXT, Column, Frame
from fleet_carbon.papers.reports import shipper_pdf
from fleet_carbon.papers.workbook import shipper_workbook
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts.inventories import (
    PLACES,
    Inventory,
    read_inventory,
    shipper_row,
)
from fleet_carbon.services.accounts.place_naming import place_texts
from fleet_carbon.services.intake.withdrawing import month_window
from fleet_carbon.services.papers.composed_reports import ComposedReport, Form
from fleet_carbon.services.papers.stating import refuse_language
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.shipper_report import ShipperFacts, compose_shipper_report
from fleet_carbon.storage.unit_of_work import open_storage

_ENDS = {"origin": "pickup", "destination": "delivery"}
SHIPPED = Frame(
    "shipper_report",
    "The shipments of a customer in a month, each with its footprint.",
    ("shipment_id",),
    (
        SHIPMENTS.column("shipment_id"),
        Column("departed_on", DAY, "Day of departure from the place of loading, local."),
        Column("origin", TEXT, "Place of loading."),
        Column("destination", TEXT, "Place of unloading."),
        *map(
            SHIPMENTS.column,
            ("cargo_t", "distance_gcd_km", "distance_sfd_km", "distance_kind", "activity_tkm"),
        ),
        Column("co2e_ttw_kg", NUMBER, "Tank-to-wheel CO2e.", "kg"),
        Column("co2e_wtw_kg", NUMBER, "Well-to-wheel CO2e.", "kg"),
        *map(SHIPMENTS.column, ("data_class", "toc_id")),
    ),
)


def _shipments_csv(composed: dict[str, Any]) -> bytes:
    """The shipments as `SHIPPED`."""
    [table] = [one for one in composed["tables"] if one["name"] == "shipments"]
    names = [column["name"] for column in table["columns"]]
    rows = SHIPPED.shape(pd.DataFrame(table["rows"], columns=names))
    return tables.to_bytes(rows, SHIPPED, "csv")


class ShipperReport(ComposedReport):
    """A customer's month in one language, by `statements.shipper_report.compose_shipper_report`."""

    forms: ClassVar[Mapping[str, Form]] = {
        ".csv": _shipments_csv,
        ".xlsx": shipper_workbook,
        ".pdf": shipper_pdf,
    }


SUFFIXES = (*ShipperReport.forms, ".json")


def make_shipper_report(
    settings: Settings, shipper_id: str, month: str, *, language: str = "en", distance: str = ""
) -> ShipperReport:
    """Compose the report of a customer's month by the month's latest close.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    shipper_id : str
        The customer, as orders name it.
    month : str
        YYYY-MM.
    language : str
        ``en`` or ``zh``.
    distance : str
        By which distance activity is told, ``gcd`` or ``sfd``; empty for that of the edition.

    Raises
    ------
    InputRefused
        If month, language or distance are none.
    NotFound
        ``month_not_closed``, ``shipper_not_found``.
    """
    refuse_language(language)
    book = read_inventory(settings, month, distance=distance)
    whole = shipper_row(book, shipper_id)
    rows = book.tables["shipments"]
    own = rows[(rows["shipper_id"] == shipper_id).fillna(value=False)]
    own = own.sort_values(["departed_at", "shipment_id"], kind="stable")
    tocs = book.tables["tocs"]
    unproven = book.unproven[(book.unproven["shipper_id"] == shipper_id).fillna(value=False)]
    closed_on, places = _on_record(settings, book, own, language)
    carrier, *_ = settings.companies.get(settings.fleet, (book.fleet_id,))
    heading = {name: held for name, held in book.heading().items() if name != "closed_at"}
    facts = ShipperFacts(
        heading={**heading, "carrier_name": carrier},
        closed_on=closed_on,
        whole=whole,
        shipments=[
            {**row, **placed} for row, placed in zip(tables.records(own), places, strict=True)
        ],
        tocs=tables.records(tocs[tocs["toc_id"].isin(own["toc_id"])]),
        unproven=[
            {"order_id": order_id, "reason_code": code}
            for order_id, code in zip(
                unproven["order_id"].tolist(), unproven["reason_code"].tolist(), strict=True
            )
        ],
    )
    return ShipperReport(compose_shipper_report(facts, language))


def write_shipper_report(report: ShipperReport, output: Path) -> None:
    """Write a report to a file whose suffix names its form.

    Raises
    ------
    InputRefused
        If the suffix is none of `SUFFIXES`, or the file cannot be written there.
    """
    tables.write_whole(report.content(output.suffix.lower()), output)


def _on_record(
    settings: Settings, book: Inventory, own: pd.DataFrame, language: str
) -> tuple[str, list[dict[str, Any]]]:
    """Day of the close, and of each shipment its places and the day on which it departed."""
    closed_at = datetime.fromisoformat(book.closed_at)
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(known_at=closed_at) as work,
    ):
        month = parse_month(book.month, storage.zone)
        columns = (*PLACES, *(f"{end}_place" for end in _ENDS.values()))
        orders = work.orders.in_force(month_window(settings, month), columns).set_index("order_id")
        zone = storage.zone
    of_own = orders.loc[own["shipment_id"].tolist()]
    departed = own["departed_at"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d")
    told: dict[str, list[Any]] = {"departed_on": departed.astype(object).tolist()}
    for name, end in _ENDS.items():
        told[name] = _places(of_own, end, language)
    names = list(told)
    return f"{closed_at.astimezone(zone):%Y-%m-%d}", [
        {name: _plain(value) for name, value in zip(names, row, strict=True)}
        for row in zip(*told.values(), strict=True)
    ]


def _places(orders: pd.DataFrame, end: str, language: str) -> list[str]:
    """How the customer called each place; its city where it had no name."""
    named: list[str] = orders[f"{end}_place"].fillna("").tolist()
    bare = [at for at, name in enumerate(named) if not name]
    lon, lat = (orders[f"{end}_{axis}"].to_numpy(float)[bare].tolist() for axis in ("lon", "lat"))
    if bare:  # the borders of cities are read for nothing else
        for at, text in zip(bare, place_texts(lon, lat, language), strict=True):
            named[at] = text
    return named


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value
