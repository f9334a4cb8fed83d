"""Take the signed statement out of the PDF it was attached to; of a PDF nothing else is read."""

from __future__ import annotations

import re
import zlib

STATEMENT_BYTES_MAX = 8 << 20
_EMBEDDED = re.compile(rb"/EmbeddedFile\b")
_BEGINS = re.compile(rb"stream\r?\n")
_LENGTH = re.compile(rb"/Length (\d{1,9})\b")
# The entries that say what an embedded file is are shorter than that, before and after its type.
_ENTRIES_BYTES_MAX = 600


def is_pdf(content: bytes) -> bool:
    """Whether a file says of itself that it is a PDF."""
    return content.startswith(b"%PDF-")


def attached_statement(pdf: bytes) -> bytes | None:
    """The JSON document that is attached to a PDF; None if there is none, or one too long.

    Parameters
    ----------
    pdf : bytes
        From anybody; a document that swells is left off at `STATEMENT_BYTES_MAX`.
    """
    for found in _EMBEDDED.finditer(pdf):
        at = found.start()
        begins = _BEGINS.search(pdf, at, at + _ENTRIES_BYTES_MAX)
        if begins is None:
            continue
        object_at = max(pdf.rfind(b"obj", max(0, at - _ENTRIES_BYTES_MAX), at), 0)
        content = _unpacked(pdf, begins.end(), entries=pdf[object_at : begins.start()])
        if content.lstrip().startswith(b"{"):
            return content
    return None


def _unpacked(pdf: bytes, begin: int, *, entries: bytes) -> bytes:
    """What stands in a stream, which may be deflated; nothing if it cannot be told."""
    if b"/FlateDecode" not in entries:
        length = _LENGTH.search(entries)
        return pdf[begin : begin + int(length[1])] if length else b""
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(pdf[begin:], STATEMENT_BYTES_MAX)
    except zlib.error:
        return b""
    return content if unpacking.eof else b""
