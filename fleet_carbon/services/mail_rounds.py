"""A worker looks now and then which reports are due by mail, and asks for jobs that send them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services import logs, mailing
from fleet_carbon.services.job_kinds import SEND_MAIL
from fleet_carbon.services.jobs import JobBook
from fleet_carbon.services.side_threads import running_beside
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import fleets_on_record

LOOKS_EVERY_S = 20.0
"""How often it is looked. [s]"""


def ask_for_due(settings: Settings, book: JobBook, now: datetime) -> int:
    """Ask for a job for each month of each fleet of which mail is due.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    book : JobBook
        Where jobs are asked for; one under way is not asked for again.
    now : datetime
        The moment it is.

    Returns
    -------
    count : int
        Months that were asked for.
    """
    count = 0
    for fleet_id in fleets_on_record(settings):
        of_fleet = settings.model_copy(update={"fleet": fleet_id})
        for month in mailing.due_months(of_fleet, now):
            book.ask(fleet_id, SEND_MAIL.name, month=month)
            count += 1
    return count


@contextmanager
def kept_mailed(settings: Settings) -> Iterator[None]:
    """Look while the block runs; not at all without a mail server. The tables of jobs are there.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    """
    if not settings.mail_host:
        yield
        return
    with running_beside("mail", partial(_run, settings)):
        yield


def _run(settings: Settings, is_over: threading.Event) -> None:
    with closing(JobBook(settings)) as book:
        while True:
            try:
                ask_for_due(settings, book, datetime.now(UTC))
            except FleetCarbonError as refused:  # a database that is away comes back
                logs.tell("round of mail missed", level="warning", code=refused.code)
            if is_over.wait(LOOKS_EVERY_S):
                return
