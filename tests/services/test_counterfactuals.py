"""What earlier closes say of other drivers reaches the account, its reader and its history."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from fleet_carbon.frames import ACCOUNTS, LANES
from fleet_carbon.services.accounts.reading import read_table
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.months import closing
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import ClosingRun, open_storage
from tests.services.tiny_fleet import MONTH, YARD_KM, TinyFleet, write_csv

OTHERS = ("A", "B", "C", "D", "E")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", workers=1)
    for kind, path in TinyFleet().write(tmp_path / "files").items():
        ingesting.ingest_files(made, kind, [path])
    return made


def lanes_of_month(settings: Settings) -> pd.DataFrame:
    with open_storage(settings).begin(read_only=True) as work:
        run = work.closings.latest(MONTH)
        assert run is not None
        return work.closings.table(run, "lanes")


def close_earlier(settings: Settings, run_id: str, lanes: pd.DataFrame) -> None:
    """Put a close of the month before on record, with these lanes."""
    run = ClosingRun(
        run_id=run_id,
        month="2025-02",
        edition_label="x",
        edition_digest="x",
        inputs={},
        closed_at=datetime(2025, 3, 1, tzinfo=UTC),
        summary={},
        tables={"accounts": ACCOUNTS.empty(), "lanes": LANES.shape(lanes)},
    )
    with open_storage(settings).begin() as work:
        work.closings.save("2025-02", run)


def others_on(lane: pd.DataFrame, empty_km: float) -> pd.DataFrame:
    """Five drivers with 6,000 km at half load on that lane, and so many empty kilometres."""
    figures = {
        "month": "2025-02", "loaded_km": 6_000.0, "empty_km": empty_km, "unknown_km": 0.0,
        "transport_work_tkm": 60_000.0, "capacity_tkm": 120_000.0,
    }  # fmt: skip
    return pd.concat([lane.assign(driver_id=name, **figures) for name in OTHERS])


def test_a_close_keeps_the_lanes_of_the_month(settings: Settings) -> None:
    # Two drives north of YARD_KM with 10 of 20 t, and one back between them.
    closing.close_month(settings, MONTH)
    (lane,) = lanes_of_month(settings).to_dict("records")
    assert (lane["origin"], lane["destination"], lane["distance_band"]) == (
        "N30E105", "N30E105", "short",
    )  # fmt: skip
    assert lane["orders_count"] == 2
    assert lane["loaded_km"] == pytest.approx(2 * YARD_KM, rel=1e-3)
    assert lane["empty_km"] == pytest.approx(YARD_KM, rel=1e-3)
    assert lane["transport_work_tkm"] == pytest.approx(20 * YARD_KM, rel=1e-3)
    assert lane["capacity_tkm"] == pytest.approx(40 * YARD_KM, rel=1e-3)


def test_others_of_earlier_closes_are_the_cohort_and_a_change_of_theirs_is_a_reason(
    settings: Settings, tmp_path: Path
) -> None:
    closing.close_month(settings, MONTH)
    lane = lanes_of_month(settings)
    joined = [{"driver_id": name, "joined_on": "2025-03-01"} for name in OTHERS]
    ingesting.ingest_files(settings, "drivers", [write_csv(tmp_path / "others.csv", joined)])
    close_earlier(settings, "before", others_on(lane, empty_km=4_000.0))
    again = closing.close_month(settings, MONTH)
    row = read_table(settings, "accounts", MONTH).rows.iloc[0]
    # As many loaded km as driven, at 10 t, but 0.4 of all km empty instead of a third:
    # 2 YARD_KM (1 / 0.6 - 1.5) km less at 0.2 l/km.
    saved_l = 0.2 * 2 * YARD_KM * (1 / 0.6 - 1.5)
    assert row["saved_against_cohort_l"] == pytest.approx(saved_l, abs=0.01)
    assert row["baseline_source"] == "cohort"
    assert row["diesel_saved_l"] == row["saved_against_cohort_l"] < row["saved_against_declared_l"]
    (change,) = again.as_dict()["changes"]
    assert change["reasons"] == ["cohort"]
    close_earlier(settings, "corrected", others_on(lane, empty_km=3_000.0))
    corrected = closing.close_month(settings, MONTH)
    assert corrected.as_dict()["changes"][0]["reasons"] == ["cohort"]
    assert not closing.close_month(settings, MONTH).is_new


def test_the_reader_is_told_what_counts_and_what_is_taken_off(settings: Settings) -> None:
    summary = closing.close_month(settings, MONTH).run.summary
    assert summary["counterfactuals"] == {
        "D1/V1": {
            "empty_share": 0.5, "payload_utilisation_share": 0.4, "source": "declared_driver",
        },
    }  # fmt: skip
    assert summary["leakage"]["induced_trips_share"]["origin"] == "assumed"
