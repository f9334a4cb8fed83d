"""A statement as a picture to share: the main figures on one card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_carbon.papers.typesetting import typeset


def share_card(composed: Mapping[str, Any], form: str) -> bytes:
    """The card of a composed statement, of a month with data.

    Parameters
    ----------
    composed : mapping
        From `statements.composing.compose`.
    form : str
        ``png`` or ``svg``.
    """
    return typeset("card.typ", {"statement": composed}, composed["closed_on"], form=form)
