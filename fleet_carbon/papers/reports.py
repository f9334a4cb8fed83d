"""A fleet's monthly report as PDF and as a page: tagged PDF/A-3b, the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_carbon.papers import drawing
from fleet_carbon.papers.page import on_page, template_of
from fleet_carbon.papers.typesetting import typeset

_PAPER_PX, _PAGE_PX = (520, 180), (520, 220)
_ROW_PX, _ROWS_MIN = 30, 3
ROWS_ON_PAPER = 40
"""How many rows of a table a PDF shows; the workbook has all."""
SHIPMENTS_ON_PAPER = 1000
"""How many shipments that of a customer shows, who wants to find each of them there."""


def report_pdf(composed: Mapping[str, Any]) -> bytes:
    """The PDF of a composed report.

    Parameters
    ----------
    composed : mapping
        From `statements.fleet_report.compose_report`.
    """
    told = _for_paper(composed, ROWS_ON_PAPER)
    pictures = _pictures(composed, _PAPER_PX)
    return typeset("report.typ", {"report": told, "pictures": pictures}, composed["closed_on"])


def shipper_pdf(composed: Mapping[str, Any]) -> bytes:
    """The PDF of a customer's report.

    Parameters
    ----------
    composed : mapping
        From `statements.shipper_report.compose_shipper_report`.
    """
    told = _for_paper(composed, SHIPMENTS_ON_PAPER)
    return typeset("shipper.typ", {"report": told}, composed["closed_on"])


def report_page(
    composed: Mapping[str, Any], *, assets_url: str = "", links: Mapping[str, str] | None = None
) -> str:
    """The page of a composed report, whole and by itself, for a screen and for printing.

    Parameters
    ----------
    composed : mapping
        From `statements.fleet_report.compose_report`.
    assets_url : str
        Where the collected styles and fonts are served; empty for a page that stands in a file.
    links : mapping of str to str, optional
        What else is on offer, label -> address.
    """
    pictures = {name: on_page(svg) for name, svg in _pictures(composed, _PAGE_PX).items()}
    return template_of("report.html").render(
        r=composed,
        w=composed["words"],
        assets_url=assets_url,
        links=dict(links or {}),
        pictures=pictures,
    )


def _for_paper(composed: Mapping[str, Any], rows_max: int) -> dict[str, Any]:
    words = composed["words"]
    return {
        **composed,
        "tables": [_on_paper(table, words, rows_max) for table in composed["tables"]],
    }


def _on_paper(table: Mapping[str, Any], words: Mapping[str, str], rows_max: int) -> dict[str, Any]:
    """The part of a table that a page of paper is wide enough for."""
    chosen = [place for place, column in enumerate(table["columns"]) if column["on_paper"]]
    left_count = len(table["texts"]) - rows_max
    more = words["more_rows"].format(count=left_count) if left_count > 0 else ""
    return {
        **{name: table[name] for name in ("name", "question", "about")},
        "columns": [table["columns"][place] for place in chosen],
        **{
            told: [[row[place] for place in chosen] for row in table.get(held, [])[:rows_max]]
            for told, held in (("rows", "texts"), ("intervals", "intervals"))
        },
        "more": more,
    }


def _pictures(composed: Mapping[str, Any], size_px: tuple[int, int]) -> dict[str, str]:
    found = {}
    for name in ("brought", "trend"):
        if composed[name]["chart"] is not None:
            found[name] = drawing.chart_svg(composed[name]["chart"], *size_px, name=name)
    for ranking in composed["rankings"]:
        if ranking["chart"] is not None:
            height_px = 20 + _ROW_PX * max(_ROWS_MIN, len(ranking["values"]))
            found[ranking["name"]] = drawing.chart_svg(
                ranking["chart"], size_px[0], height_px, name=ranking["name"]
            )
    return found
