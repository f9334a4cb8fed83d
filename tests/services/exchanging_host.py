"""A host of iLEAP as it is run, on loopback: the app behind a real server, for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from fleet_carbon.services.jobs import prepare_jobs
from fleet_carbon.settings import Settings
from fleet_carbon.web.app import create_app


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The address at which an app answers while the block runs."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def hosted(settings: Settings) -> Iterator[str]:
    """The address of the service of a fleet while the block runs."""
    prepare_jobs(settings)
    app = create_app(settings)
    try:
        with listening(app) as address:
            yield address
    finally:
        app.extensions["jobs"].close()
