"""What changed between two closes, and which input it is blamed on."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from fleet_carbon.frames import (
    ACCOUNTS,
    ASSIGNMENTS,
    BASELINES,
    DRIVERS,
    ENERGY,
    GROUPING,
    ORDERS,
    PERSONAL,
    VEHICLES,
)
from fleet_carbon.services.months import comparing
from fleet_carbon.services.months.records import Records

SAME = {"positions/V1": "a", "positions/V2": "a", "orders/V1": "a", "edition": "a"}


def account(driver_id: str = "D1", vehicle_id: str = "V1", **other: Any) -> dict[str, Any]:
    zeros: dict[str, Any] = dict.fromkeys(ACCOUNTS.required, 0)
    texts = {
        "month": "2025-03", "fleet_id": "f", "edition": "e 1", "quality": "modelled", "notes": "",
    }  # fmt: skip
    return zeros | texts | {"driver_id": driver_id, "vehicle_id": vehicle_id} | other


def changes(
    before: list[dict[str, Any]], after: list[dict[str, Any]], **inputs_after: str
) -> list[dict[str, Any]]:
    changed = {name.replace("__", "/"): digest for name, digest in inputs_after.items()}
    return comparing.compare_accounts(
        pd.DataFrame(before, columns=ACCOUNTS.names),
        pd.DataFrame(after, columns=ACCOUNTS.names),
        inputs_before=SAME,
        inputs_after=SAME | changed,
    )


def test_equal_accounts_have_no_changes_even_if_an_input_changed() -> None:
    assert changes([account()], [account()], edition="b") == []


def test_a_change_names_the_figure_before_and_after_and_the_input_of_its_own_truck() -> None:
    found = changes(
        [account(distance_km=100.0), account("D2", "V2")],
        [account(distance_km=130.5), account("D2", "V2")],
        positions__V1="b",
        positions__V2="b",
    )
    assert found == [
        {
            "driver_id": "D1",
            "vehicle_id": "V1",
            "kind": "changed",
            "reasons": ["positions"],
            "figures": {"distance_km": (100.0, 130.5)},
        }
    ]


def test_an_edition_is_a_reason_for_every_account() -> None:
    found = changes([account()], [account(edition="e 2")], edition="b", orders__V1="b")
    assert found[0]["reasons"] == ["orders", "edition"]


def test_an_account_that_appears_or_goes_is_named_so() -> None:
    found = changes([account("D1")], [account("D2")], assignments__V1="b")
    assert [(one["driver_id"], one["kind"]) for one in found] == [("D1", "gone"), ("D2", "new")]
    assert found[1]["figures"]["month"] == (None, "2025-03")


def test_a_missing_figure_is_compared_as_missing() -> None:
    found = changes([account(diesel_saved_l=None)], [account(diesel_saved_l=3.0)])
    assert found[0]["figures"] == {"diesel_saved_l": (None, 3.0)}
    assert changes([account(diesel_saved_l=None)], [account(diesel_saved_l=None)]) == []


def test_a_digest_of_rows_does_not_depend_on_their_order() -> None:
    rows = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert comparing.digest_rows(rows) == comparing.digest_rows(rows.iloc[::-1])
    assert comparing.digest_rows(rows) != comparing.digest_rows(rows.iloc[:1])


def records(**given: pd.DataFrame) -> Records:
    """Two trucks with a driver, an order and a receipt each; tables may be given instead."""
    tables = {
        "vehicles": [vehicle("V1"), vehicle("V2")],
        "drivers": [{"driver_id": "D1", "vehicle_id": "V1"}, {"driver_id": "D2"}],
        "assignments": [
            {"driver_id": "D2", "vehicle_id": "V2", "assigned_from": "2025-03-01T00:00:00Z"}
        ],
        "orders": [order("O1", "V1"), order("O2", "V2"), order("O3", "V2")],
        "baselines": [
            {"driver_id": "D1", **LINE},
            {"vehicle_class": "rigid_18t", **LINE},
        ],
        "energy": [
            {"vehicle_id": "V1", "bought_at": "2025-03-02T00:00:00Z", "quantity": 1, "unit": "l"}
        ],
    }
    shaped = {
        name: SHAPES[name].shape(pd.DataFrame(rows).convert_dtypes())
        for name, rows in tables.items()
    }
    return Records(**shaped | given)


SHAPES = {
    "vehicles": VEHICLES, "drivers": DRIVERS, "assignments": ASSIGNMENTS, "orders": ORDERS,
    "baselines": BASELINES, "energy": ENERGY,
}  # fmt: skip
LINE = {"valid_from": "2025-01-01", "empty_share": 0.4, "payload_utilisation_share": 0.5}


def vehicle(vehicle_id: str) -> dict[str, Any]:
    return {"vehicle_id": vehicle_id, "rated_payload_t": 20.0, "energy": "diesel"}


def order(order_id: str, vehicle_id: str) -> dict[str, Any]:
    zeros: dict[str, Any] = dict.fromkeys(ORDERS.required, 0)
    moments = dict.fromkeys(("pickup_time", "delivery_time"), "2025-03-02T00:00:00Z")
    texts = {"weight_source": "declared", "status": "accepted"}
    return zeros | moments | texts | {"order_id": order_id, "vehicle_id": vehicle_id}


def changed(name: str, place: int, column: str, value: Any) -> Records:
    rows = getattr(records(), name).copy()
    rows.loc[place, column] = value
    return records(**{name: rows})


def differing(before: Records, after: Records) -> set[str]:
    old, new = comparing.digest_records(before), comparing.digest_records(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


OTHER_VALUES = {
    "number": 7.25,
    "integer": 9,
    "text": "另",
    "moment": pd.Timestamp("2031-05-06T07:08:09.010Z"),
}


NO_FIGURE_RESTS_ON = {("drivers", one) for one in PERSONAL} | {
    ("vehicles", one) for one in GROUPING
}


def test_a_truck_that_moves_to_another_depot_changes_no_figure() -> None:
    assert not differing(records(), changed("vehicles", 0, "depot", "North"))


@pytest.mark.parametrize("name", list(SHAPES))
def test_any_value_of_any_row_changes_the_digest_of_its_truck_or_driver(name: str) -> None:
    by = "driver_id" if name in ("drivers", "baselines") else "vehicle_id"
    rows = getattr(records(), name)
    for column in rows.columns:
        if column == by or (name, column) in NO_FIGURE_RESTS_ON:
            continue
        is_flag = rows[column].dtype == "boolean"
        other = True if is_flag else OTHER_VALUES[comparing._kind_of(rows[column])]
        for value in (other, None):
            if pd.isna(rows.loc[0, column]) and value is None:
                continue
            rows_after = rows.copy()
            rows_after.loc[0, column] = value
            found = differing(records(), records(**{name: rows_after}))
            assert any(one.endswith(f"/{rows.loc[0, by]}") for one in found), (column, value)


def test_no_order_of_rows_and_no_other_truck_matters_to_a_digest() -> None:
    given = records()
    turned = Records(**{name: getattr(given, name).iloc[::-1] for name in SHAPES})
    assert differing(given, turned) == set()
    orders = given.orders
    alone = comparing.digest_records(records(orders=orders[orders["vehicle_id"] == "V2"]))
    assert alone["orders/V2"] == comparing.digest_records(given)["orders/V2"]


def test_a_missing_text_is_not_an_empty_one_and_a_missing_number_is_not_zero() -> None:
    assert differing(records(), changed("vehicles", 0, "plate", "")) == {"vehicle/V1"}
    assert differing(records(), changed("vehicles", 0, "curb_mass_t", 0.0)) == {"vehicle/V1"}
    one, other = (pd.DataFrame({"a": [missing]}) for missing in (float("nan"), -float("nan")))
    assert comparing.digest_rows(one) == comparing.digest_rows(other)


def test_a_value_that_moves_to_another_column_or_row_changes_the_digest() -> None:
    rows = pd.DataFrame({"a": ["x", None], "b": [None, "y"]})
    assert comparing.digest_rows(rows) != comparing.digest_rows(rows[["b", "a"]])
    crossed = pd.DataFrame({"a": ["x", None], "b": ["y", None]})
    assert comparing.digest_rows(rows) != comparing.digest_rows(crossed)


@pytest.mark.parametrize(
    ("name", "place", "column", "value", "touched"),
    [
        ("orders", 0, "cargo_t", 3.0, {"V1"}),
        ("orders", 0, "vehicle_id", "V2", {"V1", "V2"}),
        ("vehicles", 1, "rated_payload_t", 19.0, {"V2"}),
        ("assignments", 0, "driver_id", "D1", {"V2"}),
        ("drivers", 1, "vehicle_id", "V1", {"V1"}),
        ("drivers", 0, "phone", "1", set()),
        ("baselines", 0, "empty_share", 0.1, set()),
        ("energy", 0, "quantity", 2.0, {"V1"}),
    ],
)
def test_a_truck_is_touched_by_what_can_change_its_legs_and_by_nothing_else(
    name: str, place: int, column: str, value: Any, touched: set[str]
) -> None:
    before, after = (
        comparing.vehicle_digests(comparing.digest_records(given))
        for given in (records(), changed(name, place, column, value))
    )
    assert {truck for truck in before if before[truck] != after[truck]} == touched


def test_inputs_are_named_by_source_and_truck_or_driver() -> None:
    inputs = comparing.digest_inputs(
        comparing.digest_records(records()),
        trace_versions={"V1": "t"},
        history=pd.DataFrame([account()], columns=ACCOUNTS.names),
        for_all={"edition": "e"},
    )
    assert set(inputs) == {
        "edition", "positions/V1", "orders/V1", "orders/V2", "vehicle/V1", "vehicle/V2",
        "assignments/V1", "assignments/V2", "energy/V1", "driver/D1", "driver/D2", "baselines",
        "baselines/D1", "history/D1",
    }  # fmt: skip


def test_what_an_earlier_month_measured_of_a_truck_concerns_whoever_drives_it_now() -> None:
    def inputs(litres: float) -> dict[str, str]:
        past = account("D2", "V1", measured_l=litres, measured_model_l=900.0, fuel_model="physics")
        return comparing.digest_inputs(
            {},
            trace_versions={},
            history=pd.DataFrame([past], columns=ACCOUNTS.names),
            for_all={},
        )

    before, after = inputs(1_000.0), inputs(1_100.0)
    assert {name for name in before if before[name] != after[name]} == {"history/D2", "measured/V1"}
    changed = comparing.compare_accounts(
        pd.DataFrame([account()], columns=ACCOUNTS.names),
        pd.DataFrame([account(diesel_l=1.0)], columns=ACCOUNTS.names),
        inputs_before=before,
        inputs_after=after,
    )
    assert changed[0]["reasons"] == ["measured"]
