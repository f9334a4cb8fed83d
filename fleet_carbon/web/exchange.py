"""A host of iLEAP 1.1 and of PACT 2 and 3: what customers' systems fetch, in their shapes."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlencode

from flask import Response, current_app, g, jsonify, make_response, request
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field, create_model

from fleet_carbon.services.exchange import hosting
from fleet_carbon.services.exchange.footprint_events import read_event, request_of
from fleet_carbon.services.exchange.footprint_messages import take_message
from fleet_carbon.services.exchange.wishes import FILTERS_OF_PACT_3, ID_NAMES, Wish, conditions_of
from fleet_carbon.services.people import sessions
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.services.running.job_kinds import ANSWER
from fleet_carbon.settings import Settings
from fleet_carbon.web.answers import asked, job_book, marked, named
from fleet_carbon.web.callers import allowed, fleet_settings, given_secret
from fleet_carbon.web.described import repeatedly
from fleet_carbon.web.problems import PROBLEM_JSON
from fleet_carbon.web.shapes import Asked, Optional

EXCHANGE = Tag(name="iLEAP and PACT")
_LIMIT_MAX = 1000
_ILEAP = ("/v1/ileap/", "/2/ileap/")
_ABOUT = {
    "shipments": "Footprints of shipments (DT1).",
    "tocs": "Transport operation categories (DT2).",
    "hocs": "Hub operation categories (DT2); trucks make none.",
    "tad": "Transport activity data (DT3).",
    "aed": "Reports, each of a customer's month (DT4).",
}
_FILTERED = (
    "Any field of the type may be asked for by name: `distance.gcd=gte.100`, `feedstock=Fossil`;"
    " ranges are gte, gt, lte and lt, and may come twice. The header `Link` leads to the next page."
)
_NOT_THERE = ("filter_not_known", "event_not_answered")

exchange = APIBlueprint(
    "exchange", __name__, url_prefix="", abp_security=[{"token": []}, {"key": []}]
)
"""Every route of these standards; errors are told as they have it."""


class ErrorTold(BaseModel):
    """An error of iLEAP and PACT."""

    code: str = Field(description="AccessDenied, TokenExpired, BadRequest, NotImplemented, ...")
    message: str


class DocumentsTold(BaseModel):
    """A page of documents."""

    data: list[dict[str, Any]]


class FootprintTold(BaseModel):
    """A product footprint."""

    data: dict[str, Any]


class ExchangeQuery(BaseModel):
    """How much is asked for at a time; everything else is a filter."""

    model_config = ConfigDict(extra="ignore")

    limit: int | None = Field(None, ge=1, description=f"Documents at most; {_LIMIT_MAX} anyway.")
    cursor: str = Field("", max_length=400, description="Of the header Link.")


class IleapQuery(ExchangeQuery):
    """As it is asked for, and by which distance activity is told."""

    distance: Literal["", "gcd", "sfd"] = Field(
        "",
        description="Activity by the great circle (gcd) or by the shortest feasible distance where"
        " it is known (sfd); empty for that of the edition.",
    )


class FootprintPath(Asked):
    """A product footprint."""

    pf_id: str = Field(max_length=100)


class EventAsked(BaseModel):
    """A CloudEvent in structured mode."""

    model_config = ConfigDict(extra="ignore", strict=True)

    type: str = Field(max_length=200)
    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=2000)
    time: str | None = Field(None, max_length=100)
    data: dict[str, Any]


_ERROR = {"content": {"application/json": {"schema": ErrorTold.model_json_schema()}}}


def _errors(*statuses: int) -> dict[str | int, Any]:
    return {status: dict(_ERROR) for status in (400, 401, 403, 422, 429, 500, 503, 507, *statuses)}


def _list_route(path: str, kind: str, about: str, *, told: str, **filters: Any) -> None:
    is_ileap = kind in _ABOUT
    base = IleapQuery if is_ileap else ExchangeQuery
    query = create_model(f"{told}Query", __base__=base, **filters)
    of_host = tuple(base.model_fields)

    @exchange.get(
        path,
        tags=[EXCHANGE],
        summary=about,
        description=_FILTERED if is_ileap else "The header `Link` leads to the next page.",
        responses={200: DocumentsTold, 304: None, **_errors()},
    )
    @named(f"exchange_{told.lower()}")
    @allowed(Deed.EXCHANGE, audited=True)
    @repeatedly
    @asked(query=query)
    def read(query: Any) -> Response:
        pairs = [(name, one) for name, one in request.args.items(multi=True)]
        conditions = conditions_of(
            kind, [(name, one) for name, one in pairs if name not in of_host and one]
        )
        limit_count = min(query.limit or _LIMIT_MAX, _LIMIT_MAX)
        distance = query.distance if is_ileap else ""
        wish = Wish(kind, _shippers(), limit_count, conditions, query.cursor, distance)
        found = hosting.read_page(fleet_settings(), wish)
        response = jsonify({"data": found.documents})
        if found.next_cursor:
            kept = [(name, one) for name, one in pairs if name != "cursor"]
            there = urlencode([*kept, ("cursor", found.next_cursor)])
            response.headers["Link"] = f'<{request.base_url}?{there}>; rel="next"'
        return marked(response)


for _kind, _about in _ABOUT.items():
    _by = {ID_NAMES[_kind]: (Optional, Field("", description="Only this one."))}
    _list_route(f"/v1/ileap/{_kind}", _kind, _about, told=f"Ileap{_kind.title()}", **_by)
for _kind in ("tad", "aed"):  # where 1.0 has them, and a host must still have the first
    _by = {ID_NAMES[_kind]: (Optional, Field("", description="Only this one."))}
    _list_route(f"/2/ileap/{_kind}", _kind, _ABOUT[_kind], told=f"Pact{_kind.title()}", **_by)
_FILTER = Field("", alias="$filter", max_length=2000, description="OData: eq, lt, le, gt, ge, any.")
_list_route(
    "/2/footprints",
    "footprints2",
    "Product footprints of PACT 2, each with a type of iLEAP 1.0.",
    told="Footprints2",
    filter_text=(str, _FILTER),
)
_REPEATED = Field("", max_length=500, description="One or more; one must fit.")
_list_route(
    "/3/footprints",
    "footprints3",
    "Product footprints of PACT 3.",
    told="Footprints3",
    **dict.fromkeys(FILTERS_OF_PACT_3, (str, _REPEATED)),
)


def _footprint_routes(version: int) -> None:
    @exchange.get(
        f"/{version}/footprints/<string:pf_id>",
        tags=[EXCHANGE],
        summary="One product footprint.",
        responses={200: FootprintTold, 304: None, **_errors(404)},
    )
    @named(f"exchange_footprint_{version}")
    @allowed(Deed.EXCHANGE, audited=True)
    def read(path: FootprintPath) -> Response:
        found = hosting.read_footprint(
            fleet_settings(), f"footprints{version}", path.pf_id, shippers=_shippers()
        )
        return marked(jsonify({"data": found}))

    @exchange.post(
        f"/{version}/events",
        tags=[EXCHANGE],
        summary="What another system asks for, answers or publishes.",
        responses={200: None, **_errors(413, 415)},
    )
    @named(f"exchange_event_{version}")
    @allowed(Deed.EXCHANGE)
    def receive(body: EventAsked) -> Response:
        settings = fleet_settings()
        event = read_event(settings, version, body.model_dump())
        if event.kind == "created":
            request = request_of(settings, event, _shippers())
            job_book().ask(settings.fleet, ANSWER.name, **request)
        else:
            caller: Caller = g.caller
            take_message(settings, event, caller.key_id)
        return make_response("", HTTPStatus.OK)


_footprint_routes(2)
_footprint_routes(3)


def _shippers() -> frozenset[str] | None:
    caller: Caller = g.caller
    return caller.shippers


@exchange.after_request
def _as_they_say_it(response: Response) -> Response:
    """A problem in the shape that these standards have for it."""
    if response.mimetype != PROBLEM_JSON:
        return response
    told = response.get_json(force=True)
    status, code = _their_code(response.status_code, told["code"])
    message = " ".join(filter(None, (told["detail"], told["hint"])))
    response.status_code = status
    response.set_data(json.dumps({"code": code, "message": message}))
    response.content_type = "application/json"
    return response


def _their_code(status: int, code: str) -> tuple[int, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return _strangers_code()
    if status == HTTPStatus.FORBIDDEN:
        return status, "AccessDenied"
    if status == HTTPStatus.NOT_FOUND:
        return status, "NoSuchFootprint" if request.path.startswith("/2/") else "NotFound"
    if code in _NOT_THERE:
        return HTTPStatus.BAD_REQUEST, "NotImplemented"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return status, "InternalError"
    is_of_content = status in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.GONE)
    return HTTPStatus.BAD_REQUEST if is_of_content else status, "BadRequest"


def _strangers_code() -> tuple[int, str]:
    """Of a token that is none iLEAP wants 403, PACT 401; of one that has ended both want 401."""
    settings: Settings = current_app.config["SETTINGS"]
    if sessions.has_expired(settings, given_secret() or ""):
        return HTTPStatus.UNAUTHORIZED, "TokenExpired"
    is_ileap = request.path.startswith(_ILEAP)
    return HTTPStatus.FORBIDDEN if is_ileap else HTTPStatus.UNAUTHORIZED, "AccessDenied"
