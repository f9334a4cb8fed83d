"""Another host's activity data become footprints: the same totals, and what cannot be is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import SHIPMENTS
from fleet_carbon.quantification.emissions import EnergyFactors
from fleet_carbon.quantification.forming import DISTANCE_KINDS
from fleet_carbon.quantification.transport_operations import operate
from fleet_carbon.services.accounts import inventories
from fleet_carbon.services.accounts.inventories import Inventory
from fleet_carbon.services.exchange.activities import Fetched, fetch_activities
from fleet_carbon.services.exchange.exchange_client import HostClient
from fleet_carbon.services.exchange.exchanging import MonthExchange, exchange_month
from fleet_carbon.services.people.access import create_key
from fleet_carbon.services.running import demonstrating
from fleet_carbon.settings import Settings
from fleet_carbon.statements.ileap import as_json
from fleet_carbon.statements.ileap_sense import breaches
from tests.quantification.account_builders import EDITION
from tests.quantification.account_builders import MONTH as PERIOD
from tests.quantification.test_conservation import TTW_MG_PER_ML, random_fleet
from tests.services.exchange_schemas import validate
from tests.services.exchanging_host import PlayedHost, hosted, listening

MONTH = demonstrating.SAMPLE_MONTH
Json = dict[str, Any]
# 1240 km x 28 t = 34,720 tkm; 421.6 l x 3.43 kg = 1446.088 kg, x 2.64 kg = 1113.024 kg.
TRIP: Json = {
    "activityId": "A1", "consignmentIds": ["C1"], "mode": "Road", "mass": "28000",
    "distance": {"actual": "1240"},
    "origin": {"city": "Nanjing", "country": "CN"},
    "destination": {"city": "Guiyang", "country": "CN"},
    "departureAt": "2026-03-14T01:10:00Z", "arrivalAt": "2026-03-15T04:55:00Z",
    "energyCarriers": [{
        "energyCarrier": "Diesel", "relativeShare": "1",
        "feedstocks": [{"feedstock": "Fossil", "feedstockShare": "1"}],
        "energyConsumption": "421.6", "energyConsumptionUnit": "l",
        "emissionFactorWTW": "3.43", "emissionFactorTTW": "2.64",
    }],
}  # fmt: skip


@pytest.fixture(scope="module")
def private(sample_fleet: Settings) -> Settings:
    return sample_fleet.model_copy(update={"ileap_private": True})


def test_a_round_over_http_gives_the_same_totals(
    private: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("activities") / "home"
    shutil.copytree(private.home, home)
    host = private.model_copy(update={"home": home})
    made = create_key(host, "customer of all", "auditor", scopes=["exchange"])
    known_by = {"client_id": made.rows[0].key_id, "client_secret": made.secret}
    with hosted(host) as address, HostClient(host, address, **known_by) as client:
        found = fetch_activities(host, client)
        gas = fetch_activities(host, client, filters=[("energyCarriers.energyCarrier", "LNG")])
    told = found.as_dict()
    book = inventories.read_inventory(host, MONTH)
    own = exchange_month(host, MONTH)
    sums = {"count": len(book.tables["shipments"]), **book.summary["attributed"]}
    assert (told["activities_count"], told["left_out"]) == (sums["count"], {})
    tkm = sum(
        Decimal(one["tces"][0]["transportActivity"]) for one in own.documents("shipments")["data"]
    )
    assert Decimal(told["activity_tkm"]) == tkm
    for end in ("wtw", "ttw"):
        assert Decimal(told[f"co2e_{end}_kg"]) * 1_000_000 == sums[f"co2e_{end}_mg"]
        parts = [one["tces"][0] for one in found.documents()["shipments"]]
        whole_kg = sum(Decimal(one[f"co2e{end.upper()}"]) for one in parts)
        assert whole_kg == Decimal(told[f"co2e_{end}_kg"])
    assert 0 < gas.as_dict()["activities_count"] < sums["count"]
    is_valid(found)


# Cities of the gazetteer, so that every trip has its two ends.
ENDS = {"pickup_lon": 118.78, "pickup_lat": 32.04, "delivery_lon": 106.71, "delivery_lat": 26.57}
# Of a litre of diesel and a kilogram of LNG as they may be.
FACTOR_RATIOS = st.floats(2.5, 2.8)
CUSTOMERS = ("A", "B", "C")


def arbitrary_month(seed: int, distance_kind: str, ratios: Sequence[float]) -> Inventory:
    """The book of a random fleet, by factors that no six decimals hold."""
    fleet = random_fleet(seed)
    factors = {
        name: EnergyFactors(ratio, 1.25 * ratio, "")
        for name, ratio in zip(TTW_MG_PER_ML, ratios, strict=True)
    }
    made = operate(
        fleet.tables(), month=PERIOD, factors=factors, edition=EDITION, distance_kind=distance_kind
    )
    count = len(made.shipments)
    gone_at = pd.date_range("2026-03-02", periods=count, freq="h", tz="UTC")
    told = {
        "shipper_id": [CUSTOMERS[place % len(CUSTOMERS)] for place in range(count)],
        "weight_source": "weighed",
        "departed_at": gone_at,
        "arrived_at": gone_at + pd.Timedelta(hours=5),
    }
    shipments = SHIPMENTS.shape(made.shipments.assign(**told))
    return Inventory(
        month=str(PERIOD),
        fleet_id="F",
        edition="x",
        run_id=f"{seed}/{distance_kind}/{ratios}",
        closed_at="2026-04-02T00:00:00+00:00",
        distance_kind=distance_kind,
        tables={"tocs": made.tocs, "shipments": shipments},
        unproven=pd.DataFrame(),
        period=PERIOD,
        places=pd.DataFrame({name: np.full(count, at) for name, at in ENDS.items()}),
    )


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(DISTANCE_KINDS),
    st.tuples(FACTOR_RATIOS, FACTOR_RATIOS),
    st.sampled_from([None, *CUSTOMERS]),
)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_month_comes_back_to_the_milligram(
    fetch: Callable[..., Fetched],
    private: Settings,
    seed: int,
    distance_kind: str,
    ratios: tuple[float, float],
    customer: str | None,
) -> None:
    book = arbitrary_month(seed, distance_kind, ratios)
    month = MonthExchange(private, book)
    shippers = None if customer is None else frozenset([customer])

    def told_of(kind: str) -> list[Json]:
        return [as_json(one) for one in month.made(kind, month.rows(kind, shippers))]

    every, activities = told_of("shipments"), told_of("tad")
    found = fetch(*activities)
    of_all = {one["shipmentId"]: one["tces"][0] for one in every}
    silent = {one.removesuffix(f"/{PERIOD}") for one in found.left_out}
    silent |= of_all.keys() - {one["consignmentIds"][0] for one in activities}
    own = [tce for name, tce in of_all.items() if name not in silent]
    # Only what moved nothing, or burnt less than a millilitre, cannot be reckoned.
    for name in silent:
        tce = of_all[name]
        assert not Decimal(tce["transportActivity"]) or Decimal(tce["co2eWTW"]) < Decimal("0.004")
    told = found.as_dict()
    assert told["activities_count"] == len(own)
    for name, of_element in (
        ("activity_tkm", "transportActivity"),
        ("co2e_wtw_kg", "co2eWTW"),
        ("co2e_ttw_kg", "co2eTTW"),
    ):
        assert Decimal(told[name]) == sum(Decimal(one[of_element]) for one in own)
    # Every other list of the host says the same.
    for report in told_of("aed"):
        of_report = [of_all[one] for one in report["shipmentIds"]]
        for end in ("WTW", "TTW"):
            assert Decimal(report[f"co2e{end}"]) == sum(
                Decimal(one[f"co2e{end}"]) for one in of_report
            )
    if customer is None:
        of_categories_agree(told_of("tocs"), every)


def of_categories_agree(tocs: list[Json], shipments: list[Json]) -> None:
    """Intensity times the activity of its shipments, to the milligram."""
    elements = [one["tces"][0] for one in shipments]
    for toc in tocs:
        own = [one for one in elements if one["tocId"] == toc["tocId"]]
        tkm = sum(Decimal(one["transportActivity"]) for one in own)
        for end in ("WTW", "TTW"):
            emitted_kg = tkm * Decimal(toc[f"co2eIntensity{end}"])
            assert round(emitted_kg, 6) == sum(Decimal(one[f"co2e{end}"]) for one in own)


def is_valid(found: Fetched) -> None:
    documents = found.documents()
    for kind, name in (("shipments", "ShipmentFootprint"), ("tocs", "TOC")):
        for document in documents[kind]:
            validate(name, document)
    sense = {law: breaches(documents, law) for law in ("activity", "shares", "intensity")}
    assert not any(sense.values()), sense


@pytest.fixture(scope="module")
def played_at() -> Iterator[tuple[PlayedHost, str]]:
    host = PlayedHost()
    with listening(host) as address:
        yield host, address


@pytest.fixture
def fetch(private: Settings, played_at: tuple[PlayedHost, str]) -> Callable[..., Fetched]:
    def fetch(*activities: Json, path: str = "/v1/ileap/tad", **named: Any) -> Fetched:
        host, address = played_at
        host.documents, host.page_count = {path: list(activities)}, 3
        known_by = {"client_id": "me", "client_secret": "secret"}
        with HostClient(private, address, **known_by, pause=lambda _: None) as client:
            return fetch_activities(private, client, **named)

    return fetch


def test_energy_times_its_factors_is_what_was_emitted(fetch: Callable[..., Fetched]) -> None:
    found = fetch(TRIP, path="/2/ileap/tad")  # as hosts of 1.0 have it
    assert found.as_dict() == {
        "url": found.url,
        "activities_count": 1,
        "activity_tkm": "34720",
        "co2e_wtw_kg": "1446.088",
        "co2e_ttw_kg": "1113.024",
        "categories": [
            {
                "toc_id": "Road.Diesel.actual",
                "activity_tkm": "34720",
                "co2e_wtw_kg": "1446.088",
                "co2e_ttw_kg": "1113.024",
            }
        ],
        "left_out": {},
    }
    [toc] = found.documents()["tocs"]
    assert toc["co2eIntensityWTW"] == "0.04165"  # 1446.088 / 34,720
    assert toc["energyCarriers"][0]["emissionFactorWTW"] == "3.43"
    is_valid(found)


def test_a_category_shares_its_emissions_by_activity_to_the_milligram(
    fetch: Callable[..., Fetched],
) -> None:
    half = {**TRIP, "activityId": "A2", "consignmentIds": ["C2"], "mass": "14000"}
    found = fetch(TRIP, half)
    # 2 x 1446.088 kg over 34,720 + 17,360 tkm: two thirds and one third, no milligram lost.
    told = [one["tces"][0]["co2eWTW"] for one in found.documents()["shipments"]]
    assert told == ["1928.117333", "964.058667"]
    is_valid(found)


def test_a_default_intensity_stands_in_where_no_energy_is_told(
    fetch: Callable[..., Fetched],
) -> None:
    silent = {name: held for name, held in TRIP.items() if name != "energyCarriers"}
    assert fetch(silent).left_out["A1"].startswith("no_energy")
    found = fetch(silent, vehicle_class="tractor_trailer")
    # 95 g/tkm x 1.22 (Asia) of the feasible distance, 1240 km / 1.05, with 28 t.
    wtw_kg = 0.095 * 1.22 * 1240 / 1.05 * 28
    assert float(found.as_dict()["co2e_wtw_kg"]) == pytest.approx(wtw_kg, abs=1e-6)
    [toc] = found.documents()["tocs"]
    assert toc["secondaryEmissionFactorSources"] == [{"name": "GLEC Framework", "version": "3.0"}]
    is_valid(found)
    with pytest.raises(InputRefused, match="no default intensity"):
        fetch(silent, vehicle_class="barge")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mass": 28000}, "not_valid"),
        ({"mode": "Truck"}, "not_valid"),
        ({"mass": "0"}, "no_activity"),
        # Litres with the factors of a kilogram, as the specification's example has them.
        ({"emissionFactorWTW": "4.13", "emissionFactorTTW": "3.17"}, "factor_unit"),
        ({"emissionFactorWTW": "2.5"}, "wtw_below_ttw"),
        ({"relativeShare": "0.5"}, "shares"),
    ],
)
def test_what_makes_no_sense_is_left_out_by_name(
    fetch: Callable[..., Fetched], change: Json, why: str
) -> None:
    [carrier] = TRIP["energyCarriers"]
    if change.keys() <= carrier.keys():
        change = {"energyCarriers": [carrier | change]}
    other = {**TRIP, "activityId": "A2"}
    found = fetch(TRIP | change, other)
    assert (list(found.left_out), found.left_out["A1"].split(":")[0]) == (["A1"], why)
    assert found.as_dict()["activities_count"] == 1


def test_pages_are_followed_and_what_the_host_did_not_filter_is(
    fetch: Callable[..., Fetched], played_at: tuple[PlayedHost, str]
) -> None:
    played_at[0].faults = {"no_filter"}
    many = [{**TRIP, "activityId": f"A{number}"} for number in range(7)]
    assert fetch(*many).as_dict()["activities_count"] == 7
    by_rail = [{**one, "mode": "Rail"} for one in many[:3]]
    found = fetch(*by_rail, *many[3:], filters=[("mode", "rail")])
    assert found.as_dict()["activities_count"] == 3
    twice = fetch(TRIP, TRIP)
    assert (twice.as_dict()["activities_count"], twice.left_out) == (1, {})
    assert list(fetch(TRIP, TRIP | {"mass": "1"}).left_out) == ["A1"]
    played_at[0].faults = set()
