"""A broker's messages are on record when they are acknowledged, also those it kept meanwhile."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.intake import subscribing
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.intake.subscribing import Subscribed, Subscription, subscribe
from fleet_carbon.settings import Settings

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
GOLDEN = Path(__file__).parents[1] / "ingest" / "dialects" / "golden"
TRACCAR: dict[str, Any] = json.loads((GOLDEN / "traccar_forwarded.json").read_text())
UNIT: dict[str, Any] = json.loads((GOLDEN / "jt808_published.json").read_text())
WAIT_S = 120.0


@contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """A Mosquitto of its own, which remembers sessions in a folder; told to end at the end."""
    if MOSQUITTO is None:
        pytest.skip("not allowed here: there is no mosquitto (Debian package) on this machine")
    with_port = folder / "mosquitto.conf"
    with_port.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
        f"persistence true\npersistence_location {folder}/\n"
    )
    process = subprocess.Popen(
        [MOSQUITTO, "-c", str(with_port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        publish(f"mqtt://127.0.0.1:{port}", "ready", [b"1"])
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("broker"), free_port()) as address:
        yield address


def publish(url: str, topic: str, payloads: list[bytes]) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            client.connect("127.0.0.1", int(url.rpartition(":")[2]))
            break
        except OSError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.02)
    client.loop_start()
    for payload in payloads:
        client.publish(topic, payload, qos=1).wait_for_publish(WAIT_S)
    client.disconnect()
    client.loop_stop()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("subscriber")
    made = Settings(home=folder / "home", fleet="mqtt")
    trucks = folder / "vehicles.csv"
    trucks.write_text(
        "vehicle_id,rated_payload_t\n860000000000007,30\n002002604323,30\n", encoding="utf-8"
    )
    ingest_files(made, "vehicles", [trucks])
    return made


@contextmanager
def listening(settings: Settings, subscription: Subscription) -> Iterator[Subscribed]:
    """A subscriber in a thread, and what it has had so far."""
    stop, ready, told = threading.Event(), threading.Event(), Subscribed()

    def listen() -> None:
        subscribe(settings, subscription, stop=stop, when_ready=ready.set, report=told)

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(WAIT_S)
    try:
        yield told
    finally:
        stop.set()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def wait_for(told: Subscribed, messages_count: int) -> None:
    until_s = time.monotonic() + WAIT_S
    while told.counts["messages"] < messages_count and time.monotonic() < until_s:
        time.sleep(0.01)


def fix(at_ms: int) -> bytes:
    position = TRACCAR["position"] | {"fixTime": at_ms}
    return json.dumps(TRACCAR | {"position": position}, indent=1).encode()


def test_positions_of_traccar_are_on_record_and_those_kept_meanwhile_too(
    settings: Settings, broker: str
) -> None:
    subscription = Subscription(broker, "traccar/#", "traccar", client_id="traccar-test")
    at_ms = TRACCAR["position"]["fixTime"]
    with listening(settings, subscription) as first:
        publish(broker, "traccar/7", [fix(at_ms), fix(at_ms), fix(at_ms + 1000), b"{broken"])
        wait_for(first, 4)
    publish(broker, "traccar/7", [fix(at_ms + 2000)])
    with listening(settings, subscription) as second:
        wait_for(second, 1)
    counts = first.counts + second.counts
    assert counts["messages"] == 5
    assert (counts["rows_accepted"], counts["rows_duplicate"]) == (3, 1)


def test_a_broker_that_is_started_again_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    port, at_ms = free_port(), TRACCAR["position"]["fixTime"]
    fixes = [fix(at_ms + 60_000 + number * 1000) for number in range(60)]
    subscription = Subscription(
        f"mqtt://127.0.0.1:{port}", "traccar/#", "traccar", client_id="outlasts"
    )
    with ExitStack() as listens:
        with running(tmp_path, port) as address:
            told = listens.enter_context(listening(settings, subscription))
            publish(address, "traccar/7", fixes[:30])
            wait_for(told, 1)
        with running(tmp_path, port) as address:
            # What the gateway sends before the subscriber is back waits in its session.
            publish(address, "traccar/7", fixes[30:])
            wait_for(told, 60)
            listens.close()
    counts = told.as_dict()
    # What was not acknowledged when the broker ended may come again, and is a duplicate.
    assert (counts["rows_accepted"], counts["rows_rejected"]) == (60, 0)
    assert counts["rows_accepted"] + counts["rows_duplicate"] == counts["rows_read"]


def test_a_batch_of_a_truck_that_nobody_knows_is_told_as_refused(
    settings: Settings, broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(subscribing.logs, "tell", lambda _, **more: lines.append(more))
    stranger = TRACCAR | {"device": TRACCAR["device"] | {"uniqueId": "nobody"}}
    with listening(settings, Subscription(broker, "t/#", "traccar", client_id="log")) as told:
        publish(broker, "t/8", [json.dumps(stranger).encode()])
        wait_for(told, 1)
    [line] = [one for one in lines if "messages" in one]
    assert (line["level"], line["rows_rejected"], line["rows_accepted"]) == ("warning", 1, 0)
    assert "vehicle_unknown" in Path(line["rejections_file"]).read_text(encoding="utf-8")


def test_messages_of_808_that_a_broker_publishes_are_taken_in(
    settings: Settings, broker: str
) -> None:
    with listening(settings, Subscription(broker, "808/up", "jt808", client_id="808")) as told:
        publish(broker, "808/up", [json.dumps(UNIT).encode()])
        wait_for(told, 1)
    assert told.as_dict() == {
        "messages": 1,
        "rows_read": 1,
        "rows_accepted": 1,
        "rows_duplicate": 0,
        "rows_rejected": 0,
    }


def test_a_broker_that_is_not_there_is_told(settings: Settings) -> None:
    with pytest.raises(Unavailable) as away:
        subscribe(
            settings, Subscription("mqtt://127.0.0.1:9", "t", "traccar"), stop=threading.Event()
        )
    assert away.value.code == "broker_unreachable"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://host", "mqtt_url_refused"),
        ("mqtt://user:secret@host", "mqtt_url_refused"),
        ("mqtt://user@192.0.2.1", "mqtt_password_in_the_clear"),
    ],
)
def test_a_password_is_never_in_the_clear(settings: Settings, url: str, code: str) -> None:
    with_password = Settings(**(settings.model_dump() | {"mqtt_password": "secret"}))
    with pytest.raises(InputRefused) as refused:
        subscribe(with_password, Subscription(url, "t", "traccar"), stop=threading.Event())
    assert refused.value.code == code
    assert "secret" not in refused.value.message
