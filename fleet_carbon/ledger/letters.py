"""Release letters: a signed word that some intervals of a truck are claimed no longer by us."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.ledger import checker
from fleet_carbon.ledger.checker import NotProven
from fleet_carbon.ledger.claims import ROAD_FREIGHT, Interval
from fleet_carbon.ledger.entries import moment_text

FORMAT = "fleet-carbon release letter 1"


def letter_body(
    intervals: Iterable[Interval],
    *,
    name: str,
    receiver_key_id: str,
    month: str,
    transaction_id: str,
    released_g: int,
    released_at: datetime,
) -> dict[str, Any]:
    """A letter before it is signed.

    Parameters
    ----------
    intervals : iterable of Interval
        What is released.
    name : str
        Of the ledger that releases it.
    receiver_key_id : str
        Key of the platform for which it is released.
    month : str
        Vintage of the credit that was cancelled.
    transaction_id : str
        Act that cancelled it.
    released_g : int
        How much was cancelled. [g]
    released_at : datetime
        Aware moment of the act.
    """
    return {
        "format": FORMAT,
        "from": name,
        "to_key": receiver_key_id,
        "month": month,
        "activity": ROAD_FREIGHT,
        "transaction_id": transaction_id,
        "released_g": released_g,
        "released_at": moment_text(released_at),
        "claims": [
            {"truck": one.identity, "from": _moment(one.from_s), "until": _moment(one.until_s)}
            for one in sorted(intervals)
        ],
    }


def letter_id_of(letter: dict[str, Any]) -> str:
    """Name of a letter: the first half of the SHA-256 of all it says, the signature left out."""
    return hashlib.sha256(checker.canonical(_body(letter))).hexdigest()[:32]


def check_signed(document: dict[str, Any], *, form: str, public_key: bytes) -> None:
    """Whether a letter or list was signed by a key as it is.

    Raises
    ------
    NotProven
        If it has another form, was signed by another key, or was changed since.
    """
    if document.get("format") != form:
        raise NotProven(f"the format is {document.get('format')!r}, expected {form!r}")
    text = checker.opened(str(document.get("signature")), str(document.get("from")), public_key)
    if text != f"{form}\n{hashlib.sha256(checker.canonical(_body(document))).hexdigest()}":
        raise NotProven("it was changed after it was signed")


def released_intervals(letter: dict[str, Any]) -> list[Interval]:
    """What a letter releases.

    Raises
    ------
    NotProven
        If it cannot be read.
    """
    try:
        return [
            Interval(str(one["truck"]), _second(one["from"]), _second(one["until"]))
            for one in letter["claims"]
        ]
    except (KeyError, TypeError, ValueError) as wrong:
        raise NotProven(f"its claims cannot be read: {wrong}") from wrong


def _body(document: dict[str, Any]) -> dict[str, Any]:
    return {name: held for name, held in document.items() if name != "signature"}


def _moment(second_s: int) -> str:
    return datetime.fromtimestamp(second_s, UTC).isoformat()


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
