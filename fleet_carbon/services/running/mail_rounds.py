"""A worker looks now and then which reports are due by mail, and asks for jobs that send them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from fleet_carbon.services.messages import mailing
from fleet_carbon.services.running.job_kinds import SEND_MAIL
from fleet_carbon.services.running.jobs import JobBook
from fleet_carbon.services.running.rounds import going_round
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import fleets_on_record


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
    with going_round(settings, "mail", ask_for_due):
        yield
