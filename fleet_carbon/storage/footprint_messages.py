"""What other hosts said of footprints by events, and what was asked of them: it only grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
)

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

footprint_messages = Table(
    "footprint_messages",
    METADATA,
    fleet_column(),
    sequence_column(),
    # Of key, event and footprint: an event that is sent again is on record once.
    Column("message_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    # By whose key it came; empty of what was asked here.
    Column("key_id", Text, nullable=False),
    # The event of the request; empty of what came unasked.
    Column("request_id", Text, nullable=False),
    Column("footprint_id", Text, nullable=False),
    Column("noted_at", Moment, nullable=False),
    Column("content", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
    UniqueConstraint("fleet_id", "message_id"),
    Index("footprint_messages_by_request", "fleet_id", "request_id"),
)
only_grows(footprint_messages)


@dataclass(frozen=True)
class FootprintMessage:
    """One footprint that another host sent or named, a refusal, or a request of ours.

    Attributes
    ----------
    message_id : str
        The same if it is sent again.
    kind : str
        asked, answered, refused or published.
    host, key_id : str
        Where it came from as it says, or went to; and by whose key it came.
    request_id : str
        The event that asked for it; empty if nobody did.
    footprint_id : str
        Of the footprint; empty of requests and refusals.
    noted_at : datetime
        When, aware.
    content : str
        The footprint, the reason or what was asked for, as JSON; empty if only its name was told.
    """

    message_id: str
    kind: str
    host: str
    key_id: str
    request_id: str
    footprint_id: str
    noted_at: datetime
    content: str


class FootprintMessages:
    """The messages of a fleet."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, rows: Sequence[FootprintMessage]) -> int:
        """Put messages on record, those that are there already left out; says how many are new."""
        table = footprint_messages.c
        known = select(table.message_id).where(
            table.fleet_id == self._transaction.fleet_id,
            table.message_id.in_([row.message_id for row in rows]),
        )
        seen = set(self._transaction.reading.execute(known).scalars())
        fresh = list({row.message_id: row for row in rows if row.message_id not in seen}.values())
        if not fresh:
            return 0
        own = {"fleet_id": self._transaction.fleet_id}
        first = self._transaction.next_sequence(footprint_messages)
        values = [
            {**own, "sequence": number, **asdict(row)} for number, row in enumerate(fresh, first)
        ]
        self._transaction.writing.execute(insert(footprint_messages), values)
        return len(values)

    def page(
        self, *, after: int, limit_rows: int, request_id: str = ""
    ) -> list[tuple[int, FootprintMessage]]:
        """Messages after a place in their order, each with its own; of one request if asked for."""
        table = footprint_messages
        told = [column for column in table.c if column.name not in ("fleet_id", "sequence")]
        chosen = select(table.c.sequence, *told).where(
            table.c.fleet_id == self._transaction.fleet_id, table.c.sequence > after
        )
        if request_id:
            chosen = chosen.where(table.c.request_id == request_id)
        ordered = chosen.order_by(table.c.sequence).limit(limit_rows)
        return [
            (row["sequence"], FootprintMessage(**{one.name: row[one.name] for one in told}))
            for row in self._transaction.reading.execute(ordered).mappings()
        ]
