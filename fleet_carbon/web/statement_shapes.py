"""Models of what the routes of statements and disputes take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from fleet_carbon.web.shapes import Asked, AskedBody, Name, Optional

_Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$",
        description="What is said.",
    ),
]


class PaperQuery(Asked):
    """In which form and language."""

    form: str = Field("json", pattern="^(json|pdf|html|png|svg)$")
    language: str = Field("en", pattern="^(en|zh)$")


class PapersQuery(Asked):
    """In which form and language all statements are made."""

    form: str = Field("pdf", pattern="^(json|pdf|html|png|svg)$")
    language: str = Field("en", pattern="^(en|zh)$")


class DownloadPath(Asked):
    """A file that a job made to be fetched."""

    digest_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="As the job tells it.")


class DisputePath(Asked):
    """A dispute by its number."""

    number: int = Field(ge=1, le=10**12)


class DisputeAsked(AskedBody):
    """What a driver says is wrong."""

    text: _Text
    order_id: Optional = ""


class AnswerAsked(AskedBody):
    """What a dispute is answered."""

    outcome: str = Field(pattern="^(accepted|declined|noted)$")
    text: _Text


class DisputeTold(BaseModel):
    """A dispute with its newest answer."""

    number: int
    driver_id: Name
    month: str
    order_id: str
    leg_started_at: str | None
    text: str
    raised_at: str
    outcome: str
    answer: str
    answered_by: str
    answered_at: str | None


class DisputesTold(BaseModel):
    """Disputes in the order in which they were raised."""

    disputes: list[DisputeTold]
