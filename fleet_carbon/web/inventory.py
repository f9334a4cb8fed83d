"""The inventory book of a month: categories, shipments, what is of nobody, customers."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, jsonify, request
from flask_openapi.models.tag import Tag
from pydantic import BaseModel, Field, create_model

from fleet_carbon.services.accounts import inventories, paging
from fleet_carbon.services.papers import shipper_reports
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web.answers import api, asked, named, problems, tagged, told, unchanged
from fleet_carbon.web.callers import allowed, fleet_settings
from fleet_carbon.web.shapes import Asked, MonthPath, Name, Optional, PageQuery, row_model
from fleet_carbon.web.spreadsheets import (
    CUSTOMER_PAPERS,
    JSON,
    as_file,
    file_answer,
    papers,
    tabular,
    wanted_paper,
    wanted_type,
)

INVENTORY = Tag(name="Inventory")
_FILTERS: dict[str, tuple[str, ...]] = {
    "tocs": ("vehicle_class", "energy"),
    "shipments": ("shipper_id", "vehicle_id", "toc_id"),
    "unattributed": ("energy",),
    "shippers": (),
}
"""What the rows of a table can be asked for by."""
INVENTORY_ROWS: dict[str, type[BaseModel]] = {
    name: row_model(frame, "Inventoried") for name, frame in inventories.FRAMES.items()
}
"""The rows of each table of the book."""


_DISTANCE: Any = Field(
    "",
    description="Activity by the great circle (gcd) or by the shortest feasible distance where it"
    " is told (sfd); by that of the edition if not said.",
)


class DistanceQuery(Asked):
    """By which distance activity is told."""

    distance: Literal["", "gcd", "sfd"] = _DISTANCE


class EnergyTold(BaseModel):
    """What was burnt of one energy."""

    energy: str
    energy_unit: str | None
    energy_millionths: int
    attributed_millionths: int = Field(description="Part of it that is of shipments.")


class EmittedTold(BaseModel):
    """CO2e, tank-to-wheel and well-to-wheel."""

    co2e_ttw_mg: int
    co2e_wtw_mg: int


class SummaryTold(BaseModel):
    """A month in some numbers."""

    distance_kind: str = Field(
        description="gcd: activity is by the great circle; sfd: by the shortest feasible distance."
    )
    other_distance_count: int = Field(
        description="Shipments whose activity is by the great circle, for no other was told."
    )
    distance_adjustment_ratio: float | None = Field(description="DAF of the month.")
    activity_tkm: float
    shipments_count: int
    unknown_count: int = Field(description="Shipments of unknown CO2e.")
    unproven_count: int = Field(description="Orders that no trace proves: no footprint.")
    energy: list[EnergyTold]
    attributed: EmittedTold
    unattributed: EmittedTold
    co2e_ttw_mg: int
    co2e_wtw_mg: int
    attributed_share: float | None
    primary_share: float | None


class InventoryTold(BaseModel):
    """What the inventory of a month comes to."""

    month: str
    fleet_id: str
    edition: str
    run_id: str
    closed_at: str
    summary: SummaryTold


@api.get(
    "/inventory/<string:month>",
    tags=[INVENTORY],
    responses={200: InventoryTold, 304: None, **problems(400, 404)},
)
@allowed(Deed.READ, audited=True)
def read_inventory(path: MonthPath, query: DistanceQuery) -> Response:
    """What the inventory of a month comes to, for shipments and for nobody, by ISO 14083."""
    book = inventories.read_inventory(fleet_settings(), path.month, distance=query.distance)
    return told(book.heading() | {"summary": book.summary})


def _table_route(name: str) -> None:
    frame = inventories.FRAMES[name]
    row = INVENTORY_ROWS[name]
    rows: Any = list[row]  # type: ignore[valid-type]  # made at run time
    page = create_model(
        f"Inventory{name.title()}Page",
        month=(str, ...),
        fleet_id=(str, ...),
        edition=(str, ...),
        run_id=(str, ...),
        rows=(rows, ...),
        rows_count=(int, ...),
        next_cursor=(str, ...),
    )
    filters: dict[str, Any] = {"distance": (Literal["", "gcd", "sfd"], _DISTANCE)} | {
        column: (Optional, Field("", description=f"Only rows of this {column}."))
        for column in _FILTERS[name]
    }

    @api.get(
        f"/inventory/<string:month>/{name}",
        tags=[INVENTORY],
        summary=frame.text,
        description="By page as JSON; whole as CSV, XLSX or Parquet, if Accept says so.",
        responses={200: tabular(page), 304: None, **problems(400, 404)},
    )
    @named(f"inventory_{name}")
    @allowed(Deed.READ, audited=True)
    @asked(query=create_model(f"Inventory{name.title()}Query", __base__=PageQuery, **filters))
    def read(path: MonthPath, query: Any) -> Response:
        settings, media_type = fleet_settings(), wanted_type()
        chosen = query.model_dump(exclude_defaults=True, exclude={"limit", "cursor", "distance"})
        if media_type != JSON:
            book = inventories.read_inventory(settings, path.month, distance=query.distance)
            found = book.tables[name]
            rows = paging.rows_with(found, chosen)
            return as_file(rows, frame, media_type, name=f"{name}-{path.month}")
        if request.if_none_match:  # a look at the records that others need not pay for
            known = unchanged(paging.run_id_of(settings, path.month))
            if known is not None:
                return known
        told_page = inventories.read_rows(
            settings,
            name,
            path.month,
            equal=chosen,
            distance=query.distance,
            cursor=query.cursor,
            limit_rows=query.limit,
        )
        return tagged(jsonify(told_page.as_dict()), told_page.run_id)


for _name in inventories.FRAMES:
    _table_route(_name)


class ShipperPath(MonthPath):
    """A customer in a month."""

    shipper_id: Name


class ShipperQuery(DistanceQuery):
    """In which language the report is, and by which distance."""

    language: Literal["en", "zh"] = "en"


class ShipperReportTold(BaseModel):
    """A customer's report as it is composed for every form."""

    format: str
    language: str
    month: str
    month_text: str
    fleet_id: str
    shipper_id: str
    edition: str
    run_id: str
    closed_on: str
    closed_text: str
    words: dict[str, str]
    questions: dict[str, dict[str, str]]
    headline: list[dict[str, Any]] = Field(description="Sums, with unit and definition.")
    tables: list[dict[str, Any]] = Field(description="Categories and shipments.")
    missing: list[dict[str, Any]] = Field(description="Orders that are not proven, and why.")
    method: list[str]
    columns: list[dict[str, Any]]


@api.get(
    "/inventory/<string:month>/shippers/<string:shipper_id>",
    tags=[INVENTORY],
    description="As JSON; as CSV, a workbook or a PDF for the customer, if Accept says so.",
    responses={200: papers(ShipperReportTold, CUSTOMER_PAPERS), 304: None, **problems(404)},
)
@allowed(Deed.READ, audited=True)
def read_shipper_report(path: ShipperPath, query: ShipperQuery) -> Response:
    """A customer's report of a month: its shipments, each with its footprint."""
    media_type = wanted_paper(CUSTOMER_PAPERS)
    made = shipper_reports.make_shipper_report(
        fleet_settings(),
        path.shipper_id,
        path.month,
        language=query.language,
        distance=query.distance,
    )
    if media_type == JSON:
        return told(made.as_dict())
    suffix = CUSTOMER_PAPERS[media_type]
    return file_answer(made.content(suffix), media_type, f"shipments-{path.month}{suffix}")
