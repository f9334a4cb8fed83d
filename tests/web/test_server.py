"""The server as it is run: started, asked by a real client, told to stop; and what the docs say."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from fleet_carbon.services.people.access import create_key
from fleet_carbon.settings import Settings
from tests.web.serving import ROOT, STOPS_WITHIN_S, Running, children_of, running

PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CLOSES_WITHIN_S = 400


@dataclass
class Asked:
    """A server that runs, and a key."""

    running: Running
    secret: str

    @property
    def environment(self) -> dict[str, str]:
        """What the lines and programs of the docs take from it."""
        told = {"API": self.running.address, "SECRET": self.secret, "PYTHONPATH": str(ROOT)}
        return os.environ | told

    def get(self, path: str) -> dict[str, object]:
        """What a GET answers."""
        address = self.running.address + path
        request = Request(address, headers={"Authorization": f"Bearer {self.secret}"})
        with urlopen(request, timeout=300) as answer:
            found: dict[str, object] = json.load(answer)
            return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    settings = Settings(home=tmp_path / "home")
    secret = create_key(settings, "client", "manager").secret
    with running(settings) as started:
        yield Asked(started, secret)


def _shell(lines: str, server: Asked, folder: Path) -> list[dict[str, object]]:
    """Run lines of the docs; the answers in their order."""
    told = subprocess.run(
        ["bash", "-e", "-c", f"shopt -s expand_aliases\n{_each_answer_on_a_line(lines)}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=_CLOSES_WITHIN_S,
        env=server.environment,
    )
    assert told.returncode == 0, (told.stdout[-2000:], told.stderr)
    return [json.loads(line) for line in told.stdout.splitlines() if line]


def _python(server: Asked, folder: Path) -> list[str]:
    """Run the program of the docs; what it prints."""
    program, *_ = PYTHON.findall((ROOT / "docs" / "integrate.md").read_text(encoding="utf-8"))
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        timeout=_CLOSES_WITHIN_S,
        env=server.environment,
    )
    return told.stdout.splitlines()


def _each_answer_on_a_line(lines: str) -> str:
    curl = "curl" if shutil.which("curl") else f"{sys.executable} -m tests.web.curl"
    return lines.replace("alias send='curl", rf"alias send='{curl} -w \\n")


@pytest.mark.slow
def test_the_lines_of_the_docs_do_what_they_say(server: Asked, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data", target_is_directory=True)
    blocks = SHELL.findall((ROOT / "docs" / "integrate.md").read_text(encoding="utf-8"))
    sending, reading, zipping = blocks[:3]
    (before,) = [one for one in blocks if "/v1/estimates" in one]
    alias = sending.splitlines()[0]
    *intakes, price, job = _shell(sending, server, tmp_path)
    assert [one["rows_rejected"] for one in intakes] == [0] * 5
    assert price["price"] == "73.06"
    until_s = time.monotonic() + _CLOSES_WITHIN_S
    while (state := server.get(f"/v1/jobs/{job['job_id']}"))["state"] != "done":
        assert state["state"] in ("waiting", "running"), state
        assert time.monotonic() < until_s, state
        time.sleep(0.5)
    accounts, orders, explained, statement, balances = _shell(
        f"{alias}\n{reading}", server, tmp_path
    )
    assert len(accounts["rows"]) == 4  # type: ignore[arg-type]
    assert {row["vehicle_id"] for row in orders["rows"]} == {"T01"}  # type: ignore[attr-defined]
    assert explained["driver_id"] == statement["driver_id"] == "D01"
    assert balances["balances"]
    assert _shell(f"{alias}\n{zipping}", server, tmp_path) == []
    with zipfile.ZipFile(tmp_path / "statements.zip") as archive:
        drivers = sorted(row["driver_id"] for row in accounts["rows"])  # type: ignore[attr-defined]
        assert archive.namelist() == [f"2026-09_{driver}.pdf" for driver in drivers]
    estimate, plan, realised = _shell(f"{alias}\n{before}", server, tmp_path)
    assert estimate["orders"][0]["candidates"][0]["rank"] == 1  # type: ignore[index]
    assert {row["order_id"] for row in plan["assignments"]} == {"T01-0028", "T01-0029"}  # type: ignore[attr-defined]
    assert realised["realised"]["state"] == "proven"  # type: ignore[index]
    printed = _python(server, tmp_path)
    for kind, sent in zip(("vehicles", "drivers", "baselines", "orders"), intakes, strict=False):
        # The lines of curl had sent them all.
        assert f"{kind} 0 new, {sent['rows_read']} known, 0 refused" in printed
    assert len(printed) == 4 + len(accounts["rows"])  # type: ignore[arg-type]


def test_a_server_that_is_told_to_stop_ends_well_and_with_its_worker(server: Asked) -> None:
    process = server.running.process
    assert server.get("/healthz") == {"ok": True}
    beside = children_of(process.pid)
    assert len(beside) >= 2  # the worker, and the process that answers
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOPS_WITHIN_S) == 0
    assert [pid for pid in beside if Path(f"/proc/{pid}").exists()] == []
