"""Feeds of Geotab: JSON-RPC with a session, each feed gone on with by the version it has come to.

https://developers.geotab.com: the guides on concepts, data feed and rate limits. Errors stand in
answers whose status is 200. The password goes to the address that was given alone; the session goes
where the answer to it says that the database is, if that is of Geotab, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.dialects.geotab import DIAGNOSTICS_READ
from fleet_carbon.services.pulls.pull_client import PullClient, refused, unavailable
from fleet_carbon.services.pulls.pull_sources import SINCE, Login, Page, objects_of

_RESULTS_MAX = 50_000
# A feed may be asked once a second.
_GAP_S = 1.0
_STAYS = "ThisServer"
_DOMAIN = ".geotab.com"
_OVER_LIMIT, _STRANGER = "OverLimitException", "InvalidUserException"
_PASSING = "UnavailableException"
_FEEDS = {"positions": ("LogRecord", "StatusData"), "fills": ("FillUp",)}


@dataclass
class _Feed:
    """How far a feed has come."""

    name: str
    version: str
    # The latest of its records, so that fixes and readings of one time come together.
    latest_at: str = ""
    asked_s: float = float("-inf")
    is_done: bool = False


class Geotab:
    """Fixes with the readings that lie beside them, or fills."""

    def __init__(self, resource: str, login: Login) -> None:
        self.kind = "energy" if resource == "fills" else "positions"
        self._names = _FEEDS[resource]
        self._login = login

    def headers(self, url: str) -> dict[str, str]:
        """None: who asks stands in the documents."""
        del url
        return {}

    def pages(self, client: PullClient, begin: Mapping[str, str]) -> Iterator[Page]:
        """Yield pages of the feed that is furthest behind, until none has more."""
        session = _Session(client, self._login)
        feeds = [_Feed(name, begin.get(name, "")) for name in self._names]
        while still := [one for one in feeds if not one.is_done]:
            feed = min(still, key=lambda one: one.latest_at)
            records = _next_of(session, feed, begin.get(SINCE, ""))
            content = json.dumps({"result": {"data": records}}).encode() if records else b""
            rows_count = sum(_is_row(one) for one in records)
            versions = {one.name: one.version for one in feeds}
            yield Page(content, rows_count, versions if all(versions.values()) else None)


def _next_of(session: _Session, feed: _Feed, since: str) -> list[dict[str, Any]]:
    """What the feed tells next, as far as it is read; how far it has come is noted."""
    place: dict[str, Any] = {"fromVersion": feed.version} if feed.version else {}
    # Where a version is given, a search has no say.
    place = place or {"search": {"fromDate": since}}
    time.sleep(max(feed.asked_s + _GAP_S - time.monotonic(), 0.0))
    feed.asked_s = time.monotonic()
    told = session.call("GetFeed", typeName=feed.name, resultsLimit=_RESULTS_MAX, **place)
    data = told.get("data") if isinstance(told, dict) else None
    version = told.get("toVersion") if isinstance(told, dict) else None
    if not isinstance(data, list) or not isinstance(version, str) or not version:
        raise refused(session.server, f"the feed of {feed.name} has no `data` and `toVersion`")
    feed.is_done = len(data) < _RESULTS_MAX
    if not feed.is_done and version == feed.version:
        raise unavailable(session.server, f"the feed of {feed.name} has more and does not go on")
    records = objects_of(data)
    feed.version = version
    feed.latest_at = max([feed.latest_at, *(str(one.get("dateTime", "")) for one in records)])
    if feed.name == "StatusData":  # all that a truck can measure: most of it serves nothing here
        return [one for one in records if _diagnostic_of(one) in DIAGNOSTICS_READ]
    return records


def _is_row(record: Mapping[str, Any]) -> bool:
    return record.get("latitude") is not None or record.get("volume") is not None


def _diagnostic_of(record: Mapping[str, Any]) -> Any:
    named = record.get("diagnostic")
    return named.get("id") if isinstance(named, dict) else named


class _Session:
    """Calls of the API; signed in when needed, and once more where a session has ended.

    Attributes
    ----------
    server : str
        Where the database is.
    """

    def __init__(self, client: PullClient, login: Login) -> None:
        parts = urlsplit(client.url)
        self._client, self._login = client, login
        self._entrance = f"{parts.scheme}://{parts.netloc}"
        self._database = parts.path.strip("/")
        self.server = self._entrance
        self._credentials: dict[str, Any] = {}
        if not (login.user and login.token and self._database):
            raise InputRefused(
                "pull_credentials_missing",
                "Geotab wants a database, a user and a password.",
                "Write https://my.geotab.com/DATABASE, and set FLEET_CARBON_PULL_USER and"
                " FLEET_CARBON_PULL_TOKEN, the password.",
            )

    def call(self, method: str, **params: Any) -> Any:
        """What a method answers."""
        if self._credentials:
            told, error = self._asked(self.server, method, params)
            if error != _STRANGER:
                return told
        self._sign_in()
        told, error = self._asked(self.server, method, params)
        if error:
            raise refused(self.server, f"{method} answers {error}")
        return told

    def _sign_in(self) -> None:
        login = {"database": self._database, "userName": self._login.user}
        self._credentials = {}
        told, error = self._asked(
            self._entrance, "Authenticate", {**login, "password": self._login.token}
        )
        credentials = told.get("credentials") if isinstance(told, dict) else None
        if error or not isinstance(credentials, dict) or not credentials.get("sessionId"):
            raise refused(self._entrance, f"Authenticate answers {error or 'no session'}")
        self.server = server_of(self._entrance, str(told.get("path") or _STAYS))
        self._credentials = credentials

    def _asked(self, server: str, method: str, params: Mapping[str, Any]) -> tuple[Any, str]:
        """The result, and `InvalidUserException` where the caller is not known (any more)."""
        own = {"credentials": self._credentials} if self._credentials else {}
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, **own}}
        url = f"{server}/apiv1"
        document = self._client.post(
            url, call, is_busy=lambda told: _error_of(told)[0] == _OVER_LIMIT
        ).document
        error, message = _error_of(document)
        if error.endswith(_PASSING):
            raise unavailable(url, f"{error}: {message}")
        if error and error != _STRANGER:
            raise refused(url, f"{method} answers {error}: {message}")
        return document.get("result"), error


def server_of(entrance: str, path: str) -> str:
    """The server of a database, by what the server that was asked says.

    Parameters
    ----------
    entrance : str
        Scheme and host that were asked.
    path : str
        ``ThisServer``, or the host.

    Raises
    ------
    InputRefused
        ``pull_server_elsewhere``: a session goes from a server of Geotab to another one of Geotab,
        by https, and nowhere else unless the user writes that address.
    """
    own = urlsplit(entrance)
    there = urlsplit(path if "//" in path else f"//{path}")
    if path == _STAYS or there.netloc == own.netloc:
        return entrance
    both = (own.hostname or "", there.hostname or "")
    is_plain = there.netloc == there.hostname and there.scheme in ("", "https")
    if is_plain and all(one.endswith(_DOMAIN) for one in both):
        return f"https://{there.netloc}"
    raise InputRefused(
        "pull_server_elsewhere",
        f"The server says that the database is on {path[:200]}.",
        "No session was sent there; write that address if you trust it.",
    )


def _error_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """Type and message of the error inside an answer; empty if there is none."""
    error = document.get("error")
    if error is None:
        return "", ""
    held = error if isinstance(error, dict) else {}
    data = held.get("data")
    kind = data.get("type") if isinstance(data, dict) else None
    return str(kind or "an error"), str(held.get("message") or "")[:200]
