"""Keys, and the record of who did what with them."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_openapi.models.tag import Tag

from fleet_carbon.services.people import access, auditing
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import api, changed, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings

ACCESS = Tag(name="Keys and audit")


@api.get("/keys", tags=[ACCESS], responses={200: shapes.KeysTold, 304: None, **problems()})
@allowed(Deed.KEYS)
def list_keys() -> Response:
    """Every key of the fleet that ever was, without secrets."""
    return told(access.list_keys(fleet_settings()).as_dict(), is_stored=False)


@api.post("/keys", tags=[ACCESS], responses={201: shapes.KeysTold, **problems(400, 409, 413, 415)})
@allowed(Deed.KEYS)
def create_key(body: shapes.KeyAsked) -> Response:
    """Make a key; its secret is told this once, and not to a request that is repeated."""

    def make() -> access.Keys:
        return access.create_key(
            fleet_settings(),
            body.name,
            body.role,
            driver_id=body.driver_id,
            valid_days=body.valid_days,
            scopes=body.scopes,
            shippers=body.shippers,
        )

    return changed(make, HTTPStatus.CREATED, told_once=("secret",))


@api.delete(
    "/keys/<string:key_id>", tags=[ACCESS], responses={200: shapes.KeysTold, **problems(404, 409)}
)
@allowed(Deed.KEYS)
def end_key(path: shapes.KeyPath) -> Response:
    """Let a key open nothing more."""
    return changed(lambda: access.end_key(fleet_settings(), path.key_id))


@api.get("/audit", tags=[ACCESS], responses={200: shapes.Told, 304: None, **problems()})
@allowed(Deed.AUDIT)
def read_trail(query: shapes.AuditQuery) -> Response:
    """Who read or changed what, newest first."""
    found = auditing.read_trail(
        fleet_settings(), before_index=query.before, limit_count=query.limit
    )
    return told(found.as_dict(), is_stored=False)
