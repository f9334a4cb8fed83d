"""Writing frames of JT/T 808 by its field tables, for tests and measurements."""

from __future__ import annotations

import struct
from functools import reduce

FIXED = 1 << 1


def bcd(digits: str) -> bytes:
    return bytes.fromhex(digits)


def location(
    *,
    lat_udeg: int = 30_572_815,
    lon_udeg: int = 104_066_801,
    time: str = "260302064500",
    status: int = FIXED,
    speed: int = 605,
    heading: int = 89,
    altitude_m: int = 500,
    items: bytes = b"",
) -> bytes:
    """A location: speed in 0.1 km/h, time YYMMDDhhmmss, items as they are."""
    numbers = struct.pack(">IIIIHHH", 0, status, lat_udeg, lon_udeg, altitude_m, speed, heading)
    return numbers + bcd(time) + items


def item(number: int, content: bytes) -> bytes:
    return bytes((number, len(content))) + content


def framed(content: bytes) -> bytes:
    """Header and body with check byte, escapes and marks."""
    check = reduce(lambda a, b: a ^ b, content)
    whole = content + bytes((check,))
    return b"\x7e" + whole.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def frame(
    body: bytes,
    *,
    phone: str = "013900000001",
    kind: int = 0x0200,
    flags: int = 0,
    parts: bytes = b"",
) -> bytes:
    """A frame of 2013 for a phone of 12 digits, of 2019 for one of 20."""
    of_2019 = len(phone) == 20
    attributes = len(body) | flags | (of_2019 << 14)
    version = b"\x01" if of_2019 else b""
    head = struct.pack(">HH", kind, attributes) + version + bcd(phone) + b"\x00\x07"
    return framed(head + parts + body)
