"""Positions that a Traccar server forwards, each in a request of its own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

from flask import Response, current_app, g
from flask_openapi.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from fleet_carbon.services import forwarding, receiving
from fleet_carbon.services.access import Deed
from fleet_carbon.services.position_desk import PositionDesk
from fleet_carbon.services.position_reading import PositionsRequest
from fleet_carbon.services.repeating import Reply
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import answer_of, api, body_sha256, keyed, problems, repeatable
from fleet_carbon.web.callers import allowed, event_of, fleet_settings
from fleet_carbon.web.limiting import count_rows

SENDING = Tag(name="Send", description="Rows in")
_Epoch = Annotated[int, Field(ge=0, le=253_402_300_799_999)]  # to the end of the year 9999
_Number = Annotated[float | None, Field(allow_inf_nan=False)]


class _Forwarded(BaseModel):
    """What Traccar sends more is left alone: versions differ."""

    model_config = ConfigDict(extra="ignore", strict=True)


class TraccarPosition(_Forwarded):
    """A position as Traccar has it; what is not named here serves nothing."""

    fix_time: _Epoch | Annotated[str, Field(max_length=40)] = Field(
        alias="fixTime", description="Moment of the fix: ms since 1970, or ISO 8601."
    )
    lat: float = Field(alias="latitude", allow_inf_nan=False, description="WGS-84. [deg]")
    lon: float = Field(alias="longitude", allow_inf_nan=False, description="WGS-84. [deg]")
    speed: _Number = Field(None, description="[knots]")
    course: _Number = Field(None, description="[deg]")
    altitude: _Number = Field(None, description="0: not known. [m]")
    accuracy: _Number = Field(None, description="0: not known. [m]")
    valid: bool = Field(True, description="Without a fix the position is refused.")
    outdated: bool = Field(False, description="An old fix told again is refused.")
    attributes: dict[str, Any] | None = Field(
        None,
        description="Read of them: odometer [m], fuelUsed [l], fuel [l, in the tank],"
        " driverUniqueId.",
    )


class TraccarDevice(_Forwarded):
    """The device that stands for a truck."""

    unique_id: shapes.Name = Field(alias="uniqueId")
    name: Annotated[str | None, Field(max_length=200)] = None


class TraccarForwarded(_Forwarded):
    """What Traccar's forwarder posts with `forward.type` json."""

    position: TraccarPosition
    device: TraccarDevice


class TraccarQuery(shapes.Asked):
    """What of a device is the number of the truck."""

    vehicle_by: Literal["uniqueId", "name"] = Field(
        "uniqueId", description="What of the device is the truck's vehicle_id."
    )


@api.post(
    "/positions/traccar",
    tags=[SENDING],
    summary="Take a position that Traccar forwards",
    responses={200: shapes.IntakeTold, **problems(400, 409, 413, 415, 507)},
)
@allowed(Deed.SEND)
def forward_position(query: TraccarQuery, body: TraccarForwarded) -> Response:
    """Takes in one position; 200 also for one that is refused, for it would be sent in vain again.

    A position that comes again is a duplicate.
    """
    digest, name = body_sha256(), f"traccar-{g.request_id}"
    given = body.device.unique_id if query.vehicle_by == "uniqueId" else body.device.name
    row = forwarding.body_of_traccar(
        body.position.model_dump(by_alias=True),
        vehicle_id=given or "",
        attributes=body.position.attributes or {},
    )
    if row is None:
        return answer_of(Reply(HTTPStatus.OK, forwarding.told_of_no_fix(name, digest)))
    request_key, request_sha256 = keyed(digest) or ("", "")
    desk: PositionDesk = current_app.extensions["positions"]
    asked = PositionsRequest(
        content=row,
        media_type=receiving.JSON,
        digest_sha256=digest,
        name=name,
        source=forwarding.SOURCE,
        event=event_of(HTTPStatus.OK),
        request_key=request_key,
        request_sha256=request_sha256,
    )
    reply = desk.take_in(fleet_settings().fleet, asked)
    if reply is None:
        return _as_file(row, name, digest)
    g.is_on_record = True
    count_rows(g.caller.key_id, 1)
    return answer_of(reply)


def _as_file(row: bytes, name: str, digest_sha256: str) -> Response:
    def take_in() -> Reply:
        told = forwarding.receive_body(fleet_settings(), row, name)
        count_rows(g.caller.key_id, 1)
        return Reply(HTTPStatus.OK, {one: told[one] for one in shapes.IntakeTold.model_fields})

    return repeatable(digest_sha256, take_in)
