"""Whether what is kept of holdings is what the entries say: each serial from its issue on.

Movements and pieces come in the order of block and serial and are looked at once, so that a
ledger of any length is tracked in little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fleet_carbon.ledger.accounts import ISSUED
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.serials import Block, SerialRange


class Move(NamedTuple):
    """What an entry of the carbon book does with serials."""

    block: Block
    serials: SerialRange
    sequence: int
    credit_account: str
    debit_account: str


def find_misplaced(moves: Iterable[Move], pieces: Iterable[Piece]) -> Iterator[str]:
    """Name every piece that does not stand where its movements left it.

    Every serial of a piece was issued once, given on by who held it, and stands in the account
    that received it last; together the pieces of a block leave nothing out.

    Parameters
    ----------
    moves : iterable of Move
        All movements, by block and first serial.
    pieces : iterable of Piece
        All pieces kept, by block and first serial.

    Yields
    ------
    str
        A sentence for each fault.
    """
    waiting = iter(moves)
    coming = next(waiting, None)
    open_moves: list[Move] = []
    expected = (Block("", ""), 0)
    for piece in pieces:
        place = (piece.block, piece.serials.serial_from)
        if piece.block != expected[0]:
            yield from _left_over(open_moves, expected)
            expected = (piece.block, 0)
        if place != expected:
            yield f"{_named(piece)} should begin at {expected[1]}."
        expected = (piece.block, piece.serials.serial_until)
        while coming is not None and (coming.block, coming.serials.serial_from) <= place:
            if (coming.block, coming.serials.serial_from) != place:
                yield f"Entry {coming.sequence} moves serials that no piece begins with."
            open_moves.append(coming)
            coming = next(waiting, None)
        open_moves = [one for one in open_moves if _reaches(one, piece)]
        yield from _faults(piece, open_moves)
    yield from _left_over(open_moves, expected)
    if coming is not None:
        yield f"Entry {coming.sequence} moves serials that nobody holds."


def _left_over(moves: Iterable[Move], end: tuple[Block, int]) -> Iterator[str]:
    """Movements of a block that reach beyond the end of its last piece."""
    for move in moves:
        if move.block == end[0] and move.serials.serial_until > end[1]:
            yield f"Entry {move.sequence} moves serials from {end[1]} on that nobody holds."


def _reaches(move: Move, piece: Piece) -> bool:
    return move.block == piece.block and move.serials.serial_until > piece.serials.serial_from


def _faults(piece: Piece, moves: list[Move]) -> Iterator[str]:
    account = ISSUED
    for move in sorted(moves, key=lambda one: one.sequence):
        if move.credit_account != account:
            yield f"Entry {move.sequence} gives {_named(piece)}, which {account} held then."
        if move.serials.serial_until < piece.serials.serial_until:
            yield f"Entry {move.sequence} ends within {_named(piece)}."
        account = move.debit_account
    if account != piece.account:
        yield f"{_named(piece)} stands in {piece.account}; the entries leave it in {account}."


def _named(piece: Piece) -> str:
    begin, until = piece.serials
    return f"Serials {begin}-{until} of {piece.block.month} under {piece.block.edition}"
