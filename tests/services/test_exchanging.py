"""The sample fleet's inventory as iLEAP: valid by schema, and right by meaning."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fleet_carbon.services.accounts import inventories
from fleet_carbon.services.exchange import exchanging
from fleet_carbon.services.exchange.exchanging import MonthExchange, exchange_month
from fleet_carbon.services.running import demonstrating
from fleet_carbon.services.support.keeping import Kept
from fleet_carbon.settings import Settings
from fleet_carbon.statements.ileap_sense import breaches
from fleet_carbon.storage.records import Orders
from tests.services.exchange_schemas import validate_answer

MONTH = demonstrating.SAMPLE_MONTH


@pytest.fixture(scope="module")
def found(sample_fleet: Settings) -> MonthExchange:
    return exchange_month(sample_fleet, MONTH)


def told(found: MonthExchange, kind: str) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = found.documents(kind)["data"]
    return documents


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("shipments", "ShipmentFootprint"), ("tocs", "TOC"), ("tad", "TAD")),
        ("aed", "AggregatedReport"),
    ],
)
def test_every_document_is_valid(found: MonthExchange, kind: str, name: str) -> None:
    assert len(told(found, kind)) > 5
    validate_answer(name, found.documents(kind))


def test_shipments_add_up_to_the_book_to_the_milligram(
    sample_fleet: Settings, found: MonthExchange
) -> None:
    summary = inventories.read_inventory(sample_fleet, MONTH).summary
    elements = [one for shipment in told(found, "shipments") for one in shipment["tces"]]
    assert found.left_out == {}
    for name, own in (("co2eWTW", "co2e_wtw_mg"), ("co2eTTW", "co2e_ttw_mg")):
        whole_kg = sum(Decimal(one[name]) for one in elements)
        assert whole_kg * 1_000_000 == summary["attributed"][own]
    whole_tkm = sum(Decimal(one["transportActivity"]) for one in elements)
    assert float(whole_tkm) == pytest.approx(summary["activity_tkm"], rel=1e-5)


def test_a_report_is_the_sum_of_its_elements_to_the_last_digit(told_by_road: Settings) -> None:
    month = exchange_month(told_by_road, MONTH, distance="sfd")
    elements = {one["shipmentId"]: one["tces"][0] for one in told(month, "shipments")}
    reports = told(month, "aed")
    assert len(reports) > 1
    for report in reports:
        own = [elements[one] for one in report["shipmentIds"]]
        for whole, part in (
            ("totalTransportActivity", "transportActivity"),
            ("co2eWTW", "co2eWTW"),
            ("co2eTTW", "co2eTTW"),
        ):
            assert Decimal(report[whole]) == sum(Decimal(one[part]) for one in own)
        assert report["tocIds"] == sorted({one["tocId"] for one in own})


def test_a_month_is_opened_with_one_look_at_its_orders(
    sample_fleet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[set[str]] = []
    read = Orders.in_force

    def noted(own: Orders, *given: Any) -> Any:
        found = read(own, *given)
        looks.append(set(found.columns))
        return found

    monkeypatch.setattr(Orders, "in_force", noted)
    monkeypatch.setattr(inventories, "_KEPT", Kept(1))
    monkeypatch.setattr(exchanging, "_KEPT", Kept(1))
    month = exchange_month(sample_fleet, MONTH)
    assert all(told(month, kind) for kind in ("shipments", "tocs", "tad", "aed"))
    [columns] = looks
    # Twenty and more columns of an order are nobody's here.
    assert columns.isdisjoint({"price", "pickup_place", "driver_id"})


def test_each_element_follows_from_its_category(found: MonthExchange) -> None:
    tocs = {one["tocId"]: one for one in told(found, "tocs")}
    for shipment in told(found, "shipments"):
        [tce] = shipment["tces"]
        toc = tocs[tce["tocId"]]
        activity = Decimal(tce["distance"]["gcd"]) * Decimal(tce["mass"]) / 1000
        assert Decimal(tce["transportActivity"]) == activity
        for end in ("WTW", "TTW"):
            expected = activity * Decimal(toc[f"co2eIntensity{end}"])
            # Metres are rounded: half of one in the kilometres of a street.
            assert float(tce[f"co2e{end}"]) == pytest.approx(float(expected), rel=2e-3)
        assert Decimal(tce["co2eWTW"]) >= Decimal(tce["co2eTTW"])
        assert tce["shipmentId"] == shipment["shipmentId"]


def test_each_element_is_told_by_the_distance_that_is_asked_for(told_by_road: Settings) -> None:
    month = exchange_month(told_by_road, MONTH, distance="sfd")
    assert month is not exchange_month(told_by_road, MONTH)
    documents = {kind: told(month, kind) for kind in ("shipments", "tocs", "tad", "aed")}
    elements = [one["tces"][0] for one in documents["shipments"]]
    by_road = [one for one in elements if "sfd" in one["distance"]]
    assert 0 < len(by_road) < len(elements)
    for tce in elements:
        km = tce["distance"].get("sfd", tce["distance"]["gcd"])
        assert Decimal(tce["transportActivity"]) == Decimal(km) * Decimal(tce["mass"]) / 1000
        assert (".sfd" in tce["tocId"]) == ("sfd" in tce["distance"])
    for kind, name in zip(
        documents, ("ShipmentFootprint", "TOC", "TAD", "AggregatedReport"), strict=True
    ):
        validate_answer(name, month.documents(kind))
    assert breaches(documents) == []
    kinds = {one["perModeEmissions"][0]["distanceTypes"][0] for one in documents["aed"]}
    kinds |= {one["perModeEmissions"][0]["distanceTypes"][-1] for one in documents["aed"]}
    assert kinds == {"gcd", "sfd"}
    # As much was emitted, whatever it is told by.
    whole = sum(Decimal(one["co2eWTW"]) for one in elements)
    circle = told(exchange_month(told_by_road, MONTH), "shipments")
    assert whole == sum(Decimal(one["tces"][0]["co2eWTW"]) for one in circle)
    assert all("sfd" not in one["tces"][0]["distance"] for one in circle)


def test_factors_are_those_of_a_litre_and_a_kilogram(found: MonthExchange) -> None:
    carriers = {
        one["energyCarriers"][0]["energyCarrier"]: one["energyCarriers"][0]
        for one in told(found, "tocs")
    }
    # 4.13 and 3.17 kg a kilogram at 0.84 kg/l; of LNG 3.510 and 2.598 a kilogram.
    diesel = [carriers["Diesel"][f"emissionFactor{end}"] for end in ("WTW", "TTW")]
    assert diesel == ["3.4692", "2.6628"]
    assert [carriers["LNG"][f"emissionFactor{end}"] for end in ("WTW", "TTW")] == ["3.51", "2.598"]


def test_activity_data_lead_to_the_same_footprint(found: MonthExchange) -> None:
    footprints = {one["shipmentId"]: one["tces"][0] for one in told(found, "shipments")}
    for activity in told(found, "tad"):
        [consignment] = activity["consignmentIds"]
        [carrier] = activity["energyCarriers"]
        for end in ("WTW", "TTW"):
            factor = Decimal(carrier[f"emissionFactor{end}"])
            emitted = Decimal(carrier["energyConsumption"]) * factor
            assert abs(emitted - Decimal(footprints[consignment][f"co2e{end}"])) < Decimal("1e-14")
