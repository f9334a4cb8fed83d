"""From a driver, truck or order down to days, legs and fixes, and from each to its map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request
from werkzeug.exceptions import NotFound

from fleet_carbon.errors import FleetCarbonError, Unavailable
from fleet_carbon.services.accounts import driver_years, leg_fixes, outcomes
from fleet_carbon.services.accounts.driving_days import DrivenDay, DrivenMonth, read_driven_month
from fleet_carbon.services.accounts.place_naming import place_texts
from fleet_carbon.services.accounts.spreads import Bounds
from fleet_carbon.services.intake import browsing
from fleet_carbon.services.papers import stating
from fleet_carbon.services.people.access import Deed
from fleet_carbon.statements import chinese, locales, reasons
from fleet_carbon.statements.fleet_figures import NOTHING, text_of
from fleet_carbon.statements.wording import CHINESE
from fleet_carbon.units import G_PER_KG
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.figures import interval_told
from fleet_carbon.web.pages.frame import language, page, pages, problem_text, shown_to, word
from fleet_carbon.web.pages.naming import driver_named, moment_of, number_told, truck_named
from fleet_carbon.web.pages.overview import headed
from fleet_carbon.web.pages.stated import closed_months, evidence_address

OF_ACCOUNTS = (
    *("distance", "empty", "load_rate", "idle", "diesel", "saved", "avoided", "credited"),
    *("orders", "proven", "coverage"),
)
_OF_YEARS = ("distance", "empty", "diesel", "saved", "avoided", "credited")
_FIXES_SHOWN = 200
_MONTH_CHARS = len("2026-09")

Row = Mapping[str, Any]
# Text and address of what is above a page; the page itself has none.
Trail = list[tuple[str, str]]


@pages.get("/drivers/<string:driver_id>")
@shown_to(Deed.READ)
def show_driver(driver_id: str) -> Response:
    """A driver: accounts of all months, years, and of one month its days and orders."""
    settings, spoken = fleet_settings(), language()
    found = driver_years.read_driver_accounts(settings, driver_id)
    month = request.args.get("month", "") or found.rows[-1]["month"]
    orders, refused = _orders(driver_id, month)
    driven = read_driven_month(settings, month, driver_id=driver_id)
    name = driver_named(driver_id)
    return page(
        "driver.html",
        trail=[*above("drivers", month), (name, "")],
        driver_id=driver_id,
        name=name,
        month=month,
        figures=OF_ACCOUNTS,
        heads=[headed(one, spoken) for one in OF_ACCOUNTS],
        accounts=[
            row
            | {
                "cells": _cells(row, OF_ACCOUNTS, found.bounds[row["month"], row["vehicle_id"]]),
                "plate": truck_named(row["vehicle_id"]),
                "truck": vehicle_address(row["vehicle_id"], row["month"]),
                "map": map_address(row["vehicle_id"], row["month"]),
            }
            for row in reversed(found.rows)
        ],
        year_heads=[(one, headed(one, spoken)) for one in _OF_YEARS],
        years=[(year["year"], _year_cells(year)) for year in found.years],
        days=_days(driven, driver_address(driver_id)),
        orders=orders,
        refused=refused,
    )


@pages.get("/drivers/<string:driver_id>/days/<string:day>")
@shown_to(Deed.READ)
def show_driver_day(driver_id: str, day: str) -> Response:
    """A day of a driver: the legs and the orders."""
    month = _month_of(day)
    driven = read_driven_month(fleet_settings(), month, driver_id=driver_id)
    here = driver_address(driver_id)
    trail = [
        *above("drivers", month),
        (driver_named(driver_id), driver_address(driver_id, month)),
    ]
    return _day_page(driven, day, here=here, trail=trail, title=driver_named(driver_id))


@pages.get("/vehicles/<string:vehicle_id>")
@shown_to(Deed.READ)
def show_vehicle(vehicle_id: str) -> Response:
    """A truck in a month: who drove it, and its days."""
    settings = fleet_settings()
    months = closed_months()
    if not months:
        raise NotFound
    month = request.args.get("month", "") or months[0]
    driven = read_driven_month(settings, month, vehicle_id=vehicle_id)
    drivers = dict.fromkeys(leg["driver_id"] for leg in driven.legs if leg["driver_id"])
    return page(
        "vehicle.html",
        trail=[*above("vehicles", month), (truck_named(vehicle_id), "")],
        vehicle_id=vehicle_id,
        plate=truck_named(vehicle_id),
        month=month,
        months=months,
        drivers=[(driver_named(one), driver_address(one, month)) for one in drivers],
        map=map_address(vehicle_id, month),
        days=_days(driven, vehicle_address(vehicle_id)),
        orders=[_order_row(one) for one in driven.orders.values()],
    )


@pages.get("/vehicles/<string:vehicle_id>/days/<string:day>")
@shown_to(Deed.READ)
def show_vehicle_day(vehicle_id: str, day: str) -> Response:
    """A day of a truck: the legs and the orders."""
    month = _month_of(day)
    driven = read_driven_month(fleet_settings(), month, vehicle_id=vehicle_id)
    title = truck_named(vehicle_id)
    trail = [*above("vehicles", month), (title, vehicle_address(vehicle_id, month))]
    here = vehicle_address(vehicle_id)
    return _day_page(driven, day, here=here, trail=trail, title=title)


@pages.get("/vehicles/<string:vehicle_id>/legs/<string:started_at>")
@shown_to(Deed.READ)
def show_leg(vehicle_id: str, started_at: str) -> Response:
    """A leg: what it is, the orders aboard, and every fix of it."""
    settings = fleet_settings()
    fixes = leg_fixes.read_leg_fixes(settings, vehicle_id, started_at)
    driven = read_driven_month(settings, fixes.month, vehicle_id=vehicle_id)
    legs = driven.legs
    place = next(n for n, leg in enumerate(legs) if leg["started_at"] == fixes.started_at)
    leg = legs[place]
    title = truck_named(vehicle_id)
    day = leg["day"].isoformat()
    beside = {
        "before": legs[place - 1]["started_at"] if place else "",
        "after": legs[place + 1]["started_at"] if place + 1 < len(legs) else "",
    }
    return page(
        "leg.html",
        trail=[
            *above("vehicles", driven.month),
            (title, vehicle_address(vehicle_id, driven.month)),
            (locales.day(day, language()), f"{vehicle_address(vehicle_id)}/days/{day}"),
            (leg_time(leg, driven), ""),
        ],
        leg=_leg_rows([leg], driven)[0],
        facts=_leg_facts(leg),
        driver=driver_named(leg["driver_id"]) if leg["driver_id"] else "",
        driver_address=driver_address(leg["driver_id"], driven.month) if leg["driver_id"] else "",
        evidence=evidence_address(leg["driver_id"], driven.month) if leg["driver_id"] else "",
        title=word("leg_of", vehicle=title, day=locales.day(day, language())),
        beside={name: leg_address(vehicle_id, at) if at else "" for name, at in beside.items()},
        orders=[_order_row(driven.orders[one]) for one in leg["aboard"] if one in driven.orders],
        fixes=[_fix_row(row, driven) for row in fixes.rows[:_FIXES_SHOWN]],
        fixes_count=len(fixes.rows),
        dropped_count=sum(bool(row["dropped"]) for row in fixes.rows),
    )


@pages.get("/orders/<string:order_id>")
@shown_to(Deed.READ)
def show_order(order_id: str) -> Response:
    """An order: what became of it, and the legs on which it was aboard."""
    settings = fleet_settings()
    found = outcomes.read_outcome(settings, order_id)
    record = browsing.read_record(settings, "orders", order_id)
    told = record.in_force or record.versions[-1]
    vehicle_id = (found.result or told)["vehicle_id"]
    driven, legs = None, []
    if found.month:
        driven = read_driven_month(settings, found.month, vehicle_id=vehicle_id)
        legs = _leg_rows([leg for leg in driven.legs if order_id in leg["aboard"]], driven)
    places = place_texts(
        [told["pickup_lon"], told["delivery_lon"]],
        [told["pickup_lat"], told["delivery_lat"]],
        language(),
    )
    driver_id = (found.result or told)["driver_id"] or ""
    return page(
        "order.html",
        trail=[
            *above("vehicles", found.month),
            (truck_named(vehicle_id), vehicle_address(vehicle_id, found.month)),
            (order_id, ""),
        ],
        order_id=order_id,
        found=found,
        reason=_order_reason(found),
        told=told,
        places=[told["pickup_place"] or places[0], told["delivery_place"] or places[1]],
        times=None if found.result is None else _order_times(found.result),
        driver=driver_named(driver_id) if driver_id else "",
        driver_address=driver_address(driver_id, found.month) if driver_id else "",
        plate=truck_named(vehicle_id),
        vehicle_address=vehicle_address(vehicle_id, found.month),
        row=None if driven is None else _order_row(driven.orders[order_id]),
        legs=legs,
    )


def _cells(row: Row, figures: Sequence[str], bounds: Bounds) -> list[tuple[str, str]]:
    """Each figure of a row, and its interval."""
    spoken = language()
    return [(text_of(row, one, spoken), interval_told(one, row, bounds)) for one in figures]


def _year_cells(year: Row) -> list[tuple[str, str]]:
    bounds = {name: (held["low"], held["high"]) for name, held in year["intervals"].items()}
    return _cells({**year, **year["saving"]}, _OF_YEARS, bounds)


def driver_address(driver_id: str, month: str = "") -> str:
    """Where the page of a driver is."""
    return _address(f"/drivers/{quote(driver_id, safe='')}", month=month)


def vehicle_address(vehicle_id: str, month: str = "") -> str:
    """Where the page of a truck is."""
    return _address(f"/vehicles/{quote(vehicle_id, safe='')}", month=month)


def order_address(order_id: str) -> str:
    """Where the page of an order is."""
    return f"/orders/{quote(order_id, safe='')}"


def leg_address(vehicle_id: str, started_at: str) -> str:
    """Where the page of a leg is."""
    return f"/vehicles/{quote(vehicle_id, safe='')}/legs/{quote(started_at, safe='')}"


def map_address(vehicle_id: str, month: str, started_at: str = "") -> str:
    """Where the month of a truck is drawn, at one of its legs if that is named."""
    return _address("/map", vehicle=vehicle_id, month=month, leg=started_at)


def leg_time(leg: Row, driven: DrivenMonth) -> str:
    """From when until when a leg was driven, by the clock of the fleet."""
    began, ended = (
        datetime.fromisoformat(leg[name]).astimezone(driven.zone)
        for name in ("started_at", "finished_at")
    )
    return f"{began:%H:%M} – {ended:%H:%M}"


def leg_reason(code: str) -> str:
    """Why a leg has its state, in the language of the page."""
    return chinese.leg_reason(code) if language() == CHINESE else reasons.leg_reason(code)


def _address(path: str, **asked: str) -> str:
    given = {name: value for name, value in asked.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def above(kind: str, month: str) -> Trail:
    """The overview and the list that a page is reached from."""
    return [
        (word("page_overview"), _address("/", month=month)),
        (word(f"page_{kind}"), _address(f"/{kind}", month=month)),
    ]


def _month_of(day: str) -> str:
    try:
        return f"{date.fromisoformat(day):%Y-%m}"
    except ValueError:
        raise NotFound from None


def _day_page(driven: DrivenMonth, day: str, *, here: str, trail: Trail, title: str) -> Response:
    on = date.fromisoformat(day)
    shown = driven.on(on)
    days = [one.day for one in driven.days]
    place = days.index(on)
    shown_day = locales.day(day, language())
    maps = {leg["vehicle_id"]: leg["started_at"] for leg in reversed(shown.legs)}
    return page(
        "day.html",
        trail=[*trail, (shown_day, "")],
        title=f"{title} · {shown_day}",
        before=f"{here}/days/{days[place - 1]}" if place else "",
        after=f"{here}/days/{days[place + 1]}" if place + 1 < len(days) else "",
        sums=_day_row(shown, here)["cells"],
        legs=_leg_rows(shown.legs, driven),
        maps=[(name, map_address(name, driven.month, at)) for name, at in sorted(maps.items())],
        orders=[_order_row(driven.orders[one]) for one in shown.order_ids if one in driven.orders],
    )


def _days(driven: DrivenMonth, here: str) -> list[dict[str, Any]]:
    return [_day_row(day, here) for day in driven.days]


def _day_row(day: DrivenDay, here: str) -> dict[str, Any]:
    sums = day.sums
    figures = ((f"{name}_km", 1) for name in ("loaded", "empty", "unknown"))
    return {
        "text": locales.day(day.day.isoformat(), language()),
        "address": f"{here}/days/{day.day}",
        "cells": [
            str(sum(leg["distance_km"] > 0 for leg in day.legs)),
            *(number_told(sums[name], digits) for name, digits in figures),
            str(len(day.order_ids)),
            number_told(sums["diesel_l"], 1),
            number_told((sums["credited_g"] or 0.0) / G_PER_KG, 1),
        ],
    }


def _leg_rows(legs: Sequence[Row], driven: DrivenMonth) -> list[dict[str, Any]]:
    spoken = language()
    starts = place_texts(
        [leg["from_lon"] for leg in legs], [leg["from_lat"] for leg in legs], spoken
    )
    ends = place_texts([leg["to_lon"] for leg in legs], [leg["to_lat"] for leg in legs], spoken)
    return [
        {
            "time": leg_time(leg, driven),
            "day": locales.day(leg["day"].isoformat(), spoken),
            "day_address": f"{vehicle_address(leg['vehicle_id'])}/days/{leg['day']}",
            # A leg of no distance holds standing alone.
            "state": leg["state"] if leg["distance_km"] > 0 else "stood",
            "origin": start,
            "destination": end,
            "reason": leg_reason(leg["reason_code"]),
            "orders": [(one, order_address(one)) for one in leg["aboard"]],
            "distance": number_told(leg["distance_km"], 1),
            "diesel": number_told(leg["diesel_l"], 1),
            "credited": number_told(leg["credited_g"] / G_PER_KG, 1),
            "address": leg_address(leg["vehicle_id"], leg["started_at"]),
            "map": map_address(leg["vehicle_id"], driven.month, leg["started_at"]),
        }
        for leg, start, end in zip(legs, starts, ends, strict=True)
    ]


def _leg_facts(leg: Row) -> list[tuple[str, str]]:
    """What the page of a leg tells beside its line, by the names of the words."""
    spoken = language()
    return [
        ("payload", _with_unit(leg["payload_t"], 2, "t")),
        ("standing", _with_unit(leg["stop_h"], 1, "h")),
        ("idle_of", _with_unit(leg["idle_h"], 1, "h")),
        ("co2_of", _with_unit(leg["co2_ttw_kg"], 1, "kg")),
        ("imputed", _with_unit(leg["imputed_km"], 1, "km")),
        ("distance_source", word(f"source_{leg['distance_source']}")),
        ("confidence", locales.percent(leg["confidence_share"], spoken, 0)),
        ("trace_digest", leg["trace_version"]),
    ]


def _fix_row(row: Row, driven: DrivenMonth) -> list[str]:
    dropped = row["dropped"]
    return [
        f"{datetime.fromisoformat(row['at']).astimezone(driven.zone):%H:%M:%S}",
        f"{row['lon']:.6f}",
        f"{row['lat']:.6f}",
        number_told(row["speed_kmh"], 0),
        word(f"dropped_{dropped}") if dropped else word("counts_yes"),
    ]


def _order_row(order: Row) -> dict[str, Any]:
    """An order as a line of a table."""
    is_counted = order["matched"] or order["status"] == outcomes.CANCELLED
    return {
        "order_id": order["order_id"],
        "address": order_address(order["order_id"]),
        "proven": bool(order["matched"]),
        "state": word("proven_yes") if order["matched"] else word("proven_no"),
        "reason": _reason_of(order["reason_code"]),
        "cargo": number_told(order["cargo_t"], 2),
        "onboard": number_told(order["onboard_km"], 1),
        "approach": number_told(order["approach_km"], 1),
        "diesel": number_told(order["realised_diesel_l"], 1),
        "credited": number_told(order["credited_g"] / G_PER_KG, 1) if is_counted else NOTHING,
    }


def _order_reason(found: outcomes.OrderOutcome) -> str:
    if found.result is None:
        return word("order_not_closed")
    return _reason_of(found.result["reason_code"])


def _reason_of(code: str) -> str:
    if language() == CHINESE:
        return chinese.order_reason(code)
    clause = reasons.order_reason(code)
    return f"{clause[:1].upper()}{clause[1:]}"


def _order_times(result: Row) -> list[str]:
    """When the truck stood at the two places, as far as it is known."""
    told = []
    for end in ("pickup", "delivery"):
        moments = {what: moment_of(result[f"{end}_{what}_at"]) for what in ("arrived", "departed")}
        shown = {what: at or NOTHING for what, at in moments.items()}
        told.append(word("arrived_departed", **shown) if any(moments.values()) else NOTHING)
    return told


def _with_unit(value: float | None, digits: int, unit: str) -> str:
    return f"{number_told(value, digits)} {locales.unit(unit, language())}"


def _orders(driver_id: str, month: str) -> tuple[dict[str, Any], str]:
    """The orders as the driver's statement tells them, or why there is none."""
    try:
        statement = stating.make_statement(fleet_settings(), driver_id, month, language=language())
    except Unavailable:
        raise
    except FleetCarbonError as refused:
        return {}, problem_text(refused.code, refused.message, refused.hint)
    orders: dict[str, Any] = statement.composed["orders"]
    for line in orders.get("lines", []):
        line["address"] = order_address(line["order_id"])
    return orders, ""
