"""Whether the ledger is what was written: a check that shares no code with posting.

The rules are written here a second time on purpose, from the description of the format alone,
so that a mistake in one place does not hide in the other. Entries are looked at once, in their
order; what is kept of them is a few hashes, the sums of every block and 16 bytes for every act.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fleet_carbon.ledger.checker import Checkpoint

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
_CLASSES = ("issued", "held", "pending", "sold", "retired", "cancelled", "buffer")
_TILE_LEVEL = 10
# One encoder for all entries: json.dumps with options makes a new one for each.
_json_text = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def find_problems(
    records: Iterable[Mapping[str, Any]],
    *,
    checkpoints: Iterable[Checkpoint] = (),
    tiles: Iterable[str] = (),
) -> Iterator[str]:
    """Name everything in which the entries contradict each other, their hashes or what was signed.

    Parameters
    ----------
    records : iterable of mapping
        The entries in order, each as JSON-ready fields (``Entry.as_dict``).
    checkpoints : iterable of Checkpoint
        What was signed of them, by `entries_count`; their signatures are checked already.
    tiles : iterable of str
        Merkle roots of every 1024 entries that are complete, in hexadecimal, as they are kept.

    Yields
    ------
    str
        A sentence for each; nothing if everything holds. Entries cut off at the end leave no
        trace in the chain itself: a checkpoint tells of them.
    """
    walk = _Walk(sorted(checkpoints, key=lambda one: one.entries_count), iter(tiles))
    for record in records:
        yield from walk.faults_of(record)
    yield from walk.faults_at_end()


class _Walk:
    """What is remembered of the entries that were looked at."""

    def __init__(self, checkpoints: list[Checkpoint], tiles: Iterator[str]) -> None:
        self._checkpoints = checkpoints
        self._tiles = tiles
        self._tree = _Tree()
        self._place = 0
        self._expected_hash = "0" * 64
        self._act, self._number = "", 0
        self._acts: set[bytes] = set()
        self._sums: dict[tuple[str, str], dict[str, int]] = {}

    def faults_of(self, record: Mapping[str, Any]) -> Iterator[str]:
        where = f"Entry {record['sequence']} ({record['entry_id']})"
        if record["sequence"] == self._place + 2:
            yield f"Entry {self._place + 1} is missing."
        elif record["sequence"] != self._place + 1:
            yield f"{where} stands at place {self._place + 1} of the chain."
        self._place += 1
        if record["previous_hash"] != self._expected_hash:
            yield f"{where} does not follow the entry before it: previous_hash differs."
        hashed = _hash_of(record)
        if hashed.hex() != record["entry_hash"]:
            yield f"{where} was changed: its content does not give its entry_hash."
        self._expected_hash = record["entry_hash"]
        yield from (f"{where} {fault}" for fault in _faults_of(record))
        yield from (f"{where} {fault}" for fault in self._act_faults(record))
        yield from (f"{where} {fault}" for fault in self._sum_faults(record))
        self._tree.add(hashed)
        yield from self._signed_faults()

    def _act_faults(self, record: Mapping[str, Any]) -> Iterator[str]:
        """An act stands together, its entries numbered from 1, and stands only once."""
        act = str(record["transaction_id"])
        if act == self._act:
            self._number += 1
        else:
            self._act, self._number = act, 1
            digest = hashlib.blake2b(
                act.encode("utf-8", "surrogateescape"), digest_size=16
            ).digest()
            if digest in self._acts:
                yield f"takes up the act {act!r}, which was over."
            self._acts.add(digest)
        if record["entry_id"] != f"{act}/{self._number}":
            yield f"is not called number {self._number} of the act {act!r}."

    def _sum_faults(self, record: Mapping[str, Any]) -> Iterator[str]:
        """Of every block, no account class gives what it does not have."""
        if record["book"] != "carbon" or type(record["amount"]) is not int:
            return
        gives, takes = _class_of(record["credit_account"]), _class_of(record["debit_account"])
        if gives is None or takes is None or takes == "issued":
            yield "is between accounts that there are not."
            return
        block = (record["month"], record["edition"])
        sums = self._sums.setdefault(block, dict.fromkeys(_CLASSES, 0))
        if gives == "issued":
            if record["serial_from"] != sums["issued"]:
                yield f"issues serials from {record['serial_from']}, not {sums['issued']}."
            sums["issued"] += record["amount"]
        else:
            sums[gives] -= record["amount"]
            if sums[gives] < 0:
                yield f"gives more than all that is {gives} in {block[0]} under {block[1]}."
        sums[takes] += record["amount"]
        if sums["issued"] != sum(sums[name] for name in _CLASSES[1:]):
            yield f"leaves {block[0]} under {block[1]} uneven."

    def _signed_faults(self) -> Iterator[str]:
        if self._place % (1 << _TILE_LEVEL) == 0:
            kept = next(self._tiles, None)
            if kept is not None and kept != self._tree.newest_tile().hex():
                yield f"Tile {(self._place >> _TILE_LEVEL) - 1} is not the root of its entries."
        while self._checkpoints and self._checkpoints[0].entries_count <= self._place:
            checkpoint = self._checkpoints.pop(0)
            named = f"The checkpoint of {checkpoint.made_at}"
            if checkpoint.entries_count < 1:
                yield f"{named} covers no entry."
            elif checkpoint.root != self._tree.root():
                yield f"{named} was signed over other entries than the first {self._place}."
            elif checkpoint.head_hash != self._expected_hash:
                yield f"{named} names another hash than that of entry {self._place}."

    def faults_at_end(self) -> Iterator[str]:
        for checkpoint in self._checkpoints:
            yield (
                f"Entry {self._place + 1} is missing: the checkpoint of {checkpoint.made_at} "
                f"covers {checkpoint.entries_count} entries, there are {self._place}."
            )
        if next(self._tiles, None) is not None:
            yield f"There are tiles beyond the {self._place} entries."


class _Tree:
    """The Merkle tree of RFC 6962 as it grows: the roots of its complete parts, largest first."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        level, found = 0, hashlib.sha256(b"\x00" + leaf).digest()
        while self._parts and self._parts[-1][0] == level and level < _TILE_LEVEL:
            found = hashlib.sha256(b"\x01" + self._parts.pop()[1] + found).digest()
            level += 1
        self._parts.append((level, found))
        if level == _TILE_LEVEL:
            self._tile = found
            self._merge_tiles()

    def newest_tile(self) -> bytes:
        return self._tile

    def root(self) -> bytes:
        *others, (_, found) = self._parts
        for _, part in reversed(others):
            found = hashlib.sha256(b"\x01" + part + found).digest()
        return found

    def _merge_tiles(self) -> None:
        while len(self._parts) > 1 and self._parts[-1][0] == self._parts[-2][0]:
            level, right = self._parts.pop()
            _, left = self._parts.pop()
            found = hashlib.sha256(b"\x01" + left + right).digest()
            self._parts.append((level + 1, found))


def _hash_of(record: Mapping[str, Any]) -> bytes:
    fields = {name: record[name] for name in _HASHED}
    # Bytes that are no text are hashed as they are, to be named and not to stop the check.
    return hashlib.sha256(_json_text(fields).encode("utf-8", "surrogateescape")).digest()


def _class_of(account: Any) -> str | None:
    """Class in the carbon book, by the beginning of the name."""
    name = str(account)
    if name in ("issued", "buffer"):
        return name
    first, separator, rest = name.partition(":" if name.startswith("held") else "/")
    return first if separator and rest and first in _CLASSES[1:6] else None


def _faults_of(record: Mapping[str, Any]) -> Iterator[str]:
    amount = record["amount"]
    if type(amount) is not int or amount < 1:
        yield f"moves {amount!r}, expected a positive whole number."
    if record["debit_account"] == record["credit_account"]:
        yield "has the same account on both sides."
    begin, until = record["serial_from"], record["serial_until"]
    if record["book"] == "carbon":
        if type(begin) is not int or type(until) is not int or not 0 <= begin < until:
            yield f"moves the serials {begin!r} to {until!r}, which are none."
        elif until - begin != amount:
            yield f"moves {amount!r} g and {until - begin} serials."
    elif begin is not None or until is not None:
        yield f"moves serials in the book {record['book']}."
