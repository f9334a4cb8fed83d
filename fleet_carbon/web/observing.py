"""One line in the log and one count for each request; and the numbers, told to who may see them."""

from __future__ import annotations

import hmac
import ipaddress
import time
from http import HTTPStatus

from flask import Flask, Response, current_app, g, make_response, request

from fleet_carbon.services.running import gauging
from fleet_carbon.services.support import logs, metering
from fleet_carbon.settings import Settings
from fleet_carbon.web.problems import problem

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
_OUTCOMES = ("accepted", "duplicate", "rejected")
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# A probe every second would fill the log.
_QUIET = ("/healthz", "/readyz", "/metrics")


def register(app: Flask) -> None:
    """Watch every request of an app; the first to see it and the last to see its answer."""
    settings: Settings = app.config["SETTINGS"]
    app.extensions["looked"] = gauging.Looked(settings, app.extensions["jobs"])
    app.before_request(_begin)
    app.after_request(_observed)


def note_rows(kind: str, rows: dict[str, int]) -> None:
    """Remember how many rows of the request came to what, for log and count.

    Parameters
    ----------
    kind : str
        positions, orders, ...
    rows : dict of str to int
        By `rows_accepted`, `rows_duplicate`, `rows_rejected`; others are left out.
    """
    g.rows = (kind, {name: rows[f"rows_{name}"] for name in _OUTCOMES if f"rows_{name}" in rows})


def metrics() -> Response:
    """The numbers: to this machine, or to who knows the token."""
    settings: Settings = current_app.config["SETTINGS"]
    if not _may_see(settings):
        return problem(
            HTTPStatus.FORBIDDEN,
            "metrics_closed",
            "The numbers of the service are for this machine, or for who has its token.",
            hint="Ask from the machine itself, or send FLEET_CARBON_METRICS_TOKEN as a bearer.",
        )
    looked: gauging.Looked = current_app.extensions["looked"]
    response = make_response(looked.text())
    response.content_type = metering.CONTENT_TYPE
    return response


def _may_see(settings: Settings) -> bool:
    if settings.metrics_token is not None:
        wanted = f"Bearer {settings.metrics_token.get_secret_value()}"
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), wanted.encode())
    # A proxy on this machine asks for somebody else.
    is_forwarded = settings.proxy_hops == 0 and any(one in request.headers for one in _FORWARDED)
    try:
        return not is_forwarded and ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _begin() -> None:
    g.begun_s = time.monotonic()


def _observed(response: Response) -> Response:
    duration_s = time.monotonic() - g.get("begun_s", time.monotonic())
    route = request.url_rule.rule if request.url_rule is not None else "(none)"
    status = response.status_code
    kind, rows = g.get("rows", ("", {}))
    settings: Settings = current_app.config["SETTINGS"]
    method = request.method if request.method in _METHODS else "other"
    metering.count_request(settings, method, route, status=status, duration_s=duration_s)
    metering.count_rows(kind, rows)
    if route in _QUIET and status < HTTPStatus.BAD_REQUEST:
        return response
    caller = g.get("caller")
    logs.tell(
        "request",
        level="error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "info",
        request_id=g.get("request_id", ""),
        fleet=caller.fleet_id if caller else None,
        key_id=caller.key_id if caller else None,
        method=request.method,
        route=route,
        status=status,
        duration_ms=round(duration_s * 1000, 1),
        **({"kind": kind, "rows": rows} if rows else {}),
        **({"code": g.problem_code} if "problem_code" in g else {}),
    )
    return response
