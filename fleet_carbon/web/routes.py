"""The resources under /v1: each route parses, calls one service, and answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, current_app, g, jsonify, make_response, request, url_for
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag
from pydantic import create_model

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services import (
    access,
    auditing,
    bookkeeping,
    explaining,
    paging,
    pricing,
    proving,
    receiving,
)
from fleet_carbon.services.access import Deed
from fleet_carbon.services.ingesting import KINDS, Source
from fleet_carbon.services.jobs import JobBook
from fleet_carbon.services.reading import FRAME_BY_COMMAND
from fleet_carbon.services.repeating import Reply, once
from fleet_carbon.web import shapes
from fleet_carbon.web.bodies import received_body
from fleet_carbon.web.callers import allowed, fleet_settings, refuse_other_drivers
from fleet_carbon.web.problems import Problem, refusal

_PROBLEM = {"content": {"application/problem+json": {"schema": Problem.model_json_schema()}}}


def _problems(*statuses: int) -> dict[str | int, Any]:
    return {status: dict(_PROBLEM) for status in (401, 403, 422, 500, 503, *statuses)}


api = APIBlueprint("v1", __name__, url_prefix="/v1", abp_security=[{"key": []}])
_SENDING, _MONTHS = Tag(name="Send", description="Rows in"), Tag(name="Months")
_LEDGER, _ACCESS = Tag(name="Ledger and prices"), Tag(name="Keys and audit")
_BODY = {
    "description": "Rows with the columns of the documentation; a single row may be one object.",
    "required": True,
    "content": {
        receiving.JSON: {"schema": {"type": "array", "items": {"type": "object"}}},
        **{
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in receiving.SUFFIXES
            if media_type != receiving.JSON
        },
    },
}


def _repeatable(digest_sha256: str, do: Callable[[], Reply]) -> Response:
    """The reply, once for every Idempotency-Key; a refusal is a reply, too."""

    def done() -> Reply:
        try:
            return do()
        except FleetCarbonError as refused:
            response = refusal(refused)
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return Reply(response.status_code, response.get_json(force=True))

    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return _answer(done())
    asked = f"{request.method} {request.full_path} {digest_sha256}"
    caller: access.Caller = g.caller
    whole_key = f"{caller.key_id}/{hashlib.sha256(key.encode()).hexdigest()}"
    whole_digest = hashlib.sha256(asked.encode()).hexdigest()
    return _answer(once(fleet_settings(), whole_key, whole_digest, do=done))


def _answer(reply: Reply) -> Response:
    response = jsonify(reply.content)
    response.status_code = reply.status
    if reply.status >= HTTPStatus.BAD_REQUEST:
        response.content_type = "application/problem+json"
    if reply.is_repeated:
        response.headers["Idempotency-Replayed"] = "true"
    location = reply.content.get("location")
    if location:
        response.headers["Location"] = location
    return response


def _named(name: str) -> Callable[[Any], Any]:
    """Routes that are alike have names of their own."""

    def give(view: Any) -> Any:
        view.__name__ = name
        return view

    return give


def _intake_route(kind: str) -> None:
    @api.post(
        f"/{kind}",
        tags=[_SENDING],
        summary=f"Send {kind}",
        description=f"Takes in {kind}: sound rows are on record when the answer comes, rows that"
        " are refused are named, rows on record already are counted as duplicates.",
        request_body=_BODY,
        responses={200: shapes.IntakeTold, **_problems(409, 413, 415, 507)},
    )
    @_named(f"send_{kind}")
    @allowed(Deed.SEND)
    def send(query: shapes.IntakeQuery) -> Response:
        with received_body(tuple(receiving.SUFFIXES)) as body:

            def take_in() -> Reply:
                intake = receiving.receive(
                    fleet_settings(),
                    kind,
                    body.path,
                    media_type=body.media_type,
                    name=f"{kind}-{g.request_id}",
                    source=Source(crs=query.crs, time_zone=query.time_zone),
                ).as_dict()
                told = intake["files"][0] | {"kind": kind}
                return Reply(
                    HTTPStatus.OK, {name: told[name] for name in shapes.IntakeTold.model_fields}
                )

            return _repeatable(body.digest_sha256, take_in)


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
        tags=[_MONTHS],
        summary=frame.text,
        responses={200: page, 304: None, **_problems(400, 404, 410)},
    )
    @_named(f"read_{name}")
    @allowed(Deed.READ, audited=True)
    def read(path: shapes.MonthPath, query: shapes.PageQuery) -> Response:
        settings = fleet_settings()
        if request.if_none_match:  # a look at the records that others need not pay for
            unchanged = _unchanged(paging.run_id_of(settings, path.month))
            if unchanged is not None:
                return unchanged
        found = paging.read_page(
            settings,
            name,
            path.month,
            driver_id=query.driver_id,
            vehicle_id=query.vehicle_id,
            cursor=query.cursor,
            limit_rows=query.limit,
        )
        return _tagged(jsonify(found.as_dict()), found.run_id)


def _tag_of(run_id: str) -> str:
    return hashlib.sha256(f"{run_id} {request.full_path}".encode()).hexdigest()[:32]


def _unchanged(run_id: str) -> Response | None:
    if request.if_none_match.contains(_tag_of(run_id)):
        return _tagged(make_response("", HTTPStatus.NOT_MODIFIED), run_id)
    return None


def _tagged(response: Response, run_id: str) -> Response:
    response.set_etag(_tag_of(run_id))
    response.headers["Cache-Control"] = "private, no-cache"
    return response


for _kind in KINDS:
    _intake_route(_kind)
for _name in FRAME_BY_COMMAND:
    _table_route(_name)


@api.get("/months", tags=[_MONTHS], responses={200: shapes.MonthsTold, **_problems()})
@allowed(Deed.READ)
def list_months() -> Response:
    """The months that were closed."""
    return jsonify({"months": paging.closed_months(fleet_settings())})


@api.post(
    "/months/<string:month>/closings",
    tags=[_MONTHS],
    responses={202: shapes.JobTold, **_problems(409)},
)
@allowed(Deed.CLOSE)
def close_month(path: shapes.MonthPath) -> Response:
    """Ask for a month to be closed; the answer names the job that does it."""

    def ask() -> Reply:
        job = _jobs().ask_close(fleet_settings().fleet, path.month)
        location = url_for("v1.read_job", job_id=job.job_id)
        return Reply(HTTPStatus.ACCEPTED, job.as_dict() | {"location": location})

    return _repeatable("", ask)


@api.get("/jobs/<string:job_id>", tags=[_MONTHS], responses={200: shapes.JobTold, **_problems(404)})
@allowed(Deed.READ)
def read_job(path: shapes.JobPath) -> Response:
    """A job as it stands: how far it is, what it came to, or why it failed."""
    return jsonify(_jobs().find(fleet_settings().fleet, path.job_id).as_dict())


def _jobs() -> JobBook:
    book: JobBook = current_app.extensions["jobs"]
    return book


@api.get(
    "/months/<string:month>/drivers/<string:driver_id>/explanation",
    tags=[_MONTHS],
    responses={200: shapes.Told, **_problems(404)},
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
    tags=[_MONTHS],
    responses={200: shapes.Told, **_problems(404, 409)},
)
@allowed(Deed.READ_OWN, audited=True)
def statement(path: shapes.DriverPath) -> Response:
    """The signed statement of a driver's month, which anybody can verify offline."""
    refuse_other_drivers(path.driver_id)
    return jsonify(proving.prove_account(fleet_settings(), path.driver_id, path.month).as_dict())


@api.get("/ledger/entries", tags=[_LEDGER], responses={200: shapes.Told, **_problems()})
@allowed(Deed.READ, audited=True)
def list_entries(query: shapes.EntriesQuery) -> Response:
    """Entries of the ledger in their order."""
    found = bookkeeping.list_entries(
        fleet_settings(),
        month=query.month,
        account=query.account,
        driver_id=query.driver_id,
        limit_count=query.limit,
    )
    return jsonify(found.as_dict())


@api.get("/ledger/balances", tags=[_LEDGER], responses={200: shapes.Told, **_problems()})
@allowed(Deed.READ)
def read_balances(query: shapes.BalancesQuery) -> Response:
    """Balances as of a month and as known at a moment, and where every gram is."""
    found = bookkeeping.read_balances(
        fleet_settings(),
        until_month=query.until_month,
        known_at=query.known_at,
        prefix=query.prefix,
    )
    return jsonify(found.as_dict())


@api.get("/prices", tags=[_LEDGER], responses={200: shapes.PricesTold, **_problems()})
@allowed(Deed.READ)
def list_prices() -> Response:
    """Every price on record."""
    return jsonify(pricing.list_prices(fleet_settings()).as_dict())


@api.post("/prices", tags=[_LEDGER], responses={201: shapes.Told, **_problems(400, 409, 415)})
@allowed(Deed.PRICE)
def set_price(body: shapes.PriceAsked) -> Response:
    """Put a price on record; earlier ones stay."""

    def put() -> Reply:
        wanted = pricing.PriceRequest(**body.model_dump())
        return Reply(HTTPStatus.CREATED, pricing.set_price(fleet_settings(), wanted).as_dict())

    return _repeatable(hashlib.sha256(request.get_data()).hexdigest(), put)


@api.get("/keys", tags=[_ACCESS], responses={200: shapes.KeysTold, **_problems()})
@allowed(Deed.KEYS)
def list_keys() -> Response:
    """Every key of the fleet that ever was, without secrets."""
    return jsonify(access.list_keys(fleet_settings()).as_dict())


@api.post("/keys", tags=[_ACCESS], responses={201: shapes.KeysTold, **_problems(400, 415)})
@allowed(Deed.KEYS)
def create_key(body: shapes.KeyAsked) -> Response:
    """Make a key; its secret is told this once, so that the request cannot be repeated."""
    made = access.create_key(
        fleet_settings(),
        body.name,
        body.role,
        driver_id=body.driver_id,
        valid_days=body.valid_days,
    )
    return make_response(jsonify(made.as_dict()), HTTPStatus.CREATED)


@api.delete(
    "/keys/<string:key_id>", tags=[_ACCESS], responses={200: shapes.KeysTold, **_problems(404)}
)
@allowed(Deed.KEYS)
def end_key(path: shapes.KeyPath) -> Response:
    """Let a key open nothing more."""
    return jsonify(access.end_key(fleet_settings(), path.key_id).as_dict())


@api.get("/audit", tags=[_ACCESS], responses={200: shapes.Told, **_problems()})
@allowed(Deed.AUDIT)
def read_trail(query: shapes.AuditQuery) -> Response:
    """Who read or changed what, newest first."""
    found = auditing.read_trail(
        fleet_settings(), before_index=query.before, limit_count=query.limit
    )
    return jsonify(found.as_dict())
