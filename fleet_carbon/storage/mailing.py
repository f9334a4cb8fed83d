"""Who gets reports and statements by mail, and every step of every sending: it only grows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    insert,
    select,
)

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import METADATA, Moment, fleet_column, only_grows, sequence_column

mail_recipients = Table(
    "mail_recipients",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("address", Text, nullable=False),
    Column("language", Text, nullable=False),
    # Suffixes of the files attached, separated by semicolons.
    Column("forms", Text, nullable=False),
    # Null: as soon as the month is closed.
    Column("day_index", Integer),
    Column("recorded_at", Moment, nullable=False),
    # Whose statement is sent, to the address that is known then; empty: the report of the fleet.
    Column("driver_id", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

mail_recipient_ends = Table(
    "mail_recipient_ends",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("recipient", BigInteger, nullable=False),
    Column("ended_at", Moment, nullable=False),
    ForeignKeyConstraint(
        ["fleet_id", "recipient"], ["mail_recipients.fleet_id", "mail_recipients.sequence"]
    ),
)

mail_sendings = Table(
    "mail_sendings",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("month", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Which attempt it is, from 1.
    Column("attempts_count", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("noted_at", Moment, nullable=False),
    Column("driver_id", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
    Index("mail_sendings_by_month", "fleet_id", "month", "address"),
)

for _table in (mail_recipients, mail_recipient_ends, mail_sendings):
    only_grows(_table)


@dataclass(frozen=True)
class Recipient:
    """Who gets the report or the own statement of a month.

    Attributes
    ----------
    number : int
        Its place among those of the fleet, from 1.
    address, language : str
        Where to, and in which language; no address for a driver's statement.
    forms : tuple of str
        Suffixes of the files attached.
    day_index : int or None
        Of the month after; None as soon as the month is closed.
    recorded_at : datetime
        Since when.
    driver_id : str
        Whose statement it is; empty for the report of the fleet.
    """

    number: int
    address: str
    language: str
    forms: tuple[str, ...]
    day_index: int | None
    recorded_at: datetime
    driver_id: str = ""


@dataclass(frozen=True)
class SendingStep:
    """What became of a sending so far: the newest step of a month, address and driver counts.

    Attributes
    ----------
    month, address : str
        What, and where to.
    state : str
        begun, sent, refused, failed, given_up or nothing.
    attempts_count : int
        From 1.
    text : str
        What the server said.
    noted_at : datetime
        When.
    driver_id : str
        Whose statement it is; empty for the report of the fleet.
    """

    month: str
    address: str
    state: str
    attempts_count: int
    text: str
    noted_at: datetime
    driver_id: str = ""


class Mailing:
    """Recipients and sendings of a fleet."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add_recipient(self, recipient: Recipient) -> None:
        """Put a recipient on record; its number is given by `next_number`."""
        self._transaction.writing.execute(
            insert(mail_recipients).values(
                fleet_id=self._transaction.fleet_id,
                sequence=recipient.number,
                address=recipient.address,
                language=recipient.language,
                forms=";".join(recipient.forms),
                day_index=recipient.day_index,
                recorded_at=recipient.recorded_at,
                driver_id=recipient.driver_id,
            )
        )

    def next_number(self) -> int:
        """The number that the next recipient gets."""
        return self._transaction.next_sequence(mail_recipients)

    def end_recipient(self, number: int, at: datetime) -> None:
        """Put on record that a recipient gets nothing more."""
        self._transaction.writing.execute(
            insert(mail_recipient_ends).values(
                fleet_id=self._transaction.fleet_id,
                sequence=self._transaction.next_sequence(mail_recipient_ends),
                recipient=number,
                ended_at=at,
            )
        )

    def recipients(self) -> list[Recipient]:
        """Who gets reports now, in the order of their numbers."""
        fleet_id, read = self._transaction.fleet_id, self._transaction.reading
        ends = select(mail_recipient_ends.c.recipient).where(
            mail_recipient_ends.c.fleet_id == fleet_id
        )
        ended = set(read.scalars(ends))
        rows = mail_recipients.c
        chosen = (
            select(
                rows.sequence,
                rows.address,
                rows.language,
                rows.forms,
                rows.day_index,
                rows.recorded_at,
                rows.driver_id,
            )
            .where(rows.fleet_id == fleet_id)
            .order_by(rows.sequence)
        )
        return [
            Recipient(number, address, language, tuple(forms.split(";")), *others)
            for number, address, language, forms, *others in read.execute(chosen)
            if number not in ended
        ]

    def wishes(self, driver_id: str) -> list[tuple[Recipient, datetime | None]]:
        """When a driver wished for statements, and until when; those that ended, too."""
        rows, ends = mail_recipients.c, mail_recipient_ends.c
        is_its = (ends.fleet_id == rows.fleet_id) & (ends.recipient == rows.sequence)
        chosen = (
            select(rows.sequence, rows.language, rows.recorded_at, ends.ended_at)
            .join_from(mail_recipients, mail_recipient_ends, is_its, isouter=True)
            .where(rows.fleet_id == self._transaction.fleet_id, rows.driver_id == driver_id)
            .order_by(rows.sequence)
        )
        return [
            (Recipient(number, "", language, (), None, recorded_at, driver_id), ended_at)
            for number, language, recorded_at, ended_at in self._transaction.reading.execute(chosen)
        ]

    def note(self, step: SendingStep) -> None:
        """Put a step of a sending on record."""
        self._transaction.writing.execute(
            insert(mail_sendings).values(
                fleet_id=self._transaction.fleet_id,
                sequence=self._transaction.next_sequence(mail_sendings),
                **vars(step),
            )
        )

    def steps(self, month: str | None = None, *, driver_id: str | None = None) -> list[SendingStep]:
        """Every step of every sending in its order, of one month or driver if it is given."""
        rows = mail_sendings.c
        names = [one.name for one in fields(SendingStep)]
        chosen = select(*(rows[name] for name in names)).where(
            rows.fleet_id == self._transaction.fleet_id
        )
        if month is not None:
            chosen = chosen.where(rows.month == month)
        if driver_id is not None:
            chosen = chosen.where(rows.driver_id == driver_id)
        found = self._transaction.reading.execute(chosen.order_by(rows.sequence))
        return [SendingStep(*row) for row in found]
