"""The shapes of the trucks as they are now."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from fleet_carbon.web.shapes import Asked, Name


class LivePath(Asked):
    """A truck."""

    vehicle_id: Name


class LiveQuery(Asked):
    """Which trucks."""

    limit: int = Field(100, ge=1, le=1000, description="Trucks at most.")
    cursor: Annotated[str, Field(max_length=1000)] = Field(
        "", description="next_cursor of the page before."
    )


class LiveTold(BaseModel):
    """The states of trucks at a moment, provisional: what comes late may change them."""

    fleet_id: str
    timezone: str = Field(description="Zone whose day is told of.")
    at: str
    vehicles: list[dict[str, Any]] = Field(
        description="Of each: last fix, motion, load and orders aboard, km and empty km today."
    )


class LivePageTold(LiveTold):
    """Some of the trucks."""

    next_cursor: str = Field(description="What gives the following page; empty if this is last.")
