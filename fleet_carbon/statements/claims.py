"""Claims as text for people: what stands, what a peer claims too, who reports what as its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.ledger.claims import RELEASED, STANDING, SUPERSEDED, Claim
from fleet_carbon.ledger.entries import figure_parts
from fleet_carbon.statements.layout import columns

STATES = (STANDING, RELEASED, SUPERSEDED)
_SHOWN = 40


def claim_rows(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """Claims JSON-ready: whose, which truck, when, and whether it stands."""
    rows = []
    for one in claims:
        _, driver_id, vehicle_id = figure_parts(one.figure)
        rows.append(
            {
                "driver_id": driver_id,
                "vehicle_id": vehicle_id,
                "truck": one.interval.identity,
                "from": datetime.fromtimestamp(one.interval.from_s, UTC).isoformat(),
                "until": datetime.fromtimestamp(one.interval.until_s, UTC).isoformat(),
                "state": one.state,
                "ended_by": one.ended_by,
            }
        )
    return rows


def claim_lines(report: Mapping[str, Any]) -> list[str]:
    """The claims of a month."""
    rows = report["claims"]
    if not rows:
        return [f"Fleet {report['fleet_id']} claims nothing in {report['month']}."]
    return _table(rows, ("driver_id", "vehicle_id", "truck", "from", "until", "state"))


def pair_key_lines(report: Mapping[str, Any]) -> list[str]:
    """Where a key of a pair is, and what is to be done with it."""
    return [
        f"Key {report['pair']} of a pair of platforms written to {report['file']}.",
        "Give the file to the other side on a way that nobody else can read, and keep it secret:",
        "whoever has it can find out from a list which of the plates that he tries are on it.",
    ]


def peer_lines(report: Mapping[str, Any]) -> list[str]:
    """The platforms on record."""
    if not report["peers"]:
        return ["No other platform is on record."]
    return _table(report["peers"], ("peer", "key_id", "public_key", "recorded_at"))


def publish_lines(report: Mapping[str, Any]) -> list[str]:
    """What a list holds."""
    lines = [
        f"{report['file']}: {report['commitments']:,} commitments for {report['peer']}, of which "
        f"{report['buckets']:,} stand for claims of {report['trucks']:,} trucks in "
        f"{report['month']}; the rest hides how many."
    ]
    if report["trucks_without_plate"]:
        lines.append(
            f"{report['trucks_without_plate']:,} trucks have no plate on record and are not in it."
        )
    return lines


def check_lines(report: Mapping[str, Any]) -> list[str]:
    """What a peer claims, too."""
    released = report["released_buckets"]
    more = f" {released:,} buckets were released by letter." if released else ""
    if report["ok"]:
        return [f"{report['peer']} claims nothing of what we claim in {report['month']}.{more}"]
    return [
        f"{report['peer']} claims {report['overlapping_buckets']:,} of our "
        f"{report['own_buckets']:,} buckets in {report['month']}, too.{more}",
        *_table(report["overlaps"], ("driver_id", "vehicle_id", "truck", "from", "until")),
        "Agree on who keeps each: the other releases it with `fleet-carbon claims release`.",
    ]


def accepted_lines(report: Mapping[str, Any]) -> list[str]:
    """What a letter releases, and what is to be done now."""
    head = "is on record already" if report["outcome"] != "accepted" else "accepted"
    lines = [
        f"Letter {report['letter_id']} of {report['peer']} {head}: {report['released_g']:,} g of "
        f"{report['month']} are cancelled there.",
        *_table(report["claims"], ("truck", "from", "until")),
    ]
    if not report["vehicles"]:
        lines.append("None of our registered trucks is one of these.")
    lines += [
        f"Close {month} again, so that our account is credited."
        for month in report["months_to_close_again"]
    ]
    return lines


def released_lines(facts: Mapping[str, Any]) -> list[str]:
    """What a release leaves to be done, and who bears what was sold."""
    lines = []
    if facts.get("reversed_from_buffer_g"):
        lines.append(
            f"{facts['reversed_from_buffer_g']:,} g were no longer held and were cancelled in the"
            " buffer."
        )
    if facts.get("obligation_opened_g"):
        lines.append(
            f"The buffer did not suffice: the operator owes it {facts['obligation_opened_g']:,} g."
        )
    return [*lines, f"Close {facts['month']} again, so that accounts and statements say so, too."]


def claimant_lines(report: Mapping[str, Any]) -> list[str]:
    """Who reports which grams as its own."""
    if not report["claims"]:
        return [f"Nobody has claimed grams of fleet {report['fleet_id']}."]
    rows = [
        {**one, "amount": f"{one['amount_g']:,} g", "orders": str(len(one["order_ids"]) or "")}
        for one in report["claims"]
    ]
    return _table(
        rows, ("claimed_on", "claim_id", "claimant", "scope", "period", "amount", "orders")
    )


def _table(rows: Iterable[Mapping[str, Any]], names: tuple[str, ...]) -> list[str]:
    shown = [[str(row[name]) for name in names] for row in rows]
    more = len(shown) - _SHOWN
    lines = columns([[name.replace("_", " ") for name in names], *shown[:_SHOWN]], "l" * len(names))
    return [*lines, *([f"... and {more:,} more (--json lists all)"] if more > 0 else [])]
