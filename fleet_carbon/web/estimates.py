"""Before a trip, and after it: estimates, plans, and what an order came to."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response
from flask_openapi.models.tag import Tag

from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.trips import dispatching, estimating, realising
from fleet_carbon.services.trips.wanting import OrderWanted
from fleet_carbon.web import estimate_shapes as shapes
from fleet_carbon.web.answers import api, body_sha256, problems, repeatable, told
from fleet_carbon.web.callers import allowed, fleet_settings

BEFORE = Tag(name="Before a trip", description="Which truck, and what it would come to")


def _asked(body: shapes.EstimateAsked | shapes.PlanAsked) -> dict[str, Any]:
    fields = body.model_dump()
    orders = tuple(OrderWanted(**one) for one in fields.pop("orders"))
    return fields | {"orders": orders, "vehicle_ids": tuple(fields["vehicle_ids"])}


@api.post(
    "/estimates",
    tags=[BEFORE],
    responses={201: shapes.EstimateTold, **problems(400, 404, 409, 413, 415, 507)},
)
@allowed(Deed.SEND)
def make_estimate(body: shapes.EstimateAsked) -> Response:
    """Rank trucks for orders by what they would come to; it is kept on record."""

    def make() -> Reply:
        report = estimating.estimate(
            fleet_settings(), estimating.EstimateRequest(**_asked(body))
        ).as_dict()
        location = f"/v1/estimates/{report['estimate_id']}"
        return Reply(HTTPStatus.CREATED, report | {"location": location})

    return repeatable(body_sha256(), make)


@api.get(
    "/estimates/<estimate_id>",
    tags=[BEFORE],
    responses={200: shapes.EstimateTold, 304: None, **problems(404)},
)
@allowed(Deed.READ)
def read_estimate(path: shapes.EstimatePath) -> Response:
    """An estimate, and what its orders came to since."""
    return told(estimating.read_estimate(fleet_settings(), path.estimate_id).as_dict())


@api.get(
    "/orders/<order_id>/realised",
    tags=[BEFORE],
    responses={200: shapes.RealisedTold, 304: None, **problems(404)},
)
@allowed(Deed.READ)
def read_realised(path: shapes.OrderPath) -> Response:
    """What an order came to, beside what was expected of it."""
    return told(realising.read_realised(fleet_settings(), path.order_id).as_dict())


@api.post(
    "/assignments/plan",
    tags=[BEFORE],
    responses={200: shapes.PlanTold, **problems(400, 404, 409, 413, 415, 507)},
)
@allowed(Deed.SEND)
def make_plan(body: shapes.PlanAsked) -> Response:
    """Find trucks for many orders: most orders first, then fewest kilometres."""

    def make() -> Reply:
        wanted = dispatching.PlanRequest(**_asked(body))
        return Reply(HTTPStatus.OK, dispatching.plan(fleet_settings(), wanted).as_dict())

    return repeatable(body_sha256(), make)
