"""Who asks, and whether they may: by a key or token in the header, or a session in a cookie."""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import Forbidden, Unauthorized

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.people import auditing
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.services.people.auditing import AuditEvent
from fleet_carbon.services.people.sessions import caller_of, is_csrf_token
from fleet_carbon.settings import Settings
from fleet_carbon.web import limiting
from fleet_carbon.web.described import described
from fleet_carbon.web.problems import problem, refusal

View = TypeVar("View", bound=Callable[..., Any])
_REQUEST_ID = re.compile(r"[\w.-]{1,100}")
_BEARER = re.compile(r"Bearer +([\w.~+/-]+=*)", re.IGNORECASE)
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# A key that was ended opens nothing any more after so long.
_KNOWN_FOR_S = 5.0
_KNOWN_MAX = 10_000


class _Known:
    """Callers by secret, for a moment: a look into the database at each request would be half of
    what a small request costs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, Caller | None]] = {}

    def caller(self, settings: Settings, secret: str) -> Caller | None:
        now_s = time.monotonic()
        with self._lock:
            until_s, caller = self._found.get(secret, (0.0, None))
        if now_s < until_s:
            return caller
        caller = caller_of(settings, secret)
        with self._lock:
            if len(self._found) >= _KNOWN_MAX:
                self._found.clear()
            if caller is None:
                self._found.pop(secret, None)
            else:  # what opens nothing would fill the memory
                self._found[secret] = (now_s + _KNOWN_FOR_S, caller)
        return caller

    def forget(self) -> None:
        """Ask anew who everybody is."""
        with self._lock:
            self._found.clear()


def register(app: Flask) -> None:
    """Give every request a name, and every answer its headers; keep the audit log."""
    app.extensions["callers"] = _Known()
    app.before_request(_name_request)
    app.after_request(_with_headers)
    app.after_request(_audited)


def allowed(deed: Deed | None, *, audited: bool = False) -> Callable[[View], View]:
    """Let only those in whose role allows the deed.

    Parameters
    ----------
    deed : Deed or None
        What the route does; None is for whoever is let in.
    audited : bool
        Whether reading it is put on record; what changes something always is.
    """

    def guard(view: View) -> View:
        # Who asks is found before what is asked is looked at: strangers learn nothing of it.
        checked = described(view)

        @functools.wraps(checked)
        def guarded(*positional: Any, **named: Any) -> Any:
            g.is_audited = audited
            caller = authenticated()
            if deed is not None and not caller.may(deed):
                return problem(
                    HTTPStatus.FORBIDDEN,
                    "not_allowed",
                    f"The role {caller.role}, or what the key is narrowed to, does not allow this.",
                    hint="Use a key whose role allows it, or ask an administrator.",
                )
            return checked(*positional, **named)

        return guarded  # type: ignore[return-value]  # the same signature, by functools.wraps

    return guard


def authenticated() -> Caller:
    """Who asks, by a key or token, or by the session of a browser.

    Raises
    ------
    Unauthorized
        If nobody is let in by what was sent.
    Forbidden
        If a browser was sent here by a page that is not ours.
    """
    given = given_secret()
    cookie = session_secret()
    if given is None and (cookie is None or "Authorization" in request.headers):
        raise Unauthorized("Send a key: Authorization: Bearer fck_..., or sign in.")
    secret = given if given is not None else cookie or ""
    known: _Known = current_app.extensions["callers"]
    caller = known.caller(current_app.config["SETTINGS"], secret)
    if caller is None:
        raise Unauthorized("The key is unknown, has expired or was ended.")
    g.caller = caller
    limiting.refuse_too_many(caller.key_id)
    if given is None:
        _refuse_other_pages(secret)
    return caller


def given_secret() -> str | None:
    """The key or token that stands in the header, if any."""
    found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return None if found is None else found[1]


def session_secret() -> str | None:
    """The session that the browser sends along, if any."""
    settings: Settings = current_app.config["SETTINGS"]
    return request.cookies.get(cookie_name(settings))


def cookie_name(settings: Settings) -> str:
    """What the cookie of sessions is called; the prefix binds it to this host and to TLS."""
    return "__Host-fleet-carbon" if settings.cookie_secure else "fleet-carbon"


def _refuse_other_pages(secret: str) -> None:
    """A browser sends its cookie from any page; only one of ours knows the token, too."""
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.mimetype in _FORMS:
        given = request.form.get("csrf_token", "")
    is_reading = request.method in ("GET", "HEAD", "OPTIONS")
    if not is_reading and not is_csrf_token(secret, given):
        raise Forbidden("Send the csrf_token of the session as X-CSRF-Token.")


def forget_callers() -> None:
    """Ask the record anew who everybody is, in this process."""
    known: _Known = current_app.extensions["callers"]
    known.forget()


def let_in(caller: Caller) -> None:
    """Let the audit log name who came in, or tried to, by this very request."""
    g.caller = caller


def refuse_other_drivers(driver_id: str) -> None:
    """A driver sees only what is the driver's own.

    Raises
    ------
    Forbidden
        If the caller is another driver.
    """
    caller: Caller = g.caller
    if not caller.may(Deed.READ) and driver_id != caller.driver_id:
        raise Forbidden("A driver's key opens the driver's own accounts only.")


def fleet_settings() -> Settings:
    """The settings of the fleet that the caller belongs to."""
    settings: Settings = current_app.config["SETTINGS"]
    caller: Caller = g.caller
    return settings.model_copy(update={"fleet": caller.fleet_id})


def event_of(status: int) -> AuditEvent:
    """What the caller does at this moment, to be put on record with what is done."""
    return auditing.event_of(
        g.caller,
        method=request.method,
        path=request.path,
        status=status,
        request_id=g.request_id,
    )


def _name_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else auditing.new_request_id()


def _with_headers(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    # Pages say themselves what they need; data needs nothing.
    response.headers.setdefault("Content-Security-Policy", _policy_of(response))
    return response


def _policy_of(response: Response) -> str:
    if response.mimetype != "text/html":
        return "default-src 'none'; frame-ancestors 'none'"
    # The page of the documentation sets itself up by a script that stands in it.
    return (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
        " script-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    )


def _audited(response: Response) -> Response:
    caller: Caller | None = g.get("caller")
    changes = request.method not in ("GET", "HEAD", "OPTIONS")
    if caller is None or not (changes or g.get("is_audited", False)):
        return response
    if g.get("is_on_record", False):  # together with what was done
        return response
    try:
        auditing.record(
            fleet_settings(),
            caller,
            method=request.method,
            path=request.path,
            status=response.status_code,
            request_id=g.request_id,
        )
    except FleetCarbonError as refused:
        if not changes:  # nobody reads an account without a trace of it
            return refusal(refused)
        # It is done, and its sender must hear so; what is missing stands in the server's log.
        current_app.logger.exception("not audited: %s %s", g.request_id, request.path)
    return response
