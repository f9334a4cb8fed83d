"""Drivers, trucks, depots and lanes of a month as tables that are sorted, searched, turned over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from fleet_carbon.services.accounts.overviews import NO_DEPOT, Overview
from fleet_carbon.services.accounts.place_naming import RegionNames, name_regions
from fleet_carbon.services.people.access import Deed
from fleet_carbon.statements.fleet_figures import FIGURES, text_of, value_of
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.driven import (
    OF_ACCOUNTS,
    driver_address,
    map_address,
    vehicle_address,
)
from fleet_carbon.web.pages.figures import interval_told
from fleet_carbon.web.pages.frame import NAVIGATION, language, page, pages, shown_to, word
from fleet_carbon.web.pages.overview import closed_text, filters_of, headed, lane_names, looked_at

_ROWS_SHOWN = 50
_OF_LANES = ("orders", "loaded_km", "empty_km", "work")

_KEYS = {"drivers": "driver_id", "vehicles": "vehicle_id", "depots": "depot"}

Cell = dict[str, str]
_Named = tuple[list[Cell], Mapping[str, Any]]
NAVIGATION += [
    ("/drivers", "page_drivers", Deed.READ),
    ("/vehicles", "page_vehicles", Deed.READ),
    ("/lanes", "page_lanes", Deed.READ),
]


@pages.get("/drivers")
@shown_to(Deed.READ)
def list_drivers() -> Response:
    """The drivers of a month."""

    def named(row: Mapping[str, Any], found: Overview) -> list[Cell]:
        driver_id = row["driver_id"]
        if not driver_id:
            return [_cell(word("nobody"))]
        name = found.names.get(driver_id, driver_id)
        return [_cell(name, driver_address(driver_id, found.report.month))]

    return _listed("drivers", ("driver",), OF_ACCOUNTS, named)


@pages.get("/vehicles")
@shown_to(Deed.READ)
def list_vehicles() -> Response:
    """The trucks of a month."""

    def named(row: Mapping[str, Any], found: Overview) -> list[Cell]:
        vehicle_id = row["vehicle_id"]
        return [
            _cell(
                found.plates.get(vehicle_id) or vehicle_id,
                vehicle_address(vehicle_id, found.report.month),
            ),
            _cell(word("on_map"), map_address(vehicle_id, found.report.month)),
        ]

    return _listed("vehicles", ("truck", "on_map"), OF_ACCOUNTS, named)


@pages.get("/depots")
@shown_to(Deed.READ)
def list_depots() -> Response:
    """The depots of a month."""

    def named(row: Mapping[str, Any], found: Overview) -> list[Cell]:
        asked = {"month": found.report.month, "depot": row["depot"] or NO_DEPOT}
        return [_cell(row["depot"] or word("no_depot"), f"/?{urlencode(asked)}")]

    return _listed("depots", ("depot",), OF_ACCOUNTS, named)


@pages.get("/lanes")
@shown_to(Deed.READ)
def list_lanes() -> Response:
    """The lanes of a month."""

    @cache
    def names(month: str) -> RegionNames:
        return name_regions(fleet_settings(), month)

    def named(row: Mapping[str, Any], found: Overview) -> list[Cell]:
        return [_cell(name) for name in lane_names(row, names(found.report.month))]

    return _listed("lanes", ("origin", "destination", "band"), _OF_LANES, named)


def _cell(text: str, address: str = "") -> Cell:
    return {"text": text, "address": address}


def _listed(table: str, names: Sequence[str], figures: Sequence[str], named: Any) -> Response:
    found, title = looked_at(), f"page_{table}"
    if found is None:
        return page("listing.html", title=title, found=None)
    sort = request.args.get("sort", "") or f"-{figures[0]}"
    query = request.args.get("q", "").strip()
    rows: list[_Named] = [(named(row, found), row) for row in found.rows(table)]
    rows = [one for one in rows if _is_like(one, query)]
    _order(rows, sort, names)
    first = _ROWS_SHOWN * _page_asked(len(rows))
    shown = rows[first : first + _ROWS_SHOWN]
    cells = [_figures(table, row, figures, found) for _, row in shown]
    listing = {
        "query": query,
        "has_intervals": any(cell.get("interval") for row in cells for cell in row),
        "sort": sort,
        "heads": [
            *(_head(name, sort, is_number=False) for name in names),
            *(_head(name, sort, is_number=True) for name in figures),
        ],
        "rows": [[*one[0], *told] for one, told in zip(shown, cells, strict=True)],
        "place": word("rows_of", first=first + 1, last=first + len(shown), count=len(rows)),
        "previous": _again(page=first // _ROWS_SHOWN) if first else "",
        "next": _again(page=first // _ROWS_SHOWN + 2) if first + len(shown) < len(rows) else "",
    }
    return page(
        "listing.html",
        title=title,
        found=found,
        filters=filters_of(found),
        about=word("lane_names_about") if table == "lanes" else "",
        closed=closed_text(found),
        listing=listing,
    )


def _figures(
    table: str, row: Mapping[str, Any], figures: Sequence[str], found: Overview
) -> list[Cell]:
    """The figures of a row, each with its interval if it has one."""
    key = row.get(_KEYS.get(table, ""))
    bounds = found.report.bounds.get(table, {}).get(key or "", {})
    return [
        {**_cell(text_of(row, name, language())), "interval": interval_told(name, row, bounds)}
        for name in figures
    ]


def _is_like(one: _Named, query: str) -> bool:
    cells, row = one
    texts = [cell["text"] for cell in cells] + [v for v in row.values() if isinstance(v, str)]
    return any(query.lower() in text.lower() for text in texts)


def _order(rows: list[_Named], sort: str, names: Sequence[str]) -> None:
    """By the column asked for; what is not known stands last either way."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name in names:
        place = list(names).index(name)
        rows.sort(key=lambda one: one[0][place]["text"], reverse=is_down)
    elif name in FIGURES:
        known = [one for one in rows if value_of(one[1], name) is not None]
        unknown = [one for one in rows if value_of(one[1], name) is None]
        known.sort(key=lambda one: value_of(one[1], name) or 0.0, reverse=is_down)
        rows[:] = [*known, *unknown]


def _page_asked(rows_count: int) -> int:
    """Number of the page from 0; the nearest there is."""
    asked = request.args.get("page", "1")
    number = int(asked) - 1 if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0
    return max(0, min(number, (rows_count - 1) // _ROWS_SHOWN))


def _head(name: str, sort: str, *, is_number: bool) -> dict[str, Any]:
    is_sorted = sort.removeprefix("-") == name
    is_down = sort.startswith("-")
    order = ("descending" if is_down else "ascending") if is_sorted else ""
    # Figures are first sorted from the largest, names from the first.
    begin = f"-{name}" if is_number else name
    turned = name if is_down else f"-{name}"
    return {
        "name": name,
        "text": headed(name, language()) if is_number else word(name),
        "is_number": is_number,
        "order": order,
        "address": "" if name == "on_map" else _again(sort=turned if is_sorted else begin, page=1),
    }


def _again(**changed: Any) -> str:
    """The same page with something else asked of it."""
    asked = {name: held for name, held in request.args.items() if name != "lang"} | changed
    return f"{request.path}?{urlencode(asked)}"
