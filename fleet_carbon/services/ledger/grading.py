"""How well a vintage is known: the quality that the accounts say, for each holder's grams."""

from __future__ import annotations

import hashlib
from typing import Any

from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork

GRADES = ("measured", "modelled", "default")
"""From the best to the weakest: column `quality` of the accounts."""
UNKNOWN = ""


class Grades:
    """The grades of vintages, read when they are first asked for.

    A driver's grams have the quality of the driver's account. Those of fleet and platform stem
    from all accounts of the month and have the weakest among them.
    """

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._of: dict[str, tuple[dict[tuple[str, str], str], str]] = {}

    def of(self, piece: Piece) -> str:
        """Grade of serials; empty if the month has no account for them."""
        month = piece.block.month
        if month not in self._of:
            self._of[month] = self._read(month)
        of_pair, weakest = self._of[month]
        holder = accounts.holder_of(piece.account)
        return weakest if holder is None else of_pair.get(holder, UNKNOWN)

    def _read(self, month: str) -> tuple[dict[tuple[str, str], str], str]:
        run = self._work.closings.latest(month)
        if run is None:
            return {}, UNKNOWN
        rows = self._work.closings.table(run, ACCOUNTS.name)
        credited = rows[rows["co2_credited_g"] > 0]
        pairs = zip(credited["driver_id"], credited["vehicle_id"], strict=True)
        of_pair = dict(zip(pairs, map(str, credited["quality"]), strict=True))
        found = set(of_pair.values())
        weakest = next((one for one in reversed(GRADES) if one in found), UNKNOWN)
        return of_pair, weakest


def month_evidence(work: UnitOfWork, month: str) -> dict[str, Any]:
    """What a vintage rests on: the closing run with its digests; empty if there is none."""
    run = work.closings.latest(month)
    return {} if run is None else _digests(run)


def _digests(run: ClosingRun) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "closed_at": run.closed_at.isoformat(timespec="milliseconds"),
        "edition": run.edition_label,
        "edition_digest": run.edition_digest,
        "inputs": _by_kind(run.inputs),
        "tables": run.table_digests,
    }


def _by_kind(inputs: dict[str, str]) -> dict[str, str]:
    """One digest for each kind of input: what stands for single trucks names them."""
    kinds: dict[str, list[str]] = {}
    for name, digest in sorted(inputs.items()):
        kinds.setdefault(name.partition("/")[0], []).append(f"{name} {digest}\n")
    return {
        kind: inputs.get(kind) or hashlib.sha256("".join(lines).encode()).hexdigest()
        for kind, lines in kinds.items()
    }
