"""Who holds which serials, and where every gram is: derived from the entries at each post."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, case, func, select, update

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece, Sums, moved
from fleet_carbon.ledger.entries import CARBON
from fleet_carbon.ledger.serials import Block, SerialRange
from fleet_carbon.ledger.tracking import find_misplaced
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.following import Follower
from fleet_carbon.storage.ledger_tables import (
    ledger_blocks,
    ledger_entries,
    ledger_holdings,
    prefixed,
)

_ACCOUNTS_TOGETHER = 500
_ROWS_TOGETHER = 10_000
_FEW_ROWS = 100


class _Flow(NamedTuple):
    """An amount of a block from one class of accounts to another. [g]"""

    block: Block
    gives: str
    takes: str
    amount_g: int


def _deltas_of(flows: Iterable[_Flow]) -> dict[Block, Sums]:
    """What flows add to the sums of their blocks."""
    deltas: dict[Block, Sums] = {}
    for block, gives, takes, amount_g in flows:
        before = deltas.get(block, Sums())
        deltas[block] = before + moved(gives, takes, amount_g=amount_g)
    return deltas


class Holdings:
    """The pieces and sums of a fleet, kept with the entries in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def follow(self, after: int) -> None:
        """Do what the entries after a place of the chain say.

        Parameters
        ----------
        after : int
            Sequence of the newest entry that was followed already.

        Raises
        ------
        LedgerBroken
            If serials are not those that the giving account holds, or the sums of a block do
            not come out. The transaction must not be committed then.
        """
        flows = self._flows(after)
        if flows:
            connection, deltas = self._transaction.writing, _deltas_of(flows)
            follower = Follower(connection, self._transaction.fleet_id, after)
            follower.begin_blocks(sorted(deltas.keys() - self.sums().keys()))
            # What does not occur in the act is not looked for among its entries.
            if any(flow.gives == accounts.ISSUED for flow in flows):
                follower.issue()
            if any(flow.gives != accounts.ISSUED for flow in flows):
                follower.move()
            self._count(deltas)

    def sums(self) -> dict[Block, Sums]:
        """Where every gram is, by block, in the order in which the blocks were begun."""
        chosen = select(ledger_blocks).where(ledger_blocks.c.fleet_id == self._transaction.fleet_id)
        rows = self._transaction.reading.execute(chosen.order_by(ledger_blocks.c.block)).mappings()
        names = [part.name for part in fields(Sums)]
        return {
            Block(row["month"], row["edition"]): Sums(**{name: row[name] for name in names})
            for row in rows
        }

    def pieces(
        self, of: Iterable[str], *, month: str | None = None, until_month: str | None = None
    ) -> list[Piece]:
        """What accounts hold, in order of month, block and serial.

        Parameters
        ----------
        of : iterable of str
            The accounts.
        month, until_month : str, optional
            Of this vintage only; of this vintage and those before it.
        """
        wanted, blocks = sorted(set(of)), self._numbered(month, until_month)
        found: list[Row[Any]] = []
        for start in range(0, len(wanted), _ACCOUNTS_TOGETHER):
            together = wanted[start : start + _ACCOUNTS_TOGETHER]
            chosen = self._chosen(blocks).where(ledger_holdings.c.account.in_(together))
            found += self._transaction.reading.execute(chosen)
        order = {number: place for place, number in enumerate(blocks)}
        found.sort(key=lambda row: (order[row.block], row.serial_from))
        return [_piece_of(row, blocks) for row in found]

    def latest(
        self,
        account: str,
        amount_g: int,
        *,
        month: str | None = None,
        until_month: str | None = None,
    ) -> list[Piece]:
        """The newest serials that an account holds, at least an amount if it holds so much.

        Parameters
        ----------
        account : str
            Whose serials.
        amount_g : int
            How much is wanted; the oldest piece may go beyond it. [g]
        month, until_month : str, optional
            Of this vintage only; of this vintage and those before it.

        Returns
        -------
        pieces : list of Piece
            In order of month, block and serial: the newest is the last.
        """
        found: list[Piece] = []
        blocks = self._numbered(month, until_month)
        for number in reversed(blocks):
            chosen = self._chosen([number]).where(ledger_holdings.c.account == account)
            chosen = chosen.order_by(ledger_holdings.c.serial_from.desc())
            rows = self._streamed(chosen, together=_FEW_ROWS)
            while amount_g > 0 and (row := next(rows, None)) is not None:
                found.append(_piece_of(row, blocks))
                amount_g -= found[-1].serials.amount_g
        return found[::-1]

    def pieces_below(
        self, prefix: str, *, month: str | None = None, until_month: str | None = None
    ) -> Iterator[Piece]:
        """What all accounts whose names begin so hold, by name, block and serial.

        Parameters
        ----------
        prefix : str
            Beginning of the names, for example ``held:driver/``.
        month, until_month : str, optional
            Of this vintage only; of this vintage and those before it.
        """
        blocks = self._numbered(month, until_month)
        table = ledger_holdings
        chosen = self._chosen(blocks).where(prefixed(table.c.account, prefix))
        chosen = chosen.order_by(table.c.account, table.c.block, table.c.serial_from)
        return (_piece_of(row, blocks) for row in self._streamed(chosen))

    def within(self, block: Block, serials: SerialRange) -> Iterator[Piece]:
        """Who holds serials of a block: the pieces that have any of them, cut to them, in order."""
        table = ledger_holdings
        numbers = {one: number for number, one in self._numbered(block.month, None).items()}
        if block not in numbers:
            return
        number, (begin, until) = numbers[block], serials
        first = select(func.max(table.c.serial_from)).where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.block == number,
            table.c.serial_from <= begin,
        )
        chosen = self._chosen([number]).where(
            table.c.serial_from >= first.scalar_subquery(), table.c.serial_from < until
        )
        for row in self._streamed(chosen.order_by(table.c.serial_from)):
            cut = SerialRange(max(begin, row.serial_from), min(until, row.serial_until))
            if cut.amount_g > 0:
                yield Piece(row.account, block, cut)

    def verify(self) -> Iterator[str]:
        """Name everything in which pieces and sums are not what the entries say."""
        numbers = {block: number for number, block in self._numbered(None, None).items()}
        for kind, group in groupby(self._moves(), key=itemgetter(0, 1)):
            block = Block(*kind)
            moves = (row[2:] for row in group)
            yield from find_misplaced(block, moves, self._held_in(numbers.pop(block, None)))
        for block, number in sorted(numbers.items()):
            yield from find_misplaced(block, (), self._held_in(number))
        kept, told = self.sums(), _deltas_of(self._flows(0))
        for block in sorted(kept.keys() | told.keys()):
            if kept.get(block) != told.get(block):
                yield f"The sums of {block.month} under {block.edition} are not its entries'."

    def _flows(self, after: int) -> list[_Flow]:
        """How much the entries after a place of the chain move between classes of accounts."""
        table = ledger_entries
        kinds = (
            table.c.month,
            table.c.edition,
            _class_of(table.c.credit_account),
            _class_of(table.c.debit_account),
        )
        chosen = select(*kinds, func.sum(table.c.amount)).where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.sequence > after,
            table.c.book == CARBON,
        )
        rows = self._transaction.reading.execute(chosen.group_by(*kinds))
        return [
            _Flow(Block(month, edition), gives, takes, int(amount_g))
            for month, edition, gives, takes, amount_g in rows
        ]

    def _count(self, deltas: dict[Block, Sums]) -> None:
        """Bring the sums up to date, and hold them to their equation."""
        table, before = ledger_blocks, self.sums()
        for block, delta in deltas.items():
            after = before[block] + delta
            if not after.holds:
                raise LedgerBroken(
                    "sums_broken",
                    f"{block.month} under {block.edition} does not come out: {after.line()}.",
                    "Nothing was posted. Examine the ledger with `fleet-carbon doctor`.",
                )
            self._transaction.writing.execute(
                update(table)
                .where(
                    table.c.fleet_id == self._transaction.fleet_id,
                    table.c.month == block.month,
                    table.c.edition == block.edition,
                )
                .values(asdict(after))
            )

    def _numbered(self, month: str | None, until_month: str | None) -> dict[int, Block]:
        """The blocks by their number, in order of month; of one month as they were begun."""
        table = ledger_blocks
        chosen = select(table.c.block, table.c.month, table.c.edition).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        if month is not None:
            chosen = chosen.where(table.c.month == month)
        if until_month is not None:
            chosen = chosen.where(table.c.month <= until_month)
        rows = self._transaction.reading.execute(chosen.order_by(table.c.month, table.c.block))
        return {number: Block(month, edition) for number, month, edition in rows}

    def _chosen(self, blocks: Iterable[int]) -> Select[Any]:
        """Pieces of some blocks, found by an index whatever else is asked for."""
        table = ledger_holdings
        return select(
            table.c.block, table.c.account, table.c.serial_from, table.c.serial_until
        ).where(table.c.fleet_id == self._transaction.fleet_id, table.c.block.in_(list(blocks)))

    def _held_in(self, number: int | None) -> Iterator[Any]:
        """First serial, end and account of every piece of a block, in their order."""
        table = ledger_holdings
        chosen = select(table.c.serial_from, table.c.serial_until, table.c.account).where(
            table.c.fleet_id == self._transaction.fleet_id, table.c.block == number
        )
        return self._streamed(chosen.order_by(table.c.serial_from))

    def _moves(self) -> Iterator[Any]:
        """What the entries do with serials, by block and serial: month and edition, and a Move."""
        table = ledger_entries
        chosen = (
            select(
                table.c.month,
                table.c.edition,
                table.c.serial_from,
                table.c.serial_until,
                table.c.sequence,
                table.c.credit_account,
                table.c.debit_account,
            )
            .where(table.c.fleet_id == self._transaction.fleet_id, table.c.book == CARBON)
            .order_by(table.c.month, table.c.edition, table.c.serial_from)
        )
        return self._streamed(chosen)

    def _streamed(
        self, chosen: Select[Any], *, together: int = _ROWS_TOGETHER
    ) -> Iterator[Row[Any]]:
        options = {"yield_per": together}
        return iter(self._transaction.reading.execute(chosen, execution_options=options))


def _class_of(account: ColumnElement[Any]) -> ColumnElement[Any]:
    """Class of an account, as `accounts.class_of` decides it, for the database to group by."""
    return case(
        (account.in_((accounts.ISSUED, accounts.BUFFER)), account),
        *((prefixed(account, begin), name) for name, begin in accounts.PREFIXES.items()),
    )


def _piece_of(row: Row[Any], blocks: dict[int, Block]) -> Piece:
    serials = SerialRange(row.serial_from, row.serial_until)
    return Piece(row.account, blocks[row.block], serials)
