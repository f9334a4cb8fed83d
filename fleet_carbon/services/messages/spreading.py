"""From what happened to who is told: the deliveries of an event, for each endpoint that wants it.

This is done after the event, a part at a time, and remembers how far it is: an event of a hundred
thousand orders neither holds up the close that made it nor what happens after it for long.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any
from urllib.parse import quote

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.services.support import announcing
from fleet_carbon.services.support.announcing import event_name
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork
from fleet_carbon.storage.webhooks import (
    ACTIVE,
    PAUSED,
    WAITING,
    DeliveryRow,
    EndpointRow,
    EventRow,
)

ROWS_TOGETHER, EVENTS_TOGETHER = 2_000, 500
_LOG = logging.getLogger(__name__)
_TYPES_OF = {
    announcing.ORDERS_OF_RUN: {announcing.ORDER_PROVEN, announcing.ORDER_UNMATCHED},
    announcing.STATEMENTS_OF_RUN: {announcing.STATEMENT_PUBLISHED},
}
_OF_BOTH = ["order_id", "vehicle_id", "driver_id", "reason_code"]
_OF_PROVEN = [
    "cargo_t", "activity_tkm", "onboard_km", "planned_co2_kg", "realised_diesel_l",
    "realised_co2_kg", "confidence_share",
]  # fmt: skip


class Spreader:
    """Makes deliveries of events; holds the rows of the one it is at."""

    def __init__(self) -> None:
        self._held: tuple[tuple[str, str], list[EventRow]] = (("", ""), [])

    def spread_next(self, storage: Storage, at: datetime) -> bool:
        """Spread the earliest events, or a part of one that stands for many; False if none is left.

        Parameters
        ----------
        storage : Storage
            Of the fleet.
        at : datetime
            When the deliveries are due: now.
        """
        with storage.look() as work:
            events = work.webhooks.unspread(limit_count=EVENTS_TOGETHER)
            endpoints = work.webhooks.endpoints() if events else []
        plain = list(takewhile(lambda event: event.type not in _TYPES_OF, events))
        if plain:
            _spread_plain(storage, plain, endpoints, at)
            return True
        for event in events:
            wanting = [one for one in endpoints if is_told(one, event)]
            try:
                with storage.look() as work:
                    rows = self._rows(work, storage.fleet_id, event, wanting)
            except NotFound as missing:  # the others need not wait until it is restored
                _LOG.warning("%s is told later: %s", event.event_id, missing.message)
                continue
            _spread(storage, event, rows, wanting, at)
            return True
        return False

    def _rows(
        self, work: UnitOfWork, fleet_id: str, event: EventRow, wanting: list[EndpointRow]
    ) -> list[EventRow]:
        if not wanting:
            return []
        name = (fleet_id, event.event_id)
        if self._held[0] != name:
            self._held = (name, told_rows(work, event))
        return self._held[1]


def _spread_plain(
    storage: Storage, events: list[EventRow], endpoints: list[EndpointRow], at: datetime
) -> None:
    """Spread events each of which tells of itself alone, together."""
    with storage.begin(is_despite_closing=True, is_beside_others=True) as work:
        fresh = work.webhooks.note_whole(events)
        work.webhooks.ask(
            [
                delivery
                for event in events
                if event.event_id in fresh
                for delivery in deliveries_of(
                    [replace(event, spread_rows=0)],
                    [one for one in endpoints if is_told(one, event)],
                    at,
                )
            ]
        )


def _spread(
    storage: Storage,
    event: EventRow,
    rows: list[EventRow],
    wanting: list[EndpointRow],
    at: datetime,
) -> None:
    end = event.spread_rows + ROWS_TOGETHER
    deliveries = deliveries_of(rows[event.spread_rows : end], wanting, at)
    with storage.begin(is_despite_closing=True, is_beside_others=True) as work:
        if work.webhooks.note_spread(event, end, is_whole=end >= len(rows)):
            work.webhooks.ask(deliveries)


def is_told(endpoint: EndpointRow, event: EventRow) -> bool:
    """Whether an endpoint is told of an event, now or when it is no longer paused."""
    types = _TYPES_OF.get(event.type, {event.type})
    wants = bool(types & set(endpoint.event_types))
    is_there = endpoint.state in (ACTIVE, PAUSED) and endpoint.created_at <= event.happened_at
    # Nobody hears of the end of an endpoint through itself.
    return wants and is_there and event.content.get("endpoint_id") != endpoint.endpoint_id


def deliveries_of(
    rows: Sequence[EventRow], endpoints: Sequence[EndpointRow], at: datetime
) -> list[DeliveryRow]:
    """The rows for each endpoint that wants their type, due at a moment."""
    return [
        DeliveryRow(
            endpoint_id=endpoint.endpoint_id,
            event_id=row.event_id,
            type=row.type,
            content=row.content,
            happened_at=row.happened_at,
            state=WAITING,
            attempts_count=0,
            failures_count=0,
            due_at=at,
        )
        for endpoint in endpoints
        for row in rows
        if row.type in endpoint.event_types or row.type == announcing.PING
    ]


def told_rows(work: UnitOfWork, event: EventRow) -> list[EventRow]:
    """What is told of an event: itself, or what it stands for, always in the same order."""
    if event.type not in _TYPES_OF:
        return [replace(event, spread_rows=0)]
    month = event.content["month"]
    runs = {run.run_id: run for run in work.closings.runs(month)}
    run = runs[event.content["run_id"]]
    if event.type == announcing.ORDERS_OF_RUN:
        previous = runs.get(event.content["previous_run_id"])
        return _orders(work, event, run, previous)
    return _statements(work, event, run)


def _orders(
    work: UnitOfWork, event: EventRow, run: ClosingRun, previous: ClosingRun | None
) -> list[EventRow]:
    """The orders whose outcome is new or another than by the run before."""
    found = work.closings.table(run, "order_results")
    found = found[(found["status"] != "cancelled").to_numpy(bool)]
    if previous is not None:
        found = found[~_as_before(found, work.closings.table(previous, "order_results"))]
    told = []
    for row in tables.records(found[[*_OF_BOTH, *_OF_PROVEN, "matched"]]):
        is_proven = row.pop("matched")
        type_name = announcing.ORDER_PROVEN if is_proven else announcing.ORDER_UNMATCHED
        shown = row if is_proven else {name: row[name] for name in _OF_BOTH}
        content = {name: event.content[name] for name in ("fleet_id", "month", "run_id")}
        content |= shown | {
            "href": f"/v1/months/{run.month}/orders?vehicle_id={quote(row['vehicle_id'], safe='')}"
        }
        told.append(_row(event, type_name, row["order_id"], content))
    return told


def _as_before(found: pd.DataFrame, previous: pd.DataFrame) -> Any:
    """Which orders have the outcome they had."""
    known = previous.set_index("order_id")[["matched", "reason_code", "status"]]
    before = known.reindex(found["order_id"])
    same = (before["matched"].to_numpy() == found["matched"].to_numpy()) & (
        before["reason_code"].to_numpy() == found["reason_code"].to_numpy()
    )
    # What was cancelled then was told to nobody.
    was_told = (before["status"] != "cancelled").fillna(False).to_numpy(bool)
    return pd.array(same, dtype="boolean").fillna(False).to_numpy(bool) & was_told


def _statements(work: UnitOfWork, event: EventRow, run: ClosingRun) -> list[EventRow]:
    accounts = work.closings.table(run, "accounts")
    credited_g = accounts.groupby("driver_id", sort=True)["co2_credited_g"].sum()
    return [
        _row(
            event,
            announcing.STATEMENT_PUBLISHED,
            driver_id,
            event.content
            | {
                "driver_id": driver_id,
                "co2_credited_g": int(amount_g),
                "href": f"/v1/months/{run.month}/drivers/{quote(driver_id, safe='')}/statement",
            },
        )
        for driver_id, amount_g in zip(map(str, credited_g.index), credited_g, strict=True)
        if driver_id
    ]


def _row(event: EventRow, type_name: str, subject: str, content: dict[str, Any]) -> EventRow:
    event_id = event_name(event.event_id, type_name, subject)
    return EventRow(event_id, type_name, content, event.happened_at)
