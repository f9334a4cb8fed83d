"""Jobs: long work that was asked for, how far it is, what it came to."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_openapi.models.tag import Tag

from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web import shapes
from fleet_carbon.web.answers import api, job_book, problems, repeatable, told
from fleet_carbon.web.callers import allowed, fleet_settings

JOBS = Tag(name="Jobs")


@api.get("/jobs", tags=[JOBS], responses={200: shapes.JobsTold, 304: None, **problems(400)})
@allowed(Deed.READ)
def list_jobs(query: shapes.JobsQuery) -> Response:
    """The jobs of the fleet, newest first."""
    found = job_book().page(
        fleet_settings().fleet,
        kind_name=query.kind,
        is_under_way=query.under_way,
        cursor=query.cursor,
        limit_count=query.limit,
    )
    return told(found.as_dict())


@api.get(
    "/jobs/<string:job_id>",
    tags=[JOBS],
    responses={200: shapes.JobTold, 304: None, **problems(404)},
)
@allowed(Deed.READ)
def read_job(path: shapes.JobPath) -> Response:
    """A job as it stands: how far it is, what it came to, or why it failed."""
    return told(job_book().find(fleet_settings().fleet, path.job_id).as_dict())


@api.delete(
    "/jobs/<string:job_id>", tags=[JOBS], responses={200: shapes.JobTold, **problems(404, 409)}
)
@allowed(Deed.CLOSE)
def cancel_job(path: shapes.JobPath) -> Response:
    """Let a job that waits not be done; one that is under way is all or nothing and goes on."""

    def cancel() -> Reply:
        return Reply(
            HTTPStatus.OK, job_book().cancel(fleet_settings().fleet, path.job_id).as_dict()
        )

    return repeatable("", cancel)
