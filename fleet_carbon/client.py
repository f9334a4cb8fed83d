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
from urllib.parse import quote
from uuid import uuid4

import httpx
import stamina
from pydantic import BaseModel

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.frames import ACCOUNTS, LEGS, ORDER_RESULTS, RECEIPTS
from fleet_carbon.web.estimate_shapes import (
    EstimateAsked,
    EstimateTold,
    PlanAsked,
    PlanTold,
    RealisedTold,
)
from fleet_carbon.web.inventory import INVENTORY_ROWS, InventoryTold
from fleet_carbon.web.ledger_shapes import (
    ActAsked,
    BalancesTold,
    EntriesTold,
    EntryTold,
    LotsTold,
    LotTold,
    PostedTold,
    VerifiedTold,
)
from fleet_carbon.web.live_shapes import LivePageTold, LiveTold
from fleet_carbon.web.people_shapes import SessionTold, UserAsked, UsersTold
from fleet_carbon.web.register_shapes import (
    RECORD,
    RECORDED,
    OutcomeTold,
    ReceptionTold,
    WithdrawalTold,
)
from fleet_carbon.web.reports import DriverAccountsTold, ReportTold
from fleet_carbon.web.retention import RetentionTold
from fleet_carbon.web.shapes import (
    IntakeTold,
    JobTold,
    KeyAsked,
    KeysTold,
    MonthsTold,
    PreviewTold,
    PriceAsked,
    PricesTold,
    RejectionTold,
    RunsTold,
    RunTold,
    StatementsTold,
    StatementTold,
    StateTold,
    row_model,
)
from fleet_carbon.web.statement_shapes import AnswerAsked, DisputeAsked, DisputesTold
from fleet_carbon.web.webhook_shapes import (
    DeliveriesTold,
    DeliveryTold,
    PublicationTold,
    WebhookAsked,
    WebhookChange,
    WebhooksTold,
)
from fleet_carbon.web.webhook_trust import UntrustedWebhook, verify_webhook

__all__ = ["Client", "ServiceBusy", "ServiceProblem", "UntrustedWebhook", "verify_webhook"]

Kind = Literal["vehicles", "drivers", "assignments", "orders", "positions", "energy", "baselines"]
Recorded = Literal["vehicles", "drivers", "assignments", "orders", "energy", "baselines"]
Table = Literal["accounts", "legs", "orders", "receipts"]
Row = Mapping[str, Any]

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pdf": "application/pdf",
}
InventoryTable = Literal["tocs", "shipments", "unattributed", "shippers"]
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
        asked = _rows_asked(rows, crs, time_zone)
        return IntakeTold(**self._ask("POST", f"/{kind}", request_key=request_key, **asked))

    def preview(
        self,
        kind: Kind,
        rows: Sequence[Row] | Path,
        *,
        crs: str | None = None,
        time_zone: str | None = None,
    ) -> PreviewTold:
        """What the first rows would be read as, and what that rests on; nothing is kept.

        Parameters and errors as of `send`.
        """
        return PreviewTold(
            **self._ask("POST", f"/{kind}/preview", **_rows_asked(rows, crs, time_zone))
        )

    def close_month(self, month: str) -> JobTold:
        """Ask for a month to be closed; `wait` gives what it comes to."""
        return JobTold(**self._ask("POST", f"/months/{month}/closings"))

    def job(self, job_id: str) -> JobTold:
        """A job as it stands."""
        return JobTold(**self._ask("GET", f"/jobs/{job_id}"))

    def jobs(self, *, kind: str | None = None, is_under_way: bool = False) -> Iterator[JobTold]:
        """The jobs of the fleet, newest first, read page by page."""
        under_way = "true" if is_under_way else None
        found = self._each("/jobs", "jobs", kind=kind, under_way=under_way)
        return (JobTold(**one) for one in found)

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
        **equal: str,
    ) -> Iterator[Any]:
        """The rows of a table of a month, read page by page; `equal` chooses by other columns.

        Yields
        ------
        row : BaseModel
            With the columns of the table as attributes; definitions and units are its fields'.
        """
        path, limit = f"/months/{month}/{table}", "1000"
        chosen = {"driver_id": driver_id, "vehicle_id": vehicle_id, **equal}
        return (_ROWS[table](**row) for row in self._each(path, "rows", limit=limit, **chosen))

    def table_file(
        self, table: Table, month: str, suffix: Literal[".csv", ".xlsx", ".parquet"]
    ) -> bytes:
        """A whole table of a month as the content of a file."""
        headers = {"Accept": MEDIA_TYPES[suffix]}
        return self._answered("GET", f"/months/{month}/{table}", headers=headers).content

    def records(self, kind: Recorded, **chosen: str) -> Iterator[Any]:
        """What is in force of a kind, read page by page, all of it as of the first page.

        Parameters
        ----------
        kind : str
            vehicles, drivers, assignments, orders, energy or baselines.
        **chosen : str
            Which of them, as the service tells: vehicle_id, from_at, changed_since, ...
        """
        found = self._each(f"/{kind}", "rows", limit="1000", **chosen)
        return (RECORDED[kind](**row) for row in found)

    def changes(self, kind: Recorded, cursor: str = "") -> tuple[list[Any], str]:
        """What came since a cursor of this method, and the cursor that goes on; at first all."""
        rows: list[Any] = []
        going_on, changes = cursor, ""
        while going_on or not changes:
            page = self._ask("GET", f"/{kind}", params={"cursor": going_on, "limit": "1000"})
            rows += [RECORDED[kind](**row) for row in page["rows"]]
            going_on, changes = page["next_cursor"], page["changes_cursor"]
        return rows, changes

    def record(self, kind: Literal["vehicles", "drivers", "orders"], record_id: str) -> Any:
        """One truck, driver or order: `in_force`, and `versions` with all ever received."""
        return RECORD[kind](**self._ask("GET", f"/{kind}/{_quoted(record_id)}"))

    def put_order(self, order_id: str, order: Row) -> Any:
        """Put one order on record, whole; without a version it gets the one that follows."""
        path = f"/orders/{_quoted(order_id)}"
        return RECORD["orders"](**self._ask("PUT", path, json=dict(order)))

    def cancel_order(self, order_id: str) -> Any:
        """Cancel an order in its next version; one that is cancelled stays as it is."""
        path = f"/orders/{_quoted(order_id)}/cancellation"
        return RECORD["orders"](**self._ask("POST", path))

    def order_result(self, order_id: str) -> OutcomeTold:
        """What became of an order: proven or why not, what it took, what was credited."""
        return OutcomeTold(**self._ask("GET", f"/orders/{_quoted(order_id)}/result"))

    def files(self, *, kind: Kind | None = None) -> Iterator[ReceptionTold]:
        """What arrived, the newest first, read page by page."""
        return (ReceptionTold(**one) for one in self._each("/files", "files", kind=kind))

    def rejections(self, reception: int) -> Iterator[RejectionTold]:
        """Every row that was refused of what arrived under a number."""
        found = self._each(f"/files/{reception}/rejections", "rejections", limit="1000")
        return (RejectionTold(**one) for one in found)

    def withdraw(self, reception: int, reason: str) -> WithdrawalTold:
        """Take back what arrived under a number."""
        asked: dict[str, Any] = {"params": {"reason": reason}}
        return WithdrawalTold(**self._ask("DELETE", f"/files/{reception}", **asked))

    def month(self, month: str) -> StateTold:
        """How a month stands: open, closed, or stale, for something came since."""
        return StateTold(**self._ask("GET", f"/months/{month}"))

    def preview_month(self, month: str) -> JobTold:
        """Ask what a close would come to; `wait` gives it, and nothing is put on record."""
        return JobTold(**self._ask("POST", f"/months/{month}/previews"))

    def runs(self, month: str) -> list[RunTold]:
        """Every close of a month, the newest first."""
        return RunsTold(**self._ask("GET", f"/months/{month}/runs")).runs

    def run(self, month: str, run_id: str) -> RunTold:
        """One close of a month, with what it changed."""
        return RunTold(**self._ask("GET", f"/months/{month}/runs/{run_id}"))

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

    def paper(
        self,
        driver_id: str,
        month: str,
        form: Literal["json", "pdf", "html", "png", "svg"] = "pdf",
        *,
        language: str = "en",
    ) -> bytes:
        """A driver's monthly statement as a file."""
        path = f"/months/{month}/drivers/{driver_id}/paper"
        return self._answered("GET", path, params={"form": form, "language": language}).content

    def zip_papers(
        self,
        month: str,
        form: Literal["pdf", "json", "html", "png", "svg"] = "pdf",
        *,
        language: str = "en",
    ) -> JobTold:
        """Ask for all statements of a month as one ZIP; `download` fetches what `wait` gives."""
        params = {"form": form, "language": language}
        return JobTold(**self._ask("POST", f"/months/{month}/papers", params=params))

    def download(self, job: JobTold, output: Path) -> None:
        """Write the file that a job made, which may be large; it is whole, or not there."""
        digest = (job.result or {})["digest_sha256"]
        partial = output.with_name(f".{output.name}.partial")
        for attempt in stamina.retry_context(
            on=(ServiceBusy, httpx.TransportError), timeout=_TRIED_FOR_S
        ):
            with attempt, self._http.stream("GET", f"/downloads/{digest}") as answer:
                if not answer.is_success:
                    answer.read()
                _well(answer)
                with partial.open("wb") as stream:
                    for part in answer.iter_bytes():
                        stream.write(part)
        partial.replace(output)

    def disputes(self, month: str, *, driver_id: str = "") -> DisputesTold:
        """What drivers, or one of them, dispute of a month."""
        of_driver = f"/drivers/{driver_id}" if driver_id else ""
        return DisputesTold(**self._ask("GET", f"/months/{month}{of_driver}/disputes"))

    def raise_dispute(self, driver_id: str, month: str, dispute: DisputeAsked) -> DisputesTold:
        """Dispute an order or a month of a driver."""
        path = f"/months/{month}/drivers/{driver_id}/disputes"
        return DisputesTold(**self._ask("POST", path, json=dispute.model_dump()))

    def answer_dispute(self, number: int, answer: AnswerAsked) -> DisputesTold:
        """Answer a dispute."""
        path = f"/disputes/{number}/answers"
        return DisputesTold(**self._ask("POST", path, json=answer.model_dump()))

    def estimate(self, asked: EstimateAsked) -> EstimateTold:
        """Rank trucks for orders by what they would come to; it is kept on record."""
        return EstimateTold(**self._ask("POST", "/estimates", json=asked.model_dump()))

    def read_estimate(self, estimate_id: str) -> EstimateTold:
        """An estimate, and what its orders came to since."""
        return EstimateTold(**self._ask("GET", f"/estimates/{estimate_id}"))

    def realised(self, order_id: str) -> RealisedTold:
        """What an order came to, beside what was expected of it."""
        return RealisedTold(**self._ask("GET", f"/orders/{order_id}/realised"))

    def plan(self, asked: PlanAsked) -> PlanTold:
        """Find trucks for many orders: most orders first, then fewest kilometres."""
        return PlanTold(**self._ask("POST", "/assignments/plan", json=asked.model_dump()))

    def balances(self) -> BalancesTold:
        """Balances of the ledger, and where every gram is."""
        return BalancesTold(**self.ledger("balances"))

    def entries(self, **chosen: str) -> Iterator[EntryTold]:
        """Entries of the ledger in their order, read page by page."""
        after: int | None = 0
        while after is not None:
            page = EntriesTold(**self.ledger("entries", limit="1000", after=str(after), **chosen))
            yield from page.entries
            after = page.next_after

    def lots(self) -> list[LotTold]:
        """Every lot, and how it stands."""
        return LotsTold(**self.ledger("lots")).lots

    def ledger(self, path: str, **asked: str) -> dict[str, Any]:
        """Anything the ledger tells: serials, keys, checkpoints, consistency, owed, claims, proofs.

        Parameters
        ----------
        path : str
            Below ``/v1/ledger/``, such as ``retirements/R1/certificate``.
        **asked : str
            What is asked for besides.
        """
        return self._ask("GET", f"/ledger/{path}", params=asked)

    def act(self, path: str, asked: ActAsked | None = None) -> PostedTold:
        """Do something in the ledger, once for its id; a dry run only shows what would be.

        Parameters
        ----------
        path : str
            Below ``/v1/ledger/``: lots, lots/ID/settlement, retirements, transfers, ...
        asked : ActAsked
            `SaleAsked`, `SettlementAsked`, `DisposalAsked`, `RedemptionAsked`, `ClaimAsked` or
            `MeetingAsked`.
        """
        body = (asked or ActAsked()).model_dump()
        return PostedTold(**self._ask("POST", f"/ledger/{path}", json=body))

    def verify(self, document: Mapping[str, Any], *, key_id: str = "") -> VerifiedTold:
        """Have a statement, certificate or proof checked; better check it yourself."""
        asked: dict[str, Any] = {"params": {"key_id": key_id}, "json": dict(document)}
        return VerifiedTold(**self._ask("POST", "/verify", **asked))

    def report(self, month: str) -> Any:
        """A closed month in one object: sums, steps of the saving, tables, what is missing."""
        return ReportTold(**self._ask("GET", f"/months/{month}/report"))

    def driver_accounts(self, driver_id: str, **months: str) -> DriverAccountsTold:
        """A driver's accounts and years; `from_month` and `until_month` choose."""
        path = f"/drivers/{_quoted(driver_id)}/accounts"
        return DriverAccountsTold(**self._ask("GET", path, params=months))

    def statements(self, month: str) -> list[StatementTold]:
        """Whose statements of a month can be had."""
        return StatementsTold(**self._ask("GET", f"/months/{month}/statements")).statements

    def inventory(self, month: str, *, distance: str = "") -> InventoryTold:
        """What the inventory of a closed month comes to, by ISO 14083; of `distance` gcd or sfd."""
        return InventoryTold(
            **self._ask("GET", f"/inventory/{month}", params={"distance": distance})
        )

    def inventory_rows(self, table: InventoryTable, month: str, **equal: str) -> Iterator[Any]:
        """The rows of a table of the inventory, read page by page; `equal` chooses by columns."""
        rows = self._each(f"/inventory/{month}/{table}", "rows", limit="1000", **equal)
        return (INVENTORY_ROWS[table](**row) for row in rows)

    def shipper_report(
        self, shipper_id: str, month: str, suffix: Literal[".csv", ".xlsx", ".pdf"], *,
        language: str = "en", distance: str = "",
    ) -> bytes:  # fmt: skip
        """A customer's report of a month as a file."""
        path = f"/inventory/{month}/shippers/{_quoted(shipper_id)}"
        headers = {"Accept": MEDIA_TYPES[suffix]}
        params = {"language": language, "distance": distance}
        return self._answered("GET", path, headers=headers, params=params).content

    def prices(self) -> PricesTold:
        """Every price on record."""
        return PricesTold(**self._ask("GET", "/prices"))

    def set_price(self, price: PriceAsked) -> dict[str, Any]:
        """Put a price on record; earlier ones stay."""
        return self._ask("POST", "/prices", json=price.model_dump())

    def create_webhook(self, webhook: WebhookAsked) -> WebhooksTold:
        """Have an endpoint told of what happens; its secret is told this once."""
        asked = webhook.model_dump()
        return WebhooksTold(**self._ask("POST", "/webhooks", json=asked, request_key=""))

    def webhooks(self) -> WebhooksTold:
        """The endpoints that are told of what happens."""
        return WebhooksTold(**self._ask("GET", "/webhooks"))

    def webhook(self, endpoint_id: str) -> WebhooksTold:
        """One of them."""
        return WebhooksTold(**self._ask("GET", f"/webhooks/{endpoint_id}"))

    def change_webhook(self, endpoint_id: str, change: WebhookChange) -> WebhooksTold:
        """Change an endpoint, pause it, or let it go on."""
        asked = change.model_dump(exclude_none=True)
        return WebhooksTold(**self._ask("PATCH", f"/webhooks/{endpoint_id}", json=asked))

    def end_webhook(self, endpoint_id: str) -> WebhooksTold:
        """Tell an endpoint nothing more."""
        return WebhooksTold(**self._ask("DELETE", f"/webhooks/{endpoint_id}"))

    def rotate_webhook_secret(self, endpoint_id: str, *, both_valid_h: int = 24) -> WebhooksTold:
        """The next secret of an endpoint, told this once; the one before signs as well a while."""
        asked = {"both_valid_h": both_valid_h}
        path = f"/webhooks/{endpoint_id}/secrets"
        return WebhooksTold(**self._ask("POST", path, json=asked, request_key=""))

    def ping_webhook(self, endpoint_id: str) -> DeliveryTold:
        """Have a message sent that means nothing."""
        told = self._ask("POST", f"/webhooks/{endpoint_id}/pings")
        return DeliveriesTold(**told).deliveries[0]

    def deliveries(self, endpoint_id: str, *, state: str | None = None) -> Iterator[DeliveryTold]:
        """What was to be told to an endpoint, newest first, read page by page."""
        asked, cursor = ({"state": state} if state else {}), ""
        while True:
            path, wanted = f"/webhooks/{endpoint_id}/deliveries", asked | {"cursor": cursor}
            page = DeliveriesTold(**self._ask("GET", path, params=wanted))
            yield from page.deliveries
            cursor = page.next_cursor
            if not cursor:
                return

    def replay_delivery(self, endpoint_id: str, event_id: str) -> DeliveryTold:
        """Have an event sent again, with the same id."""
        path = f"/webhooks/{endpoint_id}/deliveries/{event_id}/replays"
        return DeliveriesTold(**self._ask("POST", path)).deliveries[0]

    def replay_webhook(self, endpoint_id: str, since: str) -> JobTold:
        """Have everything sent again that happened since a moment; `wait` waits for the job."""
        path = f"/webhooks/{endpoint_id}/replays"
        return JobTold(**self._ask("POST", path, json={"since": since}))

    def publish_statements(self, month: str) -> PublicationTold:
        """Publish the statements of a month as it was closed last."""
        return PublicationTold(**self._ask("POST", f"/months/{month}/publications"))

    def retention(self) -> RetentionTold:
        """For how long positions are kept, and what was reduced so far."""
        return RetentionTold(**self._ask("GET", "/retention"))

    def set_retention(self, positions_days: int | None) -> RetentionTold:
        """Have positions kept for so many days after the end of their month; None for good."""
        asked = {"positions_days": positions_days}
        return RetentionTold(**self._ask("PUT", "/retention", json=asked))

    def run_retention(self, *, is_dry_run: bool = False) -> JobTold:
        """Have closed months reduced that are older than the rule; `wait` waits for the job."""
        return JobTold(**self._ask("POST", "/retention/runs", json={"dry_run": is_dry_run}))

    def live(self, vehicle_id: str) -> LiveTold:
        """Where a truck is, loaded or empty, and its km and empty km today."""
        return LiveTold(**self._ask("GET", f"/vehicles/{quote(vehicle_id, safe='')}/live"))

    def live_fleet(self) -> Iterator[dict[str, Any]]:
        """The states of all trucks, in order of their identifiers."""
        cursor = ""
        while True:
            page = LivePageTold(**self._ask("GET", "/live", params={"cursor": cursor}))
            yield from page.vehicles
            cursor = page.next_cursor
            if not cursor:
                return

    def create_key(self, key: KeyAsked) -> KeysTold:
        """Make a key; its secret is told this once."""
        return KeysTold(**self._ask("POST", "/keys", json=key.model_dump(), request_key=""))

    def _each(self, path: str, field: str, **chosen: str | None) -> Iterator[dict[str, Any]]:
        """Every item of a list, read page by page."""
        asked = {name: value for name, value in chosen.items() if value}
        while True:
            page = self._ask("GET", path, params=asked)
            yield from page[field]
            if not page["next_cursor"]:
                return
            asked["cursor"] = page["next_cursor"]

    def keys(self) -> KeysTold:
        """Every key of the fleet, without secrets."""
        return KeysTold(**self._ask("GET", "/keys"))

    def who_am_i(self) -> SessionTold:
        """Who is let in, and what that allows."""
        return SessionTold(**self._ask("GET", "/session"))

    def users(self) -> UsersTold:
        """Every user of the fleet."""
        return UsersTold(**self._ask("GET", "/users"))

    def create_user(self, user: UserAsked) -> UsersTold:
        """Let somebody sign in."""
        return UsersTold(**self._ask("POST", "/users", json=user.model_dump()))

    def set_password(self, user_id: str, password: str) -> UsersTold:
        """Give a user another password; the user's sessions end."""
        asked = {"password": password}
        return UsersTold(**self._ask("PUT", f"/users/{user_id}/password", json=asked))

    def end_user(self, user_id: str) -> UsersTold:
        """Let a user sign in no more."""
        return UsersTold(**self._ask("DELETE", f"/users/{user_id}"))

    def person(self, driver_id: str) -> dict[str, Any]:
        """Everything on record of a driver."""
        return self._ask("GET", f"/persons/{driver_id}")

    def erase_person(
        self, driver_id: str, reason: str, *, is_dry_run: bool = True
    ) -> dict[str, Any]:
        """Make a driver's name and telephone number unreadable for good, or only try."""
        asked = {"reason": reason, "dry_run": str(is_dry_run).lower(), "confirm": driver_id}
        return self._ask("DELETE", f"/persons/{driver_id}", params=asked)

    def _ask(
        self, method: str, path: str, *, request_key: str | None = None, **asked: Any
    ) -> dict[str, Any]:
        answered = self._answered(method, path, request_key=request_key, **asked)
        content: dict[str, Any] = answered.json()
        return content

    def _answered(
        self, method: str, path: str, *, request_key: str | None = None, **asked: Any
    ) -> httpx.Response:
        headers = dict(asked.pop("headers", {}))
        key = uuid4().hex if request_key is None else request_key
        if method != "GET" and key:
            headers["Idempotency-Key"] = key
        tries = None if method == "GET" or key else 1  # as many as there is time for
        for attempt in stamina.retry_context(
            on=(ServiceBusy, httpx.TransportError), attempts=tries, timeout=_TRIED_FOR_S
        ):
            with attempt:
                return _well(self._http.request(method, path, headers=headers, **asked))
        raise AssertionError("the last attempt returns or raises")


def _rows_asked(
    rows: Sequence[Row] | Path, crs: str | None, time_zone: str | None
) -> dict[str, Any]:
    """Rows or a file of them as a request takes them."""
    how = {"crs": crs, "time_zone": time_zone}
    asked: dict[str, Any] = {"params": {name: value for name, value in how.items() if value}}
    if isinstance(rows, Path):
        content, kind = rows.read_bytes(), MEDIA_TYPES[rows.suffix]
        return asked | {"content": content, "headers": {"Content-Type": kind}}
    return asked | {"json": list(rows)}


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _well(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    told: dict[str, Any] = {"code": "no_problem_told", "detail": answer.text[:500]}
    if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        told = answer.json()
    raise _problem_of(told, is_busy="Retry-After" in answer.headers)


def _problem_of(told: Mapping[str, Any], *, is_busy: bool = False) -> ServiceProblem:
    kind = ServiceBusy if is_busy else ServiceProblem
    message = str(told.get("detail") or told.get("message") or "")
    return kind(str(told["code"]), message, str(told.get("hint", "")), problem=dict(told))
