"""Positions sent to a real server by several clients at once: rate, patience, and nothing lost.

    python -m benchmarks.service_load

PostgreSQL, `fleet-carbon serve` and the clients run on this machine, over loopback. Rows count when
the server says that they are on record. Afterwards every fix is looked for in the trace
store, by its own reader: each that was acknowledged must be there once, and no other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from benchmarks.load_bodies import MEDIA_TYPES, Int64s, Sender
from benchmarks.measuring import processor_s
from benchmarks.reporting import machine, machine_line, text_table, write_block, write_result
from benchmarks.stores import add_cache_option
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.people.access import create_key
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.postgresql import Server, own_server
from tests.web.serving import ROOT, Running, running

_ROWS = {"json": 1_000, "ndjson": 1_000, "csv": 1_000, "arrow": 10_000, "parquet": 10_000}
_TRUCKS_PER_CLIENT = 1_000
_READ_FIXES = 4_000_000
_PAUSE_S, _ENDS_WITHIN_S = 0.5, 300.0
_ALL_TIME = (-(2**62), 2**62)
_KEYS = ("time_ms", "lon_udeg", "lat_udeg")
_Keys: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Load:
    """How much is sent, and how.

    Attributes
    ----------
    seconds, warm_up_s : float
        For how long, and before that for another fleet, which is not measured. [s]
    clients_count : int
        Processes that send at once.
    rows_count : int or None
        Fixes of a batch; None means 1,000 for texts, 10,000 for Arrow and Parquet.
    has_keys : bool
        Whether every request carries an Idempotency-Key.
    stored_within_s : int
        How long after the load everything must be in the store at the latest. [s]
    """

    seconds: float = 120
    warm_up_s: float = 3.0
    clients_count: int = 32
    rows_count: int | None = None
    has_keys: bool = False
    stored_within_s: int = 900

    def senders(self, kind: str) -> list[Sender]:
        """What each client sends: fixes of the month before this one."""
        first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        first_ms = int((first - timedelta(days=1)).replace(day=1).timestamp() * 1000)
        rows = self.rows_count or _ROWS[kind]
        trucks = min(rows, _TRUCKS_PER_CLIENT)
        return [Sender(number, trucks, rows, first_ms) for number in range(self.clients_count)]


@dataclass(frozen=True)
class Sent:
    """What a client sent, and what it was told of it: see `load_client.Told`."""

    sender: Sender
    batches_count: int
    unsure: frozenset[int]
    failures: dict[str, int]
    wall_s: float
    processor_s: float
    answered_s: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def acknowledged(self) -> Int64s:
        """Numbers of the batches that were acknowledged."""
        return np.setdiff1d(np.arange(self.batches_count), np.array(list(self.unsure), np.int64))


def prepare(load: Load, kind: str, settings: Settings) -> str:
    """Register the trucks of a fleet; the secret of a key that may send."""
    lines = ["vehicle_id,rated_payload_t"]
    lines += [f"{name},30" for sender in load.senders(kind) for name in sender.vehicle_ids]
    with tempfile.TemporaryDirectory() as folder:
        register = Path(folder) / "vehicles.csv"
        register.write_text("\n".join(lines), encoding="utf-8")
        ingest_files(settings, "vehicles", [register])
    return create_key(settings, "load", "dispatcher").secret


def send_all(load: Load, kind: str, address: str, secret: str) -> list[Sent]:
    """Let all clients send at once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        senders = load.senders(kind)
        clients = []
        for sender in senders:
            asked = {
                "sender": asdict(sender),
                "address": address,
                "secret": secret,
                "kind": kind,
                "has_keys": load.has_keys,
                "answered_path": str(folder / f"{sender.client}.npy"),
            }
            clients.append(stack.enter_context(_client(asked)))
        for client in clients:
            _line_of(client)  # all are ready
        until_s = time.time() + load.seconds
        for client in clients:
            _tell(client, f"{until_s}\n")
        told = [client.communicate(timeout=load.seconds + _ENDS_WITHIN_S)[0] for client in clients]
        return [
            Sent(
                sender=sender,
                answered_s=np.load(folder / f"{sender.client}.npy"),
                **{**(found := json.loads(line)), "unsure": frozenset(found["unsure"])},
            )
            for sender, line in zip(senders, told, strict=True)
        ]


def _client(asked: dict[str, Any]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load_client", json.dumps(asked)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _tell(client: subprocess.Popen[str], line: str) -> None:
    assert client.stdin is not None
    client.stdin.write(line)
    client.stdin.flush()


def _line_of(client: subprocess.Popen[str]) -> str:
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        raise RuntimeError("a client ended before it began")
    return line


def wait_until_stored(settings: Settings, fixes_count: int, *, within_s: float) -> float:
    """Seconds until the store has so many fixes; it is given up after `within_s`."""
    begun_s = time.monotonic()
    while (waited_s := time.monotonic() - begun_s) < within_s:
        if stored_count(settings) >= fixes_count:
            break
        time.sleep(_PAUSE_S)
    return waited_s


def stored_count(settings: Settings) -> int:
    """Rows of the segments in force, doubled ones counted."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return int(work.traces.summary()["fixes"])


class Comparison:
    """What a store has, held against what was acknowledged, truck by truck.

    Attributes
    ----------
    found_count, missing_count : int
        Fixes in the store; acknowledged ones that are not there.
    doubled_count, foreign_count : int
        Fixes that are there again; fixes that nobody sent.
    unanswered_count : int
        Fixes that were sent and not acknowledged, and are there.
    """

    def __init__(self, sent: Sequence[Sent]) -> None:
        self._sent = {name: one for one in sent for name in one.sender.vehicle_ids}
        self.found_count = self.missing_count = self.doubled_count = self.foreign_count = 0
        self.unanswered_count = 0
        self._digest = hashlib.sha256()

    def read(self, settings: Settings) -> None:
        """Compare all that is there, in columns."""
        unseen = set(self._sent)
        with closing(open_storage(settings)) as storage:
            with storage.begin(read_only=True) as work:
                batches = list(work.traces.batches(*_ALL_TIME, fixes_max=_READ_FIXES))
            for batch in batches:
                for fixes in batch.read():
                    unseen.discard(fixes.vehicle_id)
                    self.compare(fixes.vehicle_id, *(fixes.columns[name] for name in _KEYS))
        for name in sorted(unseen):
            self.compare(name, *(np.zeros(0, np.int64) for _ in _KEYS))

    def compare(self, vehicle_id: str, *found: Int64s) -> None:
        """Compare the fixes of one truck: time, longitude and latitude, by time."""
        self.found_count += len(found[0])
        self._digest.update(vehicle_id.encode())
        for column in found:
            self._digest.update(column.astype(np.int64).tobytes())
        if vehicle_id not in self._sent:
            self.foreign_count += len(found[0])
            return
        sent = self._sent[vehicle_id]
        truck = sent.sender.vehicle_ids.index(vehicle_id)
        expected = sent.sender.fixes_of(truck, sent.acknowledged)
        if not all(map(np.array_equal, found, expected)):
            possible = sent.sender.fixes_of(truck, np.arange(sent.batches_count))
            self._count(_keys(*found), _keys(*expected), _keys(*possible))

    def _count(self, found: _Keys, expected: _Keys, possible: _Keys) -> None:
        once = np.unique(found)
        self.missing_count += len(np.setdiff1d(expected, once))
        self.doubled_count += len(found) - len(once)
        self.foreign_count += len(np.setdiff1d(once, possible))
        self.unanswered_count += len(np.intersect1d(once, np.setdiff1d(possible, expected)))

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing, doubled or foreign."""
        return not (self.missing_count or self.doubled_count or self.foreign_count)

    def as_dict(self) -> dict[str, Any]:
        """What was found."""
        names = ("found", "missing", "doubled", "foreign", "unanswered")
        counts = {f"{name}_count": getattr(self, f"{name}_count") for name in names}
        return counts | {"keys_sha256": self._digest.hexdigest()}


def _keys(time_ms: Int64s, lon_udeg: Int64s, lat_udeg: Int64s) -> _Keys:
    keys = np.empty(len(time_ms), dtype=[("time", "<i8"), ("lon", "<i4"), ("lat", "<i4")])
    keys["time"], keys["lon"], keys["lat"] = time_ms, lon_udeg, lat_udeg
    return keys


def measure(load: Load, kind: str, server: Running, database: Server) -> dict[str, Any]:
    """Send one type of body for a while, to a fleet of its own, and look for all of it."""
    settings = server.settings.model_copy(update={"fleet": f"load-{kind}"})
    secret = prepare(load, kind, settings)
    warm_up = replace(load, seconds=load.warm_up_s)
    other = settings.model_copy(update={"fleet": f"warm-up-{kind}"})
    send_all(warm_up, kind, server.address, prepare(warm_up, kind, other))
    programs = {"server": server.process.pid, "database": database.pid}
    before_s = {name: processor_s(pid) for name, pid in programs.items()}
    sent = send_all(load, kind, server.address, secret)
    used_s = {name: processor_s(pid) - before_s[name] for name, pid in programs.items()}
    acknowledged_count = sum(len(one.acknowledged) * one.sender.rows_count for one in sent)
    waited_s = wait_until_stored(settings, acknowledged_count, within_s=load.stored_within_s)
    later_s = {name: processor_s(pid) - before_s[name] for name, pid in programs.items()}
    comparison = Comparison(sent)
    comparison.read(settings)
    wall_s = max(one.wall_s for one in sent)
    answered_ms = np.concatenate([one.answered_s for one in sent]) * 1000
    return {
        "body": kind,
        "rows_count": sent[0].sender.rows_count,
        "seconds": round(wall_s, 2),
        "clients_count": load.clients_count,
        "has_keys": load.has_keys,
        "requests_count": len(answered_ms),
        "acknowledged_count": acknowledged_count,
        "positions_per_s": round(acknowledged_count / wall_s),
        **{
            f"answered_ms_{name}": round(float(np.percentile(answered_ms, share)), 2)
            for name, share in (("p50", 50), ("p99", 99), ("max", 100))
        },
        "failures": dict(sum((Counter(one.failures) for one in sent), Counter())),
        "server_processor_s": round(used_s["server"], 1),
        "database_processor_s": round(used_s["database"], 1),
        "clients_processor_s": round(sum(one.processor_s for one in sent), 1),
        "until_stored_s": round(waited_s, 1),
        "until_stored_processor_s": round(sum(later_s.values()) - sum(used_s.values()), 1),
        "stored_count": stored_count(settings),
        **comparison.as_dict(),
        "is_well": comparison.is_well and comparison.found_count == stored_count(settings),
    }


def table(results: Sequence[dict[str, Any]]) -> str:
    """The results for people."""
    return text_table(
        (
            *("body", "rows", "s", "M positions/s", "requests/s", "p50 ms", "p99 ms", "max ms"),
            *("errors", "processor-s: server", "database", "clients"),
            *("s until stored", "in the store", "missing", "doubled"),
        ),
        [
            (
                one["body"],
                f"{one['rows_count']:,}",
                f"{one['seconds']:.0f}",
                f"{one['positions_per_s'] / 1e6:.3f}",
                f"{one['requests_count'] / one['seconds']:,.0f}",
                f"{one['answered_ms_p50']:,.1f}",
                f"{one['answered_ms_p99']:,.1f}",
                f"{one['answered_ms_max']:,.0f}",
                f"{sum(one['failures'].values()):,}",
                f"{one['server_processor_s']:,.0f}",
                f"{one['database_processor_s']:,.0f}",
                f"{one['clients_processor_s']:,.0f}",
                f"{one['until_stored_s']:,.0f}",
                f"{one['found_count']:,}",
                f"{one['missing_count']:,}",
                f"{one['doubled_count'] + one['stored_count'] - one['found_count']:,}",
            )
            for one in results
        ],
    )


def measured(
    load: Load, kinds: Sequence[str], *, processes_count: int, threads_count: int, cache: Path
) -> Iterator[dict[str, Any]]:
    """The results of all types of bodies, on a server and a database of their own."""
    words = ("--processes", str(processes_count), "--threads", str(threads_count))
    with (
        tempfile.TemporaryDirectory(dir=cache) as folder,
        own_server(is_synced=True) as database,
        running(Settings(home=Path(folder) / "home", database_url=database.url), *words) as server,
    ):
        for kind in kinds:
            yield measure(load, kind, server, database)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", nargs="+", choices=list(MEDIA_TYPES), default=[*MEDIA_TYPES])
    parser.add_argument("--seconds", type=int, default=Load.seconds)
    parser.add_argument("--clients", type=int, default=Load.clients_count)
    parser.add_argument("--rows", type=int, help="of a batch, instead of 1,000 and 10,000")
    parser.add_argument("--keys", action="store_true", help="an Idempotency-Key on each request")
    parser.add_argument("--processes", type=int, default=2, help="of the server")
    parser.add_argument("--threads", type=int, default=16, help="of each of them")
    add_cache_option(parser)
    parser.add_argument("--write", action="store_true", help="keep the results")
    asked = parser.parse_args()
    load = Load(
        asked.seconds, clients_count=asked.clients, rows_count=asked.rows, has_keys=asked.keys
    )
    asked.cache.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    for result in measured(
        load,
        asked.bodies,
        processes_count=asked.processes,
        threads_count=asked.threads,
        cache=asked.cache,
    ):
        print(json.dumps(result), flush=True)
        results.append(result)
        if asked.write:
            _write(results)
    print(f"\n{_said(results)}")
    if not all(one["is_well"] for one in results):
        raise SystemExit("what is in the store is not what was acknowledged")


def _said(results: Sequence[dict[str, Any]]) -> str:
    clients_count = results[0]["clients_count"]
    return f"{machine_line(machine())}. {clients_count} clients.\n\n{table(results)}"


def _write(results: Sequence[dict[str, Any]]) -> None:
    write_result("service_load", {"machine": machine(), "results": list(results)})
    write_block("service_load", _said(results))


if __name__ == "__main__":
    main()
