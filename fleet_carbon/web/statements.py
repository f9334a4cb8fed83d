"""Drivers' monthly statements in every form, and what drivers dispute in them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, g, send_file
from flask_openapi.models.tag import Tag

from fleet_carbon.services.papers import disputing, downloading, stating
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.running.job_kinds import STATEMENTS as STATEMENTS_ZIPPED
from fleet_carbon.web import shapes
from fleet_carbon.web import statement_shapes as asked
from fleet_carbon.web.answers import api, changed, job_asked, marked, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings, refuse_other_drivers

STATEMENTS = Tag(name="Statements")
_TYPES = {
    "json": "application/json",
    "pdf": "application/pdf",
    "html": "text/html",
    "png": "image/png",
    "svg": "image/svg+xml",
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_PAPER: dict[str, Any] = {
    "content": {
        media: {"schema": {"type": "object"}} if form == "json" else _BINARY
        for form, media in _TYPES.items()
    }
}


@api.get(
    "/months/<string:month>/drivers/<string:driver_id>/paper",
    tags=[STATEMENTS],
    responses={200: _PAPER, 304: None, **problems(404, 409)},
)
@allowed(Deed.READ_OWN, audited=True)
def read_paper(path: shapes.DriverPath, query: asked.PaperQuery) -> Response:
    """A driver's monthly statement, as composed JSON, PDF, page or picture."""
    refuse_other_drivers(path.driver_id)
    made = stating.make_statement(
        fleet_settings(), path.driver_id, path.month, language=query.language
    )
    return marked(Response(made.content(f".{query.form}"), content_type=_TYPES[query.form]))


@api.post(
    "/months/<string:month>/papers",
    tags=[STATEMENTS],
    responses={202: shapes.JobTold, **problems(404, 409)},
)
@allowed(Deed.READ)
def zip_papers(path: shapes.MonthPath, query: asked.PapersQuery) -> Response:
    """Ask for all statements of a month as one ZIP; the answer names the job that makes it."""
    return job_asked(STATEMENTS_ZIPPED.name, month=path.month, **query.model_dump())


@api.get(
    "/downloads/<string:digest_sha256>",
    tags=[STATEMENTS],
    responses={200: {"content": {"application/zip": _BINARY}}, 304: None, **problems(404)},
)
@allowed(Deed.READ, audited=True)
def download(path: asked.DownloadPath) -> Response:
    """A file that a job made to be fetched, for as long as it is kept."""
    found = downloading.find_download(fleet_settings(), path.digest_sha256)
    response = send_file(
        found.path,
        mimetype="application/zip",
        as_attachment=True,
        download_name=found.name,
        etag=path.digest_sha256,
    )
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@api.get(
    "/months/<string:month>/disputes",
    tags=[STATEMENTS],
    responses={200: asked.DisputesTold, 304: None, **problems()},
)
@allowed(Deed.READ, audited=True)
def list_disputes(path: shapes.MonthPath) -> Response:
    """What drivers dispute of a month, and the answers."""
    return told(disputing.list_disputes(fleet_settings(), month=path.month).as_dict())


@api.get(
    "/months/<string:month>/drivers/<string:driver_id>/disputes",
    tags=[STATEMENTS],
    responses={200: asked.DisputesTold, 304: None, **problems(404)},
)
@allowed(Deed.READ_OWN, audited=True)
def list_own_disputes(path: shapes.DriverPath) -> Response:
    """What a driver disputes of a month, and the answers."""
    refuse_other_drivers(path.driver_id)
    found = disputing.list_disputes(fleet_settings(), month=path.month, driver_id=path.driver_id)
    return told(found.as_dict())


@api.post(
    "/months/<string:month>/drivers/<string:driver_id>/disputes",
    tags=[STATEMENTS],
    responses={201: asked.DisputesTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.READ_OWN)
def raise_dispute(path: shapes.DriverPath, body: asked.DisputeAsked) -> Response:
    """Dispute an order or a month; it stays on record and on the statement."""
    refuse_other_drivers(path.driver_id)
    return changed(
        lambda: disputing.raise_dispute(
            fleet_settings(),
            path.driver_id,
            path.month,
            text=body.text,
            order_id=body.order_id,
        ),
        HTTPStatus.CREATED,
    )


@api.post(
    "/disputes/<int:number>/answers",
    tags=[STATEMENTS],
    responses={201: asked.DisputesTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.CLOSE)
def answer_dispute(path: asked.DisputePath, body: asked.AnswerAsked) -> Response:
    """Answer a dispute, in the name of the key."""
    return changed(
        lambda: disputing.answer_dispute(
            fleet_settings(),
            path.number,
            outcome=body.outcome,
            text=body.text,
            answered_by=g.caller.name,
        ),
        HTTPStatus.CREATED,
    )
