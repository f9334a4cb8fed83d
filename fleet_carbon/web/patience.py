"""Callers that send byte by byte: they wait outside, and take no thread from the others.

The server this is made on gives a thread to whoever sends a first byte and waits for the rest
without end, and its loop stands still while somebody who was refused does not hang up (gunicorn 27,
``workers/gthread.py``). Here the one loop that accepts also collects, and waits for nobody:
a thread begins when the head of a request is there and its body, or the first 64 KiB of it.

Of larger bodies the rest is waited for in a thread, once who asks is known. Who lets a thread wait
takes a turn, of which there are fewer than threads: no sender has more than half of them.
"""

from __future__ import annotations

import errno
import re
import selectors
import threading
import time
from collections import Counter
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
_WHO_ASKS = re.compile(rb"(?i)\r\n(?:authorization|cookie):[ \t]*([^\r\n]*)")
_WHERE = re.compile(rb"[^ ]* ([^ ?]*)")
_FOR_WHO_IS_KNOWN = b"/v1/"
_DOOR = b"/v1/session"
# A body that has begun in full and then trickles holds its thread no longer than this.
_BYTES_PER_S_MIN = 8 << 10
# So a body comes that no turn is needed for: at this rate, but for a moment in all.
_BYTES_PER_S_PROMPT = 1 << 20
_PROMPT_WITHIN_S = 0.1
# An answer is taken in by whoever asked, piece by piece, within this.
_TAKES_WITHIN_S = 120.0
# Of a body that nobody read, what has come already is dropped; more is not waited for.
_DROPS_WITHIN_S = 0.5
# Who was told the last has so long to hang up; a connection that is closed while bytes of theirs
# are unread takes the answer away with it (RFC 9112, 9.6).
_HANGS_UP_WITHIN_S = 2.0
_DROPS_BYTES_MAX = 1 << 20
_HANGING_UP_COUNT_MAX = 200
_NO_MORE_IS_SENT = 1  # SHUT_WR of shutdown(2)
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TooSlow(ParseException):  # type: ignore[misc]  # ships no types
    """A body that comes so slowly that others would wait for its sender."""

    def __str__(self) -> str:
        return f"it came with less than {_BYTES_PER_S_MIN:,} bytes a second"


class TooManySlow(TooSlow):
    """A body that comes slowly, and its sender lets others wait already."""

    def __str__(self) -> str:
        return "too many bodies come slowly at a time"


class Turns:
    """Who may let threads wait: a sender half of them, all together leave one.

    Parameters
    ----------
    threads_count : int
        Of the process.
    """

    def __init__(self, threads_count: int) -> None:
        self._count_max = max(1, threads_count - 1)
        self._of_one_count_max = max(1, threads_count // 2)
        self._held: Counter[bytes] = Counter()
        self._lock = threading.RLock()

    def has(self, sender: bytes) -> bool:
        """Whether there is one more for the sender."""
        with self._lock:
            is_one_left = self._held.total() < self._count_max
            return is_one_left and self._held[sender] < self._of_one_count_max

    def take(self, sender: bytes) -> bool:
        """Let the sender have one more, if there is one."""
        with self._lock:
            is_free = self.has(sender)
            if is_free:
                self._held[sender] += 1
            return is_free

    def give_back(self, sender: bytes) -> None:
        """Have one less."""
        with self._lock:
            self._held[sender] -= 1
            if not self._held[sender]:
                del self._held[sender]


def sender_of(head: bytes) -> bytes:
    """By what a sender is told from others: what opens a route, or the address of what is open."""
    where = _WHERE.match(head)
    path = where[1] if where else b""
    who = _WHO_ASKS.search(head)
    is_known = path.startswith(_FOR_WHO_IS_KNOWN) and path != _DOOR
    return who[1] if who and is_known else path


class _Reader(SocketUnreader):  # type: ignore[misc]  # ships no types
    """Reads what a thread waits for, for as long as enough comes."""

    def __init__(self, connection: Any, patience_s: float, turns: Turns) -> None:
        super().__init__(connection)
        self._patience_s, self._turns = patience_s, turns
        self._sender = b""
        self._until_s = self._prompt_s = 0.0
        self._has_turn = self._may_take_turn = False

    def begin(self, received: bytes) -> None:
        """A request, of which so much is there."""
        self.unread(received)
        self._sender = sender_of(received[:_FIRST_BYTES].partition(_HEAD_ENDS)[0])
        self._prompt_s = _PROMPT_WITHIN_S
        self._until_s = time.monotonic() + self._patience_s
        self._may_take_turn = True

    def end(self) -> None:
        """The request is answered; more of it is only dropped."""
        if self._has_turn:
            self._turns.give_back(self._sender)
        self._has_turn = self._may_take_turn = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """What comes next."""
        while True:
            began_s = time.monotonic()
            try:
                block = self._come_within(self._allowed_s(began_s), size_hint)
            except TimeoutError:
                self._take_turn()
                continue
            self._prompt_s += len(block) / _BYTES_PER_S_PROMPT - (time.monotonic() - began_s)
            self._until_s += len(block) / _BYTES_PER_S_MIN
            return block

    def _allowed_s(self, now_s: float) -> float:
        """How long it may wait now."""
        left_s = self._until_s - now_s
        if left_s <= 0:
            raise TooSlow
        if self._has_turn or not self._may_take_turn:
            return left_s
        return min(left_s, max(0.0, self._prompt_s)) if self._turns.has(self._sender) else 0.0

    def _come_within(self, wait_s: float, size_hint: int | None) -> bytes:
        outer_s = self.sock.gettimeout()  # less while an unread body is dropped
        self.sock.settimeout(wait_s if outer_s is None else min(wait_s, outer_s))
        try:
            block: bytes = super().chunk(size_hint)
        except BlockingIOError:  # where nothing is waited for
            raise TimeoutError from None
        finally:
            self.sock.settimeout(outer_s)
        return block

    def _take_turn(self) -> None:
        if self._has_turn or not self._may_take_turn:
            raise TooSlow
        if not self._turns.take(self._sender):
            raise TooManySlow
        self._has_turn = True


class _Connection(TConn):  # type: ignore[misc]  # ships no types
    """A connection, and what came on it before a thread began."""

    def __init__(
        self,
        *named: Any,
        patience_s: float,
        body_bytes_max: int,
        turns: Turns,
        on_last: Callable[[Any], None],
    ) -> None:
        super().__init__(*named)
        self._on_last = on_last
        self._patience_s, self._body_bytes_max, self._turns = patience_s, body_bytes_max, turns
        self._reader: _Reader | None = None
        self.received = bytearray()
        self.dropped_bytes = 0
        self._looked_at_bytes = 0
        self._enough_bytes = 0  # known once the head is there
        self.data_ready = True  # no thread waits for the first byte

    def init(self) -> None:
        """Called in the thread, before each request."""
        super().init()
        self.sock.settimeout(_TAKES_WITHIN_S)
        if self._reader is None:
            self._reader = self.parser.unreader = _Reader(self.sock, self._patience_s, self._turns)
        self._reader.begin(bytes(self.received))
        self.received.clear()
        self._looked_at_bytes = self._enough_bytes = 0

    def close(self, graceful: bool = False) -> None:
        """Called when nothing more is said: at once, or when the other side has hung up."""
        if graceful:
            self._on_last(self)
        else:
            super().close()

    def end_request(self) -> None:
        """Called in the thread, after each request."""
        if self._reader is not None:
            self._reader.end()

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

    def __init__(self, *named: Any) -> None:
        super().__init__(*named)
        self._turns = Turns(self.cfg.threads)
        self._hanging_up: list[Any] = []

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
        made = _Connection(*named, **limits, turns=self._turns, on_last=self._hang_up)
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

    def _hang_up(self, conn: Any) -> None:
        """Say that nothing more comes, and let the other side hang up."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(_NO_MORE_IS_SENT)
        except OSError:
            conn.close()
            return
        if len(self._hanging_up) >= _HANGING_UP_COUNT_MAX:
            self._has_hung_up(self._hanging_up[0])
        conn.timeout = time.monotonic() + _HANGS_UP_WITHIN_S
        self._hanging_up.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drop, conn))

    def _drop(self, conn: Any, client: Any) -> None:
        """Called when something comes from who was told the last."""
        try:
            block = client.recv(_FIRST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            block = b""
        conn.dropped_bytes += len(block)
        if not block or conn.dropped_bytes > _DROPS_BYTES_MAX:
            self._has_hung_up(conn)

    def _has_hung_up(self, conn: Any) -> None:
        self._hanging_up.remove(conn)
        self.poller.unregister(conn.sock)
        conn.close()

    def murder_pending(self) -> None:
        """Called once a second: who did not begin, or hang up, in time is given up."""
        now_s = time.monotonic()
        while self._hanging_up and self._hanging_up[0].timeout <= now_s:
            self._has_hung_up(self._hanging_up[0])
        while self.pending_conns and self.pending_conns[0].timeout <= now_s:
            self._give_up(self.pending_conns[0])

    def handle(self, conn: Any) -> Any:
        """Called in a thread, for a request."""
        try:
            return super().handle(conn)
        finally:
            conn.end_request()

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether another request may come; the rest of an unread body is not waited for."""
        conn.end_request()
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
