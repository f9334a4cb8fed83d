"""A worker looks now and then for whom footprints were published, and asks for jobs that tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from fleet_carbon.services.exchange.footprint_answers import due_notices
from fleet_carbon.services.running.job_kinds import PUBLISH
from fleet_carbon.services.running.jobs import JobBook
from fleet_carbon.services.running.rounds import going_round
from fleet_carbon.settings import Settings


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
    with going_round(settings, "footprints", ask_to_publish):
        yield
