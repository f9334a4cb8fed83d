"""Everything on record into a folder, and back into an empty home, proven file by file.

The database is copied first, as it is at one moment. Whatever it names was on disk before and is
never changed, so that what is copied afterwards holds all of it, while others go on writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.services.ledger.proving import check_ledger
from fleet_carbon.services.positions.tracekeeping import verify_traces
from fleet_carbon.services.support.program import program_version
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import operating
from fleet_carbon.storage import snapshots
from fleet_carbon.storage.files import PARTIAL_SUFFIX, sync_folder
from fleet_carbon.storage.tables import SCHEMA_VERSION
from fleet_carbon.storage.unit_of_work import fleets_on_record, open_storage

_FORMAT = "fleet-carbon-backup/1"
_MANIFEST, _DIGEST = "manifest.json", "manifest.sha256"
_RECORDS, _DATABASE = "home", "database"
_NAMED_BY_DIGEST = ("files", "traces", "results", "archives")
_SECRET = ("keys", "persons")
# What is made anew, is of running commands, or concerns nobody but this machine.
_LEFT_OUT = ("fleet_carbon.sqlite", "jobs.sqlite", "spill", "cuts", "downloads", "logs")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Backup:
    """What was written.

    Attributes
    ----------
    folder : Path
    manifest : dict
        As it stands in the folder.
    linked_count : int
        Files that were taken from an earlier backup without being read.
    """

    folder: Path
    manifest: dict[str, Any]
    linked_count: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        files = self.manifest["files"]
        return {
            "folder": str(self.folder),
            "made_at": self.manifest["made_at"],
            "database": self.manifest["database"],
            "schema": self.manifest["schema"],
            "with_keys": self.manifest["with_keys"],
            "traces_elsewhere": self.manifest["traces_elsewhere"],
            "files": len(files),
            "bytes": sum(one["bytes"] for one in files.values()),
            "linked": self.linked_count,
        }

    def lines(self) -> list[str]:
        """The answer for people."""
        return operating.backup_lines(self.as_dict())


@dataclass(frozen=True)
class Restoration:
    """What was restored, and what the checks say of it.

    Attributes
    ----------
    home : Path
    files_count : int
    schema : int
        Of the database; one of an earlier program is checked after it was migrated.
    problems : list of str
        By fleet; empty if all is well.
    """

    home: Path
    files_count: int
    schema: int
    problems: list[str]

    @property
    def is_well(self) -> bool:
        """Whether the checks found nothing."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "ok": self.is_well,
            "home": str(self.home),
            "files": self.files_count,
            "schema": self.schema,
            "needs_migration": self.schema < SCHEMA_VERSION,
            "problems": self.problems,
        }

    def lines(self) -> list[str]:
        """The answer for people."""
        return operating.restoration_lines(self.as_dict())


def back_up(
    settings: Settings,
    target: Path,
    *,
    with_keys: bool = False,
    since: Path | None = None,
    progress: Progress | None = None,
) -> Backup:
    """Write everything on record into a new folder, whole or not at all.

    Parameters
    ----------
    settings : Settings
        Which records.
    target : Path
        Does not exist yet.
    with_keys : bool
        The private keys, too: who has them can sign, and read names.
    since : Path, optional
        An earlier backup: files that are named by their digest are linked to it, not copied.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        ``backup_target_exists``, ``nothing_to_back_up``, ``backup_damaged`` of the earlier one.
    FleetCarbonError
        ``backup_overtaken`` if a file was removed meanwhile.
    """
    if target.exists():
        raise InputRefused(
            "backup_target_exists", f"{target} is there already.", "Name a new folder."
        )
    home = settings.home.expanduser().absolute()
    known = read_manifest(since)["files"] if since is not None else {}
    writing = _Writing(target.with_name(target.name + PARTIAL_SUFFIX), since, known)
    try:
        writing.folder.mkdir(mode=0o700, parents=True)
        (writing.folder / _DATABASE).mkdir()
        version = snapshots.dump(settings.database_url, home, writing.folder / _DATABASE)
        for path in sorted((writing.folder / _DATABASE).iterdir()):
            writing.note(f"{_DATABASE}/{path.name}", _synced_digest(path))
        _copy(writing, list(_sources(settings, home, with_keys)), progress or Silent())
        manifest = {
            "format": _FORMAT,
            "program": program_version(),
            "made_at": datetime.now(UTC).isoformat(),
            "database": snapshots.POSTGRESQL if settings.database_url else snapshots.SQLITE,
            "schema": version,
            "with_keys": with_keys,
            "traces_elsewhere": _traces_elsewhere(settings),
            "files": writing.files,
        }
        _write_manifest(writing.folder, manifest)
        writing.folder.rename(target)
        sync_folder(target.parent)
    except OSError as failure:
        raise FleetCarbonError(
            "backup_failed",
            f"The backup cannot be written: {failure}",
            "Make room or name another folder; nothing was kept.",
        ) from failure
    finally:
        shutil.rmtree(writing.folder, ignore_errors=True)
    return Backup(target, manifest, writing.linked_count)


class _Writing:
    """A backup that is being written."""

    def __init__(self, folder: Path, since: Path | None, known: dict[str, Any]) -> None:
        self.folder = folder
        self.files: dict[str, dict[str, Any]] = {}
        self.linked_count = 0
        self._since = since
        self._known = known

    def note(self, name: str, found: dict[str, Any]) -> None:
        self.files[name] = found

    def take(self, name: str, source: Path) -> None:
        """Link the file to the earlier backup if it has it, else copy it."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        before = self._known.get(name)
        is_immutable = name.split("/")[1] in _NAMED_BY_DIGEST
        try:
            is_known = is_immutable and before and before["bytes"] == source.stat().st_size
            if before and is_known and self._link(name, target):
                self.note(name, before)
                return
            shutil.copyfile(source, target)
        except FileNotFoundError as gone:
            raise FleetCarbonError(
                "backup_overtaken",
                f"{source} was removed while it was to be copied.",
                "Run it again when nothing is cleaned, erased or reduced at the same time.",
            ) from gone
        if name.split("/")[1] in _SECRET:
            target.chmod(0o600)
        self.note(name, _synced_digest(target))

    def _link(self, name: str, target: Path) -> bool:
        assert self._since is not None
        try:
            os.link(self._since / name, target)
        except OSError:  # another file system, or one without links
            return False
        self.linked_count += 1
        return True


def _copy(writing: _Writing, sources: list[tuple[str, Path]], progress: Progress) -> None:
    progress.begin("backup", len(sources), "files")
    try:
        for name, source in sources:
            writing.take(name, source)
            progress.advance(1)
    finally:
        progress.end()


def _sources(settings: Settings, home: Path, with_keys: bool) -> Iterator[tuple[str, Path]]:
    """Name in the backup and place of every file, but for the database."""
    for top in sorted(home.iterdir()):
        is_left_out = top.name.startswith(_LEFT_OUT) or top.name == "traces"
        if not is_left_out and (with_keys or top.name not in _SECRET):
            yield from _below(f"{_RECORDS}/{top.name}", top)
    url = settings.traces_url
    if url is None or url.startswith("file://"):
        folder = home / "traces" if url is None else Path(unquote(urlsplit(url).path))
        yield from _below(f"{_RECORDS}/traces", folder)


def _below(name: str, top: Path) -> Iterator[tuple[str, Path]]:
    for path in [top] if top.is_file() else sorted(top.rglob("*")):
        if path.is_file() and not path.name.endswith(PARTIAL_SUFFIX):
            inner = path.relative_to(top).as_posix()
            yield (name if path == top else f"{name}/{inner}"), path


def _traces_elsewhere(settings: Settings) -> bool:
    return settings.traces_url is not None and not settings.traces_url.startswith("file://")


def _digest_of(path: Path) -> dict[str, Any]:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
    return {"sha256": digest.hexdigest(), "bytes": size_bytes}


def _synced_digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return _digest_of(path)


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    for name, content in ((_MANIFEST, text), (_DIGEST, f"{digest}  {_MANIFEST}\n")):
        (folder / name).write_text(content, encoding="utf-8")
        _synced_digest(folder / name)
    sync_folder(folder)


def _damaged(name: str, how: str) -> InputRefused:
    return InputRefused(
        "backup_damaged",
        f"{name} of the backup {how}.",
        "Take another backup; nothing of this one was restored.",
        file=name,
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a backup says that it holds.

    Parameters
    ----------
    folder : Path
        As `back_up` wrote it.

    Raises
    ------
    InputRefused
        ``backup_damaged``, naming the file.
    """
    try:
        content = (folder / _MANIFEST).read_bytes()
        noted = (folder / _DIGEST).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as missing:
        raise _damaged(_MANIFEST, "is missing: it is no backup, or not whole") from missing
    if noted[:1] != [hashlib.sha256(content).hexdigest()]:
        raise _damaged(_MANIFEST, "is not as it was written")
    manifest: dict[str, Any] = json.loads(content)
    if manifest.get("format") != _FORMAT:
        raise _damaged(_MANIFEST, f"has the format {manifest.get('format')!r}, not {_FORMAT}")
    return manifest


def restore(settings: Settings, source: Path, *, progress: Progress | None = None) -> Restoration:
    """Make a home and a database from a backup, and check what they hold.

    Parameters
    ----------
    settings : Settings
        A home that is not there or empty, and an empty database of the kind of the backup.
    source : Path
        As `back_up` wrote it.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        ``backup_damaged`` with the name of the file, ``restore_target_in_use``,
        ``backup_of_another_database``, ``backup_of_newer_schema``.
    """
    manifest = read_manifest(source)
    home = settings.home.expanduser().absolute()
    _refuse_target(settings, home, manifest)
    staged = home.with_name(home.name + PARTIAL_SUFFIX)
    shutil.rmtree(staged, ignore_errors=True)
    try:
        _fetch(source, staged, manifest["files"], progress or Silent())
        snapshots.load(
            settings.database_url, staged, staged / _DATABASE, version=manifest["schema"]
        )
        shutil.rmtree(staged / _DATABASE)
        if home.exists():
            home.rmdir()
        staged.rename(home)
        sync_folder(home.parent)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    problems = []
    if manifest["schema"] == SCHEMA_VERSION:
        problems = list(_problems(settings.model_copy(update={"home": home})))
    return Restoration(home, len(manifest["files"]), manifest["schema"], problems)


def _refuse_target(settings: Settings, home: Path, manifest: dict[str, Any]) -> None:
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise InputRefused(
            "restore_target_in_use", f"{home} is not empty.", "Name a new folder with --home."
        )
    kind = snapshots.POSTGRESQL if settings.database_url else snapshots.SQLITE
    if manifest["database"] != kind:
        raise InputRefused(
            "backup_of_another_database",
            f"The backup is of {manifest['database']}, the settings name {kind}.",
            "Set FLEET_CARBON_DATABASE_URL for PostgreSQL, unset it for SQLite.",
        )
    if manifest["schema"] > SCHEMA_VERSION:
        raise InputRefused(
            "backup_of_newer_schema",
            f"The backup has schema {manifest['schema']}, this program {SCHEMA_VERSION}.",
            "Restore it with the program that made it, or a newer one.",
        )
    if settings.database_url:
        snapshots.refuse_used(settings.database_url)


def _fetch(source: Path, staged: Path, files: dict[str, Any], progress: Progress) -> None:
    """Copy every file that the manifest names, and refuse the first that is not what it says."""
    progress.begin("restoration", len(files), "files")
    try:
        for name, noted in sorted(files.items()):
            parts = PurePosixPath(name).parts
            if parts[0] not in (_RECORDS, _DATABASE) or ".." in parts:
                raise _damaged(name, "has no place in a home")
            target = staged.joinpath(*(parts[1:] if parts[0] == _RECORDS else parts))
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(source / name, target)
            except OSError as missing:
                raise _damaged(name, f"cannot be read ({missing.strerror})") from missing
            if parts[0] == _RECORDS and parts[1] in _SECRET:
                target.chmod(0o600)
            if _synced_digest(target) != noted:
                raise _damaged(name, "is not as it was written")
            progress.advance(1)
    finally:
        progress.end()


def _problems(settings: Settings) -> Iterator[str]:
    """What the checks of every fleet find."""
    for fleet_id in fleets_on_record(settings):
        of_fleet = settings.model_copy(update={"fleet": fleet_id})
        found = [*check_ledger(of_fleet).problems, *verify_traces(of_fleet).problems]
        with closing(open_storage(of_fleet)) as storage, storage.begin(read_only=True) as work:
            found += work.closings.verify()
        yield from (f"{fleet_id}: {one}" for one in found)
