"""Rows in: what a fleet's systems send."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from flask import Response, current_app, g, request
from flask_openapi.models.tag import Tag

from fleet_carbon.services.intake import receiving
from fleet_carbon.services.intake.ingesting import KINDS, Source
from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.positions.position_desk import PositionDesk, body_bytes_max
from fleet_carbon.services.positions.position_reading import PositionsRequest
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import answer_of, api, keyed, named, problems, repeatable, told
from fleet_carbon.web.bodies import held_body, received_body
from fleet_carbon.web.callers import allowed, event_of, fleet_settings
from fleet_carbon.web.limiting import count_rows

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
    def send(query: shapes.RowsQuery) -> Response:
        source = _source(query)
        answer = _streamed(source) if kind == "positions" else None
        if answer is not None:
            return answer
        with received_body(_media_types(source)) as body:

            def take_in() -> Reply:
                intake = receiving.receive(
                    fleet_settings(),
                    kind,
                    body.path,
                    media_type=body.media_type,
                    name=f"{kind}-{g.request_id}",
                    source=source,
                ).as_dict()
                became = intake["files"][0] | {"kind": kind}
                count_rows(g.caller.key_id, became["rows_read"])
                names = shapes.IntakeTold.model_fields
                return Reply(
                    HTTPStatus.OK, {name: became[name] for name in names if name in became}
                )

            return repeatable(body.digest_sha256, take_in)


def _preview_route(kind: str) -> None:
    @api.post(
        f"/{kind}/preview",
        tags=[SENDING],
        summary=f"Look at {kind} before they are sent",
        description=f"Says how {kind} would be read: columns, units, moments, places, what each"
        " rests on, what would be refused. Nothing is kept.",
        request_body=_BODY,
        responses={200: shapes.PreviewTold, **problems(413, 415)},
    )
    @named(f"preview_{kind}")
    @allowed(Deed.SEND)
    def preview(query: shapes.RowsQuery) -> Response:
        source = _source(query)
        with received_body(_media_types(source)) as body:
            found = receiving.look_at(
                fleet_settings(), kind, body.path, media_type=body.media_type, source=source
            ).as_dict()
        return told({name: found[name] for name in shapes.PreviewTold.model_fields})


def _source(query: shapes.RowsQuery) -> Source:
    return Source(
        crs=query.crs,
        time_zone=query.time_zone,
        may_restate=False,
        dialect=query.dialect or "",
        vehicle_id=query.vehicle_id,
    )


def _media_types(source: Source) -> tuple[str, ...]:
    return tuple(receiving.DIALECT_SUFFIXES if source.dialect else receiving.SUFFIXES)


def _streamed(source: Source) -> Response | None:
    """The answer to positions that the desk takes in at once; None if they go by file."""
    content = held_body(_media_types(source), body_bytes_max(source))
    if content is None:
        return None
    digest = hashlib.sha256(content).hexdigest()
    request_key, request_sha256 = keyed(digest) or ("", "")
    desk: PositionDesk = current_app.extensions["positions"]
    reply = desk.take_in(
        fleet_settings().fleet,
        PositionsRequest(
            content=content,
            media_type=request.mimetype,
            digest_sha256=digest,
            name=f"positions-{g.request_id}",
            source=source,
            event=event_of(HTTPStatus.OK),
            request_key=request_key,
            request_sha256=request_sha256,
        ),
    )
    if reply is None:
        return None
    g.is_on_record = True
    count_rows(g.caller.key_id, reply.content.get("rows_read", 0))
    return answer_of(reply)


for _kind in KINDS:
    _intake_route(_kind)
    _preview_route(_kind)
