"""OAuth 2 for programs: client credentials (RFC 6749) and what a client looks up (RFC 8414)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

from flask import Response, current_app, g, jsonify, make_response, request
from flask_openapi.openapi import OpenAPI

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.people import sessions
from fleet_carbon.services.people.access import Deed
from fleet_carbon.settings import Settings
from fleet_carbon.web import limiting
from fleet_carbon.web.callers import let_in

_GRANT = "client_credentials"


def register(app: OpenAPI) -> None:
    """Give the app the routes; errors are of the form that RFC 6749 has for them."""
    app.post("/oauth/token", doc_ui=False)(limiting.small(_token))
    # Where PACT and iLEAP look for it.
    app.post("/auth/token", endpoint="pact_token", doc_ui=False)(limiting.small(_token))
    app.get("/.well-known/oauth-authorization-server", doc_ui=False)(_metadata)
    app.get("/.well-known/openid-configuration", endpoint="openid", doc_ui=False)(_metadata)


def _token() -> Response:
    settings: Settings = current_app.config["SETTINGS"]
    limiting.refuse_strangers()
    if request.mimetype != "application/x-www-form-urlencoded":
        return _refused("invalid_request", "Send a form: application/x-www-form-urlencoded.")
    if any(len(request.form.getlist(name)) > 1 for name in request.form):
        return _refused("invalid_request", "A parameter comes twice.")
    if not request.form.get("grant_type"):
        return _refused("invalid_request", "grant_type is missing.")
    if request.form["grant_type"] != _GRANT:
        return _refused("unsupported_grant_type", f"Only {_GRANT} is.")
    client = _client()
    if client is None:
        return _refused("invalid_client", "Give client_id and client_secret, once.")
    try:
        token = sessions.issue_token(settings, *client, scope=request.form.get("scope", ""))
    except InputRefused as refused:
        return _refused("invalid_scope", refused.message)
    if token is None:
        limiting.note_stranger()
        return _refused("invalid_client", "The client is unknown, has expired or was ended.")
    let_in(token.caller)
    return jsonify(
        {
            "access_token": token.secret,
            "token_type": "Bearer",
            "expires_in": token.expires_in_s,
            "scope": token.scope,
        }
    )


def _client() -> tuple[str, str] | None:
    """Name and secret, by Basic or in the form; in both places is one too many."""
    basic = request.authorization
    in_form = request.form.get("client_id", ""), request.form.get("client_secret", "")
    if basic is not None and basic.type == "basic":
        if any(in_form):
            return None
        return unquote_plus(basic.username or ""), unquote_plus(basic.password or "")
    return in_form if all(in_form) else None


def _refused(error: str, description: str) -> Response:
    is_stranger = error == "invalid_client"
    status = HTTPStatus.UNAUTHORIZED if is_stranger else HTTPStatus.BAD_REQUEST
    told = {"error": error, "error_description": description.replace('"', "'")}
    response = make_response(jsonify(told), status)
    response.headers["Pragma"] = "no-cache"
    if is_stranger:
        response.headers["WWW-Authenticate"] = 'Basic realm="fleet-carbon"'
    return response


def _metadata() -> Response:
    issuer = request.url_root.rstrip("/")
    told: dict[str, Any] = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "grant_types_supported": [_GRANT],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": sorted(map(str, Deed)),
        "service_documentation": f"{issuer}/openapi",
    }
    g.is_audited = False
    return jsonify(told)
