"""What a driver's statement is composed of, as it is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.statements.likeness import Likeness

Row = Mapping[str, Any]


@dataclass(frozen=True)
class TruckFacts:
    """What is on record of a driver's account with one truck.

    Attributes
    ----------
    account : mapping
        Row of `frames.ACCOUNTS`, JSON-ready.
    plate : str
        Number plate; empty if none is known.
    chain : mapping of str to float
        Numbers of its derivation by name.
    bounds : mapping of str to tuple of float
        Interval of each figure that has one.
    orders : sequence of mapping
        Rows of `frames.ORDER_RESULTS` that it counts, with `month_activity_tkm`.
    """

    account: Row
    plate: str
    chain: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]
    orders: Sequence[Row]


@dataclass(frozen=True)
class StatementFacts:
    """Everything that a statement says, as it is on record.

    Attributes
    ----------
    month, fleet_id, driver_id, driver_name : str
        Of whom, and of when.
    zone : ZoneInfo
        Zone of the fleet.
    run_id, edition : str
        Closing run, and the edition's label.
    closed_at : datetime
        When it was closed, aware.
    trucks : sequence of TruckFacts
        One per truck; empty in a month without data.
    before_month : str
        The month before.
    before : sequence of mapping
        Accounts of the driver in it.
    months : sequence of tuple of str and int
        Months up to this one, and what was credited in each. [g]
    likeness : Likeness or None
        What similar drivers did.
    prices : mapping
        ``carbon`` and ``diesel`` where a price was in force.
    ledger : mapping
        `services.ledger.settling.DriverLedger.as_dict`.
    corrections : sequence of mapping
        ``at``, ``before_g``, ``after_g``, ``reasons`` of each restatement.
    disputes : sequence of mapping
        On record of the driver and month.
    proof : mapping
        ``digest`` and ``link`` of the signed statement; empty if it is not asked for.
    """

    month: str
    fleet_id: str
    driver_id: str
    driver_name: str
    zone: ZoneInfo
    run_id: str
    edition: str
    closed_at: datetime
    trucks: Sequence[TruckFacts]
    before_month: str
    before: Sequence[Row]
    months: Sequence[tuple[str, int]]
    likeness: Likeness | None
    prices: Mapping[str, Mapping[str, str]]
    ledger: Mapping[str, Any]
    corrections: Sequence[Row] = field(default_factory=tuple)
    disputes: Sequence[Row] = field(default_factory=tuple)
    proof: Mapping[str, str] = field(default_factory=dict)
