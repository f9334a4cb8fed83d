"""Long work beside the service: asked for once, done by a worker, told how far it is.

What is asked for stands in a database and outlives every process: a worker that is killed in the
middle of a job leaves it to the next one. What a job does is one use case of `job_kinds`, which is
all or nothing by itself and harmless when repeated, so that a job is one step.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from dbos import (
    DBOS,
    DBOSClient,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
    error,
    run_dbos_database_migrations,
)

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound
from fleet_carbon.services.positions.folding import kept_folded
from fleet_carbon.services.running.beating import beating
from fleet_carbon.services.running.job_kinds import KINDS, Arguments, JobKind
from fleet_carbon.services.support import logs
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings
from fleet_carbon.storage.database import driver_url, has_schema
from fleet_carbon.storage.outages import outages_named
from fleet_carbon.storage.unit_of_work import keep_connected

JOBS_DATABASE_NAME = "jobs.sqlite"
_APPLICATION, _QUEUE = "fleet-carbon", "work"
_PROGRESS = "progress"
_TOLD_EVERY_S = 0.5
# What stands in the database is read as data and can never run.
_SERIALIZER = DBOSPortableJSONSerializer()
_STATES = {
    "ENQUEUED": "waiting",
    "DELAYED": "waiting",
    "PENDING": "running",
    "CANCELLED": "cancelled",
}
_UNDER_WAY = ("waiting", "running")
_CANCELLED = {"code": "job_cancelled", "message": "The job was cancelled.", "hint": "Ask again."}
# The database of jobs is asked for moments, which it reads with the error of a float.
_HALF_MS = timedelta(microseconds=500)


@dataclass(frozen=True)
class Job:
    """A job as it stands.

    Attributes
    ----------
    job_id, kind : str
        Its name within the fleet, and what it does.
    arguments : dict
        What it was given.
    state : str
        waiting, running, done, failed or cancelled.
    asked_at, changed_at : datetime
        Aware UTC.
    progress : dict
        `task`, `done_count`, `total_count` (None if it is not known) and `unit` of a running job.
    result : dict or None
        What a job that is done came to.
    problem : dict or None
        Why a job failed or was not done: code, message and hint.
    """

    job_id: str
    kind: str
    arguments: Arguments
    state: str
    asked_at: datetime
    changed_at: datetime
    progress: dict[str, Any]
    result: dict[str, Any] | None
    problem: dict[str, Any] | None

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or runs."""
        return self.state in _UNDER_WAY

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "job_id": self.job_id,
            "kind": self.kind,
            "arguments": self.arguments,
            "state": self.state,
            "asked_at": self.asked_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "progress": self.progress,
            "result": self.result,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class JobPage:
    """Some jobs of a fleet, and what gives the following ones; empty if there are none."""

    jobs: tuple[Job, ...]
    next_cursor: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"jobs": [job.as_dict() for job in self.jobs], "next_cursor": self.next_cursor}


def prepare_jobs(settings: Settings) -> None:
    """Make the tables of jobs where there are none, before any process needs them."""
    settings.home.expanduser().mkdir(parents=True, exist_ok=True)
    with outages_named():
        run_dbos_database_migrations(jobs_url(settings))


class JobBook:
    """Where jobs are asked for and looked up; one for a process, shared by its threads.

    The tables of jobs are there: see `prepare_jobs`. A process that has one stays, and keeps its
    connections to the records as well. While its database is away, all that is asked of it raises
    `Unavailable`.
    """

    def __init__(self, settings: Settings) -> None:
        keep_connected(settings)
        self._settings = settings
        self._client = DBOSClient(
            system_database_url=jobs_url(settings),
            serializer=_SERIALIZER,
            # A database that is away is said to be so, and not waited for while others wait, too.
            retry_connection_errors=False,
            lazy=True,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()

    @outages_named()
    def ask(self, fleet_id: str, kind_name: str, **arguments: Any) -> Job:
        """Ask for a job; while one about the same subject is under way it is that one.

        Parameters
        ----------
        fleet_id : str
            Whose job it is.
        kind_name : str
            One of `job_kinds.KINDS`.
        **arguments
            What the kind is given.

        Raises
        ------
        InputRefused
            If the kind refuses the arguments.
        """
        return self._ask(fleet_id, kind_name, arguments, 0.0)

    @outages_named()
    def ask_later(self, fleet_id: str, kind_name: str, *, wait_s: float, **arguments: Any) -> Job:
        """As `ask`, but nobody does it for so long. [s]"""
        return self._ask(fleet_id, kind_name, arguments, wait_s)

    def _ask(self, fleet_id: str, kind_name: str, arguments: Arguments, wait_s: float) -> Job:
        kind = KINDS[kind_name]
        wanted = kind.read(self._settings.model_copy(update={"fleet": fleet_id}), arguments)
        beginning = "-".join(filter(None, (kind.name, kind.subject_of(wanted)))) + "-"
        job_id = f"{beginning}{uuid4().hex[:12]}"
        options: EnqueueOptions = {
            "queue_name": _QUEUE,
            "workflow_name": kind.name,
            "workflow_id": f"{fleet_id}/{job_id}",
            # By which a fleet's jobs are listed: beginnings of names are compared by SQLite
            # without regard to capitals.
            "authenticated_user": fleet_id,
            "deduplication_id": f"{fleet_id}/{beginning}",
        }
        if wait_s:
            options["delay_seconds"] = wait_s
        try:
            self._client.enqueue(options, fleet_id, wanted)
        except error.DBOSQueueDeduplicatedError:
            for job in self.newest(fleet_id, beginning=beginning):
                if job.is_under_way:
                    return job
            return self._ask(fleet_id, kind_name, arguments, wait_s)  # it ended meanwhile
        return self.find(fleet_id, job_id)

    @outages_named()
    def cancel(self, fleet_id: str, job_id: str) -> Job:
        """Let a job that waits not be done; one that was cancelled before stays so.

        Raises
        ------
        NotFound
            ``job_not_found``.
        FleetCarbonError
            ``job_not_waiting`` if it is under way or over: what runs is all or nothing.
        """
        job = self.find(fleet_id, job_id)
        whole_id = f"{fleet_id}/{job_id}"
        if job.state == "waiting":
            self._client.cancel_workflow(whole_id)
            if self._client.get_event(whole_id, _PROGRESS, 0) is None:
                return self.find(fleet_id, job_id)
            # A worker took it in the same moment. Whether it goes on is not known, so that it is
            # done (again), which is harmless, rather than told as cancelled and done nevertheless.
            self._client.resume_workflow(whole_id)
        if job.state == "cancelled":
            return job
        raise FleetCarbonError(
            "job_not_waiting",
            f"The job {job_id} is under way or over, and cannot be cancelled.",
            "Look it up to see what it came to.",
        )

    @outages_named()
    def find(self, fleet_id: str, job_id: str) -> Job:
        """A job of the fleet.

        Raises
        ------
        NotFound
            ``job_not_found``.
        """
        found = self._client.list_workflows(workflow_ids=[f"{fleet_id}/{job_id}"])
        if not found:
            raise NotFound(
                "job_not_found", f"There is no job {job_id!r}.", "Use the address of its answer."
            )
        return self._job(found[0])

    @outages_named()
    def newest(self, fleet_id: str, *, beginning: str = "", limit_count: int = 100) -> list[Job]:
        """The newest jobs of the fleet, newest first."""
        return self._found(fleet_id, beginning, limit=limit_count)

    @outages_named()
    def page(
        self,
        fleet_id: str,
        *,
        kind_name: str | None = None,
        is_under_way: bool = False,
        cursor: str = "",
        limit_count: int = 100,
    ) -> JobPage:
        """The jobs of the fleet, newest first, a page at a time.

        Parameters
        ----------
        fleet_id : str
            Whose jobs.
        kind_name : str, optional
            Only those of this kind.
        is_under_way : bool
            Only those that wait or run.
        cursor : str
            `next_cursor` of the page before; empty for the first.
        limit_count : int
            At most so many.

        Raises
        ------
        InputRefused
            ``cursor_malformed``.
        """
        asked: dict[str, Any] = {"name": kind_name}
        if is_under_way:
            asked["status"] = [name for name, state in _STATES.items() if state in _UNDER_WAY]
        shown: list[str] = []
        if cursor:
            at_ms, shown = _place(cursor)
            asked["end_time"] = (_moment(at_ms) + _HALF_MS).isoformat()
        # Of the last moment of the page before some were told already.
        found = self._found(fleet_id, "", limit=limit_count + len(shown) + 1, **asked)
        rest = [job for job in found if job.job_id not in shown]
        jobs, is_last = rest[:limit_count], len(rest) <= limit_count
        return JobPage(tuple(jobs), "" if is_last else _cursor(jobs, shown))

    @outages_named()
    def under_way(self) -> list[Job]:
        """The jobs of every fleet that wait or run, oldest first."""
        states = [name for name, state in _STATES.items() if state in _UNDER_WAY]
        found = self._client.list_workflows(status=states, load_output=False)
        return [self._job(one) for one in found]

    def _found(self, fleet_id: str, beginning: str, **asked: Any) -> list[Job]:
        found = self._client.list_workflows(
            user=fleet_id, workflow_id_prefix=f"{fleet_id}/{beginning}", sort_desc=True, **asked
        )
        return [self._job(one) for one in found]

    def _job(self, found: Any) -> Job:
        state, result, problem = _STATES.get(found.status, "failed"), None, None
        if found.status == "SUCCESS":
            told = found.output
            state = "done" if told["ok"] else "failed"
            result, problem = (told, None) if told["ok"] else (None, told)
        elif state == "cancelled":
            problem = dict(_CANCELLED)
        elif state == "failed":
            problem = {
                "code": "job_broken",
                "message": str(found.error or found.status),
                "hint": "",
            }
        progress: dict[str, Any] = {}
        if state == "running":
            progress = self._client.get_event(found.workflow_id, _PROGRESS, 0) or {}
        return Job(
            job_id=found.workflow_id.split("/", 1)[1],
            kind=found.name,
            arguments=found.input["args"][1],
            state=state,
            asked_at=_moment(found.created_at),
            changed_at=_moment(found.updated_at),
            progress=progress,
            result=result,
            problem=problem,
        )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _cursor(jobs: list[Job], shown: list[str]) -> str:
    """The moment of the last job, and which jobs of that moment were told."""
    last = jobs[-1].asked_at
    of_moment = [job.job_id for job in jobs if job.asked_at == last]
    if len(of_moment) == len(jobs):  # perhaps those of the page before are of it, too
        of_moment += shown
    content = json.dumps([round(last.timestamp() * 1000), of_moment])
    return base64.urlsafe_b64encode(content.encode()).decode()


def _place(cursor: str) -> tuple[int, list[str]]:
    try:
        at_ms, shown = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        _moment(at_ms)
        if not all(isinstance(name, str) for name in shown):
            raise ValueError
    except (ValueError, TypeError, OverflowError, OSError, binascii.Error, RecursionError) as bad:
        raise InputRefused(
            "cursor_malformed", "The cursor is none of ours.", "Take next_cursor as it is."
        ) from bad
    return at_ms, list(shown)


def jobs_url(settings: Settings) -> str:
    """The database that holds the jobs: beside the records, or in the same PostgreSQL."""
    if settings.database_url is None:
        return f"sqlite:///{settings.home.expanduser().absolute() / JOBS_DATABASE_NAME}"
    return driver_url(settings.database_url).render_as_string(hide_password=False)


def jobs_on_record(settings: Settings) -> bool:
    """Whether there can be jobs: the service ran here at least once."""
    if settings.database_url is None:
        return (settings.home.expanduser().absolute() / JOBS_DATABASE_NAME).is_file()
    return has_schema(settings.database_url, "dbos")


@contextmanager
def worker(settings: Settings, *, jobs_at_once_count: int = 1) -> Iterator[None]:
    """Do jobs while the block runs; one that is under way at the end is left to the next worker.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name, which the job tells.
    jobs_at_once_count : int
        Jobs at a time.
    """
    prepare_jobs(settings)
    keep_connected(settings)
    DBOS(
        config={
            "name": _APPLICATION,
            "system_database_url": jobs_url(settings),
            # Another version of the program goes on with what this one left.
            "application_version": "1",
            "log_level": "WARNING",
            "serializer": _SERIALIZER,
        }
    )

    logs.adopt("dbos")
    for kind in KINDS.values():
        _register(kind, settings)
    DBOS.launch()
    try:
        DBOS.register_queue(_QUEUE, worker_concurrency=jobs_at_once_count)
        with beating(settings), kept_folded(settings):
            yield
    finally:
        DBOS.destroy(destroy_registry=True)


def _register(kind: JobKind, settings: Settings) -> None:
    """Let the worker know how a kind of job is done."""

    @DBOS.step(name=kind.name)
    def step(fleet_id: str, arguments: Arguments) -> dict[str, Any]:
        of_fleet = settings.model_copy(update={"fleet": fleet_id})
        with _logged(kind.name, fleet_id) as line:
            told = _told(lambda progress: kind.do(of_fleet, arguments, progress))
            line["outcome"] = "done" if told["ok"] else told["code"]
            if not told["ok"]:
                told |= _asked_again(kind, of_fleet, arguments, told["code"])
            return told

    @DBOS.workflow(name=kind.name)
    def workflow(fleet_id: str, arguments: Arguments) -> dict[str, Any]:
        DBOS.set_event(_PROGRESS, {})  # who cancels it sees that it has begun
        return step(fleet_id, arguments)


def _asked_again(
    kind: JobKind, settings: Settings, arguments: Arguments, code: str
) -> dict[str, str]:
    """Ask for what was refused for now once more, later; which job that is, if any."""
    again = kind.again(arguments, code, datetime.now(UTC)) if kind.again else None
    if again is None:
        return {}
    wanted, wait_s = again
    with closing(JobBook(settings)) as book:
        job = book.ask_later(settings.fleet, kind.name, wait_s=wait_s, **wanted)
    return {"next_job_id": job.job_id}


@contextmanager
def _logged(kind: str, fleet_id: str) -> Iterator[dict[str, Any]]:
    """A line when a job begins and one when it is over, whatever became of it."""
    job_id = (DBOS.workflow_id or "").partition("/")[2]
    line: dict[str, Any] = {"job_id": job_id, "kind": kind, "fleet": fleet_id}
    logs.tell("job begun", **line)
    begun_s = time.monotonic()
    line["outcome"] = "broken"
    try:
        yield line
    finally:
        level = "error" if line["outcome"] == "broken" else "info"
        duration_ms = round((time.monotonic() - begun_s) * 1000, 1)
        logs.tell("job over", level=level, duration_ms=duration_ms, **line)


def _told(do: Callable[[Progress], dict[str, Any]]) -> dict[str, Any]:
    """What a job came to; a refusal is an answer too, and no reason to try again."""
    try:
        told = {"ok": True, **do(_Published())}
    except FleetCarbonError as refused:
        told = refused.as_dict()
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain


class _Published:
    """Progress as others can read it: the newest state, told now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {}
        self._told_at_s = 0.0

    def begin(self, task: str, total: int | None, unit: str) -> None:
        """A task starts."""
        with self._lock:
            self._state = {"task": task, "done_count": 0, "total_count": total, "unit": unit}
            self._tell()

    def advance(self, count: int) -> None:
        """More of it is done."""
        with self._lock:
            self._state["done_count"] += count
            if time.monotonic() - self._told_at_s >= _TOLD_EVERY_S:
                self._tell()

    def end(self) -> None:
        """It is over."""
        with self._lock:
            self._tell()

    def _tell(self) -> None:
        self._told_at_s = time.monotonic()
        DBOS.set_event(_PROGRESS, dict(self._state))
