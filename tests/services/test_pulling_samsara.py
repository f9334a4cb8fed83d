"""Pulling Samsara's feed: its cursor, pages that are short or empty, and the history before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.pulls.pulling import Pull, pull
from fleet_carbon.settings import Settings
from tests.services.pull_server import TOKEN, ApiServer, Asked, Told, counts, fleet_of, served

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def stats(*minutes: int) -> list[dict[str, Any]]:
    """Of a truck, at these minutes of an hour; counters beside each fix."""
    at = [f"2026-03-02T06:{minute:02d}:00Z" for minute in minutes]
    fixes = [
        {"time": time, "latitude": 37.4, "longitude": -122.1, "speedMilesPerHour": 48.3}
        for time in at
    ]
    meters = [{"time": time, "value": 9_000_000} for time in at]
    burnt = [{"time": time, "value": 563_016_787} for time in at]
    counters = {"obdOdometerMeters": meters, "fuelConsumedMilliliters": burnt}
    return [{"id": "112", "name": "A7", "gps": fixes, **counters}]


@dataclass
class Samsara:
    """Its feed: pages in order, the cursor `c3` stands behind three of them."""

    feed: list[list[dict[str, Any]]] = field(default_factory=list)
    history: list[list[dict[str, Any]]] = field(default_factory=list)
    # How many pages of the feed are told at once before there is "no next page".
    pages_at_once: int = 2

    def __call__(self, asked: Asked) -> Told:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Told({"message": "Invalid token."}, 401)
        assert asked.query["types"] == "gps,obdOdometerMeters,fuelConsumedMilliliters"
        after = asked.query.get("after", "")
        if asked.path.endswith("/history"):
            number = int(after or 0)
            pages = self.history or [[]]
            is_last = number + 1 >= len(pages)
            told = {"endCursor": "" if is_last else str(number + 1), "hasNextPage": not is_last}
            return Told({"data": pages[number], "pagination": told})
        if not after:  # what is last known, and a cursor behind all that there is
            last = self.feed[-1:] or [[]]
            told = {"endCursor": f"c{len(self.feed)}", "hasNextPage": False}
            return Told({"data": last[0], "pagination": told})
        number = int(after[1:])
        pages = self.feed[number:]
        if not pages:
            return Told({"data": [], "pagination": {"endCursor": after, "hasNextPage": False}})
        more = len(pages) > 1 and (number + 1) % self.pages_at_once != 0
        pagination = {"endCursor": f"c{number + 1}", "hasNextPage": more}
        return Told({"data": pages[0], "pagination": pagination})


@pytest.fixture
def samsara() -> Samsara:
    return Samsara()


@pytest.fixture
def server(samsara: Samsara) -> Iterator[ApiServer]:
    with served(samsara) as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fleet_of(tmp_path, "112")


def asked_of(server: ApiServer, folder: Path, since_at: datetime | None = None) -> Pull:
    return Pull(server.url, folder / "state.json", "samsara", since_at=since_at)


def goes_on(folder: Path) -> Any:
    return json.loads((folder / "state.json").read_bytes())["goes_on"]


def begin_at(cursor: str, server: ApiServer, folder: Path) -> None:
    of_whom = {"dialect": "samsara", "resource": "stats", "url": server.url}
    state = of_whom | {"goes_on": {"after": cursor}}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")


def test_the_first_time_takes_the_history_up_to_the_cursor_of_the_feed(
    settings: Settings, server: ApiServer, samsara: Samsara, tmp_path: Path
) -> None:
    samsara.feed = [stats(5)]
    samsara.history = [stats(1, 2), [], stats(3, 4, 5)]
    assert counts(pull(settings, asked_of(server, tmp_path, BEGIN))) == (5, 0, 0)
    assert [one.path.rsplit("/", 1)[1] for one in server.asked] == ["feed", *["history"] * 3]
    span = server.asked[1].query
    assert span["startTime"] == "2026-03-01T00:00:00Z"
    # Up to the server's clock, after the cursor was told.
    now_s = abs((datetime.now(UTC) - datetime.fromisoformat(span["endTime"])).total_seconds())
    assert now_s < 60
    assert goes_on(tmp_path) == {"after": "c1"}


def test_the_feed_goes_on_behind_its_cursor_through_empty_pages(
    settings: Settings, server: ApiServer, samsara: Samsara, tmp_path: Path
) -> None:
    samsara.pages_at_once = 10
    samsara.feed = [stats(11), [], stats(12), stats(13)]
    begin_at("c0", server, tmp_path)
    assert counts(pull(settings, asked_of(server, tmp_path))) == (3, 0, 0)
    assert goes_on(tmp_path) == {"after": "c4"}
    # An empty last page with a cursor of its own; then nothing at all.
    samsara.feed += [[]]
    assert pull(settings, asked_of(server, tmp_path)).files == []
    assert goes_on(tmp_path) == {"after": "c5"}
    samsara.feed += [stats(13, 14)]
    assert counts(pull(settings, asked_of(server, tmp_path))) == (1, 1, 0)
    assert pull(settings, asked_of(server, tmp_path)).files == []
    assert goes_on(tmp_path) == {"after": "c6"}


def test_a_page_that_fails_moves_nothing_on(
    settings: Settings, server: ApiServer, samsara: Samsara, tmp_path: Path
) -> None:
    samsara.feed = [stats(21), stats(22)]
    begin_at("c0", server, tmp_path)
    server.instead = [None, Told({"message": "oops"}, 500)]
    with pytest.raises(Unavailable):
        pull(settings, asked_of(server, tmp_path))
    for broken in (
        {"message": "rate limits"},
        {"data": [], "pagination": {"hasNextPage": False}},
        {"data": {}, "pagination": {"endCursor": "c9", "hasNextPage": False}},
    ):
        server.instead = [None, Told(broken)]
        with pytest.raises(InputRefused) as refused:
            pull(settings, asked_of(server, tmp_path))
        assert refused.value.code == "pull_refused"
    assert goes_on(tmp_path) == {"after": "c0"}
    assert counts(pull(settings, asked_of(server, tmp_path))) == (2, 0, 0)


def test_a_next_page_without_a_new_cursor_is_no_circle(
    settings: Settings, server: ApiServer, tmp_path: Path
) -> None:
    begin_at("c1", server, tmp_path)
    server.instead = [Told({"data": [], "pagination": {"endCursor": "c1", "hasNextPage": True}})]
    with pytest.raises(Unavailable):
        pull(settings, asked_of(server, tmp_path))
    assert len(server.asked) == 1


def test_counters_that_are_asked_for_stand_beside_their_fixes(
    settings: Settings, server: ApiServer, samsara: Samsara, tmp_path: Path
) -> None:
    samsara.feed = [stats(31)]
    begin_at("c0", server, tmp_path)
    # Each reading is of a fix: none is left over.
    assert pull(settings, asked_of(server, tmp_path)).as_dict()["files"][0]["remarks"] == {}
