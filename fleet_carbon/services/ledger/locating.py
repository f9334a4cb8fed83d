"""Find serials: who holds them now, and every entry that moved them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.entries import Entry, figure_parts
from fleet_carbon.ledger.serials import Block, NamedSerials, read_serials, serial_text
from fleet_carbon.settings import Settings
from fleet_carbon.statements import bookkeeping
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage


@dataclass(frozen=True)
class Whereabouts:
    """Where serials are, and how they came there.

    Attributes
    ----------
    fleet_id : str
        Whose ledger it is.
    holders : list of Piece
        Who holds them now, in order of serial.
    path : list of Entry
        The entries that moved any of them, from their issue on.
    is_cut : bool
        Whether there are more holders or entries than were asked for.
    """

    fleet_id: str
    holders: list[Piece]
    path: list[Entry]
    is_cut: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "holders": [
                {
                    "serials": serial_text(self.fleet_id, piece.block, piece.serials),
                    "account": piece.account,
                    "class": accounts.class_of(piece.account),
                    "amount_g": piece.serials.amount_g,
                }
                for piece in self.holders
            ],
            "path": [entry.as_dict() for entry in self.path],
            "is_cut": self.is_cut,
        }

    def lines(self) -> list[str]:
        """Text for people."""
        told = self.as_dict()
        lines = bookkeeping.holder_lines(told["holders"])
        lines += ["", *bookkeeping.entry_lines(told["path"])]
        return [*lines, "There are more: --limit shows them."] if self.is_cut else lines


def account_behind(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Driver and month of the account that an entry of a path credits or corrects; else None."""
    if not entry["figure"]:
        return None
    month, driver_id, _ = figure_parts(entry["figure"])
    return (driver_id, month) if driver_id else None


def locate_serials(
    settings: Settings, written: str, *, edition: str = "", limit_count: int = 100
) -> Whereabouts:
    """Who holds serials now, and by which entries they came there.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    written : str
        The serials as on a certificate, or short as ``MONTH/NUMBER``.
    edition : str
        Label of the edition, where the short form may mean several.
    limit_count : int
        At most so many holders and entries.

    Raises
    ------
    InputRefused
        If it is no serial, one of another fleet, or the short form means several.
    NotFound
        If none of them was ever issued.
    """
    named = read_serials(written)
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        if named.fleet_id not in ("", storage.fleet_id):
            raise InputRefused(
                "serial_of_another_fleet",
                f"{written!r} is a serial of the fleet {named.fleet_id}, not of "
                f"{storage.fleet_id}.",
                "Name the fleet with --fleet.",
            )
        block = _block(work, named, edition)
        holders = list(islice(work.ledger.holdings.within(block, named.serials), limit_count + 1))
        if not holders:
            raise NotFound(
                "serial_not_issued",
                f"{written!r} was never issued.",
                "`fleet-carbon ledger entries` lists what was.",
            )
        moving = work.ledger.entries(moving=(block, named.serials))
        path = list(islice(moving, limit_count + 1))
        is_cut = max(len(holders), len(path)) > limit_count
        return Whereabouts(storage.fleet_id, holders[:limit_count], path[:limit_count], is_cut)


def _block(work: UnitOfWork, named: NamedSerials, edition: str) -> Block:
    wanted = named.edition or edition
    found = [
        block
        for block in work.ledger.holdings.sums()
        if block.month == named.month and wanted in ("", block.edition)
    ]
    if len(found) > 1:
        raise InputRefused(
            "serial_ambiguous",
            f"{named.month} has serials under {', '.join(block.edition for block in found)}.",
            "Say which with --edition.",
        )
    return found[0] if found else Block(named.month, wanted)
