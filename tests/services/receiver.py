"""A receiver of webhooks as others would write it: it checks every message by the library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass
class Receiver:
    """What came, and how it is answered.

    Attributes
    ----------
    secrets : list of str
        Any of them may have signed.
    answer : callable
        Id of a message -> status, headers, body; may take its time.
    """

    address: str = ""
    secrets: list[str] = field(default_factory=list)
    answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda _: (204, {}, b"")
    events: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    at_once_max: int = 0
    is_checked: bool = True

    def types(self) -> list[str]:
        """Types of what came, in order."""
        return sorted(event["type"] for event in self.events)

    def verified(self, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """The event, if any of the secrets signed it."""
        for secret in self.secrets:
            try:
                found: dict[str, Any] = Webhook(secret).verify(body, headers)
            except WebhookVerificationError:
                continue
            return found
        raise AssertionError(f"no secret fits {headers}")


@contextmanager
def receiving(*, wait_s: float = 0.0) -> Iterator[Receiver]:
    """A receiver on loopback."""
    receiver, lock, closing = Receiver(), threading.Lock(), threading.Event()
    at_once = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            nonlocal at_once
            body = self.rfile.read(int(self.headers["Content-Length"]))
            name = self.headers["webhook-id"]
            with lock:
                at_once += 1
                receiver.at_once_max = max(receiver.at_once_max, at_once)
                receiver.paths.append(self.path)
                receiver.hosts.append(self.headers["Host"])
                receiver.ids.append(name)
                if receiver.is_checked:
                    receiver.events.append(receiver.verified(dict(self.headers), body))
            # No slow answer outlives its test: it would print its traceback into another, and
            # printing one disturbs who parses Python meanwhile (gh-106905 of CPython).
            if closing.wait(wait_s):
                return
            status, headers, content = receiver.answer(name)
            with lock:
                at_once -= 1
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(key, value)
            # Who was kept waiting may have gone: nothing to tell anyone.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    receiver.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
