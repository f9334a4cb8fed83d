"""How each system is asked for its pages, and where the next time goes on.

A source yields pages as they come. One that says where to go on stands for all before it: where
that is a cursor of the server, each page does; where it is a moment, only the last of a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

from fleet_carbon.services.pulls.pull_client import Answer, PullClient, refused, unavailable
from fleet_carbon.services.support import logs

SINCE = "since"
"""Where the first time begins, in place of what a server said. [UTC]"""


@dataclass(frozen=True)
class Page:
    """A page, or what is left of one.

    Attributes
    ----------
    content : bytes
        A JSON document; empty if it holds nothing that is wanted.
    rows_count : int
        Rows in it.
    goes_on : mapping or None
        Where the next time begins if nothing follows this page; None while that is not known.
    """

    content: bytes
    rows_count: int
    goes_on: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Login:
    """By which a server knows who asks; empty where it need not."""

    token: str = ""
    user: str = ""


class PageSource(Protocol):
    """A system whose pages are asked for."""

    kind: str

    def __init__(self, resource: str, login: Login) -> None: ...

    def headers(self, url: str) -> dict[str, str]:
        """What every request carries."""
        ...

    def pages(self, client: PullClient, begin: Mapping[str, str]) -> Iterator[Page]:
        """Yield the pages since `begin`: what a page said before, or `SINCE`."""
        ...


class Rfms:
    """Vehicle statuses or positions of rFMS 4, by the time at which the server received them.

    Two traps of the specification are avoided. Inside an answer of several pages its advice for
    the next `starttime` is the last `receivedDateTime` and a second, which loses what came in the
    same second: here the link to the next page is followed, or that second is asked for again, and
    what comes twice is a duplicate. Between two times `requestServerDateTime` of the first page is
    where to go on: the server's clock, not that of a truck or of this machine.
    """

    kind = "positions"
    _RESPONSES: ClassVar = {
        "statuses": ("vehiclestatuses", "vehicleStatusResponse", "vehicleStatuses"),
        "positions": ("vehiclepositions", "vehiclePositionResponse", "vehiclePositions"),
    }

    def __init__(self, resource: str, login: Login) -> None:
        self._path, self._response, self._name = self._RESPONSES[resource]
        self._login = login

    def headers(self, url: str) -> dict[str, str]:
        """The version that is asked for, and the token."""
        del url
        return {"accept": f"application/json; rfms={self._path}.v4.0"} | bearer(self._login)

    def pages(self, client: PullClient, begin: Mapping[str, str]) -> Iterator[Page]:
        """Yield the pages as they come, until there is no more data."""
        starttime = begin.get("starttime") or begin[SINCE]
        answer, goes_on_at = self._asked(client, starttime), ""
        while True:
            page, held = answer.document, self._held(answer.document)
            goes_on_at = goes_on_at or str(page.get("requestServerDateTime") or "")
            if page.get("moreDataAvailable") is not True:
                goes_on = {"starttime": goes_on_at or starttime}
                yield Page(answer.content, len(held), goes_on)
                return
            yield Page(answer.content, len(held))
            link = page.get("moreDataAvailableLink")
            if isinstance(link, str) and link:
                answer = client.get_link(answer, link)
            else:
                starttime = self._next(client, held, starttime)
                answer = self._asked(client, starttime)

    def _asked(self, client: PullClient, starttime: str) -> Answer:
        return client.get(f"/{self._path}", {"starttime": starttime, "datetype": "received"})

    def _held(self, page: Mapping[str, Any]) -> list[dict[str, Any]]:
        response = page.get(self._response)
        return objects_of(response.get(self._name) if isinstance(response, dict) else None)

    def _next(self, client: PullClient, held: list[dict[str, Any]], starttime: str) -> str:
        """The last second of a page again; where it filled the whole page, the one after."""
        received = [str(one.get("receivedDateTime", "")) for one in held]
        try:
            last = max(datetime.fromisoformat(one) for one in received)
            before = datetime.fromisoformat(starttime)
            last = last.replace(microsecond=0)
            if last > before:
                return stamp(last)
        except (ValueError, TypeError) as unreadable:
            raise unavailable(client.url, "a page names no time received") from unreadable
        logs.tell(
            "A second fills more than a page without a link to the next: some of it is not had.",
            level="warning",
            second=starttime,
        )
        return stamp(before + timedelta(seconds=1))


class Samsara:
    """The feed of vehicle stats, gone on with by its cursor; the first time, its history before.

    A feed that is asked without a cursor tells the last known stats and a cursor, nothing of what
    was before. So the cursor is taken first and the history up to then after it: what comes
    meanwhile is told by the feed the next time. Pages may be short or empty and have a next.
    """

    kind = "positions"
    # As many as may be asked for at once; counters are laid beside the fixes of their moment.
    _STATS: ClassVar = {"types": "gps,obdOdometerMeters,fuelConsumedMilliliters"}
    _PATH = "/fleet/vehicles/stats"

    def __init__(self, resource: str, login: Login) -> None:
        del resource  # there is one
        self._login = login

    def headers(self, url: str) -> dict[str, str]:
        """The token."""
        del url
        return bearer(self._login)

    def pages(self, client: PullClient, begin: Mapping[str, str]) -> Iterator[Page]:
        """Yield the pages as they come, until there is none more."""
        if after := begin.get("after"):
            for page, cursor, _ in self._followed(client, "/feed", self._STATS, after):
                yield Page(page.content, page.rows_count, {"after": cursor})
            return
        # What is last known of each truck is in the history, too, if it is not of before.
        [(_, cursor, now)] = deque(self._followed(client, "/feed", self._STATS, ""), maxlen=1)
        ends_at = stamp(now or datetime.now(UTC))
        span = {"startTime": begin[SINCE], "endTime": ends_at}
        for page, _, _ in self._followed(client, "/history", self._STATS | span, ""):
            yield page
        yield Page(b"", 0, {"after": cursor})

    def _followed(
        self, client: PullClient, resource: str, params: Mapping[str, str], after: str
    ) -> Iterator[tuple[Page, str, datetime | None]]:
        """Each page, the cursor behind it, and when the server told it."""
        while True:
            told = {**params, "after": after} if after else params
            answer = client.get(f"{self._PATH}{resource}", told)
            pagination, data = answer.document.get("pagination"), answer.document.get("data")
            cursor = pagination.get("endCursor") if isinstance(pagination, dict) else None
            if not isinstance(pagination, dict) or not isinstance(data, list):
                raise refused(client.url, "a page has no `data` and `pagination`")
            has_next = pagination.get("hasNextPage") is True
            if not isinstance(cursor, str) or not (cursor or after or resource == "/history"):
                raise refused(client.url, "a page names no endCursor")
            rows_count = sum(_count(one.get("gps")) for one in objects_of(data))
            yield Page(answer.content, rows_count), cursor or after, answer.at
            if not has_next:
                return
            if not cursor or cursor == after:
                raise unavailable(client.url, "there is a next page and no new cursor to it")
            after = cursor


def stamp(at: datetime) -> str:
    """A moment as servers read it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: Any) -> datetime | None:
    """A moment as servers write it, UTC where they leave that out; None if it is none."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def bearer(login: Login) -> dict[str, str]:
    """The token as OAuth 2 has it; nothing without one."""
    return {"authorization": f"Bearer {login.token}"} if login.token else {}


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none if it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value is not None)
