"""What the routes under /v1 share: the address, the problems they may tell, answers given once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from flask import Response, current_app, g, jsonify, make_response, request, url_for
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.intake.repeating import Reply, once
from fleet_carbon.services.people import access
from fleet_carbon.services.running.jobs import JobBook
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.observing import note_rows
from fleet_carbon.web.problems import Problem, refusal

_PROBLEM = {"content": {"application/problem+json": {"schema": Problem.model_json_schema()}}}

api = APIBlueprint(
    "v1", __name__, url_prefix="/v1", abp_security=[{"key": []}, {"token": []}, {"session": []}]
)
"""Every route of the service; the modules that fill it are named in `app`."""


# Reading is put on record, too: a full disk is told by every route (507).
_OF_EVERY_ROUTE = (401, 403, 422, 429, 500, 503, 507)


def problems(*statuses: int) -> dict[str | int, Any]:
    """What a route may answer besides success: these, and what every route may.

    Parameters
    ----------
    *statuses : int
        Of HTTP.
    """
    return {status: dict(_PROBLEM) for status in (*_OF_EVERY_ROUTE, *statuses)}


def body_sha256() -> str:
    """Digest of the body of the request, by which a repetition is known."""
    return hashlib.sha256(request.get_data()).hexdigest()


def repeatable(digest_sha256: str, do: Callable[[], Reply]) -> Response:
    """The reply, once for every Idempotency-Key; a refusal is a reply, too.

    Parameters
    ----------
    digest_sha256 : str
        Of the body.
    do : callable
        Does what is asked for.
    """

    def done() -> Reply:
        try:
            return do()
        except FleetCarbonError as refused:
            response = refusal(refused)
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return Reply(response.status_code, response.get_json(force=True))

    known_by = keyed(digest_sha256)
    if known_by is None:
        return answer_of(done())
    return answer_of(once(fleet_settings(), *known_by, do=done))


def keyed(digest_sha256: str) -> tuple[str, str] | None:
    """What the request is known by, and the digest of all it asks for; None without a key.

    Parameters
    ----------
    digest_sha256 : str
        Of the body.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return None
    asked = f"{request.method} {request.full_path} {digest_sha256}"
    caller: access.Caller = g.caller
    whole_key = f"{caller.key_id}/{hashlib.sha256(key.encode()).hexdigest()}"
    # By the key, which is not kept: nobody finds a password by trying bodies that have the digest.
    return whole_key, hmac.new(key.encode(), asked.encode(), hashlib.sha256).hexdigest()


def answer_of(reply: Reply) -> Response:
    """A reply as it is sent."""
    response = jsonify(reply.content)
    response.status_code = reply.status
    if reply.status >= HTTPStatus.BAD_REQUEST:
        response.content_type = "application/problem+json"
    if reply.is_repeated:
        response.headers["Idempotency-Replayed"] = "true"
    elif "rows_accepted" in reply.content:
        note_rows(reply.content.get("kind", ""), reply.content)
    location = reply.content.get("location")
    if location:
        response.headers["Location"] = location
    return response


def named(name: str) -> Callable[[Any], Any]:
    """Routes that are alike have names of their own."""

    def give(view: Any) -> Any:
        view.__name__ = name
        return view

    return give


def asked(**models: type[BaseModel]) -> Callable[[Any], Any]:
    """Parts of a request whose models are made at run time.

    Parameters
    ----------
    **models : type
        By part: path, query or body.
    """

    def give(view: Any) -> Any:
        view.__annotations__ = view.__annotations__ | models
        return view

    return give


def told(content: dict[str, Any], *, is_stored: bool = True) -> Response:
    """The answer, marked so that its reader need not fetch again what has not changed.

    Parameters
    ----------
    content : dict
        What is told.
    is_stored : bool
        False for what no browser may keep a copy of.
    """
    return marked(jsonify(content), is_stored=is_stored)


def marked(response: Response, *, is_stored: bool = True) -> Response:
    """As `told`, of an answer that is made already."""
    response.add_etag()
    response.headers["Cache-Control"] = "private, no-cache" if is_stored else "no-store"
    return response.make_conditional(request)  # type: ignore[return-value]  # the same object


class Outcome(Protocol):
    """What a use case came to."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        ...


def changed(
    act: Callable[[], Outcome], status: int = HTTPStatus.OK, *, told_once: tuple[str, ...] = ()
) -> Response:
    """What an act came to; the act is done once for every Idempotency-Key.

    Parameters
    ----------
    act : callable
        Does it, and tells what it came to.
    status : int
        Of HTTP, if it is done.
    told_once : tuple of str
        Names of what is empty in the answer to a repeated request: secrets.
    """
    digest = body_sha256()
    return repeatable(digest, lambda: Reply(status, act().as_dict(), told_once=told_once))


def _tag_of(run_id: str) -> str:
    return hashlib.sha256(f"{run_id} {request.full_path}".encode()).hexdigest()[:32]


def unchanged(run_id: str) -> Response | None:
    """304 if the caller has what this run says already."""
    if request.if_none_match.contains(_tag_of(run_id)):
        return tagged(make_response("", HTTPStatus.NOT_MODIFIED), run_id)
    return None


def tagged(response: Response, run_id: str) -> Response:
    """The answer with the mark by which a caller knows it again."""
    response.set_etag(_tag_of(run_id))
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def job_asked(kind_name: str, **arguments: Any) -> Response:
    """The job that was asked for, and where to ask how far it is; once for every Idempotency-Key.

    Parameters
    ----------
    kind_name : str
        What it does.
    **arguments
        What it is given.
    """

    def ask() -> Reply:
        job = job_book().ask(fleet_settings().fleet, kind_name, **arguments)
        location = url_for("v1.read_job", job_id=job.job_id)
        return Reply(HTTPStatus.ACCEPTED, job.as_dict() | {"location": location})

    return repeatable(body_sha256(), ask)


def job_book() -> JobBook:
    """Where jobs are asked for."""
    book: JobBook = current_app.extensions["jobs"]
    return book
