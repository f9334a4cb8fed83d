"""Write an archive: a zip file whose bytes depend on nothing but what is put into it.

Nothing is sought back to, and no more than a piece of a member is held. The digest of every
member is known when it ends; the last 64 bytes of the file are the SHA-256 of those before.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from fleet_carbon.ledger.archive_checker import MANIFEST, row_bytes
from fleet_carbon.ledger.checker import canonical

_LEVEL = 1  # of 9: the next ones take twice as long for a tenth of the bytes
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o644
_PIECE_BYTES = 1 << 20
_PLACE_OF_DIGEST = b"0" * 64


class ArchiveWriter:
    """The members of an archive, put in one after the other.

    Parameters
    ----------
    stream : binary stream
        Only written to.

    Attributes
    ----------
    members : list of dict
        `name`, `sha256`, `size_bytes` of each so far, and `rows_count` where it holds rows.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._sealed = _Sealed(stream)
        self._zip = zipfile.ZipFile(cast("IO[bytes]", self._sealed), "w")
        self.members: list[dict[str, Any]] = []

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._sealed.is_open = False  # what was not finished has no end, and gets none
        self._zip.close()

    def add_rows(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        """A member of JSON rows, each with its digest."""
        self.add(name, (row_bytes(row) + b"\n" for row in rows))

    def add_file(self, name: str, path: Path) -> None:
        """A member with the bytes of a file."""
        with path.open("rb") as source:
            self.add(name, iter(lambda: source.read(_PIECE_BYTES), b""))

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """A member of pieces; of one that holds rows each piece is a row."""
        digest, size_bytes, rows_count = hashlib.sha256(), 0, 0
        with self._zip.open(_info(name), "w", force_zip64=True) as member:
            for together in _joined(pieces):
                content = b"".join(together)
                member.write(content)
                digest.update(content)
                size_bytes += len(content)
                rows_count += len(together)
        self.members.append(
            {
                "name": name,
                "sha256": digest.hexdigest(),
                "size_bytes": size_bytes,
                "rows_count": rows_count if name.endswith(".jsonl") else None,
            }
        )

    def finish(self, manifest: dict[str, Any]) -> str:
        """Put in the manifest, and end the file; gives the SHA-256 of its bytes."""
        with self._zip.open(_info(MANIFEST), "w") as member:
            member.write(canonical(manifest) + b"\n")
        self._zip.comment = _PLACE_OF_DIGEST
        self._zip.close()
        return self._sealed.end()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EARLIEST)
    info.compress_type = zipfile.ZIP_DEFLATED
    info._compresslevel = _LEVEL  # type: ignore[attr-defined]  # has no other name in Python 3.11
    info.create_system = _UNIX
    info.external_attr = _MODE << 16
    return info


def _joined(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Small pieces together: packing them one by one would take twice the time."""
    together: list[bytes] = []
    size_bytes = 0
    for piece in pieces:
        together.append(piece)
        size_bytes += len(piece)
        if size_bytes >= _PIECE_BYTES:
            yield together
            together, size_bytes = [], 0
    if together:
        yield together


class _Sealed:
    """A stream whose last bytes are the digest of those before."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._held = b""
        self.is_open = True

    def write(self, content: bytes) -> int:
        """Pass on all but what may be the place of the digest."""
        if not self.is_open:
            return len(content)
        self._held += content
        passed, self._held = self._held[: -len(_PLACE_OF_DIGEST)], self._held[-64:]
        self._digest.update(passed)
        self._stream.write(passed)
        return len(content)

    def flush(self) -> None:
        """What is held stays held, and the stream is its owner's to flush."""

    def end(self) -> str:
        """Write the digest in its place; gives that of the whole file."""
        seal = self._digest.hexdigest().encode()
        self._stream.write(seal)
        self._digest.update(seal)
        return self._digest.hexdigest()
