"""What a dispatcher reads: trucks ranked for an order, a plan, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.statements.layout import columns, grouped

_NONE = "-"
_HEAD = [
    "rank", "vehicle", "driver", "to pick-up", "empty", "arrives", "litres", "kg CO2", "fuel",
    "load", "left t", "with", "saved l", "credit g", "why not",
]  # fmt: skip


def estimate_lines(told: dict[str, Any]) -> list[str]:
    """A table for every order; below it the trucks that could not be ranked."""
    zone = ZoneInfo(told["timezone"])
    roads = told["roads"]
    source = f"own ratio of {roads['legs_count']} legs" if roads["legs_count"] else "by the rules"
    lines = [
        f"Estimate {told['estimate_id']} at {_clock(told['at'], zone)}; roads are"
        f" {roads['detour_ratio']:g} x the straight line ({source})."
    ]
    for order in told["orders"]:
        lines += ["", f"{order['order_id']}: {order['cargo_t']:g} t", ""]
        rows = [_HEAD, *(_row(one, zone) for one in order["candidates"])]
        lines += columns(rows, "rllrrlrrrrrlrrl") if len(rows) > 1 else ["No truck in reach."]
        lines += [
            f"  {one['vehicle_id']}: not ranked, {one['reason']}" for one in order["unranked"]
        ]
        if "realised" in order:
            lines += ["", *realised_lines({"order_id": order["order_id"],
                                           "realised": order["realised"]})]  # fmt: skip
    return [*lines, "", told["credited_only_if"]]


def realised_lines(told: dict[str, Any]) -> list[str]:
    """What became of an order, beside what was expected."""
    realised = told["realised"]
    reason = f" ({realised['reason_code']})" if realised.get("reason_code") else ""
    lines = [f"{told['order_id']}: {realised['state']}{reason}, {realised.get('month') or _NONE}"]
    against = realised.get("against_estimate")
    if against is None:
        return lines
    rows = [["", "planned", "realised", "difference"]]
    rows += [
        [name, *(_number(one[part], 1) for part in ("planned", "realised", "difference"))]
        for name, one in against["figures"].items()
    ]
    return [*lines, *columns(rows, "lrrr")]


def plan_lines(told: dict[str, Any]) -> list[str]:
    """Who drives what, what nobody drives, and how good the plan is."""
    zone = ZoneInfo(told["timezone"])
    head = ["order", "vehicle", "driver", "to pick-up", "beyond", "arrives", "load"]
    rows = [
        [
            one["order_id"],
            one["vehicle_id"],
            one["driver_id"] or _NONE,
            _number(one["approach_km"], 1),
            _number(one["beyond_km"], 1),
            _clock(one["arrives_at"], zone),
            _share(one["load_rate_share"]),
        ]
        for one in told["assignments"]
    ]
    lines = columns([head, *rows], "lllrrlr") if rows else ["No order has a truck."]
    lines += [f"  {one['order_id']}: nobody, {one['reason']}" for one in told["unassigned"]]
    lines += [f"  {one['vehicle_id']}: not used, {one['reason']}" for one in told["unplaced"]]
    return [*lines, "", told["optimality"]["text"]]


def _row(one: dict[str, Any], zone: ZoneInfo) -> list[str]:
    return [
        _NONE if one["rank"] is None else str(one["rank"]),
        one["vehicle_id"],
        one["driver_id"] or _NONE,
        _number(one["approach_km"], 1),
        _number(one["empty_km"], 1),
        _clock(one["arrives_at"], zone),
        _number(one["diesel_l"], 1),
        _number(one["co2_ttw_kg"], 1),
        _number(one["diesel_cost"], 2),
        _share(one["load_rate_share"]),
        _number(one["left_t"], 1),
        _named(one["combinable_orders"]),
        _number(one["diesel_saved_l"], 1),
        _number(one["co2_credited_g"], 0),
        one["obstacle"] or "",
    ]


def _named(order_ids: list[str]) -> str:
    """The first of them, and how many more there are."""
    if not order_ids:
        return _NONE
    return order_ids[0] + (f" +{len(order_ids) - 1}" if len(order_ids) > 1 else "")


def _clock(moment: str | None, zone: ZoneInfo) -> str:
    if moment is None:
        return _NONE
    return f"{datetime.fromisoformat(moment).astimezone(zone):%m-%d %H:%M}"


def _number(value: float | None, digits_count: int) -> str:
    return _NONE if value is None else grouped(value, digits_count)


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0%}"
