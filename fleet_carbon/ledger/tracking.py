"""Whether what is kept of holdings is what the entries say: each serial from its issue on.

Movements and pieces of a block come in the order of their serials and are looked at once, so that
a ledger of any length is tracked in little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter

from fleet_carbon.ledger.accounts import ISSUED
from fleet_carbon.ledger.serials import Block

Move = tuple[int, int, int, str, str]
"""What an entry does with serials: first serial, end, sequence, who gives, who receives."""
Holding = tuple[int, int, str]
"""A piece that is kept: first serial, end, account."""

_by_sequence = itemgetter(2)


def find_misplaced(block: Block, moves: Iterable[Move], pieces: Iterable[Holding]) -> Iterator[str]:
    """Name every piece of a block that does not stand where its movements left it.

    Every serial of a piece was issued once, given on by who held it, and stands in the account
    that received it last; together the pieces leave nothing out.

    Parameters
    ----------
    block : Block
        What the serials are numbered within.
    moves : iterable of Move
        All movements, by first serial.
    pieces : iterable of Holding
        All pieces kept, by first serial.

    Yields
    ------
    str
        A sentence for each fault.
    """
    waiting = iter(moves)
    coming = next(waiting, None)
    open_moves: list[Move] = []
    expected = 0
    for begin, until, account in pieces:
        if begin != expected:
            yield f"{_named(block, begin, until)} should begin at {expected}."
        expected = until
        # Those that end before the piece are over; of the others most go on beyond it.
        open_moves = [one for one in open_moves if one[1] > begin]
        while coming is not None and coming[0] <= begin:
            if coming[0] != begin:
                yield f"Entry {coming[2]} moves serials that no piece begins with."
            if coming[1] > begin:
                open_moves.append(coming)
            coming = next(waiting, None)
        open_moves.sort(key=_by_sequence)
        if not _led_to(account, until, open_moves):
            yield from _faults(_named(block, begin, until), account, until, moves=open_moves)
    for move in open_moves:
        if move[1] > expected:
            yield f"Entry {move[2]} moves serials from {expected} on that nobody holds."
    if coming is not None:
        yield f"Entry {coming[2]} moves serials that nobody holds."


def _led_to(account: str, until: int, moves: list[Move]) -> bool:
    """Whether movements, in their order, led all serials up to an end to an account."""
    holder = ISSUED
    for _, end, _, gives, takes in moves:
        if gives != holder or end < until:
            return False
        holder = takes
    return holder == account


def _faults(named: str, account: str, until: int, *, moves: list[Move]) -> Iterator[str]:
    holder = ISSUED
    for _, end, sequence, gives, takes in moves:
        if gives != holder:
            yield f"Entry {sequence} gives {named}, which {holder} held then."
        if end < until:
            yield f"Entry {sequence} ends within {named}."
        holder = takes
    if holder != account:
        yield f"{named} stands in {account}; the entries leave it in {holder}."


def _named(block: Block, begin: int, until: int) -> str:
    return f"Serials {begin}-{until} of {block.month} under {block.edition}"
