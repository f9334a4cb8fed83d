"""What happened is told to real receivers: signed, again after failures, by whoever is alive."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine, event

from fleet_carbon.errors import NotFound
from fleet_carbon.services.messages import delivering, sending, webhook_log, webhooks
from fleet_carbon.services.messages.delivering import BACK_OFF_S, Deliverer
from fleet_carbon.services.support import announcing
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import fleets_on_record, open_storage
from fleet_carbon.storage.webhooks import EventRow
from tests.services.receiver import Receiver, receiving
from tests.storage.conftest import postgresql_url, settings

__all__ = ["postgresql_url", "settings"]


@pytest.fixture
def fleet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    # One PostgreSQL serves all tests; what others left there is not sent.
    fleets = [settings.fleet, f"{settings.fleet}-2"]
    monkeypatch.setattr(
        delivering,
        "fleets_on_record",
        lambda asked: [name for name in fleets_on_record(asked) if name in fleets],
    )
    return settings.model_copy(update={"webhook_private": True})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def endpoint_at(fleet: Settings, receiver: Receiver, **named: object) -> str:
    """An endpoint at the receiver, which knows its secret."""
    made = webhooks.create_endpoint(fleet, f"{receiver.address}/hooks", **named)  # type: ignore[arg-type]
    receiver.secrets.append(made.secret)
    return made.rows[0].endpoint_id


def happened(fleet: Settings, *names: str, type_name: str = announcing.MONTH_CLOSED) -> list[str]:
    """Events on record; their ids."""
    at = datetime.now(UTC)
    rows = [EventRow(announcing.event_name(n), type_name, {"month": n}, at) for n in names]
    with closing(open_storage(fleet)) as storage, storage.begin() as work:
        work.webhooks.tell(rows)
    return [row.event_id for row in rows]


class Clock:
    """The moment it is, put forward by hand."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self.at = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as moments are kept

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def deliver(fleet: Settings, clock: Clock | None = None) -> int:
    """Send what is due, as of a moment, with the least of jitter."""
    at = clock() if clock else datetime.now(UTC)
    with time_machine.travel(at, tick=True):  # the receiver's clock agrees
        return Deliverer(fleet, clock=clock or delivering._now, chance=lambda: 0.0).deliver_due()


def log_of(fleet: Settings, endpoint_id: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = webhook_log.read_deliveries(fleet, endpoint_id).as_dict()[
        "deliveries"
    ]
    return rows


def test_each_endpoint_is_told_what_it_wants_signed_and_once(
    fleet: Settings, receiver: Receiver
) -> None:
    endpoint_at(fleet, receiver, event_types=["month.closed"])
    with receiving() as other:
        endpoint_at(fleet, other, event_types=["sale.settled"])
        (closed,) = happened(fleet, "2026-01")
        (sold,) = happened(fleet, "L1", type_name=announcing.SALE_SETTLED)
        assert deliver(fleet) == 2
        assert deliver(fleet) == 0
    assert (receiver.ids, other.ids) == ([closed], [sold])
    (event,) = receiver.events
    assert (event["type"], event["data"]) == ("month.closed", {"month": "2026-01"})
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    assert receiver.hosts == [receiver.address.removeprefix("http://")]
    assert receiver.paths == ["/hooks"]


def test_events_of_one_fleet_are_told_to_no_other(fleet: Settings, receiver: Receiver) -> None:
    second = fleet.model_copy(update={"fleet": f"{fleet.fleet}-2"})
    endpoint_at(fleet, receiver)
    with receiving() as other:
        endpoint_id = endpoint_at(second, other)
        happened(fleet, "2026-01")
        (theirs,) = happened(second, "2026-02")
        assert deliver(fleet) == 2
        assert (len(receiver.ids), other.ids) == (1, [theirs])
    with pytest.raises(NotFound, match="no webhook"):
        webhook_log.read_deliveries(fleet, endpoint_id)


def test_what_is_rolled_back_is_told_to_nobody(fleet: Settings, receiver: Receiver) -> None:
    endpoint_at(fleet, receiver)

    def broken_off() -> None:
        with closing(open_storage(fleet)) as storage, storage.begin() as work:
            work.webhooks.tell([EventRow("msg_x", "month.closed", {}, datetime.now(UTC))])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert deliver(fleet) == 0


def test_an_endpoint_hears_nothing_of_before_it_was_made_but_can_ask_for_it(
    fleet: Settings, receiver: Receiver
) -> None:
    since = datetime.now(UTC)
    ids = happened(fleet, "2026-01", "2026-02")
    time.sleep(0.01)
    endpoint_id = endpoint_at(fleet, receiver)
    assert deliver(fleet) == 0
    asked = webhook_log.replay_since(fleet, endpoint_id, since.isoformat(), progress=Silent())
    assert asked.deliveries_count == 2
    assert deliver(fleet) == 2
    assert sorted(receiver.ids) == sorted(ids)
    later = datetime.now(UTC).isoformat()
    assert (
        webhook_log.replay_since(fleet, endpoint_id, later, progress=Silent()).deliveries_count == 0
    )


def test_failures_are_tried_again_by_the_recommended_times_and_then_given_up(
    fleet: Settings, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (500, {}, b"out of order " * 200)
    endpoint_id = endpoint_at(fleet, receiver)
    happened(fleet, "2026-01")
    clock = Clock()
    assert deliver(fleet, clock) == 1
    # 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h: standardwebhooks.com, section on retries.
    for wait_s in (5, 300, 1800, 7200, 18_000, 36_000, 36_000):
        clock.forward(wait_s - 1)
        assert deliver(fleet, clock) == 0, wait_s
        clock.forward(1)
        assert deliver(fleet, clock) == 1, wait_s
    clock.forward(10**6)
    assert deliver(fleet, clock) == 0
    (told,) = log_of(fleet, endpoint_id)
    assert told["state"] == "failed"
    attempts = told["attempts"]
    assert [one["number"] for one in attempts] == list(range(1, 9))  # type: ignore[attr-defined]
    first = attempts[0]  # type: ignore[index]
    assert (first["status"], len(first["answer"]), first["failure"]) == (500, 1000, "")
    assert len(set(receiver.ids)) == 1
    receiver.answer = lambda _: (200, {}, b"ok")
    webhook_log.replay_one(fleet, endpoint_id, receiver.ids[0])
    assert deliver(fleet) == 1
    (told,) = log_of(fleet, endpoint_id)
    assert told["state"] == "delivered"
    assert len(told["attempts"]) == 9  # type: ignore[arg-type]


def test_jitter_puts_an_attempt_off_by_a_tenth_at_most(fleet: Settings, receiver: Receiver) -> None:
    receiver.answer = lambda _: (503, {}, b"")
    endpoint_id = endpoint_at(fleet, receiver)
    happened(fleet, "2026-01")
    clock = Clock()
    with time_machine.travel(clock()):
        Deliverer(fleet, clock=clock, chance=lambda: 1.0).deliver_due()
    (told,) = log_of(fleet, endpoint_id)
    due_at = datetime.fromisoformat(str(told["due_at"]))
    assert due_at - clock() == pytest.approx(timedelta(seconds=5.5), abs=timedelta(milliseconds=2))
    assert BACK_OFF_S[0] == 5


def test_a_receiver_that_says_when_is_asked_then(fleet: Settings, receiver: Receiver) -> None:
    receiver.answer = lambda _: (429, {"Retry-After": "600"}, b"")
    endpoint_at(fleet, receiver)
    happened(fleet, "2026-01")
    clock = Clock()
    assert deliver(fleet, clock) == 1
    clock.forward(599)
    assert deliver(fleet, clock) == 0
    clock.forward(1)
    assert deliver(fleet, clock) == 1


def test_a_receiver_that_is_gone_is_told_no_more_and_the_others_hear_of_it(
    fleet: Settings, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (410, {}, b"")
    endpoint_id = endpoint_at(fleet, receiver)
    with receiving() as other:
        endpoint_at(fleet, other, event_types=["webhook.disabled"])
        happened(fleet, "2026-01", "2026-02")
        deliver(fleet)
        found = webhooks.read_endpoint(fleet, endpoint_id).rows[0]
        assert (found.state, found.reason) == ("disabled", "It answered 410 Gone.")
        (event,) = other.events
        assert event["data"]["endpoint_id"] == endpoint_id
        before = len(receiver.ids)
        happened(fleet, "2026-03")
        assert deliver(fleet) == 0
    since = event["timestamp"]
    webhooks.change_endpoint(fleet, endpoint_id, is_paused=False)
    receiver.answer = lambda _: (200, {}, b"")
    webhook_log.replay_since(fleet, endpoint_id, since, progress=Silent())
    assert deliver(fleet) == 1  # not of its own end
    assert len(receiver.ids) == before + 1


def test_a_receiver_that_fails_for_days_is_told_no_more(
    fleet: Settings, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (500, {}, b"")
    endpoint_id = endpoint_at(fleet, receiver)
    clock = Clock()
    for day in range(6):
        happened(fleet, f"2026-0{day + 1}")
        deliver(fleet, clock)
        state = webhooks.read_endpoint(fleet, endpoint_id).rows[0].state
        assert state == ("active" if day < 5 else "disabled")
        clock.forward(86_400)


def answering(status: int) -> Callable[[str], tuple[int, dict[str, str], bytes]]:
    """An answer that is always the same."""
    return lambda _: (status, {}, b"")


def test_one_success_begins_the_days_anew(fleet: Settings, receiver: Receiver) -> None:
    endpoint_id = endpoint_at(fleet, receiver)
    clock = Clock()
    for day in range(9):
        receiver.answer = answering(200 if day == 4 else 500)
        happened(fleet, f"2026-0{day + 1}")
        deliver(fleet, clock)
        clock.forward(86_400)
    assert webhooks.read_endpoint(fleet, endpoint_id).rows[0].state == "active"


def test_a_redirect_is_a_failure_and_not_followed(fleet: Settings, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answer = lambda _: (302, {"Location": f"{elsewhere.address}/"}, b"")
        endpoint_id = endpoint_at(fleet, receiver)
        happened(fleet, "2026-01")
        assert deliver(fleet) == 1
        assert elsewhere.ids == []
    (told,) = log_of(fleet, endpoint_id)
    assert told["state"] == "waiting"


def test_a_receiver_that_is_down_is_told_when_it_is_up(fleet: Settings) -> None:
    with receiving() as receiver:
        endpoint_id = endpoint_at(fleet, receiver)
    happened(fleet, "2026-01")
    assert deliver(fleet) == 1
    (told,) = log_of(fleet, endpoint_id)
    (attempt,) = told["attempts"]  # type: ignore[misc]
    assert attempt["status"] is None  # type: ignore[index]
    assert attempt["failure"]  # type: ignore[index]
    with receiving() as up:
        up.secrets = receiver.secrets
        webhooks.change_endpoint(fleet, endpoint_id, url=up.address)
        clock = Clock()
        clock.forward(6)
        assert deliver(fleet, clock) == 1
        assert up.types() == ["month.closed"]


def test_a_slow_receiver_holds_up_itself_only(
    fleet: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_S", 3.0)
    monkeypatch.setattr(delivering, "AT_ONCE_OF_ENDPOINT", 2)
    with receiving(wait_s=30) as slow:
        endpoint_id = endpoint_at(fleet, slow)
        endpoint_at(fleet, receiver)
        happened(fleet, *(f"2026-{number:02d}" for number in range(1, 7)))
        stop, begun_s = threading.Event(), time.monotonic()
        made = Deliverer(fleet)
        thread = threading.Thread(target=lambda: asyncio.run(made.run(stop)))
        thread.start()
        while len(receiver.ids) < 6 and time.monotonic() - begun_s < 20:
            time.sleep(0.02)
        waited_s = time.monotonic() - begun_s
        assert slow.at_once_max == 2
        stop.set()
        thread.join()
    assert waited_s < 3
    rows = log_of(fleet, endpoint_id)
    failures = {str(one["failure"]) for row in rows for one in row["attempts"]}  # type: ignore[attr-defined]
    assert failures == {"no answer within 3 s"}
    # What was claimed and not begun was given back: others may send it at once.
    assert sum(not row["attempts"] for row in rows) == 4
    with closing(open_storage(fleet)) as storage, storage.begin(read_only=True) as work:
        assert [one.endpoint_id for one in work.webhooks.endpoints_due(datetime.now(UTC))] == [
            endpoint_id
        ]


def test_a_paused_endpoint_is_told_later(fleet: Settings, receiver: Receiver) -> None:
    endpoint_id = endpoint_at(fleet, receiver)
    webhooks.change_endpoint(fleet, endpoint_id, is_paused=True)
    happened(fleet, "2026-01")
    assert deliver(fleet) == 0
    webhooks.change_endpoint(fleet, endpoint_id, is_paused=False)
    assert deliver(fleet) == 1


def test_an_ended_endpoint_is_told_nothing_and_not_found(
    fleet: Settings, receiver: Receiver
) -> None:
    endpoint_id = endpoint_at(fleet, receiver)
    happened(fleet, "2026-01")
    webhooks.end_endpoint(fleet, endpoint_id)
    assert deliver(fleet) == 0
    assert webhooks.list_endpoints(fleet).rows == ()
    for use in (webhooks.read_endpoint, webhooks.end_endpoint, webhook_log.ping):
        with pytest.raises(NotFound, match="no webhook"):
            use(fleet, endpoint_id)


def test_two_secrets_sign_for_a_while_after_a_rotation(fleet: Settings, receiver: Receiver) -> None:
    endpoint_id = endpoint_at(fleet, receiver)
    old = receiver.secrets[0]
    new = webhooks.rotate_secret(fleet, endpoint_id, both_valid_h=24).secret
    clock = Clock()
    for secret in (old, new):  # each alone is enough
        receiver.secrets = [secret]
        webhook_log.ping(fleet, endpoint_id)
        assert deliver(fleet) == 1
    clock.forward(24 * 3600 + 1)
    webhook_log.ping(fleet, endpoint_id)
    receiver.secrets = [new]
    assert deliver(fleet, clock) == 1
    assert len(receiver.events) == 3
    last = webhooks.rotate_secret(fleet, endpoint_id, both_valid_h=0).secret
    receiver.secrets = [last]
    webhook_log.ping(fleet, endpoint_id)
    assert deliver(fleet, clock) == 1
    assert receiver.types() == ["webhook.ping"] * 4


def test_without_the_key_of_the_seal_nothing_is_sent_unsigned(
    fleet: Settings, receiver: Receiver
) -> None:
    endpoint_id = endpoint_at(fleet, receiver)
    (fleet.home / "keys" / "webhooks.key").unlink()
    happened(fleet, "2026-01")
    assert deliver(fleet) == 1
    (told,) = log_of(fleet, endpoint_id)
    assert "no secret" in told["attempts"][0]["failure"]  # type: ignore[index]
    assert receiver.ids == []


def test_no_secret_stands_in_the_database_as_it_is(fleet: Settings, receiver: Receiver) -> None:
    endpoint_id = endpoint_at(fleet, receiver)
    with closing(open_storage(fleet)) as storage, storage.begin(read_only=True) as work:
        (row,) = work.webhooks.secrets(endpoint_id, datetime.now(UTC))
    assert receiver.secrets[0].removeprefix("whsec_") not in row.sealed
    told = webhooks.list_endpoints(fleet).as_dict()
    assert receiver.secrets[0] not in str(told)


def test_several_workers_at_once_send_each_message_once(
    fleet: Settings, receiver: Receiver
) -> None:
    endpoint_at(fleet, receiver)
    ids = happened(fleet, *(f"month {number}" for number in range(300)))
    stop = threading.Event()
    workers = [
        threading.Thread(target=lambda: asyncio.run(Deliverer(fleet).run(stop))) for _ in range(3)
    ]
    for thread in workers:
        thread.start()
    until_s = time.monotonic() + 300
    while len(receiver.ids) < len(ids) and time.monotonic() < until_s:
        time.sleep(0.05)
    time.sleep(0.5)
    stop.set()
    for thread in workers:
        thread.join()
    assert sorted(receiver.ids) == sorted(ids)
    assert deliver(fleet) == 0


def test_the_log_is_read_by_page_and_let_go_after_its_time(
    fleet: Settings, receiver: Receiver
) -> None:
    endpoint_id = endpoint_at(fleet, receiver)
    happened(fleet, *(f"month {number}" for number in range(7)))
    deliver(fleet)
    whole = log_of(fleet, endpoint_id)
    found, cursor = [], ""
    for _ in range(4):
        page = webhook_log.read_deliveries(fleet, endpoint_id, cursor=cursor, limit_count=2)
        found += page.as_dict()["deliveries"]
        cursor = page.next_cursor
    assert (found, cursor) == (whole, "")
    assert len(whole) == 7
    assert webhook_log.read_deliveries(fleet, endpoint_id, state="failed").rows == ()
    clock = Clock()
    clock.forward(30 * 86_400 - 60)
    Deliverer(fleet, clock=clock).tidy_fleet(fleet.fleet)
    assert len(log_of(fleet, endpoint_id)) == 7
    clock.forward(120)
    Deliverer(fleet, clock=clock).tidy_fleet(fleet.fleet)
    assert log_of(fleet, endpoint_id) == []


def test_many_messages_are_noted_by_few_statements(fleet: Settings, receiver: Receiver) -> None:
    endpoint_at(fleet, receiver)
    happened(fleet, *(f"month {number}" for number in range(100)))
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        assert deliver(fleet) == 100
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    # An update, an attempt and the health of the endpoint for each would be 300.
    assert counted < 100


def test_an_endpoint_that_fails_takes_few_turns_until_it_answers(
    fleet: Settings, receiver: Receiver
) -> None:
    receiver.answer = answering(500)
    endpoint_at(fleet, receiver)
    happened(fleet, *(f"2026-{number:02d}" for number in range(1, 8)))
    made = Deliverer(fleet)
    first = made._claim_all()
    assert len(first) == 7
    with closing(open_storage(fleet)) as storage, storage.begin() as work:
        for _, message in first:
            work.webhooks.give_back(message.delivery, datetime.now(UTC))
        work.webhooks.note_health(first[0][1].delivery.endpoint_id, datetime.now(UTC))
    assert len(made._claim_all()) == delivering.FAILING_CLAIMED_MAX


def test_what_waited_until_its_claim_ran_out_is_left_to_others(
    fleet: Settings, receiver: Receiver
) -> None:
    endpoint_at(fleet, receiver)
    happened(fleet, "2026-01")
    clock = Clock()
    made = Deliverer(fleet, clock=clock)
    claimed = made._claim_all()
    assert len(claimed) == 1
    clock.forward(delivering.LEASE.total_seconds() - sending.TIMEOUT_S + 1)
    asyncio.run(made._send(*claimed[0], delivering._Gates()))
    assert receiver.ids == []
    clock.forward(sending.TIMEOUT_S)
    assert deliver(fleet, clock) == 1
    assert len(receiver.ids) == 1
