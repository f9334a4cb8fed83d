"""One client under load: `python -m benchmarks.load_client JSON`, begun by a line to its input.

It sends one batch after the other over one connection, and tells what was answered: which batches
are on record, which may be, and how long each answer took.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np

from benchmarks.load_bodies import MEDIA_TYPES, Sender, bodies

_TIMEOUT_S = 120.0


@dataclass
class Told:
    """What was answered.

    Attributes
    ----------
    batches_count : int
        Batches sent; all are on record but the unsure ones.
    unsure : list of int
        Batches whose rows were not all acknowledged: they may be on record or not.
    failures : Counter of str
        Why.
    answered_s : list of float
        How long each answer took. [s]
    """

    batches_count: int = 0
    unsure: list[int] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    answered_s: list[float] = field(default_factory=list)


class Asker:
    """One connection that stays open."""

    def __init__(self, address: str, secret: str, kind: str, *, has_keys: bool) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=_TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": MEDIA_TYPES[kind]}
        self._has_keys = has_keys

    def failure(self, name: str, body: bytes | bytearray, rows_count: int) -> str:
        """Send a batch; empty if all of its rows were acknowledged, else why not."""
        headers = self._headers | ({"Idempotency-Key": name} if self._has_keys else {})
        try:
            self._connection.request("POST", "/v1/positions", body, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as broken:
            self._connection.close()
            return type(broken).__name__
        if answer.status not in (200, 202):
            return f"{answer.status} {content[:200]!r}"
        told = msgspec.json.decode(content)
        is_whole = told["rows_accepted"] == rows_count
        return "" if is_whole else f"accepted {told['rows_accepted']} of {rows_count}"


def send(
    asker: Asker, sender: Sender, make: Callable[[int], bytes | bytearray], *, until_s: float
) -> Told:
    """Send batches until that moment of the system's clock. [s]"""
    told = Told()
    while time.time() < until_s:
        batch = told.batches_count
        body = make(batch)
        begun_s = time.perf_counter()
        failure = asker.failure(f"{sender.client}-{batch}", body, sender.rows_count)
        told.answered_s.append(time.perf_counter() - begun_s)
        told.batches_count += 1
        if failure:
            told.unsure.append(batch)
            told.failures[failure] += 1
    return told


def main() -> None:
    """Get ready, wait for the word, send, tell."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    sender = Sender(**asked["sender"])
    asker = Asker(asked["address"], asked["secret"], asked["kind"], has_keys=asked["has_keys"])
    make = bodies(sender, asked["kind"])
    print("ready", flush=True)
    until_s = float(sys.stdin.readline())
    began_s, before_s = time.perf_counter(), time.process_time()
    told = send(asker, sender, make, until_s=until_s)
    wall_s, processor_s = time.perf_counter() - began_s, time.process_time() - before_s
    np.save(asked["answered_path"], np.array(told.answered_s))
    print(
        json.dumps(
            {
                "batches_count": told.batches_count,
                "unsure": told.unsure,
                "failures": told.failures,
                "wall_s": wall_s,
                "processor_s": processor_s,
            }
        )
    )


if __name__ == "__main__":
    main()
