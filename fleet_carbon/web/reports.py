"""Reports: a month of the fleet in one object, its tables as files, and a driver's years."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response
from flask_openapi.models.tag import Tag
from pydantic import BaseModel, Field, create_model

from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.services.accounts import driver_years, reporting
from fleet_carbon.services.papers import fleet_reports
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web.answers import api, named, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings, refuse_other_drivers
from fleet_carbon.web.shapes import Asked, MonthPath, Name, OptionalMonth, row_model
from fleet_carbon.web.spreadsheets import (
    JSON,
    PAPERS,
    as_file,
    file_answer,
    papers,
    tabular,
    wanted_paper,
    wanted_type,
)

REPORTS = Tag(name="Reports")
_ROW: dict[str, Any] = {
    name: row_model(frame, "Reported") for name, frame in reporting.FRAMES.items()
}


class StepTold(BaseModel):
    """A step from the baseline to what was burnt."""

    step: str
    volume_l: float | None


class IssueTold(BaseModel):
    """Something that keeps figures from being better."""

    about: str
    code: str
    affected_count: int
    text: str = Field(description="What it is and what to do.")
    what: str = Field(description="What it is.")
    remedy: str = Field(description="What to do.")


class DefinitionTold(BaseModel):
    """What a column means."""

    unit: str
    text: str
    zh: str


_LIST: dict[str, Any] = {name: list.__class_getitem__(row) for name, row in _ROW.items()}
_PARTS: dict[str, Any] = {name: (kind, ...) for name, kind in _LIST.items()}


class BoundsTold(BaseModel):
    """The 90 % interval of a figure."""

    low: float
    high: float


ReportTold: type[BaseModel] = create_model(
    "ReportTold",
    month=(str, ...),
    fleet_id=(str, ...),
    edition=(str, ...),
    run_id=(str, ...),
    closed_at=(str, ...),
    fleet=(dict[str, Any], ...),
    waterfall=(list[StepTold], ...),
    quality=(dict[str, Any], ...),
    issues=(list[IssueTold], ...),
    intervals=(dict[str, dict[str, dict[str, BoundsTold]]], ...),
    definitions=(dict[str, DefinitionTold], ...),
    **_PARTS,
)
"""A closed month as one object."""


class YearTold(BaseModel):
    """A driver's year as one account."""

    year: str
    months: list[str]
    distance_km: float
    loaded_km: float
    empty_km: float
    activity_tkm: float
    diesel_l: float
    diesel_saved_l: float
    co2_credited_g: int
    saving: dict[str, float] = Field(description="CO2 avoided as one sum, with its interval. [kg]")
    intervals: dict[str, BoundsTold] = Field(description="Those of the other sums, by figure.")


_ACCOUNT: Any = create_model(
    "DriverAccountRow", __base__=row_model(ACCOUNTS, "OfDriver"), run_id=(str, ...)
)


class DriverAccountsTold(BaseModel):
    """A driver's accounts by month and truck, and each year of them as one."""

    driver_id: str
    accounts: list[_ACCOUNT]
    years: list[YearTold]


class DriverPath(Asked):
    """A driver."""

    driver_id: Name


class MonthsQuery(Asked):
    """Which months."""

    from_month: OptionalMonth = ""
    until_month: OptionalMonth = ""


class ReportQuery(Asked):
    """In which language a report for people is."""

    language: Literal["en", "zh"] = "en"


@api.get(
    "/months/<string:month>/report",
    tags=[REPORTS],
    description="As JSON; as a workbook, a PDF or a page for people, if Accept says so.",
    responses={200: papers(ReportTold), 304: None, **problems(404)},
)
@allowed(Deed.READ, audited=True)
def read_report(path: MonthPath, query: ReportQuery) -> Response:
    """A closed month in one object: sums, steps of the saving, tables, what is missing."""
    settings, media_type = fleet_settings(), wanted_paper()
    if media_type == JSON:
        return told(reporting.report_month(settings, path.month).as_dict())
    made = fleet_reports.make_report(settings, path.month, language=query.language)
    suffix = PAPERS[media_type]
    return file_answer(made.content(suffix), media_type, f"report-{made.composed['month']}{suffix}")


def _table_route(name: str) -> None:
    frame = reporting.FRAMES[name]
    model = create_model(
        f"Report{name.title()}Told",
        month=(str, ...),
        run_id=(str, ...),
        rows=(_LIST[name], ...),
    )

    @api.get(
        f"/months/<string:month>/report/{name}",
        tags=[REPORTS],
        summary=frame.text,
        description="As JSON; as CSV, XLSX or Parquet, if Accept says so.",
        responses={200: tabular(model), 304: None, **problems(404)},
    )
    @named(f"report_{name}")
    @allowed(Deed.READ, audited=True)
    def read(path: MonthPath) -> Response:
        report, media_type = reporting.report_month(fleet_settings(), path.month), wanted_type()
        if media_type != JSON:
            rows = report.tables[name]
            return as_file(rows, frame, media_type, name=f"{name}-{report.month}")
        rows = report.as_dict()[name]
        return told({"month": report.month, "run_id": report.run_id, "rows": rows})


for _name in reporting.FRAMES:
    _table_route(_name)


@api.get(
    "/drivers/<string:driver_id>/accounts",
    tags=[REPORTS],
    responses={200: DriverAccountsTold, 304: None, **problems(404)},
)
@allowed(Deed.READ_OWN, audited=True)
def read_driver_accounts(path: DriverPath, query: MonthsQuery) -> Response:
    """A driver's accounts over the months, and each year of them as one account."""
    refuse_other_drivers(path.driver_id)
    found = driver_years.read_driver_accounts(
        fleet_settings(),
        path.driver_id,
        from_month=query.from_month,
        until_month=query.until_month,
    )
    return told(found.as_dict())
