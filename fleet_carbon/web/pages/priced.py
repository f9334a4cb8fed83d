"""The prices of carbon and diesel on record, and the form for a new one."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus
from typing import Any

from flask import Response, g, redirect, request

from fleet_carbon.services.intake import pricing
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.statements import locales
from fleet_carbon.statements.wording import Words
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import NAVIGATION, given, language, page, pages, shown_to, word
from fleet_carbon.web.pages.naming import moment_of

_PRICE = ("series", "price", "currency", "unit", "valid_from")

NAVIGATION.append(("/prices", "page_prices", Deed.READ))


@pages.get("/prices")
@shown_to(Deed.READ)
def show_prices() -> Response:
    """The prices on record, and the form for a new one."""
    caller: Caller = g.caller
    listed = pricing.list_prices(fleet_settings()).as_dict()["prices"]
    return page(
        "prices.html",
        prices=[_told(one) for one in reversed(listed)],
        may_set=caller.may(Deed.PRICE),
        given=request.form,
    )


def _told(price: dict[str, Any]) -> dict[str, Any]:
    """A price as people read it, and what sales it is for, if it is for sales only."""
    scope = [price[name] for name in ("market", "vintage", "grade") if price[name]]
    return price | {
        "series": Words(language()).series(price["series"]),
        "amount": locales.money(Decimal(price["price"]), price["currency"], language()),
        "unit": word("per_tonne" if price["unit"] == pricing.CARBON_UNIT else "per_litre"),
        "valid_from": locales.day(price["valid_from"], language()),
        "recorded_at": moment_of(price["recorded_at"]),
        "scope": ", ".join(scope),
    }


@pages.post("/prices")
@shown_to(Deed.PRICE)
def put_price() -> Any:
    """Put a price on record; earlier ones stay."""
    series, price, currency, unit, valid_from = map(given, _PRICE)
    wanted = pricing.PriceRequest(series, price, currency, unit, valid_from)
    pricing.set_price(fleet_settings(), wanted)
    return redirect("/prices", HTTPStatus.SEE_OTHER)
