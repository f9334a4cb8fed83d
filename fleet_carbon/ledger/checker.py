"""Check signed documents of a ledger offline: statements, certificates, and that it only grew.

This file needs Python 3.11 and the package `cryptography`, and nothing of the program that wrote
the document. It runs by itself: ``python checker.py FILE [KEY_ID or KEYS.json]``.

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
CERTIFICATE = "fleet-carbon certificate 1"
CONSISTENCY = "fleet-carbon consistency 1"
INCLUSION = "fleet-carbon inclusion 1"
_SIGNED_BY = "\u2014 "
_RAISING = ("issued", "owed:buffer")


class NotProven(ValueError):
    """Something does not hold; the message says what."""


@dataclass(frozen=True)
class PublicKey:
    """A key on record: its raw 32 bytes, and from when until when it signs.

    One that was stolen is revoked by the key after it: nothing that it signed counts any more.
    """

    raw: bytes
    valid_from: str
    valid_until: str | None
    is_endorsed: bool
    is_revoked: bool = False

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
    for place, (raw, valid_from, endorsed_by, revokes) in enumerate(rows):
        if keys and valid_from <= keys[-1].valid_from:
            raise NotProven(f"key {place + 1} is not younger than the one before it")
        if endorsed_by != "none":
            if not keys or endorsed_by != keys[-1].key_id:
                raise NotProven(f"key {place + 1} is endorsed by none that is before it")
            opened(notes[place], name, keys[-1].raw)
        if revokes and (not keys or revokes != keys[-1].key_id):
            raise NotProven(f"key {place + 1} revokes another than the one before it")
        until, is_revoked = None, False
        if place + 1 < len(rows):
            until, is_revoked = rows[place + 1][1], bool(rows[place + 1][3])
        keys.append(PublicKey(raw, valid_from, until, endorsed_by != "none", is_revoked))
    return keys


def _read_key(note: str, name: str, number: int) -> tuple[bytes, str, str, str]:
    try:
        title, place, key, since, endorsed, *last = note.rpartition("\n\n")[0].split("\n")
        raw = base64.b64decode(key, validate=True)
    except ValueError as wrong:
        raise NotProven(f"key {number} cannot be read") from wrong
    if len(last) > 1 or not all(line.startswith("revokes ") for line in last):
        raise NotProven(f"key {number} cannot be read")
    if (title, place) != (f"{name} signing key", str(number)):
        raise NotProven(f"key {number} is that of another ledger or place")
    opened(note, name, raw)
    revokes = last[0].removeprefix("revokes ") if last else ""
    return raw, since.removeprefix("from "), endorsed.removeprefix("endorsed by "), revokes


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


def check_statement(
    statement: Any, trusted_key_id: str | None = None, key_list: Any = None
) -> Findings:
    """Check everything that a statement, certificate or proof of consistency says of itself.

    Without a trusted key it is proven that the document agrees with itself, not whose it is. A
    list of keys, as the operator publishes it, also tells which were revoked since.
    """
    try:
        return Findings([], _proven(statement, trusted_key_id, key_list))
    except NotProven as wrong:
        return Findings([f"Not proven: {wrong}."], [])
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        return Findings([f"Not a statement: {type(wrong).__name__} {wrong}."], [])


def _proven(document: dict[str, Any], trusted_key_id: str | None, key_list: Any) -> list[str]:
    checks = {
        FORMAT: _statement,
        CERTIFICATE: _certificate,
        CONSISTENCY: _consistency,
        INCLUSION: _inclusion,
    }
    if document["format"] not in checks:
        raise NotProven(
            f"the format is {document['format']!r}, expected one of {', '.join(checks)}"
        )
    name = f"fleet-carbon/{document['fleet_id']}"
    keys = read_keys(document["keys"], name)
    check_signature(document, name, keys[-1])
    check_trust(keys, trusted_key_id)
    if key_list is not None:
        check_listed(keys, read_keys(key_list["notes"], name))
    known = "; compare it with the key that is published"
    if trusted_key_id or key_list is not None:
        known = ", as expected"
    return [f"signed by the key {keys[-1].key_id}{known}", *checks[document["format"]](document)]


def _statement(statement: dict[str, Any]) -> list[str]:
    told = _check_entries(statement)
    check_figures(statement)
    for account in statement["accounts"]:
        _check_evidence(account, statement)
    for line in statement.get("settlement", ()):
        _check_settlement(line, statement)
    return [
        told,
        *(
            f"{account['month']} {account['driver_id']} {account['vehicle_id']}: "
            f"{account['co2_credited_g']} g credited, as its entries say"
            for account in statement["accounts"]
        ),
        *(
            f"{line['act']}: {line['kind']} {line['amount_g']} g {line['amount_text']}".rstrip()
            for line in statement.get("settlement", ())
        ),
    ]


def _certificate(certificate: dict[str, Any]) -> list[str]:
    """Every entry retires serials on behalf of the beneficiary, and they are those named."""
    told = _check_entries(certificate)
    entries = [proof["entry"] for proof in certificate["entries"]]
    receiver = f"retired/{_escaped(certificate['beneficiary'])}"
    for entry in entries:
        where = f"entry {entry['sequence']} ({entry['entry_id']})"
        if (entry["book"], entry["debit_account"]) != ("carbon", receiver):
            raise NotProven(f"{where} does not retire on behalf of the beneficiary")
        if entry["transaction_id"] != certificate["act"]:
            raise NotProven(f"{where} is of another act")
        if entry["recorded_at"] != certificate["retired_at"]:
            raise NotProven(f"{where} was recorded at another moment")
    serials = [_serials_of(entry, certificate["fleet_id"]) for entry in entries]
    if len(set(serials)) != len(serials) or serials != certificate["serials"]:
        raise NotProven("the serials are not those of the entries")
    retired_g = sum(int(entry["amount"]) for entry in entries)
    if retired_g != certificate["amount_g"]:
        raise NotProven(f"it says {certificate['amount_g']} g, its entries give {retired_g}")
    return [
        told,
        f"{retired_g} g retired on behalf of {certificate['beneficiary']} at "
        f"{certificate['retired_at']}, {len(serials)} ranges of serials",
    ]


def _inclusion(proof: dict[str, Any]) -> list[str]:
    """Every entry is in the ledger that was signed."""
    return [_check_entries(proof)]


def _consistency(proof: dict[str, Any]) -> list[str]:
    """The ledger of the second checkpoint begins with that of the first."""
    name = f"fleet-carbon/{proof['fleet_id']}"
    keys = read_keys(proof["keys"], name)
    first, second = (read_checkpoint(proof[which], name, keys) for which in ("from", "to"))
    refuse_revoked(second.key_id, keys)
    path = [bytes.fromhex(step) for step in proof["path"]]
    sizes = (first.entries_count, first.root), (second.entries_count, second.root)
    if not is_consistent(*sizes, path):
        raise NotProven(
            f"the {second.entries_count} entries do not begin with the {first.entries_count}: "
            "entries were changed, taken out or put in"
        )
    shown = [f"{base64.b64encode(one.root).decode()} of {one.made_at}" for one in (first, second)]
    return [
        f"the ledger of {second.entries_count} entries begins with the {first.entries_count} that "
        "were signed before; compare these roots with checkpoints that you kept",
        f"{first.entries_count} entries: root {shown[0]}",
        f"{second.entries_count} entries: root {shown[1]}",
    ]


def _check_entries(document: dict[str, Any]) -> str:
    name = f"fleet-carbon/{document['fleet_id']}"
    keys = read_keys(document["keys"], name)
    checkpoint = read_checkpoint(document["checkpoint"], name, keys)
    refuse_revoked(checkpoint.key_id, keys)
    for proof in document["entries"]:
        check_entry(proof["entry"], [bytes.fromhex(step) for step in proof["path"]], checkpoint)
    return (
        f"{len(document['entries'])} entries are among the {checkpoint.entries_count} of the "
        f"checkpoint of {checkpoint.made_at}"
    )


def check_signature(document: dict[str, Any], name: str, key: PublicKey) -> None:
    """The key signed the document as it is."""
    body = {part: held for part, held in document.items() if part != "signature"}
    text = opened(document["signature"], name, key.raw)
    if text != f"{document['format']}\n{hashlib.sha256(canonical(body)).hexdigest()}":
        raise NotProven("it was changed after it was signed")


def check_trust(keys: Sequence[PublicKey], trusted_key_id: str | None) -> None:
    """A trusted key vouches for those after it, as long as each one endorsed the next."""
    if trusted_key_id is None:
        return
    refuse_revoked(trusted_key_id, keys)
    is_trusted = False
    for key in keys:
        is_trusted = key.key_id == trusted_key_id or (is_trusted and key.is_endorsed)
    if not is_trusted:
        raise NotProven(
            f"no chain of keys leads from {trusted_key_id} to the one that signed, "
            f"{keys[-1].key_id}"
        )


def check_listed(keys: Sequence[PublicKey], published: Sequence[PublicKey]) -> None:
    """The key that signed is on the list of the operator, and was not revoked since."""
    signer = keys[-1].key_id
    if signer not in {key.key_id for key in published}:
        raise NotProven(f"the key {signer} that signed is not on the list of keys: it is unknown")
    refuse_revoked(signer, published)


def refuse_revoked(key_id: str, keys: Sequence[PublicKey]) -> None:
    """Nothing that a stolen key signed counts."""
    for key in keys:
        if key.key_id == key_id and key.is_revoked:
            raise NotProven(
                f"the key {key_id} was revoked on {key.valid_until}: nothing that it signed "
                "counts; ask for a document that the new key signs, and for that key by another way"
            )


def check_entry(entry: dict[str, Any], path: Sequence[bytes], checkpoint: Checkpoint) -> None:
    """The entry has its hash, and is in the ledger that the checkpoint is of."""
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


def check_figures(statement: dict[str, Any]) -> None:
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
        figure = "/".join(map(_escaped, parts))
        booked_g = credited_g.pop(figure, 0)
        if booked_g != account["co2_credited_g"]:
            raise NotProven(
                f"{figure} is credited {account['co2_credited_g']} g, its entries give {booked_g}"
            )
    if any(credited_g.values()):
        raise NotProven(f"it has no account for {next(iter(credited_g))}")


def _check_settlement(line: dict[str, Any], statement: dict[str, Any]) -> None:
    """Serials, grams and money of a line are those of the entries of its act."""
    act, driver = line["act"], statement["driver_id"]
    owner = f"{_escaped(driver)}/{_escaped(line['vehicle_id'])}"
    amounts_g: dict[str, int] = {}
    owed_g = earned = 0
    for entry in (proof["entry"] for proof in statement["entries"]):
        if not f"{entry['transaction_id']}/".startswith(f"{act}/"):
            continue
        if entry["book"] == "carbon":
            amounts_g[_serials_of(entry, statement["fleet_id"])] = int(entry["amount"])
        elif entry["book"] == "owed" and entry["figure"].endswith(f"/{owner}"):
            owed_g += int(entry["amount"])
        elif entry["credit_account"] in (f"cash:driver/{owner}", f"cash:voucher/{owner}"):
            earned += int(entry["amount"])
    unknown = [one for one in line["serials"] if one not in amounts_g]
    if unknown or len(set(line["serials"])) != len(line["serials"]):
        raise NotProven(f"no entry of {act} moves what its line says: {', '.join(unknown)}")
    moved_g = sum(amounts_g[one] for one in line["serials"]) if line["serials"] else owed_g
    if moved_g != abs(line["amount_g"]):
        raise NotProven(f"the line of {act} says {line['amount_g']} g, its entries {moved_g}")
    if earned != line["amount"]:
        raise NotProven(f"the line of {act} says {line['amount']}, its entries give {earned}")


def _serials_of(entry: dict[str, Any], fleet_id: str) -> str:
    block = f"{fleet_id}/{entry['edition']}/{entry['month']}"
    return f"{block}/{entry['serial_from']}-{entry['serial_until']}"


def _escaped(name: str) -> str:
    """A name as part of another name."""
    return name.replace("%", "%25").replace("/", "%2F")


def _check_evidence(account: dict[str, Any], statement: dict[str, Any]) -> None:
    if account["month"] != statement["month"] or account["driver_id"] != statement["driver_id"]:
        raise NotProven("an account is of another month or driver")


def _read(path: str) -> Any:
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def main(arguments: Sequence[str]) -> int:
    """Check a file and say what was found; 0 if everything holds, 1 if not, 2 for wrong usage."""
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write("usage: checker.py FILE [KEY_ID or KEYS.json]\n")
        return 2
    key_id = arguments[1] if len(arguments) > 1 else None
    is_list = key_id is not None and key_id.endswith(".json")
    try:
        document, *lists = map(_read, arguments if is_list else arguments[:1])
    except (OSError, ValueError) as failure:
        sys.stderr.write(f"cannot be read: {failure}\n")
        return 1
    found = check_statement(document, None if is_list else key_id, lists[0] if lists else None)
    for line in found.problems or [f"proven: {one}" for one in found.proven]:
        sys.stdout.write(f"{line}\n")
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
