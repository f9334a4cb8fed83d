"""The monthly report of the fleet as files for people, in the language of the page."""

from __future__ import annotations

from flask import Response

from fleet_carbon.services.papers import fleet_reports
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import language, pages, shown_to
from fleet_carbon.web.spreadsheets import PAPERS, file_answer

SUFFIXES = tuple(suffix.lstrip(".") for suffix in PAPERS.values())


def _route(media_type: str, suffix: str) -> None:
    @shown_to(Deed.READ)
    def download(month: str) -> Response:
        """The report of a closed month."""
        made = fleet_reports.make_report(fleet_settings(), month, language=language())
        return file_answer(made.content(suffix), media_type, f"report-{month}{suffix}")

    pages.add_url_rule(f"/reports/<string:month>{suffix}", f"report_{suffix[1:]}", download)


for _media_type, _suffix in PAPERS.items():
    _route(_media_type, _suffix)
