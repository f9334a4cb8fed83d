"""Long work beside the service: asked for once, done by a worker, told how far it is.

What is asked for stands in a database and outlives every process: a worker that is killed in the
middle of a job leaves it to the next one. What a job does is one use case, which is all or
nothing by itself and harmless when repeated, so that a job is one step.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, error, run_dbos_database_migrations

from fleet_carbon.errors import FleetCarbonError, NotFound
from fleet_carbon.periods import parse_month
from fleet_carbon.services.closing import close_month
from fleet_carbon.settings import Settings

JOBS_DATABASE_NAME = "jobs.sqlite"
_APPLICATION, _QUEUE, _CLOSE = "fleet-carbon", "work", "close_month"
_PROGRESS = "progress"
_TOLD_EVERY_S = 0.5
# What stands in the database is read as data and can never run.
_SERIALIZER = DBOSPortableJSONSerializer()
_STATES = {"ENQUEUED": "waiting", "DELAYED": "waiting", "PENDING": "running"}


@dataclass(frozen=True)
class Job:
    """A job as it stands.

    Attributes
    ----------
    job_id, kind : str
        Its name within the fleet, and what it does.
    state : str
        waiting, running, done or failed.
    asked_at, changed_at : datetime
        Aware UTC.
    progress : dict
        `task`, `done_count`, `total_count` (None if it is not known) and `unit` of a running job.
    result : dict or None
        What a job that is done came to.
    problem : dict or None
        Why a job failed: code, message and hint.
    """

    job_id: str
    kind: str
    state: str
    asked_at: datetime
    changed_at: datetime
    progress: dict[str, Any]
    result: dict[str, Any] | None
    problem: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "job_id": self.job_id,
            "kind": self.kind,
            "state": self.state,
            "asked_at": self.asked_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "progress": self.progress,
            "result": self.result,
            "problem": self.problem,
        }


def prepare_jobs(settings: Settings) -> None:
    """Make the tables of jobs where there are none, before any process needs them."""
    settings.home.expanduser().mkdir(parents=True, exist_ok=True)
    run_dbos_database_migrations(jobs_url(settings))


class JobBook:
    """Where jobs are asked for and looked up; one for a process, shared by its threads.

    The tables of jobs are there: see `prepare_jobs`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = DBOSClient(
            system_database_url=jobs_url(settings),
            serializer=_SERIALIZER,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()

    def ask_close(self, fleet_id: str, month: str) -> Job:
        """Ask for a month to be closed; while one such job is under way it is that one.

        Raises
        ------
        InputRefused
            ``month_malformed``.
        """
        wanted = str(parse_month(month, self._settings.zone))
        job_id = f"close-{wanted}-{uuid4().hex[:12]}"
        try:
            self._client.enqueue(
                {
                    "queue_name": _QUEUE,
                    "workflow_name": _CLOSE,
                    "workflow_id": f"{fleet_id}/{job_id}",
                    "deduplication_id": f"{fleet_id}/close/{wanted}",
                },
                fleet_id,
                wanted,
            )
        except error.DBOSQueueDeduplicatedError:
            for job in self.list(fleet_id, beginning=f"close-{wanted}-"):
                if job.state in ("waiting", "running"):
                    return job
            return self.ask_close(fleet_id, month)  # it ended meanwhile
        return self.find(fleet_id, job_id)

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

    def list(self, fleet_id: str, *, beginning: str = "", limit_count: int = 100) -> list[Job]:
        """The newest jobs of the fleet, newest first."""
        found = self._client.list_workflows(
            workflow_id_prefix=f"{fleet_id}/{beginning}", sort_desc=True, limit=limit_count
        )
        return [self._job(one) for one in found]

    def _job(self, found: Any) -> Job:
        state, result, problem = _STATES.get(found.status, "failed"), None, None
        if found.status == "SUCCESS":
            told = found.output
            state = "done" if told["ok"] else "failed"
            result, problem = (told, None) if told["ok"] else (None, told)
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
            state=state,
            asked_at=_moment(found.created_at),
            changed_at=_moment(found.updated_at),
            progress=progress,
            result=result,
            problem=problem,
        )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def jobs_url(settings: Settings) -> str:
    """The database that holds the jobs: beside the records, or in the same PostgreSQL."""
    if settings.database_url is None:
        return f"sqlite:///{settings.home.expanduser().absolute() / JOBS_DATABASE_NAME}"
    return "postgresql+psycopg://" + settings.database_url.partition("://")[2]


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

    @DBOS.step(name=_CLOSE)
    def closing(fleet_id: str, month: str) -> dict[str, Any]:
        of_fleet = settings.model_copy(update={"fleet": fleet_id})
        return _told(of_fleet, month)

    @DBOS.workflow(name=_CLOSE)
    def close(fleet_id: str, month: str) -> dict[str, Any]:
        return closing(fleet_id, month)

    DBOS.launch()
    try:
        DBOS.register_queue(_QUEUE, worker_concurrency=jobs_at_once_count)
        yield
    finally:
        DBOS.destroy(destroy_registry=True)


def _told(settings: Settings, month: str) -> dict[str, Any]:
    """What a close came to; a refusal is an answer too, and no reason to try again."""
    try:
        told = {"ok": True, **close_month(settings, month, progress=_Published()).as_dict()}
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
