"""Compare claims with another platform without showing it plates or hours: keyed commitments.

Both sides hold one secret key. A commitment is HMAC-SHA-256 (RFC 2104, FIPS 198-1) under a key of
the month over truck and bucket of time, cut to 16 bytes. Whoever has the key can try plates; nobody
else learns anything but how long a list is, and that only up to a factor of two.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from fleet_carbon.ledger.claims import ROAD_FREIGHT, Interval, buckets, has_plate

FORMAT = "fleet-carbon claims 1"
KEY_BYTES = 32
COMMITMENT_BYTES = 16
_LEAST_COUNT = 64
_KEY = re.compile(r"[0-9a-f]{64}")


class VehicleBucket(NamedTuple):
    """A truck, and the beginning of a bucket of time. [s since 1970 UTC]"""

    identity: str
    begin_s: int


def read_key(text: str) -> bytes:
    """The key of a pair as it stands in its file: 64 hexadecimal digits.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not _KEY.fullmatch(text.strip()):
        raise ValueError("it is no key of a pair: 64 hexadecimal digits are expected")
    return bytes.fromhex(text.strip())


def pair_id(key: bytes) -> str:
    """Name of a key for people, from which the key cannot be found."""
    return hmac.digest(key, b"fleet-carbon pair", hashlib.sha256)[:COMMITMENT_BYTES].hex()


def committed(
    key: bytes, month: str, intervals: Iterable[Interval], *, bucket_h: int
) -> dict[str, VehicleBucket]:
    """The commitments to a month's intervals, with what each one stands for.

    Parameters
    ----------
    key : bytes
        Of the pair.
    month : str
        YYYY-MM, as the fleet reckons it.
    intervals : iterable of Interval
        Trucks without a plate are left out: no other platform knows them.
    bucket_h : int
        Length of a bucket; both sides need the same. [h]
    """
    of_month = hmac.digest(key, f"{FORMAT}\n{month}".encode(), hashlib.sha256)
    return {
        _commitment(of_month, VehicleBucket(identity, begin_s), bucket_h): VehicleBucket(
            identity, begin_s
        )
        for identity, from_s, until_s in intervals
        if has_plate(identity)
        for begin_s in buckets(from_s, until_s, bucket_h=bucket_h)
    }


def _commitment(key: bytes, one: VehicleBucket, bucket_h: int) -> str:
    said = f"{ROAD_FREIGHT}\n{bucket_h}\n{one.begin_s}\n{one.identity}"
    return hmac.digest(key, said.encode(), hashlib.sha256)[:COMMITMENT_BYTES].hex()


def padded(commitments: Iterable[str], *, secret: bytes, month: str, pair: str) -> list[str]:
    """The commitments in order, filled up to a power of two with some that stand for nothing.

    The filling follows from a secret of the publisher alone: published again it is the same, so
    that two lists of a month do not give it away, and the peer cannot make it.

    Parameters
    ----------
    commitments : iterable of str
        Those that stand for something.
    secret : bytes
        Of the publisher.
    month, pair : str
        What the list is of, and for whom.
    """
    found = set(commitments)
    count = max(_LEAST_COUNT, 1 << max(0, len(found) - 1).bit_length())
    number = 0
    while len(found) < count:
        said = f"filling\n{month}\n{pair}\n{number}"
        found.add(hmac.digest(secret, said.encode(), hashlib.sha256)[:COMMITMENT_BYTES].hex())
        number += 1
    return sorted(found)


def list_body(
    commitments: list[str], *, name: str, month: str, bucket_h: int, pair: str
) -> dict[str, Any]:
    """A list as it is published, before it is signed."""
    return {
        "format": FORMAT,
        "from": name,
        "month": month,
        "activity": ROAD_FREIGHT,
        "bucket_h": bucket_h,
        "pair": pair,
        "commitments": commitments,
    }
