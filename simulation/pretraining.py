"""The models that ship: fitted to simulated legs, the same bytes from each run.

    python -m simulation.pretraining [FOLDER]

They say what a simulated fleet burns beside the physics of the accounts, and how it drives with
and without cargo, and no more: a fleet with counters, receipts and proven orders of its own trains
its own (`fleet-carbon models train`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from fleet_carbon.frames import RECEIPTS
from fleet_carbon.learning.cards import Card, card_bytes, card_text, fuel_card
from fleet_carbon.learning.evaluation import evaluate
from fleet_carbon.learning.keeping import file_bytes
from fleet_carbon.learning.load_training import (
    LoadSamples,
    evaluate_loads,
    load_card,
    proven_legs,
    split_loads,
    train_loads,
)
from fleet_carbon.learning.loading import LoadingRules
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
    """Model files and their cards in both forms, by path below the folder of the models."""
    edition = edition_in_force(models_dir, FOR_MONTHS_FROM)
    vehicles, legs = measured_legs(np.random.default_rng(SEED), plan)
    months = [(str(month), rows) for month, rows in legs.groupby("month", sort=True)]
    return {
        **_fuel(
            [
                month_samples(rows, RECEIPTS.empty(), vehicles, month=month, edition=edition)
                for month, rows in months
            ],
            edition,
        ),
        **_loading(
            [proven_legs(rows, vehicles, month=month, edition=edition) for month, rows in months],
            edition,
        ),
    }


def _fuel(parts: Sequence[FuelSamples], edition: Edition) -> dict[str, bytes]:
    rules = fill_rules(edition, "learning", FuelRules)
    split = split_by_month(usable(joined(parts), rules), rules)
    model = train(split, rules, edition=edition)
    evaluation = evaluate(model, (split.train, split.calibrate), split.test)
    data = file_bytes(model.contents())
    card = fuel_card(model, split, evaluation, rules=rules, data=_told(data))
    return _files(f"fuel/{NAME}-{model.trained_until}", data, card)


def _loading(parts: Sequence[LoadSamples], edition: Edition) -> dict[str, bytes]:
    rules = fill_rules(edition, "learning", FuelRules)
    samples = split_loads(parts, rules)
    classifier = train_loads(samples, rules)
    evaluation = evaluate_loads(
        classifier, samples[-1], fill_rules(edition, "loading", LoadingRules)
    )
    data = file_bytes(classifier.contents())
    card = load_card(classifier, samples, evaluation, edition=edition, data=_told(data))
    return _files(f"loading/{NAME}-{classifier.trained_until}", data, card)


def _told(data: bytes) -> dict[str, str]:
    digest = hashlib.sha256(data).hexdigest()
    return {"source": SOURCE, "program": program_version(), "digest": digest}


def _files(path: str, data: bytes, card: Card) -> dict[str, bytes]:
    text = card_text(card).encode()
    return {f"{path}.skops": data, f"{path}.json": card_bytes(card), f"{path}.md": text}


def main(folder: Path) -> None:
    """Write the models and their cards below a folder."""
    for name, data in pretrained(ROOT / "models").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "models")
