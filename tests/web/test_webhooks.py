"""Webhooks from end to end: what is done is told, signed, as the document and the docs say."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from fleet_carbon.client import Client, ServiceProblem, UntrustedWebhook, verify_webhook
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.ledger import selling
from fleet_carbon.services.messages import webhook_log, webhooks
from fleet_carbon.services.messages.delivering import Deliverer
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers import publishing
from fleet_carbon.services.running.jobs import worker
from fleet_carbon.services.support import announcing
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from fleet_carbon.storage.webhooks import EventRow
from fleet_carbon.web.webhook_shapes import (
    EVENTS,
    EventType,
    MonthClosed,
    WebhookAsked,
    WebhookChange,
)
from tests.services.receiver import Receiver, receiving
from tests.services.tiny_fleet import MONTH, northward_order
from tests.web.conftest import Service, served
from tests.web.test_months import three_trucks

ROOT = Path(__file__).resolve().parents[2]
_DOCS = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
_SECTION = _DOCS[_DOCS.index("## Webhooks") : _DOCS.index("\n## Files")]
_SECRET = "whsec_" + "QUJD" * 8


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("webhooks") / "home"
    made = served(Settings(home=home, fleet="told", webhook_private=True))
    yield made
    made.client.application.extensions["jobs"].close()


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    transport = httpx.WSGITransport(app=service.client.application)
    with Client("http://test", service.key("manager"), transport=transport) as made:
        yield made


def signed(message: dict[str, Any], *, at: datetime | None = None) -> tuple[dict[str, str], str]:
    """Headers and body of a message."""
    moment, body = at or datetime.now(UTC), json.dumps(message)
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(moment.timestamp())),
        "Webhook-Signature": Webhook(_SECRET).sign("msg_1", moment, body),
    }
    return headers, body


def complete(message: dict[str, Any]) -> dict[str, Any]:
    """The message as its model has it: every field, and no other."""
    return EVENTS[message["type"]].model_validate(message).model_dump()


@pytest.fixture(scope="module")
def told(service: Service, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every message of a fleet that did everything there is to be told of, once or twice."""
    settings = service.settings
    fleet = three_trucks()
    # It was never so far north.
    fleet.orders.append(northward_order("O9", 0, vehicle_id="V1", delivery_lat=32.0))
    folder = tmp_path_factory.mktemp("files")
    with receiving() as receiver, receiving() as gone:
        made = webhooks.create_endpoint(settings, receiver.address)
        receiver.secrets.append(made.secret)
        for kind, path in fleet.write(folder).items():
            ingest_files(settings, kind, [path])
        close_month(settings, MONTH)
        close_month(settings, MONTH)  # nothing is different: nothing is told
        fleet.orders = [northward_order("O12", 2, vehicle_id="V1", version=2, cargo_t=3)]
        ingest_files(settings, "orders", [fleet.write(folder / "again")["orders"]])
        close_month(settings, MONTH)
        publishing.publish_statements(settings, MONTH)
        publishing.publish_statements(settings, MONTH)  # they are
        request = selling.SaleRequest("L1", "City / Ltd", 1000, price="50", currency="CNY")
        for is_dry_run in (True, False, False):
            selling.sell(settings, request, is_dry_run=is_dry_run, progress=Silent())
            if not is_dry_run:
                for tried in (True, False, False):
                    selling.settle(settings, "L1", fees="0", is_dry_run=tried, progress=Silent())
        gone.answer = lambda _: (410, {}, b"")
        gone.is_checked = False
        ending = webhooks.create_endpoint(settings, gone.address).rows[0]
        webhook_log.ping(settings, ending.endpoint_id)
        webhook_log.ping(settings, made.rows[0].endpoint_id)
        Deliverer(settings).deliver_due()
        webhooks.end_endpoint(settings, made.rows[0].endpoint_id)
        webhooks.end_endpoint(settings, ending.endpoint_id)
        assert len(set(receiver.ids)) == len(receiver.ids)
        return receiver.events


def of_type(told: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event["data"] for event in told if event["type"] == name]


def test_everything_that_happened_is_told_once(told: list[dict[str, Any]]) -> None:
    counts = {name: len(of_type(told, name)) for name in EVENTS}
    assert counts == {
        "order.proven": 6,  # two of each truck; the second close changed no outcome
        "order.unmatched": 1,
        "month.closed": 2,
        "month.restated": 1,
        "statement.published": 3,
        "sale.settled": 1,
        "webhook.disabled": 1,
        "webhook.ping": 1,
    }


def test_what_is_sent_is_what_the_models_say_to_the_field(told: list[dict[str, Any]]) -> None:
    assert [event for event in told if complete(event) != event] == []


def test_a_restatement_tells_the_figures_before_and_now(told: list[dict[str, Any]]) -> None:
    first, second = of_type(told, "month.closed")
    if not first["is_first"]:  # the order of messages is not promised
        first, second = second, first
    (restated,) = of_type(told, "month.restated")
    assert (restated["previous_run_id"], restated["run_id"]) == (
        first["run_id"],
        second["run_id"],
    )
    credited = restated["figures"]["co2_credited_g"]
    assert credited == {"before": first["co2_credited_g"], "after": second["co2_credited_g"]}
    assert credited["before"] != credited["after"]
    assert "D1" in {change["driver_id"] for change in restated["changes"]}


def test_every_link_of_a_message_leads_to_what_it_tells_of(
    service: Service, told: list[dict[str, Any]]
) -> None:
    auditor = service.caller("auditor")
    for name in set(EVENTS) - {"webhook.disabled", "webhook.ping"}:
        for data in of_type(told, name):
            answer = auditor.get(data["href"])
            assert answer.status_code == 200, (data, answer.json)
    (sale,) = of_type(told, "sale.settled")
    entries = (auditor.get(sale["href"]).json or {})["entries"]
    assert sum(entry["amount"] for entry in entries) == sale["amount_g"]


def test_the_document_tells_every_message(service: Service) -> None:
    document = service.client.get("/openapi/openapi.json").json or {}
    assert set(document["webhooks"]) == set(EVENTS)
    assert set(announcing.EVENT_TYPES) == set(EventType.__args__)  # type: ignore[attr-defined]
    assert set(EVENTS) == {*announcing.EVENT_TYPES, announcing.PING}
    assert "$ref" not in json.dumps(document["webhooks"])
    for name, told_of in document["webhooks"].items():
        content = told_of["post"]["requestBody"]["content"]["application/json"]
        assert content["schema"]["properties"]["type"]["const"] == name


def test_the_docs_show_every_message_as_it_is() -> None:
    shown = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", _SECTION, re.M | re.S)]
    assert [message["type"] for message in shown] == list(EVENTS)
    assert [message for message in shown if complete(message) != message] == []


def test_the_client_gives_a_message_its_type() -> None:
    shown = re.search(r'^\{"type": "month.closed".*$', _SECTION, re.M)
    assert shown is not None
    headers, body = signed(json.loads(shown[0]))
    event = verify_webhook(["whsec_" + "Q0JB" * 8, _SECRET], headers, body.encode())
    assert isinstance(event, MonthClosed)
    assert event.data.month == "2026-09"


@pytest.mark.parametrize("name", ["other secret", "other body", "old", "no signature", "rubbish"])
def test_the_client_trusts_no_message_that_was_not_signed_just_now(name: str) -> None:
    headers, body = signed({"type": "month.closed"}, at=datetime(2020, 1, 1, tzinfo=UTC))
    if name != "old":
        headers, body = signed({"type": "month.closed"})
    secret = "whsec_" + "Q0JB" * 8 if name == "other secret" else _SECRET
    if name == "other body":
        body += " "
    if name == "no signature":
        del headers["Webhook-Signature"]
    if name == "rubbish":
        headers["Webhook-Signature"] = "v1 , ,, v1,!"
    with pytest.raises(UntrustedWebhook) as refused:
        verify_webhook(secret, headers, body)
    assert refused.value.code == "webhook_untrusted"


@pytest.mark.parametrize("message", [{"type": "tomorrow"}, [], {"type": "month.closed"}])
def test_a_signed_message_of_another_kind_is_said_to_be_one(message: Any) -> None:
    headers, body = signed(message)
    with pytest.raises(UntrustedWebhook) as refused:
        verify_webhook(_SECRET, headers, body)
    assert refused.value.code == "webhook_unknown"


def test_webhooks_are_kept_by_the_client_from_making_to_ending(
    client: Client, service: Service
) -> None:
    with receiving() as receiver:
        made = client.create_webhook(
            WebhookAsked(url=receiver.address, event_types=["month.closed"], description="books")
        )
        receiver.secrets.append(made.secret)
        (webhook,) = made.webhooks
        assert made.secret.startswith("whsec_")
        listed = client.webhooks()
        assert (listed.secret, [one.endpoint_id for one in listed.webhooks]) == (
            "",
            [webhook.endpoint_id],
        )
        changed = client.change_webhook(webhook.endpoint_id, WebhookChange(description="new"))
        assert (changed.webhooks[0].description, changed.webhooks[0].url) == ("new", webhook.url)
        receiver.secrets.append(client.rotate_webhook_secret(webhook.endpoint_id).secret)
        waiting = client.ping_webhook(webhook.endpoint_id)
        assert waiting.state == "waiting"
        Deliverer(service.settings).deliver_due()
        (delivered,) = client.deliveries(webhook.endpoint_id, state="delivered")
        assert (delivered.event_id, delivered.attempts[0].status) == (waiting.event_id, 204)
        assert client.replay_delivery(webhook.endpoint_id, waiting.event_id).state == "waiting"
        job = client.replay_webhook(webhook.endpoint_id, "2020-01-01T00:00:00Z")
        with worker(service.settings):
            done = client.wait(job)
        assert done.result is not None
        assert done.result["endpoint_id"] == webhook.endpoint_id
        ended = client.end_webhook(webhook.endpoint_id)
        assert ended.webhooks[0].state == "ended"
    with pytest.raises(ServiceProblem) as missing:
        client.webhook(webhook.endpoint_id)
    assert missing.value.code == "webhook_not_found"


def test_only_those_who_administer_see_webhooks(service: Service) -> None:
    for role in ("dispatcher", "auditor"):
        who = service.caller(role)
        assert who.get("/v1/webhooks").status_code == 403
        assert who.post("/v1/webhooks", json={"url": "https://example.com"}).status_code == 403
        assert who.post(f"/v1/months/{MONTH}/publications").status_code == 403
    made = service.caller("manager").post("/v1/webhooks", json={"url": "https://example.com/x"})
    (webhook,) = (made.json or {})["webhooks"]
    other = service.caller("admin", fleet="another")
    path = f"/v1/webhooks/{webhook['endpoint_id']}"
    for method, address in (
        ("GET", path),
        ("DELETE", path),
        ("POST", f"{path}/pings"),
        ("GET", f"{path}/deliveries"),
        ("POST", f"{path}/deliveries/msg_00/replays"),
    ):
        assert other(method, address).status_code == 404, address
    assert other("PATCH", path, json={"is_paused": True}).status_code == 404
    assert other.post(f"{path}/secrets", json={}).status_code == 404
    assert other.post(f"{path}/replays", json={"since": "2020-01-01T00:00:00Z"}).status_code == 404
    assert (other.get("/v1/webhooks").json or {})["webhooks"] == []
    webhooks.end_endpoint(service.settings, webhook["endpoint_id"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"url": "ftp://example.com"}, "webhook_url_insecure"),
        ({"url": "https://a:b@example.com"}, "webhook_url_malformed"),
        ({"url": "https://exa mple.com"}, "webhook_url_malformed"),
        ({"url": "https://example.com:99999"}, "webhook_url_malformed"),
        ({"url": "https://"}, "webhook_url_malformed"),
        ({"url": "https://example.com", "event_types": ["x"]}, "request_malformed"),
        ({"url": "https://example.com", "more": 1}, "request_malformed"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(
    service: Service, asked: dict[str, Any], code: str
) -> None:
    answer = service.caller("manager").post("/v1/webhooks", json=asked)
    assert (answer.status_code, (answer.json or {})["code"]) == (422, code)


def test_the_receiver_of_the_docs_takes_each_event_once(service: Service) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", _SECTION, re.M | re.S)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = service.settings.model_copy(update={"fleet": "docs"})
    made = webhooks.create_endpoint(settings, f"http://127.0.0.1:{port}/")
    endpoint_id = made.rows[0].endpoint_id
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"SECRET": made.secret, "PORT": str(port), "PYTHONPATH": str(ROOT)},
    )
    try:
        _await_listening(port)
        event_id = webhook_log.ping(settings, endpoint_id).rows[0][0].event_id
        assert Deliverer(settings).deliver_due() == 1
        webhook_log.replay_one(settings, endpoint_id, event_id)
        assert Deliverer(settings).deliver_due() == 1
        forged = httpx.post(f"http://127.0.0.1:{port}/", content=b"{}")
        assert forged.status_code == 401
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=300)
    assert said.splitlines() == [f"webhook.ping /v1/webhooks/{endpoint_id}"]
    (row,) = webhook_log.read_deliveries(settings, endpoint_id).rows
    assert [attempt.status for attempt in row[1]] == [204, 204]
    webhooks.end_endpoint(settings, endpoint_id)


def _await_listening(port: int) -> None:
    until_s = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until_s
            time.sleep(0.1)
        else:
            return


def test_a_worker_that_is_killed_before_it_notes_leaves_a_message_that_is_sent_again(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path / "home", fleet="killed", webhook_private=True)
    goes_on = threading.Event()
    with receiving() as receiver:
        receiver.answer = lambda _: (204 if goes_on.wait(60) else 500, {}, b"")
        made = webhooks.create_endpoint(settings, receiver.address)
        receiver.secrets.append(made.secret)
        event_id = webhook_log.ping(settings, made.rows[0].endpoint_id).rows[0][0].event_id
        process = _worker(settings)
        try:
            _await_count(receiver, 1)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            goes_on.set()
        (row,) = webhook_log.read_deliveries(settings, made.rows[0].endpoint_id).rows
        assert (row[0].state, row[1]) == ("waiting", ())
        assert Deliverer(settings).deliver_due() == 0  # it is claimed still
        _end_claims(settings, made.rows[0].endpoint_id)
        process = _worker(settings)
        try:
            _await_count(receiver, 2)
        finally:
            process.terminate()  # what is under way is noted first
            assert process.wait(60) == 0
    assert receiver.ids == [event_id, event_id]
    (row,) = webhook_log.read_deliveries(settings, made.rows[0].endpoint_id).rows
    assert row[0].state == "delivered"


def _worker(settings: Settings) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "fleet_carbon.cli", "worker", "--home", str(settings.home)]
    own = {"PYTHONPATH": str(ROOT), "FLEET_CARBON_WEBHOOK_PRIVATE": "true"}
    return subprocess.Popen(words, env=os.environ | own, cwd=ROOT)


def _await_count(receiver: Receiver, count: int) -> None:
    until_s = time.monotonic() + 120
    while len(receiver.ids) < count:
        assert time.monotonic() < until_s
        time.sleep(0.05)


def _end_claims(settings: Settings, endpoint_id: str) -> None:
    """As if the time of the claims were over."""
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        for claimed in work.webhooks.deliveries(endpoint_id):
            work.webhooks.give_back(claimed, datetime.now(UTC))


def test_a_hundred_thousand_orders_are_one_row_of_a_close(service: Service) -> None:
    with closing(open_storage(service.settings)) as storage, storage.begin(read_only=True) as work:
        rows = work.webhooks.events_since(datetime(2020, 1, 1, tzinfo=UTC))
    closes = [row for row in rows if row.type == announcing.MONTH_CLOSED]
    orders = [row for row in rows if row.type == announcing.ORDERS_OF_RUN]
    assert len(orders) == len(closes)
    assert all(isinstance(row, EventRow) and "order_id" not in row.content for row in orders)
