"""The shapes of webhooks: endpoints, deliveries, and the message of each event.

The messages are what the document tells under `webhooks`, what the client reads, and what a test
holds against what is sent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from fleet_carbon.web.shapes import Asked, AskedBody

EventType = Literal[
    "order.proven",
    "order.unmatched",
    "month.closed",
    "month.restated",
    "statement.published",
    "sale.settled",
    "webhook.disabled",
]
_Url = Annotated[
    str, Field(min_length=1, max_length=2000, description="https://...; not followed elsewhere.")
]
_Description = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Types = Annotated[list[EventType], Field(max_length=20, description="Empty means all of them.")]
_Href = Annotated[str, Field(description="Where the rest is read, below the service's address.")]


class WebhookPath(Asked):
    """A webhook."""

    endpoint_id: str = Field(max_length=100, pattern=r"^ep_[0-9a-f]+$")


class DeliveryPath(WebhookPath):
    """A delivery: an event for an endpoint."""

    event_id: str = Field(max_length=100, pattern=r"^msg_[0-9a-f]+$")


class DeliveriesQuery(Asked):
    """Which part of the log."""

    state: Annotated[str | None, Field(pattern="^(waiting|delivered|failed)$")] = None
    limit: int = Field(100, ge=1, le=1000, description="Deliveries at most.")
    cursor: str = Field("", max_length=400, description="next_cursor of the page before.")


class WebhookAsked(AskedBody):
    """An endpoint that is to be told."""

    url: _Url
    event_types: list[EventType] = Field(
        default_factory=list, max_length=20, description="Empty means all of them."
    )
    description: _Description = ""


class WebhookChange(AskedBody):
    """What is to be changed of an endpoint; what is left out stays."""

    url: _Url | None = None
    event_types: _Types | None = None
    description: _Description | None = None
    is_paused: Annotated[
        bool | None,
        Field(description="True lets events wait; false has them sent, also if it was disabled."),
    ] = None


class RotationAsked(AskedBody):
    """How the next secret takes the place of the one before."""

    both_valid_h: int = Field(
        24, ge=0, le=720, description="How long both sign; 0 if the one before was stolen. [h]"
    )


class ReplayAsked(AskedBody):
    """From when on everything is told again."""

    since: str = Field(
        max_length=40, description="ISO 8601 with offset.", examples=["2026-10-05T14:30:00+08:00"]
    )


class WebhookTold(BaseModel):
    """An endpoint, without its secret."""

    endpoint_id: str
    url: str
    description: str
    event_types: list[str]
    state: str = Field(description="active, paused, disabled or ended.")
    reason: str = Field(description="Why it was disabled.")
    created_at: str
    changed_at: str
    failing_since_at: str | None = Field(description="Since when every attempt failed.")


class WebhooksTold(BaseModel):
    """Endpoints; a new secret is told once and never again."""

    webhooks: list[WebhookTold]
    secret: str = ""


class AttemptTold(BaseModel):
    """One attempt to deliver."""

    number: int
    attempted_at: str
    latency_ms: int
    status: int | None = Field(description="Of HTTP; null if nothing was answered.")
    answer: str = Field(description="The first 1,000 bytes of it.")
    failure: str = Field(description="Why nothing was answered.")


class DeliveryTold(BaseModel):
    """An event for an endpoint, and what became of it."""

    endpoint_id: str
    event_id: str = Field(description="The same in the header webhook-id, however often sent.")
    type: str
    data: dict[str, Any]
    happened_at: str
    state: str = Field(description="waiting, delivered or failed.")
    due_at: str | None = Field(description="When it is tried next.")
    attempts: list[AttemptTold]


class DeliveriesTold(BaseModel):
    """Deliveries, newest first."""

    deliveries: list[DeliveryTold]
    next_cursor: str


class PublicationTold(BaseModel):
    """The publication of the statements of a month."""

    month: str
    run_id: str
    published_at: str
    drivers_count: int
    new: bool = Field(description="False if they were published before.")


class OfOrder(BaseModel):
    """Which order, by which closing run."""

    fleet_id: str
    month: str
    run_id: str
    order_id: str
    vehicle_id: str
    driver_id: str | None
    reason_code: str = Field(description="Why it is proven or not; see the codes.")
    href: _Href


class ProvenOrder(OfOrder):
    """An order whose loading and unloading the trace proves, and its main figures."""

    cargo_t: float
    activity_tkm: float | None
    onboard_km: float | None
    planned_co2_kg: float | None
    realised_diesel_l: float | None
    realised_co2_kg: float | None
    confidence_share: float


class ClosedMonth(BaseModel):
    """A month that was closed, for the first time or again."""

    fleet_id: str
    month: str
    run_id: str
    edition: str
    is_first: bool
    accounts_count: int
    orders_count: int
    orders_matched_count: int
    co2_credited_g: int
    href: _Href


class Change(BaseModel):
    """A figure before and now."""

    before: Any
    after: Any


class ChangedAccount(BaseModel):
    """An account whose figures changed."""

    driver_id: str
    vehicle_id: str
    kind: str = Field(description="changed, new or gone.")
    figures: dict[str, Change]


class RestatedMonth(BaseModel):
    """A month whose figures are other ones since it was closed again."""

    fleet_id: str
    month: str
    run_id: str
    previous_run_id: str
    edition: str
    previous_edition: str
    figures: dict[str, Change] = Field(description="Of the month as a whole.")
    accounts_changed_count: int
    changes: list[ChangedAccount] = Field(description="The first 20 of them.")
    href: _Href


class PublishedStatement(BaseModel):
    """A driver's statement that was published."""

    fleet_id: str
    month: str
    run_id: str
    driver_id: str
    co2_credited_g: int
    href: _Href


class SettledSale(BaseModel):
    """A lot whose serials are the buyer's; amounts of money as decimal text."""

    fleet_id: str
    lot_id: str
    buyer: str
    amount_g: int
    price: str = Field(description="Of a tonne.")
    currency: str
    proceeds: str
    fees: str
    to_holders: str
    holders_count: int
    href: _Href


class DisabledWebhook(BaseModel):
    """An endpoint that is told nothing more; this is told to the others."""

    fleet_id: str
    endpoint_id: str
    url: str
    reason: str
    href: _Href


class Ping(BaseModel):
    """Nothing, sent because somebody asked for it."""

    fleet_id: str
    endpoint_id: str
    href: _Href


class _Event(BaseModel):
    timestamp: str = Field(description="When it happened, ISO 8601.")


class OrderProven(_Event):
    """An order was proven by the trace, when its month was closed."""

    type: Literal["order.proven"]
    data: ProvenOrder


class OrderUnmatched(_Event):
    """An order could not be proven by the trace, when its month was closed."""

    type: Literal["order.unmatched"]
    data: OfOrder


class MonthClosed(_Event):
    """A month was closed, and this is on record."""

    type: Literal["month.closed"]
    data: ClosedMonth


class MonthRestated(_Event):
    """Closing a month again changed its figures."""

    type: Literal["month.restated"]
    data: RestatedMonth


class StatementPublished(_Event):
    """The statement of a driver was published."""

    type: Literal["statement.published"]
    data: PublishedStatement


class SaleSettled(_Event):
    """A lot was settled."""

    type: Literal["sale.settled"]
    data: SettledSale


class WebhookDisabled(_Event):
    """The service gave up an endpoint."""

    type: Literal["webhook.disabled"]
    data: DisabledWebhook


class WebhookPing(_Event):
    """Somebody tried whether a message arrives."""

    type: Literal["webhook.ping"]
    data: Ping


Event = (
    OrderProven
    | OrderUnmatched
    | MonthClosed
    | MonthRestated
    | StatementPublished
    | SaleSettled
    | WebhookDisabled
    | WebhookPing
)
EVENTS: dict[str, type[Event]] = {
    "order.proven": OrderProven,
    "order.unmatched": OrderUnmatched,
    "month.closed": MonthClosed,
    "month.restated": MonthRestated,
    "statement.published": StatementPublished,
    "sale.settled": SaleSettled,
    "webhook.disabled": WebhookDisabled,
    "webhook.ping": WebhookPing,
}
"""The message of each type."""

_HEADERS = {
    "webhook-id": "The event; the same however often it is sent.",
    "webhook-timestamp": "When this attempt was signed, seconds since 1970.",
    "webhook-signature": "v1,... by Standard Webhooks; two of them for a while after a rotation.",
}


def described() -> dict[str, Any]:
    """The messages as OpenAPI tells them, under `webhooks`."""
    return {name: {"post": _operation(name, model)} for name, model in EVENTS.items()}


def _operation(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "summary": (model.__doc__ or name).splitlines()[0],
        "operationId": f"on_{name.replace('.', '_')}",
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for header, text in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _whole(model.model_json_schema())}},
        },
        "responses": {
            "2XX": {"description": "Taken; it is not sent again."},
            "410": {"description": "Nothing more is sent to this endpoint."},
            "default": {"description": "It is sent again later."},
        },
    }


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to in its place."""
    parts = schema.get("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return put(parts[node["$ref"].rpartition("/")[2]])
            return {key: put(held) for key, held in node.items() if key != "$defs"}
        return [put(held) for held in node] if isinstance(node, list) else node

    whole: dict[str, Any] = put(schema)
    return whole
