"""All statements of a month as one ZIP: asked for on the page, and fetched from there."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import redirect
from werkzeug.wrappers import Response as Answer

from fleet_carbon.errors import NotFound
from fleet_carbon.services.accounts import paging
from fleet_carbon.services.papers import downloading
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.running.job_kinds import STATEMENTS
from fleet_carbon.statements import locales
from fleet_carbon.web.answers import job_book
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import job_problem, language, pages, problem_text, shown_to
from fleet_carbon.web.pages.naming import driver_named, moment_of

_FORM = "pdf"
_BYTES_PER_MB = 1e6


@pages.post("/months/<string:month>/papers")
@shown_to(Deed.READ)
def zip_statements(month: str) -> Answer:
    """Ask for the statements of a month in the language of the page."""
    asked = {"language": language(), "form": _FORM}
    job_book().ask(fleet_settings().fleet, STATEMENTS.name, month=month, **asked)
    return redirect(f"/my?{urlencode({'month': month})}#zip", HTTPStatus.SEE_OTHER)


def zip_told(month: str) -> dict[str, Any] | None:
    """The newest job that made the statements of a month in the language of the page.

    Parameters
    ----------
    month : str
        YYYY-MM, closed.
    """
    subject = STATEMENTS.subject_of({"month": month, "language": language(), "form": _FORM})
    found = job_book().newest(
        fleet_settings().fleet, beginning=f"{STATEMENTS.name}-{subject}-", limit_count=1
    )
    if not found:
        return None
    job = found[0]
    return {
        "job_id": job.job_id,
        "is_under_way": job.is_under_way,
        "problem": job_problem(job.problem),
        "made_at": moment_of(job.changed_at.isoformat()),
        "file": _file(month, job.result) if job.result else None,
    }


def _file(month: str, result: dict[str, Any]) -> dict[str, Any] | None:
    """What was made; None once it is there no more."""
    settings, digest = fleet_settings(), result["digest_sha256"]
    try:
        downloading.find_download(settings, digest)
    except NotFound:
        return None
    return {
        "address": f"/v1/downloads/{digest}",
        "size": locales.number(result["size_bytes"] / _BYTES_PER_MB, 1, language()),
        "count": locales.number(result["written_count"], 0, language()),
        "kept_until": moment_of(result["kept_until"]),
        "is_old": result["run_id"] != paging.run_id_of(settings, month),
        "refused_count": locales.number(result["refused_count"], 0, language()),
        "refused": [
            (driver_named(one["driver_id"]), problem_text(one["code"], one["message"], ""))
            for one in result["refused"]
        ],
    }
