"""What a process that takes fixes in by the request remembers from one transaction to the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from fleet_carbon.storage.intake_state import IntakeState
from fleet_carbon.storage.journals import Added, Arrival, CodeBook, Journal, Taken
from fleet_carbon.storage.novelty import KnownFixes
from fleet_carbon.storage.segments import Int64s, VersionNumber
from fleet_carbon.storage.traces import Traces

_KNOWN_ROWS_MAX = 8_000_000


class _Span(NamedTuple):
    """A journal, and from when to when its fixes are. [ms]"""

    journal: Journal
    time_ms_min: int
    time_ms_max: int


class Arrivals:
    """What is on record of the fixes of a fleet, as one thread of this process knows it.

    Other processes add journals, and files bring fixes or are withdrawn: each transaction first
    reads what came since the last one, which the lock of the fleet makes complete.
    """

    def __init__(self) -> None:
        self._known: KnownFixes | None = None
        self._codes = CodeBook()
        self._journal = 0
        self._version: VersionNumber = 0
        self._added: Added | None = None
        # Journals whose fixes are known one by one, and those that wait and are looked up.
        self._at_hand: deque[_Span] = deque()
        self._away: list[_Span] = []

    @property
    def version(self) -> VersionNumber:
        """Of the trace store, as it was last looked at."""
        return self._version

    def put(
        self,
        traces: Traces,
        arrivals: Sequence[Arrival],
        state: IntakeState,
        *,
        recorded_at: datetime,
    ) -> list[Taken]:
        """Put the new fixes of some requests on record, in a transaction that has the fleet.

        Parameters
        ----------
        traces : Traces
            Of the transaction.
        arrivals : sequence of Arrival
            In the order in which they came.
        state : IntakeState
            Asked in the transaction, since `version`.
        recorded_at : datetime
            Aware.

        Returns
        -------
        taken : list of Taken
            What became of each.
        """
        known = self._caught_up(traces, state)
        taken, self._added = traces.journals.add(
            arrivals, known, state, codes=self._codes, recorded_at=recorded_at
        )
        return taken

    def committed(self) -> None:
        """Remember what was put: it is on record."""
        if self._known is not None and self._added is not None:
            added, self._added = self._added, None
            self._learn(self._known, added)

    def lost(self) -> None:
        """Forget everything: what became of the transaction is for the record to say."""
        self._known, self._added, self._codes = None, None, CodeBook()

    def _caught_up(self, traces: Traces, state: IntakeState) -> KnownFixes:
        known = self._known
        if known is None or state.is_changed:
            known = self._read_anew(traces)
        elif self._away and state.version != self._version:  # each fold is one
            waiting = {journal.number for journal in traces.journals.waiting()}
            self._away = [one for one in self._away if one.journal.number in waiting]
        self._version = state.version
        known.lookup = partial(self._looked_up, traces)
        if state.journal > self._journal:
            for journal in traces.journals.after(self._journal):
                self._learn(known, Added.of(journal, traces.journals.read(journal)))
        self._known = known
        return known

    def _read_anew(self, traces: Traces) -> KnownFixes:
        # First the journals, then the segments: one that is folded in between is met twice.
        waiting = traces.journals.waiting()
        newest = traces.journals.newest()
        known = traces.known_fixes()
        self._at_hand.clear()
        self._away.clear()
        for journal in waiting:
            self._learn(known, Added.of(journal, traces.journals.read(journal)))
        self._journal = newest
        return known

    def _learn(self, known: KnownFixes, added: Added) -> None:
        known.add(added.codes, added.time_ms, added.place, journal_number=added.journal.number)
        self._journal = max(self._journal, added.journal.number)
        if len(added.time_ms):
            self._at_hand.append(
                _Span(added.journal, int(added.time_ms.min()), int(added.time_ms.max()))
            )
        if known.rows > _KNOWN_ROWS_MAX:
            self._let_go(known)

    def _let_go(self, known: KnownFixes) -> None:
        """Have half as many fixes at hand; the others are looked up where they are."""
        rows_count, newest = known.rows, 0
        while rows_count > _KNOWN_ROWS_MAX // 2:
            gone = self._at_hand.popleft()
            rows_count -= gone.journal.rows
            newest = gone.journal.number
            self._away.append(gone)
        known.forget(newest)

    def _looked_up(
        self, traces: Traces, codes: Int64s, time_ms: Int64s
    ) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
        """What may equal some fixes: in journals that wait, then in the segments."""
        first_ms, last_ms = int(time_ms.min()), int(time_ms.max())
        for one in self._away:
            if one.time_ms_min <= last_ms and one.time_ms_max >= first_ms:
                found = Added.of(one.journal, traces.journals.read(one.journal))
                yield found.codes, found.time_ms, found.place
        yield from traces.stored_fixes(codes, time_ms)
