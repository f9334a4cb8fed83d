"""The models that ship: fitted to simulated legs, the same bytes from each run.

    python -m simulation.pretraining [FOLDER]

They say what a simulated fleet burns beside the physics of the accounts, and how it drives with
and without cargo, and no more: a fleet with counters, receipts and proven orders of its own trains
its own (`fleet-carbon models train`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from fleet_carbon.frames import RECEIPTS
from fleet_carbon.learning.load_training import proven_legs
from fleet_carbon.learning.making import make_fuel, make_loading
from fleet_carbon.learning.rows import month_samples
from fleet_carbon.quantification.editions import edition_in_force
from fleet_carbon.services.support.program import program_version
from simulation.measured_legs import FleetPlan, measured_legs

SEED = 20260101
PLAN = FleetPlan(trucks_per_class=24, months_count=24, legs_per_month=3)
NAME = "simulated"
ROOT = Path(__file__).resolve().parents[1]
SOURCE = f"simulated legs: python -m simulation.pretraining, seed {SEED}"
FOR_MONTHS_FROM = date(2026, 1, 1)


def pretrained(models_dir: Path, plan: FleetPlan = PLAN) -> Mapping[str, bytes]:
    """Model files and their cards in both forms, by path below the folder of the models."""
    edition = edition_in_force(models_dir, FOR_MONTHS_FROM)
    vehicles, legs = measured_legs(np.random.default_rng(SEED), plan)
    months = [(str(month), rows) for month, rows in legs.groupby("month", sort=True)]
    told = {"source": SOURCE, "program": program_version()}
    fuel = [
        month_samples(rows, RECEIPTS.empty(), vehicles, month=month, edition=edition)
        for month, rows in months
    ]
    loads = [proven_legs(rows, vehicles, month=month, edition=edition) for month, rows in months]
    made = {
        "fuel": make_fuel(fuel, edition, told),
        "loading": make_loading(loads, edition, told),
    }
    return {
        f"{kind}/{NAME}-{model.trained_until}{suffix}": data
        for kind, model in made.items()
        for suffix, data in model.files.items()
    }


def main(folder: Path) -> None:
    """Write the models and their cards below a folder."""
    for name, data in pretrained(ROOT / "models").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "models")
