"""Pulling charging sessions by OCPI: pages by links, envelopes that name errors, and tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.pulls.pull_ocpi import Ocpi
from fleet_carbon.services.pulls.pull_sources import Login
from fleet_carbon.services.pulls.pulling import Pull, pull
from fleet_carbon.settings import Settings
from tests.services.pull_server import ApiServer, Asked, Told, counts, fleet_of, served

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
# The token of the specification's example, and how it stands in the header.
TOKEN, ENCODED = "ebf3b399-779f-4497-9b9d-ac6ad3cc44d2\n", "ZWJmM2IzOTktNzc5Zi00NDk3LTliOWQtYWM2"
ENCODED += "YWQzY2M0NGQyCg=="


def record(number: int) -> dict[str, Any]:
    at = f"2026-03-02T{number:02d}:00:00Z"
    moments = {"start_date_time": at, "end_date_time": at, "last_updated": at}
    return {"id": f"s{number}", **moments, "total_energy": 40 + number, "currency": "EUR"}


@dataclass
class Operator:
    """Pages of two records, with the headers that the specification asks for."""

    held: list[dict[str, Any]] = field(default_factory=list)
    has_links: bool = True
    timestamp: str = "2026-03-03T00:00:00Z"
    next_timestamp: str = "2026-03-03T05:00:00Z"
    base: str = ""

    def __call__(self, asked: Asked) -> Told:
        if asked.headers.get("authorization") != f"Token {ENCODED}":
            return Told({"status_code": 2001, "status_message": "Unknown token"}, 401)
        assert asked.path == "/ocpi/cpo/2.2.1/cdrs"
        date_from, offset = asked.query["date_from"], int(asked.query.get("offset", 0))
        found = [one for one in self.held if one["last_updated"] >= date_from]
        told = found[offset : offset + 2]
        headers = {"X-Total-Count": str(len(found)), "X-Limit": "2"}
        if self.has_links and len(found) > offset + 2:
            link = f"{self.base}{asked.path}?date_from={date_from}&offset={offset + 2}&limit=2"
            headers["Link"] = f'<{link}>; rel="next"'
        at = self.next_timestamp if offset else self.timestamp
        return Told({"data": told, "status_code": 1000, "timestamp": at}, 200, headers)


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def server(operator: Operator) -> Iterator[ApiServer]:
    with served(operator) as made:
        operator.base = made.url
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fleet_of(tmp_path, "E1", token=TOKEN)


def asked_of(server: ApiServer, folder: Path) -> Pull:
    url, state = f"{server.url}/ocpi/cpo/2.2.1/cdrs", folder / "state.json"
    return Pull(url, state, "ocpi", since_at=BEGIN, vehicle_id="E1")


def goes_on(folder: Path) -> Any:
    return json.loads((folder / "state.json").read_bytes())["goes_on"]


def offsets(server: ApiServer) -> list[str]:
    return [one.query["offset"] for one in server.asked]


@pytest.mark.parametrize("base", ["http://127.0.0.1", "", None])
def test_pages_are_followed_by_links_or_by_the_number_of_records(
    base: str | None, settings: Settings, server: ApiServer, operator: Operator, tmp_path: Path
) -> None:
    # A link is whole or a path; where there is none, the count of records says that there are more.
    operator.has_links, operator.base = base is not None, server.url if base else ""
    operator.held = [record(number) for number in range(1, 6)]
    intake = pull(settings, asked_of(server, tmp_path))
    assert (intake.kind, counts(intake)) == ("energy", (5, 0, 0))
    assert offsets(server) == ["0", "2", "4"]
    assert server.asked[0].query["date_from"] == "2026-03-01T00:00:00Z"


def test_the_next_time_goes_on_a_little_before_the_first_page_was_told(
    settings: Settings, server: ApiServer, operator: Operator, tmp_path: Path
) -> None:
    operator.held = [record(1), record(2), record(3)]
    pull(settings, asked_of(server, tmp_path))
    assert goes_on(tmp_path) == {"date_from": "2026-03-02T23:50:00Z"}
    late = record(23) | {"last_updated": "2026-03-02T23:55:00Z"}
    operator.held.append(late)
    operator.timestamp = "2026-03-03T06:00:00"  # without the sign for UTC
    assert counts(pull(settings, asked_of(server, tmp_path))) == (1, 0, 0)
    assert goes_on(tmp_path) == {"date_from": "2026-03-03T05:50:00Z"}
    operator.timestamp = "soon"
    assert pull(settings, asked_of(server, tmp_path)).files == []
    assert goes_on(tmp_path) == {"date_from": "2026-03-03T05:50:00Z"}


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (Told({"status_code": 2001, "status_message": "Invalid parameters"}), "pull_refused"),
        (Told({"status_code": 2001, "data": []}), "pull_refused"),
        (Told({"status_code": 3000, "data": []}), "pull_unavailable"),
        (Told({"data": []}), "pull_refused"),
        (Told({"status_code": 1000, "data": {}}), "pull_refused"),
        (Told({}, 500), "pull_unavailable"),
        (Told({}, 401), "pull_refused"),
    ],
)
def test_an_envelope_that_names_an_error_moves_nothing_on(
    told: Told, code: str, settings: Settings, server: ApiServer, operator: Operator, tmp_path: Path
) -> None:
    operator.held = [record(number) for number in range(1, 4)]
    server.instead = [None, told]
    with pytest.raises((InputRefused, Unavailable)) as refused:
        pull(settings, asked_of(server, tmp_path))
    assert refused.value.code == code
    assert not (tmp_path / "state.json").exists()
    assert counts(pull(settings, asked_of(server, tmp_path))) == (3, 0, 0)


def test_links_lead_neither_elsewhere_nor_in_a_circle(
    settings: Settings, server: ApiServer, operator: Operator, tmp_path: Path
) -> None:
    operator.held = [record(number) for number in range(1, 4)]
    operator.base = "http://192.0.2.1"
    with pytest.raises(InputRefused) as refused:
        pull(settings, asked_of(server, tmp_path))
    assert refused.value.code == "pull_link_elsewhere"
    again = {"Link": f'<{server.url}/ocpi/cpo/2.2.1/cdrs?offset=2>; rel="next"'}
    page = Told({"status_code": 1000, "data": [], "timestamp": "x"}, 200, again)
    server.instead = [page, page]
    with pytest.raises(Unavailable, match="circle"):
        pull(settings, asked_of(server, tmp_path))
    assert not (tmp_path / "state.json").exists()


def test_a_token_is_encoded_from_the_version_on_that_says_so() -> None:
    of_host = "https://example.com/ocpi/cpo"
    plain, given = Ocpi("cdrs", Login("abc")), Ocpi("cdrs", Login("Token abc"))
    for version in ("2.0", "2.1", "2.1.1"):
        for end in ("", "/cdrs"):
            told = plain.headers(f"{of_host}/{version}{end}")
            assert told == {"authorization": "Token abc"}
    for version in ("2.2", "2.2.1", "2.3.0"):
        # base64 of abc
        assert plain.headers(f"{of_host}/{version}/cdrs") == {"authorization": "Token YWJj"}
        assert given.headers(f"{of_host}/{version}/cdrs") == {"authorization": "Token abc"}
