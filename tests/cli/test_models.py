"""Train, evaluate and card models from the command line; which one a close uses."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from fleet_carbon.frames import LEGS, RECEIPTS
from fleet_carbon.quantification.editions import edition_in_force
from fleet_carbon.services.months import models
from fleet_carbon.settings import Settings
from fleet_carbon.storage.results import ClosingRun
from fleet_carbon.storage.unit_of_work import open_storage
from simulation.measured_legs import FleetPlan, measured_legs
from tests.cli.running import CommandLine

pytestmark = pytest.mark.slow

PLAN = FleetPlan(trucks_per_class=4, months_count=8, legs_per_month=5)
MONTHS = [f"2024-{number:02d}" for number in range(1, 9)]
# What no model looks at, but every leg has.
FILLED = {
    "driver_id": "D", "purpose": "delivery", "order_ids": "", "transport_work_tkm": 0.0,
    "activity_tkm": 0.0, "from_lon": 105.0, "from_lat": 30.0, "to_lon": 105.0, "to_lat": 30.0,
    "distance_source": "positions", "trace_version": "0" * 64,
}  # fmt: skip


@pytest.fixture(scope="module")
def fleet() -> tuple[pd.DataFrame, pd.DataFrame]:
    with threadpool_limits(limits=1):
        return measured_legs(np.random.default_rng(4), PLAN)


@pytest.fixture
def closed(
    cli: CommandLine, tmp_path: Path, fleet: tuple[pd.DataFrame, pd.DataFrame]
) -> CommandLine:
    """A home whose months are closed, with fuel counters on every leg."""
    vehicles, legs = fleet
    vehicles.to_csv(tmp_path / "vehicles.csv", index=False)
    assert cli("ingest", "vehicles", tmp_path / "vehicles.csv").code == 0
    storage = open_storage(settings_of(cli))
    for month, rows in legs.groupby("month", sort=True):
        starts = pd.date_range(f"{month}-02", periods=len(rows), freq="10min", tz="UTC")
        full = rows.assign(started_at=starts, finished_at=starts, **FILLED)
        run = ClosingRun(
            run_id=f"run {month}",
            month=str(month),
            edition_label="",
            edition_digest="",
            inputs={},
            closed_at=datetime(2025, 1, 1, tzinfo=UTC),
            summary={},
            tables={"legs": LEGS.shape(full), "receipts": RECEIPTS.empty()},
        )
        with storage.begin() as work:
            work.closings.save(str(month), run)
    storage.close()
    return cli


def settings_of(cli: CommandLine) -> Settings:
    return Settings(home=cli.home)


def test_a_model_is_trained_on_closed_months_and_tells_how_wrong_it_is(
    closed: CommandLine,
) -> None:
    ran = closed("models", "train", "--until", "2024-06", "--json")
    assert ran.code == 0, ran
    card = ran.json["card"]
    # Six months with a quarter each: 2 (1.5 rounded to even) calibrate, 2 test, 2 train.
    assert [card["rows"][name]["months"] for name in ("train", "calibrate", "test")] == [
        ["2024-01", "2024-02"],
        ["2024-03", "2024-04"],
        ["2024-05", "2024-06"],
    ]
    assert ran.json["name"] == "default-2024-06"
    assert {"evaluation", "valid_range", "libraries", "seed", "digest"} <= set(card)
    held = closed("models", "evaluate", "--json")
    assert held.json["months"] == ["2024-07", "2024-08"]
    assert held.json["by_class"]["mape_share"] < 0.2
    assert "bias" in closed("models", "evaluate").out
    assert "mape share" in closed("models", "card").out


def test_training_again_gives_the_same_bytes(closed: CommandLine) -> None:
    path = closed.home / "models" / "fuel" / "default-2024-06.skops"
    found = []
    for _ in range(2):
        assert closed("models", "train", "--until", "2024-06").code == 0
        found.append(path.read_bytes())
    assert found[0] == found[1]


def test_a_close_uses_the_newest_own_model_that_has_not_seen_its_month(
    closed: CommandLine,
) -> None:
    for until in ("2024-05", "2024-07"):
        assert closed("models", "train", "--until", until).code == 0
    settings = settings_of(closed)
    edition = edition_in_force(settings.models_dir, date(2026, 1, 31))

    def serving(month: str) -> str | None:
        model = models.fuel_model_in_force(settings, month, edition)
        return None if model is None else model.trained_until

    # The one that ships is trained until 2025-12 and comes after the fleet's own.
    assert [serving(month) for month in ("2024-05", "2024-06", "2024-07", "2024-08")] == [
        None,
        "2024-05",
        "2024-05",
        "2024-07",
    ]
    assert serving("2026-01") == "2024-07"
    assert [one["origin"] for one in closed("models", "list", "--json").json["models"]] == [
        "home",
        "home",
        "shipped",
        "shipped",
    ]


def test_without_a_model_of_its_own_a_fleet_takes_the_one_that_ships(cli: CommandLine) -> None:
    settings = settings_of(cli)
    edition = edition_in_force(settings.models_dir, date(2026, 1, 31))
    found = models.fuel_model_in_force(settings, "2026-01", edition)
    assert found is not None
    assert found.trained_until == "2025-12"
    assert models.fuel_model_in_force(settings, "2025-12", edition) is None


def test_a_classifier_is_trained_on_proven_legs(closed: CommandLine) -> None:
    ran = closed("models", "train", "--kind", "loading", "--until", "2024-08", "--json")
    assert ran.code == 0, ran
    assert ran.json["card"]["evaluation"]["false_flags_count"] == 0
    found = models.load_classifier_in_force(settings_of(closed), "2024-09")
    assert found is not None
    assert found.trained_until == "2024-08"
    assert models.load_classifier_in_force(settings_of(closed), "2024-08") is None


def test_a_model_under_another_name_is_refused(closed: CommandLine) -> None:
    assert closed("models", "train", "--until", "2024-06").code == 0
    folder = closed.home / "models" / "fuel"
    (folder / "default-2024-06.skops").rename(folder / "default-2024-01.skops")
    ran = closed("models", "evaluate", "default-2024-01", "--json")
    assert ran.code == 1
    assert ran.json["code"] == "model_file_renamed"


def test_what_cannot_be_is_said(closed: CommandLine) -> None:
    refused = closed("models", "train", "--until", "2024-02", "--json")
    assert (refused.code, refused.json["code"]) == (1, "too_little_to_learn_from")
    unknown = closed("models", "card", "another", "--json")
    assert (unknown.code, unknown.json["code"]) == (1, "model_not_found")
    early = closed("models", "train", "--until", "2020-01", "--json")
    assert (early.code, early.json["code"]) == (1, "no_closed_months")


def test_the_card_that_ships_is_plain_json(cli: CommandLine) -> None:
    ran = cli("models", "card", "--json")
    assert json.loads(ran.out)["card"]["trained_until"] == "2025-12"
