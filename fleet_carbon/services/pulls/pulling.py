"""Pages of another system's server asked for and taken in; the next time goes on where this ended.

Pages are written to a file and taken in by the one ingest, each as its dialect. Where to go on is
written only when they are on record: what is asked for twice is a duplicate, what is never asked
for would be lost. A page that names an error moves nothing on.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.intake.ingesting import Intake, Source, ingest_files
from fleet_carbon.services.pulls.pull_client import PullClient
from fleet_carbon.services.pulls.pull_geotab import Geotab
from fleet_carbon.services.pulls.pull_motive import Motive
from fleet_carbon.services.pulls.pull_ocpi import Ocpi
from fleet_carbon.services.pulls.pull_sources import (
    SINCE,
    Login,
    Page,
    PageSource,
    Rfms,
    Samsara,
    stamp,
)
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings

SOURCES: dict[str, dict[str, type[PageSource]]] = {
    "rfms": {"statuses": Rfms, "positions": Rfms},
    "samsara": {"stats": Samsara},
    "geotab": {"positions": Geotab, "fills": Geotab},
    "motive": {"locations": Motive},
    "ocpi": {"cdrs": Ocpi},
}
"""Dialects whose servers can be asked, and for what: the usual first."""
_PAGES_MAX = 10_000
# What is held of a file while it is read is some times as much.
_FILE_BYTES = 128 << 20


@dataclass(frozen=True)
class Pull:
    """What is asked for.

    Attributes
    ----------
    url : str
        Of the server, such as ``https://api.example.com/rfms``.
    state_path : Path
        File that keeps where the next time goes on.
    dialect : str
        One of `SOURCES`.
    resource : str
        Which of its resources; empty for the usual one.
    since_at : datetime or None
        Where the first time begins, aware; needed while there is no such file.
    profile_path : Path or None
        Source profile for what comes.
    vehicle_id : str or None
        Truck of all rows that name none.
    """

    url: str
    state_path: Path
    dialect: str = "rfms"
    resource: str = ""
    since_at: datetime | None = None
    profile_path: Path | None = None
    vehicle_id: str | None = None


def pull(settings: Settings, asked: Pull, *, progress: Progress | None = None) -> Intake:
    """Ask for all that a server has received since the last time, and take it in.

    Parameters
    ----------
    settings : Settings
        The fleet; `pull_token`, `pull_user`.
    asked : Pull
        What is asked for.
    progress : Progress, optional
        Who is told how far it is.

    Returns
    -------
    Intake
        What became of the pages; without files if there was nothing new.

    Raises
    ------
    InputRefused
        ``pull_resource_unknown``, ``pull_url_refused``, ``pull_begin_missing``,
        ``pull_state_of_another``, ``pull_refused``, ``pull_link_elsewhere``, ``pull_endless``.
    Unavailable
        ``pull_unavailable``: the next time asks for the same.
    """
    resource = _resource_of(asked)
    secret = settings.pull_token
    login = Login(secret.get_secret_value() if secret else "", settings.pull_user)
    source = SOURCES[asked.dialect][resource](resource, login)
    kept = _Kept(asked, resource)
    begin = kept.begin()
    with (
        PullClient(asked.url, source.headers(asked.url)) as client,
        tempfile.TemporaryDirectory(prefix="fleet-carbon-pull-") as folder,
    ):
        path = Path(folder) / f"{asked.dialect}-{resource}.ndjson"
        taking = _Taking(settings, asked, kept, progress or Silent(), Intake(source.kind), path)
        try:
            taking.ask()
            for count, page in enumerate(source.pages(client, begin), start=1):
                taking.add(page)
                if count >= _PAGES_MAX:
                    taking.take_in()
                    raise _endless(asked)
            taking.take_in()
        finally:
            taking.rest()
    return taking.intake


def _resource_of(asked: Pull) -> str:
    known = SOURCES.get(asked.dialect, {})
    resource = asked.resource or next(iter(known), "")
    if resource not in known:
        can = "; ".join(f"{name}: {', '.join(held)}" for name, held in SOURCES.items())
        raise InputRefused(
            "pull_resource_unknown",
            f"{asked.dialect} has no {asked.resource or 'server'} to be asked for.",
            f"These can be: {can}.",
        )
    return resource


def _endless(asked: Pull) -> InputRefused:
    return InputRefused(
        "pull_endless",
        f"{asked.url[:200]} has more than {_PAGES_MAX:,} pages; these are on record.",
        "Ask again; where it begins anew each time, say a later --since.",
    )


@dataclass(frozen=True)
class _Kept:
    """Where to go on, in a file that is of one server and resource."""

    asked: Pull
    resource: str

    def begin(self) -> Mapping[str, str]:
        """What the last time left behind, or where the first time begins."""
        path = self.asked.state_path
        if not path.exists():
            if self.asked.since_at is None:
                raise InputRefused(
                    "pull_begin_missing",
                    f"There is no {path} that says where to go on.",
                    "Say with --since where the first time begins.",
                )
            return {SINCE: stamp(self.asked.since_at)}
        try:
            told = json.loads(path.read_bytes())
            goes_on = {str(name): str(value) for name, value in told["goes_on"].items()}
            of_whom = {name: told[name] for name in self._of_whom()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
            raise InputRefused(
                "pull_begin_missing",
                f"{path} does not say where to go on: {broken!r}",
                "Remove it, and say --since.",
            ) from broken
        if of_whom != self._of_whom():
            raise InputRefused(
                "pull_state_of_another",
                f"{path} says where to go on with {' '.join(map(str, of_whom.values()))}.",
                "Name a file of its own for each server and resource.",
            )
        return goes_on

    def write(self, goes_on: Mapping[str, str]) -> None:
        """Keep it: whole, or as it was before."""
        path = self.asked.state_path
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(
            json.dumps({**self._of_whom(), "goes_on": dict(goes_on)}, indent=1) + "\n",
            encoding="utf-8",
        )
        os.replace(partial, path)

    def _of_whom(self) -> dict[str, str]:
        url = self.asked.url.rstrip("/")
        return {"dialect": self.asked.dialect, "resource": self.resource, "url": url}


@dataclass
class _Taking:
    """Pages on their way to the ingest: in a file, and on record whenever there are many."""

    settings: Settings
    asked: Pull
    kept: _Kept
    progress: Progress
    intake: Intake
    path: Path
    rows_count: int = 0
    goes_on: Mapping[str, str] | None = None
    is_asking: bool = False

    def ask(self) -> None:
        """Tell that pages are asked for."""
        if not self.is_asking:
            host = urlsplit(self.asked.url).hostname
            self.progress.begin(f"{self.asked.dialect} from {host}", None, "pages")
        self.is_asking = True

    def rest(self) -> None:
        """Tell that no more are, for now."""
        if self.is_asking:
            self.progress.end()
        self.is_asking = False

    def add(self, page: Page) -> None:
        """Take a page."""
        self.ask()
        self.progress.advance(1)
        self.rows_count += page.rows_count
        self.goes_on = page.goes_on
        with self.path.open("ab") as file:
            if page.content:
                file.write(page.content.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
            is_full = file.tell() >= _FILE_BYTES
        if is_full:
            self.take_in()

    def take_in(self) -> None:
        """Put on record what has come, and then where to go on."""
        self.rest()
        if self.rows_count:
            source = Source(
                self.asked.profile_path,
                dialect=self.asked.dialect,
                vehicle_id=self.asked.vehicle_id or None,
            )
            taken = ingest_files(
                self.settings,
                self.intake.kind,
                [self.path],
                source=source,
                progress=self.progress,
            )
            self.intake.files += taken.files
        self.path.unlink(missing_ok=True)
        self.rows_count = 0
        if self.goes_on is not None:
            self.kept.write(self.goes_on)
