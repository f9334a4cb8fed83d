"""Export an account or a whole ledger as one signed archive that outlives its operator.

The same records give the same bytes: nothing in an archive tells when it was made, only up to
which checkpoint. Members are written as they are read, whatever their number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused, LedgerBroken, NotFound
from fleet_carbon.ledger import archive_checker
from fleet_carbon.ledger.entries import Entry, canonical_bytes, figure_name
from fleet_carbon.ledger.signing import signed_statement
from fleet_carbon.services.ledger.proving import run_facts
from fleet_carbon.services.ledger.settling import driver_entries, read_driver_ledger
from fleet_carbon.services.ledger.signing import KeyRing, checkpoint
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import survival, tables
from fleet_carbon.storage.archive_files import ArchiveWriter
from fleet_carbon.storage.files import written_whole
from fleet_carbon.storage.handover import CARRIED, CLAIMS, EVIDENCE, evidence_of_driver
from fleet_carbon.storage.results import RESULT_FRAMES
from fleet_carbon.storage.unit_of_work import (
    ClosingRun,
    Storage,
    UnitOfWork,
    fleets_on_record,
    open_storage,
)

_MODEL_SUFFIXES = (".yaml", ".lock")
_TOLD_EVERY = 10_000
_ACCOUNTS = "accounts"
_OF_DRIVERS = [name for name, frame in RESULT_FRAMES.items() if "driver_id" in frame.names]


@dataclass(frozen=True)
class Exported:
    """What was exported into which file, JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """The outcome for people."""
        return survival.export_lines(self.report)


def export_archive(
    settings: Settings,
    path: Path,
    *,
    driver_id: str | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write an archive; it appears complete or not at all.

    Entries that no checkpoint covers yet are signed first.

    Parameters
    ----------
    settings : Settings
        Where the records, the key and the models are.
    path : Path
        The file.
    driver_id : str, optional
        Only what concerns this driver, with the paths by which it is proven.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    NotFound
        If the driver has neither entries nor accounts.
    InputRefused
        If the file cannot be written.
    LedgerBroken
        If an entry on record is not what its hash is of.
    """
    ring, target = KeyRing(settings), path.expanduser().absolute()
    with closing(open_storage(settings)) as storage:
        _sign_what_is_new(storage, ring)
        with storage.begin(read_only=True) as work:
            export = _Export(storage, work, settings.models_dir, progress=progress or Silent())
            try:
                with written_whole(target) as stream, ArchiveWriter(stream) as writer:
                    body = export.write(writer, driver_id)
                    key = ring.current(work, datetime.now(UTC))
                    digest = writer.finish(signed_statement(key, ring.name, body))
            except (PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError) as no:
                raise InputRefused(
                    "archive_not_writable",
                    f"{path} cannot be written: {no.strerror}.",
                    "Name a file in a folder that you may write to.",
                ) from no
    facts = {name: body[name] for name in ("fleet_id", "driver_id", "entries_count")}
    return Exported(
        {
            **facts,
            "file": str(path),
            "size_bytes": target.stat().st_size,
            "sha256": digest,
            "key_id": key.key_id,
            "members": [one["name"] for one in body["members"]],
        }
    )


@dataclass(frozen=True)
class ExportedFleets:
    """Every fleet of an installation, each with its archive."""

    archives: tuple[Exported, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"archives": [one.as_dict() for one in self.archives]}

    def lines(self) -> list[str]:
        """The outcome for people."""
        return [line for one in self.archives for line in one.lines()]


def export_installation(
    settings: Settings, folder: Path, *, progress: Progress | None = None
) -> ExportedFleets:
    """Write an archive of every fleet into a folder, each named for its fleet.

    Parameters
    ----------
    settings : Settings
        Of the installation; the fleet they name does not matter.
    folder : Path
        Made where it is not there.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If a file cannot be written; archives before it stay.
    """
    return ExportedFleets(
        tuple(
            export_archive(
                settings.model_copy(update={"fleet": fleet_id}),
                folder / f"{fleet_id}.zip",
                progress=progress,
            )
            for fleet_id in fleets_on_record(settings)
        )
    )


def _sign_what_is_new(storage: Storage, ring: KeyRing) -> None:
    with storage.begin(read_only=True) as work:
        newest = work.checkpoints.newest()
        covered = newest.entries_count if newest else 0
        if work.checkpoints.keys() and work.ledger.head().sequence == covered:
            return
    now = datetime.now(UTC)
    with storage.begin() as work:
        ring.current(work, now)
        checkpoint(work, ring, now)


class _Export:
    """What goes into an archive, read in one unit of work."""

    def __init__(
        self, storage: Storage, work: UnitOfWork, models_dir: Path, *, progress: Progress
    ) -> None:
        self._storage = storage
        self._work = work
        self._models_dir = models_dir
        self._progress = progress
        newest = work.checkpoints.newest()
        self._note = newest.note if newest else ""
        self._count = newest.entries_count if newest else 0

    def write(self, writer: ArchiveWriter, driver_id: str | None) -> dict[str, Any]:
        """All members but the manifest; gives what is to be signed."""
        self._progress.begin("export", None if driver_id else self._count, "entries")
        try:
            writer.add("about.txt", [survival.ABOUT.encode()])
            if driver_id is None:
                entries_count = self._whole(writer)
            else:
                entries_count = self._account(writer, driver_id)
            for file in sorted(self._models_dir.rglob("*")):
                if file.suffix in _MODEL_SUFFIXES:
                    name = file.relative_to(self._models_dir).as_posix()
                    writer.add_file(f"models/{name}", file)
        finally:
            self._progress.end()
        return {
            "format": archive_checker.ARCHIVE_FORMAT,
            "fleet_id": self._storage.fleet_id,
            "timezone": self._storage.zone.key,
            "driver_id": driver_id,
            "entries_count": entries_count,
            "checkpoint": self._note,
            "keys": self._work.checkpoints.keys(),
            "members": writer.members,
        }

    def _whole(self, writer: ArchiveWriter) -> int:
        handover = self._work.handover
        covered = (one for one in self._work.ledger.entries() if one.sequence <= self._count)
        writer.add(archive_checker.ENTRIES, self._lines(covered))
        for member in CARRIED:
            writer.add_rows(member, handover.carried(member))
        writer.add_rows(CLAIMS, self._work.claims.carried())
        for what in EVIDENCE:
            writer.add_rows(f"evidence/{what}.jsonl", handover.evidence(what))
        digests = {row["digest_sha256"] for row in handover.carried("tables.jsonl")}
        for digest in sorted(digests):
            writer.add_file(f"results/{digest}.parquet", self._work.closings.path_of(digest))
        return self._count

    def _lines(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The bytes that are hashed, a line each; those of another hash are not handed out."""
        number = 0
        for number, entry in enumerate(entries, start=1):
            content = canonical_bytes(entry)
            if hashlib.sha256(content).hexdigest() != entry.entry_hash:
                raise LedgerBroken(
                    "entry_changed",
                    f"Entry {entry.sequence} ({entry.entry_id}) is not what its hash is of.",
                    "Nothing was written. `fleet-carbon ledger verify` names all that is wrong.",
                )
            yield content + b"\n"
            if number % _TOLD_EVERY == 0:
                self._progress.advance(_TOLD_EVERY)
        self._progress.advance(number % _TOLD_EVERY)

    def _account(self, writer: ArchiveWriter, driver_id: str) -> int:
        runs = (self._work.closings.latest(month) for month in self._work.closings.months())
        found = [(run, self._rows(run, driver_id)) for run in runs if run is not None]
        found = [(run, rows) for run, rows in found if rows]
        entries = self._entries_of(driver_id, [row for _, rows in found for row in rows[_ACCOUNTS]])
        if not entries and not found:
            raise NotFound(
                "driver_unknown",
                f"Driver {driver_id!r} has neither entries nor accounts.",
                "See who has with `fleet-carbon accounts`.",
            )
        writer.add(archive_checker.ENTRIES, self._lines(entries))
        tree = self._work.checkpoints.tree(self._count)
        paths = (
            {"sequence": place, "path": [step.hex() for step in tree.inclusion(place - 1)]}
            for place in (one.sequence for one in entries)
        )
        writer.add_rows(archive_checker.PATHS, paths)
        told = read_driver_ledger(self._storage, self._work, driver_id)
        writer.add_rows("settlement.jsonl", (line.as_dict() for line in told.settlement))
        writer.add_rows("runs.jsonl", (run_facts(run) for run, _ in found))
        for what, of in evidence_of_driver(driver_id):
            writer.add_rows(f"evidence/{what}.jsonl", self._work.handover.evidence(what, **of))
        for run, rows in found:
            for name, of_driver in rows.items():
                writer.add_rows(f"results/{run.month}/{name}.jsonl", of_driver)
        return len(entries)

    def _rows(self, run: ClosingRun, driver_id: str) -> dict[str, list[dict[str, Any]]]:
        """The rows of the driver in every table of a run that names drivers; empty if none."""
        closings = self._work.closings
        found = {
            name: tables.records(closings.rows_of_driver(run, name, driver_id))
            for name in _OF_DRIVERS
            if name in run.table_digests
        }
        return found if found[_ACCOUNTS] else {}

    def _entries_of(self, driver_id: str, accounts: list[dict[str, Any]]) -> list[Entry]:
        """What moves the driver's grams and money, and all that makes up the driver's figures."""
        found = {one.sequence: one for one in driver_entries(self._work, driver_id)}
        figures = {one.figure for one in found.values() if one.figure}
        figures |= {
            figure_name(row["month"], row["driver_id"], row["vehicle_id"]) for row in accounts
        }
        for figure in figures:
            found |= {one.sequence: one for one in self._work.ledger.entries(figure=figure)}
        return [found[place] for place in sorted(found) if place <= self._count]
