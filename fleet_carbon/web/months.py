"""Months: closed on request, and what came of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request, url_for
from flask_openapi.models.tag import Tag
from pydantic import create_model

from fleet_carbon.services import explaining, paging, proving
from fleet_carbon.services.access import Deed
from fleet_carbon.services.job_kinds import CLOSE
from fleet_carbon.services.reading import FRAME_BY_COMMAND
from fleet_carbon.services.repeating import Reply
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import api, job_book, named, problems, repeatable, tagged, unchanged
from fleet_carbon.web.callers import allowed, fleet_settings, refuse_other_drivers

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
        responses={200: page, 304: None, **problems(400, 404, 410)},
    )
    @named(f"read_{name}")
    @allowed(Deed.READ, audited=True)
    def read(path: shapes.MonthPath, query: shapes.PageQuery) -> Response:
        settings = fleet_settings()
        if request.if_none_match:  # a look at the records that others need not pay for
            known = unchanged(paging.run_id_of(settings, path.month))
            if known is not None:
                return known
        found = paging.read_page(
            settings,
            name,
            path.month,
            driver_id=query.driver_id,
            vehicle_id=query.vehicle_id,
            cursor=query.cursor,
            limit_rows=query.limit,
        )
        return tagged(jsonify(found.as_dict()), found.run_id)


for _name in FRAME_BY_COMMAND:
    _table_route(_name)


@api.get("/months", tags=[MONTHS], responses={200: shapes.MonthsTold, **problems()})
@allowed(Deed.READ)
def list_months() -> Response:
    """The months that were closed."""
    return jsonify({"months": paging.closed_months(fleet_settings())})


@api.post(
    "/months/<string:month>/closings",
    tags=[MONTHS],
    responses={202: shapes.JobTold, **problems(409)},
)
@allowed(Deed.CLOSE)
def close_month(path: shapes.MonthPath) -> Response:
    """Ask for a month to be closed; the answer names the job that does it."""

    def ask() -> Reply:
        job = job_book().ask(fleet_settings().fleet, CLOSE.name, month=path.month)
        location = url_for("v1.read_job", job_id=job.job_id)
        return Reply(HTTPStatus.ACCEPTED, job.as_dict() | {"location": location})

    return repeatable("", ask)


@api.get(
    "/months/<string:month>/drivers/<string:driver_id>/explanation",
    tags=[MONTHS],
    responses={200: shapes.Told, **problems(404)},
)
@allowed(Deed.READ_OWN, audited=True)
def explain(path: shapes.DriverPath, query: shapes.LanguageQuery) -> Response:
    """Why a driver was credited what he was, from fixes and orders to the gram."""
    refuse_other_drivers(path.driver_id)
    told = explaining.explain_account(
        fleet_settings(),
        path.driver_id,
        path.month,
        vehicle_id=query.vehicle_id,
        language=query.language,
    )
    return jsonify(told.as_dict())


@api.get(
    "/months/<string:month>/drivers/<string:driver_id>/statement",
    tags=[MONTHS],
    responses={200: shapes.Told, **problems(404, 409)},
)
@allowed(Deed.READ_OWN, audited=True)
def statement(path: shapes.DriverPath) -> Response:
    """The signed statement of a driver's month, which anybody can verify offline."""
    refuse_other_drivers(path.driver_id)
    return jsonify(proving.prove_account(fleet_settings(), path.driver_id, path.month).as_dict())
