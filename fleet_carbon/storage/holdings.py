"""Who holds which serials, and where every gram is: derived from the entries at each post.

Serials are kept in pieces that are only ever cut: from every boundary that an entry had to the
next. What moves as whole pieces, which is the rule, moves in one statement for the whole act.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    case,
    func,
    insert,
    select,
    text,
    update,
)

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece, Sums, moved, not_held
from fleet_carbon.ledger.entries import CARBON
from fleet_carbon.ledger.serials import Block, SerialRange
from fleet_carbon.ledger.tracking import Move, find_misplaced
from fleet_carbon.storage.bulk import insert_rows
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.ledger_tables import (
    ledger_blocks,
    ledger_entries,
    ledger_holdings,
    prefixed,
)

_ACCOUNTS_TOGETHER = 500
_ROWS_TOGETHER = 10_000
_FEW_ROWS = 100
# Blocks of one month by when they were begun: the serials issued last come last.
_BY_PLACE = (ledger_blocks.c.month, ledger_blocks.c.block, ledger_holdings.c.serial_from)
_COLUMNS = ("fleet_id", "block", "serial_from", "serial_until", "account")

# The entries of the act: those of the carbon book after a place in the chain.
_POSTED = """
    FROM ledger_entries AS e
    JOIN ledger_blocks AS b
      ON b.fleet_id = e.fleet_id AND b.month = e.month AND b.edition = e.edition
    WHERE e.fleet_id = :fleet AND e.sequence > :after AND e.book = 'carbon'
"""
_MOVED = f"{_POSTED} AND e.credit_account <> 'issued'"
_ISSUE = f"""
    INSERT INTO ledger_holdings (fleet_id, block, serial_from, serial_until, account)
    SELECT e.fleet_id, b.block, e.serial_from, e.serial_until, e.debit_account
    {_POSTED} AND e.credit_account = 'issued'
"""
# New serials begin where the block ends, and leave nothing out.
_ISSUED_ASIDE = f"""
    SELECT entry_id FROM (
        SELECT e.entry_id, e.serial_from, coalesce(
            lag(e.serial_until) OVER (PARTITION BY b.block ORDER BY e.serial_from), b.issued_g
        ) AS expected
        {_POSTED} AND e.credit_account = 'issued'
    ) AS issued WHERE serial_from <> expected LIMIT 1
"""
_MOVED_TWICE = f"""
    SELECT entry_id FROM (
        SELECT e.entry_id, e.serial_from,
            lag(e.serial_until) OVER (PARTITION BY b.block ORDER BY e.serial_from) AS before
        {_MOVED}
    ) AS moved WHERE before > serial_from LIMIT 1
"""
# Moves that are no whole piece, each with the piece that its first serial lies in.
_UNEVEN = f"""
    SELECT uneven.*, p.serial_until AS piece_until, p.account AS piece_account FROM (
        SELECT e.entry_id, e.fleet_id, b.block, e.serial_from, e.serial_until,
            e.debit_account, e.credit_account,
            (SELECT max(p.serial_from) FROM ledger_holdings AS p WHERE p.fleet_id = e.fleet_id
                AND p.block = b.block AND p.serial_from <= e.serial_from) AS piece_from
        {_MOVED} AND NOT EXISTS (
            SELECT 1 FROM ledger_holdings AS h WHERE h.fleet_id = e.fleet_id
                AND h.block = b.block AND h.serial_from = e.serial_from
                AND h.serial_until = e.serial_until)
    ) AS uneven
    JOIN ledger_holdings AS p ON p.fleet_id = uneven.fleet_id AND p.block = uneven.block
        AND p.serial_from = uneven.piece_from
    ORDER BY uneven.block, uneven.serial_from
"""
_MOVE = f"""
    UPDATE ledger_holdings AS h SET account = m.debit_account FROM (
        SELECT b.block, e.serial_from, e.serial_until, e.debit_account, e.credit_account {_MOVED}
    ) AS m
    WHERE h.fleet_id = :fleet AND h.block = m.block AND h.serial_from = m.serial_from
        AND h.serial_until = m.serial_until AND h.account = m.credit_account
"""
_UNMOVED = f"""
    SELECT e.entry_id {_MOVED} AND NOT EXISTS (
        SELECT 1 FROM ledger_holdings AS h WHERE h.fleet_id = e.fleet_id AND h.block = b.block
            AND h.serial_from = e.serial_from AND h.serial_until = e.serial_until
            AND h.account = e.debit_account)
"""
_WITHIN = """
    fleet_id = :fleet AND block = :block AND serial_from >= :serial_from
    AND serial_from < :serial_until AND account = :credit
"""
_HELD_WITHIN = f"SELECT sum(serial_until - serial_from) FROM ledger_holdings WHERE {_WITHIN}"
_MOVE_WITHIN = f"UPDATE ledger_holdings SET account = :debit WHERE {_WITHIN}"
_SHRINK = """
    UPDATE ledger_holdings SET serial_until = :cut
    WHERE fleet_id = :fleet AND block = :block AND serial_from = :begin
"""


class _Kept(NamedTuple):
    """A piece as the table has it."""

    block: int
    begin: int
    until: int
    account: str

    def bounds(self, cuts: Iterable[int]) -> list[int]:
        """Where its parts begin and end when it is cut."""
        return sorted(
            {self.begin, self.until, *(at for at in cuts if self.begin < at < self.until)}
        )


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
        deltas = self._deltas(after)
        if deltas:
            follower = _Follower(self._transaction.writing, self._transaction.fleet_id, after)
            follower.begin_blocks(sorted(deltas.keys() - self.sums().keys()))
            follower.issue()
            follower.move()
            self._count(deltas)

    def sums(self) -> dict[Block, Sums]:
        """Where every gram is, by block, in the order in which the blocks were begun."""
        table = ledger_blocks
        chosen = select(table).where(table.c.fleet_id == self._transaction.fleet_id)
        rows = self._transaction.reading.execute(chosen.order_by(table.c.block)).mappings()
        names = [part.name for part in fields(Sums)]
        return {
            Block(row["month"], row["edition"]): Sums(**{name: row[name] for name in names})
            for row in rows
        }

    def pieces(
        self, of: Iterable[str], *, month: str | None = None, until_month: str | None = None
    ) -> list[Piece]:
        """What accounts hold, of each in order of month, block and serial.

        Parameters
        ----------
        of : iterable of str
            The accounts.
        month, until_month : str, optional
            Of this vintage only; of this vintage and those before it.
        """
        wanted = sorted(set(of))
        found: list[Row[Any]] = []
        for start in range(0, len(wanted), _ACCOUNTS_TOGETHER):
            together = wanted[start : start + _ACCOUNTS_TOGETHER]
            chosen = self._chosen(month, until_month).where(ledger_holdings.c.account.in_(together))
            found += self._transaction.reading.execute(chosen).all()
        return list(map(_piece_of, found))

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
        newest_first = [column.desc() for column in _BY_PLACE]
        chosen = self._chosen(month, until_month).where(ledger_holdings.c.account == account)
        found: list[Piece] = []
        with self._transaction.reading.execute(
            chosen.order_by(*newest_first), execution_options={"yield_per": _FEW_ROWS}
        ) as rows:
            for row in rows:
                if amount_g <= 0:
                    break
                found.append(_piece_of(row))
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
        chosen = self._chosen(month, until_month).where(prefixed(ledger_holdings.c.account, prefix))
        chosen = chosen.order_by(ledger_holdings.c.account, *_BY_PLACE)
        return map(_piece_of, self._streamed(chosen))

    def verify(self) -> Iterator[str]:
        """Name everything in which pieces and sums are not what the entries say."""
        yield from find_misplaced(self._moves(), self._all_pieces())
        kept, told = self.sums(), self._deltas(0)
        for block in sorted(kept.keys() | told.keys()):
            if kept.get(block) != told.get(block):
                yield f"The sums of {block.month} under {block.edition} are not its entries'."

    def _deltas(self, after: int) -> dict[Block, Sums]:
        """What the entries after a place of the chain add to the sums of their blocks."""
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
        deltas: dict[Block, Sums] = {}
        rows = self._transaction.reading.execute(chosen.group_by(*kinds))
        for month, edition, gives, takes, amount_g in rows:
            block = Block(month, edition)
            more = moved(gives, takes, amount_g=int(amount_g))
            deltas[block] = deltas.get(block, Sums()) + more
        return deltas

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

    def _chosen(self, month: str | None, until_month: str | None) -> Select[Any]:
        pieces, blocks = ledger_holdings, ledger_blocks
        chosen = (
            select(
                pieces.c.account,
                blocks.c.month,
                blocks.c.edition,
                pieces.c.serial_from,
                pieces.c.serial_until,
            )
            .join_from(
                pieces,
                blocks,
                (blocks.c.fleet_id == pieces.c.fleet_id) & (blocks.c.block == pieces.c.block),
            )
            .where(pieces.c.fleet_id == self._transaction.fleet_id)
        )
        if month is not None:
            chosen = chosen.where(blocks.c.month == month)
        return chosen if until_month is None else chosen.where(blocks.c.month <= until_month)

    def _all_pieces(self) -> Iterator[Piece]:
        by_name = (
            ledger_blocks.c.month,
            ledger_blocks.c.edition,
            ledger_holdings.c.serial_from,
        )
        return map(_piece_of, self._streamed(self._chosen(None, None).order_by(*by_name)))

    def _moves(self) -> Iterator[Move]:
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
        for row in self._streamed(chosen):
            serials = SerialRange(row.serial_from, row.serial_until)
            block = Block(row.month, row.edition)
            yield Move(block, serials, row.sequence, row.credit_account, row.debit_account)

    def _streamed(self, chosen: Select[Any]) -> Iterator[Row[Any]]:
        return iter(
            self._transaction.reading.execute(
                chosen, execution_options={"yield_per": _ROWS_TOGETHER}
            )
        )


class _Follower:
    """Moves the serials of one act, all together."""

    def __init__(self, connection: Connection, fleet_id: str, after: int) -> None:
        self._connection = connection
        self._fleet_id = fleet_id
        self._scope = {"fleet": fleet_id, "after": after}

    def begin_blocks(self, blocks: list[Block]) -> None:
        """Number blocks that have no serials yet."""
        table = ledger_blocks
        newest = select(func.max(table.c.block)).where(table.c.fleet_id == self._fleet_id)
        number = self._connection.scalar(newest) or 0
        for block in blocks:
            number += 1
            self._connection.execute(
                insert(table).values(
                    fleet_id=self._fleet_id, block=number, **asdict(block), **asdict(Sums())
                )
            )

    def issue(self) -> None:
        """Put new serials where they were issued to."""
        self._refuse(_ISSUED_ASIDE, "new serials do not follow those of the block")
        self._connection.execute(text(_ISSUE), self._scope)

    def move(self) -> None:
        """Give serials from account to account; pieces that move in part are cut before."""
        self._refuse(_MOVED_TWICE, "another entry of the act moves some of them too")
        scattered = self._cut(self._connection.execute(text(_UNEVEN), self._scope).all())
        moved_count = self._connection.execute(text(_MOVE), self._scope).rowcount
        for row in scattered:
            self._move_scattered(row)
        count = f"SELECT count(*) {_MOVED}"
        if moved_count + len(scattered) != self._connection.scalar(text(count), self._scope):
            self._refuse(_UNMOVED, "somebody else holds them")

    def _refuse(self, query: str, why: str) -> None:
        entry_id = self._connection.scalar(text(query), self._scope)
        if entry_id is not None:
            raise not_held(entry_id, why)

    def _cut(self, uneven: Sequence[Row[Any]]) -> list[Row[Any]]:
        """Cut pieces where moves begin and end; name the moves that take several pieces."""
        cuts: dict[_Kept, set[int]] = {}
        for row in uneven:
            kept = _Kept(row.block, row.piece_from, row.piece_until, row.piece_account)
            cuts.setdefault(kept, set()).update((row.serial_from, row.serial_until))
        scattered = [row for row in uneven if row.serial_until > row.piece_until]
        for row in scattered:
            cuts.setdefault(self._kept_at(row.block, row.serial_until), set()).add(row.serial_until)
        bounds = [(kept, kept.bounds(at)) for kept, at in sorted(cuts.items())]
        self._shrink([(kept, at[1]) for kept, at in bounds if len(at) > 2])
        insert_rows(
            self._connection,
            ledger_holdings,
            (
                (self._fleet_id, kept.block, begin, until, kept.account)
                for kept, at in bounds
                for begin, until in pairwise(at[1:])
            ),
            columns=_COLUMNS,
        )
        return scattered

    def _kept_at(self, block: int, serial: int) -> _Kept:
        table = ledger_holdings
        chosen = (
            select(table.c.block, table.c.serial_from, table.c.serial_until, table.c.account)
            .where(
                table.c.fleet_id == self._fleet_id,
                table.c.block == block,
                table.c.serial_from <= serial,
            )
            .order_by(table.c.serial_from.desc())
        )
        return _Kept(*self._connection.execute(chosen.limit(1)).one())

    def _shrink(self, cuts: list[tuple[_Kept, int]]) -> None:
        if cuts:
            places = [
                {"fleet": self._fleet_id, "block": kept.block, "cut": at} | {"begin": kept.begin}
                for kept, at in cuts
            ]
            self._connection.execute(text(_SHRINK), places)

    def _move_scattered(self, row: Row[Any]) -> None:
        place = {
            "fleet": self._fleet_id,
            "block": row.block,
            "serial_from": row.serial_from,
            "serial_until": row.serial_until,
            "credit": row.credit_account,
            "debit": row.debit_account,
        }
        held_g = self._connection.scalar(text(_HELD_WITHIN), place)
        if held_g != row.serial_until - row.serial_from:
            raise not_held(row.entry_id, f"{row.credit_account} holds {held_g} g of them")
        self._connection.execute(text(_MOVE_WITHIN), place)


def _class_of(account: ColumnElement[Any]) -> ColumnElement[Any]:
    """Class of an account, as `accounts.class_of` decides it, for the database to group by."""
    return case(
        (account.in_((accounts.ISSUED, accounts.BUFFER)), account),
        *((prefixed(account, begin), name) for name, begin in accounts.PREFIXES.items()),
    )


def _piece_of(row: Row[Any]) -> Piece:
    serials = SerialRange(row.serial_from, row.serial_until)
    return Piece(row.account, Block(row.month, row.edition), serials)
