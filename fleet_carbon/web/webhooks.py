"""Webhooks: who is told of what, what was delivered, and everything once more."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, make_response
from flask_openapi.models.tag import Tag

from fleet_carbon.services import publishing, webhook_log, webhooks
from fleet_carbon.services.access import Deed
from fleet_carbon.services.job_kinds import REPLAY
from fleet_carbon.services.repeating import Reply
from fleet_carbon.web import shapes
from fleet_carbon.web import webhook_shapes as told
from fleet_carbon.web.answers import api, body_sha256, job_asked, problems, repeatable
from fleet_carbon.web.callers import allowed, fleet_settings

WEBHOOKS = Tag(name="Webhooks")


@api.get("/webhooks", tags=[WEBHOOKS], responses={200: told.WebhooksTold, **problems()})
@allowed(Deed.WEBHOOKS)
def list_webhooks() -> Response:
    """The endpoints that are told of what happens."""
    return jsonify(webhooks.list_endpoints(fleet_settings()).as_dict())


@api.post("/webhooks", tags=[WEBHOOKS], responses={201: told.WebhooksTold, **problems(400, 415)})
@allowed(Deed.WEBHOOKS)
def create_webhook(body: told.WebhookAsked) -> Response:
    """Have an endpoint told; its secret comes this once, so that the request cannot be repeated."""
    made = webhooks.create_endpoint(
        fleet_settings(), body.url, event_types=body.event_types, description=body.description
    )
    return make_response(jsonify(made.as_dict()), HTTPStatus.CREATED)


@api.get(
    "/webhooks/<string:endpoint_id>",
    tags=[WEBHOOKS],
    responses={200: told.WebhooksTold, **problems(404)},
)
@allowed(Deed.WEBHOOKS)
def read_webhook(path: told.WebhookPath) -> Response:
    """An endpoint."""
    return jsonify(webhooks.read_endpoint(fleet_settings(), path.endpoint_id).as_dict())


@api.patch(
    "/webhooks/<string:endpoint_id>",
    tags=[WEBHOOKS],
    responses={200: told.WebhooksTold, **problems(400, 404, 409, 415)},
)
@allowed(Deed.WEBHOOKS)
def change_webhook(path: told.WebhookPath, body: told.WebhookChange) -> Response:
    """Change an endpoint, pause it, or let it go on."""

    def change() -> Reply:
        wanted: dict[str, Any] = body.model_dump(exclude_none=True)
        changed = webhooks.change_endpoint(fleet_settings(), path.endpoint_id, **wanted)
        return Reply(HTTPStatus.OK, changed.as_dict())

    return repeatable(body_sha256(), change)


@api.delete(
    "/webhooks/<string:endpoint_id>",
    tags=[WEBHOOKS],
    responses={200: told.WebhooksTold, **problems(404, 409)},
)
@allowed(Deed.WEBHOOKS)
def end_webhook(path: told.WebhookPath) -> Response:
    """Tell an endpoint nothing more."""

    def end() -> Reply:
        ended = webhooks.end_endpoint(fleet_settings(), path.endpoint_id)
        return Reply(HTTPStatus.OK, ended.as_dict())

    return repeatable("", end)


@api.post(
    "/webhooks/<string:endpoint_id>/secrets",
    tags=[WEBHOOKS],
    responses={201: told.WebhooksTold, **problems(400, 404, 415)},
)
@allowed(Deed.WEBHOOKS)
def rotate_webhook_secret(path: told.WebhookPath, body: told.RotationAsked) -> Response:
    """Make the next secret, told this once; the one before signs as well for a while."""
    rotated = webhooks.rotate_secret(
        fleet_settings(), path.endpoint_id, both_valid_h=body.both_valid_h
    )
    return make_response(jsonify(rotated.as_dict()), HTTPStatus.CREATED)


@api.post(
    "/webhooks/<string:endpoint_id>/pings",
    tags=[WEBHOOKS],
    responses={202: told.DeliveriesTold, **problems(404, 409)},
)
@allowed(Deed.WEBHOOKS)
def ping_webhook(path: told.WebhookPath) -> Response:
    """Send a message that means nothing, to see whether it arrives."""

    def ping() -> Reply:
        asked = webhook_log.ping(fleet_settings(), path.endpoint_id)
        return Reply(HTTPStatus.ACCEPTED, asked.as_dict())

    return repeatable("", ping)


@api.get(
    "/webhooks/<string:endpoint_id>/deliveries",
    tags=[WEBHOOKS],
    responses={200: told.DeliveriesTold, **problems(400, 404)},
)
@allowed(Deed.WEBHOOKS)
def list_deliveries(path: told.WebhookPath, query: told.DeliveriesQuery) -> Response:
    """What was to be told to an endpoint and what came of each attempt, newest first."""
    found = webhook_log.read_deliveries(
        fleet_settings(),
        path.endpoint_id,
        state=query.state,
        cursor=query.cursor,
        limit_count=query.limit,
    )
    return jsonify(found.as_dict())


@api.post(
    "/webhooks/<string:endpoint_id>/deliveries/<string:event_id>/replays",
    tags=[WEBHOOKS],
    responses={202: told.DeliveriesTold, **problems(404, 409)},
)
@allowed(Deed.WEBHOOKS)
def replay_delivery(path: told.DeliveryPath) -> Response:
    """Send an event again, with the same id."""

    def replay() -> Reply:
        asked = webhook_log.replay_one(fleet_settings(), path.endpoint_id, path.event_id)
        return Reply(HTTPStatus.ACCEPTED, asked.as_dict())

    return repeatable("", replay)


@api.post(
    "/webhooks/<string:endpoint_id>/replays",
    tags=[WEBHOOKS],
    responses={202: shapes.JobTold, **problems(400, 404, 409, 415)},
)
@allowed(Deed.WEBHOOKS)
def replay_webhook(path: told.WebhookPath, body: told.ReplayAsked) -> Response:
    """Send everything again that happened since a moment; the answer names the job that does it."""
    return job_asked(REPLAY.name, endpoint_id=path.endpoint_id, since=body.since)


@api.post(
    "/months/<string:month>/publications",
    tags=[WEBHOOKS],
    responses={200: told.PublicationTold, **problems(404, 409)},
)
@allowed(Deed.CLOSE)
def publish_statements(path: shapes.MonthPath) -> Response:
    """Publish the statements of a month as it was closed last; webhooks tell of each."""

    def publish() -> Reply:
        done = publishing.publish_statements(fleet_settings(), path.month)
        return Reply(HTTPStatus.OK, done.as_dict())

    return repeatable("", publish)
