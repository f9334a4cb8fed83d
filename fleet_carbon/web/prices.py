"""Prices of carbon and diesel, as they are on record."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_openapi.models.tag import Tag

from fleet_carbon.services.intake import pricing
from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import api, body_sha256, problems, repeatable, told
from fleet_carbon.web.callers import allowed, fleet_settings

PRICES = Tag(name="Prices")


@api.get("/prices", tags=[PRICES], responses={200: shapes.PricesTold, 304: None, **problems()})
@allowed(Deed.READ)
def list_prices() -> Response:
    """Every price on record."""
    return told(pricing.list_prices(fleet_settings()).as_dict())


@api.post("/prices", tags=[PRICES], responses={201: shapes.Told, **problems(400, 409, 413, 415)})
@allowed(Deed.PRICE)
def set_price(body: shapes.PriceAsked) -> Response:
    """Put a price on record; earlier ones stay."""

    def put() -> Reply:
        wanted = pricing.PriceRequest(**body.model_dump())
        return Reply(HTTPStatus.CREATED, pricing.set_price(fleet_settings(), wanted).as_dict())

    return repeatable(body_sha256(), put)
