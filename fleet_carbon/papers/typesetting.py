"""A statement as PDF: tagged, PDF/A-3b, the signed statement inside; the same bytes each time."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst

from fleet_carbon.papers import codes, drawing
from fleet_carbon.papers.assets import asset

_TEMPLATES = Path(__file__).resolve().parent
_WIDTH_PX = 520
_HEIGHTS_PX = {"brought": 150, "months": 105}
_ATTACHED = "statement.json"
_kept = threading.local()


def statement_pdf(composed: Mapping[str, Any], proof_text: str) -> bytes:
    """The PDF of a composed statement.

    Parameters
    ----------
    composed : mapping
        From `statements.composing.compose`, of a month with data.
    proof_text : str
        The signed statement, which is attached as ``statement.json``.
    """
    return typeset(
        "statement.typ",
        {"statement": composed, "pictures": pictures(composed), "proof": proof_text},
        composed["closed_on"],
    )


def pictures(composed: Mapping[str, Any], size_px: tuple[int, int] | None = None) -> dict[str, str]:
    """The charts and the code of a statement as SVG texts, by name.

    Parameters
    ----------
    composed : mapping
        From `statements.composing.compose`, of a month with data.
    size_px : tuple of int, optional
        Width and height of the charts; those of paper if none are given. [px]
    """
    found: dict[str, str] = {}
    for name in ("brought", "months"):
        option = composed[name]["chart"]
        if option is not None:
            width, height = size_px or (_WIDTH_PX, _HEIGHTS_PX[name])
            found[name] = drawing.chart_svg(option, width, height, name=name)
    if composed["verify"]:
        found["code"] = codes.code_svg(composed["verify"]["link"])
    return found


def typeset(template: str, told: Mapping[str, Any], on: str, *, form: str = "pdf") -> bytes:
    """A document of a template of this room, by its data alone.

    Parameters
    ----------
    template : str
        Name of the file.
    told : mapping
        JSON-ready; the template reads it as data, never as markup.
    on : str
        Day that the document bears, YYYY-MM-DD.
    form : str
        ``pdf``, ``svg`` or ``png``.
    """
    year, month, day = (int(part) for part in on.split("-"))
    made = _compiler().compile(
        input=str(_TEMPLATES / template),
        format=form,  # type: ignore[arg-type]
        ppi=144.0,
        sys_inputs={"told": json.dumps(told, ensure_ascii=False, allow_nan=False), "on": on},
        pdf_standards="a-3b" if form == "pdf" else [],
        timestamp=datetime(year, month, day, tzinfo=UTC),
    )
    pages = made if isinstance(made, list) else [made]
    return b"".join(page for page in pages if page is not None)


def _compiler() -> typst.Compiler:
    """The compiler of this thread, which has read the fonts; those of the machine are ignored."""
    compiler: typst.Compiler | None = getattr(_kept, "compiler", None)
    if compiler is None:
        compiler = typst.Compiler(
            root=str(_TEMPLATES),
            font_paths=[str(asset("fonts"))],
            ignore_system_fonts=True,
        )
        _kept.compiler = compiler
    return compiler
