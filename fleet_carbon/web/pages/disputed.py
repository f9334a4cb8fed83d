"""What drivers dispute, for those who answer it; both stay on record."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, g, redirect, request
from werkzeug.wrappers import Response as Answer

from fleet_carbon.services.papers import disputing
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import NAVIGATION, page, pages, shown_to
from fleet_carbon.web.pages.stated import address_of_statement

NAVIGATION.append(("/disputes", "page_disputes", Deed.READ))


@pages.get("/disputes")
@shown_to(Deed.READ)
def show_disputes() -> Response:
    """Every dispute: first those that wait for an answer."""
    found = disputing.list_disputes(fleet_settings()).disputes
    return page(
        "disputes.html",
        waiting=[one for one in found if not one["outcome"]],
        answered=[one for one in reversed(found) if one["outcome"]],
        outcomes=disputing.OUTCOMES,
        may_answer=g.caller.may(Deed.CLOSE),
        address_of_statement=address_of_statement,
    )


@pages.post("/disputes/<int:number>/answers")
@shown_to(Deed.CLOSE)
def answer_dispute(number: int) -> Answer:
    """Answer one, in the name of who is signed in."""
    disputing.answer_dispute(
        fleet_settings(),
        number,
        outcome=request.form.get("outcome", ""),
        text=request.form.get("text", ""),
        answered_by=g.caller.name,
    )
    return redirect(f"/disputes#d{number}", HTTPStatus.SEE_OTHER)
