"""What a person reads about the trace store: what it holds, and what was done to keep it well.

In: the JSON-ready reports of the services. Out: lines of plain text.
"""

from __future__ import annotations

from typing import Any

from fleet_carbon.statements.layout import columns

_NAMED = 10


def list_lines(report: dict[str, Any]) -> list[str]:
    """The segments by month and bucket, and the sum."""
    if not report["parts"]:
        return ["No positions on record."]
    head = ["month", "bucket", "segments", "fixes", "bytes", "bytes a fix", "versions"]
    rows = [head, *(_list_row(part) for part in report["parts"])]
    if len(report["parts"]) > 1:
        rows.append(_list_row(report | {"month": "all", "bucket": ""}))
    lines = columns(rows, "lrrrrrl")
    if report["mergeable"]:
        lines += [
            "",
            f"{report['mergeable']} of them have several segments that may be put together:"
            " fleet-carbon traces compact",
        ]
    return lines


def _list_row(part: dict[str, Any]) -> list[str]:
    first, last = part["version_first"], part["version_last"]
    return [
        part["month"],
        str(part["bucket"]),
        f"{part['segments']:,}",
        f"{part['fixes']:,}",
        f"{part['bytes']:,}",
        f"{part['bytes_per_fix']:.2f}",
        str(first) if first == last else f"{first} to {last}",
    ]


def compaction_lines(report: dict[str, Any]) -> list[str]:
    """What was put together, and what is left."""
    if not report["parts"]:
        return ["Nothing to put together: every month and bucket has one segment."]
    lines = [
        f"{report['segments_before']:,} segments became {report['segments_after']:,}, with"
        f" {report['fixes']:,} fixes.",
        f"  {report['bytes_before']:,} bytes before, {report['bytes_after']:,} after:"
        f" {report['bytes_per_fix']:.2f} a fix.",
        "  The former segments stay for earlier versions; `fleet-carbon traces clean` removes"
        " those that no closed month needs.",
    ]
    if report["overtaken"]:
        lines.append(
            f"{report['overtaken']} months and buckets changed again and again meanwhile and were"
            " left as they are. Run the command once more."
        )
    return lines


def verification_lines(report: dict[str, Any]) -> list[str]:
    """Whether every segment is there and as it was written."""
    if report["ok"]:
        return [f"All {report['segments']:,} segments are there and as they were written."]
    lines = [f"{len(report['problems'])} of {report['segments']:,} segments have problems:"]
    lines += [f"  {problem}" for problem in report["problems"][:_NAMED]]
    if len(report["problems"]) > _NAMED:
        lines.append(f"  ... and {len(report['problems']) - _NAMED} more (--json lists all)")
    return [*lines, "Restore these files from a backup; nothing is repaired in silence."]


def cleaning_lines(report: dict[str, Any]) -> list[str]:
    """What was removed, or would be."""
    count = report["segments"] + report["leftovers"]
    if not count:
        return [f"Nothing to remove that is older than {report['age_h']:g} hours."]
    verb = "would be removed" if report["dry_run"] else "were removed"
    return [
        f"{report['segments']:,} segments that no version in force or closed month needs, and"
        f" {report['leftovers']:,} files of broken-off commands {verb}:"
        f" {report['bytes']:,} bytes.",
    ]
