"""Check a signed account statement offline: keys, checkpoint, entries, and the sum of the figure.

This file needs Python 3.11 and the package `cryptography`, and nothing of the program that wrote
the statement. It runs by itself: ``python checker.py FILE [KEY_ID]``.

Formats: entries are JSON with sorted keys; an entry's hash is the SHA-256 of it without
`entry_hash`. Leaves of the Merkle tree (RFC 6962 and RFC 9162, section 2.1) are the 32 bytes of
these hashes. Keys and checkpoints are signed notes: a text, an empty line, and lines
``— name base64(key hash, 4 bytes; Ed25519 signature, 64 bytes)``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "fleet-carbon statement 1"
_SIGNED_BY = "\u2014 "
_RAISING = ("issued", "owed:buffer")


class NotProven(ValueError):
    """Something does not hold; the message says what."""


@dataclass(frozen=True)
class PublicKey:
    """A key on record: its raw 32 bytes, and from when until when it signs."""

    raw: bytes
    valid_from: str
    valid_until: str | None
    is_endorsed: bool

    @property
    def key_id(self) -> str:
        """Name for people: the first half of the SHA-256 of the key, in hexadecimal."""
        return key_id_of(self.raw)


@dataclass(frozen=True)
class Checkpoint:
    """What a signed checkpoint says: that the first `entries_count` entries have this root."""

    entries_count: int
    root: bytes
    head_hash: str
    made_at: str
    key_id: str


@dataclass(frozen=True)
class Findings:
    """What was found of a statement: problems, or what is proven."""

    problems: list[str]
    proven: list[str]


def key_id_of(raw: bytes) -> str:
    """Name of a public key for people."""
    return hashlib.sha256(raw).hexdigest()[:32]


def key_hash_of(name: str, raw: bytes) -> bytes:
    """The 4 bytes that say in a signed note which Ed25519 key signed it."""
    return hashlib.sha256(name.encode() + b"\n\x01" + raw).digest()[:4]


def canonical(content: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def opened(note: str, name: str, raw: bytes) -> str:
    """The text of a note that a key signed under a name, without its last newline."""
    text, separator, signatures = note.rpartition("\n\n")
    *lines, last = signatures.split("\n")
    if not separator or last or not all(line.startswith(_SIGNED_BY) for line in lines):
        raise NotProven("a note has no signature, or more than its signatures")
    signed = f"{text}\n".encode("utf-8", "surrogateescape")
    for line in lines:
        if line.startswith(f"{_SIGNED_BY}{name} "):
            packed = _decoded(line.rpartition(" ")[2])
            if packed[:4] == key_hash_of(name, raw) and _is_signed(raw, packed[4:], signed):
                return text
    raise NotProven(f"a note is not signed by the key {key_id_of(raw)}")


def _decoded(written: str) -> bytes:
    """What the text says in base64; nothing if it is not written as it must be."""
    try:
        found = base64.b64decode(written, validate=True)
    except ValueError:
        return b""
    return found if base64.b64encode(found).decode() == written else b""


def _is_signed(raw: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_keys(notes: Sequence[str], name: str) -> list[PublicKey]:
    """The keys of a ledger in their order, each signed by itself and by the one before it."""
    rows = [_read_key(note, name, number) for number, note in enumerate(notes, start=1)]
    keys: list[PublicKey] = []
    for place, (raw, valid_from, endorsed_by) in enumerate(rows):
        if keys and valid_from <= keys[-1].valid_from:
            raise NotProven(f"key {place + 1} is not younger than the one before it")
        if endorsed_by != "none":
            if not keys or endorsed_by != keys[-1].key_id:
                raise NotProven(f"key {place + 1} is endorsed by none that is before it")
            opened(notes[place], name, keys[-1].raw)
        until = rows[place + 1][1] if place + 1 < len(rows) else None
        keys.append(PublicKey(raw, valid_from, until, endorsed_by != "none"))
    return keys


def _read_key(note: str, name: str, number: int) -> tuple[bytes, str, str]:
    try:
        title, place, key, since, endorsed = note.rpartition("\n\n")[0].split("\n")
        raw = base64.b64decode(key, validate=True)
    except ValueError as wrong:
        raise NotProven(f"key {number} cannot be read") from wrong
    if (title, place) != (f"{name} signing key", str(number)):
        raise NotProven(f"key {number} is that of another ledger or place")
    opened(note, name, raw)
    return raw, since.removeprefix("from "), endorsed.removeprefix("endorsed by ")


def read_checkpoint(note: str, name: str, keys: Sequence[PublicKey]) -> Checkpoint:
    """What a checkpoint says, if the key signed it that was in force when it was made."""
    try:
        origin, count, root, head, made = note.rpartition("\n\n")[0].split("\n")
        entries_count, root_hash = int(count), base64.b64decode(root, validate=True)
    except ValueError as wrong:
        raise NotProven("a checkpoint cannot be read") from wrong
    made_at = made.removeprefix("made ")
    if origin != name:
        raise NotProven("a checkpoint is that of another ledger")
    for key in keys:
        if key.valid_from <= made_at and (key.valid_until is None or made_at < key.valid_until):
            opened(note, name, key.raw)
            head_hash = head.removeprefix("head ")
            return Checkpoint(entries_count, root_hash, head_hash, made_at, key.key_id)
    raise NotProven(f"no key was in force when a checkpoint was made, {made_at}")


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_by_inclusion(leaf: bytes, path: Sequence[bytes], *, index: int, count: int) -> bytes:
    """Root that a path leads to from the hash of a leaf (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < count:
        raise NotProven(f"place {index} is outside a tree of {count}")
    place, last, found = index, count - 1, leaf
    for step in path:
        if last == 0:
            raise NotProven("a path is too long")
        if place % 2 or place == last:
            found = node_hash(step, found)
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    if last:
        raise NotProven("a path is too short")
    return found


def is_consistent(
    first: tuple[int, bytes], second: tuple[int, bytes], path: Sequence[bytes]
) -> bool:
    """Whether the tree of the second size and root begins with the first (RFC 9162, 2.1.4.2)."""
    (size_before, root_before), (size, root) = first, second
    if not 0 < size_before <= size:
        return False
    if size_before == size:
        return not path and root_before == root
    steps = list(path)
    if size_before & (size_before - 1) == 0:
        steps.insert(0, root_before)
    place, last = size_before - 1, size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    if not steps:
        return False
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        place, last = place >> 1, last >> 1
    return last == 0 and older == root_before and newer == root


def check_statement(statement: Any, trusted_key_id: str | None = None) -> Findings:
    """Check everything that a statement says of itself.

    Without a trusted key it is proven that the statement agrees with itself, not whose it is.
    """
    try:
        return Findings([], _proven(statement, trusted_key_id))
    except NotProven as wrong:
        return Findings([f"Not proven: {wrong}."], [])
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        return Findings([f"Not a statement: {type(wrong).__name__} {wrong}."], [])


def _proven(statement: dict[str, Any], trusted_key_id: str | None) -> list[str]:
    if statement["format"] != FORMAT:
        raise NotProven(f"the format is {statement['format']!r}, expected {FORMAT!r}")
    name = f"fleet-carbon/{statement['fleet_id']}"
    keys = read_keys(statement["keys"], name)
    checkpoint = read_checkpoint(statement["checkpoint"], name, keys)
    _check_signature(statement, name, keys[-1])
    _check_trust(keys, trusted_key_id)
    for proof in statement["entries"]:
        _check_entry(proof["entry"], [bytes.fromhex(step) for step in proof["path"]], checkpoint)
    _check_figures(statement)
    for account in statement["accounts"]:
        _check_evidence(account, statement)
    return [
        f"signed by the key {keys[-1].key_id}"
        + (", as expected" if trusted_key_id else "; compare it with the key that is published"),
        f"{len(statement['entries'])} entries are among the {checkpoint.entries_count} of the "
        f"checkpoint of {checkpoint.made_at}",
        *(
            f"{account['month']} {account['driver_id']} {account['vehicle_id']}: "
            f"{account['co2_credited_g']} g credited, as its entries say"
            for account in statement["accounts"]
        ),
    ]


def _check_signature(statement: dict[str, Any], name: str, key: PublicKey) -> None:
    body = {part: held for part, held in statement.items() if part != "signature"}
    text = opened(statement["signature"], name, key.raw)
    if text != f"{FORMAT}\n{hashlib.sha256(canonical(body)).hexdigest()}":
        raise NotProven("the statement was changed after it was signed")


def _check_trust(keys: Sequence[PublicKey], trusted_key_id: str | None) -> None:
    """A trusted key vouches for those after it, as long as each one endorsed the next."""
    if trusted_key_id is None:
        return
    is_trusted = False
    for key in keys:
        is_trusted = key.key_id == trusted_key_id or (is_trusted and key.is_endorsed)
    if not is_trusted:
        raise NotProven(f"no chain of keys leads from {trusted_key_id} to the one that signed")


def _check_entry(entry: dict[str, Any], path: Sequence[bytes], checkpoint: Checkpoint) -> None:
    where = f"entry {entry['sequence']} ({entry['entry_id']})"
    body = {part: held for part, held in entry.items() if part != "entry_hash"}
    if hashlib.sha256(canonical(body)).hexdigest() != entry["entry_hash"]:
        raise NotProven(f"{where} was changed: its content does not give its hash")
    leaf = leaf_hash(bytes.fromhex(entry["entry_hash"]))
    root = root_by_inclusion(
        leaf, path, index=entry["sequence"] - 1, count=checkpoint.entries_count
    )
    if root != checkpoint.root:
        raise NotProven(f"{where} is not in the ledger that the checkpoint is of")


def _check_figures(statement: dict[str, Any]) -> None:
    """The credited figure of every account is what its entries add up to. [g]"""
    credited_g: dict[str, int] = {}
    seen: set[int] = set()
    for entry in (proof["entry"] for proof in statement["entries"]):
        if entry["sequence"] in seen:
            raise NotProven(f"entry {entry['sequence']} stands in it twice")
        seen.add(entry["sequence"])
        if entry["figure"]:
            sign = 1 if entry["credit_account"] in _RAISING else -1
            before_g = credited_g.get(entry["figure"], 0)
            credited_g[entry["figure"]] = before_g + sign * int(entry["amount"])
    for account in statement["accounts"]:
        parts = (account["month"], account["driver_id"], account["vehicle_id"])
        figure = "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)
        booked_g = credited_g.pop(figure, 0)
        if booked_g != account["co2_credited_g"]:
            raise NotProven(
                f"{figure} is credited {account['co2_credited_g']} g, its entries give {booked_g}"
            )
    if any(credited_g.values()):
        raise NotProven(f"it has no account for {next(iter(credited_g))}")


def _check_evidence(account: dict[str, Any], statement: dict[str, Any]) -> None:
    if account["month"] != statement["month"] or account["driver_id"] != statement["driver_id"]:
        raise NotProven("an account is of another month or driver")


def main(arguments: Sequence[str]) -> int:
    """Check a file and say what was found; 0 if everything holds, 1 if not, 2 for wrong usage."""
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write("usage: checker.py FILE [KEY_ID]\n")
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as stream:
            statement = json.load(stream)
    except (OSError, ValueError) as failure:
        sys.stderr.write(f"{arguments[0]} cannot be read: {failure}\n")
        return 1
    found = check_statement(statement, arguments[1] if len(arguments) > 1 else None)
    for line in found.problems or [f"proven: {one}" for one in found.proven]:
        sys.stdout.write(f"{line}\n")
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
