"""The fleet as it is now: fixes are taken in as they arrive, and states are told from them.

A state is a function of the set of fixes, of the records and of the moment, so neither the order
in which fixes come nor their repetition matters. Reading the window of a truck anew costs less
than to carry its half-read trace along; what costs is only done when somebody asks, and once.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.errors import NotFound
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.orders import OrderBook
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.segmentation import TruckFacts
from fleet_carbon.periods import Span, day_of, parse_moment, to_epoch_ms
from fleet_carbon.quantification import editions
from fleet_carbon.services.months import comparing, cutting
from fleet_carbon.services.months.records import Records, read_records
from fleet_carbon.services.positions.sighting import (
    LiveRules,
    OnRecord,
    SightingRules,
    VehicleState,
    aged,
    sight,
    unseen,
)
from fleet_carbon.settings import Settings
from fleet_carbon.statements import live as lines_of
from fleet_carbon.storage.batches import TraceBatch, VehicleFixes
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage
from fleet_carbon.traces.trace import TraceRules

_KEYS = ("time_ms", "lon_udeg", "lat_udeg")
_DRIVER = "driver_id"
# So many pieces become one, and what is loose joins what is held when it is that part of it: each
# fix is copied a few times, however the stream is cut.
_PIECES_MAX, _LOOSE_MIN, _LOOSE_SHARE = 16, 64, 0.125


@dataclass(frozen=True)
class CaughtUp:
    """What was new on record: trucks with other fixes, and trucks with other records."""

    vehicles_count: int
    records_count: int


@dataclass(frozen=True)
class LiveReport:
    """The states of some trucks at a moment.

    Attributes
    ----------
    fleet_id, timezone : str
        Fleet, and the zone whose days are told of.
    at : datetime
        Moment.
    states : tuple of VehicleState
        By identifier.
    """

    fleet_id: str
    timezone: str
    at: datetime
    states: tuple[VehicleState, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "fleet_id": self.fleet_id,
            "timezone": self.timezone,
            "at": self.at.isoformat(),
            "vehicles": [state.as_dict() for state in self.states],
        }

    def lines(self) -> list[str]:
        """A table for people."""
        return lines_of.live_lines(self.as_dict())


def show_fleet(
    settings: Settings, vehicle_ids: Collection[str] = (), *, at: str | None = None
) -> LiveReport:
    """Tell where trucks are and what they do, now or at an earlier moment.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    vehicle_ids : collection of str, optional
        Only these; all of them if empty.
    at : str, optional
        Moment in ISO 8601; without an offset in the fleet's zone. What was received later but
        happened before counts. Now if absent.

    Raises
    ------
    InputRefused
        ``moment_malformed``.
    NotFound
        ``vehicle_not_on_record``.
    """
    storage = open_storage(settings)
    try:
        now = datetime.now(UTC) if at is None else parse_moment(at, storage.zone)
        fleet = LiveFleet(storage, settings.models_dir, only=vehicle_ids)
        fleet.catch_up(now)
        if vehicle_ids:
            states = [fleet.state(vehicle_id, now) for vehicle_id in sorted(set(vehicle_ids))]
        else:
            states = fleet.states(now)
        return LiveReport(storage.fleet_id, storage.zone.key, now, tuple(states))
    finally:
        storage.close()


def rules_on(models_dir: Path, day: date) -> SightingRules:
    """The rules of the edition in force on a day."""
    edition = editions.edition_in_force(models_dir, day)
    return SightingRules(
        traces=editions.fill_rules(edition, "traces", TraceRules),
        legs=editions.fill_rules(edition, "legs", LegRules),
        live=editions.fill_rules(edition, "live", LiveRules),
    )


def split_positions(positions: pd.DataFrame, received_ms: int) -> Iterator[VehicleFixes]:
    """Rows of `frames.POSITIONS` as the fixes of each truck, in order of time.

    Parameters
    ----------
    positions : DataFrame
        In any order; optional columns may be absent.
    received_ms : int
        When they were received. [ms]
    """
    vehicle, names = pd.factorize(positions["vehicle_id"])
    columns: dict[str, NDArray[Any]] = {
        name: positions[name].to_numpy(dtype=np.int64) for name in _KEYS
    }
    order = np.lexsort((columns["time_ms"], vehicle))
    for name in positions.columns:
        if name == _DRIVER:
            columns[name] = positions[name].fillna("").astype(object).to_numpy()
        elif name not in columns and pd.api.types.is_numeric_dtype(positions[name].dtype):
            columns[name] = positions[name].to_numpy(dtype=np.float64, na_value=np.nan)
    columns = {
        name: (column.astype(np.int32) if name in _KEYS[1:] else column)[order]
        for name, column in columns.items()
    }
    bounds = np.searchsorted(vehicle[order], np.arange(len(names) + 1)).tolist()
    for at, name in enumerate(names):
        rows = slice(bounds[at], bounds[at + 1])
        yield VehicleFixes(
            str(name), {key: column[rows] for key, column in columns.items()}, received_ms
        )


@dataclass(slots=True)
class _Held:
    """The fixes of one truck: those joined, pieces that came since, and the state told last."""

    fixes: VehicleFixes | None = None
    pieces: list[VehicleFixes] = field(default_factory=list)
    loose_count: int = 0
    mark: str | None = None
    told: VehicleState | None = None
    told_of: tuple[Any, ...] = ()

    @property
    def count(self) -> int:
        joined_count = 0 if self.fixes is None else len(self.fixes.columns["time_ms"])
        return joined_count + self.loose_count

    def add(self, piece: VehicleFixes, from_ms: int | None) -> None:
        self.pieces.append(piece)
        self.loose_count += len(piece.columns["time_ms"])
        self.told_of = ()
        if len(self.pieces) >= _PIECES_MAX:
            self.pieces = [joined(self.pieces)]
        held_count = self.count - self.loose_count
        if self.loose_count > _LOOSE_MIN + _LOOSE_SHARE * held_count:
            self.join(from_ms)

    def join(self, from_ms: int | None) -> VehicleFixes | None:
        """All of it in order, each fix once; what lies before the window leaves."""
        if self.pieces:
            loose = joined(self.pieces)
            self.fixes = loose if self.fixes is None else followed(self.fixes, loose)
            self.pieces, self.loose_count = [], 0
        if self.fixes is not None and from_ms is not None:
            times = self.fixes.columns["time_ms"]
            if len(times) and times[0] < from_ms:
                rows = slice(int(np.searchsorted(times, from_ms)), None)
                self.fixes = _rows_of(self.fixes, rows, is_copied=True)
        return self.fixes


@dataclass(frozen=True)
class _Basis:
    """What is on record of all trucks on one day, and the rules that are in force."""

    rules: SightingRules
    trucks: dict[str, TruckFacts]
    orders: OrderBook
    drivers: DriverBook
    digests: dict[str, str]

    def of_vehicle(self, vehicle_id: str) -> OnRecord:
        return OnRecord(
            self.trucks.get(vehicle_id),
            self.orders.of_vehicle(vehicle_id),
            self.drivers.of_vehicle(vehicle_id),
        )


class LiveFleet:
    """The states of the trucks of a fleet, kept up to date; may be used by several threads.

    Parameters
    ----------
    storage : Storage
        The fleet's records.
    models_dir : Path
        Where the editions are.
    only : collection of str, optional
        Watch these trucks and no others; all of them if empty.

    Examples
    --------
    A process that takes positions in stores them and then calls `take`; every process calls
    `catch_up` now and then to learn what others stored, withdrew or planned::

        fleet = LiveFleet(storage, settings.models_dir)
        fleet.catch_up(now)
        fleet.take(split_positions(rows, received_ms))
        fleet.state("V1", now)
    """

    def __init__(self, storage: Storage, models_dir: Path, *, only: Collection[str] = ()) -> None:
        self._storage, self._models_dir = storage, models_dir
        self._only = frozenset(only)
        self._lock, self._catching_up = threading.RLock(), threading.Lock()
        self._held: dict[str, _Held] = {}
        self._basis: _Basis | None = None
        self._from_ms: int | None = None
        self._version: int | None = None
        # What is taken while the store is read: the reading may or may not have met it.
        self._meanwhile: dict[str, list[VehicleFixes]] | None = None
        self._rules_of_day: tuple[date, SightingRules] | None = None

    def take(self, fixes: Iterable[VehicleFixes]) -> None:
        """Take in fixes that are on record already: in any order, and as often as one likes.

        Parameters
        ----------
        fixes : iterable of VehicleFixes
            Of any trucks, several pieces of one truck too; sorted or not.
        """
        with self._lock:
            for piece in fixes:
                if self._only and piece.vehicle_id not in self._only:
                    continue
                if piece.vehicle_id not in self._held:
                    self._held[piece.vehicle_id] = _Held()
                self._held[piece.vehicle_id].add(piece, self._from_ms)
                if self._meanwhile is not None:
                    self._meanwhile.setdefault(piece.vehicle_id, []).append(piece)

    def catch_up(self, now: datetime) -> CaughtUp:
        """Read what others have stored: only trucks whose fixes differ from those seen last.

        Parameters
        ----------
        now : datetime
            The clock, aware; its day in the fleet's zone decides which days are held. Fixes
            further ahead of it than a clock can be are not read.

        Returns
        -------
        caught_up : CaughtUp
            How many trucks have other fixes than before, and how many other records.
        """
        with self._catching_up:
            with self._lock:
                self._meanwhile = {}
            try:
                return self._catch_up(now)
            finally:
                with self._lock:
                    self._meanwhile = None

    def _catch_up(self, now: datetime) -> CaughtUp:
        day = day_of(now, self._storage.zone)
        rules = self._rules_of(now)
        from_ms = _window_from_ms(day, rules)
        margin = timedelta(hours=rules.legs.plan_error_h_max)
        with self._storage.begin(read_only=True) as work:
            records = read_records(
                work, (day.starts_at - timedelta(days=rules.live.window_days), day.ends_at + margin)
            )
            until_ms = to_epoch_ms(now + timedelta(hours=rules.traces.clock_ahead_h_max))
            marks = self._watched(work.traces.marks(from_ms, until_ms))
            changed = {name for name, mark in marks.items() if mark != self._mark_of(name)}
            since, version = self._version or 0, work.traces.version_number()
            # What was added can be added here; what was taken away leaves no fix to tell of it.
            if since and work.traces.was_withdrawn_since(since):
                since = 0
            batches = list(_batches(work, (from_ms, until_ms), since, changed))
        basis, records_count = self._new_basis(records, rules)
        for batch in batches:
            for fixes in batch.read():
                self._put(fixes, is_all=since == 0)
        self._remember(marks)
        with self._lock:
            self._basis, self._version = basis, version
            self._from_ms = max(from_ms, self._from_ms or from_ms)
        return CaughtUp(len(changed) + len(self._forget(marks)), records_count)

    def state(self, vehicle_id: str, now: datetime) -> VehicleState:
        """Tell what one truck does at a moment.

        Parameters
        ----------
        vehicle_id : str
            Truck.
        now : datetime
            Aware; not before the day of the latest `catch_up`.

        Raises
        ------
        NotFound
            ``vehicle_not_on_record``: neither registered nor seen.
        ValueError
            If nothing was read yet, or the moment lies before the days that are held.
        """
        with self._lock:
            basis = self._known(now)
            if vehicle_id not in basis.trucks and vehicle_id not in self._held:
                raise NotFound(
                    "vehicle_not_on_record",
                    f"There is no vehicle {vehicle_id!r}: it is not registered and was not seen.",
                    "Check the identifier, or ingest the vehicle with `ingest vehicles`.",
                )
            return self._state(vehicle_id, basis, now)

    def states(self, now: datetime) -> list[VehicleState]:
        """The states of all trucks, by identifier; others may take in fixes in between."""
        found = []
        for name in self.vehicle_ids(now):
            with self._lock:
                found.append(self._state(name, self._known(now), now))
        return found

    def vehicle_ids(self, now: datetime) -> list[str]:
        """The trucks that are on record or were seen, in order."""
        with self._lock:
            basis = self._known(now)
            return sorted(self._watched({**basis.trucks, **self._held}))

    def fixes_held_count(self) -> int:
        """How many fixes are in memory, repetitions not yet found counted."""
        with self._lock:
            return sum(held.count for held in self._held.values())

    def _known(self, now: datetime) -> _Basis:
        if self._basis is None or self._from_ms is None:
            raise ValueError("Nothing was read yet: catch up first.")
        day = day_of(now, self._storage.zone)
        if _window_from_ms(day, self._basis.rules) < self._from_ms:
            raise ValueError(f"{now} lies before the days that are held.")
        return self._basis

    def _state(self, vehicle_id: str, basis: _Basis, now: datetime) -> VehicleState:
        day = day_of(now, self._storage.zone)
        held = self._held.get(vehicle_id)
        fixes = None if held is None else held.join(self._from_ms)
        if held is None or fixes is None:
            return unseen(vehicle_id, now)
        times = fixes.columns["time_ms"]
        first, until = np.searchsorted(
            times, [_window_from_ms(day, basis.rules), to_epoch_ms(now) + 1]
        ).tolist()
        told_of = (len(times), first, until, day, basis.rules, basis.digests.get(vehicle_id))
        if held.told is None or held.told_of != told_of:
            held.told = sight(
                _rows_of(fixes, slice(first, until)),
                basis.of_vehicle(vehicle_id),
                day=day,
                now=now,
                rules=basis.rules,
            )
            held.told_of = told_of
        return aged(held.told, now, basis.rules)

    def _mark_of(self, vehicle_id: str) -> str | None:
        held = self._held.get(vehicle_id)
        return None if held is None else held.mark

    def _watched(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {name: one for name, one in found.items() if not self._only or name in self._only}

    def _put(self, fixes: VehicleFixes, *, is_all: bool) -> None:
        """Hold what the store says of a truck; if it is all, only that and what came meanwhile."""
        with self._lock:
            name = fixes.vehicle_id
            if is_all or name not in self._held:
                self._held[name] = _Held()
            for piece in (fixes, *((self._meanwhile or {}).get(name, ()) if is_all else ())):
                self._held[name].add(piece, None)

    def _remember(self, marks: Mapping[str, str]) -> None:
        with self._lock:
            for name, mark in marks.items():
                self._held.setdefault(name, _Held()).mark = mark

    def _forget(self, marks: Mapping[str, str]) -> list[str]:
        """Let go of trucks of which nothing is stored any more."""
        with self._lock:
            kept = marks.keys() | (self._meanwhile or {}).keys()
            gone = [name for name in self._held if name not in kept]
            for name in gone:
                del self._held[name]
            return gone

    def _rules_of(self, now: datetime) -> SightingRules:
        """The rules in force on the day, read once a day."""
        day = now.astimezone(self._storage.zone).date()
        if self._rules_of_day is None or self._rules_of_day[0] != day:
            self._rules_of_day = (day, rules_on(self._models_dir, day))
        return self._rules_of_day[1]

    def _new_basis(self, records: Records, rules: SightingRules) -> tuple[_Basis, int]:
        digests = comparing.vehicle_digests(comparing.digest_records(records))
        before = {} if self._basis is None else self._basis.digests
        if self._basis is not None and self._basis.rules == rules and before == digests:
            return self._basis, 0
        basis = _Basis(
            rules=rules,
            trucks=self._watched(cutting.trucks_of(records.vehicles)),
            orders=OrderBook.from_frame(records.orders),
            drivers=DriverBook.from_frames(records.assignments, records.drivers),
            digests=digests,
        )
        differing = [name for name in before.keys() | digests.keys()
                     if before.get(name) != digests.get(name)]  # fmt: skip
        return basis, len(differing)


def joined(parts: list[VehicleFixes]) -> VehicleFixes:
    """Fixes of one truck from several pieces: in order of moment and place, each once.

    Of a fix that comes twice the one received first counts, as in the store.
    """
    names = sorted(set().union(*(part.columns for part in parts)))
    columns = {name: _one_column(name, parts) for name in names}
    received_ms = np.concatenate(
        [np.broadcast_to(np.int64(part.received_ms), len(part.columns["time_ms"]))
         for part in parts]
    )  # fmt: skip
    whole = VehicleFixes(parts[0].vehicle_id, columns, received_ms)
    times = columns["time_ms"]
    if np.all(times[1:] > times[:-1]):
        return whole
    keys = [columns[name] for name in reversed(_KEYS)]
    order = np.lexsort((received_ms, *keys))
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    return _rows_of(whole, order[is_new])


def followed(held: VehicleFixes, loose: VehicleFixes) -> VehicleFixes:
    """Two sets of fixes as one; both are in order already, and mostly the second comes later."""
    times = held.columns["time_ms"]
    if len(loose.columns["time_ms"]) == 0:
        return held
    from_row = int(np.searchsorted(times, loose.columns["time_ms"][0]))
    if from_row == len(times):
        return _one_after_another([held, loose])
    touched = joined([_rows_of(held, slice(from_row, None)), loose])
    return _one_after_another([_rows_of(held, slice(0, from_row)), touched])


def _one_after_another(parts: list[VehicleFixes]) -> VehicleFixes:
    names = sorted(set().union(*(part.columns for part in parts)))
    columns = {name: _one_column(name, parts) for name in names}
    received_ms = np.concatenate(
        [
            np.broadcast_to(np.int64(part.received_ms), len(part.columns["time_ms"]))
            for part in parts
        ]
    )
    return VehicleFixes(parts[0].vehicle_id, columns, received_ms)


def _one_column(name: str, parts: list[VehicleFixes]) -> NDArray[Any]:
    missing: Any = "" if name == _DRIVER else np.nan
    return np.concatenate(
        [
            part.columns[name]
            if name in part.columns
            else np.full(len(part.columns["time_ms"]), missing, dtype=type(missing))
            for part in parts
        ]
    )


def _rows_of(
    fixes: VehicleFixes, rows: slice | NDArray[np.intp], *, is_copied: bool = False
) -> VehicleFixes:
    columns = {name: column[rows] for name, column in fixes.columns.items()}
    received_ms = fixes.received_ms
    if not isinstance(received_ms, int):
        received_ms = received_ms[rows]
    if is_copied:  # so that what was cut off can leave the memory
        columns = {name: column.copy() for name, column in columns.items()}
        received_ms = received_ms if isinstance(received_ms, int) else received_ms.copy()
    return replace(fixes, columns=columns, received_ms=received_ms)


def _window_from_ms(day: Span, rules: SightingRules) -> int:
    return to_epoch_ms(day.starts_at - timedelta(days=rules.live.window_days))


def _batches(
    work: UnitOfWork, window_ms: tuple[int, int], since: int, wanted: set[str]
) -> Iterator[TraceBatch]:
    """Where the fixes of these trucks are that came after a version."""
    if not wanted:
        return
    found = work.traces.batches(*window_ms, fixes_max=cutting.FIXES_PER_JOB, since=since)
    for batch in found:
        chosen = wanted.intersection(batch.vehicle_ids)
        if chosen:
            yield batch.only(chosen)
