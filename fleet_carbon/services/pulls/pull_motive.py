"""Locations of Motive's vehicles: the list of these, and for each what was written down since.

https://developer.gomotive.com: units are those of the account unless a header says which, moments
are UTC unless a header names a zone (and UTC is none that it could name), so none is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fleet_carbon.services.pulls.pull_client import PullClient, refused
from fleet_carbon.services.pulls.pull_sources import (
    SINCE,
    Login,
    Page,
    bearer,
    moment_of,
    objects_of,
    stamp,
)

_PER_PAGE = 100
# At most three months may be asked for at once.
_SPAN = timedelta(days=88)
# Vehicles without a network tell later where they were: so far back is looked for what is new.
_REACH = timedelta(days=30)
_OVERLAP = timedelta(minutes=10)


class Motive:
    """Every location of every vehicle, in metric units."""

    kind = "positions"

    def __init__(self, resource: str, login: Login) -> None:
        del resource  # there is one
        self._login = login

    def headers(self, url: str) -> dict[str, str]:
        """A key, or a token of OAuth 2 with `Bearer` before it; and metric units."""
        del url
        token, metric = self._login.token, {"x-metric-units": "true"}
        if token.startswith("Bearer "):
            return metric | bearer(Login(token.removeprefix("Bearer ")))
        return metric | ({"x-api-key": token} if token else {})

    def pages(self, client: PullClient, begin: Mapping[str, str]) -> Iterator[Page]:
        """Yield what each vehicle was at, vehicle by vehicle."""
        updated_after = begin.get("updated_after", "")
        since = moment_of(updated_after or begin.get(SINCE))
        if since is None:
            raise refused(client.url, "the state names no moment")
        now: datetime | None = None
        vehicles: list[dict[str, Any]] = []
        for answer, held in _listed(client, "/v1/vehicles", "vehicles", {}):
            now = now or answer
            vehicles += [one["vehicle"] for one in held if isinstance(one.get("vehicle"), dict)]
        now = now or datetime.now(UTC)
        first = since - _REACH if updated_after else since
        for vehicle in vehicles:
            for start, end in _spans(first.date(), now.date()):
                params = {"start_date": start.isoformat(), "end_date": end.isoformat()}
                if updated_after:
                    params["updated_after"] = updated_after
                yield from _locations(client, vehicle, params)
        yield Page(b"", 0, {"updated_after": stamp(now - _OVERLAP)})


def _locations(
    client: PullClient, vehicle: Mapping[str, Any], params: Mapping[str, str]
) -> Iterator[Page]:
    """What a vehicle was at, with its name beside each place."""
    place = f"/v3/vehicle_locations/{vehicle.get('id')}"
    named = {"id": vehicle.get("id"), "number": vehicle.get("number")}
    for _, held in _listed(client, place, "vehicle_locations", params):
        told = [{**one, "vehicle": named} for one in held if one.get("vehicle_location")]
        content = json.dumps({"vehicle_locations": told}).encode() if told else b""
        yield Page(content, len(told))


def _listed(
    client: PullClient, place: str, name: str, params: Mapping[str, str]
) -> Iterator[tuple[datetime | None, list[dict[str, Any]]]]:
    """The pages of a list, and when the server told each."""
    number, count = 1, 0
    while True:
        paging = {"page_no": str(number), "per_page": str(_PER_PAGE)}
        answer = client.get(place, {**params, **paging})
        listed, pagination = answer.document.get(name), answer.document.get("pagination")
        if not isinstance(listed, list):
            raise refused(client.url, f"a page of {place} has no `{name}`")
        held = objects_of(listed)
        yield answer.at, held
        count += len(listed)
        total = pagination.get("total") if isinstance(pagination, dict) else None
        if not listed or not isinstance(total, int) or count >= total:
            return
        number += 1


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The days from the first to the last, in spans that may be asked for."""
    while first <= last:
        end = min(first + _SPAN, last)
        yield first, end
        first = end + timedelta(days=1)
