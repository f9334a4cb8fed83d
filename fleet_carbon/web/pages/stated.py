"""Drivers' statements on the phone and on the desk, what is disputed in them, their evidence."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, g, make_response, redirect, request
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as Answer

from fleet_carbon.services.accounts import explaining, month_states, overviews
from fleet_carbon.services.messages import statement_mail
from fleet_carbon.services.papers import bundling, disputing, stating
from fleet_carbon.services.people.access import Deed
from fleet_carbon.statements import chain_text
from fleet_carbon.statements.wording import Words
from fleet_carbon.web.callers import fleet_settings, refuse_other_drivers
from fleet_carbon.web.pages.frame import NAVIGATION, language, page, pages, shown_to
from fleet_carbon.web.pages.overview import headed
from fleet_carbon.web.pages.zipped import zip_told

NAVIGATION.append(("/my", "page_statement", Deed.READ_OWN))


@pages.get("/my")
@shown_to(Deed.READ_OWN)
def show_own() -> Response | Answer:
    """A driver's own statement; for others, whose statements there are."""
    driver_id = g.caller.driver_id
    months = closed_months()
    if not months:
        return page("statement.html", months=[], driver_id=driver_id)
    month = request.args.get("month") or months[0]
    if driver_id:
        return _statement(driver_id, month, months, own=True)
    if not g.caller.may(Deed.READ):
        return page("statement.html", months=[], driver_id="")
    if request.args.get("driver"):
        return redirect(address_of_statement(request.args["driver"], month))
    listed = month_states.list_statements(fleet_settings(), month)
    return page(
        "statements.html",
        zipped=zip_told(month),
        months=months,
        month=month,
        listed=listed,
        credited=headed("credited", language()),
    )


@pages.get("/drivers/<string:driver_id>/statements/<string:month>")
@shown_to(Deed.READ_OWN)
def show_statement(driver_id: str, month: str) -> Response:
    """The statement of a driver."""
    refuse_other_drivers(driver_id)
    return _statement(driver_id, month, closed_months(), own=False)


@pages.post("/drivers/<string:driver_id>/statements/<string:month>/disputes")
@shown_to(Deed.READ_OWN)
def raise_dispute(driver_id: str, month: str) -> Answer:
    """Dispute a trip or the month."""
    refuse_other_drivers(driver_id)
    given = request.form
    disputing.raise_dispute(
        fleet_settings(),
        driver_id,
        month,
        text=given.get("text", ""),
        order_id=given.get("order_id", ""),
    )
    there = f"/my?{urlencode({'month': month})}"
    if driver_id != g.caller.driver_id:
        there = address_of_statement(driver_id, month)
    return redirect(f"{there}#dispute", HTTPStatus.SEE_OTHER)


@pages.post("/my/mail")
@shown_to(Deed.READ_OWN)
def wish_for_mail() -> Answer:
    """Have the own statement sent by mail from now on, or no more."""
    settings, driver_id = fleet_settings(), g.caller.driver_id
    if not driver_id:
        raise Forbidden
    if request.form.get("wanted") == "1":
        statement_mail.send_from_now_on(settings, driver_id, language=language())
    else:
        statement_mail.send_no_more(settings, driver_id)
    return redirect("/my#mail", HTTPStatus.SEE_OTHER)


@pages.get("/drivers/<string:driver_id>/evidence/<string:month>")
@shown_to(Deed.READ_OWN)
def show_evidence(driver_id: str, month: str) -> Response:
    """How the figures of a statement came about, step by step, down to the files."""
    refuse_other_drivers(driver_id)
    found = explaining.explain_account(fleet_settings(), driver_id, month, language=language())
    told = found.as_dict()
    numbers = {code: number for number, code in enumerate(told["sources"], start=1)}
    words = Words(language())
    return page(
        "evidence.html",
        told=told,
        numbers=numbers,
        paper=paper_address(driver_id, month),
        may_read=g.caller.may(Deed.READ),
        amount_of=partial(chain_text.amount_text, language=words.language),
        source_of=partial(chain_text.source_text, words=words, zone=found.zone),
    )


@pages.get("/drivers/<string:driver_id>/evidence/<string:month>/bundle.zip")
@shown_to(Deed.READ_OWN)
def send_bundle(driver_id: str, month: str) -> Response:
    """The proof of a driver's month, its chain, and the legs, orders and fixes behind it."""
    refuse_other_drivers(driver_id)
    content = bundling.audit_bundle(fleet_settings(), driver_id, month, language=language())
    response = make_response(content)
    response.content_type = "application/zip"
    name = quote(f"evidence-{driver_id}-{month}.zip", safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def closed_months() -> list[str]:
    """The months that were closed, the newest first."""
    return list(overviews.closed_months(fleet_settings()))


def address_of_statement(driver_id: str, month: str) -> str:
    """Where the page of a statement is."""
    return f"/drivers/{quote(driver_id, safe='')}/statements/{quote(month, safe='')}"


def evidence_address(driver_id: str, month: str) -> str:
    """Where the figures of a statement are explained."""
    return f"/drivers/{quote(driver_id, safe='')}/evidence/{quote(month, safe='')}"


def paper_address(driver_id: str, month: str) -> str:
    """Where a statement is handed out as a file."""
    return f"/v1/months/{quote(month, safe='')}/drivers/{quote(driver_id, safe='')}"


def _statement(driver_id: str, month: str, months: list[str], *, own: bool) -> Response:
    settings = fleet_settings()
    made = stating.make_statement(settings, driver_id, month, language=language())
    here = f"/my?{urlencode({'month': month})}&" if own else f"{request.path}?"
    return page(
        "statement.html",
        months=months,
        month=month,
        before=max((one for one in months if one < month), default=""),
        after=min((one for one in months if one > month), default=""),
        driver_id=driver_id,
        own=own,
        title=f"{made.composed['words']['title']} · {made.composed['month_text']}",
        part=made.part(_links(driver_id, month, here=here, has_paper=made.proof is not None)),
        orders=_orders(made.composed),
        chosen=request.args.get("order", ""),
        mail=statement_mail.read_wish(settings, driver_id) if own else None,
        # Of every month: an answer may come when the driver looks at the next month already.
        disputes=disputing.list_disputes(settings, driver_id=driver_id).disputes,
    )


def _links(driver_id: str, month: str, *, here: str, has_paper: bool) -> dict[str, str]:
    links = {"dispute": "#dispute", "order_dispute": f"{here}order="}
    if has_paper:
        paper = f"{paper_address(driver_id, month)}/paper?language={language()}&form="
        links |= {"pdf": f"{paper}pdf", "json": f"{paper}json", "picture": f"{paper}png"}
        links["evidence"] = evidence_address(driver_id, month)
    return links


def _orders(composed: dict[str, Any]) -> list[str]:
    lines = composed["orders"]["lines"] if composed["has_data"] else []
    return [one["order_id"] for one in lines]
