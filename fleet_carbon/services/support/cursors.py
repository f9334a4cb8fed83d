"""Cursors: where a reader of pages goes on, sealed so that nobody builds upon what is inside."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from fleet_carbon.errors import InputRefused


def made(*parts: str | int) -> str:
    """The cursor that holds these parts."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def opened(cursor: str, *kinds: type) -> list[Any]:
    """The parts of a cursor, each of its type; numbers are not below zero.

    Raises
    ------
    InputRefused
        ``cursor_malformed`` if it is not one of ours.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
            raise ValueError
        if any(isinstance(part, int) and not 0 <= part < 2**63 for part in parts):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError) as wrong:
        raise malformed() from wrong
    return parts


def malformed() -> InputRefused:
    """The refusal of a cursor that is not one of ours, or of another question."""
    return InputRefused(
        "cursor_malformed",
        "The cursor is none of ours, or belongs to another question.",
        "Take it as it was given, with everything else as it was asked for.",
    )
