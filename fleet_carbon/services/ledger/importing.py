"""Take in the ledger of another installation from its archive: checked first, all or nothing."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger import archive_checker
from fleet_carbon.ledger.balances import total
from fleet_carbon.services.ledger.proving import find_ledger_problems
from fleet_carbon.services.ledger.signing import KeyRing
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import survival
from fleet_carbon.storage.files import digest_of_file, written_whole
from fleet_carbon.storage.handover import CARRIED, CLAIMS, Import
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage

_RESULT = re.compile(r"results/([0-9a-f]{64})\.parquet")
_PROBLEMS_TOLD = 20
_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class Imported:
    """What became of an archive, JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """The outcome for people."""
        return survival.import_lines(self.report)


def import_archive(
    settings: Settings,
    path: Path,
    *,
    trusted_key_id: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Take in the ledger of a fleet that is not on record here, to go on with it.

    Parameters
    ----------
    settings : Settings
        Where the records are to be; the fleet is that of the archive.
    path : Path
        A whole archive.
    trusted_key_id : str, optional
        Key that is known to be its operator's; without it, it is only held against itself.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If the archive does not hold, is of one account, or the fleet is on record with other
        content. Nothing is changed then.
    """
    digest = _digest_of(path)
    _refuse(path, archive_checker.check_archive(path, trusted_key_id).problems)
    with archive_checker.Archive(path, trusted_key_id) as archive:
        manifest = archive.manifest
        if not archive.is_whole:
            raise InputRefused(
                "archive_of_account",
                f"{path} holds the account of {manifest['driver_id']}, which is no ledger.",
                "`fleet-carbon verify` checks it; only a whole ledger can be gone on with.",
            )
        own = settings.model_copy(
            update={"fleet": manifest["fleet_id"], "timezone": manifest["timezone"]}
        )
        taken = _Taking(own, archive, path, digest=digest, progress=progress or Silent())
        with closing(open_storage(own)) as storage:
            report = taken.run(storage)
    return Imported({**report, "key_was_told": trusted_key_id is not None})


def _digest_of(path: Path) -> str:
    try:
        return digest_of_file(path)
    except OSError as failure:
        raise InputRefused(
            "archive_unreadable",
            f"{path} cannot be read: {failure.strerror}.",
            "Give a file that `fleet-carbon export` wrote.",
        ) from failure


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        raise InputRefused(
            "archive_not_proven",
            f"{path} is not what its operator signed: {problems[0]}",
            "Nothing was changed. Ask for the archive again, and compare its SHA-256.",
            problems=problems,
        )


class _Taking:
    """One archive on its way in."""

    def __init__(
        self,
        settings: Settings,
        archive: archive_checker.Archive,
        path: Path,
        *,
        digest: str,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._archive = archive
        self._path = path
        self._digest = digest
        self._progress = progress

    def run(self, storage: Storage) -> dict[str, Any]:
        """Put it on record, unless it is; gives what there is to say."""
        ring, now = KeyRing(self._settings), datetime.now(UTC)
        with storage.begin() as work:
            before = work.handover.imports()
            is_new = not before or before[-1].archive_sha256 != self._digest
            if is_new:
                self._refuse_other(storage, work)
                self._restore(storage, work)
                if not ring.is_at_hand(work):
                    ring.rotate(work, now, is_lost=True, is_stolen=False)
                work.handover.record_import(Import(self._digest, self._archive.manifest, now))
            keys = ring.on_record(work)
            return {
                "fleet_id": storage.fleet_id,
                "new": is_new,
                "sha256": self._digest,
                "entries_count": self._archive.manifest["entries_count"],
                "months": work.closings.months(),
                "key_id": self._archive.keys[-1].key_id,
                "own_key_id": keys[-1].key_id,
                "ledger_sums": total(work.ledger.holdings.sums()).line(),
            }

    def _refuse_other(self, storage: Storage, work: UnitOfWork) -> None:
        zone = self._archive.manifest["timezone"]
        if not work.handover.is_untouched() or storage.zone.key != zone:
            raise InputRefused(
                "fleet_exists",
                f"The fleet {storage.fleet_id} is on record here, with other content.",
                "Nothing was changed. Import it into another home: name it with --home.",
            )

    def _restore(self, storage: Storage, work: UnitOfWork) -> None:
        archive, handover = self._archive, work.handover
        kept = storage.home / "archives" / f"{self._digest}.zip"
        with self._path.open("rb") as source, written_whole(kept) as copy:
            shutil.copyfileobj(source, copy, _COPY_BYTES)
        for name in archive.members:
            if result := _RESULT.fullmatch(name):
                self._keep_result(work.closings.path_of(result[1]), name)
        for name in CARRIED:
            handover.restore_table(name, archive.rows(name))
        work.claims.restore(archive.rows(CLAIMS))
        self._progress.begin("import", archive.manifest["entries_count"], "entries")
        for count in handover.restore_entries(archive.entries()):
            self._progress.advance(count)
        self._progress.end()
        handover.restore_proofs(archive.manifest["keys"])
        problems = [*islice(find_ledger_problems(work, storage.fleet_id), _PROBLEMS_TOLD)]
        _refuse(self._path, problems or work.closings.verify())

    def _keep_result(self, path: Path, member: str) -> None:
        """Its bytes are looked at with those of all tables, once the runs are on record."""
        if not path.exists():
            with written_whole(path) as stream:
                stream.writelines(self._archive.lines(member))
