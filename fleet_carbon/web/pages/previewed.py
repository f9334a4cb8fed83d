"""Files looked at before they are sent: how they would be read, and what that rests on."""

from __future__ import annotations

from typing import Any

from fleet_carbon.services.intake.previewing import Preview
from fleet_carbon.statements import locales
from fleet_carbon.statements.preview_words import preview_told

_LOCAL = "_local"


def preview_shown(preview: Preview, spoken: str) -> dict[str, Any]:
    """A preview as its page shows it, but for refused rows and suspicions."""

    def told(text: str) -> str:
        return preview_told(text, language=spoken)

    return {
        "rows_read": locales.number(preview.rows_read, 0, spoken),
        "rows_rejected": preview.rows_rejected,
        "guesses": [
            (told(one.what), told(one.value), told(one.evidence)) for one in preview.guesses
        ],
        "columns": [
            (one.name, told(one.heading), told(one.unit), one.first, told(one.evidence))
            for one in preview.columns
        ],
        "ignored": preview.columns_ignored,
        "offers": [(heading, ours) for ours, heading in preview.offers.items()],
        **_table(preview.rows),
    }


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows under their names; of moments those of the fleet's zone."""
    local = [
        {name: _cell(name, row) for name in row if f"{name}{_LOCAL}" not in row} for row in rows
    ]
    heads = list(dict.fromkeys(name for row in local for name in row))
    return {
        "heads": [name.removesuffix(_LOCAL) for name in heads],
        "rows": [[row.get(name, "") for name in heads] for row in local],
    }


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    return str(value).replace("T", " ") if name.endswith(_LOCAL) else str(value)
