"""Write docs/glossary.md from docs/terms.toml, the figures of pages and the tables of frames.py.

    python docs/write_glossary.py

The file is committed; a test fails if it is not what this program writes.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fleet_carbon.frames import FRAMES, Column, Frame
from fleet_carbon.statements.definitions import DEFINITIONS, INTERVALS, SOURCES
from fleet_carbon.statements.statement_words import FIGURES
from fleet_carbon.web.pages.words import WORDS

FOLDER = Path(__file__).resolve().parent
KINDS = {
    "string": "text",
    "Int64": "whole number",
    "float64": "number",
    "boolean": "true or false",
    "datetime64[ms, UTC]": "moment",
    "date": "day",
}


def compose_glossary() -> str:
    """Return the whole page as Markdown."""
    terms = tomllib.loads((FOLDER / "terms.toml").read_text(encoding="utf-8"))["term"]
    return "\n".join(
        [
            "# Glossary",
            "",
            "Written by `docs/write_glossary.py` from `docs/terms.toml`,",
            "`fleet_carbon/statements/definitions.py` and `fleet_carbon/frames.py`; change those,",
            "not this page. A name carries its unit:",
            "quantity, qualifier, unit, `_per_`, statistic. Shares run from 0 to 1, moments are",
            "UTC, months are local to the fleet.",
            "",
            "## Terms",
            "",
            "| term | | meaning |",
            "|---|---|---|",
            *map(_term_row, sorted(terms, key=lambda term: str(term["name"]).lower())),
            "",
            "## Figures on pages",
            "",
            "What a page tells of a figure when the mark beside its name is pressed, or the mouse",
            "rests on it; with its interval, or why it has none, and where it is from.",
            "",
            "| figure | | unit | meaning | 含义 | interval | source |",
            "|---|---|---|---|---|---|---|",
            *map(_figure_row, DEFINITIONS),
            "",
            "## Tables",
            "",
            "A value may be missing where no *yes* stands under *always*. Key columns are bold.",
            *(line for frame in FRAMES for line in _frame_lines(frame)),
            "",
        ]
    )


def _term_row(term: dict[str, Any]) -> str:
    return f"| {term['name']} | {term.get('zh', '')} | {term['text']} |"


def _figure_row(name: str) -> str:
    told, called = DEFINITIONS[name], {**FIGURES, **WORDS}[name]
    about = (INTERVALS[told.interval][0], SOURCES[told.source][0])
    return "| " + " | ".join([*called, told.unit, *told.text, *about]) + " |"


def _frame_lines(frame: Frame) -> list[str]:
    return [
        "",
        f"### {frame.name}",
        "",
        frame.text,
        "",
        "| column | unit | kind | always | meaning | |",
        "|---|---|---|---|---|---|",
        *(_column_row(column, column.name in frame.key) for column in frame.columns),
    ]


def _column_row(column: Column, is_key: bool) -> str:
    name = f"**{column.name}**" if is_key else column.name
    cells = (
        name,
        column.unit,
        KINDS[column.dtype],
        "yes" if column.required else "",
        column.text.replace("|", "\\|"),
        column.zh,
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    (FOLDER / "glossary.md").write_text(compose_glossary(), encoding="utf-8")
