"""Pulling rFMS: both traps of its paging, where the next time goes on, and where a token goes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet_carbon.cli import main
from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services import pulling
from fleet_carbon.services.ingesting import ingest_files
from fleet_carbon.services.pulling import RfmsSource, pull_rfms
from fleet_carbon.settings import Settings

TOKEN, VIN = "secret-token", "ABC12345678901234"
BEGIN = datetime(2024, 3, 2, 6, 0, tzinfo=UTC)


def status(second: int, place: int) -> dict[str, Any]:
    """One that was received in this second, made in another one of its own."""
    fix = {
        "latitude": 57.7,
        "longitude": 11.9,
        "positionDateTime": f"2024-03-02T05:{place:02d}:00Z",
    }
    return {
        "vin": VIN,
        "createdDateTime": fix["positionDateTime"],
        "receivedDateTime": f"2024-03-02T06:00:{second:02d}Z",
        "snapshotData": {"gnssPosition": fix},
    }


class _Server(HTTPServer):
    """An rFMS server with pages of two statuses."""

    held: list[dict[str, Any]]
    asked: list[str]
    has_links = False
    answer = 200
    now = "2024-03-02T06:01:00Z"


class _Answers(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        query = {name: one[0] for name, one in parse_qs(urlsplit(self.path).query).items()}
        self.server.asked.append(query["starttime"])
        found = [one for one in self.server.held if one["receivedDateTime"] >= query["starttime"]]
        skipped = int(query.get("skip", 0))
        page: dict[str, Any] = {
            "vehicleStatusResponse": {"vehicleStatuses": found[skipped : skipped + 2]},
            "moreDataAvailable": len(found) > skipped + 2,
            "requestServerDateTime": self.server.now,
        }
        if self.server.has_links and page["moreDataAvailable"]:
            link = f"/rfms/vehiclestatuses?starttime={query['starttime']}&skip={skipped + 2}"
            page["moreDataAvailableLink"] = link
        is_known = self.headers["authorization"] == f"Bearer {TOKEN}"
        self.send_response(self.server.answer if is_known else 401)
        self.end_headers()
        self.wfile.write(json.dumps(page, indent=1).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server(("127.0.0.1", 0), _Answers)
    made.held, made.asked = [], []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("rfms")
    trucks = folder / "vehicles.csv"
    trucks.write_text(f"vehicle_id,rated_payload_t\n{VIN},30\n", encoding="utf-8")
    made = Settings(home=folder / "home", rfms_token=TOKEN)
    ingest_files(made, "vehicles", [trucks])
    return made


def source(server: _Server, folder: Path, since_at: datetime | None = BEGIN) -> RfmsSource:
    url = f"http://127.0.0.1:{server.server_port}/rfms"
    return RfmsSource(url, "statuses", folder / "state.json", since_at)


def counts(intake: Any) -> tuple[int, int, int]:
    told = intake.as_dict()
    return told["rows_accepted"], told["rows_duplicate"], told["rows_rejected"]


def test_a_second_that_is_parted_between_pages_is_whole(
    settings: Settings, server: _Server, tmp_path: Path
) -> None:
    # The advice of the specification would go on at second 2 and lose the third status.
    server.held = [status(0, 1), status(1, 2), status(1, 3), status(2, 4)]
    accepted, _, rejected = counts(pull_rfms(settings, source(server, tmp_path)))
    assert (accepted, rejected) == (4, 0)
    assert server.asked[:2] == ["2024-03-02T06:00:00Z", "2024-03-02T06:00:01Z"]


def test_a_second_that_fills_more_than_a_page_is_told(
    settings: Settings, server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(pulling.logs, "tell", lambda _, **more: lines.append(more))
    server.held = [status(0, 41), status(1, 42), status(1, 43), status(1, 44), status(2, 45)]
    # Without links nobody can ask for the third of second 1.
    assert counts(pull_rfms(settings, source(server, tmp_path)))[0] == 4
    assert [one["second"] for one in lines] == ["2024-03-02T06:00:01Z"]
    server.has_links, again = True, source(server, tmp_path / "linked")
    again.state_path.parent.mkdir()
    assert counts(pull_rfms(settings, again))[0] == 1
    assert len(lines) == 1


def test_the_first_time_begins_at_a_moment_of_any_zone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[datetime | None] = []

    def noted(_: Settings, asked: RfmsSource) -> None:
        begun.append(asked.since_at)
        raise InputRefused("rfms_refused", "Enough.", "Nothing.")

    monkeypatch.setattr(pulling, "pull_rfms", noted)
    monkeypatch.setattr(pulling.logs, "configure", lambda *_, **__: None)
    words = ["pull", "https://x.example/rfms", "--state", str(tmp_path / "state.json")]
    for since in ("2024-03-02T06:00:00", "2024-03-02T06:00:00Z", "2024-03-02T14:00:00+08:00"):
        assert main([*words, "--since", since, "--home", str(settings.home)]) == 1
    assert begun == [BEGIN] * 3


def test_links_between_pages_are_followed(
    settings: Settings, server: _Server, tmp_path: Path
) -> None:
    server.has_links = True
    server.held = [status(0, 11), status(0, 12), status(0, 13), status(2, 14)]
    assert counts(pull_rfms(settings, source(server, tmp_path))) == (4, 0, 0)


def test_the_next_time_goes_on_by_the_clock_of_the_server(
    settings: Settings, server: _Server, tmp_path: Path
) -> None:
    server.held = [status(0, 21)]
    pull_rfms(settings, source(server, tmp_path))
    # Made long ago and received late, as from a truck without a network.
    late = status(0, 22) | {"receivedDateTime": "2024-03-02T06:01:00Z"}
    server.held.append(late)
    assert counts(pull_rfms(settings, source(server, tmp_path, None))) == (1, 0, 0)
    assert server.asked == ["2024-03-02T06:00:00Z", "2024-03-02T06:01:00Z"]


def test_what_cannot_be_asked_now_is_asked_again(
    settings: Settings, server: _Server, tmp_path: Path
) -> None:
    server.held, server.answer = [status(0, 31)], 503
    with pytest.raises(Unavailable):
        pull_rfms(settings, source(server, tmp_path))
    assert not (tmp_path / "state.json").exists()
    server.answer = 403
    with pytest.raises(InputRefused) as refused:
        pull_rfms(settings, source(server, tmp_path))
    assert refused.value.code == "rfms_refused"


def test_a_token_goes_nowhere_else(settings: Settings, server: _Server, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        pull_rfms(settings, RfmsSource("http://192.0.2.1/rfms", "statuses", tmp_path / "s", BEGIN))
    assert refused.value.code == "rfms_url_refused"


def test_the_first_time_needs_a_begin(settings: Settings, server: _Server, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        pull_rfms(settings, source(server, tmp_path, None))
    assert refused.value.code == "rfms_begin_missing"
