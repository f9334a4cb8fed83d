"""People who sign on at another place: sent there, and let in when they come back."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, after_this_request, current_app, g, make_response, redirect, request
from flask_openapi.openapi import OpenAPI

from fleet_carbon.services.people import sessions
from fleet_carbon.services.people.oidc import TICKET_LASTS_S, Provider
from fleet_carbon.services.people.sign_on import sign_on
from fleet_carbon.services.people.users import SignInRefused
from fleet_carbon.settings import Settings
from fleet_carbon.web import limiting
from fleet_carbon.web.callers import cookie_name, let_in
from fleet_carbon.web.people import with_session

LOGIN = "/oidc/login"


def register(app: OpenAPI, settings: Settings) -> None:
    """Give the app the routes, if there is another place."""
    if settings.oidc_issuer is None:
        return
    app.extensions["sign_on"] = Provider(settings)
    app.get(LOGIN, doc_ui=False)(_login)
    app.get("/oidc/callback", doc_ui=False)(_callback)


def inside(address: str) -> str:
    """The address if it is one of ours: nobody is led elsewhere by a link to our door."""
    # Browsers take a backslash for a slash, and leave out control characters before they read.
    is_plain = address.isprintable() and "\\" not in address
    is_path = address.startswith("/") and not address.startswith("//")
    is_inside = is_plain and is_path and not any(urlsplit(address)[:2])
    return address if is_inside else "/"


def _login() -> Response:
    limiting.refuse_strangers()
    settings: Settings = current_app.config["SETTINGS"]
    begun = _provider().begin(inside(request.args.get("next", "/")))
    sent = make_response(redirect(begun.address, HTTPStatus.SEE_OTHER))
    sent.set_cookie(
        _ticket_name(settings),
        begun.ticket,
        max_age=TICKET_LASTS_S,
        secure=settings.cookie_secure,
        httponly=True,
        samesite="Lax",  # it must come along when the other place sends the browser back
    )
    return sent


def _callback() -> Response:
    settings: Settings = current_app.config["SETTINGS"]
    g.is_audited = True
    after_this_request(_without_ticket)
    limiting.refuse_strangers()
    try:
        told = _provider().finish(request.cookies.get(_ticket_name(settings), ""), request.args)
        signed_in = sign_on(settings, told.claims)
    except SignInRefused as refused:
        if refused.code != "sign_on_unavailable":
            limiting.note_stranger()
        stranger = sessions.stranger(settings, settings.fleet)
        if stranger is not None:
            let_in(stranger)
        raise
    wanted = make_response(redirect(inside(told.wanted), HTTPStatus.SEE_OTHER))
    return with_session(wanted, signed_in)


def _provider() -> Provider:
    provider: Provider = current_app.extensions["sign_on"]
    return provider


def _without_ticket(response: Response) -> Response:
    settings: Settings = current_app.config["SETTINGS"]
    response.delete_cookie(
        _ticket_name(settings), secure=settings.cookie_secure, httponly=True, samesite="Lax"
    )
    return response


def _ticket_name(settings: Settings) -> str:
    return f"{cookie_name(settings)}-sign-on"
