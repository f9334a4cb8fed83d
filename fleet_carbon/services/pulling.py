"""Pages of an rFMS server asked for and taken in; the next time goes on where this one ended.

Two traps of the specification are avoided. Inside an answer of several pages its advice for the
next `starttime` is the last `receivedDateTime` and a second, which loses what came in the same
second: here the link to the next page is followed, or that second is asked for again, and what
comes twice is a duplicate. Between two times `requestServerDateTime` of the first page is where to
go on: the server's clock, not that of a truck or of this machine.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services import logs
from fleet_carbon.services.ingesting import Intake, Source, ingest_files
from fleet_carbon.settings import Settings

RESOURCES = {"statuses": "vehiclestatuses", "positions": "vehiclepositions"}
_RESPONSES = {
    "vehiclestatuses": ("vehicleStatusResponse", "vehicleStatuses"),
    "vehiclepositions": ("vehiclePositionResponse", "vehiclePositions"),
}
_PAGES_MAX = 10_000
_TIMEOUT_S = 60.0
_TOO_MANY, _SERVER_FAULT = 429, 500


@dataclass(frozen=True)
class RfmsSource:
    """What is asked for.

    Attributes
    ----------
    url : str
        Above ``/vehiclestatuses``, such as ``https://api.example.com/rfms``.
    resource : str
        One of `RESOURCES`.
    state_path : Path
        File that keeps where the next time goes on.
    since_at : datetime or None
        Where the first time begins, aware; needed while there is no such file.
    """

    url: str
    resource: str
    state_path: Path
    since_at: datetime | None = None


def pull_rfms(settings: Settings, source: RfmsSource) -> Intake:
    """Ask for all that the server has received since the last time, and take it in.

    Parameters
    ----------
    settings : Settings
        The fleet; `rfms_token`.
    source : RfmsSource
        What is asked for.

    Raises
    ------
    InputRefused
        ``rfms_url_refused``, ``rfms_begin_missing``, ``rfms_refused``, ``rfms_link_elsewhere``.
    Unavailable
        ``rfms_unavailable``: nothing of this time is kept, and the next asks for the same.
    """
    asked = _Asking(settings, source)
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-rfms-") as folder:
        path = Path(folder) / f"rfms-{RESOURCES[source.resource]}.ndjson"
        with path.open("wb") as file:
            for page in asked.pages(_begin(source)):
                file.write(page.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
        intake = ingest_files(settings, "positions", [path], source=Source(dialect="rfms"))
    # Only now: what is asked for twice is a duplicate, what is never asked for is lost.
    source.state_path.write_text(json.dumps({"starttime": asked.goes_on_at}), encoding="utf-8")
    return intake


def _begin(source: RfmsSource) -> str:
    if source.state_path.exists():
        try:
            return str(json.loads(source.state_path.read_bytes())["starttime"])
        except (ValueError, KeyError, TypeError) as broken:
            raise InputRefused(
                "rfms_begin_missing",
                f"{source.state_path} does not say where to go on: {broken}",
                "Remove it, and say --since.",
            ) from broken
    if source.since_at is None:
        raise InputRefused(
            "rfms_begin_missing",
            f"There is no {source.state_path} that says where to go on.",
            "Say with --since where the first time begins.",
        )
    return _stamp(source.since_at)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Asking:
    """The pages of one time.

    Attributes
    ----------
    goes_on_at : str
        Where the next time begins, once the first page has come.
    """

    def __init__(self, settings: Settings, source: RfmsSource) -> None:
        _refuse_in_the_clear(source.url)
        self.goes_on_at = ""
        self._resource = RESOURCES[source.resource]
        self._address = f"{source.url.rstrip('/')}/{self._resource}"
        token = settings.rfms_token
        self._headers = {"accept": f"application/json; rfms={self._resource}.v4.0"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token.get_secret_value()}"

    def pages(self, starttime: str) -> Iterator[bytes]:
        """Yield the pages as they come, until there is no more data."""
        params: dict[str, str] | None = {"starttime": starttime, "datetype": "received"}
        address = self._address
        with httpx.Client(headers=self._headers, timeout=_TIMEOUT_S, trust_env=False) as client:
            for _ in range(_PAGES_MAX):
                content, page = self._page(client, address, params)
                self.goes_on_at = self.goes_on_at or str(page.get("requestServerDateTime", ""))
                yield content
                if page.get("moreDataAvailable") is not True:
                    break
                link = page.get("moreDataAvailableLink")
                if isinstance(link, str) and link:
                    address, params = self._followed(link), None
                else:
                    starttime = self._next(page, starttime)
                    params = {"starttime": starttime, "datetype": "received"}
        self.goes_on_at = self.goes_on_at or starttime

    def _page(
        self, client: httpx.Client, address: str, params: dict[str, str] | None
    ) -> tuple[bytes, dict[str, Any]]:
        try:
            answer = client.get(address, params=params)
            status = answer.status_code
            page = answer.json() if status == httpx.codes.OK else {}
        except (httpx.HTTPError, ValueError) as failure:
            raise _unavailable(address, str(failure) or type(failure).__name__) from failure
        if status == _TOO_MANY or status >= _SERVER_FAULT:
            raise _unavailable(address, f"it answers {status}")
        if status != httpx.codes.OK or not isinstance(page, dict):
            raise InputRefused(
                "rfms_refused",
                f"The server answers {address} with {status}.",
                "Check address, token and rights.",
            )
        return answer.content, page

    def _followed(self, link: str) -> str:
        """The address of a link, which must be of the same server: the token goes there."""
        address = urljoin(self._address, link)
        if urlsplit(address)[:2] != urlsplit(self._address)[:2]:
            raise InputRefused(
                "rfms_link_elsewhere",
                f"The server's link to its next page leads elsewhere: {address}",
                "Nothing was taken in; ask who runs the server.",
            )
        return address

    def _next(self, page: dict[str, Any], starttime: str) -> str:
        """The last second of a page again; where it filled the whole page, the one after."""
        response, name = _RESPONSES[self._resource]
        held = (page.get(response) or {}).get(name) or []
        received = [str(one.get("receivedDateTime", "")) for one in held if isinstance(one, dict)]
        try:
            last = max(datetime.fromisoformat(one) for one in received)
            before = datetime.fromisoformat(starttime)
        except (ValueError, TypeError) as unreadable:
            raise _unavailable(self._address, "a page names no time received") from unreadable
        last = last.replace(microsecond=0)
        if last > before:
            return _stamp(last)
        logs.tell(
            "A second fills more than a page without a link to the next: some of it is not had.",
            level="warning",
            second=starttime,
        )
        return _stamp(before + timedelta(seconds=1))


def _refuse_in_the_clear(url: str) -> None:
    parts = urlsplit(url)
    try:
        is_here = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        is_here = False
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
        raise InputRefused(
            "rfms_url_refused",
            f"{url} is no address to send a token to.",
            "Write https:// and the address above /vehiclestatuses.",
        )


def _unavailable(address: str, why: str) -> Unavailable:
    return Unavailable(
        "rfms_unavailable", f"{address} cannot be asked now: {why}", "Ask again later."
    )
