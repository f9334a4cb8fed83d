"""A month is opened only if something of it may be asked for, and what is kept has its bounds."""

from __future__ import annotations

import pytest

from fleet_carbon.services.accounts.inventories import read_inventory
from fleet_carbon.services.exchange import hosting
from fleet_carbon.services.exchange.wishes import Wish, conditions_of
from fleet_carbon.services.running import demonstrating
from fleet_carbon.services.support.keeping import Kept
from fleet_carbon.settings import Settings

MONTH = demonstrating.SAMPLE_MONTH
PRODUCT = "urn:pathfinder:product:customcode:vendor-assigned:"


def found(settings: Settings, kind: str, *pairs: tuple[str, str]) -> list[dict[str, object]]:
    return hosting.read_page(settings, Wish(kind, None, 9, conditions_of(kind, pairs))).documents


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The months that were opened."""
    months: list[str] = []

    def noted(settings: Settings, month: str, **named: object) -> object:
        months.append(month)
        return exchange_month(settings, month, **named)  # type: ignore[arg-type]

    exchange_month = hosting.exchange_month
    monkeypatch.setattr(hosting, "exchange_month", noted)
    return months


def test_what_no_document_of_a_month_can_be_does_not_open_it(
    sample_fleet: Settings, opened: list[str]
) -> None:
    # The sample's one closed month is September, which begins and ends at 16:00 UTC.
    for kind, name, value in (
        ("shipments", "referencePeriodStart", "gte.2026-09-01T00:00:00Z"),
        ("tocs", "referencePeriodEnd", "lt.2026-09-30T16:00:00Z"),
        ("shipments", "createdAt", "lt.2026-09-01T00:00:00Z"),
        ("aed", "reportPeriodStart", "gt.2026-08-31T16:00:00Z"),
        ("footprints3", "validAfter", "2026-09-30T16:00:00Z"),
        ("footprints2", "$filter", "created lt '2026-09-01T00:00:00Z'"),
        ("footprints2", "$filter", "pcf/referencePeriodEnd lt '2026-09-30T16:00:00Z'"),
        ("shipments", "shipmentId", "nobody's"),
        ("tad", "activityId", "nobody's/2026-08"),
        ("aed", "reportId", "S01/2026-08"),
        ("footprints3", "productId", f"{PRODUCT}shipment:nobody"),
        ("footprints3", "productId", "urn:other"),
        ("hocs", "hubType", "Warehouse"),
    ):
        assert found(sample_fleet, kind, (name, value)) == [], (kind, name)
        assert opened == [], (kind, name)


def test_what_may_be_is_looked_for(sample_fleet: Settings, opened: list[str]) -> None:
    every = read_inventory(sample_fleet, MONTH).tables["shipments"]["shipment_id"].tolist()
    name = every[-1]
    for kind, by, value in (
        ("shipments", "shipmentId", name.lower()),
        ("shipments", "tces.shipmentId", name),
        ("tad", "activityId", f"{name}/{MONTH}".lower()),
        ("footprints3", "productId", f"{PRODUCT}shipment:{name}".upper()),
        ("footprints2", "$filter", f"productIds/any(p:(p eq '{PRODUCT}shipment:{name}'))"),
    ):
        [_one] = found(sample_fleet, kind, (by, value))
        assert opened.pop() == MONTH
    for kind, by, value in (
        ("shipments", "referencePeriodStart", "gte.2026-08-31T16:00:00Z"),
        ("aed", "reportPeriodEnd", "2026-09-30T16:00:00Z"),
        ("footprints3", "validOn", "2026-09-30T16:00:00Z"),
    ):
        assert len(found(sample_fleet, kind, (by, value))) > 1, (kind, by)


def test_a_page_opens_no_more_than_it_may(
    sample_fleet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = ["2026-07", "2026-08", MONTH]
    monkeypatch.setattr(hosting, "months_for", lambda *_: months)
    whole = hosting.exchange_month(sample_fleet, MONTH)
    monkeypatch.setattr(hosting, "exchange_month", lambda *_, **__: whole)
    monkeypatch.setattr(hosting, "_OPENED_MAX", 1)
    page = hosting.read_page(sample_fleet, Wish("tocs", None, 1000))
    assert len(page.documents) == len(whole.rows("tocs"))
    for _ in months[1:]:
        assert page.next_cursor
        page = hosting.read_page(sample_fleet, Wish("tocs", None, 1000, (), page.next_cursor))
    assert page.next_cursor == ""


def test_the_least_used_is_let_go_when_it_weighs_too_much() -> None:
    kept, made = Kept(10, len), []

    def get(name: str, size: int) -> str:
        def make() -> str:
            made.append(name)
            return "x" * size

        return kept.get((name,), make)

    for name, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4)):
        assert len(get(name, size)) == size
    assert made == ["a", "b", "c"]
    get("b", 4)  # was let go for c, and now lets go c
    get("a", 4)
    assert made == ["a", "b", "c", "b"]
    get("large", 99)  # is kept alone
    get("large", 99)
    get("a", 4)
    assert made[4:] == ["large", "a"]
