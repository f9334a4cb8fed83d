"""Take files in: kept by digest, read in batches, checked against the register, saved or named.

Each file is one unit of work: it is on record as a whole or not at all. Rows that are refused
are named in a file beside the good ones; the count always closes:
`rows_read = rows_accepted + rows_duplicate + rows_rejected`.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fleet_carbon.errors import FleetCarbonError, Rejection, Suspicion
from fleet_carbon.frames import FRAMES
from fleet_carbon.ingest import intake, places, profiles, suspicions
from fleet_carbon.ingest.dialects import registry
from fleet_carbon.ingest.register import look_personal
from fleet_carbon.quantification import documents, editions, fuel
from fleet_carbon.services.intake import geocoding, references
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices
from fleet_carbon.storage.unit_of_work import ReceivedFile, Storage, UnitOfWork, open_storage
from fleet_carbon.units import mass_unit_beside

KINDS = intake.KINDS
DIALECTS = registry.DIALECTS
REJECTIONS_SHOWN = 20
_LIGHT_LOADS_SHARE = 0.8
_CHUNK_ROWS = 200_000
_SPOOL_BYTES = 1 << 24
_FRAME_BY_KIND = {frame.name: frame for frame in FRAMES}


@dataclass(frozen=True)
class Source:
    """How to read the files, as the user said it; None leaves it to the profile or the fleet.

    Attributes
    ----------
    profile_path : Path or None
        Document that maps names, units, zone and coordinate system of a source.
    crs : str or None
        wgs84, gcj02 or bd09; overrules the profile.
    time_zone : str or None
        IANA name for times without offset; overrules the profile.
    may_restate : bool
        Whether an order with other content under a version on record takes its place, as of a
        file that was corrected; else it is refused, as of a system that must hear of it.
    dialect : str
        One of `DIALECTS` that the files are written in; empty if their columns are named.
    vehicle_id : str or None
        The truck of all rows that name none, as of a track or a log of one receiver.
    """

    profile_path: Path | None = None
    crs: str | None = None
    time_zone: str | None = None
    may_restate: bool = True
    dialect: str = ""
    vehicle_id: str | None = None


@dataclass
class FileIntake:
    """What became of one file.

    Attributes
    ----------
    file : str
        Its path as given.
    digest_sha256 : str
        Digest under which the file is kept.
    reception : int
        Number of this arrival of the file.
    rows_read, rows_accepted, rows_duplicate, rows_rejected : int
        The first is the sum of the other three.
    rejections_file : Path or None
        Where every refused row is named; None if none was.
    rejections : list of Rejection
        The first refusals of the file; all stand in the rejections file.
    suspicions : list of Suspicion
        What looks wrong in the file as a whole.
    columns_ignored : list of str
        Columns of the file that serve nothing.
    columns_taken : dict of str to str
        Our columns that were taken from headings of another system, and these headings.
    remarks : Counter of str
        Named counts of what was read in a way the sender should know.
    """

    file: str
    digest_sha256: str = ""
    reception: int = 0
    rows_read: int = 0
    rows_accepted: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    rejections_file: Path | None = None
    rejections: list[Rejection] = field(default_factory=list)
    suspicions: list[Suspicion] = field(default_factory=list)
    columns_ignored: list[str] = field(default_factory=list)
    columns_taken: dict[str, str] = field(default_factory=dict)
    remarks: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form with the first refusals."""
        return {
            "file": self.file,
            "digest_sha256": self.digest_sha256,
            "reception": self.reception,
            "rows_read": self.rows_read,
            "rows_accepted": self.rows_accepted,
            "rows_duplicate": self.rows_duplicate,
            "rows_rejected": self.rows_rejected,
            "rejections_file": str(self.rejections_file) if self.rejections_file else None,
            "rejections": [one.as_dict() for one in self.rejections],
            "suspicions": [one.as_dict() for one in self.suspicions],
            "columns_ignored": self.columns_ignored,
            "columns_taken": self.columns_taken,
            "remarks": dict(sorted(self.remarks.items())),
        }


@dataclass
class Intake:
    """What became of all files of one command."""

    kind: str
    files: list[FileIntake] = field(default_factory=list)

    @property
    def rows_rejected(self) -> int:
        """Refused rows of all files."""
        return sum(one.rows_rejected for one in self.files)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: the sums, the first refusals, and the same for each file."""
        parts = [one.as_dict() for one in self.files]
        counts = ("rows_read", "rows_accepted", "rows_duplicate", "rows_rejected")
        named = [part["rejections_file"] for part in parts if part["rejections_file"]]
        return {
            "kind": self.kind,
            **{count: sum(part[count] for part in parts) for count in counts},
            "rejections_file": named[0] if named else None,
            "rejections": [one for part in parts for one in part["rejections"]][:REJECTIONS_SHOWN],
            "suspicions": [one for part in parts for one in part["suspicions"]],
            "files": parts,
        }

    def lines(self) -> list[str]:
        """The outcome for people."""
        return notices.intake_lines(self.as_dict())


@dataclass(frozen=True)
class DialectList:
    """Which dialects there are."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "dialects": [
                {
                    "name": one.name,
                    "title": one.title,
                    "kinds": list(one.kinds),
                    "text": one.text,
                    "vehicle": one.vehicle,
                    "declares": dict(one.declares),
                }
                for one in DIALECTS.values()
            ]
        }

    def lines(self) -> list[str]:
        """One for each, with its kinds."""
        return [
            f"{one.name:<12} {one.title}: {', '.join(one.kinds)}. {one.text}"
            for one in DIALECTS.values()
        ]


def ingest_files(
    settings: Settings,
    kind: str,
    paths: list[Path],
    *,
    source: Source | None = None,
    progress: Progress | None = None,
) -> Intake:
    """Take the files in, one unit of work each.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    kind : str
        One of `KINDS`.
    paths : list of Path
        Files, taken in this order.
    source : Source, optional
        How to read them; by default our own names, WGS-84 and the fleet's zone.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If a file as a whole cannot be used. Files before it stay on record and are named in
        the error's details; of the refused one nothing is kept.
    """
    report = Intake(kind)
    said = source or Source()
    if said.dialect:
        registry.dialect_of(said.dialect, kind)
    with closing(open_storage(settings)) as storage:
        profile = profile_of(said, storage.zone.key)
        desk = _Desk(
            storage,
            kind,
            profile,
            options_of(source, profile),
            dialect=said.dialect,
            finders=finders_of(kind, settings),
            edition=editions.edition_in_force(settings.models_dir, datetime.now(UTC).date()),
            progress=progress or Silent(),
            may_restate=said.may_restate,
        )
        for path in paths:
            try:
                report.files.append(desk.take_in(path))
            except FleetCarbonError as refused:
                refused.details["files_kept_before"] = [one.file for one in report.files]
                raise
    return report


def profile_of(source: Source, fleet_zone: str) -> profiles.SourceProfile:
    """The profile that a source comes to in a fleet of a zone."""
    path = source.profile_path
    document = {} if path is None else documents.load_document(path)
    if source.dialect in DIALECTS:
        document = _over(DIALECTS[source.dialect].declares, document)
    document.setdefault("time_zone", fleet_zone)
    if source.crs:
        document["crs"] = source.crs
    if source.time_zone:
        document["time_zone"] = source.time_zone
    if source.vehicle_id:
        document = _over(document, {"constants": {"vehicle_id": source.vehicle_id}})
    return profiles.profile_from_document(document, where=path.name if path else "the options")


def _over(below: Mapping[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The document with what is declared below it, where it says nothing itself."""
    both = {**below, **document}
    for key, held in below.items():
        if isinstance(held, Mapping) and isinstance(document.get(key), dict):
            both[key] = {**held, **document[key]}
    return both


def options_of(source: Source | None, profile: profiles.SourceProfile) -> dict[str, str | None]:
    """What a reader of the list of files needs, to see how one was read."""
    path = source.profile_path if source else None
    dialect = {"dialect": source.dialect} if source and source.dialect else {}
    return {
        "crs": profile.crs,
        "time_zone": profile.time_zone,
        "profile": path.name if path else None,
        **dialect,
    }


@dataclass(frozen=True)
class Finders:
    """Where places without coordinates are looked up."""

    gazetteer: places.Gazetteer | None = None
    geocoder: places.Geocoder | None = None


def finders_of(kind: str, settings: Settings) -> Finders:
    """Only orders name places; the other kinds do without the geography."""
    if kind != "orders":
        return Finders()
    return Finders(places.Gazetteer(), geocoding.configured_geocoder(settings))


def register_on_record(
    storage: Storage, kind: str, edition: editions.Edition
) -> references.Register:
    """What rows of a kind are checked against, with what the edition says no row can mean."""
    # Read before the unit of work, which would hold up other writers while a file is read.
    with storage.look() as work:
        read = work.register.read
        vehicles = read("vehicles")
        return references.register_of(
            vehicles,
            read("drivers"),
            read("assignments"),
            rules=editions.fill_rules(edition, "intake", references.IntakeRules),
            vehicle_classes=_classes_of(vehicles if kind == "baselines" else vehicles[:0], edition)
            | frozenset(vehicles["vehicle_class"].dropna()),
        )


def _classes_of(vehicles: pd.DataFrame, edition: editions.Edition) -> frozenset[str]:
    """Every class that a truck has for its baseline by the edition."""
    trucks = vehicles.to_dict("records")
    return frozenset(fuel.class_of({str(k): truck[k] for k in truck}, edition) for truck in trucks)


@dataclass
class _Desk:
    """Everything the intake of one command needs, and the intake of one file."""

    storage: Storage
    kind: str
    profile: profiles.SourceProfile
    options: dict[str, str | None]
    dialect: str
    finders: Finders
    edition: editions.Edition
    progress: Progress
    may_restate: bool

    def take_in(self, path: Path) -> FileIntake:
        received_at = datetime.now(UTC)
        report = FileIntake(str(path))
        self.progress.begin(f"{self.kind} from {path.name}", None, "rows")
        register = register_on_record(self.storage, self.kind, self.edition)
        try:
            with (
                _Spool() as spool,
                self.storage.begin() as work,
                work.files.keep_beside(path, self.kind, received_at, options=self.options) as kept,
            ):
                sink = _Sink(work, self.kind, kept, self.may_restate)
                # What comes through a pipe comes once.
                readable = path if path.is_file() else kept().path
                self._read_into(sink, readable, register, report=report, spool=spool)
                received = kept()
                report.digest_sha256 = received.digest_sha256
                if spool.count:
                    report.rejections_file = work.files.write_rejections(received, spool)
                report.reception = work.files.reception_of(received)
                work.files.count(
                    received,
                    accepted=report.rows_accepted,
                    duplicate=report.rows_duplicate,
                    rejected=report.rows_rejected,
                )
                report.rejections = spool.first
        finally:
            self.progress.end()
        return report

    def _read_into(
        self,
        sink: _Sink,
        path: Path,
        register: references.Register,
        *,
        report: FileIntake,
        spool: _Spool,
    ) -> None:
        collector = suspicions.SuspicionCollector(self.kind, self.profile)
        strangers: set[str] = set()
        personal: set[str] = set()
        light, unit = np.zeros(2, dtype=np.int64), "t"
        for batch in intake.read_batches(
            path,
            self.kind,
            self.profile,
            gazetteer=self.finders.gazetteer,
            chunk_rows=_CHUNK_ROWS,
            geocoder=self.finders.geocoder,
            dialect=self.dialect,
            plates=register.plates,
        ):
            unit = batch.columns.mass_unit(self.kind, self.profile)
            collector.add(batch.rows, batch.tallies, batch.rejections, mass_unit=unit)
            standing, refused = references.check_rows(
                batch.rows,
                self.kind,
                register,
                file=path.name,
                headers=batch.columns.headers,
                mass_unit=unit,
            )
            strangers |= references.strangers(standing, self.kind, register)
            if "driver_id" in standing:
                personal |= look_personal(standing["driver_id"].dropna().unique())
            if self.kind == "orders":
                light += np.array(references.light_loads(standing, register))
            contradicting = sink.add(standing)
            report.columns_ignored = list(batch.columns.ignored)
            report.columns_taken = {ours: known.name for ours, known in batch.columns.known.items()}
            report.remarks.update(batch.remarks)
            report.rows_read += batch.rows_read
            report.rows_rejected += batch.rows_read - len(standing) + len(contradicting)
            refused += [_conflict(standing.iloc[place], path.name) for place in contradicting]
            spool.add([*batch.rejections, *refused])
            self.progress.advance(batch.rows_read)
        if not report.rows_read:
            report.remarks["no_rows"] += 1
        report.rows_accepted, report.rows_duplicate = sink.finish()
        if sink.late:
            report.remarks["orders_late"] = len(sink.late)
        report.suspicions = collector.findings(sink.received().received_at)
        report.suspicions += name_suspicions(self.kind, personal, strangers)
        report.suspicions += [*light_suspicions(*light.tolist(), unit=unit), *sink.suspicions()]


class _Spool:
    """Refusals on their way to the rejections file: on disk when many, the first at hand."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Rejection] = []
        # Closed by __exit__.
        self._stream = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, rejections: list[Rejection]) -> None:
        """Take the refusals of a batch, in the order of their lines."""
        rejections = sorted(rejections, key=lambda one: one.line)
        self.first += rejections[: REJECTIONS_SHOWN - len(self.first)]
        self.count += len(rejections)
        for one in rejections:
            self._stream.write(json.dumps(one.as_dict()).encode() + b"\n")

    def __iter__(self) -> Iterator[Rejection]:
        self._stream.seek(0)
        return (Rejection(**json.loads(line)) for line in self._stream)


@dataclass
class _Sink:
    """Where the good rows of a file go: fixes to the traces, the rest to the register."""

    work: UnitOfWork
    kind: str
    received: Callable[[], ReceivedFile]
    may_restate: bool = True
    positions: Any = None
    accepted: int = 0
    duplicate: int = 0
    # Orders: the versions in force before the file, and the new ones that are lower.
    in_force_before: dict[str, int | None] = field(default_factory=dict)
    late: list[tuple[str, int]] = field(default_factory=list)

    def add(self, rows: pd.DataFrame) -> list[int]:
        """Record the rows of a batch that stand; places of orders that contradict the record."""
        if self.kind == "positions":
            self.positions = self.positions or self.work.traces.writer()
            self.positions.add(rows)
            return []
        rows = _FRAME_BY_KIND[self.kind].shape(rows)
        contradicting: list[int] = []
        if self.kind == "orders":
            is_new, contradicting = self._save_orders(rows)
        else:
            is_new = self.work.register.save(self.kind, rows, self.received())
        self.accepted += int(is_new.sum())
        self.duplicate += int(len(rows) - is_new.sum() - len(contradicting))
        return contradicting

    def _save_orders(self, rows: pd.DataFrame) -> tuple[npt.NDArray[np.bool_], list[int]]:
        self._look_up(rows["order_id"].tolist())
        is_new, contradicting = self.work.orders.save(
            rows, self.received(), may_restate=self.may_restate
        )
        new = rows[is_new]
        for order_id, version in zip(new["order_id"], new["version"], strict=True):
            before = self.in_force_before[order_id]
            if before is not None and version < before:
                self.late.append((str(order_id), int(version)))
        return is_new, contradicting

    def _look_up(self, order_ids: list[str]) -> None:
        """Which versions of orders are in force before anything of this file is recorded."""
        asked = set(order_ids) - self.in_force_before.keys()
        found = self.work.orders.versions_in_force(asked)
        self.in_force_before.update({one: found.get(one) for one in asked})

    def suspicions(self) -> list[Suspicion]:
        """What only the records can tell: orders that changed under a version, or came late."""
        if not self.late and not self.work.orders.restated:
            return []
        restated = list(self.work.orders.restated)
        in_force = self.work.orders.versions_in_force(
            {order_id for order_id, _ in (*self.late, *restated)}
        )
        overruled = [one for one in restated if one[1] < in_force.get(*one)]
        changed = [one for one in restated if one not in overruled]
        late = list(dict.fromkeys([*self.late, *overruled]))
        return [*_restated_suspicions(changed), *_late_suspicions(late, in_force)]

    def finish(self) -> tuple[int, int]:
        """How many rows were new, and how many were on record already."""
        if self.positions is not None:
            saved = self.positions.finish(self.received())
            return saved.accepted, saved.duplicate
        return self.accepted, self.duplicate


def _conflict(row: pd.Series[Any], file: str) -> Rejection:
    return Rejection(
        file,
        int(row["line"]),
        "version",
        "order_version_conflict",
        f"Order {row['order_id']!r} is on record with other content under version"
        f" {row['version']}. Give a changed order a higher version.",
    )


def _restated_suspicions(restated: list[tuple[str, int]]) -> list[Suspicion]:
    if not restated:
        return []
    named = ", ".join(f"{order_id} version {version}" for order_id, version in restated[:5])
    return [
        Suspicion(
            "orders_restated",
            "Orders came with other content under a version that is on record; the later"
            " content is in force and both stay on record.",
            f"{len(restated)} orders: {named}",
            "Give a changed order a higher `version`.",
        )
    ]


def _late_suspicions(late: list[tuple[str, int]], in_force: dict[str, int]) -> list[Suspicion]:
    if not late:
        return []
    named = ", ".join(
        f"{order_id} came as version {version}, version {in_force[order_id]} stays in force"
        for order_id, version in late[:5]
    )
    return [
        Suspicion(
            "orders_came_late",
            "Orders came in a lower version than the one in force; they are kept on record, and"
            " the higher version stays in force.",
            f"{len(late)} orders: {named}",
            "Give a changed order a higher `version` than the one in force.",
        )
    ]


def name_suspicions(kind: str, personal: set[str], strangers: set[str]) -> list[Suspicion]:
    """What the names in a file tell: those of persons, and those that nobody registered."""
    return [*_personal_suspicions(personal), *_stranger_suspicions(kind, strangers)]


def light_suspicions(light_count: int, orders_count: int, *, unit: str) -> list[Suspicion]:
    """Whether the loads of a file look like tonnes that are read as kilograms, its `unit`.

    One order is enough to ask, for waybills come one by one.
    """
    greater = mass_unit_beside(unit, -1)
    is_most = 0 < light_count >= _LIGHT_LOADS_SHARE * orders_count
    if greater is None or not is_most:
        return []
    return [
        Suspicion(
            "cargo_reads_too_light",
            "Loads weigh next to nothing, and a thousand times as much fits their trucks.",
            f"{light_count} of {orders_count} orders",
            f"If the column is in {greater} and not in {unit}, say `units: {{cargo: {greater}}}`"
            " in a source profile.",
        )
    ]


def _personal_suspicions(personal: set[str]) -> list[Suspicion]:
    if not personal:
        return []
    named = ", ".join(f"{one[:3]}...{one[-2:]}" for one in sorted(personal)[:5])
    return [
        Suspicion(
            "driver_id_looks_personal",
            "Identifiers of drivers look like telephone or identity card numbers. They enter the"
            " ledger and stay there for good, also when a person is erased.",
            f"{len(personal)}: {named}",
            "Give every driver a pseudonym as `driver_id`; the number belongs into `phone`.",
        )
    ]


def _stranger_suspicions(kind: str, strangers: set[str]) -> list[Suspicion]:
    if not strangers:
        return []
    named = f"{len(strangers)}: {', '.join(sorted(strangers)[:5])}"
    if kind == "baselines":
        return [
            Suspicion(
                "baseline_class_without_trucks",
                "Baselines hold for vehicle classes that no registered truck has; they stand and"
                " serve nothing.",
                named,
                "Ingest the vehicles first, or name a class of the edition or of your vehicles.",
            )
        ]
    remedy = "Ingest the drivers with `ingest drivers`, or correct the identifiers."
    if kind == "positions":
        fixes = "Positions name drivers who are not registered; they are taken as they are."
        return [Suspicion("position_drivers_not_registered", fixes, named, remedy)]
    orders = "Orders name drivers who are not registered; the orders are taken as they are."
    return [Suspicion("order_drivers_not_registered", orders, named, remedy)]
