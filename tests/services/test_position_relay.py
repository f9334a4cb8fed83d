"""Positions handed to the process that records their fleet: answered as at home, or taken here."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.intake import receiving
from fleet_carbon.services.intake.ingesting import Source, ingest_files
from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.positions.position_desk import PositionDesk
from fleet_carbon.services.positions.position_reading import PositionsRequest
from fleet_carbon.services.positions.position_relay import (
    HomeIsAway,
    Neighbours,
    PositionRelay,
    neighbours,
)
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import AuditEvent, open_storage
from tests.storage.builders import keys_on_record

Two = Callable[[str], tuple[PositionRelay, PositionRelay]]


@pytest.fixture
def together() -> Iterator[Neighbours]:
    with neighbours(2) as found:
        assert found is not None
        yield found


@pytest.fixture
def two(together: Neighbours) -> Iterator[Two]:
    """For a fleet: the relay of its home, and of the other process."""
    relays = [PositionRelay(together, number) for number in range(2)]

    def of(fleet_id: str) -> tuple[PositionRelay, PositionRelay]:
        home = together.home_of(fleet_id)
        return relays[home], relays[1 - home]

    yield of
    for relay in relays:
        relay.close()


def _request(content: bytes = b"[]", **changed: str) -> PositionsRequest:
    event = AuditEvent(0, "K", "who", "POST", "/v1/positions", 200, "R", datetime.now(UTC))
    digest = hashlib.sha256(content).hexdigest()
    made = PositionsRequest(content, receiving.JSON, digest, "positions-R", Source(), event)
    return replace(made, **changed)


def test_one_process_has_no_neighbours() -> None:
    with neighbours(1) as found:
        assert found is None


def test_every_fleet_has_one_home_and_many_are_spread(together: Neighbours) -> None:
    homes = [together.home_of(f"fleet-{number}") for number in range(200)]
    assert set(homes) == {0, 1}
    assert homes == [together.home_of(f"fleet-{number}") for number in range(200)]
    assert 60 < sum(homes) < 140  # of 200, evenly


def test_what_is_handed_over_comes_whole_and_its_answer_comes_back(two: Two) -> None:
    home, other = two("F")
    met: list[tuple[str, PositionsRequest]] = []
    replies = iter((Reply(200, {"rows_read": 7}), None))

    def take_in(fleet_id: str, request: PositionsRequest) -> Reply | None:
        met.append((fleet_id, request))
        return next(replies)

    home.listen(take_in)
    large, small = _request(os.urandom(3_000_000), request_key="once"), _request(b"")
    assert other.ask("F", large) == Reply(200, {"rows_read": 7})
    assert other.ask("F", small) is None  # for the way of files
    assert met == [("F", large), ("F", small)]
    assert (home.is_at_home("F"), other.is_at_home("F")) == (True, False)


@pytest.mark.parametrize("kind", [InputRefused, Unavailable])
def test_a_refusal_comes_back_as_what_it_is(two: Two, kind: type[InputRefused]) -> None:
    home, other = two("F")

    def refuse(_fleet_id: str, _request: PositionsRequest) -> Reply | None:
        raise kind("some_code", "What is wrong.", "What to do.", line=3)

    home.listen(refuse)
    for _ in range(2):  # the connection is used again
        with pytest.raises(kind) as refused:
            other.ask("F", _request())
        assert refused.value.as_dict()["details"] == {"line": 3}
        assert (refused.value.code, refused.value.hint) == ("some_code", "What to do.")


def test_a_home_that_is_away_or_breaks_is_told_from_one_that_refuses(two: Two) -> None:
    home, other = two("F")
    with pytest.raises(HomeIsAway):
        other.ask("F", _request())

    def breaks(_fleet_id: str, _request: PositionsRequest) -> Reply | None:
        raise EOFError  # ends the thread, and the connection with it, as a killed process does

    home.listen(breaks)
    with pytest.raises(HomeIsAway):
        other.ask("F", _request())


def test_a_folder_that_is_no_place_for_sockets_lets_everybody_record(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)  # of sockets, names have 107 bytes at most: unix(7)
    folder.mkdir()
    together = Neighbours(folder, b"secret", 2)
    home, other = (PositionRelay(together, (together.home_of("F") + far) % 2) for far in (0, 1))
    home.listen(lambda _fleet_id, _request: Reply(200, {}))
    with pytest.raises(HomeIsAway):
        other.ask("F", _request())
    home.close()


def test_only_neighbours_are_listened_to(together: Neighbours, two: Two) -> None:
    home, other = two("F")
    home.listen(lambda _fleet_id, _request: Reply(200, {}))
    assert stat.S_IMODE(together.folder.stat().st_mode) == 0o700
    address = together.address_of(together.home_of("F"))
    with pytest.raises(AuthenticationError):
        Client(address, family="AF_UNIX", authkey=b"guessed")
    assert other.ask("F", _request()) == Reply(200, {})  # it went on listening


def test_the_folder_goes_with_the_block_but_not_with_a_process_of_it() -> None:
    with neighbours(2) as found:
        assert found is not None
        if not (child := os.fork()):
            os._exit(_leaves(found))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert found.folder.is_dir()
    assert not found.folder.exists()


def _leaves(_found: Neighbours) -> int:
    return 0


def test_whoever_received_a_request_records_it_while_its_home_is_away(
    tmp_path: Path, two: Two
) -> None:
    settings = Settings(home=tmp_path / "home", fleet="F")
    register = tmp_path / "vehicles.csv"
    register.write_text("vehicle_id,rated_payload_t\nV1,30\n")
    ingest_files(settings, "vehicles", [register])
    home, other = two("F")
    row = b'[{"vehicle_id":"V1","time":"2026-03-02T06:45:%02dZ","lon":110.0,"lat":35.0}]'
    with closing(PositionDesk(settings, other)) as desk:
        replies = [desk.take_in("F", _request(row % 1))]
        with closing(PositionDesk(settings, home)):
            replies += [desk.take_in("F", _request(row % second)) for second in (2, 1)]
        replies += [desk.take_in("F", _request(row % second)) for second in (3, 2)]
    found = [one.content for one in replies if one is not None]
    # Each knows what the other recorded, and a home that has closed is asked no more.
    assert [one["rows_accepted"] for one in found] == [1, 1, 0, 1, 0]
    assert [one["rows_duplicate"] for one in found] == [0, 0, 1, 0, 1]
    with closing(open_storage(settings)) as storage:
        assert len(keys_on_record(storage)) == 3
