"""What keeps a month's figures from being better, in words: what is so, and how to put it right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_carbon.statements import chinese, reasons
from fleet_carbon.statements.chinese_problems import suspicion_told
from fleet_carbon.statements.reasons import Told
from fleet_carbon.statements.wording import CHINESE


def issue_told(issue: Mapping[str, Any], language: str) -> Told:
    """An issue and its remedy, sentences of the language asked for.

    Parameters
    ----------
    issue : mapping
        With ``about`` (order, account or records) and ``code``; of records also with ``what`` and
        ``remedy`` in English.
    language : str
        ``en`` or ``zh``.
    """
    room = chinese if language == CHINESE else reasons
    if issue["about"] == "order":
        stop = "。" if language == CHINESE else "."
        what, remedy = (_sentence(one, stop) for one in room.order_parts(issue["code"]))
        return what, remedy
    if issue["about"] == "account":
        told: Told = room.note_parts(issue["code"])
        return told
    return suspicion_told(issue["code"], issue["what"], issue["remedy"], language=language)


def issue_text(issue: Mapping[str, Any], language: str) -> str:
    """An issue with its remedy, together."""
    blank = "" if language == CHINESE else " "
    return blank.join(filter(None, issue_told(issue, language)))


def _sentence(clause: str, stop: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}{stop}" if clause else ""
