"""Webhooks: who is told of what, what was delivered, and everything once more."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response
from flask_openapi.models.tag import Tag

from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.messages import webhook_log, webhooks
from fleet_carbon.services.papers import publishing
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.running.job_kinds import REPLAY
from fleet_carbon.web import shapes
from fleet_carbon.web import webhook_shapes as hooks
from fleet_carbon.web.answers import (
    api,
    changed,
    job_asked,
    problems,
    repeatable,
    told,
)
from fleet_carbon.web.callers import allowed, fleet_settings

WEBHOOKS = Tag(name="Webhooks")


@api.get("/webhooks", tags=[WEBHOOKS], responses={200: hooks.WebhooksTold, 304: None, **problems()})
@allowed(Deed.WEBHOOKS)
def list_webhooks() -> Response:
    """The endpoints that are told of what happens."""
    return told(webhooks.list_endpoints(fleet_settings()).as_dict())


@api.post(
    "/webhooks",
    tags=[WEBHOOKS],
    responses={201: hooks.WebhooksTold, **problems(400, 409, 413, 415)},
)
@allowed(Deed.WEBHOOKS)
def create_webhook(body: hooks.WebhookAsked) -> Response:
    """Have an endpoint told; its secret comes this once, and not to a request that is repeated."""

    def make() -> webhooks.Endpoints:
        return webhooks.create_endpoint(
            fleet_settings(), body.url, event_types=body.event_types, description=body.description
        )

    return changed(make, HTTPStatus.CREATED, told_once=("secret",))


@api.get(
    "/webhooks/<string:endpoint_id>",
    tags=[WEBHOOKS],
    responses={200: hooks.WebhooksTold, 304: None, **problems(404)},
)
@allowed(Deed.WEBHOOKS)
def read_webhook(path: hooks.WebhookPath) -> Response:
    """An endpoint."""
    return told(webhooks.read_endpoint(fleet_settings(), path.endpoint_id).as_dict())


@api.patch(
    "/webhooks/<string:endpoint_id>",
    tags=[WEBHOOKS],
    responses={200: hooks.WebhooksTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.WEBHOOKS)
def change_webhook(path: hooks.WebhookPath, body: hooks.WebhookChange) -> Response:
    """Change an endpoint, pause it, or let it go on."""

    def change() -> webhooks.Endpoints:
        wanted: dict[str, Any] = body.model_dump(exclude_none=True)
        return webhooks.change_endpoint(fleet_settings(), path.endpoint_id, **wanted)

    return changed(change)


@api.delete(
    "/webhooks/<string:endpoint_id>",
    tags=[WEBHOOKS],
    responses={200: hooks.WebhooksTold, **problems(404, 409)},
)
@allowed(Deed.WEBHOOKS)
def end_webhook(path: hooks.WebhookPath) -> Response:
    """Tell an endpoint nothing more."""
    return changed(lambda: webhooks.end_endpoint(fleet_settings(), path.endpoint_id))


@api.post(
    "/webhooks/<string:endpoint_id>/secrets",
    tags=[WEBHOOKS],
    responses={201: hooks.WebhooksTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.WEBHOOKS)
def rotate_webhook_secret(path: hooks.WebhookPath, body: hooks.RotationAsked) -> Response:
    """Make the next secret, told this once; the one before signs as well for a while."""

    def rotate() -> webhooks.Endpoints:
        return webhooks.rotate_secret(
            fleet_settings(), path.endpoint_id, both_valid_h=body.both_valid_h
        )

    return changed(rotate, HTTPStatus.CREATED, told_once=("secret",))


@api.post(
    "/webhooks/<string:endpoint_id>/pings",
    tags=[WEBHOOKS],
    responses={202: hooks.DeliveriesTold, **problems(404, 409)},
)
@allowed(Deed.WEBHOOKS)
def ping_webhook(path: hooks.WebhookPath) -> Response:
    """Send a message that means nothing, to see whether it arrives."""

    def ping() -> Reply:
        asked = webhook_log.ping(fleet_settings(), path.endpoint_id)
        return Reply(HTTPStatus.ACCEPTED, asked.as_dict())

    return repeatable("", ping)


@api.get(
    "/webhooks/<string:endpoint_id>/deliveries",
    tags=[WEBHOOKS],
    responses={200: hooks.DeliveriesTold, 304: None, **problems(400, 404)},
)
@allowed(Deed.WEBHOOKS)
def list_deliveries(path: hooks.WebhookPath, query: hooks.DeliveriesQuery) -> Response:
    """What was to be told to an endpoint and what came of each attempt, newest first."""
    found = webhook_log.read_deliveries(
        fleet_settings(),
        path.endpoint_id,
        state=query.state,
        cursor=query.cursor,
        limit_count=query.limit,
    )
    return told(found.as_dict())


@api.post(
    "/webhooks/<string:endpoint_id>/deliveries/<string:event_id>/replays",
    tags=[WEBHOOKS],
    responses={202: hooks.DeliveriesTold, **problems(404, 409)},
)
@allowed(Deed.WEBHOOKS)
def replay_delivery(path: hooks.DeliveryPath) -> Response:
    """Send an event again, with the same id."""

    def replay() -> Reply:
        asked = webhook_log.replay_one(fleet_settings(), path.endpoint_id, path.event_id)
        return Reply(HTTPStatus.ACCEPTED, asked.as_dict())

    return repeatable("", replay)


@api.post(
    "/webhooks/<string:endpoint_id>/replays",
    tags=[WEBHOOKS],
    responses={202: shapes.JobTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.WEBHOOKS)
def replay_webhook(path: hooks.WebhookPath, body: hooks.ReplayAsked) -> Response:
    """Send everything again that happened since a moment; the answer names the job that does it."""
    return job_asked(REPLAY.name, endpoint_id=path.endpoint_id, since=body.since)


@api.post(
    "/months/<string:month>/publications",
    tags=[WEBHOOKS],
    responses={200: hooks.PublicationTold, **problems(404, 409)},
)
@allowed(Deed.CLOSE)
def publish_statements(path: shapes.MonthPath) -> Response:
    """Publish the statements of a month as it was closed last; webhooks tell of each."""

    def publish() -> Reply:
        done = publishing.publish_statements(fleet_settings(), path.month)
        return Reply(HTTPStatus.OK, done.as_dict())

    return repeatable("", publish)
