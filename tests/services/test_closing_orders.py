"""What a close says of orders: how well their places were known, and how many were cancelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.services.accounts import reading
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.months import closing
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH, TinyFleet, northward_order


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # O1 gives its loading place by name only, O2 both by coordinates; O3 was called off.
    named = northward_order("O1", 0, pickup_place="四川省遂宁市", pickup_lon="", pickup_lat="")
    fleet = TinyFleet(
        orders=[
            named,
            northward_order("O2", 2),
            northward_order("O3", 2, status="cancelled"),
        ]
    )
    made = Settings(home=tmp_path / "home")
    for kind, path in fleet.write(tmp_path / "files").items():
        ingesting.ingest_files(made, kind, [path])
    return made


def test_an_order_says_in_which_radius_its_places_lie(settings: Settings) -> None:
    closing.close_month(settings, MONTH)
    rows = reading.read_table(settings, "orders", MONTH).rows.set_index("order_id")
    assert rows["pickup_uncertainty_km"].loc[["O2", "O3"]].tolist() == [0.0, 0.0]
    assert rows["pickup_uncertainty_km"].loc["O1"] > 0
    assert rows["delivery_uncertainty_km"].to_dict() == {"O1": 0.0, "O2": 0.0, "O3": 0.0}


def test_cancelled_orders_are_counted_apart(settings: Settings) -> None:
    closed = closing.close_month(settings, MONTH)
    accounts = reading.read_table(settings, "accounts", MONTH).rows
    assert closed.as_dict()["orders"] == 2 == accounts["orders_count"].sum()
    assert closed.as_dict()["orders_cancelled"] == 1
