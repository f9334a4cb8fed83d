"""Pulling Motive: every page of every vehicle, in metric units, and what is told late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.pulls import pull_motive
from fleet_carbon.services.pulls.pull_motive import Motive
from fleet_carbon.services.pulls.pull_sources import Login
from fleet_carbon.services.pulls.pulling import Pull, pull
from fleet_carbon.settings import Settings
from tests.services.pull_server import TOKEN, ApiServer, Asked, Told, counts, fleet_of, served

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def place(day: int, minute: int, updated_day: int = 0) -> dict[str, Any]:
    """Where a vehicle was, and (for the server alone) when that was written down."""
    at = f"2026-03-{day:02d}T06:{minute:02d}:00Z"
    fix = {"located_at": at, "lat": 37.7 + minute / 1000, "lon": -122.4, "kph": 62.1}
    return fix | {"updated_at": f"2026-03-{updated_day or day:02d}T07:00:00Z"}


@dataclass
class Fleet:
    """Vehicles by number, each with its places, in pages of two."""

    held: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    now: datetime = NOW
    has_pagination: bool = True

    def __call__(self, asked: Asked) -> Told:
        if asked.headers.get("x-api-key") != TOKEN:
            return Told({"error_message": "Invalid token"}, 401)
        assert asked.headers["x-metric-units"] == "true"
        assert "x-time-zone" not in asked.headers
        if asked.path == "/v1/vehicles":
            pairs = enumerate(self.held, start=1)
            listed = [{"vehicle": {"id": number, "number": name}} for number, name in pairs]
            return self._page(asked, "vehicles", listed)
        number = int(asked.path.removeprefix("/v3/vehicle_locations/"))
        days = asked.query["start_date"], asked.query["end_date"]
        after = asked.query.get("updated_after", "")
        found = [
            {"vehicle_location": one}
            for one in list(self.held.values())[number - 1]
            if days[0] <= one["located_at"][:10] <= days[1] and one["updated_at"] >= after
        ]
        return self._page(asked, "vehicle_locations", found)

    def _page(self, asked: Asked, name: str, listed: list[Any]) -> Told:
        number = int(asked.query["page_no"])
        size = 2 if self.has_pagination else len(listed)
        document: dict[str, Any] = {name: listed[(number - 1) * size : number * size]}
        if self.has_pagination:
            told = {"per_page": 2, "page_no": number, "total": len(listed)}
            document["pagination"] = told
        return Told(document)


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def server(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with served(fleet) as made:
        monkeypatch.setattr(
            "http.server.BaseHTTPRequestHandler.date_time_string",
            lambda *_: format_datetime(fleet.now, usegmt=True),
        )
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fleet_of(tmp_path, "T1", "T2", "T3")


def asked_of(server: ApiServer, folder: Path) -> Pull:
    return Pull(server.url, folder / "state.json", "motive", since_at=BEGIN)


def goes_on(folder: Path) -> Any:
    return json.loads((folder / "state.json").read_bytes())["goes_on"]


@pytest.mark.parametrize("has_pagination", [True, False])
def test_every_page_of_every_vehicle_is_had(
    has_pagination: bool, settings: Settings, server: ApiServer, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.has_pagination = has_pagination
    fleet.held = {
        "T1": [place(2, minute) for minute in range(5)],
        "T2": [],
        "T3": [place(4, 1), place(1, 1)],
    }
    # That of the first is before the begin.
    assert counts(pull(settings, asked_of(server, tmp_path))) == (6, 0, 0)
    assert goes_on(tmp_path) == {"updated_after": "2026-03-04T11:50:00Z"}
    lists = [one for one in server.asked if one.path == "/v1/vehicles"]
    assert len(lists) == (2 if has_pagination else 1)
    first = next(one for one in server.asked if one.path.startswith("/v3/"))
    assert (first.query["start_date"], first.query["end_date"]) == ("2026-03-02", "2026-03-04")
    assert "updated_after" not in first.query


def test_what_a_vehicle_tells_late_is_had_the_next_time(
    settings: Settings, server: ApiServer, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.held = {"T1": [place(2, 1), place(4, 1)]}
    pull(settings, asked_of(server, tmp_path))
    fleet.now += timedelta(days=1)
    # Of the day before yesterday, held back without a network; and one of today.
    fleet.held["T1"] += [place(3, 9, updated_day=5), place(5, 2)]
    assert counts(pull(settings, asked_of(server, tmp_path))) == (2, 0, 0)
    last = server.asked[-1].query
    assert last["updated_after"] == "2026-03-04T11:50:00Z"
    assert last["start_date"] == "2026-02-02"  # 30 days before
    assert goes_on(tmp_path) == {"updated_after": "2026-03-05T11:50:00Z"}
    assert pull(settings, asked_of(server, tmp_path)).files == []


def test_a_begin_of_today_asks_for_today(
    settings: Settings, server: ApiServer, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.held, fleet.now = {"T1": [place(2, 1)]}, BEGIN + timedelta(hours=9)
    assert counts(pull(settings, asked_of(server, tmp_path))) == (1, 0, 0)


def test_no_more_than_three_months_are_asked_for_at_once(
    settings: Settings, server: ApiServer, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.held, fleet.now = {"T1": [place(2, 1)]}, BEGIN + timedelta(days=200)
    assert counts(pull(settings, asked_of(server, tmp_path))) == (1, 0, 0)
    spans = [
        (datetime.fromisoformat(one.query["start_date"]), one.query["end_date"])
        for one in server.asked
        if one.path.startswith("/v3/")
    ]
    ends = [datetime.fromisoformat(end) for _, end in spans]
    assert all(
        end - start < timedelta(days=89) for (start, _), end in zip(spans, ends, strict=True)
    )
    # One begins on the day after the one before, and the last ends today.
    assert [start for start, _ in spans[1:]] == [end + timedelta(days=1) for end in ends[:-1]]
    assert ends[-1].date() == fleet.now.date()


def test_a_page_that_fails_moves_nothing_on(
    settings: Settings, server: ApiServer, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.held = {"T1": [place(2, minute) for minute in range(10, 14)]}
    for told, kind in (
        (Told({}, 500), Unavailable),
        (Told({"error_message": "Not found"}), InputRefused),
        (Told({}, 403), InputRefused),
    ):
        server.instead = [None, None, told]
        with pytest.raises(kind):
            pull(settings, asked_of(server, tmp_path))
    assert not (tmp_path / "state.json").exists()
    assert counts(pull(settings, asked_of(server, tmp_path))) == (4, 0, 0)


def test_a_token_of_oauth_goes_as_bearer() -> None:
    told = Motive("locations", Login("Bearer abc")).headers("")
    assert told == {"x-metric-units": "true", "authorization": "Bearer abc"}
    assert "x-api-key" not in Motive("locations", Login("")).headers("")
    assert pull_motive.Motive.kind == "positions"
