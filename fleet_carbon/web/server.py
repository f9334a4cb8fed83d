"""The server: worker processes that answer requests, started and stopped together."""

from __future__ import annotations

from typing import Any

from flask_openapi.openapi import OpenAPI
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from fleet_carbon.services import metering
from fleet_carbon.settings import Settings
from fleet_carbon.web.app import create_app

_GRACE_S = 30
# What runs longer is a job; only large bodies over slow lines take their time.
_TIMEOUT_S = 120


class _Logger(Logger):  # type: ignore[misc]  # ships no types
    """Hands everything on to the log of the process."""

    def __init__(self, cfg: Any) -> None:
        super().__init__(cfg)
        self.error_log.propagate = True


def _child_gone(_server: Any, worker: Any) -> None:
    metering.forget_process(worker.pid)


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
    """

    def __init__(
        self, settings: Settings, *, bind: str, processes_count: int, threads_count: int
    ) -> None:
        self._settings = settings
        self._options = {
            "bind": bind,
            "workers": processes_count,
            "threads": threads_count,
            "worker_class": "gthread",
            "graceful_timeout": _GRACE_S,
            "timeout": _TIMEOUT_S,
            "accesslog": None,
            "loglevel": "info",
            "proc_name": "fleet-carbon",
            "control_socket_disable": True,
            # Ours, see .
            "errorlog": None,
            "logger_class": _Logger,
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
        return create_app(self._settings)
