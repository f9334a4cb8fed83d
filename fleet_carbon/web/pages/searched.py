"""Drivers, trucks, orders and lanes by a part of what they are called."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request

from fleet_carbon.services.accounts import searching
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.driven import driver_address, order_address, vehicle_address
from fleet_carbon.web.pages.frame import NAVIGATION, language, page, pages, shown_to, word

NAVIGATION.append(("/search", "page_search", Deed.READ))

Hits = list[tuple[str, str, str]]


@pages.get("/search")
@shown_to(Deed.READ)
def show_search() -> Response:
    """What is called like the text of the address."""
    text = request.args.get("q", "").strip()
    found = searching.search(fleet_settings(), text, language=language())
    return page("search.html", text=text, found=found, kinds=_kinds(found))


def _kinds(found: searching.Found) -> list[tuple[str, Hits]]:
    """What was found, by kind: how it is called, what stands beside, and its page."""
    drivers: Hits = [
        (name or one, one if name else "", driver_address(one)) for one, name in found.drivers
    ]
    vehicles: Hits = [
        (plate or one, one if plate else "", vehicle_address(one)) for one, plate in found.vehicles
    ]
    orders: Hits = [(one, "", order_address(one)) for one in found.orders]
    lanes: Hits = [
        (f"{origin} – {destination}", "", _lane_address(found.month, origin))
        for origin, destination in found.lanes
    ]
    told = (
        ("page_drivers", drivers),
        ("page_vehicles", vehicles),
        ("orders", orders),
        ("page_lanes", lanes),
    )
    return [(word(name), hits) for name, hits in told if hits]


def _lane_address(month: str, origin: str) -> str:
    return f"/lanes?{urlencode({'month': month, 'q': origin})}"
