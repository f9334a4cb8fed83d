"""Charge detail records of an operator of charge points, by OCPI.

https://github.com/ocpi/ocpi, transport and format: a list is told in pages with a link to the next,
inside an envelope whose `status_code` says what an answer is worth whatever its status.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from fleet_carbon.services.pulls.pull_client import Answer, PullClient, refused, unavailable
from fleet_carbon.services.pulls.pull_sources import (
    SINCE,
    Login,
    Page,
    moment_of,
    objects_of,
    stamp,
)

_LIMIT = 500
_GOOD, _FAULT_OF_SERVER = range(1000, 2000), range(3000, 4000)
# What a server writes down a little after its moment; it comes twice and is a duplicate.
_OVERLAP = timedelta(minutes=10)
# From 2.2.1 on, and 2.2 in its later editions, the token is sent in base64.
_PLAIN_VERSIONS = re.compile(r"/2\.[01](\.\d+)?(/|$)")


class Ocpi:
    """Records by when they were last changed; links to the next page are followed."""

    kind = "energy"

    def __init__(self, resource: str, login: Login) -> None:
        del resource  # there is one
        self._login = login

    def headers(self, url: str) -> dict[str, str]:
        """The token as the version of the address writes it, or as it is with `Token` before it."""
        token = self._login.token
        if token.startswith("Token "):
            return {"authorization": token}
        if not _PLAIN_VERSIONS.search(url):
            token = b64encode(token.encode()).decode()
        return {"authorization": f"Token {token}"} if token else {}

    def pages(self, client: PullClient, begin: Mapping[str, str]) -> Iterator[Page]:
        """Yield the pages as they come, until there is none more."""
        date_from = begin.get("date_from") or begin[SINCE]
        answer = client.get("", _params(date_from, 0))
        goes_on_at = _later(answer, date_from)
        count, seen = 0, set[str]()
        while True:
            records = _records_of(client, answer)
            count += len(records)
            has_more = bool(records) and count < _total_of(answer)
            if not (answer.next_url or has_more):
                yield Page(answer.content, len(records), {"date_from": goes_on_at})
                return
            yield Page(answer.content, len(records))
            if not answer.next_url:
                # No link though there is more: the next records are asked for by their number.
                answer = client.get("", _params(date_from, count))
                continue
            if answer.next_url in seen:
                raise unavailable(client.url, "its pages lead in a circle")
            seen.add(answer.next_url)
            answer = client.get_link(answer, answer.next_url)


def _params(date_from: str, offset: int) -> dict[str, str]:
    return {"date_from": date_from, "offset": str(offset), "limit": str(_LIMIT)}


def _records_of(client: PullClient, answer: Answer) -> list[dict[str, Any]]:
    code, data = answer.document.get("status_code"), answer.document.get("data")
    told = f"{code} {str(answer.document.get('status_message') or '')[:200]}".rstrip()
    if code in _FAULT_OF_SERVER:
        raise unavailable(client.url, f"it answers {told}")
    if code not in _GOOD or not isinstance(data, list):
        raise refused(client.url, f"it answers {told}")
    return objects_of(data)


def _total_of(answer: Answer) -> int:
    told = answer.headers.get("x-total-count", "")
    return int(told) if told.isascii() and told.isdecimal() else 0


def _later(answer: Answer, date_from: str) -> str:
    """When the first page was told, by the server's clock; where it begins if that is not told."""
    told: datetime | None = moment_of(answer.document.get("timestamp"))
    return stamp(told - _OVERLAP) if told else date_from
