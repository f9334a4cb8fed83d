"""Pulling: where the next time goes on, where a token goes, and both traps of paging of rFMS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.cli import main
from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.intake.ingesting import Intake
from fleet_carbon.services.pulls import pull_client, pull_sources, pulling
from fleet_carbon.services.pulls.pulling import Pull, pull
from fleet_carbon.settings import Settings
from tests.services.pull_server import TOKEN, ApiServer, Asked, Told, counts, fleet_of, served

VIN = "ABC12345678901234"
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


@dataclass
class Rfms:
    """An rFMS server with pages of two statuses."""

    held: list[dict[str, Any]] = field(default_factory=list)
    has_links: bool = False
    link_to: str = ""
    asked_count: int = 0

    def __call__(self, asked: Asked) -> Told:
        self.asked_count += 1
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Told({"error": "who are you"}, 401)
        assert asked.path == "/rfms/vehiclestatuses"
        start = asked.query["starttime"]
        found = [one for one in self.held if one["receivedDateTime"] >= start]
        skipped = int(asked.query.get("skip", 0))
        page: dict[str, Any] = {
            "vehicleStatusResponse": {"vehicleStatuses": found[skipped : skipped + 2]},
            "moreDataAvailable": len(found) > skipped + 2,
            "requestServerDateTime": f"2024-03-02T06:{self.asked_count:02d}:00Z",
        }
        if self.has_links and page["moreDataAvailable"]:
            link = f"/rfms/vehiclestatuses?starttime={start}&skip={skipped + 2}"
            page["moreDataAvailableLink"] = self.link_to + link
        return Told(page)


@pytest.fixture
def rfms() -> Rfms:
    return Rfms()


@pytest.fixture
def server(rfms: Rfms) -> Iterator[ApiServer]:
    with served(rfms) as made:
        yield made


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return fleet_of(tmp_path_factory.mktemp("rfms"), VIN)


def source(server: ApiServer, folder: Path, since_at: datetime | None = BEGIN) -> Pull:
    return Pull(f"{server.url}/rfms", folder / "state.json", since_at=since_at)


def begun(server: ApiServer) -> list[str]:
    return [one.query["starttime"] for one in server.asked]


def test_a_second_that_is_parted_between_pages_is_whole(
    settings: Settings, server: ApiServer, rfms: Rfms, tmp_path: Path
) -> None:
    # The advice of the specification would go on at second 2 and lose the third status.
    rfms.held = [status(0, 1), status(1, 2), status(1, 3), status(2, 4)]
    accepted, _, rejected = counts(pull(settings, source(server, tmp_path)))
    assert (accepted, rejected) == (4, 0)
    assert begun(server)[:2] == ["2024-03-02T06:00:00Z", "2024-03-02T06:00:01Z"]


def test_a_second_that_fills_more_than_a_page_is_told(
    settings: Settings,
    server: ApiServer,
    rfms: Rfms,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(pull_sources.logs, "tell", lambda _, **more: lines.append(more))
    rfms.held = [status(0, 41), status(1, 42), status(1, 43), status(1, 44), status(2, 45)]
    # Without links nobody can ask for the third of second 1.
    assert counts(pull(settings, source(server, tmp_path)))[0] == 4
    assert [one["second"] for one in lines] == ["2024-03-02T06:00:01Z"]
    rfms.has_links, again = True, source(server, tmp_path / "linked")
    again.state_path.parent.mkdir()
    assert counts(pull(settings, again))[0] == 1
    assert len(lines) == 1


def test_the_first_time_begins_at_a_moment_of_any_zone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[datetime | None] = []

    def noted(_: Settings, asked: Pull, **__: Any) -> None:
        moments.append(asked.since_at)
        raise InputRefused("pull_refused", "Enough.", "Nothing.")

    monkeypatch.setattr(pulling, "pull", noted)
    monkeypatch.setattr("fleet_carbon.services.support.logs.configure", lambda *_, **__: None)
    words = ["pull", "https://x.example/rfms", "--state", str(tmp_path / "state.json")]
    for since in ("2024-03-02T06:00:00", "2024-03-02T06:00:00Z", "2024-03-02T14:00:00+08:00"):
        assert main([*words, "--since", since, "--home", str(settings.home)]) == 1
    assert moments == [BEGIN] * 3


def test_links_between_pages_are_followed(
    settings: Settings, server: ApiServer, rfms: Rfms, tmp_path: Path
) -> None:
    rfms.has_links = True
    rfms.held = [status(0, 11), status(0, 12), status(0, 13), status(2, 14)]
    assert counts(pull(settings, source(server, tmp_path))) == (4, 0, 0)
    # What the server received while the second page was asked for is asked for again.
    state = json.loads((tmp_path / "state.json").read_bytes())
    assert state["goes_on"] == {"starttime": "2024-03-02T06:01:00Z"}


def test_a_page_stands_on_a_line_however_it_was_sent(
    settings: Settings,
    server: ApiServer,
    rfms: Rfms,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A file of lines is read in blocks; one whose documents stretch over lines is held whole.
    lines: list[int] = []

    def noted(_: Settings, kind: str, paths: list[Path], **__: Any) -> Intake:
        lines.extend(len(path.read_bytes().splitlines()) for path in paths)
        return Intake(kind)

    monkeypatch.setattr(pulling, "ingest_files", noted)
    rfms.held, rfms.has_links = [status(0, 15), status(0, 16), status(0, 17)], True
    pull(settings, source(server, tmp_path))
    assert lines == [2]


def test_the_next_time_goes_on_by_the_clock_of_the_server(
    settings: Settings, server: ApiServer, rfms: Rfms, tmp_path: Path
) -> None:
    rfms.held = [status(0, 21)]
    pull(settings, source(server, tmp_path))
    # Made long ago and received late, as from a truck without a network.
    late = status(0, 22) | {"receivedDateTime": "2024-03-02T06:01:00Z"}
    rfms.held.append(late)
    assert counts(pull(settings, source(server, tmp_path, None))) == (1, 0, 0)
    assert begun(server) == ["2024-03-02T06:00:00Z", "2024-03-02T06:01:00Z"]


def test_what_cannot_be_asked_now_is_asked_again(
    settings: Settings, server: ApiServer, rfms: Rfms, tmp_path: Path
) -> None:
    rfms.held, server.instead = [status(0, 31)], [Told({}, 503)]
    with pytest.raises(Unavailable):
        pull(settings, source(server, tmp_path))
    assert not (tmp_path / "state.json").exists()
    server.instead = [Told({}, 403)]
    with pytest.raises(InputRefused) as refused:
        pull(settings, source(server, tmp_path))
    assert refused.value.code == "pull_refused"


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/rfms",
        "http://localhost.example.com/rfms",
        "ftp://127.0.0.1/rfms",
        "https://user:word@api.example.com/rfms",
        "https:///rfms",
        "rfms",
    ],
)
def test_a_token_goes_nowhere_in_the_clear(url: str, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        pull(settings, Pull(url, tmp_path / "state.json", since_at=BEGIN))
    assert refused.value.code == "pull_url_refused"


def test_neither_a_link_nor_a_redirect_takes_a_token_elsewhere(
    settings: Settings, server: ApiServer, rfms: Rfms, tmp_path: Path
) -> None:
    with served(Rfms()) as elsewhere:
        rfms.held, rfms.has_links = [status(0, 1), status(0, 2), status(0, 3)], True
        rfms.link_to = elsewhere.url
        with pytest.raises(InputRefused) as refused:
            pull(settings, source(server, tmp_path))
        assert refused.value.code == "pull_link_elsewhere"
        server.instead = [Told({}, 302, {"location": f"{elsewhere.url}/rfms/vehiclestatuses"})]
        with pytest.raises(InputRefused) as refused:
            pull(settings, source(server, tmp_path))
        assert (refused.value.code, elsewhere.asked) == ("pull_refused", [])
    assert not (tmp_path / "state.json").exists()


def test_a_wrong_token_moves_nothing_on(server: ApiServer, tmp_path: Path) -> None:
    stranger = Settings(home=tmp_path / "home", pull_token="another")
    with pytest.raises(InputRefused) as refused:
        pull(stranger, source(server, tmp_path))
    assert refused.value.code == "pull_refused"
    assert "401" in refused.value.message
    assert "another" not in refused.value.message
    assert not (tmp_path / "state.json").exists()


def test_the_first_time_needs_a_begin(
    settings: Settings, server: ApiServer, tmp_path: Path
) -> None:
    with pytest.raises(InputRefused) as refused:
        pull(settings, source(server, tmp_path, None))
    assert refused.value.code == "pull_begin_missing"
    (tmp_path / "state.json").write_text('{"goes_on": 7}', encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        pull(settings, source(server, tmp_path))
    assert (refused.value.code, server.asked) == ("pull_begin_missing", [])


def test_a_state_is_of_one_server_and_resource(
    settings: Settings, server: ApiServer, rfms: Rfms, tmp_path: Path
) -> None:
    rfms.held = [status(0, 51)]
    pull(settings, source(server, tmp_path))
    for other in (
        Pull(f"{server.url}/rfms", tmp_path / "state.json", resource="positions"),
        Pull(f"{server.url}/other", tmp_path / "state.json"),
        Pull(f"{server.url}/rfms", tmp_path / "state.json", dialect="samsara"),
    ):
        with pytest.raises(InputRefused) as refused:
            pull(settings, other)
        assert refused.value.code == "pull_state_of_another"
    for unknown in (("rfms", "stats"), ("nmea", "")):
        with pytest.raises(InputRefused) as refused:
            pull(settings, Pull(server.url, tmp_path / "s", *unknown, since_at=BEGIN))
        assert refused.value.code == "pull_resource_unknown"
    assert len(server.asked) == 1


def test_a_server_that_is_busy_is_waited_for_as_long_as_it_says(
    settings: Settings,
    server: ApiServer,
    rfms: Rfms,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(pull_client.time, "sleep", waited.append)
    rfms.held = [status(0, 52)]
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.instead = [
        Told({}, 429, {"retry-after": "7"}),
        Told({}, 503, {"retry-after": soon}),
        Told({}, 429),
    ]
    assert counts(pull(settings, source(server, tmp_path))) == (1, 0, 0)
    assert waited[0] == 7.0
    assert 20 < waited[1] <= 30
    assert len(waited) == 3
    server.instead = [Told({}, 429, {"retry-after": "86400"})]
    with pytest.raises(Unavailable):
        pull(settings, source(server, tmp_path))
    server.instead = [Told({}, 429, {"retry-after": "1"})] * 5
    with pytest.raises(Unavailable):
        pull(settings, source(server, tmp_path))
    assert len(waited) == 8


def test_what_breaks_before_the_state_is_written_only_makes_duplicates(
    settings: Settings,
    server: ApiServer,
    rfms: Rfms,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rfms.held = [status(0, 53), status(1, 54)]

    def full(*_: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(pulling.os, "replace", full)
        with pytest.raises(OSError, match="no space"):
            pull(settings, source(server, tmp_path))
    assert not (tmp_path / "state.json").exists()
    assert counts(pull(settings, source(server, tmp_path))) == (0, 2, 0)


def test_nothing_new_is_no_file_and_moves_on(
    settings: Settings, server: ApiServer, tmp_path: Path
) -> None:
    intake = pull(settings, source(server, tmp_path))
    assert (intake.files, intake.lines()) == ([], ["Nothing new."])
    state = json.loads((tmp_path / "state.json").read_bytes())
    assert state["goes_on"] == {"starttime": "2024-03-02T06:01:00Z"}
    assert TOKEN not in json.dumps(state)


def test_much_is_taken_in_in_parts_and_moves_on_at_the_end(
    settings: Settings,
    server: ApiServer,
    rfms: Rfms,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling, "_FILE_BYTES", 1)
    rfms.held, rfms.has_links = [status(0, 55), status(0, 56), status(0, 57)], True
    server.instead = [None, Told({}, 500)]
    with pytest.raises(Unavailable):
        pull(settings, source(server, tmp_path))
    # The first page is on record, but nothing says that the second may be left out.
    assert not (tmp_path / "state.json").exists()
    intake = pull(settings, source(server, tmp_path))
    assert (counts(intake), len(intake.files)) == ((1, 2, 0), 2)


def test_pages_without_end_are_told(
    settings: Settings,
    server: ApiServer,
    rfms: Rfms,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling, "_PAGES_MAX", 1)
    rfms.held, rfms.has_links = [status(0, 46), status(0, 47), status(1, 48)], True
    with pytest.raises(InputRefused) as refused:
        pull(settings, source(server, tmp_path))
    assert refused.value.code == "pull_endless"
    assert not (tmp_path / "state.json").exists()
    monkeypatch.undo()
    assert counts(pull(settings, source(server, tmp_path))) == (1, 2, 0)


def test_a_command_tells_what_came(
    settings: Settings,
    server: ApiServer,
    rfms: Rfms,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLEET_CARBON_PULL_TOKEN", TOKEN)
    rfms.held = [status(0, 50)]
    words = ["pull", f"{server.url}/rfms", "--state", str(tmp_path / "s"), "--since", "2024-03-02"]
    words[-1] += "T06:00:00"
    assert main([*words, "--home", str(settings.home), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["rows_accepted"] == 1
    assert "rfms from 127.0.0.1" in told.err
    assert "starttime" not in told.err  # queries stand in no log
    assert TOKEN not in told.err + told.out
