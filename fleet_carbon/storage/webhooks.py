"""Webhooks on record: who wants to be told of what, what happened, and what became of telling it.

An event is put here by the unit of work that does what it tells of: both are kept, or none. The
rows of one event for each receiver are made afterwards, and told by whoever claims them. Nothing
here is a record: what is over is let go after a while.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from fleet_carbon.storage.codes import in_parts
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import METADATA, Moment, fleet_column

ACTIVE, PAUSED, DISABLED, ENDED = "active", "paused", "disabled", "ended"
"""States of an endpoint: a paused one is told later, one that is disabled or ended is not."""
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
"""States of a delivery."""


def _of_endpoint() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["fleet_id", "endpoint_id"],
        ["webhook_endpoints.fleet_id", "webhook_endpoints.endpoint_id"],
    )


webhook_endpoints = Table(
    "webhook_endpoints",
    METADATA,
    fleet_column(),
    Column("endpoint_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("event_types", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Why it is in this state; empty where somebody wished it so.
    Column("reason", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    # Since when every attempt failed.
    Column("failing_since_at", Moment),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

webhook_secrets = Table(
    "webhook_secrets",
    METADATA,
    fleet_column(),
    Column("endpoint_id", Text, primary_key=True),
    Column("secret_id", Text, primary_key=True),
    # Encrypted: whoever reads the database alone cannot sign.
    Column("sealed", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ends_at", Moment),
    _of_endpoint(),
)

webhook_events = Table(
    "webhook_events",
    METADATA,
    fleet_column(),
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("happened_at", Moment, nullable=False),
    # How much of it was made into deliveries, for events that stand for many.
    Column("spread_rows", BigInteger, nullable=False),
    Column("is_spread", Boolean, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
    Index("webhook_events_unspread", "fleet_id", "is_spread", "happened_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    METADATA,
    fleet_column(),
    Column("endpoint_id", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    # In all, and those that failed since it was asked for: these decide when it is tried again.
    Column("attempts_count", Integer, nullable=False),
    Column("failures_count", Integer, nullable=False),
    # When it is tried; who claims it moves this to when others may claim it.
    Column("due_at", Moment),
    _of_endpoint(),
    Index("webhook_deliveries_due", "fleet_id", "endpoint_id", "due_at"),
    Index("webhook_deliveries_by_time", "fleet_id", "endpoint_id", "happened_at", "event_id"),
)

webhook_attempts = Table(
    "webhook_attempts",
    METADATA,
    fleet_column(),
    Column("endpoint_id", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("attempted_at", Moment, nullable=False),
    Column("latency_ms", BigInteger, nullable=False),
    Column("status", Integer),
    # First bytes of the answer, or why there was none.
    Column("answer", Text, nullable=False),
    Column("failure", Text, nullable=False),
    ForeignKeyConstraint(
        ["fleet_id", "endpoint_id", "event_id"],
        [
            "webhook_deliveries.fleet_id",
            "webhook_deliveries.endpoint_id",
            "webhook_deliveries.event_id",
        ],
        ondelete="CASCADE",
    ),
)


@dataclass(frozen=True)
class EndpointRow:
    """Somebody who wants to be told.

    Attributes
    ----------
    endpoint_id, url, description : str
    event_types : tuple of str
        What it wants to be told of.
    state, reason : str
        active, paused, disabled or ended; and why, unless somebody wished it so.
    created_at, changed_at : datetime
    failing_since_at : datetime or None
        Since when every attempt failed; None if the last did not.
    """

    endpoint_id: str
    url: str
    description: str
    event_types: tuple[str, ...]
    state: str
    reason: str
    created_at: datetime
    changed_at: datetime
    failing_since_at: datetime | None = None


@dataclass(frozen=True)
class SecretRow:
    """A secret that signs, encrypted; `ends_at` is None for the newest."""

    endpoint_id: str
    secret_id: str
    sealed: str
    created_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True)
class EventRow:
    """Something that happened; `content` is JSON-ready."""

    event_id: str
    type: str
    content: dict[str, Any]
    happened_at: datetime
    spread_rows: int = 0


@dataclass(frozen=True)
class DeliveryRow:
    """An event for one endpoint: what is told, and how far that is."""

    endpoint_id: str
    event_id: str
    type: str
    content: dict[str, Any]
    happened_at: datetime
    state: str
    attempts_count: int
    failures_count: int
    due_at: datetime | None


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver; `status` is None if nothing was answered."""

    number: int
    attempted_at: datetime
    latency_ms: int
    status: int | None
    answer: str
    failure: str


@dataclass(frozen=True)
class Noted:
    """An attempt at a delivery as it was claimed, and what follows of it.

    Attributes
    ----------
    claimed : DeliveryRow
    attempt : Attempt
    state : str
        Of the delivery now.
    due_at : datetime or None
        When it is tried again.
    """

    claimed: DeliveryRow
    attempt: Attempt
    state: str
    due_at: datetime | None


@dataclass(frozen=True)
class _Change:
    """What becomes of a delivery; most of those that are noted together change alike."""

    state: str
    due_at: datetime | None
    attempts_count: int
    failures_count: int


class Webhooks:
    """Endpoints, events and deliveries of one fleet."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    # Endpoints and their secrets.

    def add_endpoint(self, endpoint: EndpointRow) -> None:
        """Put an endpoint on record."""
        row = asdict(endpoint) | {"event_types": json.dumps(endpoint.event_types)}
        self._insert(webhook_endpoints, [row])

    def change_endpoint(self, endpoint: EndpointRow) -> None:
        """Put an endpoint in place of what was known of it."""
        row = asdict(endpoint) | {"event_types": json.dumps(endpoint.event_types)}
        table = webhook_endpoints
        mine = self._mine(table, table.c.endpoint_id == row.pop("endpoint_id"))
        self._transaction.writing.execute(update(table).where(*mine).values(row))

    def endpoints(self) -> list[EndpointRow]:
        """Every endpoint but those that were ended, in the order of their making."""
        table = webhook_endpoints
        mine = self._mine(table, table.c.state != ENDED)
        chosen = _of(table, *mine).order_by(table.c.created_at, table.c.endpoint_id)
        return [_endpoint_of(row) for row in self._transaction.reading.execute(chosen).mappings()]

    def endpoint(self, endpoint_id: str) -> EndpointRow | None:
        """An endpoint that was not ended; None if there is none."""
        return next((one for one in self.endpoints() if one.endpoint_id == endpoint_id), None)

    def add_secret(self, secret: SecretRow) -> None:
        """Put a secret on record."""
        self._insert(webhook_secrets, [asdict(secret)])

    def end_secrets(self, endpoint_id: str, at: datetime) -> None:
        """Let the secrets of an endpoint sign until a moment, those that end before until then."""
        table = webhook_secrets
        later = or_(table.c.ends_at.is_(None), table.c.ends_at > at)
        mine = self._mine(table, table.c.endpoint_id == endpoint_id, later)
        self._transaction.writing.execute(update(table).where(*mine).values(ends_at=at))

    def secrets(self, endpoint_id: str, at: datetime) -> list[SecretRow]:
        """The secrets that sign at a moment, the newest first."""
        table = webhook_secrets
        stands = or_(table.c.ends_at.is_(None), table.c.ends_at > at)
        mine = self._mine(table, table.c.endpoint_id == endpoint_id, stands)
        chosen = _of(table, *mine).order_by(table.c.created_at.desc(), table.c.secret_id)
        return [SecretRow(**row) for row in self._transaction.reading.execute(chosen).mappings()]

    # Events.

    def tell(self, events: Iterable[EventRow]) -> None:
        """Put on record that something happened."""
        rows = [
            asdict(event) | {"content": _text_of(event.content), "is_spread": False}
            for event in events
        ]
        self._insert(webhook_events, rows)

    def unspread(self, *, limit_count: int = 100) -> list[EventRow]:
        """The earliest events that are not, or not wholly, deliveries yet."""
        table = webhook_events
        mine = self._mine(table, table.c.is_spread.is_(False))
        return self._events(_of(table, *mine).limit(limit_count))

    def events_since(self, at: datetime) -> list[EventRow]:
        """What happened at a moment or later, in its order."""
        table = webhook_events
        return self._events(_of(table, *self._mine(table, table.c.happened_at >= at)))

    def _events(self, chosen: Any) -> list[EventRow]:
        ordered = chosen.order_by(webhook_events.c.happened_at, webhook_events.c.event_id)
        rows = self._transaction.reading.execute(ordered).mappings()
        names = EventRow.__dataclass_fields__
        found = [{name: row[name] for name in names} for row in rows]
        return [EventRow(**row | {"content": json.loads(row["content"])}) for row in found]

    def note_spread(self, event: EventRow, spread_rows: int, *, is_whole: bool) -> bool:
        """Note how far an event was made into deliveries; False if another did so meanwhile."""
        table = webhook_events
        mine = self._mine(
            table,
            table.c.event_id == event.event_id,
            table.c.spread_rows == event.spread_rows,
            table.c.is_spread.is_(False),
        )
        changed = update(table).where(*mine)
        changed = changed.values(spread_rows=spread_rows, is_spread=is_whole)
        return bool(self._transaction.writing.execute(changed).rowcount)

    def note_whole(self, events: Sequence[EventRow]) -> set[str]:
        """Note that events were made into deliveries, all of each; ids of those nobody did yet."""
        table = webhook_events
        named = table.c.event_id.in_([one.event_id for one in events])
        mine = self._mine(table, named, table.c.spread_rows == 0, table.c.is_spread.is_(False))
        held = select(table.c.event_id).where(*mine).with_for_update()
        found = set(self._transaction.writing.scalars(held))
        self._transaction.writing.execute(
            update(table).where(*mine).values(spread_rows=1, is_spread=True)
        )
        return found

    # Deliveries.

    def ask(self, deliveries: Sequence[DeliveryRow]) -> None:
        """Let events be delivered, again if they were; what waits already goes on waiting."""
        for part in in_parts(deliveries):
            self._ask(part)

    def _ask(self, deliveries: Sequence[DeliveryRow]) -> None:
        table = webhook_deliveries
        names = [(one.endpoint_id, one.event_id) for one in deliveries]
        key = tuple_(table.c.endpoint_id, table.c.event_id)
        mine = self._mine(table, key.in_(names))
        known = {
            (row.endpoint_id, row.event_id)
            for row in self._transaction.reading.execute(
                select(table.c.endpoint_id, table.c.event_id).where(*mine)
            )
        }
        if known:
            again = update(table).where(*mine, table.c.state != WAITING)
            due_at = deliveries[0].due_at
            self._transaction.writing.execute(
                again.values(state=WAITING, failures_count=0, due_at=due_at)
            )
        self._insert(
            table,
            [
                asdict(one) | {"content": _text_of(one.content)}
                for one, name in zip(deliveries, names, strict=True)
                if name not in known
            ],
        )

    def endpoints_due(self, at: datetime) -> list[EndpointRow]:
        """Active endpoints for which something is to be tried at a moment."""
        table = webhook_deliveries
        chosen = select(table.c.endpoint_id).where(*self._due(at)).distinct()
        due = set(self._transaction.reading.scalars(chosen))
        return [one for one in self.endpoints() if one.endpoint_id in due and one.state == ACTIVE]

    def claim(
        self, endpoint_id: str, at: datetime, *, until: datetime, limit_count: int
    ) -> list[DeliveryRow]:
        """Take deliveries that are due; nobody else takes them before another moment.

        Rows that another process is taking are passed by.
        """
        table = webhook_deliveries
        # As moments are kept: who holds a claim is known by it.
        until = until.replace(microsecond=until.microsecond // 1000 * 1000)
        due = (*self._due(at), table.c.endpoint_id == endpoint_id)
        chosen = _of(table, *due).order_by(table.c.due_at, table.c.event_id).limit(limit_count)
        rows = self._transaction.writing.execute(chosen.with_for_update(skip_locked=True))
        found = [_delivery_of(row) for row in rows.mappings()]
        if found:
            taken = table.c.event_id.in_([one.event_id for one in found])
            mine = self._mine(table, table.c.endpoint_id == endpoint_id, taken)
            self._transaction.writing.execute(update(table).where(*mine).values(due_at=until))
        return [replace(one, due_at=until) for one in found]

    def _due(self, at: datetime) -> tuple[Any, ...]:
        table = webhook_deliveries
        return self._mine(table, table.c.state == WAITING, table.c.due_at <= at)

    def give_back(self, claimed: DeliveryRow, at: datetime) -> None:
        """Let others take at once what was claimed and not tried."""
        table = webhook_deliveries
        # The moment of the claim's end tells whose it is.
        mine = self._mine(
            table,
            table.c.endpoint_id == claimed.endpoint_id,
            table.c.event_id == claimed.event_id,
            table.c.state == WAITING,
            table.c.due_at == claimed.due_at,
        )
        self._transaction.writing.execute(update(table).where(*mine).values(due_at=at))

    def note(self, endpoint_id: str, noted: Sequence[Noted]) -> list[Noted]:
        """Note attempts at deliveries to one endpoint, and what follows of each.

        Returns
        -------
        kept : list of Noted
            Those whose claim was not lost meanwhile; of the others nothing is noted.
        """
        return [one for part in in_parts(noted) for one in self._note(endpoint_id, part)]

    def _note(self, endpoint_id: str, noted: Sequence[Noted]) -> list[Noted]:
        table = webhook_deliveries
        of_endpoint = self._mine(table, table.c.endpoint_id == endpoint_id)
        named = table.c.event_id.in_([one.claimed.event_id for one in noted])
        held = select(table.c.event_id, table.c.due_at).where(
            *of_endpoint, named, table.c.state == WAITING
        )
        rows = self._transaction.writing.execute(held.with_for_update())
        claims = {row.event_id: row.due_at for row in rows}
        # The moment of the claim's end tells whose it is.
        kept = [one for one in noted if claims.get(one.claimed.event_id) == one.claimed.due_at]
        for change, names in _by_change(kept).items():
            mine = (*of_endpoint, table.c.event_id.in_(names))
            self._transaction.writing.execute(update(table).where(*mine).values(asdict(change)))
        attempts = [asdict(one.attempt) | {"event_id": one.claimed.event_id} for one in kept]
        self._insert(webhook_attempts, [{"endpoint_id": endpoint_id, **row} for row in attempts])
        return kept

    def note_health(self, endpoint_id: str, failing_since_at: datetime | None) -> None:
        """Note since when every attempt at an endpoint failed; None after one that did not."""
        table, since = webhook_endpoints, webhook_endpoints.c.failing_since_at
        unlike = since.is_not(None) if failing_since_at is None else since.is_(None)
        mine = self._mine(table, table.c.endpoint_id == endpoint_id, unlike)
        changed = update(table).where(*mine).values(failing_since_at=failing_since_at)
        self._transaction.writing.execute(changed)

    def deliveries(
        self,
        endpoint_id: str,
        *,
        state: str | None = None,
        before: tuple[datetime, str] | None = None,
        limit_count: int = 100,
    ) -> list[DeliveryRow]:
        """The newest deliveries to an endpoint, newest first.

        Parameters
        ----------
        endpoint_id : str
        state : str, optional
            Only those in it.
        before : (datetime, str), optional
            Moment and id of an event; only those before it.
        limit_count : int
        """
        table = webhook_deliveries
        mine = self._mine(table, table.c.endpoint_id == endpoint_id)
        if state is not None:
            mine += (table.c.state == state,)
        if before is not None:
            at, event_id = before
            earlier = (table.c.happened_at == at) & (table.c.event_id < event_id)
            mine += (or_(table.c.happened_at < at, earlier),)
        order = (table.c.happened_at.desc(), table.c.event_id.desc())
        chosen = _of(table, *mine).order_by(*order).limit(limit_count)
        return [_delivery_of(row) for row in self._transaction.reading.execute(chosen).mappings()]

    def delivery(self, endpoint_id: str, event_id: str) -> DeliveryRow | None:
        """One delivery; None if there is none."""
        table = webhook_deliveries
        mine = self._mine(table, table.c.endpoint_id == endpoint_id, table.c.event_id == event_id)
        row = self._transaction.reading.execute(_of(table, *mine)).mappings().one_or_none()
        return None if row is None else _delivery_of(row)

    def attempts(self, endpoint_id: str, event_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        """The attempts at deliveries, by event, in their order."""
        table = webhook_attempts
        mine = self._mine(
            table, table.c.endpoint_id == endpoint_id, table.c.event_id.in_(event_ids)
        )
        found: dict[str, list[Attempt]] = {}
        chosen = _of(table, *mine).order_by(table.c.number)
        for row in self._transaction.reading.execute(chosen).mappings():
            attempt = Attempt(**{name: row[name] for name in Attempt.__dataclass_fields__})
            found.setdefault(row["event_id"], []).append(attempt)
        return found

    def waiting_count(self) -> int:
        """How many deliveries wait, for their first attempt or another."""
        table = webhook_deliveries
        chosen = select(func.count()).select_from(table)
        waiting = chosen.where(*self._mine(table, table.c.state == WAITING))
        return int(self._transaction.reading.scalar(waiting) or 0)

    def drop_waiting(self, endpoint_id: str) -> None:
        """Let nothing wait for an endpoint that is told no more."""
        table = webhook_deliveries
        mine = self._mine(table, table.c.endpoint_id == endpoint_id, table.c.state == WAITING)
        changed = update(table).where(*mine).values(state=FAILED, due_at=None)
        self._transaction.writing.execute(changed)

    def forget_before(self, at: datetime, *, waiting_at: datetime) -> None:
        """Let go of what happened earlier; of what still waits, only before another moment."""
        table, events = webhook_deliveries, webhook_events
        over = or_(table.c.state != WAITING, table.c.happened_at < waiting_at)
        gone = delete(table).where(*self._mine(table, table.c.happened_at < at, over))
        self._transaction.writing.execute(gone)
        spread = self._mine(events, events.c.happened_at < at, events.c.is_spread.is_(True))
        self._transaction.writing.execute(delete(events).where(*spread))

    def _mine(self, table: Table, *criteria: Any) -> tuple[Any, ...]:
        return table.c.fleet_id == self._transaction.fleet_id, *criteria

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            fleet = {"fleet_id": self._transaction.fleet_id}
            self._transaction.writing.execute(insert(table), [fleet | row for row in rows])


def _by_change(noted: Sequence[Noted]) -> dict[_Change, list[str]]:
    """The events of the deliveries that change alike."""
    found: dict[_Change, list[str]] = {}
    for one in noted:
        failures_count = 0 if one.state == DELIVERED else one.claimed.failures_count + 1
        change = _Change(one.state, one.due_at, one.attempt.number, failures_count)
        found.setdefault(change, []).append(one.claimed.event_id)
    return found


def _of(table: Table, *criteria: Any) -> Any:
    """What is asked of a table, without the fleet, which is known."""
    return select(*(column for column in table.c if column.name != "fleet_id")).where(*criteria)


def _endpoint_of(row: RowMapping) -> EndpointRow:
    return EndpointRow(**{**row, "event_types": tuple(json.loads(row["event_types"]))})


def _delivery_of(row: RowMapping) -> DeliveryRow:
    return DeliveryRow(**{**row, "content": json.loads(row["content"])})


def _text_of(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)
