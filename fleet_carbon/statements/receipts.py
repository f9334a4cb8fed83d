"""What a person reads about received files: the list of them, and what a withdrawal did.

In: the JSON-ready reports of the services. Out: lines of plain text.
"""

from __future__ import annotations

from typing import Any

from fleet_carbon.statements.layout import columns

_FILES_NAMED = 8


def file_lines(report: dict[str, Any]) -> list[str]:
    """The received files, one line for each ingest of each."""
    if not report["files"]:
        return ["No files on record."]
    head = [
        "id",
        "kind",
        "received at (UTC)",
        "accepted",
        "duplicate",
        "rejected",
        "read as",
        "name",
    ]
    rows = [head]
    for one in report["files"]:
        counts = (one[f"rows_{name}"] for name in ("accepted", "duplicate", "rejected"))
        rows.append(
            [
                one["id"],
                one["kind"],
                _moment(one["received_at"]),
                *("?" if count is None else f"{count:,}" for count in counts),
                _options(one["options"]),
                one["name"] + _withdrawn(one),
            ]
        )
    return columns(rows, "lllrrrll")


def withdrawal_lines(report: dict[str, Any]) -> list[str]:
    """What a withdrawal took back, and what is to be done now."""
    lines = [f"Withdrawn: {report['id']}, because: {report['reason']}"]
    for one in report["withdrawn"]:
        accepted = "all" if one["rows_accepted"] is None else f"{one['rows_accepted']:,}"
        lines.append(
            f"  {one['name']}, ingested as {one['kind']} at {_moment(one['received_at'])} UTC:"
            f" rows taken back: {accepted}"
        )
    lines += [
        "Nothing was deleted. The file may be ingested again, with other options if need be.",
        *_month_lines(report["months_to_close_again"]),
        *_duplicate_lines(report["files_with_duplicates"]),
    ]
    return lines


def _month_lines(months: list[str]) -> list[str]:
    if not months:
        return ["No closed month has data from it."]
    return [
        "",
        f"Closed with data from it: {', '.join(months)}. These months stay as they are until they"
        " are closed again:",
        "  ingest what is right first, then",
        *(f"  fleet-carbon close {month}" for month in months),
    ]


def _duplicate_lines(others: list[dict[str, Any]]) -> list[str]:
    if not others:
        return []
    lines = [
        "",
        "Rows of later files that were on record already were dropped as duplicates. Those that"
        " only the withdrawn file had brought do not come back by themselves; ingest these files"
        " again to bring them:",
    ]
    lines += columns(
        [
            [one["id"], one["kind"], f"{one['rows_duplicate']:,} duplicates", one["name"]]
            for one in others[:_FILES_NAMED]
        ],
        "llrl",
    )
    if len(others) > _FILES_NAMED:
        lines.append(f"  ... and {len(others) - _FILES_NAMED} more (--json lists all)")
    return lines


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")


def _options(options: dict[str, Any]) -> str:
    known = (options.get(name) for name in ("crs", "time_zone", "profile"))
    return ", ".join(str(value) for value in known if value)


def _withdrawn(one: dict[str, Any]) -> str:
    if not one["withdrawn"]:
        return ""
    return f"  [withdrawn {_moment(one['withdrawn_at'])}: {one['withdrawn_reason']}]"
