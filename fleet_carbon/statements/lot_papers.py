"""The papers of a lot: monitoring report, serial list, rows for a registry, certificate."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fleet_carbon.ledger.accounts import (
    BUFFER,
    CANCELLED,
    HELD,
    PENDING,
    RETIRED,
    SOLD,
    class_of,
    unescaped,
)
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.serials import Block, SerialRange, serial_text

_STATUSES = {
    HELD: "Held",
    PENDING: "For Sale",
    SOLD: "Held",
    RETIRED: "Retired",
    CANCELLED: "Cancelled",
    BUFFER: "Buffer",
}
"""Status of a unit in the words of the CAD Trust picklist, by class of the account."""


@dataclass(frozen=True)
class Papers:
    """What the papers of a lot are written from.

    Attributes
    ----------
    fleet_id : str
        Whose ledger it is.
    facts : dict
        The lot as it was reserved.
    serials : list of (Block, SerialRange)
        In order, in as few ranges as can be.
    regions : dict of str to float
        Parts of the lot by the province in which the transport took place. [0..1]
    standing : list of Piece
        Where the serials are now, in as few pieces as can be; of holders only that they hold.
    months : list of dict
        Of each vintage with a closing run: what its accounts say in sum.
    state : str
        State of the lot.
    sums_line : str
        Where every gram of the fleet is.
    """

    fleet_id: str
    facts: dict[str, Any]
    serials: list[tuple[Block, SerialRange]]
    regions: dict[str, float]
    standing: list[Piece]
    months: list[dict[str, Any]]
    state: str
    sums_line: str


def tonnes_text(amount_g: int) -> str:
    """Grams in tonnes, exact.

    Examples
    --------
    >>> tonnes_text(1_500_000)
    '1.500000'
    """
    return f"{Decimal(amount_g).scaleb(-6):.6f}"


def monitoring_report(papers: Papers) -> str:
    """The monitoring report, Markdown."""
    facts = papers.facts
    lines = [
        f"# Monitoring report of lot {facts['lot_id']}",
        "",
        f"Fleet {papers.fleet_id}, for {facts['buyer']}. State: {papers.state}.",
        "",
        f"{tonnes_text(facts['amount_g'])} t CO2 avoided, of {facts['holders_count']:,} holders, "
        f"at {facts['price']} {facts['currency']}/t: {facts['proceeds_text']}.",
        "",
        "The unit is the gram of tank-to-wheel CO2 avoided against the counterfactual; what "
        "is credited is the lower bound of its 90 % interval, never below 0. No third party has "
        "verified these figures, and they are no allowances of any emission trading system.",
        "",
        "## Vintages",
        "",
        "| month | grade | t CO2 |",
        "|---|---|---|",
    ]
    lines += [
        f"| {one['month']} | {one['grade'] or 'unknown'} | {tonnes_text(one['amount_g'])} |"
        for one in facts["vintages"]
    ]
    lines += [*_region_lines(papers), "", "## What the vintages rest on", ""]
    for month in papers.months:
        lines += _month_lines(month)
    if not papers.months:
        lines.append("No closing run is on record here for these vintages.")
    lines += ["", "## The ledger", "", papers.sums_line, ""]
    return "\n".join(lines)


def _region_lines(papers: Papers) -> list[str]:
    """Where the transport took place: parts of the lot by province."""
    facts = papers.facts
    lines = ["", "## Where the transport took place", ""]
    if facts.get("region"):
        least = f"{100 * float(facts['region_share']):g} %"
        lines += [f"Only of accounts with at least {least} of their tkm in {facts['region']}.", ""]
    if not papers.regions:
        return [*lines, "Nobody knows: no closing run is on record here for these vintages."]
    lines += ["| province in which the loaded legs began | part of the lot |", "|---|---|"]
    named = {name or "outside all": share for name, share in papers.regions.items()}
    known = sum(named.values())
    if known < 1 - 1e-6:
        named["not known"] = 1 - known
    return [*lines, *(f"| {name} | {100 * share:.2f} % |" for name, share in named.items())]


def _month_lines(month: dict[str, Any]) -> list[str]:
    shares = ", ".join(f"{name} {count:,}" for name, count in month["qualities"].items())
    baselines = ", ".join(f"{name} {count:,}" for name, count in month["baselines"].items())
    return [
        f"### {month['month']}",
        "",
        f"- {month['accounts_count']:,} accounts, {month['distance_km']:,.0f} km driven, "
        f"{tonnes_text(month['co2_credited_g'])} t credited",
        f"- quality: {shares}",
        f"- counterfactual: {baselines}",
        f"- edition {month['edition']}, SHA-256 {month['edition_digest']}",
        f"- closing run {month['run_id']}",
        "",
    ]


def serial_list(papers: Papers) -> str:
    """The serials of the lot, CSV; half-open ranges, and no holder."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["serial", "month", "edition", "serial_from", "serial_until", "amount_g"])
    for block, one in papers.serials:
        serial = serial_text(papers.fleet_id, block, one)
        writer.writerow([serial, block.month, block.edition, *one, one.amount_g])
    return out.getvalue()


def evidence_bundle(papers: Papers) -> dict[str, Any]:
    """Digests of all that the lot rests on, by vintage: runs, tables, edition, factors, inputs."""
    return {
        "lot_id": papers.facts["lot_id"],
        "fleet_id": papers.fleet_id,
        "amount_g": papers.facts["amount_g"],
        "vintages": papers.facts["evidence"],
    }


def registry_rows(papers: Papers) -> dict[str, list[dict[str, Any]]]:
    """Unit and issuance rows with the field names of the CAD Trust data model.

    A row for each range that stands in one account, with its status now; `unitCount` is in tonnes,
    exact to the gram. Fields of which nothing is known are null. The ends of a block are those of
    the half-open range. An issuance is a vintage month; a unit carries its own.
    """
    issuances = [
        {"id": f"{papers.fleet_id}/{month}", **_issuance(month)}
        for month in sorted({block.month for block, _ in papers.serials})
    ]
    of_month = {one["id"][-7:]: one for one in issuances}
    units = [
        {
            "unitOwner": _owner(account, papers),
            "serialNumberBlock": serial_text(papers.fleet_id, block, one),
            "unitBlockStart": str(one.serial_from),
            "unitBlockEnd": str(one.serial_until),
            "unitCount": tonnes_text(one.amount_g),
            "vintageYear": int(block.month[:4]),
            "unitType": "Reduction - technical",
            "unitStatus": _STATUSES[class_of(account)],
            "unitStatusReason": _reason(account, papers),
            "unitRegistryLink": None,
            "correspondingAdjustmentDeclaration": "Unknown",
            "correspondingAdjustmentStatus": "Not Started",
            "countryJurisdictionOfOwner": None,
            "inCountryJurisdictionOfOwner": None,
            "projectLocationId": None,
            "marketplace": papers.facts["market"] or None,
            "marketplaceLink": None,
            "marketplaceIdentifier": papers.facts["lot_id"],
            "issuance": of_month[block.month],
        }
        for account, block, one in papers.standing
    ]
    return {"units": units, "issuances": issuances}


def _issuance(month: str) -> dict[str, Any]:
    last = monthrange(int(month[:4]), int(month[5:]))[1]
    return {
        "startDate": f"{month}-01",
        "endDate": f"{month}-{last:02d}",
        "verificationApproach": "none by a third party; recomputation from the evidence bundle",
        "verificationReportDate": None,
        "verificationBody": None,
    }


def _owner(account: str, papers: Papers) -> str:
    """Who owns serials now; of drivers no names are told."""
    if class_of(account) in (SOLD, RETIRED):
        return unescaped(account.partition("/")[2])
    return papers.fleet_id if class_of(account) in (BUFFER, CANCELLED) else "holders"


def _reason(account: str, papers: Papers) -> str:
    """Why serials have their status: what became of them beside or after the lot."""
    lot = f"lot {papers.facts['lot_id']} {papers.state}"
    if class_of(account) in (RETIRED, CANCELLED):
        words = "on behalf of" if class_of(account) == RETIRED else "for the reason"
        return f"{lot}; {class_of(account)} {words} {unescaped(account.partition('/')[2])}"
    return lot


def certificate(certified: dict[str, Any]) -> str:
    """The certificate of a retirement for people, Markdown; it holds the signed checkpoint."""
    lines = [
        "# Certificate of retirement",
        "",
        f"{tonnes_text(certified['amount_g'])} t of CO2 avoided in road freight were retired on "
        f"behalf of **{certified['beneficiary']}** on {certified['retired_at'][:10]}, and cannot "
        "be sold or retired again.",
        "",
        f"Act {certified['act']} of the ledger of fleet {certified['fleet_id']}. The same "
        "certificate as JSON is signed and can be checked offline with `fleet-carbon verify`.",
        "",
        "| serials | g |",
        "|---|---|",
    ]
    lines += [
        f"| {serials} | {proof['entry']['amount']:,} |"
        for serials, proof in zip(certified["serials"], certified["entries"], strict=True)
    ]
    note = certified["checkpoint"].rstrip("\n").split("\n")
    return "\n".join([*lines, "", "```", *note, "```", ""])
