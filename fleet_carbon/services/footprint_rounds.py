"""A worker looks now and then for whom footprints were published, and asks for jobs that tell."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services import logs
from fleet_carbon.services.footprint_answers import due_notices
from fleet_carbon.services.job_kinds import PUBLISH
from fleet_carbon.services.jobs import JobBook
from fleet_carbon.services.side_threads import running_beside
from fleet_carbon.settings import Settings

LOOKS_EVERY_S = 20.0
"""How often it is looked. [s]"""


def ask_to_publish(settings: Settings, book: JobBook, now: datetime) -> int:
    """Ask for a job for each close and each host that is to be told of it, once.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    book : JobBook
        Where jobs are asked for; it knows of what was asked for before.
    now : datetime
        The moment it is.

    Returns
    -------
    count : int
        Jobs that were asked for.
    """
    count = 0
    for fleet_id, notice in due_notices(settings, now):
        beginning = f"{PUBLISH.name}-{notice['mark']}-"
        if not book.newest(fleet_id, beginning=beginning, limit_count=1):
            book.ask(fleet_id, PUBLISH.name, **notice)
            count += 1
    return count


@contextmanager
def kept_published(settings: Settings) -> Iterator[None]:
    """Look while the block runs; not at all without recipients. The tables of jobs are there.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    """
    if not settings.exchange_recipients:
        yield
        return
    with running_beside("footprints", partial(_run, settings)):
        yield


def _run(settings: Settings, is_over: threading.Event) -> None:
    with closing(JobBook(settings)) as book:
        while True:
            try:
                ask_to_publish(settings, book, datetime.now(UTC))
            except FleetCarbonError as refused:  # a database that is away comes back
                logs.tell("round of footprints missed", level="warning", code=refused.code)
            if is_over.wait(LOOKS_EVERY_S):
                return
