"""The server: processes that answer requests, and one beside them, started and stopped together."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from itertools import count
from typing import Any

from flask_openapi.openapi import OpenAPI
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from fleet_carbon.services.positions import position_desk
from fleet_carbon.services.positions.position_relay import Neighbours, PositionRelay
from fleet_carbon.services.running import reading_ahead
from fleet_carbon.services.support import metering
from fleet_carbon.settings import Settings
from fleet_carbon.web.app import create_app
from fleet_carbon.web.beside import Beside
from fleet_carbon.web.patience import PatientWorker

_GRACE_S = 30
# What runs longer is a job; only large bodies over slow lines take their time.
_TIMEOUT_S = 120
_COLLECTED_AFTER = (50_000, 20, 20)


class _Logger(Logger):  # type: ignore[misc]  # ships no types
    """Hands everything on to the log of the process."""

    def __init__(self, cfg: Any) -> None:
        super().__init__(cfg)
        self.error_log.propagate = True


def _number(server: Any, worker: Any) -> None:
    """Give a new process a number that none of the others has."""
    taken = {other.number for other in server.WORKERS.values()}
    # Each process has what serves of its own: a copy of this.
    server.app.number = worker.number = next(one for one in count() if one not in taken)


def _keep_to_one_processor(_server: Any, worker: Any) -> None:
    """Let all threads of a process have one processor, another one than the other processes.

    Only one of them runs Python at a time. If they did so on several processors in turn, each
    would have to fetch from the others what it needs: a request took one and a half times as long.
    """
    if sys.platform != "linux":
        return
    allowed = sorted(os.sched_getaffinity(0))
    # Several servers on a machine do not all begin with the same one.
    os.sched_setaffinity(0, {allowed[(os.getppid() + worker.number) % len(allowed)]})


def _child_gone(_server: Any, worker: Any) -> None:
    metering.forget_process(worker.pid)


def ready_app(
    settings: Settings, *, processes_count: int = 1, relay: PositionRelay | None = None
) -> OpenAPI:
    """The app with all read and made that its first requests would wait for.

    Parameters
    ----------
    settings, processes_count, relay
        As for `create_app`.
    """
    position_desk.make_ready()
    app = create_app(settings, processes_count=processes_count, relay=relay)
    reading_ahead.read_ahead(settings)
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)
    _collect_seldom()
    return app


def _collect_seldom() -> None:
    """Tell the collector of garbage that what is there by now stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)


class Server(BaseApplication):  # type: ignore[misc]  # ships no types
    """Answers requests until it is told to stop.

    Parameters
    ----------
    settings : Settings
        Of every fleet.
    bind : str
        Address and port; port 0 is any that is free.
    processes_count, threads_count : int
        How many requests are answered at a time: their product.
    beside : sequence of str
        Command of a process that runs as long as the server does; empty for none.
    is_pinned : bool
        Whether each process keeps to one processor, where the system can do that.
    neighbours : Neighbours or None
        The processes, if they are several.

    Attributes
    ----------
    number : int
        Of the process that was begun last, and in it its own.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        bind: str,
        processes_count: int,
        threads_count: int,
        beside: Sequence[str] = (),
        is_pinned: bool = True,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._settings = settings
        self._neighbours = neighbours
        self.number = 0
        self.patience_s = settings.request_patience_s
        self.body_bytes_max = settings.request_bytes_max
        self._beside = tuple(beside)
        self._processes_count = processes_count
        self._options = {
            "bind": bind,
            "workers": processes_count,
            "threads": threads_count,
            "worker_class": PatientWorker,
            "graceful_timeout": _GRACE_S,
            "timeout": _TIMEOUT_S,
            "accesslog": None,
            "loglevel": "info",
            "proc_name": "fleet-carbon",
            "control_socket_disable": True,
            "errorlog": None,
            "logger_class": _Logger,
            "pre_fork": _number,
            **({"post_fork": _keep_to_one_processor} if is_pinned else {}),
            "child_exit": _child_gone,
        }
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings."""
        known: Any = self.cfg.settings
        for name, value in self._options.items():
            if name in known:
                self.cfg.set(name, value)

    def load(self) -> OpenAPI:
        """Make the app, in each process anew."""
        relay = PositionRelay(self._neighbours, self.number) if self._neighbours else None
        return ready_app(self._settings, processes_count=self._processes_count, relay=relay)

    def run(self) -> None:
        """Answer until told to stop; then the process beside is stopped, too."""
        master = _Master(self, self._beside)
        own = os.getpid()
        try:
            master.run()
        finally:
            if os.getpid() == own:  # and not a process that answered, which ends here as well
                master.stop_beside()


class _Master(Arbiter):  # type: ignore[misc]  # ships no types
    """Starts what answers again when it ends, and what runs beside."""

    def __init__(self, server: Server, words: Sequence[str]) -> None:
        super().__init__(server)
        self._beside = Beside(words, say=self.log.error) if words else None

    def manage_workers(self) -> None:
        """Called at the start, and then every second."""
        if self._beside is not None:
            self._beside.look()
        super().manage_workers()

    def stop(self, graceful: bool = True) -> None:
        """Called at the end: both end at the same time, not one after the other."""
        if self._beside is not None:
            self._beside.ask_to_end()
        super().stop(graceful)

    def stop_beside(self) -> None:
        """Stop what runs beside, and wait for it."""
        if self._beside is not None:
            self._beside.stop()
