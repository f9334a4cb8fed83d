"""Footprints that other hosts sent or named, and what was asked of them."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from fleet_carbon.services.exchange.footprint_messages import read_messages
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web.answers import api, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings
from fleet_carbon.web.exchange import EXCHANGE
from fleet_carbon.web.shapes import Optional, PageQuery


class FootprintMessageTold(BaseModel):
    """One message."""

    message_id: str
    kind: str = Field(description="asked, answered, refused or published.")
    host: str = Field(description="Where it came from, as it says, or went to.")
    key_id: str = Field(description="By whose key it came.")
    request_id: str = Field(description="The event that asked for it; empty if nobody did.")
    footprint_id: str
    noted_at: str
    content: dict[str, Any] | None = Field(
        description="The footprint, the reason, or what was asked for; null if it was only named."
    )


class FootprintMessagesTold(BaseModel):
    """A page of messages, the oldest first."""

    rows: list[FootprintMessageTold]
    next_cursor: str


class FootprintMessagesQuery(PageQuery):
    """Of which request, and which part."""

    event_id: Optional = Field("", description="Only what belongs to the request of this event.")


@api.get(
    "/exchange/messages",
    tags=[EXCHANGE],
    responses={200: FootprintMessagesTold, 304: None, **problems(400)},
)
@allowed(Deed.READ, audited=True)
def list_footprint_messages(query: FootprintMessagesQuery) -> Response:
    """Footprints that other hosts sent or named by events, and what was asked of them."""
    found = read_messages(
        fleet_settings(), request_id=query.event_id, cursor=query.cursor, limit_rows=query.limit
    )
    return told(found.as_dict())
