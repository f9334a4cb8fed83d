"""What went wrong, as RFC 9457 tells it: one shape, with code, field and what to do."""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, json, make_response
from gunicorn.http.errors import ParseException
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound, Unavailable
from fleet_carbon.services.intake.repeating import RequestConflict
from fleet_carbon.services.running.doctoring import keep_fault
from fleet_carbon.web.patience import TooManySlow, TooSlow

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 5
# Conflicts that pass by themselves; of others the sender must decide.
_PASSING = ("request_under_way", "month_closed_meanwhile")
_STATUS_BY_CODE = {
    "intake_full": HTTPStatus.SERVICE_UNAVAILABLE,
    "intake_broken": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk_full": HTTPStatus.INSUFFICIENT_STORAGE,
    "traces_store_full": HTTPStatus.INSUFFICIENT_STORAGE,
    "home_unusable": HTTPStatus.SERVICE_UNAVAILABLE,
    "segment_missing": HTTPStatus.SERVICE_UNAVAILABLE,
    "schema_needs_migration": HTTPStatus.SERVICE_UNAVAILABLE,
    "schema_of_another_version": HTTPStatus.SERVICE_UNAVAILABLE,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "month_closed_meanwhile": HTTPStatus.CONFLICT,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "media_type_unsupported": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "sign_in_failed": HTTPStatus.UNAUTHORIZED,
    "sign_in_must_wait": HTTPStatus.TOO_MANY_REQUESTS,
    "sign_on_refused": HTTPStatus.UNAUTHORIZED,
    "sign_on_unknown": HTTPStatus.FORBIDDEN,
    "sign_on_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "invitation_over": HTTPStatus.GONE,
    "admin_is_last": HTTPStatus.CONFLICT,
    "erasure_not_confirmed": HTTPStatus.CONFLICT,
    "cursor_malformed": HTTPStatus.BAD_REQUEST,
    "cursor_stale": HTTPStatus.GONE,
}


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = Unavailable(
    "disk_full",
    "No space is left on the machine that answers.",
    "Send it again when there is room; nothing of this request was kept.",
)


class FieldProblem(BaseModel):
    """One thing that is wrong with one part of the request."""

    field: str = Field(description="Where it stands: query.limit, body.name.")
    code: str
    message: str


class Problem(BaseModel):
    """What went wrong, by RFC 9457."""

    type: str = Field(description="urn:fleet-carbon:problem: and the code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable identifier in snake_case, for programs.")
    hint: str = Field(description="What to do about it.")
    request_id: str
    errors: list[FieldProblem] = []
    details: dict[str, Any] = {}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    errors: list[FieldProblem] | None = None,
    details: dict[str, Any] | None = None,
) -> Response:
    """The answer to a request that cannot be served."""
    g.problem_code = code
    told = Problem(
        type=f"urn:fleet-carbon:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        request_id=g.get("request_id", ""),
        errors=errors or [],
        details=json.loads(json.dumps(details or {}, default=str)),
    )
    response = make_response(told.model_dump_json(), status)
    response.content_type = PROBLEM_JSON
    if status == HTTPStatus.SERVICE_UNAVAILABLE or code in _PASSING:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if "retry_after_s" in (details or {}):
        response.headers["Retry-After"] = str((details or {})["retry_after_s"])
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="fleet-carbon"'
    return response


def status_of(refused: FleetCarbonError) -> int:
    """The status that fits an error of ours."""
    if refused.code in _STATUS_BY_CODE:
        return _STATUS_BY_CODE[refused.code]
    if isinstance(refused, Unavailable):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(refused, NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(refused, RequestConflict):
        return HTTPStatus.CONFLICT
    if isinstance(refused, InputRefused):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.CONFLICT


def refusal(refused: FleetCarbonError) -> Response:
    """An error of ours as an answer."""
    return problem(
        status_of(refused),
        refused.code,
        refused.message,
        hint=refused.hint,
        details=refused.details,
    )


def malformed(wrong: ValidationError) -> Response:
    """A request whose parts do not fit their models."""
    errors = [
        FieldProblem(
            field=".".join(str(part) for part in one["loc"]), code=one["type"], message=one["msg"]
        )
        for one in wrong.errors(include_url=False, include_context=False, include_input=False)
    ]
    named = "; ".join(f"{one.field}: {one.message}" for one in errors)
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "request_malformed",
        f"The request does not fit: {named}",
        hint="Correct the fields that are named.",
        errors=errors,
    )


def register(app: Flask) -> None:
    """Let every failure of the app be told in one shape."""
    app.register_error_handler(FleetCarbonError, refusal)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(ParseException, _of_broken_request)
    app.register_error_handler(Exception, of_fault)


def _of_broken_request(broken: ParseException) -> Response:
    """Found while the body is read: chunks that are none, or too little in too long a time."""
    if isinstance(broken, TooManySlow):
        return problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "bodies_too_slow",
            f"The body is not waited for: {broken}.",
            hint="Send fewer large bodies at a time, pack them, or send smaller ones.",
            details={"retry_after_s": RETRY_AFTER_S},
        )
    if isinstance(broken, TooSlow):
        return problem(
            HTTPStatus.REQUEST_TIMEOUT,
            "body_too_slow",
            f"The body is not waited for: {broken}.",
            hint="Send it in smaller parts, or packed.",
        )
    return problem(
        HTTPStatus.BAD_REQUEST,
        "body_unreadable",
        f"The body cannot be read: {broken}.",
        hint="Send it again.",
    )


def of_http(failure: HTTPException) -> Response:
    """What HTTP itself refuses, as a problem."""
    if failure.response is not None:  # one that a validator made
        return failure.response  # type: ignore[return-value]  # of Flask's own class
    status = failure.code or HTTPStatus.INTERNAL_SERVER_ERROR
    code = HTTPStatus(status).name.lower()
    response = problem(status, code, failure.description or "")
    for name, value in failure.get_headers():
        if name in ("Allow", "Retry-After", "Location"):
            response.headers[name] = value
    return response


def of_fault(fault: Exception) -> Response:
    """A disk without room; else a fault of ours, kept for whoever runs it and told from outside."""
    import traceback

    if isinstance(fault, OSError) and fault.errno in _NO_ROOM:
        return refusal(_FULL)
    current_app.logger.exception("fault %s", g.get("request_id", ""))
    home = current_app.config["SETTINGS"].home
    keep_fault(home, "".join(traceback.format_exception(fault)))
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_fault",
        "Something went wrong inside the service. Nothing half-done was kept.",
        hint="Try again; if it stays, give the request_id to whoever runs the service.",
    )
