"""A real server, spoken to byte by byte: broken requests are refused."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest

from fleet_carbon.client import Client
from fleet_carbon.services.people.access import create_key
from fleet_carbon.settings import Settings
from tests.web.serving import Running, await_that, children_of, running

BODY_BYTES_MAX = 1 << 20
PATIENCE_S = 2.0
_ANSWERS_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    home = tmp_path_factory.mktemp("connections") / "home"
    settings = Settings(home=home)
    secret = create_key(settings, "attacker", "dispatcher").secret
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FLEET_CARBON_REQUEST_BYTES_MAX", str(BODY_BYTES_MAX))
        patched.setenv("FLEET_CARBON_REQUEST_PATIENCE_S", str(PATIENCE_S))
        words = ("--processes", "1", "--threads", "4", "--no-worker")
        with running(settings, *words) as started:
            await_that(
                lambda: bool(children_of(started.process.pid)), within_s=120, what="it answers"
            )
            yield started, secret


@pytest.fixture(autouse=True)
def _alive_after(server: tuple[Running, str]) -> Iterator[None]:
    """The same process answers after each attack."""
    before = children_of(server[0].process.pid)
    yield
    with Client(server[0].address, server[1]) as client:
        assert client.send("vehicles", [{"vehicle_id": "V", "rated_payload_t": 3}]).rows_read == 1
    assert children_of(server[0].process.pid) == before


def connected(server: Running) -> socket.socket:
    address = urlsplit(server.address)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 0), _ANSWERS_WITHIN_S)


def head(secret: str, *lines: str, path: str = "/v1/vehicles") -> bytes:
    """The head of a request to send."""
    first = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {secret}"]
    return "\r\n".join([*first, "Content-Type: text/csv", *lines, "", ""]).encode("latin-1")


def answered(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, or has answered and waits."""
    told = b""
    try:
        while block := connection.recv(65536):
            told += block
            length = re.search(rb"(?i)content-length: (\d+)", told)
            _, found, content = told.partition(b"\r\n\r\n")
            if found and length and len(content) >= int(length[1]):
                break
    except (ConnectionResetError, TimeoutError):
        pass
    return told


def status_of(told: bytes) -> int:
    """Of an answer; 0 if the connection was closed without one."""
    found = re.match(rb"HTTP/1\.1 (\d{3})", told)
    return int(found[1]) if found else 0


def exchanged(server: Running, sent: bytes) -> bytes:
    """What is answered to bytes."""
    with connected(server) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(sent)
        return answered(connection)


CSV = b"vehicle_id,rated_payload_t\nV,3\n"
BROKEN = {
    "no number as length": lambda key: head(key, "Content-Length: many") + CSV,
    "a length below zero": lambda key: head(key, "Content-Length: -1") + CSV,
    "two lengths": lambda key: head(key, "Content-Length: 5", "Content-Length: 31") + CSV,
    "length and chunks": lambda key: (
        head(key, "Content-Length: 31", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
    ),
    "chunks unknown": lambda key: head(key, "Transfer-Encoding: xchunked") + CSV,
    "a chunk of no size": lambda key: head(key, "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n",
    "a header of a megabyte": lambda key: head(key, "X-Much: " + "a" * (1 << 20)),
    "ten thousand headers": lambda key: head(key, *(f"X-{n}: 1" for n in range(10_000))),
    "an address of a megabyte": lambda key: head(key, path="/v1/" + "a" * (1 << 20)),
    "a header without a name": lambda key: head(key, ": x", "Content-Length: 0"),
    "a name with a space": lambda key: head(key, "X Y: x", "Content-Length: 0"),
    "a header on two lines": lambda key: head(key, "X-Y: a\r\n b", "Content-Length: 0"),
    "zero in a header": lambda key: head(key, "X-Y: a\0b", "Content-Length: 0"),
    "another protocol": lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "no request": lambda _: b"\r\n\r\n\r\nhello\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_request_is_refused(server: tuple[Running, str], name: str) -> None:
    told = exchanged(server[0], BROKEN[name](server[1]))
    assert status_of(told) in (0, 400, 401, 405, 408, 411, 413, 414, 422, 431, 501), told[:300]
    assert b"Traceback" not in told


def test_a_name_of_a_request_cannot_bring_headers(server: tuple[Running, str]) -> None:
    for name in ("a\r\nX-Evil: 1", "a\nX-Evil: 1", "a%0d%0aX-Evil: 1", "a" * 5000, "<b>", "ä"):
        sent = head(server[1], f"X-Request-Id: {name}", f"Content-Length: {len(CSV)}") + CSV
        told = exchanged(server[0], sent)
        assert status_of(told) in (200, 400), told[:300]
        assert b"x-evil" not in told.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_without_end_is_refused_while_it_comes(
    server: tuple[Running, str], is_chunked: bool
) -> None:
    how = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {1 << 40}"
    block = b"a" * 65536
    sent_bytes = 0
    with connected(server[0]) as connection:
        connection.sendall(head(server[1], how))
        try:
            for _ in range(50 * BODY_BYTES_MAX // len(block)):
                chunk = b"%x\r\n%s\r\n" % (len(block), block) if is_chunked else block
                connection.sendall(chunk)
                sent_bytes += len(block)
        except (ConnectionResetError, BrokenPipeError, TimeoutError):
            pass
        told = answered(connection)
    assert status_of(told) in (0, 413), told[:300]
    assert sent_bytes < 40 * BODY_BYTES_MAX


def test_a_body_that_is_larger_than_allowed_is_told_so(server: tuple[Running, str]) -> None:
    sent = head(server[1], f"Content-Length: {BODY_BYTES_MAX + 1}", "Connection: close")
    told = exchanged(server[0], sent)
    assert status_of(told) == 413
    assert json.loads(told.partition(b"\r\n\r\n")[2])["code"]


def test_half_a_body_keeps_nothing(server: tuple[Running, str]) -> None:
    sent = head(server[1], f"Content-Length: {len(CSV) + 1000}") + CSV
    with connected(server[0]) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        told = answered(connection)
    assert status_of(told) in (0, 400, 422), told[:300]


def slow_requests(secret: str) -> list[bytes]:
    """Requests of which the first part is sent at once, and the rest byte by byte or never."""
    return [
        b"P",
        head(secret)[:-1],
        head(secret, "Content-Length: 5000"),
        head(secret, "Content-Length: 5000") + CSV,
        head(secret, "Transfer-Encoding: chunked") + b"100\r\n",
        head("fck_none", "Content-Length: 5000"),
        head(secret, "Content-Length: 5000", "Expect: 100-continue"),
        b"",
    ]


def test_a_hundred_slow_callers_hold_up_nobody(server: tuple[Running, str]) -> None:
    firsts = slow_requests(server[1])[:-2]
    with ExitStack() as opened, Client(server[0].address, server[1]) as client:
        slow = [opened.enter_context(connected(server[0])) for _ in range(100)]
        for number, connection in enumerate(slow):
            connection.sendall(firsts[number % len(firsts)])
        began_s, waited_s = time.monotonic(), []
        while time.monotonic() < began_s + 0.75 * PATIENCE_S:
            for connection in slow:
                connection.sendall(b"a")
            asked_s = time.monotonic()
            client.send("vehicles", [{"vehicle_id": "V", "rated_payload_t": 3}])
            waited_s.append(time.monotonic() - asked_s)
        told = [answered(connection) for connection in slow]
    # Without the worker of ours the first of these waits for as long as the slow ones like.
    assert max(waited_s) < 2 * PATIENCE_S
    assert {status_of(one) for one in told} <= {0, 408}
    assert sum(status_of(one) == 408 for one in told) > 80


def test_who_was_refused_and_does_not_hang_up_holds_up_nobody(
    server: tuple[Running, str],
) -> None:
    refused = head("fck_none", "Content-Length: 0", "Connection: close")
    with ExitStack() as opened, Client(server[0].address, server[1]) as client:
        for _ in range(20):
            connection = opened.enter_context(connected(server[0]))
            connection.sendall(refused)
            assert status_of(answered(connection)) == 401
        asked_s = time.monotonic()
        client.send("vehicles", [{"vehicle_id": "V", "rated_payload_t": 3}])
        # The server this is made on waits for two seconds for each of them, in four threads.
        assert time.monotonic() - asked_s < 2 * PATIENCE_S


def test_a_key_lets_no_more_than_half_of_the_threads_wait(server: tuple[Running, str]) -> None:
    large = head(server[1], "Content-Length: 500000") + b"a" * (1 << 17)
    asks_first = head(server[1], "Content-Length: 500000", "Expect: 100-continue")
    other = create_key(server[0].settings, "neighbour", "dispatcher").secret
    with ExitStack() as opened, Client(server[0].address, other) as client:
        slow = [opened.enter_context(connected(server[0])) for _ in range(12)]
        for number, connection in enumerate(slow):
            connection.sendall(large if number % 2 else asks_first)
        waited_s = []
        for _ in range(4):
            asked_s = time.monotonic()
            client.send("vehicles", [{"vehicle_id": "V", "rated_payload_t": 3}])
            waited_s.append(time.monotonic() - asked_s)
        told = [answered(one).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"") for one in slow]
    # Without turns all four threads wait, three times, each for as long as is borne.
    assert max(waited_s) < 2 * PATIENCE_S
    # Two at a time wait till the end, the others are told to come again.
    statuses = [status_of(one) for one in told]
    assert set(statuses) == {408, 429}
    assert statuses.count(429) > 6
    assert all(b"Retry-After" in one for one in told if status_of(one) == 429)


def test_a_large_body_that_comes_in_time_is_taken(server: tuple[Running, str]) -> None:
    rows = b"vehicle_id,rated_payload_t\n" + b"".join(
        b"V%06d,3.%s\n" % (n % 100, b"0" * 190) for n in range(1000)
    )
    with connected(server[0]) as connection:
        connection.sendall(head(server[1], f"Content-Length: {len(rows)}"))
        for begin in range(0, len(rows), 1 << 16):
            connection.sendall(rows[begin : begin + (1 << 16)])
            time.sleep(0.05)  # more than is borne without a turn
        assert status_of(answered(connection)) == 200


@pytest.mark.parametrize("number", range(8))
def test_a_slow_caller_is_given_up(server: tuple[Running, str], number: int) -> None:
    with connected(server[0]) as connection:
        connection.sendall(slow_requests(server[1])[number])
        asked_s = time.monotonic()
        told = answered(connection)
        while b"100 Continue" in told[:40]:
            told = answered(connection)
    assert status_of(told) in (0, 400, 408)
    assert time.monotonic() - asked_s < _ANSWERS_WITHIN_S


def test_requests_that_follow_at_once_are_each_answered(server: tuple[Running, str]) -> None:
    whole = head(server[1], f"Content-Length: {len(CSV)}") + CSV
    chunked = head(server[1], "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (
        len(CSV),
        CSV,
    )
    last = head(server[1], f"Content-Length: {len(CSV)}", "Connection: close") + CSV
    told = b""
    with connected(server[0]) as connection:
        connection.sendall(whole + chunked + whole + last[:-3])
        connection.sendall(last[-3:])
        while block := connection.recv(65536):
            told += block
    assert told.count(b"HTTP/1.1 200") == 4
