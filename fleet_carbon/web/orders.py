"""One order at a time: put, cancelled, and what became of it."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, g

from fleet_carbon.frames import ORDERS
from fleet_carbon.services.accounts import outcomes
from fleet_carbon.services.intake import placing, receiving
from fleet_carbon.services.intake.ingesting import Source
from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web import register_shapes as shapes
from fleet_carbon.web.answers import api, problems, repeatable, told
from fleet_carbon.web.bodies import json_object, received_body
from fleet_carbon.web.callers import allowed, fleet_settings
from fleet_carbon.web.register import REGISTER
from fleet_carbon.web.shapes import IntakeQuery

_EXAMPLE = {
    "vehicle_id": "T01",
    "driver_id": "D01",
    "cargo_t": 28.5,
    "pickup_lon": 104.06,
    "pickup_lat": 30.67,
    "delivery_lon": 106.55,
    "delivery_lat": 29.56,
    "pickup_time": "2026-10-05T08:00:00+08:00",
    "delivery_time": "2026-10-05T15:00:00+08:00",
    "status": "planned",
}
_COLUMNS = {
    column.name: {"description": column.text + (f" [{column.unit}]" if column.unit else "")}
    for column in ORDERS.columns
}
_BODY = {
    "description": "The order with the columns of the documentation.",
    "required": True,
    "content": {
        receiving.JSON: {
            "schema": {"type": "object", "properties": _COLUMNS},
            "example": _EXAMPLE,
        }
    },
}
_RECORD = shapes.ORDER_RECORD


@api.put(
    "/orders/<string:order_id>",
    tags=[REGISTER],
    request_body=_BODY,
    responses={200: _RECORD, **problems(409, 413, 415, 507)},
)
@allowed(Deed.SEND)
def put_order(path: shapes.OrderPath, query: IntakeQuery) -> Response:
    """Put one order on record, whole: without `version` it gets the one that follows."""
    with received_body((receiving.JSON,)) as body:

        def put() -> Reply:
            record = placing.put_order(
                fleet_settings(),
                path.order_id,
                json_object(body),
                name=f"order-{g.request_id}",
                source=Source(crs=query.crs, time_zone=query.time_zone, may_restate=False),
            )
            return Reply(HTTPStatus.OK, record.as_dict())

        return repeatable(body.digest_sha256, put)


@api.post(
    "/orders/<string:order_id>/cancellation",
    tags=[REGISTER],
    responses={200: _RECORD, **problems(404, 409, 507)},
)
@allowed(Deed.SEND)
def cancel_order(path: shapes.OrderPath) -> Response:
    """Cancel an order in its next version; one that is cancelled stays as it is."""

    def cancel() -> Reply:
        record = placing.cancel_order(
            fleet_settings(), path.order_id, name=f"cancellation-{g.request_id}"
        )
        return Reply(HTTPStatus.OK, record.as_dict())

    return repeatable("", cancel)


@api.get(
    "/orders/<string:order_id>/result",
    tags=[REGISTER],
    responses={200: shapes.OutcomeTold, 304: None, **problems(404)},
)
@allowed(Deed.READ)
def read_result(path: shapes.OrderPath) -> Response:
    """What became of an order: proven or why not, what it took, what was credited for it."""
    return told(outcomes.read_outcome(fleet_settings(), path.order_id).as_dict())
