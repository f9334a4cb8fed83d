"""A client of the service in Python: typed from the same models as the service itself.

Requests are named by a key, so that one whose answer was lost is sent again without harm; a
service that is busy or restarting is asked again, a little later each time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from uuid import uuid4

import httpx
import stamina
from pydantic import BaseModel

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.frames import ACCOUNTS, LEGS, ORDER_RESULTS, RECEIPTS
from fleet_carbon.web.shapes import (
    IntakeTold,
    JobsTold,
    JobTold,
    KeyAsked,
    KeysTold,
    MonthsTold,
    PriceAsked,
    PricesTold,
    row_model,
)

Kind = Literal["vehicles", "drivers", "assignments", "orders", "positions", "energy", "baselines"]
Table = Literal["accounts", "legs", "orders", "receipts"]
Row = Mapping[str, Any]

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROWS: dict[str, type[BaseModel]] = {
    "accounts": row_model(ACCOUNTS),
    "legs": row_model(LEGS),
    "orders": row_model(ORDER_RESULTS),
    "receipts": row_model(RECEIPTS),
}
_TIMEOUT_S, _TRIED_FOR_S = 120.0, 300.0
_ASKED_EVERY_S = 1.0


class ServiceProblem(FleetCarbonError):
    """The service refused a request; `code`, `message` and `hint` say why and what to do.

    The problem as it was told stands in `details`.
    """


class ServiceBusy(ServiceProblem):
    """The service cannot answer now; the same request may be sent again."""


class Client:
    """Speaks with a service; close it, or use it in a `with` block.

    Parameters
    ----------
    address : str
        Such as ``https://carbon.example``, without ``/v1``.
    secret : str
        A key: ``fck_...``.
    transport : httpx.BaseTransport, optional
        How requests travel, for tests and proxies.
    """

    def __init__(
        self, address: str, secret: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{address.rstrip('/')}/v1",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=_TIMEOUT_S,
            transport=transport,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        kind: Kind,
        rows: Sequence[Row] | Path,
        *,
        request_key: str | None = None,
        crs: str | None = None,
        time_zone: str | None = None,
    ) -> IntakeTold:
        """Send rows, or a file of them whose suffix tells its type.

        Parameters
        ----------
        kind : str
            vehicles, drivers, assignments, orders, positions, energy or baselines.
        rows : sequence of mappings, or Path
            Each with the columns of its kind.
        request_key : str, optional
            What the request is known by; a fresh one if absent. Give your own to be safe beyond
            the life of this process.
        crs, time_zone : str, optional
            How the rows are read: wgs84, gcj02 or bd09; an IANA zone.

        Raises
        ------
        ServiceProblem
            If the rows as a whole are refused. Single rows that are refused stand in the answer.
        """
        how = {"crs": crs, "time_zone": time_zone}
        asked: dict[str, Any] = {"params": {name: value for name, value in how.items() if value}}
        if isinstance(rows, Path):
            asked |= {
                "content": rows.read_bytes(),
                "headers": {"Content-Type": MEDIA_TYPES[rows.suffix]},
            }
        else:
            asked["json"] = list(rows)
        return IntakeTold(**self._ask("POST", f"/{kind}", request_key=request_key, **asked))

    def close_month(self, month: str) -> JobTold:
        """Ask for a month to be closed; `wait` gives what it comes to."""
        return JobTold(**self._ask("POST", f"/months/{month}/closings"))

    def job(self, job_id: str) -> JobTold:
        """A job as it stands."""
        return JobTold(**self._ask("GET", f"/jobs/{job_id}"))

    def jobs(self, *, kind: str | None = None, is_under_way: bool = False) -> Iterator[JobTold]:
        """The jobs of the fleet, newest first, read page by page."""
        asked = {"kind": kind or "", "under_way": "true" if is_under_way else "", "cursor": ""}
        while True:
            wanted = {name: value for name, value in asked.items() if value}
            page = JobsTold(**self._ask("GET", "/jobs", params=wanted))
            yield from page.jobs
            if not page.next_cursor:
                return
            asked["cursor"] = page.next_cursor

    def cancel_job(self, job_id: str) -> JobTold:
        """Let a job that waits not be done."""
        return JobTold(**self._ask("DELETE", f"/jobs/{job_id}"))

    def wait(self, job: JobTold, *, wait_s_max: float = 3600.0) -> JobTold:
        """Wait for a job to end.

        Raises
        ------
        ServiceProblem
            If it failed.
        TimeoutError
            If it takes longer.
        """
        until_s = time.monotonic() + wait_s_max
        while job.state in ("waiting", "running"):
            if time.monotonic() > until_s:
                raise TimeoutError(f"{job.job_id} is {job.state} after {wait_s_max:.0f} s")
            time.sleep(_ASKED_EVERY_S)
            job = self.job(job.job_id)
        if job.problem is not None:
            raise _problem_of(job.problem)
        return job

    def months(self) -> MonthsTold:
        """The months that were closed."""
        return MonthsTold(**self._ask("GET", "/months"))

    def rows(
        self,
        table: Table,
        month: str,
        *,
        driver_id: str | None = None,
        vehicle_id: str | None = None,
    ) -> Iterator[Any]:
        """The rows of a table of a month, read page by page.

        Yields
        ------
        row : BaseModel
            With the columns of the table as attributes; definitions and units are its fields'.
        """
        wanted = {"driver_id": driver_id, "vehicle_id": vehicle_id, "limit": "1000"}
        asked = {name: value for name, value in wanted.items() if value}
        cursor = ""
        while True:
            page = self._ask("GET", f"/months/{month}/{table}", params=asked | {"cursor": cursor})
            yield from (_ROWS[table](**row) for row in page["rows"])
            cursor = page["next_cursor"]
            if not cursor:
                return

    def explanation(self, driver_id: str, month: str, *, language: str = "en") -> dict[str, Any]:
        """Why a driver was credited what he was, from fixes and orders to the gram."""
        return self._ask(
            "GET",
            f"/months/{month}/drivers/{driver_id}/explanation",
            params={"language": language},
        )

    def statement(self, driver_id: str, month: str) -> dict[str, Any]:
        """The signed statement of a driver's month, which anybody can verify offline."""
        return self._ask("GET", f"/months/{month}/drivers/{driver_id}/statement")

    def balances(self) -> dict[str, Any]:
        """Balances of the ledger, and where every gram is."""
        return self._ask("GET", "/ledger/balances")

    def prices(self) -> PricesTold:
        """Every price on record."""
        return PricesTold(**self._ask("GET", "/prices"))

    def set_price(self, price: PriceAsked) -> dict[str, Any]:
        """Put a price on record; earlier ones stay."""
        return self._ask("POST", "/prices", json=price.model_dump())

    def create_key(self, key: KeyAsked) -> KeysTold:
        """Make a key; its secret is told this once."""
        return KeysTold(**self._ask("POST", "/keys", json=key.model_dump(), request_key=""))

    def _ask(
        self, method: str, path: str, *, request_key: str | None = None, **asked: Any
    ) -> dict[str, Any]:
        headers = dict(asked.pop("headers", {}))
        key = uuid4().hex if request_key is None else request_key
        if method != "GET" and key:
            headers["Idempotency-Key"] = key
        tries = None if method == "GET" or key else 1  # as many as there is time for
        for attempt in stamina.retry_context(
            on=(ServiceBusy, httpx.TransportError), attempts=tries, timeout=_TRIED_FOR_S
        ):
            with attempt:
                return _content(self._http.request(method, path, headers=headers, **asked))
        raise AssertionError("the last attempt returns or raises")


def _content(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        content: dict[str, Any] = answer.json()
        return content
    told: dict[str, Any] = {"code": "no_problem_told", "detail": answer.text[:500]}
    if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        told = answer.json()
    raise _problem_of(told, is_busy="Retry-After" in answer.headers)


def _problem_of(told: Mapping[str, Any], *, is_busy: bool = False) -> ServiceProblem:
    kind = ServiceBusy if is_busy else ServiceProblem
    message = str(told.get("detail") or told.get("message") or "")
    return kind(str(told["code"]), message, str(told.get("hint", "")), problem=dict(told))
