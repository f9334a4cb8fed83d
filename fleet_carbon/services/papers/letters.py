"""Letters that the fonts of pages lack, cut for each page from a whole font.

The fonts of pages hold the characters of our own texts, which are on every page; names of people
and places have any of thirty thousand others, a few dozen of them on a page. A page tells its
browser of a font with just those. A browser whose system has Chinese letters does not fetch it.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_COLLECTED = Path(__file__).resolve().parents[2] / "_collected" / "assets"
_WHOLE = _COLLECTED / "fonts" / "NotoSansSC-Regular.ttf"
_HELD = _COLLECTED / "static" / "fonts" / "held.txt"
FAMILY = "Fleet Names"
# An address of so many letters is within what servers and proxies take for one.
LETTERS_MAX = 600
# The first letters that are none of Latin, Greek, Cyrillic and the like: what a system always has.
_FIRST = 0x2E80
# The format of the tables below: https://learn.microsoft.com/typography/opentype/spec/
_COPIED = ("OS/2", "name")
_WINDOWS, _UNICODE_FULL, _SEGMENTED_COVERAGE = 3, 10, 12
_WITHOUT_NAMES = 0x00030000
_CHECKSUM_OF_ALL = 0xB1B0AFBA
_TABLE_ENTRY = struct.Struct(">4sIII")
_WHOLE_U32 = 1 << 32


@dataclass(frozen=True)
class _Font:
    """A TrueType font as it lies there, and where its letters are in it."""

    tables: dict[str, memoryview]
    first: np.ndarray[Any, np.dtype[np.int64]]
    last: np.ndarray[Any, np.dtype[np.int64]]
    first_glyph: np.ndarray[Any, np.dtype[np.int64]]
    outlines_at: np.ndarray[Any, np.dtype[np.int64]]

    def glyph_of(self, code: int) -> int:
        """Number of the outline of a character; 0 if there is none."""
        at = int(np.searchsorted(self.first, code, "right")) - 1
        if at < 0 or code > self.last[at]:
            return 0
        return int(self.first_glyph[at]) + code - int(self.first[at])


def lacking(text: str) -> str:
    """The letters of a text that the fonts of pages do not hold and the whole font has, in order.

    Parameters
    ----------
    text : str
        A page.
    """
    if not _HELD.is_file():  # installed to be worked on, without what pages are drawn with
        return ""
    strange = {one for one in set(text) - _held() if ord(one) >= _FIRST}
    return "".join(sorted(one for one in strange if _whole().glyph_of(ord(one))))


def told(letters: str) -> str:
    """Letters as a part of an address.

    Parameters
    ----------
    letters : str
        At most `LETTERS_MAX`.
    """
    return urlsafe_b64encode(letters.encode("utf-16-be")).decode().rstrip("=")


def letters_told(part: str) -> str:
    """The letters that a part of an address tells.

    Parameters
    ----------
    part : str
        From anybody.

    Raises
    ------
    ValueError
        If it tells none, or more than a page asks for.
    """
    letters = urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-16-be")
    if not 0 < len(letters) <= LETTERS_MAX:
        raise ValueError(part)
    return letters


def cut(letters: str) -> bytes:
    """A TrueType font of these letters; those that the whole font lacks are left out.

    Parameters
    ----------
    letters : str
        The same letters give the same bytes.
    """
    font = _whole()
    glyph_by_code = {code: font.glyph_of(code) for code in sorted(set(map(ord, letters)))}
    codes = [code for code, glyph in glyph_by_code.items() if glyph]
    # The first outline is that of a letter that is missing.
    glyphs = [0, *(glyph_by_code[code] for code in codes)]
    outlines = [_outline(font, glyph) for glyph in glyphs]
    begins = np.cumsum([0, *map(len, outlines)])
    widths = font.tables["hmtx"]
    tables = {name: bytes(font.tables[name]) for name in _COPIED} | {
        "cmap": _places(codes),
        "glyf": b"".join(outlines),
        "head": _with(font.tables["head"], 8, ">I", 0),
        "hhea": _with(font.tables["hhea"], 34, ">H", len(glyphs)),
        "hmtx": b"".join(widths[4 * glyph : 4 * glyph + 4] for glyph in glyphs),
        "loca": begins.astype(">u4").tobytes(),
        "maxp": _with(font.tables["maxp"], 4, ">H", len(glyphs)),
        "post": _with(font.tables["post"][:32], 0, ">I", _WITHOUT_NAMES),
    }
    return _put_together(tables)


@cache
def _held() -> frozenset[str]:
    """Every character that the fonts of pages hold."""
    return frozenset(_HELD.read_text(encoding="utf-8"))


@cache
def _whole() -> _Font:
    """The font that papers are set in, of which the parts that are looked at come into memory."""
    content = memoryview(np.memmap(_WHOLE, dtype=np.uint8, mode="r"))  # type: ignore[arg-type]
    (count,) = struct.unpack_from(">H", content, 4)
    tables: dict[str, memoryview] = {}
    for place in range(count):
        name, _, begin, size = _TABLE_ENTRY.unpack_from(content, 12 + place * _TABLE_ENTRY.size)
        tables[name.decode()] = content[begin : begin + size]
    first, last, first_glyph = _coverage(tables["cmap"]).T
    offsets = np.frombuffer(tables["loca"], ">u4").astype(np.int64)
    return _Font(tables, first, last, first_glyph, offsets)


def _coverage(table: memoryview) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Runs of characters: the first, the last, and the outline of the first."""
    (count,) = struct.unpack_from(">H", table, 2)
    for place in range(count):
        *kind, begin = struct.unpack_from(">HHI", table, 4 + place * 8)
        if kind == [_WINDOWS, _UNICODE_FULL]:
            (runs_count,) = struct.unpack_from(">I", table, begin + 12)
            runs = np.frombuffer(table, ">u4", runs_count * 3, begin + 16)
            return runs.reshape(-1, 3).astype(np.int64)
    raise RuntimeError(f"{_WHOLE.name} does not tell which characters it has")


def _outline(font: _Font, glyph: int) -> bytes:
    begin, end = font.outlines_at[glyph : glyph + 2].tolist()
    return _filled(bytes(font.tables["glyf"][begin:end]))


def _places(codes: list[int]) -> bytes:
    """Table of which outline is of which character: one after the other."""
    runs = b"".join(struct.pack(">III", code, code, at) for at, code in enumerate(codes, start=1))
    head = struct.pack(">HHHHI", 0, 1, _WINDOWS, _UNICODE_FULL, 12)
    return head + struct.pack(">HHIII", 12, 0, 16 + len(runs), 0, len(codes)) + runs


def _with(table: bytes | memoryview, at: int, form: str, value: int) -> bytes:
    changed = bytearray(table)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def _filled(content: bytes) -> bytes:
    """Filled up to whole words, which is how parts of a font begin."""
    return content + b"\0" * (-len(content) % 4)


def _put_together(tables: dict[str, bytes]) -> bytes:
    count = len(tables)
    power = count.bit_length() - 1
    span = 16 << power
    entries = struct.pack(">IHHHH", 0x00010000, count, span, power, count * 16 - span)
    begin, parts = 12 + 16 * count, []
    for name in sorted(tables):
        content = _filled(tables[name])
        size = len(tables[name])
        entries += _TABLE_ENTRY.pack(name.encode(), _checksum(content), begin, size)
        begin += len(content)
        parts.append(content)
    whole = entries + b"".join(parts)
    head_at = whole.index(b"head")
    (head_begins,) = struct.unpack_from(">I", whole, head_at + 8)
    rest = (_CHECKSUM_OF_ALL - _checksum(whole)) % _WHOLE_U32
    return _with(whole, head_begins + 8, ">I", rest)


def _checksum(content: bytes) -> int:
    return int(np.frombuffer(content, ">u4").sum(dtype=np.uint64)) % _WHOLE_U32
