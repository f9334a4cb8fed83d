"""What a process that takes fixes in by the request remembers from one transaction to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fleet_carbon.storage.intake_state import IntakeState
from fleet_carbon.storage.journals import Added, Arrival, CodeBook, Taken
from fleet_carbon.storage.novelty import KnownFixes
from fleet_carbon.storage.segments import VersionNumber
from fleet_carbon.storage.traces import Traces

_KNOWN_ROWS_MAX = 8_000_000


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
            self._known.add(added.codes, added.time_ms, added.place)
            self._journal = added.number

    def lost(self) -> None:
        """Forget everything: what became of the transaction is for the record to say."""
        self._known, self._added, self._codes = None, None, CodeBook()

    def _caught_up(self, traces: Traces, state: IntakeState) -> KnownFixes:
        known = self._known
        is_stale = known is None or known.rows > _KNOWN_ROWS_MAX
        if known is None or is_stale or state.is_changed:
            known = self._read_anew(traces)
        self._version = state.version
        known.lookup = traces.stored_fixes
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
        for journal in waiting:
            self._learn(known, Added.of(journal, traces.journals.read(journal)))
        self._journal = newest
        return known

    def _learn(self, known: KnownFixes, added: Added) -> None:
        known.add(added.codes, added.time_ms, added.place)
        self._journal = max(self._journal, added.number)
