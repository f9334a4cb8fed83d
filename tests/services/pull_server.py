"""A server on this machine that answers as the API of a system does, and what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.settings import Settings

TOKEN = "secret-token"


@dataclass(frozen=True)
class Asked:
    """A request: path, query, headers with small letters, and the document of its body."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    document: Any = None


@dataclass(frozen=True)
class Told:
    """An answer."""

    document: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class ApiServer(HTTPServer):
    """Answers by a function; the first of `instead` go before it, one for each request."""

    answers: Callable[[Asked], Told]
    asked: list[Asked]
    instead: list[Told | None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _answer(self, document: Any) -> None:
        parts = urlsplit(self.path)
        query = {name: one[0] for name, one in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(parts.path, query, headers, document)
        self.server.asked.append(asked)
        held = self.server.instead.pop(0) if self.server.instead else None
        told = held or self.server.answers(asked)
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.end_headers()
        # Over several lines, as servers may write it.
        self.wfile.write(json.dumps(told.document, indent=1).encode())

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(answers: Callable[[Asked], Told]) -> Iterator[ApiServer]:
    """The server, until it is left."""
    made = ApiServer(("127.0.0.1", 0), _Handler)
    made.answers, made.asked, made.instead = answers, [], []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def fleet_of(folder: Path, *vehicles: str, token: str = TOKEN, user: str = "") -> Settings:
    """A fleet with these trucks, and the token of the server."""
    trucks = folder / "vehicles.csv"
    rows = "".join(f"{one},30\n" for one in vehicles)
    trucks.write_text(f"vehicle_id,rated_payload_t\n{rows}", encoding="utf-8")
    made = Settings(home=folder / "home", pull_token=token, pull_user=user)
    ingest_files(made, "vehicles", [trucks])
    return made


def counts(intake: Any) -> tuple[int, int, int]:
    """Rows accepted, duplicate and rejected."""
    told = intake.as_dict()
    return told["rows_accepted"], told["rows_duplicate"], told["rows_rejected"]
