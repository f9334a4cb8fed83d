"""A host of iLEAP as it is run, on loopback: the app behind a real server, for a while."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from fleet_carbon.services.running.jobs import prepare_jobs
from fleet_carbon.settings import Settings
from fleet_carbon.web.app import create_app
from tests.services.exchange_schemas import validate


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


def validate_event(path: str, event: dict[str, Any]) -> None:
    """Hold an event that was sent to ``/2/events`` or ``/3/events`` against its schema."""
    validate(f"Event{path.split('/')[1]}", event)


class PlayedHost:
    """A host that tells what it is given, and does as well as it is told.

    Attributes
    ----------
    documents : dict of str to list
        By path.
    faults : set of str
        What it does wrong: ``limit``, ``no_link``, ``relative_link``, ``other_page``, ``lets_in``,
        ``forgets``, ``no_filter``, ``wrong_filter``, ``wrong_mode``, ``bad_credentials``,
        ``not_implemented``.
    busy_count : int
        So many requests are answered 503 first.
    page_count : int
        Documents of a page where nothing is asked.
    events : list of (str, dict)
        Path and content of those that it took.
    event_statuses : list of int
        So it answers to the next events, which it does not take.
    event_paths : tuple of str
        Where it takes events.
    """

    def __init__(self) -> None:
        self.documents: dict[str, list[dict[str, Any]]] = {}
        self.faults: set[str] = set()
        self.busy_count = 0
        self.page_count = 1000
        self.asked: list[str] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.event_statuses: list[int] = []
        self.event_paths = ("/2/events", "/3/events")

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer a request."""
        request = Request(environ)
        self.asked.append(request.full_path)
        return self._answered(request)(environ, start_response)

    def _answered(self, request: Request) -> Response:
        if self.busy_count > 0:
            self.busy_count -= 1
            return Response(status=503, headers={"Retry-After": "0"})
        if request.path == "/auth/token":
            return self._token(request)
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if secret != "good" and "lets_in" not in self.faults:
            is_old = secret == "old" and "forgets" not in self.faults
            code = (401, "TokenExpired") if is_old else (403, "AccessDenied")
            return _told({"code": code[1], "message": "no"}, code[0])
        if request.method == "POST" and request.path in self.event_paths:
            if self.event_statuses:
                return _told({"code": "InternalError"}, self.event_statuses.pop(0))
            self.events.append((request.path, request.get_json()))
            return Response(status=200)
        if request.path not in self.documents:
            return _told({"code": "NotFound", "message": "no such path"}, 404)
        return self._page(request)

    def _token(self, request: Request) -> Response:
        given = request.authorization
        is_known = given is not None and (given.username, given.password) == ("me", "secret")
        if is_known or "bad_credentials" in self.faults:
            return _told({"access_token": "good", "token_type": "Bearer", "expires_in": 900})
        return _told({"error": "invalid_client"}, 401)

    def _page(self, request: Request) -> Response:
        wanted = {
            name: value for name, value in request.args.items() if name not in ("limit", "offset")
        }
        if wanted and "not_implemented" in self.faults:
            return _told({"code": "NotImplemented", "message": "no filters"}, 400)
        every = self.documents[request.path]
        if ("wrong_mode" in self.faults and "mode" in wanted) or (
            "wrong_filter" in self.faults and wanted
        ):
            every = every[1:]
        elif "no_filter" not in self.faults:
            every = [
                one for one in every if all(str(one.get(name)) == wanted[name] for name in wanted)
            ]
        at, limit = (
            int(request.args.get("offset", 0)),
            int(request.args.get("limit", self.page_count)),
        )
        if "limit" in self.faults:
            limit = max(limit, 2)
        response = _told({"data": every[at : at + limit]})
        if at + limit < len(every) and "no_link" not in self.faults:
            there = 0 if "other_page" in self.faults else at + limit
            root = "" if "relative_link" in self.faults else request.host_url.rstrip("/")
            link = f"{root}{request.path}?offset={there}&limit={limit}"
            response.headers["Link"] = f'<{link}>; rel="next"'
        return response


def _told(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")
