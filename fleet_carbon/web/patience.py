"""Callers that send byte by byte: they wait outside, and take no thread from the others.

The server this is made on gives a thread to whoever sends a first byte and waits for the rest
without end (gunicorn 27, ``workers/gthread.py``). Here the one loop that accepts also collects:
a thread begins when the head of a request is there and its body, or the first 64 KiB of it.
"""

from __future__ import annotations

import errno
import re
import selectors
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

_FIRST_BYTES = 64 << 10
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n")
_LAST_CHUNK = re.compile(rb"\r\n0+[ \t]*(;[^\r\n]{0,20})?\r\n")
_OVERLAP_BYTES = 64  # what is looked for may come in two pieces
_ENDLESS_BYTES = 1 << 62
_ASKS_FIRST = re.compile(rb"(?i)\r\nexpect:")
# A body that has begun in full and then trickles holds its thread no longer than this.
_BYTES_PER_S_MIN = 8 << 10
# An answer is taken in by whoever asked, piece by piece, within this.
_TAKES_WITHIN_S = 120.0
# Of a body that nobody read, what has come already is dropped; more is not waited for.
_DROPS_WITHIN_S = 0.5
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TooSlow(ParseException):  # type: ignore[misc]  # ships no types
    """A body that comes so slowly that others would wait for its sender."""

    def __str__(self) -> str:
        return f"it came with less than {_BYTES_PER_S_MIN:,} bytes a second"


class _Reader(SocketUnreader):  # type: ignore[misc]  # ships no types
    """Reads what a thread waits for, for as long as enough comes."""

    def __init__(self, connection: Any, patience_s: float) -> None:
        super().__init__(connection)
        self._patience_s = patience_s
        self._until_s = 0.0

    def begin(self, received: bytes) -> None:
        """A request, of which so much is there."""
        self.unread(received)
        self._until_s = time.monotonic() + self._patience_s

    def chunk(self, size_hint: int | None = None) -> bytes:
        """What comes next."""
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TooSlow
        outer_s = self.sock.gettimeout()  # less while an unread body is dropped
        self.sock.settimeout(left_s if outer_s is None else min(left_s, outer_s))
        try:
            block: bytes = super().chunk(size_hint)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self.sock.settimeout(outer_s)
        self._until_s += len(block) / _BYTES_PER_S_MIN
        return block


class _Connection(TConn):  # type: ignore[misc]  # ships no types
    """A connection, and what came on it before a thread began."""

    def __init__(self, *named: Any, patience_s: float, body_bytes_max: int) -> None:
        super().__init__(*named)
        self._patience_s, self._body_bytes_max = patience_s, body_bytes_max
        self.received = bytearray()
        self._looked_at_bytes = 0
        self._enough_bytes = 0  # known once the head is there
        self.data_ready = True  # no thread waits for the first byte

    def init(self) -> None:
        """Called in the thread, before each request."""
        super().init()
        self.sock.settimeout(_TAKES_WITHIN_S)
        if not isinstance(self.parser.unreader, _Reader):
            self.parser.unreader = _Reader(self.sock, self._patience_s)
        self.parser.unreader.begin(bytes(self.received))
        self.received.clear()
        self._looked_at_bytes = self._enough_bytes = 0

    def is_begun(self) -> bool:
        """Whether enough came that a thread is worth it."""
        came_bytes, from_ = len(self.received), max(0, self._looked_at_bytes - _OVERLAP_BYTES)
        self._looked_at_bytes = came_bytes
        if not self._enough_bytes:
            head_bytes = self.received.find(_HEAD_ENDS, from_)
            if head_bytes < 0:
                return came_bytes >= _FIRST_BYTES
            self._enough_bytes = self._bytes_to_begin(bytes(self.received[: head_bytes + 4]))
            from_ = head_bytes
        # Chunks do not say how many follow; the last is empty.
        if self._enough_bytes == _ENDLESS_BYTES and _LAST_CHUNK.search(self.received, from_):
            return True
        return came_bytes >= min(self._enough_bytes, _FIRST_BYTES)

    def _bytes_to_begin(self, head: bytes) -> int:
        """How much of a request is all of it; endless if its head does not say. [byte]"""
        if _ASKS_FIRST.search(head):
            return len(head)
        if _CHUNKED.search(head):
            return _ENDLESS_BYTES
        length = _LENGTH.search(head)
        body_bytes = int(length[1]) if length else 0
        # One that is refused for its length is told so at once.
        return len(head) + (0 if body_bytes > self._body_bytes_max else body_bytes)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # ships no types
    """Answers with threads, once there is something to answer.

    The app it is made by says for how long a request may take to begin, ``patience_s``, and which
    bodies are refused anyhow: those longer than ``body_bytes_max``.
    """

    def accept(self, listener: Any) -> None:
        """Called when somebody connects."""
        try:
            client, address = listener.accept()
        except OSError as refused:
            if refused.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        named = (self.cfg, client, address, listener.getsockname())
        limits = {"patience_s": self.app.patience_s, "body_bytes_max": self.app.body_bytes_max}
        made = _Connection(*named, **limits)
        self._collect(made, self._wait)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Called when something comes on a connection that has been answered before."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._collect(conn, self._wait)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:  # noqa: ARG002
        """Called when more of a request comes."""
        self._collect(conn, lambda _: None, on_over=self._wait_no_more)

    def _collect(
        self,
        conn: Any,
        on_more: Callable[[Any], None],
        *,
        on_over: Callable[[Any], None] = lambda _: None,
    ) -> None:
        """Take what is there; begin, or wait for the rest."""
        is_ended = False
        try:
            while not conn.is_begun() and not is_ended:
                block = conn.sock.recv(_FIRST_BYTES)
                conn.received += block
                is_ended = not block
        except BlockingIOError:
            on_more(conn)
            return
        except OSError:
            conn.received.clear()
            is_ended = True
        on_over(conn)
        if conn.received:
            self.enqueue_req(conn)
        else:
            self._end(conn)

    def _wait(self, conn: Any) -> None:
        # Half of the connections may wait; those that waited longest make room for new ones.
        if len(self.pending_conns) >= self.worker_connections // 2:
            self._give_up(self.pending_conns[0])
        conn.timeout = time.monotonic() + self.app.patience_s
        self.pending_conns.append(conn)
        self.poller.register(
            conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
        )

    def _wait_no_more(self, conn: Any) -> None:
        self.pending_conns.remove(conn)
        self.poller.unregister(conn.sock)

    def _give_up(self, conn: Any) -> None:
        self._wait_no_more(conn)
        if conn.received:
            with suppress(OSError):
                conn.sock.send(_TOO_SLOW)
        self._end(conn)

    def _end(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Called once a second: requests that did not begin in time are given up."""
        now_s = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now_s:
            self._give_up(self.pending_conns[0])

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether another request may come; the rest of an unread body is not waited for."""
        if not keepalive:
            return False
        try:
            is_read = conn.parser.finish_body(deadline=time.monotonic() + _DROPS_WITHIN_S)
        except TooSlow:
            return False
        conn.received += conn.parser.unreader.take_buffered()
        return bool(is_read)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Called when a thread is done; what came of the next request already is looked at."""
        super().finish_request(conn, fs)
        if conn.received and conn in self.keepalived_conns:
            self.on_client_socket_readable(conn, conn.sock)

    def handle_error(self, req: Any, client: Any, *more: Any) -> None:
        """Called when a request cannot be read; told at last is why."""
        if not isinstance(more[-1], TooSlow):
            super().handle_error(req, client, *more)
            return
        with suppress(OSError):
            client.send(_TOO_SLOW)
