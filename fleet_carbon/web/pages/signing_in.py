"""The door: signing in and out."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, current_app, make_response, redirect, request
from werkzeug.exceptions import Forbidden

from fleet_carbon.services.people.users import SignInRefused
from fleet_carbon.web import limiting, people, problems, sign_on
from fleet_carbon.web.callers import session_secret
from fleet_carbon.web.pages.frame import page, pages, shown_to, word


@pages.get("/sign-in")
def show_sign_in() -> Response:
    """The form."""
    return _form()


@pages.post("/sign-in")
@limiting.small
def sign_in() -> Response:
    """Let in who knows name and password, and go on to what was wanted."""
    refuse_other_sites()
    given = request.form
    try:
        signed_in = people.signed_in_by(
            given.get("fleet", ""), given.get("name", ""), given.get("password", "")
        )
    except SignInRefused as refused:
        return _refused(refused)
    wanted = make_response(redirect(sign_on.inside(given.get("next", "/")), HTTPStatus.SEE_OTHER))
    return people.with_session(wanted, signed_in)


@pages.post("/sign-out")
@shown_to(None)
def sign_out() -> Response:
    """End the session."""
    left = make_response(redirect("/sign-in", HTTPStatus.SEE_OTHER))
    return people.without_session(left, session_secret())


def refuse_other_sites() -> None:
    """Nobody is signed in by a form of another site, under a name that is not theirs."""
    origin = request.headers.get("Origin")
    if origin not in (None, "null") and urlsplit(origin).netloc != request.host:
        raise Forbidden


def _refused(refused: SignInRefused) -> Response:
    """The form once more, and why: it is wrong, or it is too early."""
    wait_s = refused.details.get("retry_after_s")
    if wait_s is None:
        return _form(word("sign_in_refused"), status=HTTPStatus.UNAUTHORIZED)
    told = _form(word("sign_in_must_wait", seconds=wait_s), status=problems.status_of(refused))
    told.headers["Retry-After"] = str(wait_s)
    return told


def _form(refused: str = "", *, status: int = HTTPStatus.OK) -> Response:
    given = request.form
    return page(
        "sign_in.html",
        status=status,
        refused=refused,
        next=sign_on.inside(request.values.get("next", "/")),
        fleet=given.get("fleet", current_app.config["SETTINGS"].fleet),
        name=given.get("name", ""),
        sign_on=sign_on.LOGIN if current_app.config["SETTINGS"].oidc_issuer else "",
    )
