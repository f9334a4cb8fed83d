"""Claims on record: who claims which truck when; letters, peers, orders that are claimed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any

import pandas as pd
from sqlalchemy import Select, and_, case, func, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.claims import (
    RELEASED,
    ROAD_FREIGHT,
    STANDING,
    SUPERSEDED,
    Claim,
    Interval,
)
from fleet_carbon.ledger.entries import figure_name
from fleet_carbon.storage.bulk import grown, insert_rows
from fleet_carbon.storage.claim_tables import (
    ACCEPTED,
    OVERLAP,
    SENT,
    claim_letters,
    claim_peers,
    claim_subjects,
    claimed_orders,
    claims,
)
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.ledger_tables import ledger_entries, prefixed

__all__ = ["ACCEPTED", "SENT", "Claims", "Letter", "Peer"]

_TOGETHER = 5_000
_COLUMNS = (
    "fleet_id", "sequence", "subject", "from_s", "until_s", "figure", "run_id", "state", "ended_by",
)  # fmt: skip
_CARRIED = ("sequence", *_COLUMNS[3:])
_rest_of = itemgetter(*_COLUMNS[3:])
_LOCK = "claims"
_OF_CLAIM = (
    claims.c.from_s,
    claims.c.until_s,
    claims.c.fleet_id,
    claims.c.figure,
    claims.c.state,
    claims.c.ended_by,
)

_Key = tuple[int, int, int, str]
"""Subject, beginning, end, figure."""


@dataclass(frozen=True)
class Letter:
    """A release letter as it was sent or accepted."""

    letter_id: str
    transaction_id: str
    peer: str
    text: str
    recorded_at: datetime


@dataclass(frozen=True)
class Peer:
    """Another platform: our name for it, and the public key that signs for it, hexadecimal."""

    peer: str
    public_key: str
    recorded_at: datetime


class Claims:
    """The claims of a fleet, and what those of all fleets in the database are held against."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def record(self, month: str, run_id: str, wanted: pd.DataFrame) -> int:
        """Let these be the claims of a month that stand; what is on record stays on record.

        Parameters
        ----------
        month : str
            YYYY-MM.
        run_id : str
            The closing run.
        wanted : DataFrame
            `ledger.claims.COLUMNS`.

        Returns
        -------
        rows_count : int
            Claims that are new; those that are not wanted any more are superseded.

        Raises
        ------
        LedgerBroken
            If one overlaps a claim that stands. The unit of work must end with the error then.
        """
        self.hold()
        known, keys = self._standing_of(month), self._keys(month, wanted)
        gone = [sequence for key, sequence in known.items() if key not in keys]
        self._end(gone, SUPERSEDED, run_id)
        new = [key for key in keys if key not in known]
        begin = self._transaction.next_sequence(claims)
        fleet_id = self._transaction.fleet_id
        rows = (
            (fleet_id, sequence, *key, run_id, STANDING, None)
            for sequence, key in enumerate(new, start=begin)
        )
        self._insert(rows, month)
        grown(self._transaction.writing, claims, len(new))
        return len(new)

    def carried(self) -> Iterator[dict[str, Any]]:
        """Every claim ever recorded, JSON-ready, its truck by name: what an archive holds."""
        columns = [claims.c[name] for name in _CARRIED]
        chosen = (
            select(claim_subjects.c.identity, *columns)
            .join(claim_subjects, claim_subjects.c.subject == claims.c.subject)
            .where(claims.c.fleet_id == self._transaction.fleet_id)
        )
        for row in self._execute(chosen.order_by(claims.c.sequence)):
            yield dict(row._mapping)

    def restore(self, rows: Iterable[dict[str, Any]]) -> None:
        """Put the claims of an archive on record.

        Raises
        ------
        LedgerBroken
            If another fleet of this database claims a truck for the same time.
        """
        self.hold()
        fleet_id, remaining = self._transaction.fleet_id, iter(rows)
        while some := list(islice(remaining, _TOGETHER)):
            names = {row["identity"] for row in some}
            numbers = self._numbers(names)
            if missing := sorted(names - numbers.keys()):
                numbers |= self._numbered(missing)
            found = (
                (fleet_id, row["sequence"], numbers[row["identity"]], *_rest_of(row))
                for row in some
            )
            self._insert(found, "the archive")

    def _insert(self, rows: Iterable[tuple[Any, ...]], where: str) -> None:
        try:
            insert_rows(self._transaction.writing, claims, rows, columns=_COLUMNS)
        except DBAPIError as failure:
            if OVERLAP in str(failure.orig):
                raise LedgerBroken(
                    "claims_overlap",
                    f"A truck is claimed twice for the same time in {where}: {failure.orig}",
                    "Nothing was posted. Close the month again: what others claim earns nothing.",
                ) from failure
            raise

    def hold(self) -> None:
        """Let no other fleet record claims until this transaction ends."""
        self._transaction.hold(_LOCK)

    def of_others(self, identities: Iterable[str], begin_s: int, end_s: int) -> list[Claim]:
        """What trucks cannot be claimed for: claims of other fleets, and released ones.

        What was released by a letter that this fleet accepted is free for it.

        Parameters
        ----------
        identities : iterable of str
            The trucks.
        begin_s, end_s : int
            Only what lies in between, in part at least. [s since 1970 UTC]
        """
        fleet_id, letters = self._transaction.fleet_id, claim_letters
        accepted = select(letters.c.letter_id).where(
            letters.c.fleet_id == fleet_id, letters.c.direction == ACCEPTED
        )
        is_taken = or_(
            and_(claims.c.state == STANDING, claims.c.fleet_id != fleet_id),
            and_(claims.c.state == RELEASED, claims.c.ended_by.not_in(accepted)),
        )
        names = {number: identity for identity, number in self._numbers(identities).items()}
        found: list[Claim] = []
        for some in _together(sorted(names)):
            chosen = select(claims.c.subject, *_OF_CLAIM).where(
                claims.c.subject.in_(some),
                claims.c.state.in_((STANDING, RELEASED)),
                claims.c.from_s < end_s,
                claims.c.until_s > begin_s,
                is_taken,
            )
            with self._transaction.across("claims"):
                found += self._read(chosen, names)
        return found

    def of_month(self, month: str, *, states: Sequence[str] = (STANDING,)) -> Iterator[Claim]:
        """The claims of the fleet for a month, by figure and time."""
        chosen = (
            select(claim_subjects.c.identity, *_OF_CLAIM)
            .join(claim_subjects, claim_subjects.c.subject == claims.c.subject)
            .where(
                claims.c.fleet_id == self._transaction.fleet_id,
                prefixed(claims.c.figure, f"{month}/"),
                claims.c.state.in_(states),
            )
        )
        return self._read(chosen.order_by(claims.c.figure, claims.c.from_s, claims.c.sequence))

    def release(self, figure: str, letter_id: str) -> int:
        """Let go of the claims of a figure; says how many there were."""
        self.hold()
        chosen = select(claims.c.sequence).where(
            claims.c.fleet_id == self._transaction.fleet_id,
            claims.c.figure == figure,
            claims.c.state == STANDING,
        )
        sequences = list(self._transaction.writing.scalars(chosen))
        self._end(sequences, RELEASED, letter_id)
        return len(sequences)

    def verify(self) -> Iterator[str]:
        """Name figures that are issued and claim nothing, or the reverse; claims of no truck."""
        fleet_id, entries = self._transaction.fleet_id, ledger_entries
        raises = entries.c.credit_account.in_((accounts.ISSUED, accounts.OWED_TO_BUFFER))
        effect_g = case((raises, entries.c.amount), else_=-entries.c.amount)
        issued = (
            select(entries.c.figure)
            .where(entries.c.fleet_id == fleet_id, entries.c.figure != "")
            .group_by(entries.c.figure)
            .having(func.sum(effect_g) > 0)
        )
        claimed = select(claims.c.figure).where(
            claims.c.fleet_id == fleet_id, claims.c.state == STANDING
        )
        for lacking, text in (
            (issued.except_(claimed), "is issued, and claims no interval of its truck"),
            (claimed.except_(issued), "claims intervals of its truck, and nothing is issued"),
        ):
            for figure in self._transaction.reading.scalars(lacking.order_by("figure")):
                yield f"Figure {figure} {text}."
        trucks = select(claim_subjects.c.subject)
        unknown = select(claims.c.sequence).where(
            claims.c.fleet_id == fleet_id, claims.c.subject.not_in(trucks)
        )
        for sequence in self._transaction.reading.scalars(unknown.order_by(claims.c.sequence)):
            yield f"Claim {sequence} is of a truck that is not on record."

    def add_letter(self, letter: Letter, *, direction: str) -> None:
        """Put a letter on record."""
        self._add(claim_letters, {**vars(letter), "direction": direction})

    def letters(self, direction: str) -> list[Letter]:
        """The letters that were sent, or accepted, in their order."""
        table = claim_letters
        names = list(Letter.__dataclass_fields__)
        chosen = select(*(table.c[name] for name in names)).where(
            table.c.fleet_id == self._transaction.fleet_id, table.c.direction == direction
        )
        rows = self._transaction.reading.execute(chosen.order_by(table.c.sequence)).mappings()
        return [Letter(**row) for row in rows]

    def add_peer(self, peer: Peer) -> None:
        """Put a peer, or its new key, on record."""
        self._add(claim_peers, vars(peer))

    def peers(self) -> dict[str, Peer]:
        """The peers by name, each with the key that counts."""
        table = claim_peers
        chosen = select(table.c.peer, table.c.public_key, table.c.recorded_at).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        rows = self._transaction.reading.execute(chosen.order_by(table.c.sequence)).mappings()
        return {row["peer"]: Peer(**row) for row in rows}

    def add_orders(self, order_ids: Iterable[str], transaction_id: str) -> None:
        """Let these orders be claimed by an act, once and for all."""
        fleet_id = self._transaction.fleet_id
        rows = [
            {"fleet_id": fleet_id, "order_id": one, "transaction_id": transaction_id}
            for one in order_ids
        ]
        if rows:
            self._transaction.writing.execute(insert(claimed_orders), rows)

    def orders(self, order_ids: Iterable[str]) -> dict[str, str]:
        """Those of the orders that are claimed, with the act that did."""
        found: dict[str, str] = {}
        for some in _together(sorted(order_ids)):
            chosen = select(claimed_orders.c.order_id, claimed_orders.c.transaction_id).where(
                claimed_orders.c.fleet_id == self._transaction.fleet_id,
                claimed_orders.c.order_id.in_(some),
            )
            found |= {row.order_id: row.transaction_id for row in self._execute(chosen)}
        return found

    def orders_of(self, transaction_id: str) -> list[str]:
        """The orders that an act claimed."""
        chosen = select(claimed_orders.c.order_id).where(
            claimed_orders.c.fleet_id == self._transaction.fleet_id,
            claimed_orders.c.transaction_id == transaction_id,
        )
        return list(self._transaction.reading.scalars(chosen.order_by(claimed_orders.c.order_id)))

    def _keys(self, month: str, wanted: pd.DataFrame) -> dict[_Key, None]:
        """The wanted claims as the table keeps them, in their order."""
        identities = wanted["identity"].tolist()
        numbers = self._numbers(identities)
        missing = sorted(set(identities) - numbers.keys())
        if missing:
            numbers |= self._numbered(missing)
        pairs = zip(wanted["driver_id"].tolist(), wanted["vehicle_id"].tolist(), strict=True)
        figures = [figure_name(month, *pair) for pair in pairs]
        subjects = [numbers[identity] for identity in identities]
        times = (wanted[name].tolist() for name in ("from_s", "until_s"))
        return dict.fromkeys(zip(subjects, *times, figures, strict=True))

    def _numbered(self, identities: Sequence[str]) -> dict[str, int]:
        """Numbers for trucks that have none yet; the lock on claims is held."""
        connection = self._transaction.writing
        newest = connection.scalar(select(func.max(claim_subjects.c.subject)))
        numbers = {name: at for at, name in enumerate(identities, start=int(newest or 0) + 1)}
        rows = ((number, name, ROAD_FREIGHT) for name, number in numbers.items())
        columns = ("subject", "identity", "activity")
        insert_rows(connection, claim_subjects, rows, columns=columns)
        grown(connection, claim_subjects, len(numbers))
        return numbers

    def _numbers(self, identities: Iterable[str]) -> dict[str, int]:
        """Numbers of those trucks that have one."""
        table = claim_subjects
        found: dict[str, int] = {}
        for some in _together(sorted(set(identities))):
            chosen = select(table.c.identity, table.c.subject).where(
                table.c.identity.in_(some), table.c.activity == ROAD_FREIGHT
            )
            found |= {row.identity: row.subject for row in self._execute(chosen)}
        return found

    def _standing_of(self, month: str) -> dict[_Key, int]:
        """Place of every claim of the month that stands."""
        chosen = select(
            claims.c.subject, claims.c.from_s, claims.c.until_s, claims.c.figure, claims.c.sequence
        ).where(
            claims.c.fleet_id == self._transaction.fleet_id,
            prefixed(claims.c.figure, f"{month}/"),
            claims.c.state == STANDING,
        )
        return {tuple(key): sequence for *key, sequence in self._execute(chosen)}

    def _end(self, sequences: Sequence[int], state: str, ended_by: str) -> None:
        for some in _together(sequences):
            self._transaction.writing.execute(
                update(claims)
                .where(claims.c.fleet_id == self._transaction.fleet_id)
                .where(claims.c.sequence.in_(some))
                .values(state=state, ended_by=ended_by)
            )

    def _add(self, table: Any, row: dict[str, Any]) -> None:
        named = {"fleet_id": self._transaction.fleet_id, **row}
        named["sequence"] = self._transaction.next_sequence(table)
        self._transaction.writing.execute(insert(table), named)

    def _execute(self, chosen: Select[Any]) -> Iterable[Any]:
        return self._transaction.reading.execute(chosen, execution_options={"yield_per": 10_000})

    def _read(self, chosen: Select[Any], names: dict[int, str] | None = None) -> Iterator[Claim]:
        for truck, from_s, until_s, *rest in self._execute(chosen):
            identity = truck if names is None else names[truck]
            yield Claim(Interval(identity, from_s, until_s), *rest)


def _together(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """So many at once as a statement takes."""
    return (values[at : at + _TOGETHER] for at in range(0, len(values), _TOGETHER))
