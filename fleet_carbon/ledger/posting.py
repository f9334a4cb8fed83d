"""Which entries bring the ledger from what was posted for a month to what is credited now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import count

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger import accounts, entries
from fleet_carbon.ledger.balances import Piece, Standing
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.serials import Block, SerialRange, allocate
from fleet_carbon.ledger.sharing import Parts, SharingRule

MONTH_CLOSED = "month_closed"
MONTH_RESTATED = "month_restated"
REVERSAL_FROM_BUFFER = "reversal_from_buffer"
OBLIGATION_OPEN = "obligation_open"
OBLIGATION_MET = "obligation_met"
CLAIM_RELEASED = "claim_released"
CANCELLED_RESTATED = accounts.cancelled_account("restated")
CANCELLED_RELEASED = accounts.cancelled_account("claim released")

Pair = tuple[str, str]
"""Driver and truck."""


@dataclass(frozen=True)
class MonthPosting:
    """What all entries of one close have in common.

    Attributes
    ----------
    month, edition : str
        Vintage, YYYY-MM, and label of the edition: the block that new serials belong to.
    run_id : str
        The closing run; with the month it names the transaction, so that posting a run twice
        records it once.
    recorded_at : datetime
        Aware moment of posting.
    evidence : dict of str to str
        Digests of what the figures rest on.
    rule : SharingRule
        The shares in force for the month.
    issued_g : int
        Serials that the block has already: where new ones begin. [g]
    released_by : str
        Name of the act that releases the claims of these figures, where it is no close.
    """

    month: str
    edition: str
    run_id: str
    recorded_at: datetime
    evidence: dict[str, str]
    rule: SharingRule
    issued_g: int = 0
    released_by: str = ""

    @cached_property
    def transaction_id(self) -> str:
        """Name of the act of closing, or of the release."""
        return self.released_by or f"close/{self.month}/{self.run_id}"

    @cached_property
    def fall(self) -> tuple[str, str]:
        """Why figures fall that were told, and the account of what is cancelled then."""
        if self.released_by:
            return CLAIM_RELEASED, CANCELLED_RELEASED
        return MONTH_RESTATED, CANCELLED_RESTATED


class Stock:
    """What falling figures can be taken from: serials by account, the latest taken first.

    Parameters
    ----------
    pieces : iterable of Piece
        The first to be taken last.
    """

    def __init__(self, pieces: Iterable[Piece] = ()) -> None:
        self._of: dict[str, list[Piece]] = {}
        for piece in pieces:
            self._of.setdefault(piece.account, []).append(piece)

    def take(self, account: str, amount_g: int) -> tuple[list[Piece], int]:
        """Take an amount out of an account, as far as it reaches.

        Returns
        -------
        taken : list of Piece
            In the order of taking, the latest serials first.
        missing_g : int
            What the account did not have. [g]
        """
        taken: list[Piece] = []
        held = self._of.get(account, [])
        while amount_g and held:
            piece = held.pop()
            begin, until = piece.serials
            cut = max(begin, until - amount_g)
            if begin < cut:
                held.append(piece._replace(serials=SerialRange(begin, cut)))
            taken.append(piece._replace(serials=SerialRange(cut, until)))
            amount_g -= until - cut
        return taken, amount_g


def needed(
    figures: Mapping[Pair, int], standings: Mapping[Pair, Standing], rule: SharingRule
) -> dict[str, int]:
    """How much a close may take out of which accounts: what its stock must hold, if they do.

    Parameters
    ----------
    figures, standings : mapping
        As for `post_month`.
    rule : SharingRule
        The shares in force for the month.

    Returns
    -------
    amounts : dict of str to int
        By account; empty if nothing that was told falls. [g]
    """
    found: dict[str, int] = {}
    for pair, told in standings.items():
        figure_g = figures.get(pair, 0)
        if figure_g == told.figure_g:
            continue
        shifts = _shifts(told, rule.parts(told.figure_g), rule.parts(figure_g))
        amounts = [fall_g for _, fall_g in shifts]
        amounts.append(told.figure_g - figure_g + sum(rise_g for rise_g, _ in shifts))
        for account, amount_g in zip(_receivers(pair), amounts, strict=True):
            if amount_g > 0:
                found[account] = found.get(account, 0) + amount_g
    return found


def post_month(
    figures: Mapping[Pair, int],
    standings: Mapping[Pair, Standing],
    posting: MonthPosting,
    *,
    stock: Stock,
) -> Iterator[Entry]:
    """Decide the entries that make the ledger say `figures` for a month.

    Only differences are posted; nothing on record is changed. A figure that rises gets new
    serials at the end of the block, for driver, fleet, platform and buffer by the shares in
    force. One that falls is cancelled in the accounts of the four by the same shares, the latest
    serials first. What a party no longer holds is cancelled in the buffer; what the buffer does
    not hold is an open obligation of the operator. What the buffer bore for a figure it gets back
    first when the figure rises again.

    Parameters
    ----------
    figures : mapping of (driver_id, vehicle_id) to int
        What the ledger is to say; a pair that is missing counts as 0. [g], >= 0
    standings : mapping of (driver_id, vehicle_id) to Standing
        What it says now for the month.
    posting : MonthPosting
        What all entries have in common.
    stock : Stock
        The latest of what the accounts of `needed` hold: of the month's blocks, and of the
        buffer also of earlier months, which come after the month's own.

    Yields
    ------
    Entry
        Not sealed, in the order of driver and truck; none if nothing changed.

    Raises
    ------
    LedgerBroken
        If a figure is no whole number, or is negative.
    """
    writer = _Writer(posting, stock)
    for pair in sorted(standings.keys() | figures.keys()):
        figure_g = _checked(figures.get(pair, 0), pair)
        told = standings.get(pair)
        if figure_g != (told.figure_g if told else 0):
            yield from writer.post(pair, told, figure_g)


class _Writer:
    """Writes the entries of one close, and knows where serials are still to be had."""

    def __init__(self, posting: MonthPosting, stock: Stock) -> None:
        self._posting = posting
        self._stock = stock
        self._free = posting.issued_g
        self._numbers = count(1)
        self._figure = ""
        self._note = ""
        self._before_g: int | None = None

    def post(self, pair: Pair, told: Standing | None, figure_g: int) -> Iterator[Entry]:
        """Bring one figure from what is told of it to what it is to be."""
        self._figure = entries.figure_name(self._posting.month, *pair)
        self._before_g = told.figure_g if told else None
        self._note = f"{told.figure_g} g before, {figure_g} g now" if told else ""
        receivers = _receivers(pair)
        aim = self._posting.rule.parts(figure_g)
        if told is None:
            yield from self._issued(receivers, aim)
        else:
            yield from self._restated(receivers, told, aim)

    def _restated(self, receivers: list[str], told: Standing, aim: Parts) -> Iterator[Entry]:
        before = self._posting.rule.parts(told.figure_g)
        shifts = _shifts(told, before, aim)
        change_g = sum(aim) - told.figure_g
        for account, (rise_g, fall_g) in zip(receivers, shifts, strict=False):
            taken, missing_g = self._stock.take(account, fall_g)
            yield from (self._cancelled(piece, self._posting.fall[0]) for piece in taken)
            change_g -= rise_g - fall_g + missing_g
        # What is left of the change is the buffer's and the operator's together.
        met_g = min(max(0, change_g), told.owed_g)
        if met_g:
            yield self._owed(accounts.OWED_BY_OPERATOR, accounts.OWED_TO_BUFFER, met_g)
        rises = [rise_g for rise_g, _ in shifts]
        yield from self._issued(receivers, [*rises, max(0, change_g) - met_g])
        yield from self._borne(max(0, -change_g), own_g=max(0, before.buffer_g - aim.buffer_g))

    def _borne(self, amount_g: int, *, own_g: int) -> Iterator[Entry]:
        """Cancel the buffer's own part, then what others no longer hold; owe the rest."""
        own_g = min(own_g, amount_g)
        for wanted_g, reason in (
            (own_g, self._posting.fall[0]),
            (amount_g - own_g, REVERSAL_FROM_BUFFER),
        ):
            taken, missing_g = self._stock.take(accounts.BUFFER, wanted_g)
            yield from (self._cancelled(piece, reason) for piece in taken)
            amount_g -= wanted_g - missing_g
        if amount_g:
            yield self._owed(accounts.OWED_TO_BUFFER, accounts.OWED_BY_OPERATOR, amount_g)

    def _issued(self, receivers: Sequence[str], amounts_g: Iterable[int]) -> Iterator[Entry]:
        reason = MONTH_CLOSED if self._before_g is None else MONTH_RESTATED
        block = Block(self._posting.month, self._posting.edition)
        for account, serials in zip(receivers, allocate(self._free, amounts_g), strict=True):
            if serials:
                self._free = serials.serial_until
                yield self._moved(Piece(accounts.ISSUED, block, serials), account, reason)

    def _cancelled(self, piece: Piece, reason_code: str) -> Entry:
        return self._moved(piece, self._posting.fall[1], reason_code)

    def _moved(self, piece: Piece, debit_account: str, reason_code: str) -> Entry:
        return self._entry(
            debit_account,
            piece.account,
            reason_code,
            book=entries.CARBON,
            block=piece.block,
            amount=piece.serials.amount_g,
            serials=piece.serials,
        )

    def _owed(self, debit_account: str, credit_account: str, amount_g: int) -> Entry:
        is_open = credit_account == accounts.OWED_BY_OPERATOR
        return self._entry(
            debit_account,
            credit_account,
            OBLIGATION_OPEN if is_open else OBLIGATION_MET,
            book=entries.OWED,
            block=Block(self._posting.month, self._posting.edition),
            amount=amount_g,
            serials=None,
        )

    def _entry(
        self,
        debit_account: str,
        credit_account: str,
        reason_code: str,
        *,
        book: str,
        block: Block,
        amount: int,
        serials: SerialRange | None,
    ) -> Entry:
        posting = self._posting
        return Entry(
            entry_id=entries.entry_id(posting.transaction_id, next(self._numbers)),
            transaction_id=posting.transaction_id,
            book=book,
            unit=entries.GRAM,
            month=block.month,
            edition=block.edition,
            debit_account=debit_account,
            credit_account=credit_account,
            amount=amount,
            serial_from=serials.serial_from if serials else None,
            serial_until=serials.serial_until if serials else None,
            reason_code=reason_code,
            recorded_at=posting.recorded_at,
            note=self._note,
            figure=self._figure,
            previous_figure_g=self._before_g,
            evidence=posting.evidence,
        )


def _receivers(pair: Pair) -> list[str]:
    """The accounts of a figure, in the order of the parties to the sharing."""
    return [
        accounts.held_account(*pair),
        accounts.HELD_BY_FLEET,
        accounts.HELD_BY_PLATFORM,
        accounts.BUFFER,
    ]


def _shifts(told: Standing, before: Parts, aim: Parts) -> list[tuple[int, int]]:
    """By how much driver, fleet and platform rise or fall. [g]"""
    given = (told.driver_g, told.fleet_g, told.platform_g)
    return [
        # A fall is not more than this correction asks for: what was missing at an earlier one
        # the buffer bore for good.
        (max(0, aim_g - given_g), max(0, min(given_g, before_g) - aim_g))
        for given_g, before_g, aim_g in zip(given, before, aim, strict=False)
    ]


def _checked(figure_g: int, pair: Pair) -> int:
    if type(figure_g) is not int or figure_g < 0:
        raise LedgerBroken(
            "figure_malformed",
            f"The figure of driver {pair[0]!r} with truck {pair[1]!r} is {figure_g!r}, expected "
            "a whole number of grams, 0 or more.",
            "Nothing was posted. This is a fault of the quantification step.",
        )
    return figure_g
