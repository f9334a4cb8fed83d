"""Sums of accounts by driver and truck: exact, and the same however they are grouped."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fleet_carbon import frames
from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.grouping import grouped, together
from fleet_carbon.quantification.sums import SUMMED, combined_saving, sum_accounts
from fleet_carbon.quantification.uncertainty import UncertaintyRules
from tests.quantification.account_builders import EDITION

RULES = fill_rules(EDITION, "uncertainty", UncertaintyRules)
DRIVERS_COUNT, ACCOUNTS_COUNT = 40, 300


@pytest.fixture(scope="module")
def accounts() -> pd.DataFrame:
    """Accounts by chance, a third of them without a saving, a fifth without coverage."""
    rng = np.random.default_rng(5)
    columns: dict[str, Any] = {}
    for column in ACCOUNTS.columns:
        if column.dtype == frames.NUMBER:
            columns[column.name] = rng.lognormal(3.0, 4.0, ACCOUNTS_COUNT)
        elif column.dtype == frames.INTEGER:
            columns[column.name] = rng.integers(0, 2**53 - 1, ACCOUNTS_COUNT)
        else:
            columns[column.name] = "x"
    columns["driver_id"] = [
        f"D{number}" for number in rng.integers(0, DRIVERS_COUNT, ACCOUNTS_COUNT)
    ]
    rows = pd.DataFrame(columns)
    of_saving = [
        name for name in rows if name.startswith(("co2_avoided", "diesel_saved", "saved_by"))
    ]
    rows.loc[rng.random(ACCOUNTS_COUNT) < 1 / 3, of_saving] = np.nan
    rows.loc[rng.random(ACCOUNTS_COUNT) < 1 / 5, "coverage_share"] = np.nan
    return ACCOUNTS.shape(rows)


def test_each_sum_is_what_fsum_says_of_the_accounts_of_a_driver(accounts: pd.DataFrame) -> None:
    groups = grouped(accounts["driver_id"])
    sums = sum_accounts(accounts, groups, RULES).assign(driver_id=groups.texts(0))
    assert len(sums) == accounts["driver_id"].nunique() > 30
    for row in sums.to_dict("records"):
        own = accounts[accounts["driver_id"] == row["driver_id"]]
        assert row["accounts_count"] == len(own)
        # Grams are whole numbers, which floating point would round.
        assert row["co2_credited_g"] == sum(own["co2_credited_g"].tolist())
        for name in SUMMED:
            known = own[name].dropna().tolist()
            if not known:
                assert pd.isna(row[name]), name
            elif name not in ("co2_credited_g", "orders_count", "orders_matched_count"):
                assert row[name] == math.fsum(known), name


def test_a_driver_alone_has_the_figures_that_the_driver_has_among_others(
    accounts: pd.DataFrame,
) -> None:
    groups = grouped(accounts["driver_id"])
    among = sum_accounts(accounts, groups, RULES)
    for place, (driver_id,) in enumerate(groups.keys):
        own = accounts[accounts["driver_id"] == driver_id]
        alone = sum_accounts(own, together(len(own)), RULES)
        pd.testing.assert_frame_equal(
            alone, among.iloc[[place]].reset_index(drop=True), check_exact=True
        )
        saving = combined_saving(own, RULES)
        assert saving.accounts_count == own["co2_avoided_kg"].notna().sum()
        if saving.accounts_count:
            assert alone.loc[0, "co2_avoided_low_kg"] == saving.co2_avoided_low_kg


def test_parts_that_follow_on_each_other_have_the_sums_of_each_alone(
    accounts: pd.DataFrame,
) -> None:
    counts = (120, 0, 1, ACCOUNTS_COUNT - 121)
    sums = sum_accounts(accounts, together(*counts), RULES)
    begins = np.cumsum([0, *counts])
    for place, count in enumerate(counts):
        part = accounts.iloc[begins[place] : begins[place] + count]
        alone = sum_accounts(part, together(count), RULES)
        pd.testing.assert_frame_equal(
            sums.iloc[[place]].reset_index(drop=True), alone, check_exact=True
        )


def test_shares_are_made_of_the_sums(accounts: pd.DataFrame) -> None:
    sums = sum_accounts(accounts, together(len(accounts)), RULES)
    work_tkm, seen = accounts["transport_work_tkm"], accounts.dropna(subset=["coverage_share"])
    mileage = accounts["loaded_km"].sum() / accounts["distance_km"].sum()
    payload = work_tkm.sum() / (work_tkm / accounts["payload_utilisation_share"]).sum()
    covered = (seen["coverage_share"] * seen["distance_km"]).sum() / seen["distance_km"].sum()
    expected = [mileage, payload, mileage * payload, covered]
    names = [
        f"{name}_share" for name in ("mileage_utilisation", "payload_utilisation", "load_rate")
    ]
    found = sums.loc[0, [*names, "coverage_share"]].tolist()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_nothing_sums_to_nothing_known() -> None:
    sums = sum_accounts(ACCOUNTS.empty(), together(0), RULES)
    assert sums.loc[0, "accounts_count"] == 0
    assert sums.drop(columns="accounts_count").isna().all(axis=None)
    assert sum_accounts(ACCOUNTS.empty(), grouped(ACCOUNTS.empty()["driver_id"]), RULES).empty


def test_sums_at_hand_are_those_of_the_compiled_code() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=900) * 10.0 ** rng.uniform(-30, 30, 900)
    groups = grouped(pd.Series(rng.integers(0, 200, 900)).astype("string"))
    np.testing.assert_array_equal(groups.sums_at_hand(values), groups.sums(values))
