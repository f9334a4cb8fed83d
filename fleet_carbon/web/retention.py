"""For how long positions are kept: the rule of a fleet, and runs that reduce what is older."""

from __future__ import annotations

from flask import Response
from flask_openapi.models.tag import Tag
from pydantic import BaseModel, Field

from fleet_carbon.services.months import retaining
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.running.job_kinds import RETENTION
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import api, changed, job_asked, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings

RETENTION_TAG = Tag(name="Retention", description="Positions for a set time")
_DAYS_MAX = 36_500


class RetentionAsked(shapes.AskedBody):
    """For how long positions are to be kept."""

    positions_days: int | None = Field(
        ge=1, le=_DAYS_MAX, description="After the end of their month; null: for good. [d]"
    )


class RetentionRunAsked(shapes.AskedBody):
    """What a run is to do."""

    dry_run: bool = Field(False, description="Only count what would go.")


class RuleTold(BaseModel):
    """A rule on record."""

    positions_days: int | None
    since: str


class ReductionTold(BaseModel):
    """A month whose fixes were reduced to digests."""

    month: str
    fixes: int
    segments: int
    bytes: int
    reduced_at: str
    rule_of: str


class RetentionTold(BaseModel):
    """The rules of a fleet, the last of which holds, and what was reduced by them."""

    fleet_id: str
    positions_days: int | None = Field(description="null: positions are kept for good. [d]")
    rules: list[RuleTold]
    reductions: list[ReductionTold]


@api.get(
    "/retention", tags=[RETENTION_TAG], responses={200: RetentionTold, 304: None, **problems()}
)
@allowed(Deed.READ)
def read_retention() -> Response:
    """For how long positions are kept, and what was reduced so far."""
    return told(retaining.show_retention(fleet_settings()).as_dict())


@api.put(
    "/retention",
    tags=[RETENTION_TAG],
    responses={200: RetentionTold, **problems(400, 409, 413, 415)},
)
@allowed(Deed.ERASE)
def set_retention(body: RetentionAsked) -> Response:
    """Put on record for how long positions are kept; nothing is removed before the next run."""
    return changed(lambda: retaining.set_retention(fleet_settings(), body.positions_days))


@api.post(
    "/retention/runs",
    tags=[RETENTION_TAG],
    responses={202: shapes.JobTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.ERASE)
def run_retention(body: RetentionRunAsked) -> Response:
    """Reduce closed months that are older than the rule; the answer names the job that does it."""
    return job_asked(RETENTION.name, dry_run=body.dry_run)
