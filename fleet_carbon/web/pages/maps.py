"""The way of a truck on a map, and as a list for who has none."""

from __future__ import annotations

import gzip
import json
from functools import cache
from itertools import groupby
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, current_app, make_response, request
from werkzeug.exceptions import NotFound

from fleet_carbon.services.accounts import leg_fixes, map_pictures, mapping
from fleet_carbon.services.accounts.place_naming import place_texts
from fleet_carbon.services.accounts.thinning import Box
from fleet_carbon.services.people.access import Deed
from fleet_carbon.settings import Settings
from fleet_carbon.statements import locales
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.driven import (
    above,
    leg_address,
    leg_reason,
    order_address,
    vehicle_address,
)
from fleet_carbon.web.pages.frame import NAVIGATION, language, page, pages, shown_to, word
from fleet_carbon.web.pages.naming import truck_meant, truck_named
from fleet_carbon.web.pages.stated import closed_months

_ZOOM_OF_FIXES = 7.0  # where none is told
_KEEP_OUTLINES = "private, max-age=86400"
_GEOJSON = "application/geo+json"
# Of gzip: what is drawn anew for every move is packed quickly.
_QUICKLY, _TIGHTLY = 4, 9

NAVIGATION.append(("/map", "page_map", Deed.READ))


@pages.get("/map")
@shown_to(Deed.READ)
def show_map() -> Response:
    """The legs of a truck in a month, by day, beside their map; one of them chosen."""
    months = closed_months()
    if not months:
        return page("map.html", months=[])
    month = request.args.get("month") or months[0]
    shown = mapping.month_on_map(
        fleet_settings(), month, truck_meant(request.args.get("vehicle", "").strip())
    )
    settings: Settings = current_app.config["SETTINGS"]
    driven = [leg for leg in shown.legs if leg["distance_km"] > 0]  # others hold standing alone
    days = [(day, list(legs)) for day, legs in groupby(_told(driven), key=_day_of)]
    chosen = next((one for one in driven if one["started_at_text"] == _moment_asked()), None)
    plate = truck_named(shown.vehicle_id)
    return page(
        "map.html",
        images_from=_origin(settings.tiles_url or ""),
        trail=[
            *above("vehicles", shown.month),
            (plate, vehicle_address(shown.vehicle_id, shown.month)),
            (word("page_map"), ""),
        ],
        months=months,
        shown=shown,
        plate=plate,
        truck=vehicle_address(shown.vehicle_id),
        track=_track_address(shown.vehicle_id, shown.month),
        picture=map_pictures.picture_of(shown.track) if days else None,
        map_words=_map_words(),
        days=days,
        chosen="" if chosen is None else chosen["started_at_text"],
        open_day=_day_of(chosen) if chosen else days[0][0] if days else None,
        tiles_url=settings.tiles_url or "",
        tiles_attribution=settings.tiles_attribution,
    )


@pages.get("/map/track.geojson")
@shown_to(Deed.READ, audited=False)
def send_track() -> Response:
    """The way of a truck, thinned for the zoom of the map; what is in view, if a box is given."""
    asked = request.args
    found = mapping.vehicle_track(
        fleet_settings(),
        asked.get("vehicle", ""),
        asked.get("month", ""),
        zoom_level=_zoom(),
        box=_box(),
    )
    return _drawn(found.as_dict())


@pages.get("/map/fixes.geojson")
@shown_to(Deed.READ)
def send_fixes() -> Response:
    """The fixes of a leg that are in view."""
    asked = request.args
    found = leg_fixes.read_leg_fixes(
        fleet_settings(), asked.get("vehicle", ""), asked.get("leg", "")
    )
    return _drawn(found.shown(_zoom() or _ZOOM_OF_FIXES, _box()))


@pages.get("/map/provinces.geojson")
@shown_to(Deed.READ, audited=False)
def send_provinces() -> Response:
    """The outlines of the provinces: the ground of the map where no tiles are set."""
    return _packed(_outlines(), mapping.province_outlines, cache_control=_KEEP_OUTLINES)


@cache
def _outlines() -> bytes:
    return gzip.compress(mapping.province_outlines(), _TIGHTLY, mtime=0)


def _drawn(features: dict[str, Any]) -> Response:
    content = json.dumps(features, separators=(",", ":"), allow_nan=False).encode()
    packed = gzip.compress(content, _QUICKLY, mtime=0)
    return _packed(packed, lambda: content, cache_control="private, no-cache")


def _packed(packed: bytes, plain: Any, *, cache_control: str) -> Response:
    """Features packed with gzip, or plain for who cannot unpack them."""
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = make_response(packed if is_packed else plain())
    response.content_type = _GEOJSON
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _told(legs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The legs with places, orders and reasons as people read them."""
    spoken = language()
    starts, ends = (
        place_texts(
            [leg[f"{end}_lon"] for leg in legs], [leg[f"{end}_lat"] for leg in legs], spoken
        )
        for end in ("from", "to")
    )
    return [
        leg
        | {
            "origin": origin,
            "destination": destination,
            "orders": [(one, order_address(one)) for one in leg["order_ids"].split(";") if one],
            "reason": leg_reason(leg["reason_code"]),
            "address": leg_address(leg["vehicle_id"], leg["started_at_text"]),
        }
        for leg, origin, destination in zip(legs, starts, ends, strict=True)
    ]


def _track_address(vehicle_id: str, month: str) -> str:
    return f"/map/track.geojson?{urlencode({'vehicle': vehicle_id, 'month': month})}"


def _day_of(leg: dict[str, Any]) -> Any:
    return leg["started_at"].date()


def _moment_asked() -> str:
    """The leg that the address names."""
    return request.args.get("leg", "")


def _zoom() -> float | None:
    """Of the map by the address; None if it tells none."""
    written = request.args.get("zoom", "")
    try:
        return float(written) if written else None
    except ValueError:
        raise NotFound from None


def _box() -> Box | None:
    """What is in view by the address: west, south, east, north; None for the whole world."""
    written = request.args.get("bbox", "")
    if not written:
        return None
    try:
        west, south, east, north = map(float, written.split(","))
    except ValueError:
        raise NotFound from None
    return Box(west, south, east, north)


def _map_words() -> dict[str, str]:
    """What the map library says, by its names."""
    return {
        "Map.Title": word("page_map"),
        "NavigationControl.ZoomIn": word("zoom_in"),
        "NavigationControl.ZoomOut": word("zoom_out"),
        "ScaleControl.Kilometers": locales.unit("km", language()),
        "ScaleControl.Meters": word("metres"),
    }


def _origin(address: str) -> str:
    """Server of an address, as a policy names it; empty for one of our own."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
