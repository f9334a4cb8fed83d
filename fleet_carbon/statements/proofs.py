"""What is said of keys, checks and replays to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_carbon.statements.layout import columns

_SHOWN = 20


def key_lines(report: Mapping[str, Any]) -> list[str]:
    """The public keys of a ledger."""
    if not report["keys"]:
        return [f"The ledger of {report['fleet_id']} has no key yet; the first close makes one."]
    return [f"Keys of the ledger of {report['fleet_id']}:"] + [
        f"  {key['key_id']} from {key['valid_from']} until {key['valid_until'] or 'now'}"
        + ("" if key["endorsed"] or not number else ", not signed by the one before it")
        + (", revoked" if key["revoked"] else "")
        for number, key in enumerate(report["keys"])
    ]


def checkpoint_lines(report: Mapping[str, Any]) -> list[str]:
    """The checkpoints of a ledger: number, entries covered, root, moment."""
    if not report["checkpoints"]:
        return [f"The ledger of {report['fleet_id']} was never signed."]
    rows = [["no.", "entries", "root", "made"]]
    for one in report["checkpoints"]:
        _, _, root, _, made, *_ = one["note"].split("\n")
        rows.append([str(one["number"]), f"{one['entries_count']:,}", root, made[5:]])
    return columns(rows, "rrll")


def check_lines(report: Mapping[str, Any]) -> list[str]:
    """The outcome of a check of the whole ledger."""
    looked = (
        f"{report['entries_count']:,} entries, {report['checkpoints_count']:,} checkpoints, "
        f"{report['keys_count']:,} keys"
    )
    if report["ok"]:
        return [f"The ledger of {report['fleet_id']} holds: {looked}.", *report["sums"]]
    return [f"The ledger of {report['fleet_id']} does not hold: {looked}.", *_told(report)]


def statement_lines(report: Mapping[str, Any]) -> list[str]:
    """The outcome of a check of a statement."""
    if report["ok"]:
        return [f"proven: {one}" for one in report["proven"]]
    return list(report["problems"])


def replay_lines(report: Mapping[str, Any]) -> list[str]:
    """The outcome of a replay."""
    head = (
        f"{report['month']} {report['driver_id']}, run {report['run_id'][:12]} of "
        f"{report['closed_at']}"
    )
    if report["ok"]:
        same = f"{head}: the same bytes, SHA-256 {report['digest_before']}."
        return [same, *(f"  {line}" for line in report["inputs"])]
    lines = [f"{head}: not the same."]
    lines += [f"  {line}" for line in report["inputs"]]
    for account in report["differences"]:
        lines += [
            f"  {account['vehicle_id']} {name}: {before} -> {after}"
            for name, (before, after) in account["figures"].items()
        ]
    return lines


def _told(report: Mapping[str, Any]) -> list[str]:
    problems = list(report["problems"])
    more = report["problems_count"] - _SHOWN
    return problems[:_SHOWN] + ([f"... and {more:,} more."] if more > 0 else [])
