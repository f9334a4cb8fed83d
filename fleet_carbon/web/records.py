"""The ledger and the prices, as they are on record."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from flask import Response, jsonify, request
from flask_openapi.models.tag import Tag

from fleet_carbon.services import bookkeeping, pricing
from fleet_carbon.services.access import Deed
from fleet_carbon.services.repeating import Reply
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import api, problems, repeatable
from fleet_carbon.web.callers import allowed, fleet_settings

LEDGER = Tag(name="Ledger and prices")


@api.get("/ledger/entries", tags=[LEDGER], responses={200: shapes.Told, **problems()})
@allowed(Deed.READ, audited=True)
def list_entries(query: shapes.EntriesQuery) -> Response:
    """Entries of the ledger in their order."""
    found = bookkeeping.list_entries(
        fleet_settings(),
        month=query.month,
        account=query.account,
        driver_id=query.driver_id,
        limit_count=query.limit,
    )
    return jsonify(found.as_dict())


@api.get("/ledger/balances", tags=[LEDGER], responses={200: shapes.Told, **problems()})
@allowed(Deed.READ)
def read_balances(query: shapes.BalancesQuery) -> Response:
    """Balances as of a month and as known at a moment, and where every gram is."""
    found = bookkeeping.read_balances(
        fleet_settings(),
        until_month=query.until_month,
        known_at=query.known_at,
        prefix=query.prefix,
    )
    return jsonify(found.as_dict())


@api.get("/prices", tags=[LEDGER], responses={200: shapes.PricesTold, **problems()})
@allowed(Deed.READ)
def list_prices() -> Response:
    """Every price on record."""
    return jsonify(pricing.list_prices(fleet_settings()).as_dict())


@api.post("/prices", tags=[LEDGER], responses={201: shapes.Told, **problems(400, 409, 415)})
@allowed(Deed.PRICE)
def set_price(body: shapes.PriceAsked) -> Response:
    """Put a price on record; earlier ones stay."""

    def put() -> Reply:
        wanted = pricing.PriceRequest(**body.model_dump())
        return Reply(HTTPStatus.CREATED, pricing.set_price(fleet_settings(), wanted).as_dict())

    return repeatable(hashlib.sha256(request.get_data()).hexdigest(), put)
