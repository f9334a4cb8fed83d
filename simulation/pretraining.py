"""The fuel model that ships: fitted to simulated counters, the same bytes from each run.

    python -m simulation.pretraining [FOLDER]

It says what a simulated fleet burns beside the physics of the accounts, and no more: a fleet with
counters or receipts of its own trains its own (`fleet-carbon models train`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from fleet_carbon.frames import RECEIPTS
from fleet_carbon.learning.cards import card_bytes, card_text, fuel_card
from fleet_carbon.learning.evaluation import evaluate
from fleet_carbon.learning.keeping import file_bytes
from fleet_carbon.learning.rows import month_samples
from fleet_carbon.learning.samples import (
    FuelRules,
    FuelSamples,
    joined,
    split_by_month,
    usable,
)
from fleet_carbon.learning.training import train
from fleet_carbon.quantification.editions import Edition, edition_in_force, fill_rules
from fleet_carbon.services.doctoring import program_version
from simulation.measured_legs import FleetPlan, measured_legs

SEED = 20260101
PLAN = FleetPlan(trucks_per_class=24, months_count=24, legs_per_month=3)
NAME = "simulated"
ROOT = Path(__file__).resolve().parents[1]
SOURCE = f"simulated legs: python -m simulation.pretraining, seed {SEED}"
FOR_MONTHS_FROM = date(2026, 1, 1)


def pretrained(models_dir: Path, plan: FleetPlan = PLAN) -> Mapping[str, bytes]:
    """Model file and its card in both forms, by file name."""
    edition = edition_in_force(models_dir, FOR_MONTHS_FROM)
    rules = fill_rules(edition, "learning", FuelRules)
    split = split_by_month(usable(_samples(edition, plan), rules), rules)
    model = train(split, rules, edition=edition)
    evaluation = evaluate(model, (split.train, split.calibrate), split.test)
    data = file_bytes(model.contents())
    told = {
        "source": SOURCE,
        "program": program_version(),
        "digest": hashlib.sha256(data).hexdigest(),
    }
    card = fuel_card(model, split, evaluation, rules=rules, data=told)
    name = f"{NAME}-{model.trained_until}"
    return {
        f"{name}.skops": data,
        f"{name}.json": card_bytes(card),
        f"{name}.md": card_text(card).encode(),
    }


def _samples(edition: Edition, plan: FleetPlan) -> FuelSamples:
    vehicles, legs = measured_legs(np.random.default_rng(SEED), plan)
    return joined(
        [
            month_samples(rows, RECEIPTS.empty(), vehicles, month=str(month), edition=edition)
            for month, rows in legs.groupby("month", sort=True)
        ]
    )


def main(folder: Path) -> None:
    """Write the model and its card into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pretrained(ROOT / "models").items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "models" / "fuel")
