"""Disputes of trips and their answers, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def dispute_lines(disputes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each dispute with what it is about, and its answer.

    Parameters
    ----------
    disputes : sequence of mapping
        As `services.papers.disputing` tells them.
    """
    if not disputes:
        return ["No disputes."]
    lines = []
    for one in disputes:
        about = f"order {one['order_id']}" if one["order_id"] else "the month"
        if one["leg_started_at"]:
            about = f"the leg from {one['leg_started_at']}"
        head = f"{one['number']}: {one['driver_id']}, {one['month']}, {about}, {one['raised_at']}"
        answer = (
            f"   {one['outcome']} by {one['answered_by']}, {one['answered_at']}: {one['answer']}"
            if one["outcome"]
            else f"   Open. Answer it with `fleet-carbon dispute answer {one['number']} ...`."
        )
        lines += [head, f"   {one['text']}", answer]
    return lines
