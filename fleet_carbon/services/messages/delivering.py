"""Deliver what happened to whoever wants to be told: at least once, again and again, side by side.

A loop over a table, not workflows of the engine of jobs (DBOS). The row of an event has to be kept
or forgotten together with what it tells of, and the engine has a database of its own; a close can
tell of a hundred thousand orders, each of which would be a workflow with a row for every step,
where here it is one row that is changed twice; an attempt in ten hours is a moment in a row, not
something that sleeps; and people list, replay and pause deliveries, which are queries of a table.

A delivery is claimed by moving the moment at which it is due: who claims it has until then. A
worker that is killed after it sent and before it noted so leaves a message that is sent again, with
the same id. On PostgreSQL workers pass by rows that another is claiming; SQLite has one writer.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.messages.sending import TIMEOUT_S, Answer, Message, Sender
from fleet_carbon.services.messages.spreading import Spreader
from fleet_carbon.services.messages.webhooks import secret_name
from fleet_carbon.services.support import announcing
from fleet_carbon.services.support.sealing import Seal
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import (
    Storage,
    UnitOfWork,
    fleets_on_record,
    keep_connected,
    open_storage,
)
from fleet_carbon.storage.webhooks import (
    ACTIVE,
    DELIVERED,
    DISABLED,
    FAILED,
    WAITING,
    DeliveryRow,
    EndpointRow,
    EventRow,
    Noted,
)

BACK_OFF_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
"""From one attempt to the next, as Standard Webhooks recommends; then it is given up. [s]"""
JITTER_SHARE = 0.1
"""By how much of it an attempt is put off at most, so that not all come at once. [0..1]"""
AT_ONCE_OF_ENDPOINT, AT_ONCE = 16, 128
CLAIMED_MAX = 256
"""Deliveries of an endpoint that a worker holds at a time."""
FAILING_CLAIMED_MAX = 2
"""Of one at which the last attempt failed: it takes few of the turns that the others wait for."""
# Longer than what a worker holds of an endpoint can take, each of them until it times out. What
# waited longer for its turn among all the others is left to whoever claims it next.
LEASE = timedelta(minutes=5)
_GONE, _RETRY_AFTER_S_MAX = 410, 86_400.0
_LOOK_EVERY_S, _BUSY_S, _TIDY_EVERY_S = 1.0, 0.05, 3600.0
_STOP_WITHIN_S = 20.0
_LOG = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Deliverer:
    """Sends what is due of every fleet.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    sender : Sender, optional
        How messages travel.
    clock : callable
        The moment it is.
    chance : callable
        A number from 0 to 1, anew each time.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sender: Sender | None = None,
        clock: Clock = _now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        keep_connected(settings)
        self._settings = settings
        self._sender = sender or Sender(is_private_allowed=settings.webhook_private)
        self._clock, self._chance = clock, chance
        self._seal: Seal | None = None
        # A thread of its own: look-ups of names, in those of the loop, may be slow.
        self._database = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
        self._spreader = Spreader()
        self._held: Counter[str] = Counter()
        self._answers: list[tuple[str, DeliveryRow, Answer]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._tidied_at: datetime | None = None
        self._is_stopping = False
        # Fleets of which something was spread, or sent, at the last look; when all are looked at.
        self._spread: set[str] = set()
        self._busy: set[str] = set()
        self._look_at_all_s = 0.0
        self._unsent: list[tuple[str, DeliveryRow]] = []

    def deliver_due(self) -> int:
        """Send everything that is due now, and wait for the answers: for tests and commands.

        Returns
        -------
        count : int
            Messages sent.
        """
        return asyncio.run(self._deliver_due())

    async def _deliver_due(self) -> int:
        count, gates = 0, _Gates()
        while True:
            self._look_at_all_s = 0.0
            claimed = await self._apart(self._claim_all)
            if not (claimed or self._spread):
                break
            count += len(claimed)
            self._start(claimed, gates)
            await asyncio.gather(*self._tasks)
            await self._apart(self._note_all)
        await self._sender.close()
        return count

    async def run(self, stop: threading.Event) -> None:
        """Send what is due until it is told to stop; what is under way then is waited for."""
        gates = _Gates()
        while not stop.is_set():
            is_busy = await self._step(gates)
            await asyncio.sleep(_BUSY_S if is_busy or self._tasks else _LOOK_EVERY_S)
        self._is_stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_WITHIN_S)
        await self._guarded(self._note_all)
        await self._guarded(self._give_back)
        await self._sender.close()

    async def _step(self, gates: _Gates) -> bool:
        await self._guarded(self._note_all)
        claimed = await self._guarded(self._claim_all) or []
        self._start(claimed, gates)
        await self._guarded(self._tidy)
        return bool(claimed) or bool(self._spread)

    async def _apart(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._database, work)

    async def _guarded(self, work: Callable[[], Any]) -> Any:
        """Do something with the database; if it is busy or away, the next look is in a moment."""
        try:
            return await self._apart(work)
        except FleetCarbonError as failure:
            _LOG.warning("webhooks wait: %s", failure.message)
            await asyncio.sleep(_LOOK_EVERY_S)
            return None

    def _start(self, claimed: list[tuple[str, Message]], gates: _Gates) -> None:
        for fleet_id, message in claimed:
            self._held[message.delivery.endpoint_id] += 1
            task = asyncio.create_task(self._send(fleet_id, message, gates))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, fleet_id: str, message: Message, gates: _Gates) -> None:
        endpoint_id = message.delivery.endpoint_id
        try:
            async with gates.of_endpoint[endpoint_id], gates.all:
                if not self._is_held(message.delivery):
                    return  # it waited too long for its turn: whoever claims it next sends it
                if self._is_stopping:
                    self._unsent.append((fleet_id, message.delivery))
                    return
                answer = await self._sender.send(message, self._clock())
                self._answers.append((fleet_id, message.delivery, answer))
        finally:
            self._held[endpoint_id] -= 1

    def _is_held(self, claimed: DeliveryRow) -> bool:
        """Whether the claim lasts until the receiver must have answered."""
        left = (claimed.due_at or self._clock()) - self._clock()
        return left > timedelta(seconds=TIMEOUT_S)

    # What is done with the database; one of these at a time.

    def _claim_all(self) -> list[tuple[str, Message]]:
        """Spread a part of what is new, and claim what is due.

        Fleets in which there was something a moment ago are looked at each time, all of them once
        a second: a hundred that are quiet do not slow the one that is not.
        """
        found: list[tuple[str, Message]] = []
        for fleet_id in self._fleets_to_look_at():
            try:
                with closing(self._storage(fleet_id)) as storage:
                    is_spread = self._spreader.spread_next(storage, self._clock())
                    claimed = self._claimed(storage)
            except FleetCarbonError as failure:  # the other fleets need not wait for this one
                _LOG.warning("webhooks of %s wait: %s", fleet_id, failure.message)
                continue
            found += [(fleet_id, message) for message in claimed]
            (self._spread.add if is_spread else self._spread.discard)(fleet_id)
            (self._busy.add if is_spread or claimed else self._busy.discard)(fleet_id)
        return found

    def _fleets_to_look_at(self) -> list[str]:
        now_s = time.monotonic()
        if self._busy and now_s < self._look_at_all_s:
            return sorted(self._busy)
        self._look_at_all_s = now_s + _LOOK_EVERY_S
        return fleets_on_record(self._settings)

    def _storage(self, fleet_id: str) -> Storage:
        return open_storage(self._settings.model_copy(update={"fleet": fleet_id}))

    def _claimed(self, storage: Storage) -> list[Message]:
        at = self._clock()
        with storage.look() as work:
            due = work.webhooks.endpoints_due(at)
        room = [(one, self._room_of(one)) for one in due]
        room = [(one, count) for one, count in room if count > 0]
        if not room:
            return []
        messages: list[Message] = []
        with _beside(storage) as work:
            for endpoint, limit_count in room:
                taken = work.webhooks.claim(
                    endpoint.endpoint_id, at, until=at + LEASE, limit_count=limit_count
                )
                signs = self._secrets(work, storage.fleet_id, endpoint, at) if taken else ()
                messages += [Message(one, endpoint.url, signs) for one in taken]
        return messages

    def _room_of(self, endpoint: EndpointRow) -> int:
        """How many more of an endpoint are claimed; few at a time would cost a look for each."""
        most = CLAIMED_MAX if endpoint.failing_since_at is None else FAILING_CLAIMED_MAX
        held = self._held[endpoint.endpoint_id]
        return most - held if 2 * held <= most else 0

    def _secrets(
        self, work: UnitOfWork, fleet_id: str, endpoint: EndpointRow, at: datetime
    ) -> tuple[str, ...]:
        if self._seal is None:
            self._seal = Seal(self._settings)
        name = secret_name(fleet_id, endpoint.endpoint_id)
        rows = work.webhooks.secrets(endpoint.endpoint_id, at)
        try:
            return tuple(self._seal.open(row.sealed, name) for row in rows)
        except FleetCarbonError as unreadable:
            _LOG.warning("webhook %s: %s", endpoint.endpoint_id, unreadable.message)
            return ()

    def _note_all(self) -> None:
        """Note the answers that came, a fleet at a time; what cannot be noted stays to be noted."""
        answers = self._answers[:]
        by_fleet: dict[str, dict[str, list[tuple[DeliveryRow, Answer]]]] = {}
        for fleet_id, delivery, answer in answers:
            of_fleet = by_fleet.setdefault(fleet_id, {})
            of_fleet.setdefault(delivery.endpoint_id, []).append((delivery, answer))
        for fleet_id, by_endpoint in by_fleet.items():
            with closing(self._storage(fleet_id)) as storage, _beside(storage) as work:
                for told in by_endpoint.values():
                    self._note(work, fleet_id, told)
        del self._answers[: len(answers)]

    def _give_back(self) -> None:
        """Let others send at once what was claimed and not sent."""
        unsent = self._unsent[:]
        for fleet_id, delivery in unsent:
            with closing(self._storage(fleet_id)) as storage, _beside(storage) as work:
                work.webhooks.give_back(delivery, self._clock())
        del self._unsent[: len(unsent)]

    def _note(
        self, work: UnitOfWork, fleet_id: str, told: list[tuple[DeliveryRow, Answer]]
    ) -> None:
        """Note what an endpoint answered, and tell it no more if it is to be told no more."""
        endpoint_id = told[0][0].endpoint_id
        answers = {delivery.event_id: answer for delivery, answer in told}
        kept = work.webhooks.note(endpoint_id, [self._noted(*one) for one in told])
        failed = _failed_since_success(kept)
        if len(failed) < len(kept):
            work.webhooks.note_health(endpoint_id, None)
        if failed:
            work.webhooks.note_health(endpoint_id, failed[0].attempt.attempted_at)
        refused = [answers[one.claimed.event_id] for one in kept if one.state != DELIVERED]
        endpoint = work.webhooks.endpoint(endpoint_id) if refused else None
        if endpoint is None or endpoint.state != ACTIVE:
            return
        reason = next(filter(None, (self._given_up(endpoint, one) for one in refused)), "")
        if reason:
            self._disable(work, fleet_id, endpoint, reason)

    def _noted(self, delivery: DeliveryRow, answer: Answer) -> Noted:
        """What follows of an attempt."""
        status = answer.attempt.status
        if status is not None and 200 <= status < 300:
            return Noted(delivery, answer.attempt, DELIVERED, None)
        due_at = self._next(delivery, answer)
        return Noted(delivery, answer.attempt, FAILED if due_at is None else WAITING, due_at)

    def _next(self, delivery: DeliveryRow, answer: Answer) -> datetime | None:
        """When it is tried again; None if it is given up."""
        if delivery.failures_count >= len(BACK_OFF_S):
            return None
        wait_s = BACK_OFF_S[delivery.failures_count] * (1 + JITTER_SHARE * self._chance())
        wait_s = max(wait_s, min(answer.retry_after_s or 0.0, _RETRY_AFTER_S_MAX))
        return self._clock() + timedelta(milliseconds=round(1000 * wait_s))

    def _given_up(self, endpoint: EndpointRow, answer: Answer) -> str:
        """Why an endpoint is told nothing more; empty if it is."""
        if answer.attempt.status == _GONE:
            return "It answered 410 Gone."
        since = endpoint.failing_since_at
        days = timedelta(days=self._settings.webhook_failing_days)
        if since is not None and self._clock() - since >= days:
            return f"Every attempt failed since {since.isoformat()}."
        return ""

    def _disable(self, work: UnitOfWork, fleet_id: str, endpoint: EndpointRow, reason: str) -> None:
        at = self._clock()
        disabled = replace(endpoint, state=DISABLED, reason=reason, changed_at=at)
        work.webhooks.change_endpoint(disabled)
        work.webhooks.drop_waiting(endpoint.endpoint_id)
        told = {
            "fleet_id": fleet_id,
            "endpoint_id": endpoint.endpoint_id,
            "url": endpoint.url,
            "reason": reason,
            "href": f"/v1/webhooks/{endpoint.endpoint_id}",
        }
        event_id = announcing.event_name(fleet_id, endpoint.endpoint_id, at.isoformat())
        work.webhooks.tell([EventRow(event_id, announcing.ENDPOINT_DISABLED, told, at)])
        _LOG.warning("webhook %s of %s is told no more: %s", endpoint.endpoint_id, fleet_id, reason)

    def _tidy(self) -> None:
        """Let go of what is over and old, now and then."""
        at = self._clock()
        if self._tidied_at is not None and (at - self._tidied_at).total_seconds() < _TIDY_EVERY_S:
            return
        self._tidied_at = at
        for fleet_id in fleets_on_record(self._settings):
            self.tidy_fleet(fleet_id)

    def tidy_fleet(self, fleet_id: str) -> None:
        """Let go of deliveries and events that are older than the settings say."""
        kept = timedelta(days=self._settings.webhook_log_days)
        at = self._clock() - kept
        with closing(self._storage(fleet_id)) as storage, _beside(storage) as work:
            work.webhooks.forget_before(at, waiting_at=at - kept)


def _failed_since_success(noted: list[Noted]) -> list[Noted]:
    """The attempts that failed after the last that did not, in their order."""
    failed: list[Noted] = []
    for one in noted:
        failed = [] if one.state == DELIVERED else [*failed, one]
    return failed


class _Gates:
    """How much is sent at a time: a slow receiver takes none of the others' turns."""

    def __init__(self) -> None:
        self.all = asyncio.Semaphore(AT_ONCE)
        self.of_endpoint: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_ONCE_OF_ENDPOINT)
        )


def _beside(storage: Storage) -> UnitOfWork:
    return storage.begin(is_despite_closing=True, is_beside_others=True)


@contextmanager
def delivering(settings: Settings, *, when_broken: Callable[[], None]) -> Iterator[None]:
    """Deliver while the block runs.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    when_broken : callable
        Called if delivery ends by a fault, so that the process ends and another takes its place.
    """
    stop = threading.Event()

    def run() -> None:
        try:
            asyncio.run(Deliverer(settings).run(stop))
        finally:
            if not stop.is_set():
                when_broken()

    thread = threading.Thread(target=run, name="webhooks")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
