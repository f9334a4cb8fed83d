"""Serials go where the entries of an act say: set by set, in the transaction of the post.

Serials are kept in pieces that are only ever cut: from every boundary that an entry had to the
next. What moves as whole pieces, which is the rule, moves in one statement for the whole act.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, text

from fleet_carbon.ledger.balances import Sums, not_held
from fleet_carbon.ledger.serials import Block
from fleet_carbon.storage.bulk import grown, insert_rows
from fleet_carbon.storage.ledger_tables import ledger_blocks, ledger_holdings

_COLUMNS = ("fleet_id", "block", "serial_from", "serial_until", "account")

# No statement here joins tables: a planner that has not counted the rows of the act yet would join
# them in the wrong order, and never end. What belongs to an entry is looked up for each by its key.
_BLOCK = """
    (SELECT b.block FROM ledger_blocks AS b WHERE b.fleet_id = e.fleet_id AND b.month = e.month
        AND b.edition = e.edition)
"""
_POSTED = f"""
    SELECT e.entry_id, e.fleet_id, {_BLOCK} AS block, e.serial_from, e.serial_until,
        e.debit_account, e.credit_account
    FROM ledger_entries AS e
    WHERE e.fleet_id = :fleet AND e.sequence > :after AND e.book = 'carbon'
"""
_ISSUED = f"{_POSTED} AND e.credit_account = 'issued'"
_MOVED = f"{_POSTED} AND e.credit_account <> 'issued'"
_INSERT = """
    INSERT INTO ledger_holdings (fleet_id, block, serial_from, serial_until, account)
    SELECT fleet_id, block, serial_from, serial_until, debit_account
"""
_ISSUE = f"{_INSERT} FROM ({_ISSUED}) AS posted"
# New serials begin where the block ends, and leave nothing out.
_ISSUED_ASIDE = f"""
    SELECT entry_id FROM (
        SELECT entry_id, serial_from,
            coalesce(
                lag(serial_until) OVER (PARTITION BY block ORDER BY serial_from),
                (SELECT b.issued_g FROM ledger_blocks AS b
                    WHERE b.fleet_id = posted.fleet_id AND b.block = posted.block)
            ) AS expected
        FROM ({_ISSUED}) AS posted
    ) AS issued WHERE serial_from <> expected LIMIT 1
"""
_MOVED_TWICE = f"""
    SELECT entry_id FROM (
        SELECT entry_id, serial_from,
            lag(serial_until) OVER (PARTITION BY block ORDER BY serial_from) AS before
        FROM ({_MOVED}) AS posted
    ) AS moved WHERE before > serial_from LIMIT 1
"""
_OF_POSTED = "h.fleet_id = posted.fleet_id AND h.block = posted.block"
# Moves that are no whole piece, with the beginning of the piece that their first serial lies in.
_UNEVEN = f"""
    SELECT posted.*, (
        SELECT max(h.serial_from) FROM ledger_holdings AS h
        WHERE {_OF_POSTED} AND h.serial_from <= posted.serial_from
    ) AS piece_from
    FROM ({_MOVED}) AS posted
    WHERE coalesce((
        SELECT h.serial_until FROM ledger_holdings AS h
        WHERE {_OF_POSTED} AND h.serial_from = posted.serial_from
    ), -1) <> posted.serial_until
"""
_CUT = f"""
    SELECT posted.*, (
        SELECT h.serial_until FROM ledger_holdings AS h
        WHERE {_OF_POSTED} AND h.serial_from = posted.piece_from
    ) AS piece_until, (
        SELECT h.account FROM ledger_holdings AS h
        WHERE {_OF_POSTED} AND h.serial_from = posted.piece_from
    ) AS piece_account
    FROM ({_UNEVEN}) AS posted
"""
# Moves that are a whole piece of somebody else, or none.
_NOT_HELD = f"""
    SELECT entry_id FROM ({_MOVED}) AS posted
    WHERE coalesce((
        SELECT h.account FROM ledger_holdings AS h
        WHERE {_OF_POSTED} AND h.serial_from = posted.serial_from
            AND h.serial_until = posted.serial_until
    ), '') <> posted.credit_account
"""
_MOVE = f"""
    {_INSERT} FROM ({_MOVED}) AS posted WHERE true
    ON CONFLICT (fleet_id, block, serial_from) DO UPDATE SET account = excluded.account
    WHERE ledger_holdings.serial_until = excluded.serial_until
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


class Follower:
    """Moves the serials of one act, all together.

    Parameters
    ----------
    connection : Connection
        In the transaction that the act was written in.
    fleet_id : str
        Whose ledger.
    after : int
        Sequence of the newest entry before the act.
    """

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
        issued = self._connection.execute(text(_ISSUE), self._scope)
        grown(self._connection, ledger_holdings, issued.rowcount)

    def move(self) -> None:
        """Give serials from account to account; pieces that move in part are cut before."""
        self._refuse(_MOVED_TWICE, "another entry of the act moves some of them too")
        scattered = self._cut(self._connection.execute(text(_CUT), self._scope).all())
        for row in scattered:
            self._move_scattered(row)
        moved_before = {row.entry_id for row in scattered}
        for entry_id in self._connection.scalars(text(_NOT_HELD), self._scope).all():
            if entry_id not in moved_before:
                raise not_held(entry_id, "somebody else holds them")
        self._connection.execute(text(_MOVE), self._scope)

    def _refuse(self, query: str, why: str) -> None:
        entry_id = self._connection.scalar(text(query), self._scope)
        if entry_id is not None:
            raise not_held(entry_id, why)

    def _cut(self, uneven: Sequence[Row[Any]]) -> list[Row[Any]]:
        """Cut pieces where moves begin and end; name the moves that take several pieces."""
        cuts: dict[_Kept, set[int]] = {}
        for row in uneven:
            if row.piece_from is None:
                raise not_held(row.entry_id, "its month has none")
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
