"""What a command tells a person of webhooks: endpoints, deliveries, publications of statements."""

from __future__ import annotations

from typing import Any

from fleet_carbon.statements.layout import columns

_ANSWER_SHOWN = 60


def endpoint_lines(report: dict[str, Any]) -> list[str]:
    """Endpoints, and the secret of a new one with a word about it."""
    rows = [["webhook", "state", "address", "events", "description"]]
    for one in report["webhooks"]:
        types = ", ".join(one["event_types"])
        rows.append([one["endpoint_id"], one["state"], one["url"], types, one["description"]])
    lines = columns(rows, "lllll") if report["webhooks"] else ["There are no webhooks."]
    lines += [
        f"{one['endpoint_id']}: {one['reason']}" for one in report["webhooks"] if one["reason"]
    ]
    if "secret" in report:
        lines += ["", f"  {report['secret']}", "", "Keep it safe: it is shown this once."]
    return lines


def delivery_lines(report: dict[str, Any]) -> list[str]:
    """Deliveries, each with what came of the last attempt."""
    if not report["deliveries"]:
        return ["Nothing was to be delivered."]
    rows = [["event", "type", "happened", "state", "tries", "status", "ms", "answer"]]
    for one in report["deliveries"]:
        last = one["attempts"][-1] if one["attempts"] else {}
        said = (last.get("failure") or last.get("answer") or "")[:_ANSWER_SHOWN]
        shown = said if said.isprintable() else repr(said)
        status, latency = last.get("status") or "", last.get("latency_ms", "")
        rows.append(
            [
                *(one["event_id"], one["type"], one["happened_at"][:19], one["state"]),
                *(str(len(one["attempts"])), str(status), str(latency), shown),
            ]
        )
    lines = columns(rows, "llllrrrl")
    if report["next_cursor"]:
        lines += ["", f"Earlier ones: --cursor {report['next_cursor']}"]
    return lines


def asked_lines(report: dict[str, Any]) -> list[str]:
    """How much will be sent again."""
    return [f"{report['deliveries']} messages go to {report['endpoint_id']} (again)."]


def publication_lines(report: dict[str, Any]) -> list[str]:
    """Whose statements are published since when."""
    said = "are published" if report["new"] else "were published before"
    return [
        f"The statements of {report['drivers_count']} drivers for {report['month']} {said}.",
        f"Run {report['run_id']}, at {report['published_at']}.",
    ]
