"""Files that were made for people to fetch: each under its digest, for a set time.

This is no record: what is deleted is made again by who asks for it again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fleet_carbon.storage.files import PARTIAL_SUFFIX, digest_of_file, make_folder, sync_folder

_FOLDER = "downloads"


class Downloads:
    """The files of one fleet.

    Parameters
    ----------
    home : Path
        Folder of the records.
    fleet_id : str
        The fleet, which sees no other.
    """

    def __init__(self, home: Path, fleet_id: str) -> None:
        self._folder = home / _FOLDER / fleet_id

    def new_file(self, name: str) -> Path:
        """Where a file of that name may be written before it is kept."""
        folder = tempfile.mkdtemp(dir=make_folder(self._folder), suffix=PARTIAL_SUFFIX)
        return Path(folder) / name

    def keep(self, path: Path) -> str:
        """Keep a finished file of `new_file` under its SHA-256, from now on; says which it is."""
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
        digest = digest_of_file(path)
        place = self._folder / digest
        if place.is_dir():
            self.give_up(path)
            os.utime(place)
        else:
            os.utime(path.parent)
            path.parent.rename(place)
            sync_folder(self._folder)
        return digest

    def give_up(self, path: Path) -> None:
        """Remove what was written of a file of `new_file`."""
        shutil.rmtree(path.parent, ignore_errors=True)

    def find(self, digest: str) -> tuple[Path, datetime] | None:
        """The file of a digest and when it was kept last, aware UTC; None if it is not there."""
        if not digest.isalnum():
            return None
        try:
            place = self._folder / digest
            return next(place.iterdir()), _kept_at(place)
        except (FileNotFoundError, NotADirectoryError, StopIteration):
            return None

    def remove_all(self) -> None:
        """Remove every file of the fleet, and what is being written."""
        shutil.rmtree(self._folder, ignore_errors=True)


def sweep_downloads(home: Path, until: datetime) -> int:
    """Remove the files of all fleets that were kept before a moment, and what a kill left of any.

    Parameters
    ----------
    home : Path
        Folder of the records.
    until : datetime
        Aware.

    Returns
    -------
    count : int
        Files that were removed.
    """
    old = [place for place in _places(home) if _kept_at(place) < until]
    for place in old:
        shutil.rmtree(place, ignore_errors=True)
    return len(old)


def _places(home: Path) -> Iterator[Path]:
    return (home / _FOLDER).glob("*/*")


def _kept_at(place: Path) -> datetime:
    return datetime.fromtimestamp(place.stat().st_mtime, UTC)
