"""Hosts are told of footprints as they are published, again and again until they take it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from fleet_carbon.services.accounts.inventories import read_inventory
from fleet_carbon.services.exchange import footprint_answers, hosting
from fleet_carbon.services.exchange.footprint_answers import TOLD_FOR, next_attempt, publish
from fleet_carbon.services.exchange.wishes import Wish
from fleet_carbon.services.running import demonstrating, footprint_rounds, jobs
from fleet_carbon.settings import Settings
from tests.services.exchanging_host import PlayedHost, hosted, listening, validate_event

MONTH = demonstrating.SAMPLE_MONTH
AT = datetime(2026, 11, 1, tzinfo=UTC)
REQUEST = {"begun_at": AT.isoformat(), "attempt": 1, "mark": "m"}


def test_attempts_come_later_and_later_and_end_after_three_days() -> None:
    # 30 s doubled until 6 h: 30, 60, ... 15,360 s make 30,690 s in ten waits; of the rest of
    # 259,200 s ten more of 21,600 s fit in.
    now, request, waits = AT, REQUEST, []
    while again := next_attempt(request, "host_unavailable", now):
        request, wait_s = again
        waits.append(wait_s)
        now += timedelta(seconds=wait_s)
    assert waits == [30.0 * 2**number for number in range(10)] + [21_600.0] * 10
    assert (request["attempt"], request["mark"]) == (21, "m")
    assert now - AT <= TOLD_FOR
    assert next_attempt(REQUEST, "event_not_answered", AT) is None


@pytest.fixture(scope="module")
def customer(sample_fleet: Settings) -> str:
    shipments = read_inventory(sample_fleet, MONTH).tables["shipments"]
    return str(shipments["shipper_id"].dropna().iloc[0])


@pytest.fixture
def recipient() -> Iterator[tuple[PlayedHost, str]]:
    host = PlayedHost()
    with listening(host) as address:
        yield host, address
    for path, event in host.events:
        validate_event(path, event)


@pytest.fixture
def settings(
    sample_fleet: Settings,
    recipient: tuple[PlayedHost, str],
    customer: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    home = tmp_path_factory.mktemp("answers") / "home"
    shutil.copytree(sample_fleet.home, home)
    return sample_fleet.model_copy(
        update={
            "home": home,
            "ileap_private": True,
            "exchange_hosts": {recipient[1]: ("me", SecretStr("secret"))},
            "exchange_recipients": {sample_fleet.fleet: {recipient[1]: (customer,)}},
        }
    )


def own_ids(settings: Settings, customer: str) -> list[str]:
    wish = Wish("footprints3", frozenset({customer}), 1000)
    return [one["id"] for one in hosting.read_page(settings, wish).documents]


def asked(settings: Settings, now: datetime | None = None) -> int:
    with closing(jobs.JobBook(settings)) as book:
        return footprint_rounds.ask_to_publish(settings, book, now or datetime.now(UTC))


def ended(settings: Settings, count: int) -> list[jobs.Job]:
    """The jobs, newest first, when there are so many and none is under way."""
    until_s = time.monotonic() + 60
    with closing(jobs.JobBook(settings)) as book:
        while True:
            found = book.newest(settings.fleet)
            if len(found) == count and not any(one.is_under_way for one in found):
                return found
            assert time.monotonic() < until_s, found
            time.sleep(0.1)


def test_a_recipient_is_told_of_its_own_footprints_until_it_takes_it(
    settings: Settings,
    recipient: tuple[PlayedHost, str],
    customer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(footprint_answers, "_WAIT_S", 0.1)
    host, address = recipient
    host.event_statuses = [500, 400]
    jobs.prepare_jobs(settings)
    assert asked(settings) == 1
    assert asked(settings) == 0
    with jobs.worker(settings):
        last, *before = ended(settings, 3)
    assert [one.state for one in before] == ["failed", "failed"]
    assert {(one.problem or {})["code"] for one in before} == {"host_unavailable"}
    assert (before[0].problem or {})["next_job_id"] == last.job_id
    [(path, event)] = host.events
    ids = own_ids(settings, customer)
    assert (path, event["type"]) == (
        "/3/events",
        "org.wbcsd.pact.ProductFootprint.PublishedEvent.3",
    )
    assert event["data"] == {"pfIds": ids}
    assert len(ids) > 2
    told = {"host": address, "month": MONTH, "footprints_count": len(ids)}
    assert last.result == {"ok": True, **told}
    assert asked(settings) == 0  # it was told, and is not told again


def test_a_worker_looks_by_itself_what_was_published(
    settings: Settings, recipient: tuple[PlayedHost, str]
) -> None:
    jobs.prepare_jobs(settings)
    with jobs.worker(settings), footprint_rounds.kept_published(settings):
        ended(settings, 1)
    assert [path for path, _ in recipient[0].events] == ["/3/events"]
    none = settings.model_copy(update={"exchange_recipients": {}})
    before = threading.active_count()
    with footprint_rounds.kept_published(none):
        assert threading.active_count() == before


def notice(settings: Settings) -> dict[str, Any]:
    [(_, found)] = footprint_answers.due_notices(settings, datetime.now(UTC))
    return found


def test_what_is_told_again_has_the_same_id_and_old_hosts_are_told_by_pact_2(
    settings: Settings,
    recipient: tuple[PlayedHost, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, _ = recipient
    publish(settings, notice(settings))
    publish(settings, notice(settings))
    (_, first), (_, again) = host.events
    assert first["id"] == again["id"]
    host.event_paths = ("/2/events",)
    publish(settings, notice(settings))
    path, older = host.events[-1]
    assert (path, older["type"]) == (
        "/2/events",
        "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
    )
    assert older["data"] == first["data"]
    host.events.clear()
    monkeypatch.setattr(footprint_answers, "_TOGETHER_MAX", 10)
    publish(settings, notice(settings))
    parts = [event["data"]["pfIds"] for _, event in host.events]
    assert [one for part in parts for one in part] == first["data"]["pfIds"]
    assert max(map(len, parts)) <= 10
    assert len({event["id"] for _, event in host.events}) == len(parts) > 1


def test_nobody_is_told_of_what_was_closed_long_ago_or_is_of_nobody(settings: Settings) -> None:
    assert list(footprint_answers.due_notices(settings, datetime.now(UTC) + TOLD_FOR)) == []
    none = settings.model_copy(update={"exchange_recipients": {}})
    assert list(footprint_answers.due_notices(none, datetime.now(UTC))) == []


def test_what_we_tell_is_what_we_take(settings: Settings, sample_fleet: Settings) -> None:
    """Our own host as the recipient of ours."""
    from fleet_carbon.services.people.access import create_key

    key = create_key(settings, "us", "auditor")
    with hosted(settings) as ours:
        known = {ours: (key.rows[0].key_id, SecretStr(key.secret))}
        recipients = {
            settings.fleet: {
                ours: next(iter(settings.exchange_recipients[settings.fleet].values()))
            }
        }
        telling = settings.model_copy(
            update={"exchange_hosts": known, "exchange_recipients": recipients}
        )
        told = publish(telling, notice(telling))
    assert told["footprints_count"] > 2


def test_a_company_says_who_it_is_and_recipients_are_hosts_that_are_known() -> None:
    for wrong in (
        {"companies": {"default": []}},
        {"companies": {"default": [" "]}},
        {"companies": {"default": ["Example Freight Co", "0001"]}},
        {"exchange_recipients": {"default": {"https://theirs.example": ["S01"]}}},
    ):
        with pytest.raises(ValidationError):
            Settings(**wrong)


def test_footprints_are_told_in_the_name_of_the_company(sample_fleet: Settings) -> None:
    named = ("Example Freight Co", "urn:example:carrier:0001")
    settings = sample_fleet.model_copy(update={"companies": {sample_fleet.fleet: named}})
    for kind in ("shipments", "tocs"):
        [told] = hosting.read_page(settings, Wish(kind, None, 1)).documents
        assert (told["companyName"], told["companyIds"]) == (named[0], [named[1]])
        [told] = hosting.read_page(sample_fleet, Wish(kind, None, 1)).documents
        assert told["companyName"] == sample_fleet.fleet
        assert "companyIds" not in told
    for kind in ("footprints2", "footprints3"):
        [told] = hosting.read_page(settings, Wish(kind, None, 1)).documents
        assert (told["companyName"], told["companyIds"]) == (named[0], [named[1]])
