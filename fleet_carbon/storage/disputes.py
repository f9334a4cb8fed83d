"""What drivers dispute of a month, and what they were answered: both only grow.

The texts are sealed with the key of the driver, as names are: who is erased said nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Table, Text, insert, select

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.persons import Persons
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

disputes = Table(
    "disputes",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("driver_id", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("leg_started_at", Moment),
    Column("text", Text, nullable=False),
    Column("raised_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
    Index("disputes_by_driver", "fleet_id", "driver_id", "month"),
)

dispute_answers = Table(
    "dispute_answers",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("dispute", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("answered_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id", "dispute"], ["disputes.fleet_id", "disputes.sequence"]),
    Index("dispute_answers_by_dispute", "fleet_id", "dispute"),
)
for _table in (disputes, dispute_answers):
    only_grows(_table)

_SAID = "dispute"
_NOT_TOLD = ("fleet_id", "sequence")


@dataclass(frozen=True)
class Dispute:
    """What a driver says is wrong with a month.

    Attributes
    ----------
    number : int
        Its place among those of the fleet, from 1.
    driver_id, month : str
        Whose, and of when.
    order_id : str
        The order it is about; empty if it is about a leg or the whole month.
    leg_started_at : datetime or None
        Start of the leg it is about.
    text : str
        What the driver says; empty if the driver was erased.
    raised_at : datetime
        When.
    """

    number: int
    driver_id: str
    month: str
    order_id: str
    leg_started_at: datetime | None
    text: str
    raised_at: datetime


@dataclass(frozen=True)
class DisputeAnswer:
    """What a dispute was answered; a later answer counts before an earlier one.

    Attributes
    ----------
    dispute : int
        Number of the dispute.
    outcome : str
        accepted, declined or noted.
    text, answered_by : str
        What was answered, and by whom; no text if the driver was erased.
    answered_at : datetime
        When.
    """

    dispute: int
    outcome: str
    text: str
    answered_by: str
    answered_at: datetime


class Disputes:
    """The disputes of a fleet and their answers."""

    def __init__(self, transaction: Transaction, persons: Persons) -> None:
        self._transaction = transaction
        self._persons = persons

    def next_number(self) -> int:
        """The number that the next dispute gets."""
        return self._transaction.next_sequence(disputes)

    def add(self, dispute: Dispute) -> None:
        """Put a dispute on record.

        Raises
        ------
        InputRefused
            If the driver was erased.
        """
        row = {column.name: getattr(dispute, column.name, None) for column in disputes.c}
        row |= {"fleet_id": self._transaction.fleet_id, "sequence": dispute.number}
        row["text"] = self._persons.sealed_text(dispute.driver_id, _SAID, dispute.text)
        self._transaction.writing.execute(insert(disputes).values(row))

    def answer(self, dispute: Dispute, answer: DisputeAnswer) -> None:
        """Put an answer to a dispute on record; those before stay.

        Raises
        ------
        InputRefused
            If the driver was erased.
        """
        row = {column.name: getattr(answer, column.name, None) for column in dispute_answers.c}
        row |= {
            "fleet_id": self._transaction.fleet_id,
            "sequence": self._transaction.next_sequence(dispute_answers),
            "text": self._persons.sealed_text(dispute.driver_id, _SAID, answer.text),
        }
        self._transaction.writing.execute(insert(dispute_answers).values(row))

    def raised(self, *, driver_id: str | None = None, month: str | None = None) -> list[Dispute]:
        """Disputes in the order in which they were raised, of a driver or month if one is given."""
        chosen = select(disputes).where(disputes.c.fleet_id == self._transaction.fleet_id)
        if driver_id is not None:
            chosen = chosen.where(disputes.c.driver_id == driver_id)
        if month is not None:
            chosen = chosen.where(disputes.c.month == month)
        ordered = chosen.order_by(disputes.c.sequence)
        rows = self._transaction.reading.execute(ordered).mappings().all()
        texts = self._persons.opened_texts(_SAID, [(row["driver_id"], row["text"]) for row in rows])
        named = [one.name for one in disputes.c if one.name not in _NOT_TOLD]
        return [
            Dispute(number=row["sequence"], **{name: row[name] for name in named} | {"text": said})
            for row, said in zip(rows, texts, strict=True)
        ]

    def answers(self, *, driver_id: str | None = None) -> list[DisputeAnswer]:
        """Every answer in its order, to disputes of a driver if one is given: the newest counts."""
        table = dispute_answers
        named = [column for column in table.c if column.name not in _NOT_TOLD]
        is_its = (disputes.c.fleet_id == table.c.fleet_id) & (
            disputes.c.sequence == table.c.dispute
        )
        chosen = (
            select(*named, disputes.c.driver_id)
            .join_from(table, disputes, is_its)
            .where(
                table.c.fleet_id == self._transaction.fleet_id,
                disputes.c.fleet_id == self._transaction.fleet_id,
            )
        )
        if driver_id is not None:
            chosen = chosen.where(disputes.c.driver_id == driver_id)
        ordered = chosen.order_by(table.c.sequence)
        rows = self._transaction.reading.execute(ordered).mappings().all()
        texts = self._persons.opened_texts(_SAID, [(row["driver_id"], row["text"]) for row in rows])
        return [
            DisputeAnswer(**{one.name: row[one.name] for one in named} | {"text": said})
            for row, said in zip(rows, texts, strict=True)
        ]
