"""One message to one receiver: signed, sent to an address that was judged, its answer noted.

By Standard Webhooks (https://www.standardwebhooks.com, version 1): headers webhook-id,
webhook-timestamp and webhook-signature, the last with a signature by each secret that is valid.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from fleet_carbon.services.support.addressing import is_public
from fleet_carbon.storage.webhooks import Attempt, DeliveryRow

TIMEOUT_S = 15.0
"""How long a receiver may take to answer, from the look-up of its name on. [s]"""
_ANSWER_BYTES = 1000
_CLIENTS_MAX = 256
# As many connections of a receiver stay open as are used at a time, so that each is used again.
_CONNECTIONS = httpx.Limits(
    max_connections=None, max_keepalive_connections=128, keepalive_expiry=30.0
)
_PORTS = {"https": 443, "http": 80}
Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True)
class Message:
    """What is sent.

    Attributes
    ----------
    delivery : DeliveryRow
        As it was claimed.
    url : str
        Of the endpoint.
    secrets : tuple of str
        That sign it, ``whsec_...``.
    """

    delivery: DeliveryRow
    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What came of sending: the attempt, and after how long the receiver wants the next. [s]"""

    attempt: Attempt
    retry_after_s: float | None = None


def body_of(delivery: DeliveryRow) -> str:
    """The body of a message: type, moment of what happened, data."""
    told = {
        "type": delivery.type,
        "timestamp": delivery.happened_at.isoformat(),
        "data": delivery.content,
    }
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


def headers_of(message: Message, body: str, at: datetime) -> dict[str, str]:
    """The headers that a receiver checks."""
    event_id = message.delivery.event_id
    signed = (Webhook(one).sign(event_id, at, body) for one in message.secrets)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "fleet-carbon-webhooks/1",
    }


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name; that of an address is itself."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class _Refused(Exception):
    """The message is not sent; the text says why."""


class Sender:
    """Sends messages, many at a time; connections are used again for the same receiver.

    Parameters
    ----------
    is_private_allowed : bool
        Whether http and private addresses will do.
    resolve : callable
        Name and port -> addresses.
    """

    def __init__(self, *, is_private_allowed: bool, resolve: Resolve = resolved) -> None:
        self._is_private_allowed = is_private_allowed
        self._resolve = resolve
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def send(self, message: Message, at: datetime) -> Answer:
        """Send a message, and tell what came of it; nothing that a receiver does is an error here.

        Parameters
        ----------
        message : Message
        at : datetime
            Now; it is signed.
        """
        begun_s = time.monotonic()
        status: int | None = None
        answer, failure, retry_after_s = "", "", None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, answer, retry_after_s = await self._posted(message, at)
        except TimeoutError:
            failure = f"no answer within {TIMEOUT_S:.0f} s"
        except (_Refused, httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as wrong:
            failure = str(wrong)[:300] or type(wrong).__name__
        attempt = Attempt(
            number=message.delivery.attempts_count + 1,
            attempted_at=at,
            latency_ms=round(1000 * (time.monotonic() - begun_s)),
            status=status,
            answer=answer,
            failure=failure,
        )
        return Answer(attempt, retry_after_s)

    async def _posted(self, message: Message, at: datetime) -> tuple[int, str, float | None]:
        if not message.secrets:
            raise _Refused("not sent: there is no secret that could sign it")
        parts = urlsplit(message.url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        address = await self._address(parts.scheme, host, port)
        # Connected to is the address that was judged; name and certificate are those of the host.
        url = httpx.URL(message.url).copy_with(host=address)
        body = body_of(message.delivery)
        named = f"[{host}]" if ":" in host else host
        headers = headers_of(message, body, at)
        headers["host"] = named if parts.port is None else f"{named}:{port}"
        extensions: dict[str, Any] = {"sni_hostname": host}
        client = await self._client(f"{parts.scheme}://{host}:{port}")
        async with client.stream(
            "POST", url, content=body.encode(), headers=headers, extensions=extensions
        ) as answered:
            content = b""
            async for part in answered.aiter_raw():
                content += part
                if len(content) >= _ANSWER_BYTES:
                    break
            text = content[:_ANSWER_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")
            return answered.status_code, text, _seconds(answered.headers.get("retry-after", ""))

    async def _address(self, scheme: str, host: str, port: int) -> str:
        addresses = await self._resolve(host, port)
        if not addresses:
            raise _Refused("the name has no address")
        if self._is_private_allowed:
            return addresses[0]
        if scheme != "https":
            raise _Refused("not sent: the address does not begin with https://")
        forbidden = [one for one in addresses if not is_public(one)]
        if forbidden:
            raise _Refused("not sent: the name leads to an address that is not public")
        return addresses[0]

    async def _client(self, origin: str) -> httpx.AsyncClient:
        """One for each name: a connection that was certified for one serves no other."""
        if origin not in self._clients and len(self._clients) >= _CLIENTS_MAX:
            oldest = next(iter(self._clients))
            await self._clients.pop(oldest).aclose()
        if origin not in self._clients:
            self._clients[origin] = httpx.AsyncClient(
                follow_redirects=False, trust_env=False, timeout=TIMEOUT_S, limits=_CONNECTIONS
            )
        return self._clients[origin]


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() and len(text) < 9 else None
