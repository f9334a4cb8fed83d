"""What a person reads about the fleet as it is now."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.statements.layout import columns, grouped

_HEAD = ["vehicle", "lon", "lat", "seen", "age", "motion", "since", "load", "orders", "km today"]
_NONE = "-"


def live_lines(report: dict[str, Any]) -> list[str]:
    """A row per truck; below them the silences that last."""
    zone = ZoneInfo(report["timezone"])
    if not report["vehicles"]:
        return ["No vehicles on record."]
    rows = [_HEAD, *(_row(state, zone) for state in report["vehicles"])]
    at = datetime.fromisoformat(report["at"]).astimezone(zone)
    lines = [f"{report['fleet_id']} at {at:%Y-%m-%d %H:%M} {report['timezone']}, provisional:", ""]
    lines += columns(rows, "lrrlrllllr")
    silent = [line for state in report["vehicles"] for line in _silence(state)]
    return lines + (["", *silent] if silent else [])


def duration_text(duration_s: float) -> str:
    """A duration for people, in the largest units that matter.

    Examples
    --------
    >>> duration_text(42), duration_text(2580), duration_text(12000), duration_text(190000)
    ('42 s', '43 min', '3 h 20 min', '2 d 4 h')
    """
    minutes = int(duration_s // 60)
    if minutes < 1:
        return f"{int(duration_s)} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def _row(state: dict[str, Any], zone: ZoneInfo) -> list[str]:
    load, seen = state["load"], state["seen_at"] is not None
    return [
        state["vehicle_id"],
        f"{state['lon']:.5f}" if seen else _NONE,
        f"{state['lat']:.5f}" if seen else _NONE,
        _clock(state["seen_at"], zone),
        duration_text(state["age_s"]) if seen else _NONE,
        state["motion"],
        _clock(state["since_at"], zone),
        f"{load['state']} ({load['reason_code']}, {load['confidence_share']:.2f})",
        ", ".join(load["order_ids"]) or _NONE,
        grouped(state["today"]["distance_km"], 1),
    ]


def _clock(moment: str | None, zone: ZoneInfo) -> str:
    if moment is None:
        return _NONE
    return f"{datetime.fromisoformat(moment).astimezone(zone):%m-%d %H:%M}"


def _silence(state: dict[str, Any]) -> list[str]:
    open_gaps = [gap for gap in state["gaps"] if gap["until_at"] is None]
    return [
        f"  {state['vehicle_id']}: no position for {duration_text(60 * gap['duration_min'])}"
        for gap in open_gaps
    ]
