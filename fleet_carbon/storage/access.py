"""Who may come in by a key, what was answered to a request, and who did what: on record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    Integer,
    RowMapping,
    Select,
    Table,
    Text,
    delete,
    insert,
    select,
)

from fleet_carbon.storage.codes import in_parts
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import RowNumber
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

access_keys = Table(
    "access_keys",
    METADATA,
    fleet_column(),
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    # Whose account a key of a driver opens; empty for the other roles.
    Column("driver_id", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

access_key_ends = Table(
    "access_key_ends",
    METADATA,
    fleet_column(),
    Column("key_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("ended_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id", "key_id"], ["access_keys.fleet_id", "access_keys.key_id"]),
)

# Deeds that a key is narrowed to; a key without any allows all that its role does.
access_key_scopes = Table(
    "access_key_scopes",
    METADATA,
    fleet_column(),
    Column("key_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    ForeignKeyConstraint(["fleet_id", "key_id"], ["access_keys.fleet_id", "access_keys.key_id"]),
)

# Customers whose shipments a key opens: of a customer at least one, of the other roles none.
access_key_shippers = Table(
    "access_key_shippers",
    METADATA,
    fleet_column(),
    Column("key_id", Text, primary_key=True),
    Column("shipper_id", Text, primary_key=True),
    ForeignKeyConstraint(["fleet_id", "key_id"], ["access_keys.fleet_id", "access_keys.key_id"]),
)

# Answers are kept for a while only, so this is no record: a request is known by its sender's key.
request_answers = Table(
    "request_answers",
    METADATA,
    fleet_column(),
    Column("request_key", Text, primary_key=True),
    Column("request_sha256", Text, nullable=False),
    Column("status", Integer),
    Column("content", Text),
    Column("begun_at", Moment, nullable=False),
    Index("request_answers_by_time", "begun_at"),
)

audit_events = Table(
    "audit_events",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("key_id", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("happened_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

_PARTS = {"scopes": access_key_scopes, "shippers": access_key_shippers}
"""What a key has many of, by field of its row: the last column of these tables."""
_EVENT_COLUMNS = [column for column in audit_events.c if column.name != "fleet_id"]
_ADD_EVENTS = insert(audit_events)

for _table in (
    *(access_keys, access_key_ends, access_key_scopes, access_key_shippers),
    audit_events,
):
    only_grows(_table)


@dataclass(frozen=True)
class KeyRow:
    """A key as it is on record; the secret itself is kept nowhere.

    Attributes
    ----------
    fleet_id, key_id, name, role, driver_id : str
        Whose it is, how it is called, and what it opens; `driver_id` is empty but for drivers.
    secret_sha256 : str
        Digest of the secret, hexadecimal.
    created_at : datetime
    expires_at, ended_at : datetime or None
        When it ends by itself, and when it was ended.
    scopes : tuple of str
        Deeds that it is narrowed to; empty if it is not.
    shippers : tuple of str
        Customers whose shipments it opens; of a customer's key at least one.
    """

    fleet_id: str
    key_id: str
    name: str
    role: str
    driver_id: str
    secret_sha256: str
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    shippers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What is known of a request: its digest, and status and content once it was answered."""

    request_sha256: str
    status: int | None
    content: str | None
    begun_at: datetime


@dataclass(frozen=True)
class AuditEvent:
    """One thing that was read or done."""

    sequence: int
    key_id: str
    who: str
    method: str
    path: str
    status: int
    request_id: str
    happened_at: datetime


def find_key(transaction: Transaction, secret_sha256: str) -> KeyRow | None:
    """The key of a secret, whichever fleet it is of; None if there is none.

    This is the one question that is asked before it is known which fleet is meant.
    """
    chosen = _keys().where(access_keys.c.secret_sha256 == secret_sha256)
    with transaction.across("keys") as connection:
        found = _with_parts(connection, chosen)
    return found[0] if found else None


def _keys() -> Select[Any]:
    ends = access_key_ends
    return select(access_keys, ends.c.ended_at).join_from(
        access_keys,
        ends,
        (ends.c.fleet_id == access_keys.c.fleet_id) & (ends.c.key_id == access_keys.c.key_id),
        isouter=True,
    )


def _with_parts(
    connection: Connection, chosen: Select[Any], fleet_id: str | None = None
) -> list[KeyRow]:
    rows = connection.execute(chosen).mappings().all()
    parts = [_parts(connection, table, rows, fleet_id) for table in _PARTS.values()]
    found = []
    for row in rows:
        scopes, shippers = (tuple(held.get((row["fleet_id"], row["key_id"]), ())) for held in parts)
        found.append(KeyRow(**row, scopes=scopes, shippers=shippers))
    return found


def _parts(
    connection: Connection, table: Table, rows: Sequence[RowMapping], fleet_id: str | None
) -> dict[tuple[str, str], list[str]]:
    """What a table of parts has of each key, in order."""
    named = select(table).where(table.c.key_id.in_([row["key_id"] for row in rows]))
    if fleet_id is not None:
        named = named.where(table.c.fleet_id == fleet_id)
    found: dict[tuple[str, str], list[str]] = {}
    for of_fleet, key_id, part in connection.execute(named.order_by(*table.primary_key)):
        found.setdefault((of_fleet, key_id), []).append(part)
    return found


class AccessKeys:
    """The keys of a fleet; they only grow, an end is another row."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, key: KeyRow) -> None:
        """Put a new key on record."""
        row = {column.name: getattr(key, column.name) for column in access_keys.c}
        row["fleet_id"] = self._transaction.fleet_id
        self._transaction.writing.execute(insert(access_keys).values(row))
        of_key = {"fleet_id": row["fleet_id"], "key_id": key.key_id}
        for name, table in _PARTS.items():
            column = table.columns.keys()[-1]
            if parts := [of_key | {column: one} for one in getattr(key, name)]:
                self._transaction.writing.execute(insert(table), parts)

    def end(self, key_id: str, *, reason: str, at: datetime) -> None:
        """Let a key open nothing more."""
        self._transaction.writing.execute(
            insert(access_key_ends).values(
                fleet_id=self._transaction.fleet_id, key_id=key_id, reason=reason, ended_at=at
            )
        )

    def list(self, key_id: str | None = None) -> list[KeyRow]:
        """All keys that ever were, or that one, in the order of their making."""
        chosen = _keys().where(access_keys.c.fleet_id == self._transaction.fleet_id)
        if key_id is not None:
            chosen = chosen.where(access_keys.c.key_id == key_id)
        ordered = chosen.order_by(access_keys.c.created_at, access_keys.c.key_id)
        return _with_parts(self._transaction.reading, ordered, self._transaction.fleet_id)


class Answers:
    """What was answered to requests that carry a key of their sender, kept for a while."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, request_key: str) -> Answer | None:
        """What is known of a request; None if it never came."""
        table = request_answers
        chosen = select(
            table.c.request_sha256, table.c.status, table.c.content, table.c.begun_at
        ).where(*self._mine(request_key))
        row = self._transaction.reading.execute(chosen).mappings().one_or_none()
        return None if row is None else Answer(**row)

    def of_keys(self, request_keys: Sequence[str]) -> dict[str, Answer]:
        """What is known of some requests, by key."""
        table = request_answers
        found = {}
        for part in in_parts(request_keys):
            chosen = select(
                table.c.request_key,
                table.c.request_sha256,
                table.c.status,
                table.c.content,
                table.c.begun_at,
            ).where(table.c.fleet_id == self._transaction.fleet_id, table.c.request_key.in_(part))
            for key, *known in self._transaction.reading.execute(chosen):
                found[key] = Answer(*known)
        return found

    def put(self, answers: Mapping[str, Answer]) -> None:
        """Note answers to requests that are done in this transaction, by key."""
        for part in in_parts(list(answers)):
            self._transaction.writing.execute(
                delete(request_answers).where(
                    request_answers.c.fleet_id == self._transaction.fleet_id,
                    request_answers.c.request_key.in_(part),
                )
            )
        rows = [
            {"fleet_id": self._transaction.fleet_id, "request_key": key, **vars(answer)}
            for key, answer in answers.items()
        ]
        self._transaction.writing.execute(insert(request_answers), rows)

    def begin(self, request_key: str, request_sha256: str, at: datetime) -> None:
        """Note that a request came, in place of what was known of one with its key."""
        self.forget(request_key)
        self._transaction.writing.execute(
            insert(request_answers).values(
                fleet_id=self._transaction.fleet_id,
                request_key=request_key,
                request_sha256=request_sha256,
                begun_at=at,
            )
        )

    def answer(self, request_key: str, status: int, content: str) -> None:
        """Note what was answered."""
        table = request_answers
        changed = table.update().where(*self._mine(request_key))
        self._transaction.writing.execute(changed.values(status=status, content=content))

    def forget(self, request_key: str) -> None:
        """Let a request be as if it never came."""
        self._transaction.writing.execute(delete(request_answers).where(*self._mine(request_key)))

    def forget_naming(self, text: str) -> None:
        """Let go of answers that hold a text."""
        table = request_answers
        mine = table.c.fleet_id == self._transaction.fleet_id
        named = table.c.content.contains(json.dumps(text)[1:-1], autoescape=True)
        as_is = table.c.content.contains(text, autoescape=True)
        self._transaction.writing.execute(delete(table).where(mine, named | as_is))

    def forget_before(self, at: datetime) -> None:
        """Let go of what is older."""
        table = request_answers
        mine = table.c.fleet_id == self._transaction.fleet_id
        self._transaction.writing.execute(delete(table).where(mine, table.c.begun_at < at))

    def _mine(self, request_key: str) -> tuple[Any, Any]:
        table = request_answers
        return table.c.fleet_id == self._transaction.fleet_id, table.c.request_key == request_key


class AuditTrail:
    """Who read or changed what; it only grows."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, event: AuditEvent) -> None:
        """Put an event on record; its number is given here."""
        self.add_all([event])

    def add_all(self, events: Sequence[AuditEvent]) -> None:
        """Put events on record, in order; their numbers are given here."""
        self.add_after(self._transaction.next_sequence(audit_events) - 1, events)

    def add_after(self, newest: RowNumber, events: Sequence[AuditEvent]) -> None:
        """Put events on record after the newest, whose number is known, in order."""
        rows = [
            vars(event) | {"fleet_id": self._transaction.fleet_id, "sequence": sequence}
            for sequence, event in enumerate(events, start=newest + 1)
        ]
        self._transaction.writing.execute(_ADD_EVENTS, rows)

    def of_holder(self, key_id: str) -> Iterator[AuditEvent]:
        """Everything that was done with a key or by a user, oldest first."""
        table = audit_events
        mine = table.c.fleet_id == self._transaction.fleet_id
        chosen = select(*_EVENT_COLUMNS).where(mine, table.c.key_id == key_id)
        ordered = chosen.order_by(table.c.sequence)
        for row in self._transaction.reading.execute(ordered).mappings():
            yield AuditEvent(**row)

    def before(self, sequence: int | None, *, limit_count: int) -> Iterator[AuditEvent]:
        """The newest events below a number, newest first."""
        table = audit_events
        chosen = select(*_EVENT_COLUMNS).where(table.c.fleet_id == self._transaction.fleet_id)
        if sequence is not None:
            chosen = chosen.where(table.c.sequence < sequence)
        ordered = chosen.order_by(table.c.sequence.desc()).limit(limit_count)
        for row in self._transaction.reading.execute(ordered).mappings():
            yield AuditEvent(**row)
