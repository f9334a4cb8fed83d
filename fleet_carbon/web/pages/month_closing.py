"""Months: how each stands, what its closes changed, and closing one after a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Response, g, redirect, request

from fleet_carbon.errors import FleetCarbonError, NotFound
from fleet_carbon.services.accounts import month_states
from fleet_carbon.services.accounts.month_states import MonthState
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.services.running.job_kinds import CLOSE, PREVIEW
from fleet_carbon.statements import locales
from fleet_carbon.statements.fleet_figures import NOTHING, text_of
from fleet_carbon.units import G_PER_KG
from fleet_carbon.web.answers import job_book
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import (
    NAVIGATION,
    job_problem,
    language,
    page,
    pages,
    shown_to,
    word,
)
from fleet_carbon.web.pages.naming import driver_named, moment_of, truck_named
from fleet_carbon.web.pages.overview import headed, with_unit_beside
from fleet_carbon.web.pages.words import WORDS

_CHANGES_SHOWN = 50
_CREDITED = "co2_credited_g"
_OF_LEDGER = ("reversed_from_buffer_g", "obligation_opened_g", "obligations_open_g")

# What it is called, what it is, and by which name it is defined.
Fact = tuple[str, str, str]

NAVIGATION.append(("/months", "page_months", Deed.READ))


@pages.get("/months")
@shown_to(Deed.READ)
def list_month_states() -> Any:
    """The months from the first closed one to the present."""
    if request.args.get("month"):
        return redirect(f"/months/{quote(request.args['month'], safe='')}")
    states = month_states.list_months(fleet_settings())
    return page(
        "months.html",
        rows=[_state(one) for one in states],
        credited=headed("credited", language()),
    )


@pages.get("/months/<string:month>")
@shown_to(Deed.READ)
def show_month(month: str) -> Response:
    """A month: its state, its closes, and the job that was asked for."""
    caller: Caller = g.caller
    state = month_states.read_month(fleet_settings(), month)
    return page(
        "month.html",
        month=_state(state),
        may_close=caller.may(Deed.CLOSE),
        job=_job(state),
        runs=[_run(month_states.run_dict(run) | {"changes": run.changes}) for run in state.runs],
        changes_heads=[
            (word("driver"), ""),
            (word("truck"), ""),
            (word("figure_before"), "figure_before"),
            (word("figure_after"), "figure_after"),
            (word("changed_by"), ""),
        ],
    )


@pages.post("/months/<string:month>/preview")
@shown_to(Deed.CLOSE)
def ask_preview(month: str) -> Any:
    """Ask what a close would come to."""
    return _asked(PREVIEW.name, month)


@pages.post("/months/<string:month>/close")
@shown_to(Deed.CLOSE)
def ask_close(month: str) -> Any:
    """Ask for the month to be closed."""
    return _asked(CLOSE.name, month)


@pages.post("/months/<string:month>/cancellation")
@shown_to(Deed.CLOSE)
def cancel_job(month: str) -> Any:
    """Let a job that waits not be done; one that is under way goes on, and the page says so."""
    job_id = request.form.get("job", "")
    with suppress(FleetCarbonError):
        job_book().cancel(fleet_settings().fleet, job_id)
    address = f"/months/{quote(month, safe='')}?job={quote(job_id, safe='')}"
    return redirect(address, HTTPStatus.SEE_OTHER)


def _asked(kind_name: str, month: str) -> Any:
    job = job_book().ask(fleet_settings().fleet, kind_name, month=month)
    address = f"/months/{job.arguments['month']}?job={quote(job.job_id, safe='')}"
    return redirect(address, HTTPStatus.SEE_OTHER)


def _state(state: MonthState) -> dict[str, Any]:
    told = word(f"state_{state.state}")
    run = state.runs[0] if state.runs else None
    return {
        "month": state.month,
        "state": state.state,
        "state_text": told if state.is_over else f"{told} ({word('not_over')})",
        "is_over": state.is_over,
        "has_data": state.has_data,
        "changed": _sources(state.changed),
        "closed_at": moment_of(run.closed_at.isoformat()) if run else NOTHING,
        "runs_count": len(state.runs),
        "credited": _kilograms(run.summary if run else {}),
    }


def _sources(names: Sequence[str]) -> str:
    """What came or changed, in words."""
    known = (f"came_{name}" for name in names)
    told = [word(name) if name in WORDS else name.removeprefix("came_") for name in known]
    return word("comma").join(told)


def _kilograms(held: Mapping[str, Any]) -> str:
    return text_of(held, "credited", language())


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "closed_at": moment_of(run["closed_at"]),
        "edition": run["edition"],
        "facts": _facts(run["summary"]),
        "changes": _changes(run["changes"]),
    }


def _facts(held: Mapping[str, Any]) -> list[Fact]:
    """What a close came to; what it does not tell is left out."""
    counts = {
        "accounts": "accounts",
        "trucks": "vehicles",
        "orders": "orders",
        "proven": "orders_matched",
        "entries": "ledger_entries",
    }
    told = [(headed("credited", language()), _kilograms(held), "credited")]
    told += [
        (word(name), locales.number(held[key], 0, language()), name)
        for name, key in counts.items()
        if key in held
    ]
    return told


def _changes(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Accounts that a close changed, those first whose credit differs."""
    by_credit = sorted(changes, key=lambda one: _CREDITED not in one["figures"])
    rows = []
    for one in by_credit[:_CHANGES_SHOWN]:
        before, after = one["figures"].get(_CREDITED, (None, None))
        figures = [_kilograms({_CREDITED: held}) for held in (before, after)]
        rows.append(
            [
                driver_named(one["driver_id"]),
                truck_named(one["vehicle_id"]),
                *figures,
                _sources(tuple(one["reasons"])),
            ]
        )
    left = len(changes) - len(rows)
    return {"rows": rows, "more": word("more_changes", count=left) if left else ""}


def _job(state: MonthState) -> dict[str, Any] | None:
    """The job of the address, if it is one about this month."""
    job_id = request.args.get("job", "")
    if not job_id:
        return None
    try:
        job = job_book().find(fleet_settings().fleet, job_id)
    except NotFound:
        return None
    if job.kind not in (CLOSE.name, PREVIEW.name) or job.arguments.get("month") != state.month:
        return None
    result = job.result or {}
    is_preview = job.kind == PREVIEW.name
    return {
        "job_id": job.job_id,
        "is_waiting": job.state == "waiting",
        "is_under_way": job.is_under_way,
        "is_preview": is_preview,
        "problem": job_problem(job.problem),
        "result": result,
        "posts_nothing": bool(result) and not (result["first_close"] or result["ledger_entries"]),
        "moment": moment_of(job.changed_at.isoformat()),
        "facts": _facts(result) + _of_ledger(result, state if is_preview else None),
        "changes": _changes(result.get("changes", [])),
        "later": result.get("later_months", []),
    }


def _of_ledger(result: Mapping[str, Any], before: MonthState | None) -> list[Fact]:
    """What a close does to grams that were posted before; nothing that is nought."""
    told = []
    if before is not None and before.runs and _CREDITED in result:
        change_g = result[_CREDITED] - before.runs[0].summary[_CREDITED]
        change = locales.signed(change_g / G_PER_KG, 1, language())
        told.append((_in_kilograms("against_before"), change, "against_before"))
    for name in _OF_LEDGER:
        if result.get(name):
            kilograms = locales.number(result[name] / G_PER_KG, 1, language())
            told.append((_in_kilograms(name), kilograms, name))
    return told


def _in_kilograms(name: str) -> str:
    return with_unit_beside(word(name), locales.unit("kg", language()))
