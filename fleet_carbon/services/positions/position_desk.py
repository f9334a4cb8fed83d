"""Positions by the request, at speed: many threads receive them, one reads and records them.

One thread reads everything of a fleet that waits, one body after the other, and puts
it on record in one transaction; who sent it hears of it after the commit. So the cost of a
transaction is shared, and what reads stays in the caches of its processor: bodies that every thread
read by itself took three times as long. What cannot be read here for certain goes the way of files,
which is slower and says the same.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from fleet_carbon.errors import FleetCarbonError, Suspicion
from fleet_carbon.ingest import scanning, suspicions
from fleet_carbon.ingest.dialects import held
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.words import WORDS_MAX, WordBook
from fleet_carbon.quantification import editions
from fleet_carbon.services.intake import ingesting, references
from fleet_carbon.services.intake.ingesting import Source
from fleet_carbon.services.intake.repeating import KEPT_DAYS, Reply, replied
from fleet_carbon.services.positions.position_reading import Known, PositionsRequest, Waiting
from fleet_carbon.services.positions.position_relay import HomeIsAway, PositionRelay
from fleet_carbon.settings import Settings
from fleet_carbon.storage import arranging
from fleet_carbon.storage.unit_of_work import (
    Answer,
    Arrivals,
    IntakeState,
    ReceivedFile,
    Storage,
    UnitOfWork,
    open_storage,
)

_BODY_BYTES_MAX = 16 << 20
_ROWS_TOGETHER_MAX = 300_000
_BYTES_WAITING_MAX = 256 << 20
_REQUESTS_WAITING_MAX = 1_000
_WAIT_S_MAX = 60.0
# While several ask at once, as many as come within this share one transaction, which costs about
# as much as the reading of ten bodies; who asks alone does not wait.
_COMMITS_EVERY_S = 0.02
# A stream is looked at as a whole now and then: that costs as much as everything else together.
_SUSPICIONS_EVERY_S = 2.0
_ANSWERS_FORGOTTEN_EVERY_S = 600.0


def body_bytes_max(source: Source) -> int:
    """How large a body of a source may be; others go the way of files. [byte]"""
    if source.dialect in held.SENT_BY_MESSAGE and not source.vehicle_id:
        return held.BODY_BYTES_MAX
    return 0 if source.dialect or source.vehicle_id else _BODY_BYTES_MAX


def make_ready() -> None:
    """Load what is compiled, before the first request waits for it."""
    scanning.warm()
    arranging.warm()


class PositionDesk:
    """Takes positions in for all fleets that this process serves; its threads share it.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    relay : PositionRelay or None
        To the processes that serve beside this one, if there are any.
    """

    def __init__(self, settings: Settings, relay: PositionRelay | None = None) -> None:
        self._settings = settings
        self._relay = relay
        self._lock = threading.Lock()
        if relay is not None:
            relay.listen(self._take_in_here)
        self._fleets: dict[str, _FleetDesk] = {}

    def take_in(self, fleet_id: str, request: PositionsRequest) -> Reply | None:
        """Put the sound rows of a request on record, and tell what became of all of them.

        Parameters
        ----------
        fleet_id : str
            Whose they are.
        request : PositionsRequest
            What was sent.

        Returns
        -------
        reply : Reply or None
            None if it is for the way of files; then nothing was done.

        Raises
        ------
        FleetCarbonError
            If it could not be put on record; also ``intake_full``: others wait already.
        """
        if self._relay is not None and not self._relay.is_at_home(fleet_id):
            # What the home has put on record before it went away is not taken twice.
            with suppress(HomeIsAway):
                return self._relay.ask(fleet_id, request)
        return self._take_in_here(fleet_id, request)

    def _take_in_here(self, fleet_id: str, request: PositionsRequest) -> Reply | None:
        return self._of(fleet_id).take_in(request)

    def close(self) -> None:
        """Finish what waits, and let go of the connections."""
        if self._relay is not None:
            self._relay.close()
        for fleet in self._fleets.values():
            fleet.close()

    def _of(self, fleet_id: str) -> _FleetDesk:
        with self._lock:
            if fleet_id not in self._fleets:
                settings = self._settings.model_copy(update={"fleet": fleet_id})
                self._fleets[fleet_id] = _FleetDesk(settings)
            return self._fleets[fleet_id]


class _FleetDesk:
    """Takes positions in for one fleet."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._storage: Storage | None = None
        self._arrivals = Arrivals()
        self._condition = threading.Condition()
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._book = WordBook()
        self._known: Known | None = None
        self._register_state: tuple[int, ...] = ()
        self._begun_s, self._lately_count = -1e9, 0
        self._looked_at_s = self._forgot_at_s = -1e9

    def take_in(self, request: PositionsRequest) -> Reply | None:
        profile = _profile(request.source, self._opened().zone.key)
        one = Waiting(request, profile, datetime.now(UTC))
        self._enqueue(one)
        if not one.is_done.wait(_WAIT_S_MAX):
            raise _not_known("It waits for the database for too long")
        if one.failure is not None:
            raise one.failure
        if one.refused and one.taken is not None:
            self._write_rejections(one, one.taken.file_id)
        return one.reply

    def _words(self) -> WordBook:
        if len(self._book.words) > WORDS_MAX:
            self._book = WordBook()
        return self._book

    def _suspicions(self, one: Waiting) -> list[Suspicion]:
        """What is strange in the rows as a whole, looked for now and then."""
        now_s = time.monotonic()
        if now_s - self._looked_at_s < _SUSPICIONS_EVERY_S:
            return []
        self._looked_at_s = now_s
        batch = one.batch or one.looked_at()
        if batch is None:
            return []
        collector = suspicions.SuspicionCollector("positions", one.profile)
        collector.add(batch.rows, batch.tallies, batch.rejections)
        return collector.findings(one.received_at)

    def _opened(self) -> Storage:
        with self._condition:
            if self._storage is None:
                self._storage = open_storage(self._settings)
            return self._storage

    def _enqueue(self, one: Waiting) -> None:
        with self._condition:
            is_full = self._waiting and (
                self._waiting_bytes + len(one.request.content) > _BYTES_WAITING_MAX
                or len(self._waiting) >= _REQUESTS_WAITING_MAX
            )
            if is_full:
                raise FleetCarbonError(
                    "intake_full",
                    "More positions wait to be put on record than are held in memory.",
                    "Send the request again in a moment; nothing of it was kept.",
                )
            self._waiting.append(one)
            self._waiting_bytes += len(one.request.content)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name=f"positions of {self._settings.fleet}", daemon=True
                )
                self._thread.start()
            self._condition.notify()

    def close(self) -> None:
        """Finish what waits."""
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join(_WAIT_S_MAX)
        if self._storage is not None:
            self._storage.close()

    def _run(self) -> None:
        while self._take_together():
            pass

    def _take_together(self) -> bool:
        """Read what waits and put it on record; whether there was any before the end."""
        together: list[Waiting] = []
        is_known = False
        try:
            self._gather(together)
            self._commit(together)
            is_known = True
        except FleetCarbonError as refused:
            for one in together:
                one.failure = one.failure or refused
        finally:
            if not is_known:
                self._arrivals.lost()
            for one in together:
                if one.reply is None and one.failure is None and not one.is_for_files:
                    one.failure = _not_known("Something went wrong inside the service")
                one.is_done.set()
        return bool(together)

    def _gather(self, together: list[Waiting]) -> None:
        """Read what is put on record together; wait for it, unless this is the end."""
        rows_count = 0
        while rows_count < _ROWS_TOGETHER_MAX:
            one = self._one_more(len(together))
            if one is None:
                break
            together.append(one)
            rows_count += self._read(one)
        self._begun_s, self._lately_count = time.monotonic(), len(together)

    def _one_more(self, count: int) -> Waiting | None:
        """The next that waits; none once as many are together as may be expected in time."""
        with self._condition:
            while not self._waiting:
                if self._is_closing:
                    return None
                left_s = self._begun_s + _COMMITS_EVERY_S - time.monotonic()
                if count and (count >= self._lately_count or left_s <= 0):
                    return None
                self._condition.wait(left_s if count else None)
            one = self._waiting.popleft()
            self._waiting_bytes -= len(one.request.content)
            return one

    def _read(self, one: Waiting) -> int:
        try:
            one.read(self._words())
        except FleetCarbonError as refused:
            one.failure = refused
        return one.rows_count

    def _commit(self, together: list[Waiting]) -> None:
        waiting = [one for one in together if one.is_to_be_put()]
        if not waiting:
            return
        replies: dict[Waiting, Reply | FleetCarbonError] = {}
        # Whether the fleet was closed down is asked once, under the lock.
        with self._opened().begin(is_despite_closing=True, reads_traces=False) as work:
            state = work.intake_state(self._arrivals)
            if state.closing_step:
                work.refuse_if_closed_down()
            now = datetime.now(UTC)
            fresh, repeated = self._parted(work, waiting, now, replies)
            fresh = self._put(work, state, fresh, replies, now)
            for one, first in repeated:
                before = replies.get(first)
                one.is_for_files = before is None
                if isinstance(before, Reply):
                    replies[one] = Reply(before.status, before.content, is_repeated=True)
            self._note(work, state, fresh, replies, now)
        self._arrivals.committed()
        for one in waiting:
            reply = replies.get(one)
            if isinstance(reply, Reply):
                one.reply = reply
            else:
                one.failure = reply  # None if it turned out to be for the way of files

    def _put(
        self,
        work: UnitOfWork,
        state: IntakeState,
        fresh: Sequence[Waiting],
        replies: dict[Waiting, Reply | FleetCarbonError],
        now: datetime,
    ) -> list[Waiting]:
        """Put the rows of requests on record; those that are not for the way of files."""
        if not fresh:
            return []
        known = self._known_in(work, state)
        found = [(one, known.arrival(one)) for one in fresh]
        chosen = [(one, arrival) for one, arrival in found if arrival is not None]
        if not chosen:
            return []
        arrivals = [arrival for _, arrival in chosen]
        taken = work.arrive(self._arrivals, arrivals, state, recorded_at=now)
        for (one, _), rows in zip(chosen, taken, strict=True):
            replies[one] = Reply(200, one.told(rows, self._suspicions(one)))
        return [one for one, _ in chosen]

    def _parted(
        self,
        work: UnitOfWork,
        together: Sequence[Waiting],
        now: datetime,
        replies: dict[Waiting, Reply | FleetCarbonError],
    ) -> tuple[list[Waiting], list[tuple[Waiting, Waiting]]]:
        """Requests to be done, and those that repeat one of them; others are answered already."""
        keys = [one.request.request_key for one in together if one.request.request_key]
        known = work.answers.of_keys(keys) if keys else {}
        first_of_key: dict[str, Waiting] = {}
        fresh: list[Waiting] = []
        repeated: list[tuple[Waiting, Waiting]] = []
        for one in together:
            key, digest = one.request.request_key, one.request.request_sha256
            if key in first_of_key and first_of_key[key].request.request_sha256 == digest:
                repeated.append((one, first_of_key[key]))
                continue
            found = known.get(key)
            if key in first_of_key:
                found = Answer(first_of_key[key].request.request_sha256, None, None, now)
            try:
                reply = replied(found, digest)
            except FleetCarbonError as refused:
                replies[one] = refused
                continue
            if reply is not None:
                replies[one] = reply
                continue
            fresh.append(one)
            if key:
                first_of_key[key] = one
        return fresh, repeated

    def _note(
        self,
        work: UnitOfWork,
        state: IntakeState,
        fresh: Sequence[Waiting],
        replies: dict[Waiting, Reply | FleetCarbonError],
        now: datetime,
    ) -> None:
        """Keep the answers to requests that may be repeated, and who sent what."""
        answers = {}
        for one in fresh:
            reply = replies[one]
            if one.request.request_key and isinstance(reply, Reply):
                answers[one.request.request_key] = Answer(
                    one.request.request_sha256, reply.status, json.dumps(reply.content), now
                )
        if answers:
            work.answers.put(answers)
            if time.monotonic() - self._forgot_at_s > _ANSWERS_FORGOTTEN_EVERY_S:
                self._forgot_at_s = time.monotonic()
                work.answers.forget_before(now - timedelta(days=KEPT_DAYS))
        events = [one.request.event for one, told in replies.items() if isinstance(told, Reply)]
        if events:
            work.audit_trail.add_after(state.audit_event, events)

    def _known_in(self, work: UnitOfWork, state: IntakeState) -> Known:
        """The trucks and drivers on record, read again when any came or went."""
        if self._known is None or state.register != self._register_state:
            edition = editions.edition_in_force(self._settings.models_dir, datetime.now(UTC).date())
            read = work.register.read
            register = references.register_of(
                read("vehicles"),
                read("drivers"),
                read("assignments").head(0),  # fixes are not held against them
                rules=editions.fill_rules(edition, "intake", references.IntakeRules),
            )
            self._known, self._register_state = Known(register), state.register
        return self._known

    def _write_rejections(self, one: Waiting, file_id: str) -> None:
        with self._opened().begin(read_only=True, reads_traces=False) as work:
            received = ReceivedFile(
                file_id=file_id,
                digest_sha256=file_id,
                name=one.file_name,
                size_bytes=len(one.request.content),
                path=work.files.path_of(file_id),
                kind="positions",
                received_at=one.received_at,
            )
            work.files.write_rejections(received, one.refused)


def _not_known(why: str) -> FleetCarbonError:
    return FleetCarbonError(
        "intake_broken",
        f"{why}; whether the positions are on record is not known.",
        "Send the request again: what is on record is not taken twice.",
    )


@lru_cache(maxsize=256)
def _profile(source: Source, fleet_zone: str) -> SourceProfile:
    return ingesting.profile_of(source, fleet_zone)
