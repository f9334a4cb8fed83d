"""Files that jobs make for people to fetch: all statements of a month as one ZIP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.periods import parse_month
from fleet_carbon.services.papers.stating_in_bulk import Bulk, refuse_form, write_all_statements
from fleet_carbon.services.support import logs
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.services.support.side_threads import running_beside
from fleet_carbon.settings import Settings
from fleet_carbon.storage.downloads import sweep_downloads
from fleet_carbon.storage.unit_of_work import open_storage

SWEPT_EVERY_S = 3600.0
"""How often old files are looked for. [s]"""
_REFUSED_TOLD_MAX = 100


@dataclass(frozen=True)
class Download:
    """A file that can be fetched.

    Attributes
    ----------
    path : Path
        Where it is.
    name : str
        What it is saved as.
    """

    path: Path
    name: str


def read_wish(settings: Settings, month: str, *, language: str, form: str) -> str:
    """The month whose statements are asked for, if there can be any.

    Raises
    ------
    InputRefused
        If month, language or form are none.
    NotFound
        ``month_not_closed``.
    """
    refuse_form(language, f".{form}")
    wanted = str(parse_month(month, settings.zone))
    _stand(settings, wanted)
    return wanted


def zip_statements(
    settings: Settings, month: str, *, language: str, form: str, progress: Progress
) -> dict[str, Any]:
    """Make the statements of a month one ZIP that can be fetched; equal records, equal bytes.

    Parameters
    ----------
    settings : Settings
        The fleet.
    month : str
        YYYY-MM, closed.
    language : str
        ``en`` or ``zh``.
    form : str
        pdf, json, html, png or svg.
    progress : Progress
        Who is told how far it is.

    Returns
    -------
    told : dict
        `run_id` of the close that they are of, `name`, `digest_sha256` and `size_bytes` of the
        file, `kept_until`, how many statements were `written_count` and `refused_count`, and the
        first of those `refused`.

    Raises
    ------
    NotFound
        ``month_not_closed``; ``statements_none`` if there is not one.
    """
    told = None
    while told is None:
        told = _zipped(settings, month, language, form, progress=progress)
    return told


def _zipped(
    settings: Settings, month: str, language: str, form: str, *, progress: Progress
) -> dict[str, Any] | None:
    """The same; None if the month was closed again, or a person erased, in the meantime."""
    with closing(open_storage(settings)) as storage:
        downloads = storage.downloads()
    stand = _stand(settings, month)
    path = downloads.new_file(f"statements-{month}-{language}-{form}.zip")
    try:
        bulk = write_all_statements(
            settings, month, path, language=language, suffix=f".{form}", progress=progress
        )
        _refuse_none(bulk)
        if _stand(settings, month) != stand:
            return None
        size_bytes = path.stat().st_size
        digest = downloads.keep(path)
    except (InputRefused, FileNotFoundError):
        if path.parent.is_dir():
            raise
        return None  # an erasure removes what is being written, too
    finally:
        downloads.give_up(path)
    return {
        "month": month,
        "language": language,
        "form": form,
        "run_id": stand[0],
        "written_count": bulk.written_count,
        "refused_count": len(bulk.refused),
        "refused": bulk.refused[:_REFUSED_TOLD_MAX],
        "name": path.name,
        "digest_sha256": digest,
        "size_bytes": size_bytes,
        "kept_until": (datetime.now(UTC) + _kept_for(settings)).isoformat(),
    }


def find_download(settings: Settings, digest_sha256: str) -> Download:
    """A file of the fleet that was made to be fetched.

    Raises
    ------
    NotFound
        ``download_not_found``.
    """
    with closing(open_storage(settings)) as storage:
        found = storage.downloads().find(digest_sha256)
    if found is None or found[1] < datetime.now(UTC) - _kept_for(settings):
        raise NotFound(
            "download_not_found",
            "There is no such file, or it was removed when its time was over.",
            "Ask for it to be made again.",
        )
    return Download(found[0], found[0].name)


@contextmanager
def kept_swept(settings: Settings) -> Iterator[None]:
    """Remove the files whose time is over, of all fleets, while the block runs.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    """
    with running_beside("sweep", partial(_sweep, settings)):
        yield


def _sweep(settings: Settings, is_over: threading.Event) -> None:
    while True:
        try:
            sweep_downloads(settings.home.expanduser(), datetime.now(UTC) - _kept_for(settings))
        except OSError as failure:  # a home that is away comes back
            logs.tell("downloads not swept", level="warning", reason=str(failure.strerror))
        if is_over.wait(SWEPT_EVERY_S):
            return


def _stand(settings: Settings, month: str) -> tuple[str, frozenset[str]]:
    """What the names and figures of statements are of: the close, and who was erased."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return latest_run(work, month).run_id, frozenset(work.persons.erased())


def _refuse_none(bulk: Bulk) -> None:
    if bulk.written_count:
        return
    refused = f": {bulk.refused[0]['message']}" if bulk.refused else "."
    raise NotFound(
        "statements_none",
        f"There is no statement of {bulk.month} that can be handed out{refused}",
        "Look at the accounts of the month; `fleet-carbon doctor` tells what cannot be proven.",
    )


def _kept_for(settings: Settings) -> timedelta:
    return timedelta(days=settings.downloads_days)
