"""What changed between two closes, and which input it is blamed on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.services import comparing

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
