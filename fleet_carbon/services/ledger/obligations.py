"""What the operator owes for figures that fell after they were sold: list it, and meet it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Piece, total
from fleet_carbon.ledger.entries import figure_parts
from fleet_carbon.ledger.obligations import Obligation, meet
from fleet_carbon.ledger.posting import OBLIGATION_MET
from fleet_carbon.ledger.serials import SerialRange
from fleet_carbon.services.ledger.acting import Posted, begun
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings
from fleet_carbon.statements import bookkeeping
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage


@dataclass(frozen=True)
class OpenObligations:
    """What is owed, figure by figure, and what the buffer has.

    Attributes
    ----------
    open : list of Obligation
        The oldest month first.
    buffer_g : int
        What the buffer holds, of all vintages. [g]
    """

    open: list[Obligation]
    buffer_g: int

    @property
    def owed_g(self) -> int:
        """All that is owed. [g]"""
        return sum(one.owed_g for one in self.open)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        names = ("month", "driver_id", "vehicle_id")
        return {
            "owed_g": self.owed_g,
            "buffer_g": self.buffer_g,
            "obligations": [
                {
                    **dict(zip(names, figure_parts(one.figure), strict=True)),
                    "edition": one.edition,
                    "owed_g": one.owed_g,
                }
                for one in self.open
            ],
        }

    def lines(self) -> list[str]:
        """Text for people."""
        return bookkeeping.obligation_lines(self.as_dict())


def open_obligations(work: UnitOfWork) -> OpenObligations:
    """What the operator owes, and what the buffer has."""
    found = work.ledger.obligations()
    standings = {one.month: work.ledger.standings(one.month) for one in found}
    known = [
        replace(one, figure_g=standings[one.month][figure_parts(one.figure)[1:]].figure_g)
        for one in found
    ]
    return OpenObligations(known, total(work.ledger.holdings.sums()).buffer_g)


def list_obligations(settings: Settings) -> OpenObligations:
    """What the operator owes for figures that fell after they were sold."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return open_obligations(work)


def meet_obligations(
    settings: Settings,
    client_id: str,
    *,
    amount_g: int | None,
    is_dry_run: bool,
    progress: Progress,
) -> Posted:
    """Cancel serials of the buffer for what is owed, the oldest month and serials first.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    client_id : str
        Id that the sender gives; the act is done once.
    amount_g : int or None
        How much; None for all that is owed and the buffer has. [g]
    is_dry_run : bool
        True to see the entries and post nothing.
    progress : Progress
        Told of what takes long.

    Raises
    ------
    InputRefused
        If nothing is owed, or more is asked for than is owed or the buffer has.
    LedgerBroken
        If another act has the id.
    """
    with begun(
        settings,
        acts.act_name("meet", client_id),
        reason_code=OBLIGATION_MET,
        request={"verb": "meet", "client_id": client_id, "amount_g": amount_g},
        is_dry_run=is_dry_run,
        progress=progress,
        note="an obligation of the operator",
    ) as doing:
        if doing.is_on_record:
            return doing.post(lambda: iter(()), {"client_id": client_id})
        found = open_obligations(doing.work)
        wanted_g = _checked(found, amount_g)
        pieces = list(_oldest_of_buffer(doing.work, wanted_g))
        facts = {
            "client_id": client_id,
            "met_g": wanted_g,
            "still_owed_g": found.owed_g - wanted_g,
            "notice": bookkeeping.met_notice(wanted_g, found.owed_g),
        }
        return doing.post(lambda: meet(found.open, pieces, doing.act), facts)


def _checked(found: OpenObligations, amount_g: int | None) -> int:
    reach_g = min(found.owed_g, found.buffer_g)
    if not found.owed_g:
        raise InputRefused(
            "nothing_owed", "The operator owes nothing.", "`fleet-carbon ledger owed` says so."
        )
    if not reach_g or (amount_g or 0) > reach_g:
        raise InputRefused(
            "obligation_beyond_reach",
            f"{found.owed_g:,} g are owed and the buffer has {found.buffer_g:,} g.",
            "Ask for less, or hand units in with `fleet-carbon ledger refill`.",
        )
    return reach_g if amount_g is None else amount_g


def _oldest_of_buffer(work: UnitOfWork, amount_g: int) -> Iterator[Piece]:
    for month in sorted({block.month for block in work.ledger.holdings.sums()}):
        for piece in work.ledger.holdings.pieces([accounts.BUFFER], month=month):
            if not amount_g:
                return
            begin, until = piece.serials
            cut = min(until, begin + amount_g)
            amount_g -= cut - begin
            yield piece._replace(serials=SerialRange(begin, cut))
