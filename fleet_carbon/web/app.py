"""The app: everything it serves, put together."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, current_app, jsonify, request
from flask_openapi.models.info import Info
from flask_openapi.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.people import access
from fleet_carbon.services.positions.live_desk import LiveDesk
from fleet_carbon.services.positions.position_desk import PositionDesk
from fleet_carbon.services.positions.position_relay import PositionRelay
from fleet_carbon.services.running.jobs import JobBook
from fleet_carbon.services.running.readiness import Readiness
from fleet_carbon.services.support import program
from fleet_carbon.settings import Settings
from fleet_carbon.web import (
    callers,
    estimates,
    exchange,
    files,
    footprint_messages,
    inventory,
    jobs,
    keys,
    ledger,
    limiting,
    live,
    months,
    observing,
    orders,
    people,
    prices,
    problems,
    register,
    reports,
    retention,
    sending,
    sign_on,
    spreadsheets,
    statements,
    tokens,
    verifying,
    webhook_shapes,
    webhooks,
)
from fleet_carbon.web.answers import api
from fleet_carbon.web.headers import DocumentedApi
from fleet_carbon.web.pages import (
    administered,
    compared,
    disputed,
    driven,
    filed,
    frame,
    inventoried,
    listings,
    maps,
    month_closing,
    overview,
    priced,
    reported,
    searched,
    signing_in,
    stated,
    verified,
    zipped,
)
from fleet_carbon.web.problems import problem

_OPENAPI_VERSION = "3.1.0"
# Who is told here has routes: each module puts its own under `api` when it is read.
_ROUTES = (
    *(sending, register, orders, files, months, inventory, jobs, prices),
    *(statements, reports, ledger, verifying, keys, people, webhooks, estimates, live, retention),
    footprint_messages,
)
# ... and here a page.
_PAGES = (
    *(signing_in, overview, listings, driven, searched, month_closing, filed, stated),
    *(disputed, maps, verified, zipped),
    *(administered, priced, compared, inventoried, reported),
)
_SCOPES = {str(deed): deed.name.lower() for deed in access.Deed}


def create_app(
    settings: Settings, *, processes_count: int = 1, relay: PositionRelay | None = None
) -> OpenAPI:
    """The service as a WSGI app.

    Parameters
    ----------
    settings : Settings
        Of every fleet; which fleet is meant is told by the key of the caller.
    processes_count : int
        How many processes answer together: limits are shared among them.
    relay : PositionRelay or None
        By which this one hands positions to the others.
    """
    app = DocumentedApi(
        "fleet_carbon.web",
        info=Info(
            title="fleet_carbon",
            version=program.program_version(),
            description="Freight carbon accounts: from orders and GPS traces to provable grams"
            " of CO2.",
        ),
        security_schemes={
            "key": {"type": "http", "scheme": "bearer", "description": "A key: fck_..."},
            "token": {
                "type": "oauth2",
                "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": _SCOPES}},
            },
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": callers.cookie_name(settings),
                "description": "Writes need its csrf_token as X-CSRF-Token, too.",
            },
        },
        validation_error_callback=problems.malformed,
        validation_error_model=problems.Problem,
        openapi_extensions={"webhooks": webhook_shapes.described()},
    )
    app.openapi_version = _OPENAPI_VERSION
    app.config["SETTINGS"] = settings
    app.config["MAX_CONTENT_LENGTH"] = settings.request_bytes_max
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the provider that is the default
    app.extensions["jobs"] = JobBook(settings)
    app.extensions["readiness"] = Readiness(settings)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        trusting = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = trusting  # type: ignore[method-assign]  # as Flask says it is done
    app.extensions["positions"] = PositionDesk(settings, relay)
    app.extensions["live"] = LiveDesk(settings)
    problems.register(app)
    # After-request functions run last first: this one sees the answer as it goes out.
    observing.register(app)
    limiting.register(app, settings, processes_count=processes_count)
    callers.register(app)
    tokens.register(app)
    sign_on.register(app, settings)
    app.before_request(_refuse_nul)
    spreadsheets.document_files(api.paths)
    app.register_api(api)
    app.register_api(exchange.exchange)
    frame.register(app)
    app.get("/healthz", doc_ui=False)(_alive)
    app.get("/readyz", doc_ui=False)(_ready)
    app.get("/metrics", doc_ui=False)(observing.metrics)
    return app


def _refuse_nul() -> Response | None:
    """No name holds the character NUL, which one of the databases cannot even be asked about."""
    given = [request.path, *(text for pair in request.args.items(multi=True) for text in pair)]
    if not any("\0" in text for text in given):
        return None
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "request_malformed",
        "The address holds the character NUL.",
        hint="Leave it out.",
    )


def _alive() -> Response:
    """The process answers."""
    return jsonify({"ok": True})


def _ready() -> Response:
    """Database and trace store can be used."""
    try:
        readiness: Readiness = current_app.extensions["readiness"]
        readiness.check()
    except FleetCarbonError as refused:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE, refused.code, refused.message, hint=refused.hint
        )
    return jsonify({"ok": True})
