"""The manager's first page: a month of the fleet at a glance, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request

from fleet_carbon.services.accounts import overviews, reporting
from fleet_carbon.services.accounts.overviews import Choice, Overview
from fleet_carbon.services.accounts.place_naming import RegionNames, name_regions
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.statements import charts, locales
from fleet_carbon.statements.category_words import BANDS
from fleet_carbon.statements.fleet_figures import (
    FIGURES,
    NOTHING,
    change_of,
    text_of,
    unit_of,
    value_of,
)
from fleet_carbon.statements.issues import issue_told
from fleet_carbon.statements.likeness import OTHERS_MIN
from fleet_carbon.statements.wording import CHINESE
from fleet_carbon.web.callers import authenticated, fleet_settings
from fleet_carbon.web.pages.figures import interval_told
from fleet_carbon.web.pages.frame import (
    NAVIGATION,
    language,
    page,
    pages,
    shown_to,
    word,
)
from fleet_carbon.web.pages.naming import one_of

_CARDS = ("credited", "avoided", "saved", "value", "empty", "load_rate", "idle", "coverage")
_TREND = ("credited", "avoided", "saved", "empty", "load_rate")
_RANKED_SHOWN = 10
_LANES_SHOWN = 8
_DRIVERS_LISTED_MAX = 200
_STEPS = {
    "saved_by_less_empty_l": "less_empty",
    "saved_by_higher_load_l": "higher_load",
    "saved_by_efficiency_l": "efficiency",
}
# What is put right on no page, by how the codes begin: what they tell says why.
_NOWHERE = (
    *("wtw_fallback_region", "wtw_generation_only", "lng_factors", "platform_electricity"),
    *("no_factor_for_", "energy_by_receipts", "work_beyond_cap", "claim_released"),
    *("claimed_by_another_fleet",),
)
_TRENDS = {1: "up", -1: "down", 0: ""}

NAVIGATION.append(("/", "page_overview", Deed.READ))


@pages.get("/")
@shown_to(None)
def show_overview() -> Any:
    """The overview; drivers are led to what is theirs."""
    caller: Caller = authenticated()
    if not caller.may(Deed.READ):
        return redirect(f"/my?{request.query_string.decode()}")
    found = looked_at()
    if found is None:
        return page("overview.html", found=None)
    spoken = language()
    return page(
        "overview.html",
        found=found,
        filters=filters_of(found),
        closed=closed_text(found),
        cards=_cards(found),
        has_data=found.report.fleet["accounts_count"] > 0,
        trend=_trend(found),
        waterfall=_waterfall(found.report.waterfall),
        rankings=[
            _ranking(rows, key, names)
            for rows, key, names in (
                (found.drivers, "driver_id", found.names),
                (found.vehicles, "vehicle_id", found.plates),
            )
            if rows
        ],
        lanes=_lanes(found),
        quality=_quality(found.report.quality),
        issues=[_issue(one, spoken) for one in found.report.issues],
        others_min=OTHERS_MIN,
    )


def looked_at() -> Overview | None:
    """The month and choice that the address asks for, else the newest; None if none was closed."""
    settings = fleet_settings()
    month = request.args.get("month", "")
    if not month:
        closed = overviews.closed_months(settings)
        if not closed:
            return None
        month = closed[0]
    return overviews.read_overview(settings, month, chosen())


def chosen() -> Choice:
    """The part of the fleet that the address asks for."""
    asked = {name: request.args.get(name, "") for name in ("class", "driver", "customer", "depot")}
    given = {name: text.strip() for name, text in asked.items()}
    without_depot = overviews.NO_DEPOT if asked["depot"] else ""
    return Choice(
        vehicle_class=given["class"],
        driver_id=given["driver"],
        shipper_id=given["customer"],
        depot=given["depot"] or without_depot,
    )


def closed_text(found: Overview) -> str:
    """When and by what the month was closed."""
    at = datetime.fromisoformat(found.report.closed_at)
    moment = locales.moment(at, fleet_settings().zone, language())
    return word("as_of", moment=moment, edition=found.report.edition)


def filters_of(found: Overview) -> dict[str, Any]:
    """What a page about a month can be narrowed by, and what of it is chosen."""
    choice = chosen()
    asked = {
        "month": found.report.month,
        "class": choice.vehicle_class,
        "driver": choice.driver_id,
        "customer": choice.shipper_id,
        "depot": choice.depot,
    }
    return {
        "months": found.months,
        "classes": found.classes,
        "depots": found.depots,
        "no_depot": overviews.NO_DEPOT,
        "drivers": _drivers(found),
        "choice": choice,
        "is_chosen": any(astuple(choice)),
        "kept": urlencode({name: held for name, held in asked.items() if held}),
    }


def lane_names(row: Mapping[str, Any], names: RegionNames) -> tuple[str, str, str]:
    """Where a lane leads from and to, and its band."""
    origin, destination = (
        names.text(row[end], language()) if row[end] else word("unknown_place")
        for end in ("origin", "destination")
    )
    band = row["distance_band"]
    return origin, destination, one_of(BANDS, band) if band else NOTHING


def _drivers(found: Overview) -> list[tuple[str, str]]:
    """Drivers to choose from; none if they are too many for a list."""
    everybody = sorted((name, one) for one, name in found.names.items())
    if len(everybody) > _DRIVERS_LISTED_MAX:
        return []
    return [(one, name) for name, one in everybody]


def _cards(found: Overview) -> list[dict[str, str]]:
    fleet, spoken = found.report.fleet, language()
    told = []
    for name in _CARDS:
        card = {
            "figure_name": name,
            "value": text_of(fleet, name, spoken),
            "unit": unit_of(name, spoken),
            "edition": found.report.edition,
            "range": interval_told(name, fleet, found.report.bounds.get("fleet", {}).get("", {})),
            "note": _worth(found) if name == "saved" else "",
            **_change(found, name),
        }
        if name == "value":
            card["value"] = _money(fleet["carbon_value"], found.currency)
        told.append(card)
    return told


def _money(amount: float | None, currency: str) -> str:
    """An amount; nothing of several currencies together."""
    return (
        NOTHING if amount is None or not currency else locales.money(amount, currency, language())
    )


def _worth(found: Overview) -> str:
    amount = found.report.fleet["fuel_cost_saved"]
    if not found.currency or amount is None:
        return ""
    return word("worth", amount=locales.money(amount, found.currency, language()))


def _change(found: Overview, name: str) -> dict[str, str]:
    if found.before is None:
        return {"change": "", "trend": ""}
    month, sums = found.before
    change, goodness = change_of(found.report.fleet, sums, name, language=language())
    if not change:
        return {"change": "", "trend": ""}
    unit = word("points") if FIGURES[name].unit == "%" else unit_of(name, language())
    told = word(
        "against_month",
        change=f"{change} {unit}".strip(),
        month=locales.month(month, language()),
    )
    return {"change": told, "trend": _TRENDS[goodness]}


def _trend(found: Overview) -> dict[str, Any]:
    spoken = language()
    values = [value_of(one, "credited") for one in found.trend]
    names = [locales.short_month(one["month"], spoken) for one in found.trend]
    rounded = [None if value is None else round(value, 1) for value in values]
    cells = [[_estimate(one, name, spoken) for name in _TREND] for one in found.trend]
    return {
        "option": charts.trend(names, rounded),
        "heads": [(word("this_month"), ""), *((word(name), name) for name in _TREND)],
        "rows": [
            [locales.month(one["month"], spoken), *of_month]
            for one, of_month in zip(found.trend, cells, strict=True)
        ],
        "has_intervals": any(cell["interval"] for of_month in cells for cell in of_month),
    }


def _estimate(sums: Mapping[str, Any], name: str, spoken: str) -> dict[str, str]:
    """A figure of a month with its unit, and its 90 % interval if it has one."""
    interval = interval_told(name, sums, sums["bounds"])
    return {"text": with_unit(sums, name, spoken), "interval": interval}


def with_unit(row: Mapping[str, Any], name: str, spoken: str) -> str:
    """A figure with its unit."""
    text, unit = text_of(row, name, spoken), unit_of(name, spoken)
    return f"{text} {unit}" if unit and text != NOTHING else text


def headed(name: str, spoken: str) -> str:
    """A figure's name with its unit, for the head of a column."""
    unit = unit_of(name, spoken)
    return with_unit_beside(word(name), unit) if unit else word(name)


def with_unit_beside(text: str, unit: str) -> str:
    """The name of a figure with its unit."""
    return f"{text}（{unit}）" if language() == CHINESE else f"{text}, {unit}"


def _waterfall(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    held = {one["step"]: one["volume_l"] for one in steps}
    parts = [(_STEPS[step], held[step]) for step in _STEPS]
    if any(volume is None for _, volume in parts):
        return None
    values = [-volume for _, volume in parts]
    values.append(sum(values))
    names = [word(name) for name, _ in parts] + [word("together")]
    texts = [locales.signed(value, 1, language()) for value in values]
    return {
        "option": charts.waterfall(names, values, texts),
        "heads": [(word("step"), ""), (word("litres"), "litres")],
        "rows": list(zip(names, texts, strict=True)),
    }


def _ranking(
    rows: Sequence[Mapping[str, Any]], key: str, names: Mapping[str, str]
) -> dict[str, Any]:
    """A chart of those who did best and worst, and all of them as a table."""
    spoken = language()
    compared = [row for row in rows if row["difference_l_per_100km"] is not None]
    column = "difference_l_per_100km" if compared else "saved_l_per_100km"
    shown = list(compared or rows)
    if len(shown) > _RANKED_SHOWN:
        half = _RANKED_SHOWN // 2
        shown = [*shown[:half], *shown[-half:]]
    values = [row[column] for row in shown]
    texts = [locales.signed(value, 1, spoken) for value in values]
    return {
        "id": f"ranked-{key}",
        "title": word("best_drivers" if key == "driver_id" else "best_trucks"),
        "height": f"{max(4, 2 * len(shown) + 1)}rem",
        "option": charts.ranking([names.get(row[key]) or row[key] for row in shown], values, texts),
        "heads": [
            (word("driver" if key == "driver_id" else "truck"), ""),
            *((word(name), name) for name in ("own", "peers", "difference", "peers_count")),
        ],
        "rows": [
            [names.get(row[key]) or row[key], *_beside(row, spoken), row["others_count"]]
            for row in rows[: 5 * _RANKED_SHOWN]
        ],
    }


def _beside(row: Mapping[str, Any], spoken: str) -> list[str]:
    peers, difference = row["peers_l_per_100km"], row["difference_l_per_100km"]
    return [
        locales.number(row["saved_l_per_100km"], 1, spoken),
        NOTHING if peers is None else locales.number(peers, 1, spoken),
        NOTHING if difference is None else locales.signed(difference, 1, spoken),
    ]


def _lanes(found: Overview) -> dict[str, Any]:
    places = name_regions(fleet_settings(), found.report.month)
    worst = sorted(found.rows("lanes"), key=lambda row: -(row["empty_km"] or 0.0))
    names = ("empty_km", "loaded_km", "orders")
    return {
        "heads": [
            *((word(name), "") for name in ("origin", "destination", "band")),
            *((headed(name, language()), name) for name in names),
        ],
        "rows": [
            [*lane_names(row, places), *(text_of(row, name, language()) for name in names)]
            for row in worst[:_LANES_SHOWN]
            if row["empty_km"]
        ],
    }


def _quality(quality: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What each share is called, the share, and by which name it is defined."""
    shares = {
        "quality_orders": "orders_matched_share",
        "quality_unknown": "unknown_km_share",
        "quality_imputed": "imputed_km_share",
    }
    return [
        (
            word(name),
            NOTHING if quality[held] is None else locales.percent(quality[held], language()),
            name,
        )
        for name, held in shares.items()
    ]


def _issue(issue: reporting.Issue, spoken: str) -> dict[str, str]:
    """An issue in words, how it is put right, and where."""
    what, remedy = issue_told(vars(issue), spoken)
    address, action = _way(issue.code)
    return {
        "text": what,
        "remedy": remedy,
        "affected": word(f"affected_{issue.about}", count=issue.affected_count),
        "address": address,
        "action": action,
    }


def _way(code: str) -> tuple[str, str]:
    """Where something is put right, and how the way there is called; empty if nowhere."""
    if code.startswith(_NOWHERE):
        return "", ""
    if "baseline" in code:
        return "/baselines", word("to_baselines")
    if "price" in code or code.startswith("fuel_cost_in_"):
        return "/prices", word("to_prices")
    return "/files", word("to_files")
