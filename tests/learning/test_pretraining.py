"""The model that ships is what its script writes, and keeps its promises on later months."""

from __future__ import annotations

import hashlib
import json

import pytest

from fleet_carbon.quantification.fitted import FittedFuel, physics_digest
from simulation.pretraining import pretrained
from tests.learning.learning_builders import EDITION, MODELS

SHIPPED = sorted((MODELS / "fuel").glob("*.skops"))


def test_one_model_ships_with_a_card_that_names_its_bytes() -> None:
    (path,) = SHIPPED
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert FittedFuel.load(path).trained_until == card["trained_until"] == "2025-12"
    assert path.with_suffix(".md").is_file()


def test_the_shipped_model_corrects_the_physics_that_ships() -> None:
    (path,) = SHIPPED
    assert FittedFuel.load(path).physics_digest == physics_digest(EDITION)


def test_the_shipped_model_keeps_its_promises_on_months_it_has_not_seen() -> None:
    (path,) = SHIPPED
    found = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["evaluation"]
    assert 0.88 <= found["coverage_share"] <= 0.92
    assert abs(found["by_class"]["bias_share"]) < 0.01
    assert found["by_class"]["mape_share"] < 0.15
    assert abs(found["by_truck"]["bias_share"]) < 0.01
    assert found["by_truck"]["mape_share"] < 0.08


@pytest.mark.slow
def test_the_shipped_bytes_are_those_of_the_script() -> None:
    for name, data in pretrained(MODELS).items():
        if name.endswith(".skops"):
            assert (
                hashlib.sha256(data).hexdigest()
                == hashlib.sha256((MODELS / name).read_bytes()).hexdigest()
            ), f"{name} is not what `python -m simulation.pretraining` writes"


def test_the_shipped_classifier_flags_no_empty_leg() -> None:
    card = json.loads((MODELS / "loading" / "simulated-2025-12.json").read_text(encoding="utf-8"))
    found = card["evaluation"]
    assert found["false_flags_count"] == 0
    assert found["empty_count"] > 500
    assert found["found_share"] > 0.1
    # Driving alone says next to nothing of a load: where no mass is sent nothing is flagged.
    assert found["found_without_mass_share"] == 0.0
