"""The shapes of what is read back of the register, the orders and the files."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from fleet_carbon.frames import ORDER_RESULTS, Frame
from fleet_carbon.services.intake.browsing import FRAME_BY_KIND, ID_BY_KIND
from fleet_carbon.web.shapes import Asked, Name, Optional, RejectionTold, row_model

_MEANINGS = {
    "vehicle_id": "Only of this truck.",
    "driver_id": "Only of this driver.",
    "shipper_id": "Only of this shipper.",
    "status": "Only of this status.",
    "energy": "Only trucks of this energy.",
    "vehicle_class": "Only of this class.",
    "depot": "Only trucks of this depot.",
    "from_at": "Only what holds then or later. [ISO 8601]",
    "until_at": "Only what begins before. [ISO 8601]",
}
_TIMES = ("from_at", "until_at")
_STATUS = Literal["planned", "accepted", "delivered", "cancelled", ""]
FILTERS: dict[str, tuple[str, ...]] = {
    "vehicles": ("energy", "vehicle_class", "depot"),
    "drivers": ("vehicle_id",),
    "assignments": ("vehicle_id", "driver_id", *_TIMES),
    "orders": ("vehicle_id", "driver_id", "shipper_id", "status", *_TIMES),
    "energy": ("vehicle_id", *_TIMES),
    "baselines": ("driver_id", "vehicle_class"),
}
"""What the rows of a kind can be asked for by."""


class RecordsQuery(Asked):
    """Which part of what is on record."""

    limit: int = Field(100, ge=1, le=1000, description="Rows at most.")
    cursor: str = Field(
        "", max_length=400, description="next_cursor or changes_cursor of an earlier answer."
    )
    changed_since: str = Field(
        "", max_length=40, description="Only what was received from then on. [ISO 8601]"
    )


def query_model(kind: str) -> type[RecordsQuery]:
    """What rows of a kind can be asked for by."""
    fields: dict[str, Any] = {
        name: (
            _STATUS if name == "status" else Optional,
            Field("", description=_MEANINGS[name]),
        )
        for name in FILTERS[kind]
    }
    return create_model(f"{kind.title()}Query", __base__=RecordsQuery, **fields)


def _recorded(frame: Frame) -> type[BaseModel]:
    fields: dict[str, Any] = {
        "recorded_at": (str, Field(description="Moment of its reception.")),
        "reception": (int, Field(description="What it came with: see files.")),
    }
    return create_model(
        f"{frame.name.title()}Recorded", __base__=row_model(frame, "OnRecord"), **fields
    )


RECORDED: dict[str, type[BaseModel]] = {
    kind: _recorded(frame) for kind, frame in FRAME_BY_KIND.items()
}
"""A row in force of each kind."""


def page_model(kind: str) -> type[BaseModel]:
    """A page of rows of a kind."""
    row: Any = RECORDED[kind]
    fields: dict[str, Any] = {
        "rows": (list[row], ...),
        "next_cursor": (str, Field(description="Gives the next page; empty after the last.")),
        "changes_cursor": (str, Field(description="Gives, later, what was recorded since.")),
    }
    return create_model(f"{kind.title()}Page", **fields)


def record_model(kind: str) -> type[BaseModel]:
    """One thing of a kind, with its versions."""
    version: Any = create_model(
        f"{kind.title()}Version", __base__=RECORDED[kind], is_withdrawn=(bool, ...)
    )
    fields: dict[str, Any] = {
        "in_force": (RECORDED[kind] | None, ...),
        "versions": (list[version], ...),
    }
    return create_model(f"{kind.title()}Record", **fields)


RECORD = {kind: record_model(kind) for kind in ID_BY_KIND}
ORDER_RECORD = RECORD["orders"]


def path_model(kind: str) -> type[Asked]:
    """The address of one of a kind."""
    fields: dict[str, Any] = {ID_BY_KIND[kind]: (Name, ...)}
    return create_model(f"{kind.title()}Path", __base__=Asked, **fields)


class ReceptionPath(Asked):
    """One arrival of a file or of the rows of a request."""

    reception: int = Field(ge=1, le=2**62)


class FilesQuery(Asked):
    """Which receptions."""

    kind: str = Field(
        "",
        pattern="^(vehicles|drivers|assignments|orders|positions|energy|baselines|)$",
        description="Only what was received as this.",
    )
    limit: int = Field(100, ge=1, le=1000, description="Receptions at most.")
    cursor: str = Field("", max_length=400, description="next_cursor of the page before.")


class ReceptionTold(BaseModel):
    """What was received, and what became of it."""

    reception: int
    id: str
    file_id: str = Field(description="SHA-256 of the bytes.")
    kind: str
    name: str
    size_bytes: int
    received_at: str | None
    rows_accepted: int | None
    rows_duplicate: int | None
    rows_rejected: int | None
    options: dict[str, str | None] = Field(description="How it was read.")
    withdrawn: bool
    withdrawn_at: str | None
    withdrawn_reason: str | None


class FilesTold(BaseModel):
    """Receptions, the newest first."""

    files: list[ReceptionTold]
    next_cursor: str


class WithdrawalQuery(Asked):
    """Why something is taken back."""

    reason: str = Field(min_length=1, max_length=500, description="Kept on record.")


class WithdrawalTold(BaseModel):
    """What was taken back, and what is to be done now."""

    file_id: str
    id: str
    reason: str
    withdrawn_at: str | None
    withdrawn: list[ReceptionTold]
    months_to_close_again: list[str]
    files_with_duplicates: list[ReceptionTold]


class RejectionsQuery(Asked):
    """Which part of the refused rows."""

    limit: int = Field(100, ge=1, le=1000, description="Rows at most.")
    cursor: str = Field("", max_length=400, description="next_cursor of the page before.")


class RejectionsTold(BaseModel):
    """Refused rows, in the order of their lines."""

    rejections: list[RejectionTold]
    next_cursor: str


class OrderPath(Asked):
    """An order."""

    order_id: Name


_RESULT: Any = row_model(ORDER_RESULTS, "Outcome")


class OutcomeTold(BaseModel):
    """What the latest close that counts an order says of it."""

    order_id: str
    state: Literal["not_closed", "proven", "not_proven", "cancelled"]
    text: str = Field(description="Why, in a sentence.")
    month: str
    run_id: str
    closed_at: str
    is_newest: bool = Field(description="False if the order came again since that close.")
    result: _RESULT | None
    credited_g: int | None = Field(description="As the driver's statement names it. [g]")
