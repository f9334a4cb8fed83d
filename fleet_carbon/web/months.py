"""Months: closed on request, and what came of them."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request, url_for
from flask_openapi.models.tag import Tag
from pydantic import create_model

from fleet_carbon.services.accounts import explaining, month_states, paging, reading
from fleet_carbon.services.accounts.reading import FRAME_BY_COMMAND
from fleet_carbon.services.ledger import proving
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.running.job_kinds import CLOSE, PREVIEW
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import (
    api,
    asked,
    job_asked,
    named,
    problems,
    tagged,
    told,
    unchanged,
)
from fleet_carbon.web.callers import allowed, fleet_settings, refuse_other_drivers
from fleet_carbon.web.spreadsheets import JSON, as_file, tabular, wanted_type

MONTHS = Tag(name="Months")


def _table_route(name: str) -> None:
    frame = FRAME_BY_COMMAND[name]
    rows: Any = list[shapes.row_model(frame)]  # type: ignore[misc]  # made at run time
    page = create_model(
        f"{name.title()}Page",
        month=(str, ...),
        fleet_id=(str, ...),
        edition=(str, ...),
        run_id=(str, ...),
        rows=(rows, ...),
        rows_count=(int, ...),
        next_cursor=(str, ...),
    )

    @api.get(
        f"/months/<string:month>/{name}",
        tags=[MONTHS],
        summary=frame.text,
        description="By page as JSON; whole as CSV, XLSX or Parquet, if Accept says so.",
        responses={200: tabular(page), 304: None, **problems(400, 404, 410)},
    )
    @named(f"read_{name}")
    @allowed(Deed.READ, audited=True)
    @asked(query=shapes.table_query(name, frame))
    def read(path: shapes.MonthPath, query: Any) -> Response:
        settings, media_type = fleet_settings(), wanted_type()
        chosen = query.model_dump(exclude_defaults=True, exclude={"limit", "cursor"})
        if media_type != JSON:
            rows = paging.rows_with(reading.read_table(settings, name, path.month).rows, chosen)
            return as_file(rows, frame, media_type, name=f"{name}-{path.month}")
        if request.if_none_match:  # a look at the records that others need not pay for
            known = unchanged(paging.run_id_of(settings, path.month))
            if known is not None:
                return known
        found = paging.read_page(
            settings,
            name,
            path.month,
            equal=chosen,
            cursor=query.cursor,
            limit_rows=query.limit,
        )
        return tagged(jsonify(found.as_dict()), found.run_id)


for _name in FRAME_BY_COMMAND:
    _table_route(_name)


@api.get("/months", tags=[MONTHS], responses={200: shapes.MonthsTold, 304: None, **problems()})
@allowed(Deed.READ)
def list_months() -> Response:
    """The months that were closed."""
    return told({"months": paging.closed_months(fleet_settings())})


@api.get(
    "/months/<string:month>",
    tags=[MONTHS],
    responses={200: shapes.StateTold, 304: None, **problems()},
)
@allowed(Deed.READ)
def read_month(path: shapes.MonthPath) -> Response:
    """How a month stands: never closed, closed, or closed before something came (stale)."""
    return told(month_states.read_month(fleet_settings(), path.month).as_dict())


@api.get(
    "/months/<string:month>/runs",
    tags=[MONTHS],
    responses={200: shapes.RunsTold, 304: None, **problems()},
)
@allowed(Deed.READ)
def list_runs(path: shapes.MonthPath) -> Response:
    """Every close of a month, the newest first."""
    found = month_states.read_month(fleet_settings(), path.month)
    return told({"runs": [month_states.run_dict(run) for run in found.runs]})


@api.get(
    "/months/<string:month>/runs/<string:run_id>",
    tags=[MONTHS],
    responses={200: shapes.RunTold, 304: None, **problems(404)},
)
@allowed(Deed.READ, audited=True)
def read_run(path: shapes.RunPath) -> Response:
    """One close of a month, and what it changed against the close before."""
    return told(month_states.read_run(fleet_settings(), path.month, path.run_id))


@api.get(
    "/months/<string:month>/statements",
    tags=[MONTHS],
    responses={200: shapes.StatementsTold, 304: None, **problems(404)},
)
@allowed(Deed.READ, audited=True)
def list_statements(path: shapes.MonthPath) -> Response:
    """Whose statements of a month can be had, each with its address."""
    found = month_states.list_statements(fleet_settings(), path.month)
    for one in found:
        one["location"] = url_for("v1.statement", month=path.month, driver_id=one["driver_id"])
    return told({"statements": found})


@api.post(
    "/months/<string:month>/closings",
    tags=[MONTHS],
    responses={202: shapes.JobTold, **problems(409)},
)
@allowed(Deed.CLOSE)
def close_month(path: shapes.MonthPath) -> Response:
    """Ask for a month to be closed; the answer names the job that does it."""
    return job_asked(CLOSE.name, month=path.month)


@api.post(
    "/months/<string:month>/previews",
    tags=[MONTHS],
    responses={202: shapes.JobTold, **problems(409)},
)
@allowed(Deed.CLOSE)
def preview_month(path: shapes.MonthPath) -> Response:
    """Ask what a close would come to and post; the job puts nothing on record."""
    return job_asked(PREVIEW.name, month=path.month)


@api.get(
    "/months/<string:month>/drivers/<string:driver_id>/explanation",
    tags=[MONTHS],
    responses={200: shapes.Told, 304: None, **problems(404)},
)
@allowed(Deed.READ_OWN, audited=True)
def explain(path: shapes.DriverPath, query: shapes.LanguageQuery) -> Response:
    """Why a driver was credited what he was, from fixes and orders to the gram."""
    refuse_other_drivers(path.driver_id)
    explained = explaining.explain_account(
        fleet_settings(),
        path.driver_id,
        path.month,
        vehicle_id=query.vehicle_id,
        language=query.language,
    )
    return told(explained.as_dict())


@api.get(
    "/months/<string:month>/drivers/<string:driver_id>/statement",
    tags=[MONTHS],
    responses={200: shapes.Told, 304: None, **problems(404, 409)},
)
@allowed(Deed.READ_OWN, audited=True)
def statement(path: shapes.DriverPath) -> Response:
    """The signed statement of a driver's month, which anybody can verify offline."""
    refuse_other_drivers(path.driver_id)
    return told(proving.prove_account(fleet_settings(), path.driver_id, path.month).as_dict())
