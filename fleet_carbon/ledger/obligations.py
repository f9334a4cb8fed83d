"""Which entries meet what the operator owes: serials of the buffer for figures that fell.

A figure that fell after its grams were sold, when no buffer could bear it, left an obligation.
Once the buffer has serials again they are cancelled for the figure, and the obligation is met by
as much; the figure stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.entries import CARBON, GRAM, OWED, Entry, entry_id, figure_parts
from fleet_carbon.ledger.posting import CANCELLED_RESTATED, OBLIGATION_MET
from fleet_carbon.ledger.serials import SerialRange
from fleet_carbon.ledger.settlement import Act


@dataclass(frozen=True)
class Obligation:
    """What the operator owes for one figure.

    Attributes
    ----------
    figure : str
        Name of the figure.
    edition : str
        Label of the edition under which it fell.
    owed_g : int
        What is owed. [g]
    figure_g : int
        The figure as it stands. [g]
    """

    figure: str
    edition: str
    owed_g: int
    figure_g: int = 0

    @property
    def month(self) -> str:
        """Vintage of the figure."""
        return figure_parts(self.figure)[0]


def meet(obligations: Iterable[Obligation], pieces: Sequence[Piece], act: Act) -> Iterator[Entry]:
    """Write the entries that meet obligations, one after the other, as far as serials reach.

    Parameters
    ----------
    obligations : iterable of Obligation
        The first to be met first.
    pieces : sequence of Piece
        Serials of the buffer, in the order in which they are used.
    act : Act
        What all entries have in common.

    Yields
    ------
    Entry
        For every obligation its serials, cancelled, then what is met; not sealed.
    """
    numbers = count(1)
    waiting = list(pieces)[::-1]
    for one in obligations:
        used_g = 0
        while waiting and used_g < one.owed_g:
            piece = waiting.pop()
            begin, until = piece.serials
            cut = min(until, begin + one.owed_g - used_g)
            if cut < until:
                waiting.append(piece._replace(serials=SerialRange(cut, until)))
            used_g += cut - begin
            taken = piece._replace(serials=SerialRange(begin, cut))
            yield _cancelled(act, one, taken, number=next(numbers))
        if used_g:
            yield _met(act, one, used_g, number=next(numbers))


def _cancelled(act: Act, one: Obligation, piece: Piece, *, number: int) -> Entry:
    return _entry(
        act,
        one,
        number,
        book=CARBON,
        month=piece.block.month,
        edition=piece.block.edition,
        debit_account=CANCELLED_RESTATED,
        credit_account=piece.account,
        amount=piece.serials.amount_g,
        serial_from=piece.serials.serial_from,
        serial_until=piece.serials.serial_until,
    )


def _met(act: Act, one: Obligation, amount_g: int, *, number: int) -> Entry:
    return _entry(
        act,
        one,
        number,
        book=OWED,
        month=one.month,
        edition=one.edition,
        debit_account=accounts.OWED_BY_OPERATOR,
        credit_account=accounts.OWED_TO_BUFFER,
        amount=amount_g,
        serial_from=None,
        serial_until=None,
    )


def _entry(act: Act, one: Obligation, number: int, **fields: Any) -> Entry:
    return Entry(
        entry_id=entry_id(act.transaction_id, number),
        transaction_id=act.transaction_id,
        unit=GRAM,
        reason_code=OBLIGATION_MET,
        recorded_at=act.recorded_at,
        note=act.note,
        figure=one.figure,
        previous_figure_g=one.figure_g,
        evidence=act.evidence,
        **fields,
    )
