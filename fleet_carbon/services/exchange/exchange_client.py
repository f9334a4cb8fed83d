"""Other hosts of iLEAP and PACT, asked with care: by OAuth 2, within bounds, and not at home.

The name of a host is looked up for each request, the address judged and then connected to as it
is: a name that leads into the own network is not followed there, unless a setting allows it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.messages.sending import Resolve, resolved
from fleet_carbon.services.support.addressing import is_public
from fleet_carbon.settings import Settings

_TIMEOUT_S, _WHOLE_S = 30.0, 900.0
_BODY_BYTES_MAX, _PAGES_MAX, _DOCUMENTS_MAX = 64 << 20, 10_000, 1_000_000
_TRIES_COUNT, _WAIT_S, _WAIT_S_MAX = 4, 0.5, 30.0
_PASSING = (429, 502, 503, 504)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Reply:
    """What a host answered: status, headers with small letters, and the JSON of the body if any."""

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def code(self) -> str:
        """The code of an error; empty if the body has none."""
        told = self.content.get("code") if isinstance(self.content, dict) else None
        return told if isinstance(told, str) else ""

    @property
    def next_url(self) -> str:
        """Where the header Link leads on to; empty if nowhere."""
        link: dict[str, Any] = httpx.Response(200, headers=dict(self.headers)).links.get("next", {})
        return str(link.get("url", ""))


class HostClient:
    """A host, asked in the name of a client of its.

    Parameters
    ----------
    settings : Settings
        `ileap_private`, `ileap_client_id`, `ileap_client_secret`.
    url : str
        Above ``/v1/ileap`` and ``/2``.
    client_id, client_secret : str
        Instead of those of the settings.
    resolve, pause : callable
        Name and port -> addresses; waits so many seconds.

    Raises
    ------
    InputRefused
        ``host_url_refused``: no address that a secret may be sent to.
    """

    def __init__(
        self,
        settings: Settings,
        url: str,
        *,
        client_id: str = "",
        client_secret: str = "",
        resolve: Resolve = resolved,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._is_private_allowed = settings.ileap_private
        self._refuse_unsafe(self.url)
        held = settings.ileap_client_secret
        self._client_id = client_id or settings.ileap_client_id
        self._client_secret = client_secret or (held.get_secret_value() if held else "")
        self._resolve, self._pause = resolve, pause
        self._token = ""
        self._ends_s = time.monotonic() + _WHOLE_S
        self._client = httpx.Client(follow_redirects=False, trust_env=False, timeout=_TIMEOUT_S)

    def __enter__(self) -> HostClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def token_reply(self, client_id: str | None = None, client_secret: str | None = None) -> Reply:
        """What the token endpoint answers to these credentials, or to the own."""
        known = self.ask("GET", f"{self.url}/.well-known/openid-configuration")
        told = known.content.get("token_endpoint") if isinstance(known.content, dict) else None
        place = told if isinstance(told, str) and known.status == 200 else "/auth/token"
        own = (self._client_id, self._client_secret)
        return self.ask(
            "POST",
            self._of_host(place),
            data={"grant_type": "client_credentials"},
            auth=(client_id or own[0], client_secret or own[1]),
        )

    def get(
        self, place: str, params: Mapping[str, str] | None = None, *, token: str | None = None
    ) -> Reply:
        """The answer to a path, or to a link of this host, with the own token or another."""
        secret = self._own_token() if token is None else token
        reply = self._got(place, params, secret)
        if token is None and reply.status == 401:  # it may have ended meanwhile
            self._token = ""
            reply = self._got(place, params, self._own_token())
        return reply

    def post(self, place: str, content: Mapping[str, Any]) -> Reply:
        """The answer to an event that is sent to a path of this host."""
        headers = {
            "authorization": f"Bearer {self._own_token()}",
            "content-type": "application/cloudevents+json; charset=UTF-8",
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        return self.ask("POST", self._of_host(place), content=body, headers=headers)

    def pages(
        self, place: str, params: Mapping[str, str] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """The documents of a list, page by page, to its end.

        Raises
        ------
        InputRefused
            ``host_refused``, ``host_link_elsewhere``, ``host_too_large``.
        Unavailable
            ``host_unavailable``.
        """
        count, seen = 0, set()
        for _ in range(_PAGES_MAX):
            reply = self.get(place, params)
            documents = documents_of(reply, place)
            count += len(documents)
            if count > _DOCUMENTS_MAX:
                break
            yield documents
            if not reply.next_url:
                return
            place, params = reply.next_url, None
            if place in seen:
                raise _refused(place, "its pages lead in a circle")
            seen.add(place)
        raise _too_large(self.url)

    def ask(self, method: str, url: str, **named: Any) -> Reply:
        """The answer to a request, asked again while the host is busy.

        Raises
        ------
        InputRefused
            ``host_url_refused``, ``host_private``, ``host_too_large``.
        Unavailable
            ``host_unavailable``.
        """
        wait_s, why = _WAIT_S, ""
        for number in range(_TRIES_COUNT):
            if number:
                self._pause(wait_s)
                wait_s = min(2 * wait_s, _WAIT_S_MAX)
            if time.monotonic() > self._ends_s:
                raise _unavailable(url, f"it takes longer than {_WHOLE_S:.0f} s")
            try:
                reply = self._asked(method, url, **named)
            except (httpx.HTTPError, OSError) as failure:
                why = str(failure) or type(failure).__name__
                continue
            if reply.status not in _PASSING:
                return reply
            why = f"it answers {reply.status}"
            told = reply.headers.get("retry-after", "")
            wait_s = min(float(told), _WAIT_S_MAX) if told.isdecimal() else wait_s
        raise _unavailable(url, why)

    def _asked(self, method: str, url: str, **named: Any) -> Reply:
        self._refuse_unsafe(url)
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        there = httpx.URL(url).copy_with(host=self._address(host, port))
        headers = {"accept": "application/json", "host": parts.netloc} | named.pop("headers", {})
        auth = named.pop("auth", None)
        with self._client.stream(
            method,
            there,
            headers=headers,
            auth=httpx.BasicAuth(*auth) if auth else None,
            extensions={"sni_hostname": host},
            **named,
        ) as answer:
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > _BODY_BYTES_MAX:
                    raise _too_large(url)
                if time.monotonic() > self._ends_s:
                    raise _unavailable(url, f"it takes longer than {_WHOLE_S:.0f} s")
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status_code, told, _json(bytes(body)))

    def _got(self, place: str, params: Mapping[str, str] | None, token: str) -> Reply:
        headers = {"authorization": f"Bearer {token}"}
        return self.ask("GET", self._of_host(place), params=params, headers=headers)

    def _of_host(self, place: str) -> str:
        """The address of a path or link, which must be of this host: the secret goes there."""
        url = f"{self.url}{place}" if place.startswith("/") else urljoin(f"{self.url}/", place)
        if urlsplit(url)[:2] != urlsplit(self.url)[:2]:
            raise InputRefused(
                "host_link_elsewhere",
                f"The host leads elsewhere: {url[:200]}",
                "Ask who runs it: links and the token endpoint are of its own address.",
            )
        return url

    def _own_token(self) -> str:
        if not self._token:
            if not (self._client_id and self._client_secret):
                raise InputRefused(
                    "host_credentials_missing",
                    "There are no client id and secret to ask the host with.",
                    "Set FLEET_CARBON_ILEAP_CLIENT_ID and FLEET_CARBON_ILEAP_CLIENT_SECRET.",
                )
            reply = self.token_reply()
            told = reply.content.get("access_token") if isinstance(reply.content, dict) else None
            if reply.status != 200 or not isinstance(told, str):
                raise _refused(self.url, f"its token endpoint answers {reply.status}")
            self._token = told
        return self._token

    def _address(self, host: str, port: int) -> str:
        addresses = asyncio.run(_all_of(self._resolve(host, port)))
        if not addresses:
            raise _unavailable(host, "the name has no address")
        if not self._is_private_allowed and not all(map(is_public, addresses)):
            raise InputRefused(
                "host_private",
                f"{host} leads to an address that is not of the public internet.",
                "Nothing was sent; FLEET_CARBON_ILEAP_PRIVATE allows it.",
            )
        return addresses[0]

    def _refuse_unsafe(self, url: str) -> None:
        parts = urlsplit(url)
        schemes = ("https", "http") if self._is_private_allowed else ("https",)
        if parts.scheme not in schemes or not parts.hostname or parts.username is not None:
            raise InputRefused(
                "host_url_refused",
                f"{url[:200]} is no address to send a secret to.",
                "Write https:// and the host; FLEET_CARBON_ILEAP_PRIVATE allows http.",
            )


async def _all_of(addresses: Awaitable[list[str]]) -> list[str]:
    return await addresses


def documents_of(reply: Reply, place: str) -> list[dict[str, Any]]:
    """The documents of a page.

    Raises
    ------
    InputRefused
        ``host_refused`` if it is none.
    """
    told = reply.content.get("data") if isinstance(reply.content, dict) else None
    if reply.status != 200:
        raise _refused(place, f"it answers {reply.status} {reply.code}".rstrip())
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise _refused(place, "its answer is no list of documents under `data`")
    return told


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _refused(place: str, why: str) -> InputRefused:
    return InputRefused(
        "host_refused", f"{place[:200]}: {why}.", "Check address, credentials and rights."
    )


def _too_large(url: str) -> InputRefused:
    return InputRefused(
        "host_too_large", f"{url[:200]} sends more than is taken.", "Ask for less, by filters."
    )


def _unavailable(url: str, why: str) -> Unavailable:
    return Unavailable(
        "host_unavailable", f"{url[:200]} cannot be asked now: {why}", "Ask again later."
    )
