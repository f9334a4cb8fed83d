"""The server as it is operated: processes count as one, and nobody is cut off at its end."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from fleet_carbon.services.people.access import create_key
from fleet_carbon.settings import Settings
from tests.web.serving import STOPS_WITHIN_S, Running, running
from tests.web.test_observing import TRUCK, number

pytestmark = pytest.mark.slow


def asked(server: Running, path: str, secret: str = "") -> str:
    request = Request(server.address + path)
    if secret:
        request.add_header("Authorization", f"Bearer {secret}")
    with urlopen(request, timeout=300) as answer:
        content: bytes = answer.read()
        return content.decode()


def lines_of(server: Running) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.log.read_text("utf-8").splitlines()]


def test_all_processes_count_together_and_every_line_is_json(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    secret = create_key(settings, "client", "manager").secret
    with running(settings, "--processes", "2", "--worker") as server:
        for _ in range(40):
            asked(server, "/v1/prices", secret)
        told = [asked(server, "/metrics") for _ in range(4)]
        for text in told:
            route = {"route": "/v1/prices", "status": "200"}
            assert number(text, "fleet_carbon_requests_total", **route) == 40
        assert "fleet_carbon_database_connections" in told[0]
        until_s = time.monotonic() + 60
        while "The worker is ready." not in server.log.read_text("utf-8"):
            assert time.monotonic() < until_s
            time.sleep(0.2)
    lines = lines_of(server)
    assert {line["part"] for line in lines} == {"server", "worker"}
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) == 40  # and none of those that only look
    assert secret not in server.log.read_text("utf-8")


def test_what_is_under_way_at_the_end_is_answered(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    secret = create_key(settings, "client", "manager").secret
    answers: list[int] = []
    broken: list[BaseException] = []
    ending = threading.Event()
    with running(settings, "--no-worker", "--threads", "4") as server:

        def send(number_of: int) -> None:
            headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
            for index in range(1000):
                row = TRUCK[0] | {"vehicle_id": f"T{number_of}-{index}"}
                body = json.dumps([row]).encode()
                request = Request(server.address + "/v1/vehicles", body, headers)
                begun_after_the_end = ending.is_set()
                try:
                    with urlopen(request, timeout=300) as answer:
                        answers.append(answer.status)
                except (URLError, ConnectionError) as failure:
                    if not (begun_after_the_end or _was_not_taken(failure)):
                        broken.append(failure)
                    return

        senders = [threading.Thread(target=send, args=(one,)) for one in range(4)]
        for sender in senders:
            sender.start()
        while len(answers) < 20 and any(one.is_alive() for one in senders):
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        ending.set()
        for sender in senders:
            sender.join(STOPS_WITHIN_S)
        server.process.wait(STOPS_WITHIN_S)
    assert server.process.returncode == 0
    assert broken == []
    assert set(answers) == {200}
    requests = [line for line in lines_of(server) if line["event"] == "request"]
    assert len(requests) == len(answers)  # whatever the server did, its sender heard of


def _was_not_taken(failure: BaseException) -> bool:
    """Whether the connection was refused or closed before the request was read."""
    reason = getattr(failure, "reason", failure)
    return isinstance(reason, ConnectionRefusedError | ConnectionResetError)
