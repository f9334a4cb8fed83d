"""Serials go where the entries of an act say: set by set, in the transaction of the post.

Serials are kept in pieces that are only ever cut: from every boundary that an entry had to the
next. What moves as whole pieces, which is the rule, moves in one statement for the whole act.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text

from fleet_carbon.ledger.balances import Sums, not_held
from fleet_carbon.ledger.serials import Block
from fleet_carbon.storage.bulk import grown
from fleet_carbon.storage.ledger_tables import ledger_blocks, ledger_holdings

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
# Where moves begin and end, and the piece that such a place lies within.
_ENDS = f"""
    SELECT fleet_id, block, serial_from AS cut_at FROM ({_MOVED}) AS posted
    UNION SELECT fleet_id, block, serial_until FROM ({_MOVED}) AS posted
"""
_OF_ENDS = "h.fleet_id = ends.fleet_id AND h.block = ends.block"
_WITHIN_PIECES = f"""
    SELECT ends.*, (
        SELECT max(h.serial_from) FROM ledger_holdings AS h
        WHERE {_OF_ENDS} AND h.serial_from < ends.cut_at
    ) AS piece_from
    FROM ({_ENDS}) AS ends
    WHERE (
        SELECT h.serial_from FROM ledger_holdings AS h
        WHERE {_OF_ENDS} AND h.serial_from = ends.cut_at
    ) IS NULL
"""
_CUTS = f"""
    SELECT ends.*, (
        SELECT h.serial_until FROM ledger_holdings AS h
        WHERE {_OF_ENDS} AND h.serial_from = ends.piece_from
    ) AS piece_until, (
        SELECT h.account FROM ledger_holdings AS h
        WHERE {_OF_ENDS} AND h.serial_from = ends.piece_from
    ) AS account
    FROM ({_WITHIN_PIECES}) AS ends
"""
# The first part of a piece keeps its row, which ends earlier now; every other part is a new one.
_CUT = f"""
    WITH cuts AS ({_CUTS})
    INSERT INTO ledger_holdings (fleet_id, block, serial_from, serial_until, account)
    SELECT fleet_id, block, cut_at,
        coalesce(lead(cut_at) OVER (PARTITION BY block, piece_from ORDER BY cut_at), piece_until),
        account
    FROM cuts WHERE cut_at < piece_until
    UNION ALL
    SELECT fleet_id, block, piece_from, min(cut_at), min(account)
    FROM cuts WHERE cut_at < piece_until GROUP BY fleet_id, block, piece_from
    ON CONFLICT (fleet_id, block, serial_from) DO UPDATE SET serial_until = excluded.serial_until
"""
# Moves that are not one whole piece of who gives: several of them, or somebody else's.
_SCATTERED = f"""
    SELECT * FROM ({_MOVED}) AS posted
    WHERE coalesce((
        SELECT h.account FROM ledger_holdings AS h
        WHERE h.fleet_id = posted.fleet_id AND h.block = posted.block
            AND h.serial_from = posted.serial_from AND h.serial_until = posted.serial_until
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
        self._connection.execute(text(_CUT), self._scope)
        for row in self._connection.execute(text(_SCATTERED), self._scope).all():
            self._move_scattered(row)
        self._connection.execute(text(_MOVE), self._scope)

    def _refuse(self, query: str, why: str) -> None:
        entry_id = self._connection.scalar(text(query), self._scope)
        if entry_id is not None:
            raise not_held(entry_id, why)

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
            raise not_held(row.entry_id, f"{row.credit_account} holds {held_g or 0} g of them")
        self._connection.execute(text(_MOVE_WITHIN), place)
