"""Where the traces lie: immutable files under their digest, in a folder or in an object store."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.storage.failures import bucket_missing, failures_named, missing
from fleet_carbon.storage.files import (
    PARTIAL_SUFFIX,
    digest_of_file,
    make_folder,
    partial_path,
    put_in_place,
)

# One request each: an object store answers hundreds of small ones ten times slower.
_CHUNK_BYTES = 8 << 20
# A dead store is given up after about half a minute: three attempts.
_CONNECT_S_MAX = 3
_SILENCE_S_MAX = 10
_ATTEMPTS = 3
_OPTIONS = ("endpoint_override", "scheme", "region", "force_virtual_addressing", "tls_ca_file_path")


@dataclass(frozen=True)
class BlobInfo:
    """One file of the store.

    Attributes
    ----------
    name : str
        Its name, with ``/`` between folders.
    size_bytes : int
        Size. [byte]
    modified_at : datetime
        When it was put there, aware UTC, by the clock of the store.
    """

    name: str
    size_bytes: int
    modified_at: datetime


def open_blobs(traces_url: str | None, home: Path, *, fleet_id: str) -> BlobFolder:
    """Open where the traces of a fleet lie; nothing is read or made before it is needed.

    Parameters
    ----------
    traces_url : str or None
        ``file:///absolute/path`` or ``s3://bucket/prefix?region=...&endpoint_override=...``, with
        the options that `pyarrow.fs.FileSystem.from_uri` understands; None is ``home/traces``.
        Keys never stand in it: the client reads them from its own environment and profile.
    home : Path
        Folder of the records; partial files of an object store are written there.
    fleet_id : str
        The fleet, which sees no other.

    Raises
    ------
    InputRefused
        If the URL is of another kind, malformed, or holds credentials.
    """
    here = home / "traces" / fleet_id
    if traces_url is None:
        return LocalBlobs(here)
    parts = _parts_of(traces_url)
    if parts.scheme == "file":
        return LocalBlobs(Path(unquote(parts.path)) / fleet_id)
    options = dict(parse_qsl(parts.query))
    prefix = unquote(parts.path).strip("/")
    return ObjectStoreBlobs(
        parts.netloc, "/".join(filter(None, (prefix, fleet_id))), scratch=here, options=options
    )


def _parts_of(traces_url: str) -> SplitResult:
    """The URL in parts. What is refused is not repeated: it may hold a secret."""
    parts = urlsplit(traces_url)
    if "@" in parts.netloc or any(
        re.search(r"key|secret|token|password", name) for name, _ in parse_qsl(parts.query)
    ):
        raise InputRefused(
            "traces_url_with_secret",
            "The URL of the trace store holds credentials, which end up in logs and histories.",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile in ~/.aws instead.",
        )
    is_file = parts.scheme == "file" and parts.netloc in ("", "localhost") and bool(parts.path)
    if not (is_file or (parts.scheme == "s3" and parts.netloc)):
        raise InputRefused(
            "traces_url_unsupported",
            f"The trace store {traces_url!r} is not supported by this version.",
            "Supported are file:///absolute/path and s3://bucket/prefix, also of other stores"
            " that speak S3; without it the home folder holds the traces.",
        )
    unknown = [name for name, _ in parse_qsl(parts.query) if is_file or name not in _OPTIONS]
    if unknown:
        raise InputRefused(
            "traces_url_option_unknown",
            f"The URL of the trace store has the unknown option {unknown[0]!r}.",
            f"An s3:// URL may have: {', '.join(_OPTIONS)}; a file:// URL has none.",
        )
    return parts


class BlobFolder(ABC):
    """Immutable files under names that hold their digest; other processes may open it again.

    Attributes
    ----------
    url : str
        Where it is, without secrets.
    scratch : Path
        Local folder in which partial files are written.
    """

    url: str
    scratch: Path

    def new_partial(self) -> Path:
        """A fresh, empty local file to write into before the name is known."""
        with failures_named(str(self.scratch)):
            return partial_path(make_folder(self.scratch))

    def put(self, partial: Path, name: str) -> None:
        """Give a finished file its name; on return it is durable, and `partial` is gone.

        The same bytes may be put again; other bytes never take their place.

        Raises
        ------
        FleetCarbonError
            If the store refuses, is full, does not answer, or has other bytes of that name.
        """
        place = self.path_of(name)
        with failures_named(place):
            found = self._find(name)
            if found is None:
                self._place(partial, name)
            elif found.size_bytes != partial.stat().st_size or (
                self.digest(name) != digest_of_file(partial)
            ):
                raise FleetCarbonError(
                    "segment_differs",
                    f"{place} has other bytes than its name says.",
                    "Run `fleet-carbon traces verify`; restore the file from a backup.",
                )
            partial.unlink(missing_ok=True)

    @abstractmethod
    def open(self, name: str) -> pa.NativeFile:
        """Open a file to read any part of it.

        Raises
        ------
        NotFound
            If there is none of that name.
        FleetCarbonError
            If the store refuses or does not answer, now or while it is read.
        """

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        with failures_named(self.path_of(name)):
            return self._find(name) is not None

    def size(self, name: str) -> int:
        """Size of a file. [byte]"""
        with failures_named(self.path_of(name)):
            found = self._find(name)
        if found is None:
            raise missing(self.path_of(name))
        return found.size_bytes

    def digest(self, name: str) -> str:
        """SHA-256 of the bytes that are there, hexadecimal, in constant memory."""
        found = hashlib.sha256()
        with failures_named(self.path_of(name)), self.open(name) as source:
            while chunk := source.read(_CHUNK_BYTES):
                found.update(chunk)
        return found.hexdigest()

    @abstractmethod
    def names(self, prefix: str = "") -> Iterator[BlobInfo]:
        """The files whose names begin with the prefix, in order of name; none that is partial."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no fault."""

    @abstractmethod
    def path_of(self, name: str) -> str:
        """Where a file is, for people."""

    @abstractmethod
    def _find(self, name: str) -> BlobInfo | None:
        """The file of that name, if there is one."""

    @abstractmethod
    def _place(self, partial: Path, name: str) -> None:
        """Store the file under a name that is free."""


class LocalBlobs(BlobFolder):
    """Files in a folder of this machine, on one file system with their partial files."""

    def __init__(self, folder: Path) -> None:
        self.url = folder.as_uri()
        self.scratch = folder

    def open(self, name: str) -> pa.NativeFile:
        """Open a file; not mapped, for a mapped file that gets shorter ends the process."""
        with failures_named(self.path_of(name)):
            return pa.OSFile(self.path_of(name))

    def names(self, prefix: str = "") -> Iterator[BlobInfo]:
        """The files whose names begin with the prefix, in order of name; none that is partial."""
        with failures_named(str(self.scratch)):
            for path in sorted((self.scratch / prefix.rpartition("/")[0]).rglob("*")):
                name = path.relative_to(self.scratch).as_posix()
                if not name.startswith(prefix) or name.endswith(PARTIAL_SUFFIX):
                    continue
                found = self._find(name)
                if found is not None:
                    yield found

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no fault."""
        with failures_named(self.path_of(name)):
            (self.scratch / name).unlink(missing_ok=True)

    def path_of(self, name: str) -> str:
        """Where a file is, for people."""
        return str(self.scratch / name)

    def _find(self, name: str) -> BlobInfo | None:
        path = self.scratch / name
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not path.is_file():
            return None
        return BlobInfo(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def _place(self, partial: Path, name: str) -> None:
        put_in_place(partial, self.scratch / name)


class ObjectStoreBlobs(BlobFolder):
    """Objects in a bucket of a store that speaks S3.

    An object is there when its upload is complete, so a broken connection or a killed process
    leaves none.
    """

    def __init__(self, bucket: str, prefix: str, *, scratch: Path, options: dict[str, str]) -> None:
        self.url = f"s3://{bucket}/{prefix}"
        self.scratch = scratch
        self._bucket = bucket
        self._root = f"{bucket}/{prefix}"
        self._options = options
        self._connected: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs; it connects by itself."""
        return {**vars(self), "_connected": None}

    @property
    def _store(self) -> Any:
        # A forked process must not talk over the connections of its parent.
        if self._connected is None or self._connected[0] != os.getpid():
            self._connected = (os.getpid(), _client(self._options))
        return self._connected[1]

    def open(self, name: str) -> pa.NativeFile:
        """Open a file; what fails while it is read is named, too."""
        with failures_named(self.path_of(name)):
            try:
                source = self._store.open_input_file(self._key(name))
            except FileNotFoundError:
                self._require_bucket()
                raise
        return pa.PythonFile(_NamedReader(source, self.path_of(name)), mode="r")

    def names(self, prefix: str = "") -> Iterator[BlobInfo]:
        """The files whose names begin with the prefix, in order of name; none that is partial."""
        for info in sorted(self._listed(prefix), key=lambda info: str(info.path)):
            name = str(info.path).removeprefix(f"{self._root}/")
            if info.is_file and name.startswith(prefix):
                yield BlobInfo(name, int(info.size), info.mtime)

    def _listed(self, prefix: str) -> list[Any]:
        folder = self._key(prefix.rpartition("/")[0]).rstrip("/")
        with failures_named(self.url):
            try:
                return list(self._store.get_file_info(fs.FileSelector(folder, recursive=True)))
            except FileNotFoundError:
                self._require_bucket()
                return []

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no fault."""
        with failures_named(self.path_of(name)):
            try:
                self._store.delete_file(self._key(name))
            except FileNotFoundError:
                self._require_bucket()

    def path_of(self, name: str) -> str:
        """Where a file is, for people."""
        return f"{self.url}/{name}"

    def _key(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _require_bucket(self) -> None:
        """A missing bucket looks like a missing object, and must not pass for an empty store."""
        if self._store.get_file_info(self._bucket).type == fs.FileType.NotFound:
            raise bucket_missing(self.url)

    def _find(self, name: str) -> BlobInfo | None:
        info = self._store.get_file_info(self._key(name))
        if not info.is_file:
            self._require_bucket()
            return None
        return BlobInfo(name, int(info.size), info.mtime)

    def _place(self, partial: Path, name: str) -> None:
        size_bytes = partial.stat().st_size
        try:
            with (
                partial.open("rb") as source,
                self._store.open_output_stream(self._key(name)) as target,
            ):
                shutil.copyfileobj(source, target, _CHUNK_BYTES)
        finally:
            # Whatever broke it off, closing the stream completed the upload with what was sent.
            is_torn = self._discard_torn(name, size_bytes)
        if is_torn:
            raise OSError(errno.EIO, "the store kept another number of bytes than it was given")

    def _discard_torn(self, name: str, size_bytes: int) -> bool:
        """Whether the object is not there as a whole; what is there of it is removed."""
        with suppress(OSError):
            found = self._store.get_file_info(self._key(name))
            if not found.is_file or found.size == size_bytes:
                return not found.is_file
            self._store.delete_file(self._key(name))
        return True


class _NamedReader:
    """A file of an object store as Python sees it: its failures are the named ones."""

    def __init__(self, source: Any, place: str) -> None:
        self._source = source
        self._place = place

    @property
    def closed(self) -> bool:
        return bool(self._source.closed)

    def read(self, count: int = -1) -> bytes:
        with failures_named(self._place):
            found: bytes = self._source.read(None if count < 0 else count)
            return found

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._source.seek(offset, whence))

    def tell(self) -> int:
        return int(self._source.tell())

    def close(self) -> None:
        self._source.close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _client(options: dict[str, str]) -> Any:
    """A client of the store; it reads credentials from its own environment and profile."""
    given: dict[str, Any] = dict(options)
    if "force_virtual_addressing" in given:
        given["force_virtual_addressing"] = given["force_virtual_addressing"].lower() == "true"
    return fs.S3FileSystem(
        **given,
        connect_timeout=_CONNECT_S_MAX,
        request_timeout=_SILENCE_S_MAX,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        allow_delayed_open=True,  # one request for a small object instead of three
        background_writes=False,  # or what a slow store has not taken yet piles up in memory
    )
