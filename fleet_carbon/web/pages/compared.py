"""Baselines: what each account was compared with, which counted and why, and new declared lines."""

from __future__ import annotations

import csv
import tempfile
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, redirect, request

from fleet_carbon.services.accounts import counterfactuals
from fleet_carbon.services.intake import browsing, uploading
from fleet_carbon.services.intake.browsing import Filter
from fleet_carbon.services.intake.ingesting import Source
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.statements import chinese, locales, reasons, wording
from fleet_carbon.statements.fleet_figures import NOTHING
from fleet_carbon.statements.refusals import refusal_of
from fleet_carbon.statements.wording import CHINESE, LANGUAGES
from fleet_carbon.units import G_PER_KG
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import NAVIGATION, given, language, page, pages, shown_to, word
from fleet_carbon.web.pages.naming import number_told

_ACCOUNTS_OF_PAGE = 25
_LINES_OF_PAGE = 100
_TEXTS = ("driver_id", "vehicle_class", "valid_from")
_PERCENTS = ("empty_share", "payload_utilisation_share")

NAVIGATION.append(("/baselines", "page_baselines", Deed.READ))


@pages.get("/baselines")
@shown_to(Deed.READ)
def show_baselines() -> Response:
    """The accounts of a month with their baselines side by side."""
    return _baselines()


@pages.post("/baselines")
@shown_to(Deed.SEND)
def declare_baseline() -> Any:
    """Put a declared line on record, as a file of one row would."""
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-baseline-") as folder:
        path = Path(folder) / "baseline.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow((*_TEXTS, *_PERCENTS))
            writer.writerow([given(name) for name in _TEXTS] + [_share(one) for one in _PERCENTS])
        taken = uploading.take_in(fleet_settings(), "baselines", path, source=Source())
    (told,) = taken.as_dict()["files"]
    if told["rejections"]:
        return _baselines(told["rejections"])
    return redirect(f"/baselines?declared={told['reception']}#lines", HTTPStatus.SEE_OTHER)


def _share(name: str) -> str:
    """Percent as a share; what is no number goes on as it is, to be refused as any row is."""
    try:
        return format(Decimal(given(name)) / 100, "f")
    except InvalidOperation:
        return given(name)


def _baselines(refused: list[dict[str, Any]] | None = None) -> Response:
    caller: Caller = g.caller
    settings, search = fleet_settings(), request.args.get("q", "")
    first = max(request.args.get("first", 0, type=int), 0)
    found = counterfactuals.read_counterfactuals(
        settings,
        request.args.get("month", ""),
        search=search,
        first=first,
        limit_count=_ACCOUNTS_OF_PAGE,
    )
    lines = browsing.browse(
        settings,
        "baselines",
        Filter(),
        cursor=request.args.get("cursor", ""),
        limit_rows=_LINES_OF_PAGE,
    )
    return page(
        "baselines.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        refused=[
            row | vars(refusal_of(row["code"], row["text"], language())) for row in refused or ()
        ],
        given=request.form,
        declared=request.args.get("declared", 0, type=int),
        found=found,
        accounts=[] if found is None else [_account(one) for one in found.accounts],
        sources=_sources(found),
        search=search,
        previous=_address(found, first - _ACCOUNTS_OF_PAGE),
        next=_address(found, first + _ACCOUNTS_OF_PAGE),
        place="" if found is None else _place(first, found.accounts_count),
        lines=[_line(row) for row in reversed(lines.rows)],
        next_lines=lines.next_cursor,
        may_declare=caller.may(Deed.SEND),
    )


def _place(first: int, count: int) -> str:
    last = min(first + _ACCOUNTS_OF_PAGE, count)
    return word("rows_of", first=min(first + 1, count), last=last, count=count)


def _address(found: counterfactuals.Counterfactuals | None, first: int) -> str:
    """Of the page that begins so; empty if there is none."""
    if found is None or not -_ACCOUNTS_OF_PAGE < first < found.accounts_count:
        return ""
    asked = {"month": found.month, "q": request.args.get("q", ""), "first": max(first, 0)}
    return f"/baselines?{urlencode(asked)}" if first != 0 or request.args.get("first") else ""


def _name_of(source: str) -> str:
    if source not in wording.BASELINES:
        return word("counted_none")
    return str(wording.BASELINES[source][LANGUAGES.index(language())])


def _sources(found: counterfactuals.Counterfactuals | None) -> list[dict[str, Any]]:
    """Each kind of baseline: for how many accounts it counted, and how long it serves."""
    if found is None:
        return []
    return [
        {
            "name": _name_of(source),
            "about": word(f"baseline_{source}_about"),
            "count": locales.number(found.counted.get(source, 0), 0, language()),
            "years": locales.number(found.years_max[source], 0, language())
            if source in found.years_max
            else NOTHING,
        }
        for source in counterfactuals.SAVED_AGAINST
    ]


def _percent(value: float | None) -> str:
    return NOTHING if value is None else locales.percent(value, language())


def _day(on: str) -> str:
    return locales.day(on, language()) if on else NOTHING


def _account(account: dict[str, Any]) -> dict[str, Any]:
    sentence = chinese.note_sentence if language() == CHINESE else reasons.note_sentence
    return account | {
        "why": _why(account),
        "saved": number_told(account["saved_l"], 1),
        "credited": number_told(account["credited_g"] / G_PER_KG, 1),
        "notes": [sentence(code) for code in account["notes"]],
        "baselines": [_told(one, account["counted"]) for one in account["baselines"]],
        "since": _since_joining(account["since_joining"]),
    }


def _since_joining(told: dict[str, Any] | None) -> str:
    """What the months since joining tell of those before, which is no baseline by itself."""
    if told is None:
        return ""
    return word(
        "since_joining_tells",
        told=_name_of(told["source"]),
        empty=_percent(told["empty_share"]),
        payload=_percent(told["payload_share"]),
        count=number_told(told["sample_count"], 0),
    )


def _why(account: dict[str, Any]) -> str:
    """Which one counts, and why."""
    name, stated = _name_of(account["counted"]), len(account["baselines"])
    if account["counted"] not in wording.BASELINES:
        return word("counted_none")
    if account["is_smallest"]:
        return word("counted_smallest", baseline=name, count=stated)
    return word("counted_only" if stated == 1 else "counted_as_noted", baseline=name)


def _told(baseline: dict[str, Any], counted: str) -> dict[str, Any]:
    drawn = baseline["drawn_empty_share"] is not None
    return {
        "name": _name_of(baseline["source"]),
        "is_counted": baseline["source"] == counted,
        "empty": _percent(baseline["empty_share"]),
        "payload": _percent(baseline["payload_share"]),
        "drawn": word(
            "drawn_to",
            empty=_percent(baseline["drawn_empty_share"]),
            payload=_percent(baseline["drawn_payload_share"]),
        )
        if drawn
        else "",
        "from_on": _day(baseline["from_on"]),
        "age": number_told(baseline["age_days"], 0),
        "until": _day(baseline["serves_until"]) if baseline["serves_until"] else word("by_months"),
        "sample": number_told(baseline["sample_count"], 0) if baseline["sample_count"] else "",
        "saved": number_told(baseline["saved_l"], 1),
    }


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """A declared line on record."""
    return {
        "whom": row["driver_id"] or row["vehicle_class"],
        "is_driver": bool(row["driver_id"]),
        "part": _part(row),
        "from_on": _day(row["valid_from"]),
        "empty": _percent(row["empty_share"]),
        "payload": _percent(row["payload_utilisation_share"]),
        "reception": row["reception"],
    }


def _part(row: dict[str, Any]) -> str:
    """Which part of the work of a class it holds for; empty for all."""
    told = [row["energy"] or ""]
    for name, unit in (("body_length_m", "m"), ("distance_km", "km"), ("cargo_t", "t")):
        low, high = row[f"{name}_from"], row[f"{name}_until"]
        if low is not None or high is not None:
            begin, end = ("" if one is None else f"{one:g}" for one in (low, high))
            told.append(f"{begin}\N{EN DASH}{end} {unit}")
    return ", ".join(filter(None, told))
