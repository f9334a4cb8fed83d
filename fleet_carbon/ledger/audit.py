"""Whether the ledger is what was written: a check that shares no code with posting.

The rules are written here a second time on purpose, from the description of the format alone,
so that a mistake in one place does not hide in the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

_HASHED = (
    "amount",
    "book",
    "credit_account",
    "debit_account",
    "edition",
    "entry_id",
    "evidence",
    "figure",
    "month",
    "note",
    "previous_figure_g",
    "previous_hash",
    "reason_code",
    "recorded_at",
    "sequence",
    "serial_from",
    "serial_until",
    "transaction_id",
    "unit",
)


def find_problems(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name everything in which the entries contradict each other or their hashes.

    Parameters
    ----------
    records : iterable of mapping
        The entries in order, each as JSON-ready fields (``Entry.as_dict``).

    Returns
    -------
    problems : list of str
        A sentence for each; empty if the chain holds. Entries cut off at the end leave no
        trace in the chain itself: compare the newest hash with one kept elsewhere.
    """
    problems: list[str] = []
    seen: set[str] = set()
    expected_hash = "0" * 64
    for place, record in enumerate(records, start=1):
        where = f"Entry {record['sequence']} ({record['entry_id']})"
        if record["sequence"] != place:
            problems.append(f"{where} stands at place {place} of the chain.")
        if record["previous_hash"] != expected_hash:
            problems.append(f"{where} does not follow the entry before it: previous_hash differs.")
        if _hash_of(record) != record["entry_hash"]:
            problems.append(f"{where} was changed: its content does not give its entry_hash.")
        if record["entry_id"] in seen:
            problems.append(f"{where} repeats an entry_id.")
        problems.extend(f"{where} {fault}" for fault in _faults_of(record))
        seen.add(record["entry_id"])
        expected_hash = record["entry_hash"]
    return problems


def _hash_of(record: Mapping[str, Any]) -> str:
    fields = {name: record[name] for name in _HASHED}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _faults_of(record: Mapping[str, Any]) -> list[str]:
    faults: list[str] = []
    if type(record["amount"]) is not int or record["amount"] < 1:
        faults.append(f"moves {record['amount']!r}, expected a positive whole number.")
    if record["debit_account"] == record["credit_account"]:
        faults.append("has the same account on both sides.")
    return faults
