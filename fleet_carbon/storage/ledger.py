"""The ledger on record: entries in their chain, posted act by act, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.audit import find_problems
from fleet_carbon.ledger.balances import Standing
from fleet_carbon.ledger.checker import Checkpoint
from fleet_carbon.ledger.entries import (
    CARBON,
    ChainHead,
    Entry,
    entry_id,
    figure_parts,
    is_same_posting,
    json_text,
    moment_text,
    seal_entries,
)
from fleet_carbon.ledger.obligations import Obligation
from fleet_carbon.ledger.serials import Block, SerialRange
from fleet_carbon.periods import from_epoch_ms, to_epoch_ms
from fleet_carbon.storage.bulk import grown, insert_rows
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.holdings import Holdings
from fleet_carbon.storage.ledger_tables import ledger_entries, prefixed

_COLUMNS = tuple(column.name for column in ledger_entries.columns)
_FIELDS = tuple(Entry.__dataclass_fields__)
_EVIDENCE = _FIELDS.index("evidence")
_ROWS_TOGETHER = 10_000
_PARTIES = (accounts.HELD_BY_FLEET, accounts.HELD_BY_PLATFORM, accounts.BUFFER)


@dataclass(frozen=True)
class Appended:
    """What became of an act that was sent.

    Attributes
    ----------
    entries_count : int
        Entries recorded now; 0 if the act was on record already, or was empty.
    head : ChainHead
        The newest place of the chain afterwards.
    """

    entries_count: int
    head: ChainHead


class LedgerRecords:
    """The entries of a fleet's ledger, and what is derived from them.

    Attributes
    ----------
    holdings : Holdings
        Who holds which serials, and where every gram is.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.holdings = Holdings(transaction)

    def append(self, entries: Iterable[Entry]) -> Appended:
        """Seal the entries of one act to the end of the chain, all of them or none.

        An act whose `transaction_id` is on record with the same content is skipped, so that it
        may be sent again after a failure. The entries are taken one by one as they are written:
        they must not be made by reading this ledger.

        Parameters
        ----------
        entries : iterable of Entry
            Of one `transaction_id`, numbered from 1; their serials move at most once.

        Raises
        ------
        LedgerBroken
            If the act is on record with other content, or moves serials that the giving account
            does not hold. The unit of work must end with the error then.
        """
        remaining = iter(entries)
        first = next(remaining, None)
        head = self.head()
        if first is None:
            return Appended(0, head)
        act = chain((first,), remaining)
        if self.sequence_of(first.transaction_id) is not None:
            self._refuse_other(first.transaction_id, act)
            return Appended(0, head)
        written = _Written(head, self._transaction.fleet_id, first.transaction_id)
        connection = self._transaction.writing
        count = insert_rows(connection, ledger_entries, written.rows(act), columns=_COLUMNS)
        grown(connection, ledger_entries, count)
        self.holdings.follow(head.sequence)
        return Appended(written.head.sequence - head.sequence, written.head)

    def head(self) -> ChainHead:
        """The newest place of the chain."""
        table = ledger_entries
        chosen = self._of_fleet(table.c.sequence, table.c.entry_hash)
        newest = self._transaction.reading.execute(
            chosen.order_by(table.c.sequence.desc()).limit(1)
        ).first()
        return ChainHead() if newest is None else ChainHead(*newest)

    def sequence_of(self, transaction_id: str) -> int | None:
        """Place of the first entry of an act; None if the act is not on record."""
        table = ledger_entries
        chosen = self._of_fleet(table.c.sequence).where(
            table.c.entry_id == entry_id(transaction_id, 1)
        )
        found = self._transaction.reading.scalar(chosen)
        return None if found is None else int(found)

    def act(self, transaction_id: str) -> Iterator[Entry]:
        """The entries of an act in their order; none if it is not on record."""
        begin = self.sequence_of(transaction_id)
        if begin is not None:
            for entry in self.entries(after=begin - 1):
                if entry.transaction_id != transaction_id:
                    return
                yield entry

    def given(self, transaction_id: str, book: str) -> dict[str, int]:
        """How much each account gave by an act, in a book; by name. [g or minor units]"""
        table = ledger_entries
        account, amount = table.c.credit_account, cast(func.sum(table.c.amount), BigInteger)
        chosen = self._of_fleet(account, amount).where(
            # The beginning of the names finds them by an index.
            prefixed(table.c.entry_id, f"{transaction_id}/"),
            table.c.transaction_id == transaction_id,
            table.c.book == book,
        )
        rows = self._transaction.reading.execute(chosen.group_by(account).order_by(account))
        return {name: int(given) for name, given in rows}

    def entries(
        self,
        month: str | None = None,
        *,
        account: str | None = None,
        below: str | None = None,
        figure: str | None = None,
        moving: tuple[Block, SerialRange] | None = None,
        after: int = 0,
    ) -> Iterator[Entry]:
        """The entries in their order, a few at a time.

        Parameters
        ----------
        month : str, optional
            Only of this vintage or period.
        account : str, optional
            Only those that this account gave or received by.
        below : str, optional
            Only those that an account whose name begins so gave or received by.
        figure : str, optional
            Only those that make up or correct this figure.
        moving : tuple of (Block, SerialRange), optional
            Only those that moved any of these serials; no index helps to find them.
        after : int
            Sequence after which to begin.
        """
        table = ledger_entries
        chosen = self._of_fleet(*(table.c[name] for name in _FIELDS)).where(
            table.c.sequence > after
        )
        if month is not None:
            chosen = chosen.where(table.c.month == month)
        if account is not None:
            chosen = chosen.where(_touches(account))
        if below is not None:
            chosen = chosen.where(table.c.sequence.in_(self._places_below(below)))
        if figure is not None:
            chosen = chosen.where(table.c.figure == figure, table.c.figure != "")
        if moving is not None:
            chosen = chosen.where(*_moves_any(*moving))
        return map(_entry_of, self._rows(chosen.order_by(table.c.sequence)))

    def records(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """The entries as they stand in the table, unchecked, JSON-ready: what an audit reads.

        A moment or evidence that is not written as it must be comes as what it is.
        """
        table = ledger_entries
        fields = (
            type_coerce(table.c[name], BigInteger).label(name)
            if name == "recorded_at"
            else table.c[name]
            for name in _FIELDS
        )
        chosen = self._of_fleet(*fields)
        chosen = chosen.where(table.c.sequence > after).order_by(table.c.sequence)
        for row in self._rows(chosen):
            record = dict(zip(_FIELDS, row, strict=True))
            record["recorded_at"] = _moment_of(record["recorded_at"])
            record["evidence"] = _evidence_of(record["evidence"])
            yield record

    def hashes(self, begin_index: int, end_index: int) -> Iterator[str]:
        """Hashes of the entries at the places `[begin_index, end_index)`, counted from 0."""
        table = ledger_entries
        chosen = self._of_fleet(table.c.entry_hash).where(
            table.c.sequence > begin_index, table.c.sequence <= end_index
        )
        for (entry_hash,) in self._rows(chosen.order_by(table.c.sequence)):
            yield entry_hash

    def count(self) -> int:
        """How many entries there are."""
        chosen = self._of_fleet(func.count())
        return int(self._transaction.reading.scalar(chosen) or 0)

    def standings(
        self, month: str, *, figure: str | None = None
    ) -> dict[tuple[str, str], Standing]:
        """What the ledger says of a month's figures, or of one, by driver and truck."""
        table = ledger_entries
        debit, credit, amount = table.c.debit_account, table.c.credit_account, table.c.amount

        def net(takes: ColumnElement[bool], gives: ColumnElement[bool]) -> ColumnElement[Any]:
            return cast(func.sum(case((takes, amount), (gives, -amount), else_=0)), BigInteger)

        chosen = self._of_fleet(
            table.c.figure,
            net(
                prefixed(debit, accounts.HELD_BY_DRIVERS),
                prefixed(credit, accounts.HELD_BY_DRIVERS),
            ),
            *(net(debit == account, credit == account) for account in _PARTIES),
            net(credit == accounts.OWED_BY_OPERATOR, debit == accounts.OWED_BY_OPERATOR),
        ).where(prefixed(table.c.figure, f"{month}/"), table.c.figure != "")
        if figure is not None:
            chosen = chosen.where(table.c.figure == figure)
        rows = self._transaction.reading.execute(chosen.group_by(table.c.figure))
        return {figure_parts(figure)[1:]: Standing(*parts) for figure, *parts in rows}

    def obligations(self) -> list[Obligation]:
        """What the operator owes, by figure and edition under which it fell; the oldest first."""
        table, operator = ledger_entries, accounts.OWED_BY_OPERATOR
        gives = table.c.credit_account == operator
        owed = cast(func.sum(case((gives, table.c.amount), else_=-table.c.amount)), BigInteger)
        chosen = self._of_fleet(table.c.figure, func.max(table.c.edition), owed).where(
            table.c.sequence.in_(self._places_below(operator))
        )
        chosen = chosen.group_by(table.c.figure).having(owed > 0).order_by(table.c.figure)
        rows = self._transaction.reading.execute(chosen)
        return [Obligation(figure, edition, int(owed_g)) for figure, edition, owed_g in rows]

    def posted_g(self, month: str) -> dict[tuple[str, str], int]:
        """What the ledger says for a month, by driver and truck. [g]"""
        return {pair: standing.figure_g for pair, standing in self.standings(month).items()}

    def balances(
        self,
        *,
        until_month: str | None = None,
        known_at: datetime | None = None,
        prefix: str | None = None,
    ) -> dict[tuple[str, str, str], int]:
        """Balance of every account: debits minus credits.

        Parameters
        ----------
        until_month : str, optional
            As of a month: of this vintage or period and those before it.
        known_at : datetime, optional
            As known at a moment: only what was recorded until then.
        prefix : str, optional
            Only accounts whose names begin so.

        Returns
        -------
        balances : dict of (book, unit, account) to int
            In this order; over all accounts of a book and unit they add up to 0. [g or minor
            units]
        """
        table = ledger_entries
        sides = (
            (table.c.debit_account, table.c.amount),
            (table.c.credit_account, -table.c.amount),
        )
        chosen = []
        for account, amount in sides:
            side = self._of_fleet(
                table.c.book, table.c.unit, account.label("account"), amount.label("amount")
            )
            if until_month is not None:
                side = side.where(table.c.month <= until_month)
            if known_at is not None:
                side = side.where(table.c.recorded_at <= known_at)
            if prefix is not None:
                side = side.where(prefixed(account, prefix))
                if not accounts.ISSUED.startswith(prefix):
                    side = side.where(account != accounts.ISSUED)  # the condition of an index
            chosen.append(side)
        both = union_all(*chosen).subquery()
        kinds = (both.c.book, both.c.unit, both.c.account)
        totals = select(*kinds, cast(func.sum(both.c.amount), BigInteger)).group_by(*kinds)
        rows = self._transaction.reading.execute(totals.order_by(*kinds))
        return {(book, unit, account): int(amount) for book, unit, account, amount in rows}

    def verify(
        self, *, checkpoints: Iterable[Checkpoint] = (), tiles: Iterable[str] = ()
    ) -> Iterator[str]:
        """Name everything in which chain, what was signed of it, holdings and sums do not hold.

        Holdings are held against the entries only if these hold by themselves.
        """
        holds = True
        for problem in find_problems(self.records(), checkpoints=checkpoints, tiles=tiles):
            holds = False
            yield problem
        if holds:
            yield from self.holdings.verify()

    def _refuse_other(self, transaction_id: str, act: Iterable[Entry]) -> None:
        for draft, recorded in zip_longest(act, self.act(transaction_id)):
            if draft is None or recorded is None or not is_same_posting(draft, recorded):
                raise LedgerBroken(
                    "transaction_id_taken",
                    f"The act {transaction_id!r} is on record with other content.",
                    "Nothing was posted. Another act needs an identifier of its own.",
                )

    def _of_fleet(self, *columns: ColumnElement[Any]) -> Select[Any]:
        fleet_id = self._transaction.fleet_id
        return select(*columns).where(ledger_entries.c.fleet_id == fleet_id)

    def _places_below(self, prefix: str) -> CompoundSelect[Any]:
        """Places of the entries that an account whose name begins so gave or received by."""
        table = ledger_entries
        gives = and_(
            prefixed(table.c.credit_account, prefix),
            table.c.credit_account != literal_column(f"'{accounts.ISSUED}'"),
        )
        # One look into an index for each side: SQLite does not do so for an OR that is ordered.
        sides = (prefixed(table.c.debit_account, prefix), gives)
        return union_all(*(self._of_fleet(table.c.sequence).where(side) for side in sides))

    def _rows(self, chosen: Select[Any]) -> Iterator[Row[Any]]:
        """Rows a few at a time."""
        options = {"yield_per": _ROWS_TOGETHER}
        return iter(self._transaction.reading.execute(chosen, execution_options=options))


class _Written:
    """The rows of an act, made one by one; knows where the chain ends after them."""

    def __init__(self, head: ChainHead, fleet_id: str, transaction_id: str) -> None:
        self.head = head
        self._fleet_id = fleet_id
        self._transaction_id = transaction_id

    def rows(self, act: Iterable[Entry]) -> Iterator[tuple[Any, ...]]:
        begin = self.head.sequence
        for entry in seal_entries(act, after=self.head):
            if entry.entry_id != entry_id(self._transaction_id, entry.sequence - begin):
                raise LedgerBroken(
                    "act_malformed",
                    f"Entry {entry.entry_id!r} is not number {entry.sequence - begin} of the act "
                    f"{self._transaction_id!r}.",
                    "Nothing was posted. This is a fault of the posting step.",
                )
            self.head = ChainHead(entry.sequence, entry.entry_hash)
            yield _row_of(self._fleet_id, entry)


def _row_of(fleet_id: str, entry: Entry) -> tuple[Any, ...]:
    """The entry as the table keeps it, in the order of its columns."""
    return (
        fleet_id,
        entry.sequence,
        entry.entry_id,
        entry.transaction_id,
        entry.book,
        entry.unit,
        entry.month,
        entry.edition,
        entry.debit_account,
        entry.credit_account,
        entry.amount,
        entry.serial_from,
        entry.serial_until,
        entry.reason_code,
        to_epoch_ms(entry.recorded_at),
        entry.note,
        entry.figure,
        entry.previous_figure_g,
        json_text(entry.evidence),
        entry.previous_hash,
        entry.entry_hash,
    )


def _entry_of(row: Row[Any]) -> Entry:
    fields = list(row)
    fields[_EVIDENCE] = json.loads(fields[_EVIDENCE])
    return Entry(*fields)


@lru_cache(maxsize=64, typed=True)
def _moment_of(epoch_ms: Any) -> Any:
    """The moment as text; what is none as it stands."""
    try:
        return moment_text(from_epoch_ms(epoch_ms))
    except (OverflowError, ValueError, TypeError):
        return epoch_ms


@lru_cache(maxsize=64)
def _evidence_of(text: str) -> dict[str, str] | str:
    try:
        evidence = json.loads(text)
    except (ValueError, TypeError):
        return text
    # Other bytes may mean the same; they are not what was recorded.
    return evidence if type(evidence) is dict and json_text(evidence) == text else text


def _moves_any(block: Block, serials: SerialRange) -> tuple[ColumnElement[bool], ...]:
    table = ledger_entries
    return (
        table.c.book == CARBON,
        table.c.month == block.month,
        table.c.edition == block.edition,
        table.c.serial_from < serials.serial_until,
        table.c.serial_until > serials.serial_from,
    )


def _touches(account: str) -> ColumnElement[bool]:
    table = ledger_entries
    if account == accounts.ISSUED:
        return table.c.credit_account == account
    # The second condition is that of the index.
    gives = and_(table.c.credit_account == account, table.c.credit_account != accounts.ISSUED)
    return or_(table.c.debit_account == account, gives)
