"""Pulling Geotab's feeds: sessions, versions, errors inside answers, and where a session goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.pulls import pull_client, pull_geotab
from fleet_carbon.services.pulls.pulling import Pull, pull
from fleet_carbon.settings import Settings
from tests.services.pull_server import TOKEN, ApiServer, Asked, Told, counts, fleet_of, served

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
USER = "fleet@example.com"


def log(minute: int) -> dict[str, Any]:
    place = {"latitude": 43.7 + minute / 1000, "longitude": -79.7, "speed": 65.4}
    return {"device": {"id": "b1"}, "dateTime": f"2026-03-02T06:{minute:02d}:00.000Z", **place}


def reading(minute: int, diagnostic: str = "DiagnosticOdometerId") -> dict[str, Any]:
    at = f"2026-03-02T06:{minute:02d}:05.000Z"
    of_whom = {"device": {"id": "b1"}, "diagnostic": {"id": diagnostic}}
    return {**of_whom, "dateTime": at, "data": 123_456_700}


def error(kind: str, message: str = "") -> Told:
    """An error as the guide shows it: inside of an answer whose status is 200."""
    data = {"id": "5531c760", "type": kind, "requestIndex": 0}
    return Told({"jsonrpc": "2.0", "error": {"code": -32000, "data": data, "message": message}})


@dataclass
class Geotab:
    """A database whose feeds tell two records at a time; versions count the records told."""

    feeds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    path: str = "ThisServer"
    sessions: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Told:
        assert (asked.path, asked.query) == ("/apiv1", {})
        params = asked.document["params"]
        if asked.document["method"] == "Authenticate":
            own = {"database": "acme", "userName": USER, "password": TOKEN}
            if params != own:
                return error("InvalidUserException", "Incorrect login credentials")
            self.sessions.append(f"session-{len(self.sessions) + 1}")
            credentials = {"database": "acme", "userName": USER, "sessionId": self.sessions[-1]}
            return Told({"result": {"credentials": credentials, "path": self.path}})
        if params["credentials"].get("sessionId") not in self.sessions[-1:]:
            return error("InvalidUserException", "Session expired")
        assert "password" not in json.dumps(params)
        held = self.feeds.get(params["typeName"], [])
        if "fromVersion" in params:
            begin = int(params["fromVersion"], 16)
        else:
            since = params["search"]["fromDate"]
            begin = sum(one["dateTime"] < since for one in held)
        told = held[begin : begin + params["resultsLimit"]]
        return Told({"result": {"data": told, "toVersion": f"{begin + len(told):016x}"}})


@pytest.fixture(autouse=True)
def _few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_geotab, "_RESULTS_MAX", 2)
    monkeypatch.setattr(pull_geotab, "_GAP_S", 0.0)


@pytest.fixture
def geotab() -> Geotab:
    return Geotab()


@pytest.fixture
def server(geotab: Geotab) -> Iterator[ApiServer]:
    with served(geotab) as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fleet_of(tmp_path, "b1", user=USER)


def asked_of(
    server: ApiServer, folder: Path, since_at: datetime | None = None, resource: str = ""
) -> Pull:
    return Pull(f"{server.url}/acme", folder / "state.json", "geotab", resource, since_at)


def goes_on(folder: Path) -> Any:
    return json.loads((folder / "state.json").read_bytes())["goes_on"]


def called(server: ApiServer) -> list[str]:
    documents = [one.document for one in server.asked]
    return [one["params"].get("typeName", one["method"]) for one in documents]


def test_feeds_are_told_from_a_day_and_then_from_their_versions(
    settings: Settings, server: ApiServer, geotab: Geotab, tmp_path: Path
) -> None:
    before = log(0) | {"dateTime": "2026-03-01T23:59:00.000Z"}
    geotab.feeds = {
        "LogRecord": [before, log(1), log(2), log(3)],
        "StatusData": [reading(1), reading(2, "DiagnosticOilTemperatureId"), reading(3)],
    }
    intake = pull(settings, asked_of(server, tmp_path, BEGIN))
    assert counts(intake) == (3, 0, 0)
    # Readings lie beside their fixes; what serves nothing was not even written.
    assert intake.as_dict()["files"][0]["remarks"] == {}
    assert called(server)[0] == "Authenticate"
    first = server.asked[1].document["params"]
    assert first["search"] == {"fromDate": "2026-03-02T00:00:00Z"}
    assert "fromVersion" not in first
    assert goes_on(tmp_path) == {"LogRecord": f"{4:016x}", "StatusData": f"{3:016x}"}
    # Nothing new: each feed is asked once, and the versions stay.
    server.asked.clear()
    assert pull(settings, asked_of(server, tmp_path)).files == []
    assert called(server) == ["Authenticate", "LogRecord", "StatusData"]
    assert server.asked[1].document["params"]["fromVersion"] == f"{4:016x}"
    geotab.feeds["LogRecord"] += [log(3), log(4)]
    assert counts(pull(settings, asked_of(server, tmp_path))) == (1, 1, 0)


def test_the_feed_that_is_furthest_behind_is_asked_next(
    settings: Settings, server: ApiServer, geotab: Geotab, tmp_path: Path
) -> None:
    geotab.feeds = {
        "LogRecord": [log(1), log(9), log(10)],
        "StatusData": [reading(minute) for minute in (1, 2, 3, 4, 11)],
    }
    pull(settings, asked_of(server, tmp_path, BEGIN))
    feeds = ["LogRecord", *["StatusData"] * 3, "LogRecord"]
    assert called(server) == ["Authenticate", *feeds]


def test_a_session_that_ends_in_between_is_made_anew(
    settings: Settings, server: ApiServer, geotab: Geotab, tmp_path: Path
) -> None:
    geotab.feeds = {"LogRecord": [log(minute) for minute in range(5)]}
    server.instead = [None, None, None, error("InvalidUserException", "Session expired")]
    assert counts(pull(settings, asked_of(server, tmp_path, BEGIN))) == (5, 0, 0)
    assert called(server).count("Authenticate") == 2
    # One that is never known is refused, not asked for ever.
    server.asked.clear()
    server.instead = [None, error("InvalidUserException")]
    with pytest.raises(InputRefused) as refused:
        pull(settings, asked_of(server, tmp_path))
    assert (refused.value.code, len(server.asked)) == ("pull_refused", 2)
    assert "InvalidUserException" in refused.value.message


@pytest.mark.parametrize(
    ("told", "code", "named"),
    [
        (error("DbUnavailableException"), "pull_unavailable", "DbUnavailableException"),
        (error("MissingMethodException"), "pull_refused", "MissingMethodException"),
        (Told({"error": "broken"}), "pull_refused", "an error"),
        (Told({"result": {"data": []}}), "pull_refused", "toVersion"),
        (Told({"result": None}), "pull_refused", "toVersion"),
        (Told({}, 500), "pull_unavailable", "500"),
    ],
)
def test_an_error_inside_an_answer_moves_nothing_on(
    told: Told,
    code: str,
    named: str,
    settings: Settings,
    server: ApiServer,
    geotab: Geotab,
    tmp_path: Path,
) -> None:
    geotab.feeds = {"LogRecord": [log(1)]}
    pull(settings, asked_of(server, tmp_path, BEGIN))
    before = goes_on(tmp_path)
    geotab.feeds["LogRecord"] += [log(minute) for minute in range(2, 6)]
    server.instead = [None, None, told]
    with pytest.raises((InputRefused, Unavailable)) as refused:
        pull(settings, asked_of(server, tmp_path))
    assert (refused.value.code, goes_on(tmp_path)) == (code, before)
    assert named in refused.value.message
    assert counts(pull(settings, asked_of(server, tmp_path))) == (4, 0, 0)


def test_too_many_calls_are_waited_for(
    settings: Settings,
    server: ApiServer,
    geotab: Geotab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(pull_client.time, "sleep", waited.append)
    geotab.feeds = {"LogRecord": [log(1)]}
    over = error("OverLimitException", "API calls quota exceeded. Maximum admitted 10 per 1m.")
    server.instead = [None, Told(over.document, 200, {"Retry-After": "58"})]
    assert counts(pull(settings, asked_of(server, tmp_path, BEGIN))) == (1, 0, 0)
    assert 58.0 in waited


def test_a_feed_with_more_that_does_not_go_on_is_no_circle(
    settings: Settings, server: ApiServer, geotab: Geotab, tmp_path: Path
) -> None:
    geotab.feeds = {"LogRecord": [log(1)]}
    pull(settings, asked_of(server, tmp_path, BEGIN))
    before, stuck = goes_on(tmp_path), {"data": [log(2), log(3)], "toVersion": f"{1:016x}"}
    server.instead = [None, Told({"result": stuck})]
    with pytest.raises(Unavailable):
        pull(settings, asked_of(server, tmp_path))
    assert goes_on(tmp_path) == before


def test_fills_are_energy_with_an_odometer_in_metres(
    settings: Settings, server: ApiServer, geotab: Geotab, tmp_path: Path
) -> None:
    at = "2026-03-02T07:00:00Z"
    fill = {"id": "f1", "device": {"id": "b1"}, "dateTime": at, "volume": 300.5, "odometer": 98_765}
    geotab.feeds = {"FillUp": [fill | {"derivedVolume": 298.0}]}
    intake = pull(settings, asked_of(server, tmp_path, BEGIN, "fills"))
    assert (intake.kind, counts(intake)) == ("energy", (1, 0, 0))
    assert goes_on(tmp_path) == {"FillUp": f"{1:016x}"}


def test_a_wrong_password_is_told_without_it(server: ApiServer, tmp_path: Path) -> None:
    stranger = Settings(home=tmp_path / "home", pull_token="another", pull_user=USER)
    with pytest.raises(InputRefused) as refused:
        pull(stranger, asked_of(server, tmp_path, BEGIN))
    assert refused.value.code == "pull_refused"
    assert "InvalidUserException" in refused.value.message
    assert "another" not in refused.value.message
    assert len(server.asked) == 1
    nobody = Settings(home=tmp_path / "home", pull_token="another")
    with pytest.raises(InputRefused) as refused:
        pull(nobody, asked_of(server, tmp_path, BEGIN))
    assert refused.value.code == "pull_credentials_missing"


def test_no_session_goes_to_a_server_elsewhere(
    settings: Settings, server: ApiServer, geotab: Geotab, tmp_path: Path
) -> None:
    with served(Geotab()) as elsewhere:
        geotab.path = elsewhere.url.removeprefix("http://")
        with pytest.raises(InputRefused) as refused:
            pull(settings, asked_of(server, tmp_path, BEGIN))
        assert (refused.value.code, elsewhere.asked) == ("pull_server_elsewhere", [])
    geotab.path = server.url.removeprefix("http://")
    geotab.feeds = {"LogRecord": [log(1)]}
    assert counts(pull(settings, asked_of(server, tmp_path, BEGIN))) == (1, 0, 0)


def test_a_database_may_lie_on_another_server_of_geotab() -> None:
    entrance = "https://my.geotab.com"
    assert pull_geotab.server_of(entrance, "ThisServer") == entrance
    for path in ("my3.geotab.com", "https://my3.geotab.com"):
        assert pull_geotab.server_of(entrance, path) == "https://my3.geotab.com"
    for path in (
        "my3.geotab.com.example.com",
        "mygeotab.com",
        "http://my3.geotab.com",
        "my3.geotab.com:8443",
        "user@my3.geotab.com",
        "my3.example.com",
    ):
        with pytest.raises(InputRefused) as refused:
            pull_geotab.server_of(entrance, path)
        assert refused.value.code == "pull_server_elsewhere"
    with pytest.raises(InputRefused):
        pull_geotab.server_of("https://my.example.com", "my3.geotab.com")
