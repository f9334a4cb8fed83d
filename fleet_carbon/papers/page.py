"""A statement as a page for any screen and for printing; it needs no script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from fleet_carbon.papers import typesetting
from fleet_carbon.statements.charts import INK

# Drawn for a phone, so that the words stay readable there; a desk shows it larger.
_PHONE_PX = (360, 200)
_FOLDER = Path(__file__).resolve().parent
# A drawing on a page takes the colour of the text around and the width that there is.
# The chart library leaves a style for hovering, which a still drawing does not need.
_STYLE = re.compile(r"<style\b.*?</style>", re.DOTALL)
_SIZE = re.compile(r'<svg((?: xmlns="[^"]*")?) width="(\d+)" height="(\d+)"')
# The others are folded up: a month may have sixty, and what follows them is looked for, too.
_ORDERS_SHOWN = 8


def statement_page(
    composed: Mapping[str, Any], *, assets_url: str = "", links: Mapping[str, str] | None = None
) -> str:
    """The page of a composed statement, whole and by itself.

    Parameters
    ----------
    composed : mapping
        From `statements.composing.compose`.
    assets_url : str
        Where the collected styles and fonts are served, without a slash at the end; empty for a
        page that stands in a file and uses the fonts of the machine.
    links : mapping of str to str, optional
        What else is on offer: ``pdf``, ``json``, ``picture``, ``evidence``, ``dispute`` and
        ``other_language`` with their addresses.
    """
    template = template_of("statement.html")
    return template.render(assets_url=assets_url, style=_style(), **_told(composed, links))


@cache
def _style() -> str:
    return (_FOLDER / "styles" / "statement.css").read_text(encoding="utf-8")


def statement_part(composed: Mapping[str, Any], *, links: Mapping[str, str]) -> str:
    """The same without its frame and style, to stand in a page of the service.

    Parameters
    ----------
    composed : mapping
        From `statements.composing.compose`.
    links : mapping of str to str
        As for `statement_page`; and ``order_dispute``, to which the number of an order is added.
    """
    template = template_of("statement.html")
    told = template.new_context(_told(composed, links))
    return "".join(template.blocks["statement"](told))


def _told(composed: Mapping[str, Any], links: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "s": composed,
        "w": composed["words"],
        "links": dict(links or {}),
        "orders_shown": _ORDERS_SHOWN,
        "pictures": {name: on_page(svg) for name, svg in _pictures(composed).items()},
    }


def _pictures(composed: Mapping[str, Any]) -> dict[str, str]:
    return typesetting.pictures(composed, _PHONE_PX) if composed["has_data"] else {}


def on_page(svg: str) -> str:
    """A drawing that takes the width and the colour of the text that is there."""
    sized = _SIZE.sub(r'<svg\1 viewBox="0 0 \2 \3"', _STYLE.sub("", svg), count=1)
    return sized.replace(INK, "currentColor")


@cache
def template_of(name: str) -> Template:
    """A template of this room."""
    world = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return world.get_template(name)
