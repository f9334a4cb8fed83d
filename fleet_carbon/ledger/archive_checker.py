"""Check an exported archive offline; together with `checker` it runs as one file by itself.

An archive is a zip file. Its last member, ``manifest.json``, is signed and has the SHA-256 of
every other one; the comment of the file is the SHA-256 of all bytes before it. ``entries.jsonl``
has the bytes that an entry's hash is of, a line each; rows of other ``.jsonl`` members have a
`sha256` of their own.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from fleet_carbon.ledger.checker import (
    Checkpoint,
    Findings,
    NotProven,
    canonical,
    check_entry,
    check_figures,
    check_listed,
    check_signature,
    check_trust,
    leaf_hash,
    main,
    node_hash,
    read_checkpoint,
    read_keys,
    refuse_revoked,
)

ARCHIVE_FORMAT = "fleet-carbon archive 1"
MANIFEST, ENTRIES, PATHS, CHECKPOINTS = (
    "manifest.json",
    "entries.jsonl",
    "proofs.jsonl",
    "checkpoints.jsonl",
)
_START = "0" * 64
_TILE_LEVEL = 10
_DIGEST_DIGITS = 64
_READ_BYTES = 1 << 20
_FAULTS_MAX = 100
# What a damaged zip file makes its reader say.
_DAMAGED = (
    OSError, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError, OverflowError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class GrowingTree:
    """The Merkle tree of RFC 6962 as it grows: the roots of its complete parts, largest first."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Put one more leaf at the end."""
        level, found = 0, leaf_hash(leaf)
        while self._parts and self._parts[-1][0] == level and level < _TILE_LEVEL:
            found = node_hash(self._parts.pop()[1], found)
            level += 1
        self._parts.append((level, found))
        if level == _TILE_LEVEL:
            self._tile = found
            self._merge_tiles()

    def newest_tile(self) -> bytes:
        """Root of the newest part of 1024 leaves."""
        return self._tile

    def root(self) -> bytes:
        """Root over the leaves until now; there must be one."""
        *others, (_, found) = self._parts
        for _, part in reversed(others):
            found = node_hash(part, found)
        return found

    def _merge_tiles(self) -> None:
        while len(self._parts) > 1 and self._parts[-1][0] == self._parts[-2][0]:
            level, right = self._parts.pop()
            _, left = self._parts.pop()
            self._parts.append((level + 1, node_hash(left, right)))


def row_bytes(row: dict[str, Any]) -> bytes:
    """A row of an archive as it is written: with the SHA-256 of the rest of it."""
    return canonical({**row, "sha256": hashlib.sha256(canonical(row)).hexdigest()})


class Archive:
    """An exported account or installation, opened; its manifest is checked first.

    Parameters
    ----------
    path : Path
        The file.
    trusted_key_id : str, optional
        Key that is known to be the operator's.
    key_list : optional
        The list of keys that the operator publishes; it tells which were revoked since.

    Attributes
    ----------
    manifest : dict
        What was signed.
    keys : list of PublicKey
        The keys of the ledger, the newest last: it signed the manifest.
    checkpoint : Checkpoint or None
        The newest one; None if the ledger is empty.

    Raises
    ------
    NotProven
        If it is no archive, or its manifest does not hold.
    """

    def __init__(self, path: Path, trusted_key_id: str | None = None, key_list: Any = None) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGED as wrong:
            raise NotProven(f"{path} is no archive, or a damaged one: {wrong}") from wrong
        try:
            content = b"".join(self.lines(MANIFEST))
            self.manifest: dict[str, Any] = json.loads(content)
            self._check_manifest(content, trusted_key_id, key_list)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise NotProven(f"{MANIFEST}: {wrong}") from wrong

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _check_manifest(self, content: bytes, trusted_key_id: str | None, key_list: Any) -> None:
        manifest = self.manifest
        if manifest["format"] != ARCHIVE_FORMAT:
            raise NotProven(f"the format is {manifest['format']!r}, expected {ARCHIVE_FORMAT!r}")
        if content != canonical(manifest) + b"\n":
            raise NotProven("it is not written as it must be")
        self.name = f"fleet-carbon/{manifest['fleet_id']}"
        self.keys = read_keys(manifest["keys"], self.name)
        note = manifest["checkpoint"]
        self.checkpoint = read_checkpoint(note, self.name, self.keys) if note else None
        check_signature(manifest, self.name, self.keys[-1])
        check_trust(self.keys, trusted_key_id)
        if key_list is not None:
            check_listed(self.keys, read_keys(key_list["notes"], self.name))
        if self.checkpoint is not None:
            refuse_revoked(self.checkpoint.key_id, self.keys)
        self._is_known = bool(trusted_key_id or key_list is not None)

    @property
    def is_whole(self) -> bool:
        """Whether it is of a whole ledger, not of one account."""
        return self.manifest["driver_id"] is None

    @property
    def members(self) -> list[str]:
        """Names of the members but the manifest, in their order."""
        return [one["name"] for one in self.manifest["members"]]

    def lines(self, member: str) -> Iterator[bytes]:
        """The lines of a member as they are, unchecked; a file of bytes comes in pieces."""
        number = 0
        try:
            info = self._zip.getinfo(member)
            if info.compress_type != zipfile.ZIP_DEFLATED or info.flag_bits & 1:
                raise NotProven(f"{member} is packed in another way")
            info.CRC = None  # type: ignore[assignment]  # the digests say more, and where
            with io.BufferedReader(self._zip.open(info), _READ_BYTES) as stream:  # type: ignore[type-var]
                for line in stream:
                    yield line
                    number += 1
        except _DAMAGED as failure:
            if isinstance(failure, NotProven):
                raise
            raise NotProven(f"{member} cannot be read after row {number}") from failure

    def rows(self, member: str) -> Iterator[dict[str, Any]]:
        """The rows of a member; each has the content that its digest is of."""
        for number, line in enumerate(self.lines(member), start=1):
            row = _read_row(line)
            if row is None:
                raise NotProven(f"{member} row {number} was changed")
            yield row

    def entries(self) -> Iterator[dict[str, Any]]:
        """The entries, each with its hash."""
        for number, line in enumerate(self.lines(ENTRIES), start=1):
            body = line.removesuffix(b"\n")
            try:
                entry = json.loads(body)
                yield {**entry, "entry_hash": hashlib.sha256(body).hexdigest()}
            except (ValueError, TypeError, RecursionError) as wrong:
                raise NotProven(f"{ENTRIES} row {number} was changed") from wrong

    def faults(self) -> Iterator[str]:
        """Name every member and row that is not what was signed."""
        there = [one.filename for one in self._zip.infolist()]
        if there != [*self.members, MANIFEST]:
            yield "It has other members than its manifest says."
            return
        is_well = True
        for member in self.manifest["members"]:
            for fault in self._member_faults(member):
                is_well = False
                yield fault
        if is_well and not self._is_sealed():
            yield "The file was changed outside its members."

    def _member_faults(self, member: dict[str, Any]) -> Iterator[str]:
        name, digest, size_bytes = member["name"], hashlib.sha256(), 0
        is_named = False
        try:
            for number, line in enumerate(self.lines(name), start=1):
                digest.update(line)
                size_bytes += len(line)
                if size_bytes > member["size_bytes"]:
                    break
                if name.endswith(".jsonl") and name != ENTRIES and _read_row(line) is None:
                    is_named = True
                    yield f"{name} row {number} was changed."
            found = list(islice(self._ledger_faults(name), _FAULTS_MAX))
        except NotProven as wrong:
            found = [f"{wrong}."]
        yield from found
        if not (found or is_named) and digest.hexdigest() != member["sha256"]:
            yield f"{name} was changed: its digest is another."

    def _ledger_faults(self, name: str) -> Iterator[str]:
        if name == CHECKPOINTS:
            for number, row in enumerate(self.rows(name), start=1):
                if row["entries"] != self._signed(row, number).entries_count:
                    yield f"{name} row {number} covers another number of entries."
        elif name == ENTRIES:
            yield from self._chain_faults() if self.is_whole else self._path_faults()

    def _signed(self, row: dict[str, Any], number: int) -> Checkpoint:
        try:
            return read_checkpoint(row["note"], self.name, self.keys)
        except NotProven as wrong:
            raise NotProven(f"{CHECKPOINTS} row {number}: {wrong}") from wrong

    def _chain_faults(self) -> Iterator[str]:
        """Name rows that do not follow each other; if all do, checkpoints of other entries."""
        signed = [self._signed(row, at) for at, row in enumerate(self.rows(CHECKPOINTS), start=1)]
        tree, number, before, is_open, is_well = GrowingTree(), 0, _START, False, True
        differs = ""
        for line in self.lines(ENTRIES):
            number += 1
            body = line.removesuffix(b"\n")
            link = _previous_hash(body, number)
            if link != before and not is_open:
                is_open = True  # this row or the one before: the next one tells
            elif is_open:
                is_open = is_well = False
                yield f"{ENTRIES} row {number - 1 - (link == before)} was changed."
            hashed = hashlib.sha256(body)
            before = hashed.hexdigest()
            tree.add(hashed.digest())
            while signed and signed[0].entries_count <= number:
                if signed.pop(0).root != tree.root() and not differs:
                    differs = f"{ENTRIES}: a checkpoint was made of other rows until {number}."
        if is_open or not self._is_head(before):
            is_well = False
            # Where the end is as it was signed, it was the row before that was changed.
            yield f"{ENTRIES} row {number - (is_open and self._is_head(before))} was changed."
        if is_well and (signed or number != self.manifest["entries_count"]):
            yield f"{ENTRIES} has {number} rows, fewer or more than the checkpoint covers."
        elif is_well and differs:
            yield differs

    def _is_head(self, entry_hash: str) -> bool:
        """Whether the newest entry that was signed has this hash."""
        return entry_hash == (self.checkpoint.head_hash if self.checkpoint else _START)

    def _path_faults(self) -> Iterator[str]:
        """Name entries of an account that are not in the ledger, and figures that differ."""
        paths, is_well = self.rows(PATHS), True
        entries: list[dict[str, Any]] = []
        for number, entry in enumerate(self.entries(), start=1):
            row = next(paths, None)
            try:
                if row is None or self.checkpoint is None:
                    raise NotProven("has no path to a checkpoint")
                check_entry(entry, [bytes.fromhex(one) for one in row["path"]], self.checkpoint)
            except (ValueError, KeyError, TypeError) as wrong:
                is_well = False
                yield f"{ENTRIES} row {number}: {wrong}."
            entries.append({"entry": entry})
        if not is_well:
            return
        if len(entries) != self.manifest["entries_count"] or next(paths, None) is not None:
            yield f"{ENTRIES} has {len(entries)} rows, another number than was signed."
        names = [name for name in self.members if name.endswith("/accounts.jsonl")]
        accounts = [row for name in names for row in self.rows(name)]
        if any(row["driver_id"] != self.manifest["driver_id"] for row in accounts):
            yield "An account is of another driver."
        try:
            check_figures({"entries": entries, "accounts": accounts})
        except NotProven as wrong:
            yield f"{ENTRIES}: {wrong}."

    def _is_sealed(self) -> bool:
        """Whether the file ends with the digest of all that stands before."""
        digest, held = hashlib.sha256(), b""
        with self._path.open("rb") as stream:
            while block := stream.read(_READ_BYTES):
                held += block
                digest.update(held[:-_DIGEST_DIGITS])
                held = held[-_DIGEST_DIGITS:]
        return held == digest.hexdigest().encode()

    def proven(self) -> list[str]:
        """What is proven, in sentences, if there are no faults."""
        known = ", as expected" if self._is_known else "; compare it with the key that is published"
        whose = "the ledger" if self.is_whole else f"the account of {self.manifest['driver_id']}"
        what = f"{whose} of {self.manifest['fleet_id']}: {self.manifest['entries_count']} entries"
        if self.checkpoint is not None:
            covered = self.checkpoint.entries_count
            what += f", as the checkpoint of {self.checkpoint.made_at} over {covered} says"
        return [
            f"signed by the key {self.keys[-1].key_id}{known}",
            what,
            f"{len(self.members)} members have the digests that were signed",
        ]


def _read_row(line: bytes) -> dict[str, Any] | None:
    """The row of a line without its digest; None if it is not what its digest says."""
    try:
        row: dict[str, Any] = json.loads(line)
        content = {name: held for name, held in row.items() if name != "sha256"}
        return content if line == row_bytes(content) + b"\n" else None
    except (ValueError, AttributeError, RecursionError):
        return None


def _previous_hash(body: bytes, number: int) -> str:
    """The hash that an entry says it follows; empty if it is none, or of another place."""
    try:
        entry = json.loads(body)
        return str(entry["previous_hash"]) if entry["sequence"] == number else ""
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def check_archive(path: Path, trusted_key_id: str | None = None, key_list: Any = None) -> Findings:
    """Check an archive offline: members, keys, chain or paths, checkpoints, figures.

    Parameters
    ----------
    path : Path
        The file.
    trusted_key_id : str, optional
        Key that is known to be the operator's.
    key_list : optional
        The list of keys that the operator publishes.
    """
    try:
        with Archive(path, trusted_key_id, key_list) as archive:
            problems = list(islice(archive.faults(), _FAULTS_MAX))
            return Findings(problems, [] if problems else archive.proven())
    except NotProven as wrong:
        return Findings([f"Not proven: {wrong}."], [])
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        return Findings([f"Not an archive: {type(wrong).__name__} {wrong}."], [])


def is_archive(path: Path) -> bool:
    """Whether a file is meant to be an archive; others are JSON.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as stream:
        return stream.read(2) == b"PK" or zipfile.is_zipfile(path)


def main_of_all(arguments: Sequence[str]) -> int:
    """Check a file, whatever it is, and say what was found: as `main`."""
    try:
        if not 1 <= len(arguments) <= 2 or not is_archive(Path(arguments[0])):
            return main(arguments)
        known = arguments[1] if len(arguments) > 1 else None
        is_list = known is not None and known.endswith(".json")
        key_list = json.loads(Path(arguments[1]).read_bytes()) if is_list else None
    except (OSError, ValueError) as failure:
        sys.stderr.write(f"cannot be read: {failure}\n")
        return 1
    found = check_archive(Path(arguments[0]), None if is_list else known, key_list)
    for line in found.problems or [f"proven: {one}" for one in found.proven]:
        sys.stdout.write(f"{line}\n")
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main_of_all(sys.argv[1:]))
