"""Faults under load: nothing that was acknowledged is lost or doubled, and the service recovers.

A real server on a real PostgreSQL; small batches from clients that ask again. After each fault the
load goes on, and then the trace store is compared with what was acknowledged.
"""

from __future__ import annotations

import itertools
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.client import Client, ServiceProblem
from fleet_carbon.services.people.access import create_key
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.builders import JANUARY_MS, keys_on_record
from tests.storage.postgresql import NoPostgresql, Server, own_server
from tests.web.serving import Running, await_that, children_of, kill, running

pytestmark = [pytest.mark.slow, pytest.mark.trial]

_MOMENTS, _FLEETS = itertools.count(), itertools.count(1)
_ROWS, _SENDERS = 10, 2
_GOES_ON_WITHIN_S = 120.0
Key = tuple[str, int, int, int]


def batch_of(vehicle_id: str) -> list[Key]:
    """Fixes that nobody sent before, a second after each other."""
    moments = itertools.islice(_MOMENTS, _ROWS)
    return [(vehicle_id, JANUARY_MS + n * 1000, 105_000_000 + n, 30_000_000) for n in moments]


def as_rows(batch: list[Key]) -> list[dict[str, Any]]:
    """The same as they are sent."""
    return [
        {"vehicle_id": name, "time": time_ms, "lon": lon / 1e6, "lat": lat / 1e6}
        for name, time_ms, lon, lat in batch
    ]


@dataclass
class Load:
    """Senders that send small batches, one after the other, each until it is acknowledged."""

    address: str
    secret: str
    acknowledged: list[Key] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    batches_count: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Send while the block runs; each sender ends its batch."""
        self._stop.clear()
        senders = [
            threading.Thread(target=self._send, args=(f"V{number}",)) for number in range(_SENDERS)
        ]
        for sender in senders:
            sender.start()
        try:
            yield
        finally:
            self._stop.set()
            for sender in senders:
                sender.join()

    def _send(self, vehicle_id: str) -> None:
        with Client(self.address, self.secret) as client:
            while not self._stop.is_set():
                batch = batch_of(vehicle_id)
                try:
                    told = client.send("positions", as_rows(batch))
                except Exception as failure:
                    self.problems.append(repr(failure))
                    return
                with self._lock:
                    # What was on record when it was sent again counts as known.
                    if told.rows_accepted + told.rows_duplicate != _ROWS:
                        self.problems.append(repr(told))
                    self.acknowledged += batch
                    self.batches_count += 1

    def go_on(self, batches_count: int = 4) -> None:
        """Wait for more batches to be acknowledged."""
        wanted = self.batches_count + batches_count
        await_that(
            lambda: self.batches_count >= wanted or bool(self.problems),
            within_s=_GOES_ON_WITHIN_S,
            what=f"the load goes on: {self.batches_count} of {wanted} batches",
        )
        assert self.problems == []


@dataclass
class Trial:
    """A fleet with two trucks on a server that may fail."""

    settings: Settings
    secret: str
    load: Load
    server: Running

    def check(self) -> None:
        """Everything acknowledged is in the store, once, and nothing that was not sent."""
        assert self.load.problems == []
        expected = sorted(self.load.acknowledged)
        assert len(set(expected)) == len(expected) > 0
        with closing(open_storage(self.settings)) as storage:

            def is_stored() -> bool:
                with storage.begin(read_only=True) as work:
                    return int(work.traces.summary()["fixes"]) >= len(expected)

            await_that(is_stored, within_s=_GOES_ON_WITHIN_S, what="all is in the store")
            with storage.begin(read_only=True) as work:
                stored_count = int(work.traces.summary()["fixes"])
                assert work.traces.verify() == []
            assert keys_on_record(storage) == expected
            assert stored_count == len(expected)


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    try:
        with own_server() as server:
            yield server
    except NoPostgresql as reason:
        pytest.skip(f"no PostgreSQL can be had: {reason}")


def fleet_in(home: Path, database: Server | None) -> tuple[Settings, str]:
    """A new fleet with its trucks, and a key to send."""
    url = None if database is None else database.url
    settings = Settings(home=home, database_url=url, fleet=f"faults-{next(_FLEETS)}")
    return settings, create_key(settings, "gateway", "manager").secret


def trial_of(settings: Settings, secret: str, server: Running) -> Trial:
    """The trial, its trucks registered over HTTP."""
    with Client(server.address, secret) as client:
        trucks = [{"vehicle_id": f"V{n}", "rated_payload_t": 30} for n in range(_SENDERS)]
        assert client.send("vehicles", trucks).rows_accepted == _SENDERS
    return Trial(settings, secret, Load(server.address, secret), server)


@pytest.fixture(scope="module")
def shared(database: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings, _ = fleet_in(tmp_path_factory.mktemp("faults") / "home", database)
    with running(settings, "--processes", "2", "--threads", "2") as server:
        yield server


@pytest.fixture
def trial(shared: Running, database: Server) -> Trial:
    settings, secret = fleet_in(shared.settings.home, database)
    return trial_of(settings, secret, shared)


def workers_of(server: Running) -> list[int]:
    """The process of jobs beside the server."""
    return [pid for pid in children_of(server.process.pid) if "worker" in words_of(pid)]


def answering(server: Running) -> list[int]:
    """The processes that answer."""
    beside = workers_of(server)
    return [pid for pid in children_of(server.process.pid) if pid not in beside]


def words_of(pid: int) -> list[str]:
    """The command of a process; none if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def test_a_process_that_answers_is_killed(trial: Trial) -> None:
    with trial.load.under_way():
        for _ in range(3):
            trial.load.go_on(2)
            kill(answering(trial.server)[:1])
        trial.load.go_on()
    await_that(
        lambda: len(answering(trial.server)) == 2, within_s=120, what="another took its place"
    )
    trial.check()


def test_the_worker_is_killed_and_another_does_the_jobs(trial: Trial) -> None:
    [first] = workers_of(trial.server)
    with trial.load.under_way(), Client(trial.server.address, trial.secret) as client:
        trial.load.go_on(1)
        kill([first])
        job = client.close_month("2020-01")
        # Nothing was driven in that month; that somebody says so is what matters.
        with pytest.raises(ServiceProblem) as told:
            client.wait(job, wait_s_max=300)
        assert told.value.code != "job_broken", told.value
        assert [first] != workers_of(trial.server)
        trial.load.go_on(1)
    trial.check()


def test_the_database_is_restarted(trial: Trial, database: Server) -> None:
    with trial.load.under_way(), Client(trial.server.address, trial.secret) as client:
        for pause_s in (0.0, 2.0):
            trial.load.go_on(2)
            database.break_off()
            time.sleep(pause_s)
            database.start()
            trial.load.go_on()
        # The worker came through it, too.
        with pytest.raises(ServiceProblem) as told:
            client.wait(client.close_month("2020-01"), wait_s_max=300)
        assert told.value.code != "job_broken", told.value
    trial.check()


def test_the_whole_server_is_killed_right_after_an_answer(database: Server, tmp_path: Path) -> None:
    settings, secret = fleet_in(tmp_path / "home", database)
    with running(settings, "--processes", "2", "--threads", "2") as first:
        trial = trial_of(settings, secret, first)
        bind = first.address.removeprefix("http://")
        load = trial.load
        with ExitStack() as second:
            with load.under_way():
                load.go_on()
                before = load.batches_count
                while load.batches_count == before:  # the moment after an answer
                    time.sleep(0.001)
                others = children_of(first.process.pid)
                kill([first.process.pid, *answering(first)])
                # The worker sees for itself that it is alone.
                await_that(
                    lambda: not any(map(words_of, others)), within_s=60, what="all have ended"
                )
                words = ("--processes", "2", "--threads", "2")
                second.enter_context(running(settings, *words, bind=bind))
                load.go_on()
            trial.check()


def test_a_writer_is_killed_at_every_other_sync(database: Server, tmp_path: Path) -> None:
    settings, secret = fleet_in(tmp_path / "home", database)
    program = ("tests.web.dying_server", "23")
    words = ("--processes", "2", "--threads", "2", "--no-worker")
    with running(settings, *words, program=program) as server:
        trial = trial_of(settings, secret, server)
        with trial.load.under_way():
            trial.load.go_on(30)
        killed = server.log.read_text(encoding="utf-8").count("was sent SIGKILL")
        assert killed >= 3
        trial.check()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "small"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(home)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"not allowed here: {mounted.stderr.decode().strip()}")
    try:
        yield home
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)


def _sent_until_refused(client: Client, trial: Trial) -> tuple[ServiceProblem, list[Key]]:
    """Send larger batches until one is refused; why, and which."""
    for _ in range(2000):
        batch = [key for _ in range(100) for key in batch_of("V0")]
        try:
            client.send("positions", as_rows(batch))
        except ServiceProblem as refused:
            return refused, batch
        trial.load.acknowledged += batch
    raise AssertionError("the disk was never full")


def test_a_full_disk_is_said_and_room_is_all_that_it_needs(
    small_disk: Path, database: Server
) -> None:
    settings, secret = fleet_in(small_disk, database)
    with running(settings, "--processes", "2", "--threads", "2", "--no-worker") as server:
        trial = trial_of(settings, secret, server)
        with Client(server.address, secret) as client:
            refused, batch = _sent_until_refused(client, trial)
            assert refused.details["problem"]["status"] == 507
            assert refused.code in ("disk_full", "traces_store_full")
            subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
            # The same server goes on, and the refused batch is no harm when it comes again.
            client.send("positions", as_rows(batch))
            trial.load.acknowledged += batch
        trial.check()
