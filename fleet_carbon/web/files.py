"""What arrived, what of it was refused, and taking it back."""

from __future__ import annotations

from flask import Response
from flask_openapi.models.tag import Tag

from fleet_carbon.frames import REJECTIONS
from fleet_carbon.services.intake import arrivals, withdrawing
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web import register_shapes as shapes
from fleet_carbon.web.answers import api, changed, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings
from fleet_carbon.web.spreadsheets import JSON, as_file, tabular, wanted_type

FILES = Tag(name="Files", description="What arrived, file by file and request by request")


@api.get("/files", tags=[FILES], responses={200: shapes.FilesTold, 304: None, **problems(400)})
@allowed(Deed.READ)
def list_files(query: shapes.FilesQuery) -> Response:
    """What arrived, the newest first, with its counts of rows and what was taken back."""
    found = arrivals.list_arrivals(
        fleet_settings(), kind=query.kind or None, cursor=query.cursor, limit_rows=query.limit
    )
    return told(found.as_dict())


@api.get(
    "/files/<int:reception>",
    tags=[FILES],
    responses={200: shapes.ReceptionTold, 304: None, **problems(404)},
)
@allowed(Deed.READ)
def read_file(path: shapes.ReceptionPath) -> Response:
    """One arrival of a file or of the rows of a request."""
    return told(arrivals.read_arrival(fleet_settings(), path.reception))


@api.delete(
    "/files/<int:reception>",
    tags=[FILES],
    responses={200: shapes.WithdrawalTold, **problems(404, 409)},
)
@allowed(Deed.CLOSE)
def withdraw_file(path: shapes.ReceptionPath, query: shapes.WithdrawalQuery) -> Response:
    """Take back what came with it: nothing is deleted, and it may be sent again."""
    return changed(
        lambda: withdrawing.withdraw_reception(fleet_settings(), path.reception, query.reason)
    )


@api.get(
    "/files/<int:reception>/rejections",
    tags=[FILES],
    responses={200: tabular(shapes.RejectionsTold), 304: None, **problems(400, 404)},
)
@allowed(Deed.READ)
def read_rejections(path: shapes.ReceptionPath, query: shapes.RejectionsQuery) -> Response:
    """Every row that was refused, with the reason: by page, or all of them as a table."""
    settings, media_type = fleet_settings(), wanted_type()
    if media_type != JSON:
        rows = arrivals.all_rejections(settings, path.reception)
        return as_file(rows, REJECTIONS, media_type)
    found = arrivals.read_rejections(
        settings, path.reception, cursor=query.cursor, limit_rows=query.limit
    )
    return told(found.as_dict())
