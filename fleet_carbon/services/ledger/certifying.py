"""Documents about the ledger that others check offline: retirements, and that it only grew."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from fleet_carbon.errors import NotFound
from fleet_carbon.ledger import checker
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.accounts import RETIRED, class_of, unescaped
from fleet_carbon.ledger.entries import moment_text
from fleet_carbon.ledger.serials import serial_text
from fleet_carbon.ledger.signing import ledger_name, signed_statement
from fleet_carbon.services.ledger.proving import Proof, newest_checkpoint, proven_entries
from fleet_carbon.services.ledger.signing import KeyRing
from fleet_carbon.settings import Settings
from fleet_carbon.statements import proofs as wording
from fleet_carbon.storage.checkpoints import CheckpointRow
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage


@dataclass(frozen=True)
class CheckpointList:
    """The checkpoints of a ledger, the newest last."""

    fleet_id: str
    checkpoints: list[CheckpointRow]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"fleet_id": self.fleet_id, "checkpoints": [vars(one) for one in self.checkpoints]}

    def lines(self) -> list[str]:
        """The list for people."""
        return wording.checkpoint_lines(self.as_dict())


def list_checkpoints(settings: Settings) -> CheckpointList:
    """Every checkpoint on record: its number, how many entries it covers, the signed note."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return CheckpointList(storage.fleet_id, list(work.checkpoints.all()))


def certify_retirement(
    settings: Settings,
    client_id: str,
    *,
    verb: str = "retire",
    facts: dict[str, Any] | None = None,
) -> Proof:
    """A certificate of a retirement: its entries with their paths to a signed checkpoint.

    Parameters
    ----------
    settings : Settings
        Where the records and the key are.
    client_id : str
        Id of the retirement.
    verb : str
        What was done with the id: ``retire``, or ``claim`` for somebody who reports it.
    facts : dict, optional
        More that the key signs: who reports it, in what.

    Raises
    ------
    NotFound
        If there is no such retirement.
    FleetCarbonError
        If the key is not at hand.
    """
    act = acts.act_name(verb, client_id)
    ring, now = KeyRing(settings), datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        entries = list(work.ledger.act(act))
        if not entries or class_of(entries[0].debit_account) != RETIRED:
            raise NotFound(
                "retirement_not_found",
                f"There is no retirement {client_id!r}.",
                "`fleet-carbon ledger retire` makes one.",
            )
        newest = newest_checkpoint(work, storage.fleet_id)
        body = {
            **(facts or {}),
            "format": checker.CERTIFICATE,
            "fleet_id": storage.fleet_id,
            "act": act,
            "beneficiary": unescaped(entries[0].debit_account.removeprefix(f"{RETIRED}/")),
            "retired_at": moment_text(entries[0].recorded_at),
            "amount_g": sum(one.amount for one in entries),
            "serials": [
                serial_text(storage.fleet_id, one.block, one.serials)
                for one in entries
                if one.serials is not None
            ],
            "entries": proven_entries(entries, work.checkpoints.tree(newest.entries_count)),
            "checkpoint": newest.note,
            "keys": work.checkpoints.keys(),
        }
        return Proof(signed_statement(ring.current(work, now), ring.name, body))


def prove_entry(settings: Settings, sequence: int) -> Proof:
    """That an entry is in the ledger: the entry with its path to the root of a signed checkpoint.

    Parameters
    ----------
    settings : Settings
        Where the records and the key are.
    sequence : int
        Number of the entry.

    Raises
    ------
    NotFound
        ``entry_not_found``.
    FleetCarbonError
        If no checkpoint covers it, or the key is not at hand.
    """
    ring, now = KeyRing(settings), datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        entries = list(islice(work.ledger.entries(after=sequence - 1), 1))
        if not entries or entries[0].sequence != sequence:
            raise NotFound(
                "entry_not_found",
                f"There is no entry {sequence}.",
                "`fleet-carbon ledger entries` lists what there is.",
            )
        newest = newest_checkpoint(work, storage.fleet_id)
        body = {
            "format": checker.INCLUSION,
            "fleet_id": storage.fleet_id,
            "entries": proven_entries(entries, work.checkpoints.tree(newest.entries_count)),
            "checkpoint": newest.note,
            "keys": work.checkpoints.keys(),
        }
        return Proof(signed_statement(ring.current(work, now), ledger_name(storage.fleet_id), body))


def prove_consistency(settings: Settings, numbers: tuple[int, int | None]) -> Proof:
    """That the ledger of a checkpoint begins with that of an earlier one: nothing was changed.

    Parameters
    ----------
    settings : Settings
        Where the records and the key are.
    numbers : tuple of (int, int or None)
        Of the two checkpoints, the earlier one first; None for the newest.

    Raises
    ------
    NotFound
        If there is no such checkpoint, or the second is not later.
    """
    ring, now = KeyRing(settings), datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        newest = newest_checkpoint(work, storage.fleet_id)
        before = _checkpoint(work, numbers[0])
        after = newest if numbers[1] is None else _checkpoint(work, numbers[1])
        if after.number < before.number:
            raise NotFound(
                "checkpoints_reversed",
                f"Checkpoint {after.number} is not later than checkpoint {before.number}.",
                "Name the earlier one first.",
            )
        tree = work.checkpoints.tree(after.entries_count)
        body = {
            "format": checker.CONSISTENCY,
            "fleet_id": storage.fleet_id,
            "from": before.note,
            "to": after.note,
            "path": [step.hex() for step in tree.consistency(before.entries_count)],
            "keys": work.checkpoints.keys(),
        }
        return Proof(signed_statement(ring.current(work, now), ledger_name(storage.fleet_id), body))


def _checkpoint(work: UnitOfWork, number: int) -> CheckpointRow:
    found = next((one for one in work.checkpoints.all() if one.number == number), None)
    if found is None:
        raise NotFound(
            "checkpoint_not_found",
            f"There is no checkpoint {number}.",
            "`fleet-carbon ledger checkpoints` lists them.",
        )
    return found
