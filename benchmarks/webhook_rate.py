"""How many webhook messages a worker delivers, beside a bare loop that only posts them.

    python -m benchmarks.webhook_rate [--messages 4000] [--endpoints 4] [--postgresql] [--slow]

One receiver, a process of its own on loopback, answers 204. The worker finds what is due, signs,
sends and notes each attempt on record; the bare loop is httpx with as many requests at a time and
the same bodies. `--slow` adds an endpoint that never answers, to see that the others do not wait.
Told are messages a second and a processor-second of the sending process (that of a PostgreSQL is
not among them), and the ratio of both to the bare loop of the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from fleet_carbon.services.messages import webhooks
from fleet_carbon.services.messages.delivering import AT_ONCE_OF_ENDPOINT, Deliverer
from fleet_carbon.services.messages.sending import body_of
from fleet_carbon.services.support import announcing
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from fleet_carbon.storage.webhooks import WAITING, DeliveryRow, EventRow
from tests.storage.postgresql import running_server

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_GIVEN_UP_AFTER_S, _LOOKS_EVERY_S = 300.0, 0.5


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """204 to every request of a connection, but nothing ever to those that ask for /slow."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.split(b"content-length: ")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            if b"/slow" in head:
                await asyncio.sleep(_GIVEN_UP_AFTER_S)
            writer.write(_ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _receive(told: Connection) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def _receiver(told: Connection) -> None:
    asyncio.run(_receive(told))


@contextmanager
def receiving() -> Iterator[str]:
    """The address of a receiver in another process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_receiver, args=(theirs,), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def events(count: int) -> list[EventRow]:
    """Months that were closed, one after the other."""
    at = datetime.now(UTC)
    told = {"month": "2026-10", "run_id": "0" * 32, "figures": {"co2_kg": 1234.5}}
    name = announcing.event_name
    return [
        EventRow(name("bench", str(n)), announcing.MONTH_CLOSED, told | {"n": n}, at)
        for n in range(count)
    ]


def delivered(
    settings: Settings, addresses: list[str], rows: list[EventRow]
) -> tuple[float, float]:
    """Wall and processor seconds until every event is delivered to every address."""
    for address in addresses:
        webhooks.create_endpoint(settings, address)
    rows = [EventRow(one.event_id, one.type, one.content, datetime.now(UTC)) for one in rows]
    with closing(open_storage(settings)) as storage:
        with storage.begin() as work:
            work.webhooks.tell(rows)
        stop = threading.Event()
        sender = threading.Thread(target=lambda: asyncio.run(Deliverer(settings).run(stop)))
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        sender.start()
        expected = {one for one in addresses if not one.endswith("/slow")}
        while not _is_done(settings, expected):
            if time.perf_counter() - begun_s > _GIVEN_UP_AFTER_S:
                raise SystemExit("not delivered within five minutes")
            time.sleep(_LOOKS_EVERY_S)
        spent = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
        stop.set()
        sender.join()
    return spent


def _is_done(settings: Settings, expected: set[str]) -> bool:
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(read_only=True, reads_traces=False) as work,
    ):
        if work.webhooks.unspread(limit_count=1):
            return False
        named = [one.endpoint_id for one in work.webhooks.endpoints() if one.url in expected]
        return all(
            not work.webhooks.deliveries(name, state=WAITING, limit_count=1) for name in named
        )


async def _posted(address: str, bodies: list[bytes], at_once_count: int) -> None:
    waiting = iter(bodies)
    limits = httpx.Limits(max_keepalive_connections=at_once_count)
    async with httpx.AsyncClient(timeout=15.0, limits=limits) as client:

        async def post() -> None:
            for body in waiting:
                (await client.post(address, content=body)).raise_for_status()

        await asyncio.gather(*(post() for _ in range(at_once_count)))


def _delivery(row: EventRow) -> DeliveryRow:
    at = row.happened_at
    return DeliveryRow("e", row.event_id, row.type, row.content, at, WAITING, 0, 0, at)


def bare(address: str, rows: list[EventRow], endpoints_count: int) -> tuple[float, float]:
    """Wall and processor seconds of a loop that only posts the same bodies."""
    bodies = [body_of(_delivery(one)).encode() for one in rows]
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    asyncio.run(_posted(address, bodies * endpoints_count, AT_ONCE_OF_ENDPOINT * endpoints_count))
    return time.perf_counter() - begun_s, time.process_time() - begun_cpu_s


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--endpoints", type=int, default=4)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--slow", action="store_true")
    asked = parser.parse_args()
    rows = events(asked.messages // asked.endpoints)
    count = len(rows) * asked.endpoints
    database = running_server() if asked.postgresql else nullcontext()
    with tempfile.TemporaryDirectory() as folder, receiving() as address, database as url:
        home = Path(folder) / "home"
        settings = Settings(home=home, database_url=url, fleet="bench", webhook_private=True)
        names = [f"{address}/hooks/{number}" for number in range(asked.endpoints)]
        names += [f"{address}/slow"] if asked.slow else []
        alone = bare(f"{address}/hooks", rows, asked.endpoints)
        ours = delivered(settings, names, rows)
    print(json.dumps(
        {
            "messages": count,
            "database": "postgresql" if asked.postgresql else "sqlite",
            "per_s": round(count / ours[0]),
            "per_cpu_s": round(count / ours[1]),
            "bare_per_s": round(count / alone[0]),
            "bare_per_cpu_s": round(count / alone[1]),
            "ratio_of_wall": round(ours[0] / alone[0], 2),
            "ratio_of_cpu": round(ours[1] / alone[1], 2),
        }
    ))  # fmt: skip


if __name__ == "__main__":
    main()
