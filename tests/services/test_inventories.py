"""The inventory book of the sample fleet: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.accounts import inventories, reading
from fleet_carbon.services.accounts.inventories import Inventory
from fleet_carbon.services.papers.shipper_reports import make_shipper_report
from fleet_carbon.services.running import demonstrating
from fleet_carbon.settings import Settings

MONTH = demonstrating.SAMPLE_MONTH
MG_PER_KG = 1_000_000


@pytest.fixture(scope="module")
def book(sample_fleet: Settings) -> Inventory:
    return inventories.read_inventory(sample_fleet, MONTH)


def test_shipments_and_unattributed_are_the_month_to_the_milligram(
    sample_fleet: Settings, book: Inventory
) -> None:
    accounts = reading.read_table(sample_fleet, "accounts", MONTH).rows
    shipments, rest = (book.tables[name] for name in ("shipments", "unattributed"))
    whole_mg = round(math.fsum(accounts["co2e_wtw_kg"]) * MG_PER_KG)
    assert shipments["co2e_wtw_mg"].sum() + rest["co2e_wtw_mg"].sum() == whole_mg
    assert book.summary["co2e_wtw_mg"] == whole_mg
    for energy, of_energy in accounts.groupby("energy"):
        burnt = sum(
            rows.loc[(rows["energy"] == energy).to_numpy(bool), "energy_millionths"].sum()
            for rows in (shipments, rest)
        )
        assert burnt == round(math.fsum(of_energy["energy_quantity"]) * 1_000_000)
    # The categories say the same of their shipments, and of the kilometres of the fleet.
    own = shipments.groupby("toc_id")["co2e_wtw_mg"].sum()
    assert own.to_dict() == book.tables["tocs"].set_index("toc_id")["co2e_wtw_mg"].to_dict()
    tocs = book.tables["tocs"]
    driven_km = (tocs["loaded_km"] + tocs["empty_km"]).sum() + rest["distance_km"].sum()
    assert driven_km == pytest.approx(accounts["distance_km"].sum())


def test_customers_add_up_to_the_shipments(book: Inventory) -> None:
    shippers, shipments = book.tables["shippers"], book.tables["shipments"]
    for name in ("co2e_ttw_mg", "co2e_wtw_mg"):
        assert shippers[name].sum() == shipments[name].sum()
    assert shippers["shipments_count"].sum() == len(shipments)
    # Of the sample's orders one never happened; it has no footprint, and is counted.
    assert book.unproven["order_id"].tolist() == ["T01-9002"]
    assert shippers["unproven_count"].sum() == 1


def test_intensity_and_activity_give_each_footprint_back(book: Inventory) -> None:
    rows = book.tables["shipments"].merge(
        book.tables["tocs"][["toc_id", "co2e_wtw_g_per_tkm", "distance_adjustment_ratio"]],
        on="toc_id",
    )
    expected_mg = rows["co2e_wtw_g_per_tkm"] * rows["activity_tkm"] * 1000
    assert (abs(rows["co2e_wtw_mg"].astype(float) - expected_mg) < 2).all()
    # Roads are longer than great circles; of both fossil fuels some is upstream.
    assert (book.tables["tocs"]["distance_adjustment_ratio"] > 1).all()
    assert (rows["co2e_wtw_mg"] > rows["co2e_ttw_mg"]).all()


def test_activity_is_by_the_distance_that_is_asked_for_and_every_row_names_it(
    told_by_road: Settings,
) -> None:
    by_circle = inventories.read_inventory(told_by_road, MONTH)
    by_road = inventories.read_inventory(told_by_road, MONTH, distance="sfd")
    shipments = by_road.tables["shipments"]
    has_road = shipments["distance_sfd_km"].notna()
    assert 0.4 < has_road.mean() < 0.6
    assert (shipments["distance_kind"] == np.where(has_road, "sfd", "gcd")).all()
    assert by_road.summary["distance_kind"] == "sfd"
    assert by_road.summary["other_distance_count"] == (~has_road).sum() > 0
    assert set(by_circle.tables["shipments"]["distance_kind"]) == {"gcd"}
    assert by_circle.summary["other_distance_count"] == 0
    # What was burnt is the same whatever it is told by, and so is what is of nobody.
    for name in ("co2e_ttw_mg", "co2e_wtw_mg", "attributed", "unattributed", "energy"):
        assert by_road.summary[name] == by_circle.summary[name]
    assert shipments["co2e_wtw_mg"].sum() == by_road.summary["attributed"]["co2e_wtw_mg"]
    activity_km = np.where(has_road, 5000.0, shipments["distance_gcd_km"])
    expected_tkm = (
        shipments["cargo_t"] * activity_km * np.where(has_road, shipments["month_share"], 1.0)
    )
    assert np.allclose(shipments["activity_tkm"], expected_tkm)
    with pytest.raises(InputRefused, match="not told by the distance"):
        inventories.read_inventory(told_by_road, MONTH, distance="actual")


def test_a_customers_report_names_the_distance_of_each_shipment(told_by_road: Settings) -> None:
    made = make_shipper_report(told_by_road, "S02", MONTH, distance="sfd").as_dict()
    [table] = [one for one in made["tables"] if one["name"] == "shipments"]
    names = [one["name"] for one in table["columns"]]
    kinds = {row[names.index("distance_kind")] for row in table["texts"]}
    assert kinds == {"great circle (GCD)", "shortest feasible (SFD)"}
    assert all(one["on_paper"] for one in table["columns"] if "distance" in one["name"])


def test_the_book_is_that_of_the_close_and_made_once(
    sample_fleet: Settings, book: Inventory
) -> None:
    assert inventories.read_inventory(sample_fleet, MONTH) is book
    with pytest.raises(NotFound, match="was not closed"):
        inventories.read_inventory(sample_fleet, "2026-08")


def test_a_customers_report_holds_its_shipments_and_no_others(
    sample_fleet: Settings, book: Inventory
) -> None:
    [whole] = [row for row in book.as_dict()["shippers"] if row["shipper_id"] == "S02"]
    told = make_shipper_report(sample_fleet, "S02", MONTH, language="zh").as_dict()
    [table] = [one for one in told["tables"] if one["name"] == "shipments"]
    place = [one["name"] for one in table["columns"]].index("co2e_wtw_kg")
    assert len(table["rows"]) == whole["shipments_count"]
    shown_g = sum(round(row[place] * 1000) for row in table["rows"])
    assert shown_g == round(whole["co2e_wtw_mg"] / 1000)
    assert [one["about"] for one in told["missing"]] == ["T01-9002"]
    assert told["carrier_name"] == sample_fleet.fleet
    companies = {sample_fleet.fleet: ("Example Freight Co", "urn:example:1")}
    known = sample_fleet.model_copy(update={"companies": companies})
    assert (
        make_shipper_report(known, "S02", MONTH).as_dict()["carrier_name"]
        == companies[sample_fleet.fleet][0]
    )
    with pytest.raises(NotFound, match="no order of the customer"):
        make_shipper_report(sample_fleet, "S99", MONTH)
