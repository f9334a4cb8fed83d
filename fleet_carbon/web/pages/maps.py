"""The way of a truck on a map, and as a list for who has none."""

from __future__ import annotations

from itertools import groupby
from urllib.parse import urlsplit

from flask import Response, current_app, jsonify, make_response, request
from werkzeug.exceptions import NotFound

from fleet_carbon.services import mapping
from fleet_carbon.services.access import Deed
from fleet_carbon.settings import Settings
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import NAVIGATION, page, pages, shown_to
from fleet_carbon.web.pages.stated import closed_months

_ZOOM_AT_FIRST = 8.0
_KEEP_OUTLINES = "private, max-age=86400"

NAVIGATION.append(("/map", "page_map", Deed.READ))


@pages.get("/map")
@shown_to(Deed.READ)
def show_map() -> Response:
    """The legs of a truck in a month, by day, beside their map."""
    months = closed_months()
    if not months:
        return page("map.html", months=[])
    month = request.args.get("month") or months[0]
    shown = mapping.month_on_map(fleet_settings(), month, request.args.get("vehicle", ""))
    settings: Settings = current_app.config["SETTINGS"]
    driven = [leg for leg in shown.legs if leg["distance_km"] > 0]  # others hold standing alone
    days = groupby(driven, key=lambda leg: leg["started_at"].date())
    return page(
        "map.html",
        images_from=_origin(settings.tiles_url or ""),
        months=months,
        shown=shown,
        days=[(day, list(legs)) for day, legs in days],
        tiles_url=settings.tiles_url or "",
        tiles_attribution=settings.tiles_attribution,
    )


@pages.get("/map/track.geojson")
@shown_to(Deed.READ)
def send_track() -> Response:
    """The way of a truck, thinned for the zoom of the map."""
    asked = request.args
    try:
        zoom_level = float(asked.get("zoom", _ZOOM_AT_FIRST))
    except ValueError:
        raise NotFound from None
    found = mapping.vehicle_track(
        fleet_settings(), asked.get("vehicle", ""), asked.get("month", ""), zoom_level=zoom_level
    )
    response = jsonify(found.as_dict())
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@pages.get("/map/provinces.geojson")
@shown_to(Deed.READ)
def send_provinces() -> Response:
    """The outlines of the provinces: the ground of the map where no tiles are set."""
    response = make_response(mapping.province_outlines())
    response.content_type = "application/geo+json"
    response.headers["Cache-Control"] = _KEEP_OUTLINES
    return response


def _origin(address: str) -> str:
    """Server of an address, as a policy names it; empty for one of our own."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
