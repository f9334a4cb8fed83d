"""Fixes that come by the request, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd

from fleet_carbon.storage.encoding import FixEncoder
from fleet_carbon.storage.unit_of_work import Arrival, Arrivals, Storage

RECEIVED_AT = datetime(2026, 3, 1, tzinfo=UTC)


def arrival(rows: pd.DataFrame, name: str = "request", rejected: int = 0) -> Arrival:
    """The fixes of one request."""
    encoder = FixEncoder()
    fixes = encoder.encoded(rows)
    return Arrival(
        fixes=fixes,
        vehicle_ids=encoder.vehicles.names,
        driver_ids=encoder.drivers.names,
        name=name,
        options_text="{}",
        received_at=RECEIVED_AT,
        rejected=rejected,
    )


def arrive(storage: Storage, desk: Arrivals, *requests: pd.DataFrame) -> list[int]:
    """Take requests in by one transaction: how many fixes of each are new."""
    return arrive_all(storage, desk, [arrival(rows) for rows in requests])


def arrive_all(storage: Storage, desk: Arrivals, arrivals: Sequence[Arrival]) -> list[int]:
    """Take requests in by one transaction: how many fixes of each are new."""
    with storage.begin(reads_traces=False) as work:
        state = work.intake_state(desk)
        taken = work.arrive(desk, arrivals, state, recorded_at=RECEIVED_AT)
    desk.committed()
    return [one.accepted for one in taken]
