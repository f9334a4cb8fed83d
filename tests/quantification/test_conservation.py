"""Nothing is lost and nothing comes twice: months of random fleets, kept in whole numbers beside.

Legs take whole millilitres (of gas, grams), and factors have one decimal: what a month burnt and
emitted is known in whole milligrams without rounding anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import Generator

from fleet_carbon.frames import LEG_ORDERS
from fleet_carbon.quantification.emissions import EnergyFactors
from fleet_carbon.quantification.forming import DISTANCE_KINDS, FOOTPRINT, MonthTables
from fleet_carbon.quantification.transport_operations import Operations, operate
from tests.quantification.account_builders import (
    EDITION,
    MONTH,
    START,
    empty_leg,
    leg,
    order,
    orders,
)
from tests.quantification.test_transport_operations import tables

TTW_MG_PER_ML = {"diesel": 2500, "lng": 2600}
WTW_MG_PER_ML = 3400  # as `tables` says of every leg and account
FACTORS = {name: EnergyFactors(mg / 1000, 3.4, "") for name, mg in TTW_MG_PER_ML.items()}
CLASSES = ("tractor_trailer", "heavy_rigid")
SEEDS = range(24)


@dataclass
class Fleet:
    """A month of some trucks, written leg by leg, and what it burnt by energy. [ml]"""

    rng: Generator
    legs: list[dict[str, Any]] = field(default_factory=list)
    carried: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    sfd_km: dict[str, float] = field(default_factory=dict)
    trucks: dict[str, dict[str, Any]] = field(default_factory=dict)
    burnt_ml: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TTW_MG_PER_ML, 0))

    def truck(self, name: str) -> None:
        """A truck, sometimes of unknown thirst, on its rounds or without any order."""
        energy = str(self.rng.choice(list(TTW_MG_PER_ML)))
        self.trucks[name] = {
            "energy": energy,
            "energy_unit": "l" if energy == "diesel" else "kg",
            "vehicle_class": str(self.rng.choice(CLASSES)),
            "diesel_source": str(self.rng.choice(["receipts", "declared", "class"])),
            "is_known": self.rng.random() < 0.8,
        }
        if self.rng.random() < 0.2:
            self.drive(name, 0, {})
            return
        number = 0
        for _ in range(self.rng.integers(0, 7)):
            number = self.round(name, number)

    def round(self, truck: str, number: int) -> int:
        """Some legs without cargo, then one to four orders that get on and off at any stop."""
        for _ in range(self.rng.integers(0, 3)):
            self.drive(truck, number, {})
            number += 1
        aboard, stops = {}, int(self.rng.integers(1, 6))
        for place in range(self.rng.integers(1, 5)):
            on, off = sorted(self.rng.integers(0, stops, 2).tolist())
            name = f"{truck}-{number}-{place}"
            # A load of nothing is an order, too.
            cargo_t = float(self.rng.choice([0.0, 1.0], p=[0.1, 0.9])) * self.rng.uniform(0.01, 20)
            aboard[name] = (range(on, off + 1), cargo_t)
        of_name: dict[str, float] = dict.fromkeys(aboard, 0.0)
        for stop in range(stops):
            here = {name: cargo for name, (at, cargo) in aboard.items() if stop in at}
            km = self.drive(truck, number + stop, here)
            for name in here:
                of_name[name] += km
        for name, km in of_name.items():
            self.order(name, truck, aboard[name][1], km)
        return number + stops

    def order(self, name: str, truck: str, cargo_t: float, month_km: float) -> None:
        """What became of an order; some go nowhere, some are of two months."""
        circle_km = float(self.rng.choice([0.0, month_km / self.rng.uniform(1.1, 3)], p=[0.1, 0.9]))
        whole_km = month_km * (self.rng.uniform(1, 3) if self.rng.random() < 0.2 else 1.0)
        told = {"cargo_t": cargo_t, "great_circle_km": circle_km, "onboard_km": whole_km}
        self.results.append(order(name, vehicle_id=truck, **told))
        if self.rng.random() < 0.5:
            self.sfd_km[name] = circle_km * self.rng.uniform(0.9, 1.5)

    def drive(self, truck: str, number: int, aboard: dict[str, float]) -> float:
        """One leg; its kilometres."""
        km = float(self.rng.choice([0.0, self.rng.uniform(0.1, 900)], p=[0.05, 0.95]))
        burnt_ml = int(self.rng.choice([0, self.rng.integers(1, 500_000)], p=[0.05, 0.95]))
        own: dict[str, Any] = {
            "vehicle_id": truck,
            "driver_id": f"D{number // 9}",
            "distance_km": km,
            "diesel_l": None,
        }
        if self.trucks[truck]["is_known"]:
            own["diesel_l"] = burnt_ml / 1000
            self.burnt_ml[self.trucks[truck]["energy"]] += burnt_ml
        if aboard:
            self.legs.append(leg(number, **own, order_ids=";".join(aboard)))
        else:
            kinds: list[dict[str, str]] = [
                {"purpose": "search"}, {"purpose": "private"},
                {"state": "unknown", "purpose": "unknown"},
            ]  # fmt: skip
            self.legs.append(empty_leg(number, **own, **kinds[self.rng.integers(0, 3)]))
        self.carried += [
            {
                "vehicle_id": truck, "started_at": START + pd.Timedelta(hours=3 * number),
                "order_id": name, "cargo_t": cargo_t, "onboard_km": km, "activity_tkm": 0.0,
            }
            for name, cargo_t in aboard.items()
        ]  # fmt: skip
        return km

    def tables(self) -> MonthTables:
        """The month as a close has it on record."""
        rows = LEG_ORDERS.shape(pd.DataFrame(self.carried))
        told = {
            name: {key: value for key, value in facts.items() if key != "is_known"}
            for name, facts in self.trucks.items()
        }
        return tables(self.legs, rows, orders(*self.results), self.sfd_km, **told)


def random_fleet(seed: int) -> Fleet:
    fleet = Fleet(np.random.default_rng(seed))
    # Trucks that make no round have no leg; of this one there are some.
    fleet.trucks["T0"] = {
        "energy": "diesel", "energy_unit": "l", "vehicle_class": CLASSES[0], "is_known": True,
    }  # fmt: skip
    fleet.round("T0", 0)
    for number in range(1, fleet.rng.integers(2, 7)):
        fleet.truck(f"T{number}")
    return fleet


def of_energy(rows: pd.DataFrame, energy: str, name: str) -> int:
    return int(rows.loc[(rows["energy"] == energy).to_numpy(bool), name].sum())


@pytest.fixture(params=SEEDS, ids=lambda seed: f"fleet{seed}")
def fleet(request: pytest.FixtureRequest) -> Fleet:
    return random_fleet(request.param)


@pytest.fixture(params=DISTANCE_KINDS)
def found(request: pytest.FixtureRequest, fleet: Fleet) -> Operations:
    return operate(
        fleet.tables(),
        month=MONTH,
        factors=FACTORS,
        edition=EDITION,
        distance_kind=request.param,
    )


def test_shipments_and_the_rest_are_all_that_was_burnt(fleet: Fleet, found: Operations) -> None:
    is_default = found.tocs["notes"].str.contains("default_intensity", regex=False)
    by_default = set(found.tocs.loc[is_default, "toc_id"])
    shipments = found.shipments[~found.shipments["toc_id"].isin(by_default)]
    for energy, burnt_ml in fleet.burnt_ml.items():
        parts = [
            of_energy(rows, energy, "energy_millionths") for rows in (shipments, found.unattributed)
        ]
        assert sum(parts) == 1000 * burnt_ml
    emitted_mg = {
        "co2e_ttw_mg": sum(ml * TTW_MG_PER_ML[name] for name, ml in fleet.burnt_ml.items()),
        "co2e_wtw_mg": sum(fleet.burnt_ml.values()) * WTW_MG_PER_ML,
    }
    for name, whole in emitted_mg.items():
        assert int(shipments[name].sum()) + int(found.unattributed[name].sum()) == whole


def test_shipments_of_a_category_are_its_own_by_their_activity(found: Operations) -> None:
    for name in FOOTPRINT:
        whole = found.tocs.set_index("toc_id")[name]
        assert found.shipments.groupby("toc_id")[name].sum().to_dict() == whole.fillna(0).to_dict()
        tkm = found.shipments["activity_tkm"]
        of_category = found.shipments["toc_id"].map(tkm.groupby(found.shipments["toc_id"]).sum())
        exact = found.shipments["toc_id"].map(whole).astype("Float64") * tkm / of_category
        # None is off by a whole one; the binary fractions beside are.
        assert ((found.shipments[name] - exact).abs().dropna() < 1.01).all()


def test_every_kilometre_is_of_a_category_or_of_the_rest(fleet: Fleet, found: Operations) -> None:
    categories_km = found.tocs["loaded_km"].sum() + found.tocs["empty_km"].sum()
    driven_km = sum(one["distance_km"] for one in fleet.legs)
    assert categories_km + found.unattributed["distance_km"].sum() == pytest.approx(driven_km)


def test_the_fleets_have_all_that_they_are_tried_with() -> None:
    fleets = [random_fleet(seed) for seed in SEEDS]
    drops = [one["order_ids"].split(";") for fleet in fleets for one in fleet.legs]
    names = pd.Series([name for held in drops for name in held if name])
    assert max(len(held) for held in drops) == 4, "part loads beside each other"
    assert names.value_counts().max() >= 4, "orders over several drops"
    reasons: set[str] = set()
    for one in fleets:
        made = operate(
            one.tables(), month=MONTH, factors=FACTORS, edition=EDITION, distance_kind="sfd"
        )
        reasons |= set(made.unattributed["reason"])
    assert reasons == {"no_activity", "no_shipment", "private", "unknown_load"}
