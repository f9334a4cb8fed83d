"""The body of a request: unpacked into a file, within its limits, of a type that is known."""

from __future__ import annotations

import gzip
import hashlib
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import pyarrow as pa
from flask import current_app, g, request

from fleet_carbon.errors import InputRefused

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Body:
    """What was sent.

    Attributes
    ----------
    path : Path
        Its unpacked bytes, in a folder that is gone when the request is answered.
    media_type : str
        Without parameters.
    digest_sha256 : str
        Of the unpacked bytes.
    """

    path: Path
    media_type: str
    digest_sha256: str


def held_body(media_types: tuple[str, ...], bytes_max: int) -> bytes | None:
    """The body of the request in memory, if it is small and not packed; else None.

    What was read here is written to a file by `received_body`, if it is asked for after all.

    Raises
    ------
    InputRefused
        ``media_type_unsupported``.
    """
    _media_type(media_types)
    length = request.content_length
    if request.content_encoding or length is None or length > bytes_max:
        return None
    g.held_body = content = _whole(length)
    return content


def _whole(length: int) -> bytes:
    """All of the body at once: piece by piece every piece is copied several times.

    Raises
    ------
    ClientDisconnected
        If less than that comes.
    """
    content: bytes = request.stream.read(length)
    while len(content) < length:
        content += request.stream.read(length - len(content))
    return content


def _media_type(media_types: tuple[str, ...]) -> str:
    media_type = request.mimetype
    if media_type not in media_types:
        raise InputRefused(
            "media_type_unsupported",
            f"The body is declared as {media_type or 'nothing'}.",
            f"Send one of {', '.join(media_types)}, and say which in Content-Type.",
        )
    return media_type


@contextmanager
def received_body(media_types: tuple[str, ...]) -> Iterator[Body]:
    """The body of the request as a file.

    Parameters
    ----------
    media_types : tuple of str
        What is taken.

    Raises
    ------
    InputRefused
        ``media_type_unsupported``, ``body_too_large`` or ``body_unreadable``.
    """
    media_type = _media_type(media_types)
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-request-") as folder:
        path = Path(folder) / "body"
        yield Body(path, media_type, _unpacked(path))


def unpack_held() -> None:
    """Unpack the body of the request, if it is packed, for whoever asks for it afterwards.

    Raises
    ------
    InputRefused
        ``body_too_large``, ``body_unreadable`` or ``media_type_unsupported``.
    """
    if (request.content_encoding or "identity").lower() == "identity":
        return
    limit_bytes = request.max_content_length or current_app.config["SETTINGS"].request_bytes_max
    content = b"".join(_blocks(limit_bytes))
    request._cached_data = content  # what `get_data` and `get_json` give from now on


def _unpacked(path: Path) -> str:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("wb") as target:
        for block in _blocks(current_app.config["SETTINGS"].request_unpacked_bytes_max):
            size_bytes += len(block)
            digest.update(block)
            target.write(block)
    is_packed = (request.content_encoding or "identity").lower() != "identity"
    if not is_packed and size_bytes < (request.content_length or 0):
        raise InputRefused(
            "body_unreadable",
            f"Of {request.content_length:,} bytes that were announced {size_bytes:,} came.",
            "Send it again.",
        )
    return digest.hexdigest()


def _blocks(limit_bytes: int) -> Iterator[bytes]:
    """The body piece by piece, unpacked; what becomes too large is refused."""
    size_bytes = 0
    try:
        with _stream() as stream:
            while block := stream.read(_BLOCK_BYTES):
                size_bytes += len(block)
                if size_bytes > limit_bytes:
                    raise InputRefused(
                        "body_too_large",
                        f"The body unpacks to more than {limit_bytes:,} bytes.",
                        "Send it in parts.",
                    )
                yield block
    except (OSError, EOFError, zlib.error) as broken:
        if isinstance(broken, OSError) and broken.errno is not None:
            raise
        raise InputRefused(
            "body_unreadable",
            f"The body cannot be unpacked as {request.content_encoding}: {broken}",
            "Send it again, or without Content-Encoding.",
        ) from broken


@contextmanager
def _stream() -> Iterator[IO[bytes]]:
    encoding = (request.content_encoding or "identity").lower()
    sent = io.BytesIO(g.held_body) if "held_body" in g else request.stream
    if encoding == "identity":
        yield sent
    elif encoding == "gzip":
        yield cast(IO[bytes], gzip.GzipFile(fileobj=sent))
    elif encoding == "zstd":
        # It refuses a body that ends in the middle of a frame; other readers take half for whole.
        with pa.CompressedInputStream(pa.PythonFile(sent, mode="r"), "zstd") as reader:
            yield cast(IO[bytes], reader)
    else:
        raise InputRefused(
            "media_type_unsupported",
            f"The body is packed with {encoding}.",
            "Pack it with gzip or zstd, or not at all.",
        )


def json_object(body: Body) -> dict[str, Any]:
    """The body as the one JSON object that it is.

    Raises
    ------
    InputRefused
        ``json_unreadable``.
    """
    try:
        return msgspec.json.decode(body.path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as failure:
        raise InputRefused(
            "json_unreadable",
            f"The body is no JSON object: {failure}",
            "Send one object with the fields of the documentation.",
        ) from failure
