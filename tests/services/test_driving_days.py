"""A month by day and leg: everything adds up to what the account was credited."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from fleet_carbon.errors import NotFound
from fleet_carbon.services.accounts.driver_years import read_driver_accounts
from fleet_carbon.services.accounts.driving_days import read_driven_month
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers.stating import make_statement
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH, TinyFleet, drive_begins_at


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny fleet, closed."""
    folder = tmp_path_factory.mktemp("days")
    settings = Settings(home=folder / "home")
    for kind, path in TinyFleet().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    return settings


def test_legs_add_up_to_the_account(settings: Settings) -> None:
    driven = read_driven_month(settings, MONTH, driver_id="D1")
    account = read_driver_accounts(settings, "D1").rows[0]
    assert account["co2_credited_g"] > 0
    for name, column in (
        ("credited_g", "co2_credited_g"),
        ("distance_km", "distance_km"),
        ("loaded_km", "loaded_km"),
        ("empty_km", "empty_km"),
        ("diesel_l", "diesel_l"),
    ):
        together = sum(day.sums[name] or 0.0 for day in driven.days)
        # Litres of an account stand on a grid of 1/2048 l.
        assert together == pytest.approx(account[column], abs=1 / 2048), name


def test_the_grams_of_an_order_are_those_of_the_statement_and_lie_on_its_legs(
    settings: Settings,
) -> None:
    driven = read_driven_month(settings, MONTH, vehicle_id="V1")
    lines = make_statement(settings, "D1", MONTH, language="en").composed["orders"]["lines"]
    told = {line["order_id"]: line["credited_text"] for line in lines}
    for order_id, order in driven.orders.items():
        on_legs = sum(leg["credited_g"] for leg in driven.legs if order_id in leg["aboard"])
        assert on_legs == pytest.approx(order["credited_g"])
        assert f"{order['credited_g'] / 1000:,.3f}" == told[order_id]


def test_a_leg_counts_on_the_local_day_on_which_it_began(settings: Settings) -> None:
    # The drives begin within seven hours from midnight UTC, in China on the same day.
    driven = read_driven_month(settings, MONTH, vehicle_id="V1")
    began = drive_begins_at(0).astimezone(driven.zone).date()
    day = driven.on(began)
    drives = [leg for leg in day.legs if leg["distance_km"] > 1]
    assert [leg["state"] for leg in drives] == ["loaded", "empty", "loaded"]
    assert [leg["aboard"] for leg in drives] == [("O1",), (), ("O2",)]
    assert day.order_ids == ("O1", "O2")
    for leg in day.legs:
        assert datetime.fromisoformat(leg["started_at"]).astimezone(driven.zone).date() == began


def test_a_day_without_legs_is_told(settings: Settings) -> None:
    with pytest.raises(NotFound, match="2025-03-01"):
        read_driven_month(settings, MONTH, driver_id="D1").on(date(2025, 3, 1))


def test_nobody_drove_what_nobody_drove(settings: Settings) -> None:
    assert read_driven_month(settings, MONTH, driver_id="D9").days == ()
