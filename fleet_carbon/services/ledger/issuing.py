"""Post a closed month: serials for what is credited, corrections for what was told before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Sums, total
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.posting import (
    OBLIGATION_OPEN,
    REVERSAL_FROM_BUFFER,
    MonthPosting,
    Stock,
    needed,
    post_month,
)
from fleet_carbon.ledger.serials import Block
from fleet_carbon.ledger.sharing import SharingRule
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork


@dataclass(frozen=True)
class Issued:
    """What became of the ledger at a close.

    Attributes
    ----------
    entries_count : int
        Entries posted.
    sums : Sums
        Where every gram of the fleet is now. [g]
    owed_g : int
        All open obligations of the operator. [g]
    from_buffer_g, opened_g : int
        What was cancelled in the buffer now because the units were no longer held; what the
        buffer did not suffice for, and is owed since. [g]
    """

    entries_count: int
    sums: Sums
    owed_g: int
    from_buffer_g: int = 0
    opened_g: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "ledger_entries": self.entries_count,
            "ledger_sums": self.sums.line(),
            "reversed_from_buffer_g": self.from_buffer_g,
            "obligation_opened_g": self.opened_g,
            "obligations_open_g": self.owed_g,
        }


def nothing_issued(work: UnitOfWork) -> Issued:
    """What a close says of the ledger that posted nothing."""
    return Issued(0, total(work.ledger.holdings.sums()), _owed_g(work))


def _owed_g(work: UnitOfWork) -> int:
    owed = work.ledger.balances(prefix=accounts.OWED_BY_OPERATOR)
    return -sum(owed.values())


def issue_month(
    work: UnitOfWork, run: ClosingRun, figures: pd.DataFrame, *, rule: SharingRule, now: datetime
) -> Issued:
    """Make the ledger say what a closing run credits; only differences are posted.

    Parameters
    ----------
    work : UnitOfWork
        That the run is put on record in: both are kept, or none.
    run : ClosingRun
        With its digests.
    figures : DataFrame
        Its accounts.
    rule : SharingRule
        The shares in force for the month.
    now : datetime
        Aware moment of posting.
    """
    pairs = zip(figures["driver_id"], figures["vehicle_id"], strict=True)
    grams = (int(figure) for figure in figures["co2_credited_g"])
    credited = dict(zip(pairs, grams, strict=True))
    standings = work.ledger.standings(run.month)
    block = Block(run.month, run.edition_label)
    posting = MonthPosting(
        month=run.month,
        edition=run.edition_label,
        run_id=run.run_id,
        recorded_at=now,
        evidence={
            "accounts": run.table_digests["accounts"],
            "edition": run.edition_digest,
            "sharing": rule.digest,
        },
        rule=rule,
        issued_g=work.ledger.holdings.sums().get(block, Sums()).issued_g,
    )
    stock = stock_of(work, run.month, needed(credited, standings, rule))
    moved_g: Counter[str] = Counter()
    entries = post_month(credited, standings, posting, stock=stock)
    posted = work.ledger.append(_told(entries, moved_g))
    return Issued(
        posted.entries_count,
        total(work.ledger.holdings.sums()),
        _owed_g(work),
        from_buffer_g=moved_g[REVERSAL_FROM_BUFFER],
        opened_g=moved_g[OBLIGATION_OPEN],
    )


def _told(entries: Iterable[Entry], moved_g: Counter[str]) -> Iterator[Entry]:
    """The entries, with what they move counted by reason as they pass."""
    for entry in entries:
        moved_g[entry.reason_code] += entry.amount
        yield entry


def stock_of(work: UnitOfWork, month: str, amounts_g: dict[str, int]) -> Stock:
    """The latest of what accounts hold of a month, as much as is needed of each. [g]"""
    holdings = work.ledger.holdings
    drivers = [account for account in amounts_g if accounts.holder_of(account) is not None]
    pieces = holdings.pieces(drivers, month=month)
    for account in (accounts.HELD_BY_FLEET, accounts.HELD_BY_PLATFORM):
        pieces += holdings.latest(account, amounts_g.get(account, 0), month=month)
    # The reserve of earlier months answers too; that of later ones is not touched.
    wanted_g = amounts_g.get(accounts.BUFFER, 0)
    return Stock([*pieces, *holdings.latest(accounts.BUFFER, wanted_g, until_month=month)])
