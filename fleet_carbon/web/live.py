"""The trucks as they are now."""

from __future__ import annotations

from flask import Response, current_app
from flask_openapi.models.tag import Tag

from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.positions.live_desk import LiveDesk
from fleet_carbon.web.answers import api, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings
from fleet_carbon.web.live_shapes import LivePageTold, LivePath, LiveQuery, LiveTold

LIVE = Tag(name="Live", description="Where trucks are and what they do")


@api.get("/live", tags=[LIVE], responses={200: LivePageTold, 304: None, **problems(400)})
@allowed(Deed.READ)
def list_live(query: LiveQuery) -> Response:
    """Where the trucks are, loaded or empty, and their km and empty km today."""
    fleet_id = fleet_settings().fleet
    found = _desk().page(fleet_id, cursor=query.cursor, limit_rows=query.limit)
    return told(found.as_dict())


@api.get(
    "/vehicles/<vehicle_id>/live",
    tags=[LIVE],
    responses={200: LiveTold, 304: None, **problems(404)},
)
@allowed(Deed.READ)
def read_live(path: LivePath) -> Response:
    """Where a truck is, loaded or empty, and its km and empty km today."""
    return told(_desk().vehicle(fleet_settings().fleet, path.vehicle_id).as_dict())


def _desk() -> LiveDesk:
    desk: LiveDesk = current_app.extensions["live"]
    return desk
