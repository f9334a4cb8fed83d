"""A server that is asked for pages: with a token, within bounds, and nowhere else.

The token goes to the address that was given and to no other: not in the clear, by no redirect and
by no link. A server that is busy is waited for as long as it says, within bounds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.support.addressing import is_this_machine

# A feed of Geotab may take 180 s to begin its answer.
_TIMEOUT, _WHOLE_S = httpx.Timeout(200.0, connect=30.0), 900.0
_PAGE_BYTES_MAX = 512 << 20
_TRIES_COUNT, _WAIT_S, _WAIT_S_MAX = 5, 5.0, 120.0
_TOO_MANY, _SERVER_FAULT, _BUSY = 429, 500, 503
_TOLD_CHARACTERS_MAX = 200


@dataclass(frozen=True)
class Answer:
    """A page.

    Attributes
    ----------
    url : str
        Where it was had.
    content : bytes
        As it came, unpacked.
    document : dict
        The same, read.
    headers : Mapping
        Names with small letters.
    """

    url: str
    content: bytes
    document: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def at(self) -> datetime | None:
        """When the server answered, by its own clock; None if it does not say."""
        return _moment(self.headers.get("date", ""))

    @property
    def next_url(self) -> str:
        """Where the header Link leads on to; empty if nowhere."""
        link: dict[str, Any] = httpx.Response(200, headers=dict(self.headers)).links.get("next", {})
        return str(link.get("url", ""))


class PullClient:
    """A server, asked in the name of a fleet.

    Parameters
    ----------
    url : str
        Its address.
    headers : mapping
        Of every request, the token among them.

    Raises
    ------
    InputRefused
        ``pull_url_refused``: no address that a token may be sent to.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        refuse_in_the_clear(url)
        self.url = url.rstrip("/")
        told = {"accept": "application/json"} | dict(headers)
        # No redirect is followed, no proxy or password of the environment used.
        self._client = httpx.Client(
            headers=told, timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> PullClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """The page at a path below the address.

        Raises
        ------
        InputRefused
            ``pull_refused``.
        Unavailable
            ``pull_unavailable``.
        """
        return self._answered("GET", f"{self.url}{path}", params=params)

    def get_link(self, page: Answer, link: str) -> Answer:
        """The page at a link of another, which must be of the same server: the token goes there.

        Raises
        ------
        InputRefused, Unavailable
            As of `get`; ``pull_link_elsewhere``.
        """
        url = urljoin(page.url, link)
        if urlsplit(url)[:2] != urlsplit(self.url)[:2]:
            raise InputRefused(
                "pull_link_elsewhere",
                f"The server's link to its next page leads elsewhere: {url[:200]}",
                "Ask who runs the server; what came before it is asked for again.",
            )
        return self._answered("GET", url)

    def post(
        self,
        url: str,
        document: Mapping[str, Any],
        *,
        is_busy: Callable[[Mapping[str, Any]], bool],
    ) -> Answer:
        """The answer to a document, where `is_busy` tells that it is to be sent again later.

        Raises
        ------
        InputRefused, Unavailable
            As of `get`; ``pull_url_refused``.
        """
        refuse_in_the_clear(url)
        return self._answered("POST", url, document=document, is_busy=is_busy)

    def _answered(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
        is_busy: Callable[[Mapping[str, Any]], bool] = lambda _: False,
    ) -> Answer:
        wait_s = _WAIT_S
        for _ in range(_TRIES_COUNT):
            try:
                status, content, headers = self._asked(method, url, params, document)
                told = json.loads(content) if status == httpx.codes.OK else {}
            except (httpx.HTTPError, ValueError, RecursionError) as failure:
                raise unavailable(url, str(failure) or type(failure).__name__) from failure
            asked_s = _seconds(headers.get("retry-after", ""))
            busy = status == _TOO_MANY or (status == _BUSY and asked_s is not None)
            if not busy and status >= _SERVER_FAULT:
                raise unavailable(url, f"it answers {status}")
            if not busy and (status != httpx.codes.OK or not isinstance(told, dict)):
                raise refused(url, f"it answers {status} {_text_of(content)}".rstrip())
            if not busy and not is_busy(told):
                return Answer(url, content, told, headers)
            wait_s = wait_s if asked_s is None else asked_s
            if wait_s > _WAIT_S_MAX:
                break
            time.sleep(wait_s)
            wait_s = min(2 * max(wait_s, _WAIT_S), _WAIT_S_MAX)
        raise unavailable(url, "it is busy, and asks to wait")

    def _asked(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        document: Mapping[str, Any] | None,
    ) -> tuple[int, bytes, dict[str, str]]:
        ends_s = time.monotonic() + _WHOLE_S
        body = bytearray()
        with self._client.stream(method, url, params=params, json=document) as answer:
            for part in answer.iter_bytes():
                body += part
                if len(body) > _PAGE_BYTES_MAX:
                    raise refused(url, f"a page is larger than {_PAGE_BYTES_MAX >> 20} MiB")
                if time.monotonic() > ends_s:
                    raise unavailable(url, f"a page takes longer than {_WHOLE_S:.0f} s")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status_code, bytes(body), headers


def refuse_in_the_clear(url: str) -> None:
    """Refuse an address that a token may not be sent to.

    Raises
    ------
    InputRefused
        ``pull_url_refused`` if it is not https, unless it is on this very machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        is_here = is_this_machine(host)
    except ValueError:
        host, is_here = "", False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_here) if host else False
    if not is_safe or parts.username is not None or parts.query or parts.fragment:
        raise InputRefused(
            "pull_url_refused",
            f"{url[:200]} is no address to send a token to.",
            "Write https:// and the address; token and user are settings.",
        )


def refused(url: str, why: str) -> InputRefused:
    """The refusal of what a server answers."""
    return InputRefused(
        "pull_refused", f"{url[:200]}: {why}.", "Check address, token, user and rights."
    )


def unavailable(url: str, why: str) -> Unavailable:
    """That a server cannot be asked now."""
    return Unavailable(
        "pull_unavailable", f"{url[:200]} cannot be asked now: {why}", "Ask again later."
    )


def _text_of(content: bytes) -> str:
    text = " ".join(content[:_TOLD_CHARACTERS_MAX].decode("utf-8", "replace").split())
    return "".join(one for one in text if one.isprintable())


def _seconds(text: str) -> float | None:
    """How long a server wants to be left alone: so many seconds, or until a moment. [s]"""
    if text.isascii() and text.isdecimal() and len(text) < 9:
        return float(text)
    until = _moment(text)
    return max((until - datetime.now(UTC)).total_seconds(), 0.0) if until else None


def _moment(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
