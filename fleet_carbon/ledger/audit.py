"""Whether the ledger is what was written: a check that shares no code with posting.

The rules are written here a second time on purpose, from the description of the format alone,
so that a mistake in one place does not hide in the other. Entries are looked at once, in their
order; what is kept of them is a few hashes, the sums of every block and 16 bytes for every act.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from operator import itemgetter
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
_hashed_of = itemgetter(*_HASHED)
_CLASSES = ("issued", "held", "pending", "sold", "retired", "cancelled", "buffer")
_TILE_LEAVES = 1024
_FINE: tuple[str, ...] = ()
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
        The entries in order, each as JSON-ready fields (``Entry.as_dict``). Neighbours with the
        same evidence are looked at faster if they share the object.
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
        faults = walk.faults_of(record)
        if faults:
            yield from faults
    yield from walk.faults_at_end()


class _Walk:
    """What is remembered of the entries that were looked at."""

    def __init__(self, checkpoints: list[Checkpoint], tiles: Iterator[str]) -> None:
        self._checkpoints = checkpoints
        self._tiles = tiles
        self._tree = _Tree()
        self._canonical = _Canonical()
        self._place = 0
        self._expected_hash = "0" * 64
        self._act, self._number = "", 0
        self._acts: set[bytes] = set()
        self._sums: dict[tuple[str, str], dict[str, int]] = {}

    def faults_of(self, record: Mapping[str, Any]) -> Sequence[str]:
        """What is wrong with the next entry; nothing, as a rule, and then in no time."""
        self._place += 1
        hashed = hashlib.sha256(self._canonical.bytes_of(record)).digest()
        self._tree.add(hashed)
        order = self._order_faults(record)
        found = (
            *self._chain_faults(record, hashed),
            *_form_faults(record),
            *self._act_faults(record),
            *self._sum_faults(record),
        )
        is_covered = self._checkpoints and self._checkpoints[0].entries_count <= self._place
        if not (order or found or is_covered or self._place % _TILE_LEAVES == 0):
            return _FINE
        where = f"Entry {record['sequence']} ({record['entry_id']})"
        return [*order, *(f"{where} {one}" for one in found), *self._signed_faults()]

    def _order_faults(self, record: Mapping[str, Any]) -> Sequence[str]:
        sequence = record["sequence"]
        if sequence == self._place:
            return _FINE
        if sequence == self._place + 1:
            return (f"Entry {self._place} is missing.",)
        where = f"Entry {sequence} ({record['entry_id']})"
        return (f"{where} stands at place {self._place} of the chain.",)

    def _chain_faults(self, record: Mapping[str, Any], hashed: bytes) -> Sequence[str]:
        faults: Sequence[str] = _FINE
        if record["previous_hash"] != self._expected_hash:
            faults = ("does not follow the entry before it: previous_hash differs.",)
        self._expected_hash = record["entry_hash"]
        if hashed.hex() != self._expected_hash:
            faults = (*faults, "was changed: its content does not give its entry_hash.")
        return faults

    def _act_faults(self, record: Mapping[str, Any]) -> Sequence[str]:
        """An act stands together, its entries numbered from 1, and stands only once."""
        act = record["transaction_id"]
        faults: Sequence[str] = _FINE
        if act == self._act:
            self._number += 1
        else:
            self._act, self._number = act, 1
            name = str(act).encode("utf-8", "surrogateescape")
            digest = hashlib.blake2b(name, digest_size=16).digest()
            if digest in self._acts:
                faults = (f"takes up the act {act!r}, which was over.",)
            self._acts.add(digest)
        if record["entry_id"] != f"{act}/{self._number}":
            faults = (*faults, f"is not called number {self._number} of the act {act!r}.")
        return faults

    def _sum_faults(self, record: Mapping[str, Any]) -> Sequence[str]:
        """Of every block, no account class gives what it does not have."""
        amount = record["amount"]
        if record["book"] != "carbon" or type(amount) is not int:
            return _FINE
        gives, takes = _class_of(record["credit_account"]), _class_of(record["debit_account"])
        if gives is None or takes is None or takes == "issued":
            return ("is between accounts that there are not.",)
        block = (record["month"], record["edition"])
        sums = self._sums.get(block)
        if sums is None:
            sums = self._sums[block] = dict.fromkeys(_CLASSES, 0)
        sums[takes] += amount
        if gives == "issued":
            expected = sums["issued"]
            sums["issued"] += amount
            if record["serial_from"] != expected:
                return (f"issues serials from {record['serial_from']}, not {expected}.",)
        else:
            sums[gives] -= amount
            if sums[gives] < 0:
                return (f"gives more than all that is {gives} in {block[0]} under {block[1]}.",)
        return _FINE

    def _signed_faults(self) -> Iterator[str]:
        if self._place % _TILE_LEAVES == 0:
            kept = next(self._tiles, None)
            if kept is not None and kept != self._tree.newest_tile.hex():
                yield f"Tile {self._place // _TILE_LEAVES - 1} is not the root of its entries."
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
        """What tells of entries that are not there."""
        for checkpoint in self._checkpoints:
            yield (
                f"Entry {self._place + 1} is missing: the checkpoint of {checkpoint.made_at} "
                f"covers {checkpoint.entries_count} entries, there are {self._place}."
            )
        if next(self._tiles, None) is not None:
            yield f"There are tiles beyond the {self._place} entries."


class _Tree:
    """The Merkle tree of RFC 6962 as it grows: the leaves of a tile, the roots of those before."""

    def __init__(self) -> None:
        self.newest_tile = b""
        self._leaves: list[bytes] = []
        # Roots of complete parts, each of twice as many tiles as its height says, largest first.
        self._parts: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Add a leaf; every 1024th completes a tile."""
        self._leaves.append(leaf)
        if len(self._leaves) == _TILE_LEAVES:
            height, found = 0, _root_over(self._leaves)
            self.newest_tile = found
            self._leaves.clear()
            while self._parts and self._parts[-1][0] == height:
                found = hashlib.sha256(b"\x01" + self._parts.pop()[1] + found).digest()
                height += 1
            self._parts.append((height, found))

    def root(self) -> bytes:
        """Root over all leaves so far, of which there is one at least."""
        roots = [part for _, part in self._parts]
        if self._leaves:
            roots.append(_root_over(self._leaves))
        found = roots.pop()
        while roots:
            found = hashlib.sha256(b"\x01" + roots.pop() + found).digest()
        return found


def _root_over(leaves: list[bytes]) -> bytes:
    """Root over some leaves: in pairs, level by level; an odd last one goes up as it is."""
    sha256 = hashlib.sha256
    level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        odd = [level.pop()] if len(level) % 2 else []
        rest = iter(level)
        level = [sha256(b"\x01" + left + next(rest)).digest() for left in rest] + odd
    return level[0]


class _Canonical:
    """The bytes of entries that are hashed: JSON, keys sorted, no spaces, UTF-8."""

    def __init__(self) -> None:
        self._evidence: Any = None
        self._evidence_text = "null"

    def bytes_of(self, record: Mapping[str, Any]) -> bytes:
        """The bytes; what is no text stays as it is, to be named and not to stop the check."""
        fields = _hashed_of(record)
        try:
            if record["evidence"] is not self._evidence:
                self._evidence_text = _json_text(record["evidence"])
                self._evidence = record["evidence"]
            written = _written(fields, self._evidence_text)
        except TypeError:
            # Something is of a kind that no entry has: these are the bytes of none.
            written = repr(fields)
        return written.encode("utf-8", "surrogateescape")


def _written(fields: Sequence[Any], evidence: str) -> str:
    """The fields as JSON: what an encoder gives for them, in a fraction of its time."""
    amount, book, credit_account, debit_account, edition, entry_id, _, figure = fields[:8]
    month, note, before_g, previous, reason, at, sequence, serial_from = fields[8:16]
    serial_until, act, unit = fields[16:]
    text = encode_basestring
    return (
        f'{{"amount":{amount!r},"book":{text(book)},"credit_account":{text(credit_account)},'
        f'"debit_account":{text(debit_account)},"edition":{text(edition)},'
        f'"entry_id":{text(entry_id)},"evidence":{evidence},"figure":{text(figure)},'
        f'"month":{text(month)},"note":{text(note)},'
        f'"previous_figure_g":{"null" if before_g is None else repr(before_g)},'
        f'"previous_hash":{text(previous)},"reason_code":{text(reason)},'
        f'"recorded_at":{text(at)},"sequence":{sequence!r},'
        f'"serial_from":{"null" if serial_from is None else repr(serial_from)},'
        f'"serial_until":{"null" if serial_until is None else repr(serial_until)},'
        f'"transaction_id":{text(act)},"unit":{text(unit)}}}'
    )


def _class_of(account: Any) -> str | None:
    """Class in the carbon book, by the beginning of the name."""
    name = str(account)
    if name in ("issued", "buffer"):
        return name
    first, separator, rest = name.partition(":" if name.startswith("held") else "/")
    return first if separator and rest and first in _CLASSES[1:6] else None


def _form_faults(record: Mapping[str, Any]) -> Sequence[str]:
    """What is wrong with an entry by itself."""
    amount, begin, until = record["amount"], record["serial_from"], record["serial_until"]
    faults: Sequence[str] = _FINE
    if type(amount) is not int or amount < 1:
        faults = (f"moves {amount!r}, expected a positive whole number.",)
    if record["debit_account"] == record["credit_account"]:
        faults = (*faults, "has the same account on both sides.")
    if record["book"] == "carbon":
        if type(begin) is not int or type(until) is not int or not 0 <= begin < until:
            return (*faults, f"moves the serials {begin!r} to {until!r}, which are none.")
        if until - begin != amount:
            return (*faults, f"moves {amount!r} g and {until - begin} serials.")
    elif begin is not None or until is not None:
        return (*faults, f"moves serials in the book {record['book']}.")
    return faults
