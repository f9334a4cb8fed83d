"""Writing frames of JT/T 809 by its field tables, for tests."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from datetime import datetime

FIXED = 1 << 1


def location(
    at: datetime,
    *,
    lon_udeg: int = 114_809_933,
    lat_udeg: int = 25_526_799,
    speed_kmh: int = 82,
    mileage: int = 7_970_937,
    status: int = FIXED,
    encrypted: int = 0,
) -> bytes:
    return struct.pack(
        ">BBBHBBBIIHHIHHII",
        encrypted,
        at.day,
        at.month,
        at.year,
        at.hour,
        at.minute,
        at.second,
        lon_udeg,
        lat_udeg,
        speed_kmh,
        speed_kmh,
        mileage,
        90,
        120,
        status,
        0,
    )


def location_2019(of_808: bytes, *, encrypted: int = 0) -> bytes:
    """A location of JT/T 808 as the edition of 2019 holds it, with three platforms."""
    platforms = b"".join(b"1" * 11 + bytes(4) for _ in range(3))
    return struct.pack(">BI", encrypted, len(of_808)) + of_808 + platforms


def frame(
    data: bytes,
    *,
    plate: str = "赣B63265",
    color: int = 2,
    kind: int = 0x1202,
    encrypted: int = 0,
    edition: int = 2011,
) -> bytes:
    """Head of 22 bytes, in 2019 of 30, plate, colour, kind, data, CRC; escaped, between marks."""
    body = plate.encode("gbk").ljust(21, b"\0") + bytes((color,))
    body += struct.pack(">HI", kind, len(data)) + data
    sent_at = struct.pack(">Q", 1_772_405_100) if edition == 2019 else b""
    length = len(body) + len(sent_at) + 26
    head = struct.pack(">IIHI3sBI", length, 1, 0x1200, 1000, b"\x01\x00\x00", encrypted, 0)
    head += sent_at
    whole = head + body
    # crc_hqx is CRC-16 by the polynomial 0x1021.
    whole += struct.pack(">H", crc_hqx(whole, 0xFFFF))
    for byte, escape in ((b"\x5a", b"\x5a\x02"), (b"\x5b", b"\x5a\x01")):
        whole = whole.replace(byte, escape)
    for byte, escape in ((b"\x5e", b"\x5e\x02"), (b"\x5d", b"\x5e\x01")):
        whole = whole.replace(byte, escape)
    return b"\x5b" + whole + b"\x5d"
