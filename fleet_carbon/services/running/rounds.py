"""Rounds of a worker: it looks now and then what is due, and asks for the jobs that do it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.running.jobs import JobBook
from fleet_carbon.services.support import logs
from fleet_carbon.services.support.side_threads import running_beside
from fleet_carbon.settings import Settings

LOOKS_EVERY_S = 20.0
"""How often it is looked. [s]"""

AskForDue = Callable[[Settings, JobBook, datetime], int]
"""Settings of every fleet but for its name, where jobs are asked for, the moment it is -> jobs."""


@contextmanager
def going_round(settings: Settings, name: str, ask_for_due: AskForDue) -> Iterator[None]:
    """Look while the block runs. The tables of jobs are there.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    name : str
        What the round is of.
    ask_for_due : callable
        Asks for the jobs that are due.
    """
    with running_beside(name, partial(_run, settings, name, ask_for_due)):
        yield


def _run(settings: Settings, name: str, ask_for_due: AskForDue, is_over: threading.Event) -> None:
    with closing(JobBook(settings)) as book:
        while True:
            try:
                ask_for_due(settings, book, datetime.now(UTC))
            except FleetCarbonError as refused:  # a database that is away comes back
                logs.tell(f"round of {name} missed", level="warning", code=refused.code)
            if is_over.wait(LOOKS_EVERY_S):
                return
