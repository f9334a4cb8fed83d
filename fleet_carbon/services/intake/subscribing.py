"""Messages of an MQTT broker, taken in as files are: in batches, acknowledged when on record.

The session at the broker outlasts the connection, so that what is published meanwhile is kept
there. A message is acknowledged only after its batch is on record; one that comes again is a
duplicate.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fleet_carbon.errors import FleetCarbonError, InputRefused, Unavailable
from fleet_carbon.services.intake.ingesting import Source, ingest_files
from fleet_carbon.services.support import logs
from fleet_carbon.services.support.addressing import is_this_machine
from fleet_carbon.settings import Settings

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_BATCH_MESSAGES_MAX = 5_000
_LISTENS_S, _DRAINS_S, _AGAIN_S = 1.0, 0.1, 5.0
_KEEPALIVE_S = 30
_OUTCOMES = ("read", "accepted", "duplicate", "rejected")


@dataclass(frozen=True)
class Subscription:
    """What is listened to, and how it is read.

    Attributes
    ----------
    url : str
        ``mqtt://`` or ``mqtts://`` with [user@]host[:port]; the password is a setting.
    topic : str
        With wildcards, as brokers have them.
    dialect : str
        One of `DIALECTS`.
    kind : str
        Kind of rows that are taken.
    client_id : str
        Under which the broker keeps what this subscriber has not had yet.
    """

    url: str
    topic: str
    dialect: str
    kind: str = "positions"
    client_id: str = "fleet-carbon"


@dataclass
class Subscribed:
    """What came of all messages.

    Attributes
    ----------
    counts : Counter of str
        ``messages``, and rows read, accepted, duplicate and rejected.
    """

    counts: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        names = ("messages", *(f"rows_{one}" for one in _OUTCOMES))
        return {name: self.counts[name] for name in names}

    def lines(self) -> list[str]:
        """The counts for people."""
        told = ", ".join(f"{held:,} {name}" for name, held in self.as_dict().items())
        return [told.replace("_", " ")]


def subscribe(
    settings: Settings,
    subscription: Subscription,
    *,
    stop: threading.Event,
    when_ready: Callable[[], None] = lambda: None,
    report: Subscribed | None = None,
) -> Subscribed:
    """Take in what the broker sends until told to stop; the batch under way is finished.

    Parameters
    ----------
    settings : Settings
        The fleet; `mqtt_password`, `mqtt_ca_file`.
    subscription : Subscription
        What is listened to.
    stop : Event
        Ends it.
    when_ready : callable
        Told once the broker has granted the subscription.
    report : Subscribed, optional
        Counts what came on the way.

    Raises
    ------
    InputRefused
        ``mqtt_url_refused``, ``mqtt_password_in_the_clear``, ``broker_refused``.
    Unavailable
        ``broker_unreachable`` if it cannot be connected to at first.
    """
    line = _Line(settings, subscription, when_ready)
    report = report or Subscribed()
    try:
        while not stop.is_set():
            line.refuse_if_refused()
            batch = line.batch()
            if batch:
                _take_in(settings, subscription, batch, report=report, stop=stop)
                line.acknowledge(batch)
    finally:
        line.close()
    return report


class _Line:
    """A connection to the broker; messages wait in a queue until they are asked for."""

    def __init__(
        self, settings: Settings, subscription: Subscription, when_ready: Callable[[], None]
    ) -> None:
        self._waiting: SimpleQueue[MQTTMessage] = SimpleQueue()
        self._topic, self._when_ready = subscription.topic, when_ready
        self._refusal = ""
        self._client = _client(settings, subscription)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = lambda *given: self._waiting.put(given[-1])
        host, port = _host_of(subscription.url)
        try:
            self._client.connect(host, port, keepalive=_KEEPALIVE_S)
        except (OSError, ValueError) as failure:
            raise Unavailable(
                "broker_unreachable",
                f"The broker {host}:{port} cannot be reached: {failure}",
                "Check address and port, and that it runs.",
            ) from failure
        self._client.loop_start()

    def _connected(self, client: Client, _data: Any, _flags: Any, reason: Any, *_: Any) -> None:
        if reason.is_failure:
            self._refusal = f"The broker refuses the connection: {reason}."
            return
        client.subscribe(self._topic, qos=1)

    def _subscribed(self, _client: Client, _data: Any, _mid: int, reasons: Any, *_: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refusal = f"The broker refuses the topic {self._topic}."
        else:
            self._when_ready()

    def refuse_if_refused(self) -> None:
        """Pass on what the broker said no to."""
        if self._refusal:
            raise InputRefused(
                "broker_refused", self._refusal, "Check user, password, rights and topic."
            )

    def batch(self) -> list[MQTTMessage]:
        """What has come, as soon as no more comes; empty if nothing comes for a second."""
        found: list[MQTTMessage] = []
        wait_s = _LISTENS_S
        while len(found) < _BATCH_MESSAGES_MAX:
            try:
                found.append(self._waiting.get(timeout=wait_s))
            except Empty:
                break
            wait_s = _DRAINS_S
        return found

    def acknowledge(self, batch: list[MQTTMessage]) -> None:
        """Let the broker forget them."""
        for message in batch:
            self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        """Leave; the broker keeps what comes meanwhile."""
        self._client.disconnect()
        self._client.loop_stop()


def _take_in(
    settings: Settings,
    subscription: Subscription,
    batch: list[MQTTMessage],
    *,
    report: Subscribed,
    stop: threading.Event,
) -> None:
    """Put the messages on record as one file; wait while records cannot be written."""
    # Line ends stand between members, never inside a text of JSON.
    lines = [bytes(one.payload).replace(b"\r", b" ").replace(b"\n", b" ") for one in batch]
    content = b"\n".join(lines) + b"\n"
    source = Source(may_restate=False, dialect=subscription.dialect)
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-mqtt-") as folder:
        path = Path(folder) / f"mqtt-{hashlib.sha256(content).hexdigest()[:16]}.ndjson"
        path.write_bytes(content)
        while True:
            try:
                intake = ingest_files(settings, subscription.kind, [path], source=source)
                break
            except Unavailable as away:
                logs.tell("Records cannot be written now.", level="warning", code=away.code)
                if stop.wait(_AGAIN_S):
                    raise  # not acknowledged: the broker sends them again
            except InputRefused as refused:
                logs.tell("A batch was refused.", level="warning", code=refused.code)
                report.counts["messages"] += len(batch)
                return
    told = intake.as_dict()
    report.counts["messages"] += len(batch)
    counts = {f"rows_{one}": told[f"rows_{one}"] for one in _OUTCOMES}
    report.counts.update(counts)
    # Who looks at the log alone must see that a truck is not registered.
    is_whole = not told["rows_rejected"]
    where = {} if is_whole else {"rejections_file": told["rejections_file"]}
    level = "info" if is_whole else "warning"
    logs.tell("A batch was taken in.", level=level, messages=len(batch), **counts, **where)


def _host_of(url: str) -> tuple[str, int]:
    """Host and port of an address.

    Raises
    ------
    InputRefused
        ``mqtt_url_refused``.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in _PORTS or not host or not port or parts.password is not None:
        raise InputRefused(
            "mqtt_url_refused",
            f"{parts.scheme}://{host or ''} is no address of a broker.",
            "Write mqtts://user@host:8883; the password is the setting FLEET_CARBON_MQTT_PASSWORD.",
        )
    return host, port


def _client(settings: Settings, subscription: Subscription) -> Client:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as missing:
        raise FleetCarbonError(
            "mqtt_not_installed",
            "Listening to a broker needs the package paho-mqtt.",
            "Install it: pip install 'fleet-carbon[mqtt]'.",
        ) from missing
    host, _ = _host_of(subscription.url)
    parts = urlsplit(subscription.url)
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=subscription.client_id,
        clean_session=False,
        manual_ack=True,
    )
    if parts.scheme == "mqtts":
        client.tls_set(ca_certs=str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None)
    if parts.username:
        secret = settings.mqtt_password
        if secret is not None and parts.scheme == "mqtt" and not is_this_machine(host):
            raise InputRefused(
                "mqtt_password_in_the_clear",
                "A password is never sent to another machine without encryption.",
                "Write mqtts:// and the port of the broker for TLS.",
            )
        client.username_pw_set(parts.username, secret.get_secret_value() if secret else None)
    return client
