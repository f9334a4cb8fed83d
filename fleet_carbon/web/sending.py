"""Rows in: what a fleet's systems send."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, g
from flask_openapi.models.tag import Tag

from fleet_carbon.services import receiving
from fleet_carbon.services.access import Deed
from fleet_carbon.services.ingesting import KINDS, Source
from fleet_carbon.services.repeating import Reply
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import api, named, problems, repeatable
from fleet_carbon.web.bodies import received_body
from fleet_carbon.web.callers import allowed, fleet_settings

SENDING = Tag(name="Send", description="Rows in")
_BODY = {
    "description": "Rows with the columns of the documentation; a single row may be one object.",
    "required": True,
    "content": {
        receiving.JSON: {"schema": {"type": "array", "items": {"type": "object"}}},
        **{
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in receiving.SUFFIXES
            if media_type != receiving.JSON
        },
    },
}


def _intake_route(kind: str) -> None:
    @api.post(
        f"/{kind}",
        tags=[SENDING],
        summary=f"Send {kind}",
        description=f"Takes in {kind}: sound rows are on record when the answer comes, rows that"
        " are refused are named, rows on record already are counted as duplicates.",
        request_body=_BODY,
        responses={200: shapes.IntakeTold, **problems(409, 413, 415, 507)},
    )
    @named(f"send_{kind}")
    @allowed(Deed.SEND)
    def send(query: shapes.IntakeQuery) -> Response:
        with received_body(tuple(receiving.SUFFIXES)) as body:

            def take_in() -> Reply:
                intake = receiving.receive(
                    fleet_settings(),
                    kind,
                    body.path,
                    media_type=body.media_type,
                    name=f"{kind}-{g.request_id}",
                    source=Source(crs=query.crs, time_zone=query.time_zone, may_restate=False),
                ).as_dict()
                told = intake["files"][0] | {"kind": kind}
                return Reply(
                    HTTPStatus.OK, {name: told[name] for name in shapes.IntakeTold.model_fields}
                )

            return repeatable(body.digest_sha256, take_in)


for _kind in KINDS:
    _intake_route(_kind)
