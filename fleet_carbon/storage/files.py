"""Files on disk: written whole or not at all, named by their digest, and catalogued."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, TypeAlias

from sqlalchemy import insert, select

from fleet_carbon import frames
from fleet_carbon.errors import FleetCarbonError, InputRefused, Rejection
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction

ReceptionNumber: TypeAlias = int
"""One ingest of one file, counted from 1 within a fleet."""
RowCount: TypeAlias = int
RowNumber: TypeAlias = int
"""The place of a row in a table that only grows, counted from 1 within a fleet."""

# Still in the cache of the processor when it is hashed, and so much that a thread which copies
# beside others asks for its turn seldom.
_COPY_BYTES = 1 << 22
PARTIAL_SUFFIX = ".partial"
_READ_BY_ALL = 0o644
"""End of the name of a file that is being written; one left behind was never named anywhere."""


@dataclass(frozen=True)
class ReceivedFile:
    """A file as it was received and kept.

    Attributes
    ----------
    file_id, digest_sha256 : str
        SHA-256 of the bytes; the same bytes are the same file.
    name : str
        Name the user gave it this time.
    size_bytes : int
        Size. [byte]
    path : Path
        Where the kept bytes are.
    kind : str
        What it was ingested as.
    received_at : datetime
        Moment of this arrival, aware.
    options_text : str
        How it was read, as JSON text.
    """

    file_id: str
    digest_sha256: str
    name: str
    size_bytes: int
    path: Path
    kind: str
    received_at: datetime
    options_text: str = "{}"


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _GivenUp(Exception):
    """Nobody wants the copy any more."""


def _copied(path: Path, target: Path, is_given_up: Callable[[], bool]) -> tuple[str, int]:
    """Copy a file; digest and size are of the bytes written, for it may change meanwhile."""
    digest, size_bytes = hashlib.sha256(), 0
    block = memoryview(bytearray(_COPY_BYTES))
    with path.open("rb", buffering=0) as source, target.open("wb", buffering=0) as copy:
        while length := source.readinto(block):
            if is_given_up():
                raise _GivenUp
            left = block[:length]
            digest.update(left)
            size_bytes += length
            while left:  # of a nearly full disk less may be taken than was given
                left = left[copy.write(left) :]
    return digest.hexdigest(), size_bytes


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> Path:
    """Make a folder and its parents, each so that it survives a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    return folder


def partial_path(folder: Path) -> Path:
    """A fresh, empty file in the folder to write into before the name is known."""
    handle, name = tempfile.mkstemp(dir=folder, suffix=PARTIAL_SUFFIX)
    os.close(handle)
    return Path(name)


def put_in_place(partial: Path, target: Path) -> None:
    """Give a finished file its name: bytes on disk first, then the name, then the folder.

    Raises
    ------
    OSError
        If the disk refuses; then the name is not there.
    """
    with partial.open("rb+") as stream:
        os.fsync(stream.fileno())
    partial.chmod(_READ_BY_ALL)
    _give_name(partial, target)


def put_bytes(content: memoryview, target: Path, *, partial_folder: Path) -> None:
    """Give bytes that are all there a name, as `put_in_place` does, with the file opened once.

    Raises
    ------
    OSError
        If the disk refuses; then the name is not there.
    """
    handle, name = tempfile.mkstemp(dir=make_folder(partial_folder), suffix=PARTIAL_SUFFIX)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(handle, _READ_BY_ALL)
            os.fsync(handle)
        _give_name(Path(name), target)
    finally:
        Path(name).unlink(missing_ok=True)


def _give_name(partial: Path, target: Path) -> None:
    make_folder(target.parent)
    partial.rename(target)
    sync_folder(target.parent)


@contextmanager
def written_whole(target: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when the block has ended well."""
    make_folder(target.parent)
    partial = partial_path(target.parent)
    try:
        with partial.open("wb") as stream:
            yield stream
        put_in_place(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read and that survives a power cut.

    Raises
    ------
    FileExistsError
        If there is a file of the name: no secret is overwritten.
    """
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    with os.fdopen(os.open(path, flags, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)


def _options_text(options: Mapping[str, str | None]) -> str:
    return json.dumps(dict(options), sort_keys=True, ensure_ascii=False)


class ReceivedFiles:
    """The files that were received, by digest, each kept once."""

    def __init__(self, transaction: Transaction, home: Path) -> None:
        self._transaction = transaction
        self._folder = home / "files"
        self._rejections = home / "rejections" / transaction.fleet_id
        self._known: set[str] = set()
        self._recorded: set[str] = set()
        self._placed: set[str] = set()
        self._receptions: dict[ReceivedFile, ReceptionNumber] = {}

    def keep(
        self,
        path: Path,
        kind: str,
        received_at: datetime,
        *,
        options: Mapping[str, str | None] | None = None,
    ) -> ReceivedFile:
        """Keep the bytes of a file and note that they were received.

        Parameters
        ----------
        path : Path
            The file as the user gave it.
        kind : str
            What it is ingested as, such as ``positions``.
        received_at : datetime
            Aware moment of arrival.
        options : mapping of str to str, optional
            How it is read, such as its coordinate system and time zone.

        Raises
        ------
        InputRefused
            If the file cannot be read.
        """
        with self.keep_beside(path, kind, received_at, options=options) as kept:
            return kept()

    @contextmanager
    def keep_beside(
        self,
        path: Path,
        kind: str,
        received_at: datetime,
        *,
        options: Mapping[str, str | None] | None = None,
    ) -> Iterator[Callable[[], ReceivedFile]]:
        """Keep the bytes of a file while it is read: a long one takes as long to copy as to read.

        Whoever asks for the received file waits until it is kept. Left by an error, the bytes are
        removed, unless they were kept before this unit of work; if the file could not be copied,
        that is the error.

        Parameters and errors as of `keep`.
        """
        given_up = threading.Event()
        with ThreadPoolExecutor(1, "keeping") as thread:
            copied = thread.submit(self._stored, path, given_up.is_set)

            @cache
            def kept() -> ReceivedFile:
                digest, size_bytes = copied.result()
                received = ReceivedFile(
                    file_id=digest,
                    digest_sha256=digest,
                    name=path.name,
                    size_bytes=size_bytes,
                    path=self.path_of(digest),
                    kind=kind,
                    received_at=received_at,
                    options_text=_options_text(options or {}),
                )
                self._transaction.when_begun(lambda: self._record(received))
                return received

            is_wanted = False
            try:
                yield kept
                is_wanted = True
            except FleetCarbonError:
                given_up.set()
                refusal = copied.exception()
                if isinstance(refusal, InputRefused):
                    raise refusal from None
                raise
            finally:
                if not is_wanted:
                    given_up.set()
                    self._discard(copied)

    def _discard(self, copied: Future[tuple[str, int]]) -> None:
        """Remove the bytes of a copy, unless they were kept before this unit of work."""
        if copied.exception() is None:
            digest, _ = copied.result()
            if digest in self._placed:
                self._placed.discard(digest)
                self.path_of(digest).unlink(missing_ok=True)

    def remove_for_good(self, file_id: str) -> None:
        """Remove the bytes of a file and the list of its refused rows; its record stays."""
        self.path_of(file_id).unlink(missing_ok=True)
        for path in self._rejections.glob(f"*-{file_id[:12]}.csv"):
            path.unlink(missing_ok=True)

    def was_known(self, received: ReceivedFile) -> bool:
        """Whether the same bytes were on record before this unit of work."""
        self._transaction.begin()  # which looks up what was received before
        return received.file_id in self._known

    def reception_of(self, received: ReceivedFile) -> ReceptionNumber:
        """The number of this ingest of the file."""
        self._transaction.begin()  # which gives it one
        return self._receptions[received]

    def count(
        self,
        received: ReceivedFile,
        *,
        accepted: RowCount,
        duplicate: RowCount,
        rejected: RowCount,
    ) -> None:
        """Record what became of the rows of this ingest of the file."""
        self._transaction.writing.execute(
            insert(tables.reception_counts).values(
                fleet_id=self._transaction.fleet_id,
                reception=self.reception_of(received),
                rows_accepted=accepted,
                rows_duplicate=duplicate,
                rows_rejected=rejected,
            )
        )

    def path_of(self, file_id: str) -> Path:
        """Where the bytes of a file are kept."""
        return self._folder / file_id[:2] / file_id

    def _record(self, received: ReceivedFile) -> None:
        self._record_file(received)
        if received in self._receptions:
            return
        number = self._transaction.next_sequence(tables.receptions)
        self._receptions[received] = number
        self._transaction.writing.execute(
            insert(tables.receptions).values(
                fleet_id=self._transaction.fleet_id,
                sequence=number,
                file_id=received.file_id,
                kind=received.kind,
                name=received.name,
                options=received.options_text,
                received_at=received.received_at,
            )
        )

    def _record_file(self, received: ReceivedFile) -> None:
        key = {"fleet_id": self._transaction.fleet_id, "file_id": received.file_id}
        on_record = select(tables.files.c.file_id).filter_by(**key)
        if received.file_id in self._recorded:
            return
        if self._transaction.writing.scalar(on_record) is not None:
            self._known.add(received.file_id)
            return
        self._recorded.add(received.file_id)
        self._transaction.writing.execute(
            insert(tables.files).values(
                **key,
                kind=received.kind,
                name=received.name,
                size_bytes=received.size_bytes,
                received_at=received.received_at,
            )
        )

    def _stored(self, path: Path, is_given_up: Callable[[], bool]) -> tuple[str, int]:
        make_folder(self._folder)
        partial = partial_path(self._folder)
        try:
            digest, size_bytes = _copied(path, partial, is_given_up)
            if not self.path_of(digest).exists():
                put_in_place(partial, self.path_of(digest))
                self._placed.add(digest)
            return digest, size_bytes
        except (FileNotFoundError, IsADirectoryError, PermissionError) as failure:
            raise InputRefused(
                "file_unreadable",
                f"{path} cannot be read: {failure.strerror}.",
                "Give the path of an existing file that you may read.",
            ) from failure
        finally:
            partial.unlink(missing_ok=True)

    def write_rejections(self, received: ReceivedFile, rejections: Iterable[Rejection]) -> Path:
        """Write the refused rows as a CSV file that a spreadsheet opens.

        UTF-8 with a byte order mark, without which spreadsheets misread Chinese text.
        """
        target = self.rejections_path(received.name, received.file_id)
        with written_whole(target) as stream:
            stream.write("\ufeff".encode())
            columns = frames.REJECTIONS.names
            rows = csv.DictWriter(_Encoded(stream), columns)
            rows.writeheader()
            rows.writerows(rejection.as_dict() for rejection in rejections)
        return target

    def rejections_path(self, name: str, file_id: str) -> Path:
        """Where the refused rows of a file that had that name are kept, if there were any."""
        return self._rejections / f"{Path(name).stem}-{file_id[:12]}.csv"

    def verify(self) -> list[str]:
        """Name every received file whose bytes are missing or have changed."""
        problems: list[str] = []
        on_record = select(tables.files.c.file_id, tables.files.c.name).where(
            tables.files.c.fleet_id == self._transaction.fleet_id
        )
        found = self._transaction.reading.execute(on_record.order_by(tables.files.c.file_id))
        for file_id, name in found.all():
            path = self.path_of(file_id)
            if not path.exists():
                problems.append(f"Received file {name} is missing: expected at {path}.")
            elif digest_of_file(path) != file_id:
                problems.append(f"Received file {name} was changed: {path} has another digest.")
        return problems


class _Encoded:
    """What the csv module writes to: text in, UTF-8 out."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write one line."""
        return self._stream.write(text.encode("utf-8"))
