"""What a close claims, and what it cannot claim because it is claimed already.

An account of which an interval is claimed by another fleet of the installation, was released to
another platform, or is of a truck that stands in the register twice, earns nothing; all others do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.ledger import claims as rules_of_claims
from fleet_carbon.ledger.claims import (
    CLAIM_RELEASED,
    CLAIMED_ELSEWHERE,
    PLATE_SHARED,
    ClaimRules,
    road_identity,
)
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.storage.unit_of_work import UnitOfWork

Pair = tuple[str, str]
"""Driver and truck."""

_SECTION = "claims"


class ClaimedMeanwhile(FleetCarbonError):
    """Others claimed what this close was about to claim."""


@dataclass(frozen=True)
class Refusal:
    """Why an account earns nothing, and whose claim it would overlap; empty for its own fleet's."""

    note: str
    fleet_id: str

    def as_dict(self, pair: Pair) -> dict[str, str]:
        """JSON-ready form."""
        driver_id, vehicle_id = pair
        return {"driver_id": driver_id, "vehicle_id": vehicle_id, **vars(self)}


def claim_rules(edition: Edition) -> ClaimRules:
    """The rules of claims of an edition."""
    return fill_rules(edition, _SECTION, ClaimRules)


def identities_of(vehicles: pd.DataFrame, fleet_id: str, rules: ClaimRules) -> dict[str, str]:
    """Name on the road of every registered truck, by vehicle_id."""
    columns = (
        vehicles[name].astype(object).where(vehicles[name].notna(), None).tolist()
        for name in ("vehicle_id", "plate", "plate_color_code")
    )
    return {
        vehicle_id: road_identity(
            plate, color_code, fleet_id=fleet_id, vehicle_id=vehicle_id, rules=rules
        )
        for vehicle_id, plate, color_code in zip(*columns, strict=True)
    }


def wanted_claims(
    tables: Mapping[str, pd.DataFrame], vehicles: pd.DataFrame, *, fleet_id: str, edition: Edition
) -> pd.DataFrame:
    """The intervals behind all figures of a close that are above 0.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        `legs` and `accounts` of the close.
    vehicles : DataFrame
        `frames.VEHICLES` on record.
    fleet_id : str
        Fleet.
    edition : Edition
        With the rules of claims.
    """
    accounts = tables["accounts"]
    is_credited = (accounts["co2_credited_g"] > 0).to_numpy(bool)
    rules = claim_rules(edition)
    return rules_of_claims.claims_of(
        tables["legs"],
        set(_pairs(accounts.loc[is_credited])),
        identities_of(vehicles, fleet_id, rules),
        rules=rules,
    )


def accounts_of_trucks(
    accounts: pd.DataFrame, vehicle_ids: Collection[str], note: str
) -> dict[Pair, str]:
    """The accounts of some trucks, each with the note for why it earns nothing."""
    is_named = accounts["vehicle_id"].isin(list(vehicle_ids)).to_numpy(bool)
    return dict.fromkeys(_pairs(accounts.loc[is_named]), note)


def find_refusals(work: UnitOfWork, wanted: pd.DataFrame, fleet_id: str) -> dict[Pair, Refusal]:
    """Which accounts cannot have what they want to claim.

    Parameters
    ----------
    work : UnitOfWork
        What is claimed already.
    wanted : DataFrame
        From `wanted_claims`.
    fleet_id : str
        The fleet that wants it.
    """
    if wanted.empty:
        return {}
    found = dict.fromkeys(
        _pairs(wanted.loc[rules_of_claims.overlapping_each_other(wanted)]),
        Refusal(PLATE_SHARED, ""),
    )
    taken = work.claims.of_others(
        wanted["identity"].unique().tolist(),
        int(wanted["from_s"].min()),
        int(wanted["until_s"].max()),
    )
    for other_id in sorted({one.fleet_id for one in taken}):
        theirs = [one.interval for one in taken if one.fleet_id == other_id]
        overlaps = rules_of_claims.overlapping(
            wanted["identity"].tolist(),
            wanted["from_s"].to_numpy(np.int64),
            wanted["until_s"].to_numpy(np.int64),
            others=theirs,
        )
        note = CLAIM_RELEASED if other_id == fleet_id else CLAIMED_ELSEWHERE
        for pair in _pairs(wanted.loc[overlaps]):
            found.setdefault(pair, Refusal(note, other_id))
    return found


def refuse_taken(work: UnitOfWork, wanted: pd.DataFrame, fleet_id: str) -> None:
    """Take the claims of all fleets for this transaction, and look again whether these are free.

    Raises
    ------
    ClaimedMeanwhile
        If others claimed some since they were looked at.
    """
    work.claims.hold()
    taken = find_refusals(work, wanted, fleet_id)
    if taken:
        raise ClaimedMeanwhile(
            "claimed_meanwhile",
            f"{len(taken)} accounts are claimed by others since this close began.",
            "Close the month again; nothing of this one was kept.",
        )


def refusals_on_record(summary: Mapping[str, Any]) -> dict[Pair, Refusal]:
    """What a closing run refused, for computing it again."""
    return {
        (one["driver_id"], one["vehicle_id"]): Refusal(one["note"], one["fleet_id"])
        for one in summary.get("claims_refused", [])
    }


def told(refusals: Mapping[Pair, Refusal]) -> list[dict[str, str]]:
    """Refusals in the order of driver and truck, JSON-ready."""
    return [refusals[pair].as_dict(pair) for pair in sorted(refusals)]


def refusal_digests(refusals: Mapping[Pair, Refusal]) -> dict[str, str]:
    """Digests by truck of what a close refused: part of what went into its figures."""
    lines: dict[str, list[dict[str, str]]] = {}
    for one in told(refusals):
        lines.setdefault(one["vehicle_id"], []).append(one)
    return {
        f"claims/{vehicle_id}": hashlib.sha256(
            json.dumps(of_truck, sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()
        for vehicle_id, of_truck in lines.items()
    }


def _pairs(rows: pd.DataFrame) -> Iterable[Pair]:
    drivers = rows["driver_id"].fillna("").tolist()
    return zip(drivers, rows["vehicle_id"].tolist(), strict=True)
