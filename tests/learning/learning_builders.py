"""Rows with known truth to learn from: no simulator, only arithmetic and chance."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from fleet_carbon.learning.samples import FuelRules, FuelSamples, Split, split_by_month, usable
from fleet_carbon.learning.training import train
from fleet_carbon.quantification.editions import edition_in_force, fill_rules
from fleet_carbon.quantification.features import NAMES
from fleet_carbon.quantification.fitted import FittedFuel

MODELS = Path(__file__).resolve().parents[2] / "models"
EDITION = edition_in_force(MODELS, date(2026, 1, 1))
# Fewer trees than in use: the facts hold with them too.
RULES = replace(fill_rules(EDITION, "learning", FuelRules), rounds_count=60)

BETWEEN, NOISE = 0.08, 0.05
TRUCKS, ROWS = 40, 3000


def known_samples(seed: int = 3) -> FuelSamples:
    """Litres over physics = 1.1 x (1 + 0.1 payload share) x the truck's own level x chance."""
    rng = np.random.default_rng(seed)
    truck = rng.integers(TRUCKS, size=ROWS)
    level = np.exp(rng.normal(0.0, BETWEEN, TRUCKS))
    month = rng.integers(12, size=ROWS)
    table = np.full((ROWS, len(NAMES)), np.nan)
    spans = {
        "payload_share": (0.0, 1.0),
        "moving_speed_kmh": (20.0, 80.0),
        "kinetic_gained_j_per_kg_per_km": (10.0, 150.0),
        "stops_count_per_100km": (0.0, 100.0),
        "idle_h_per_100km": (0.0, 2.0),
        "slow_share": (0.0, 0.5),
        "fast_share": (0.0, 0.5),
    }
    for name, bounds in spans.items():
        table[:, NAMES.index(name)] = rng.uniform(*bounds, ROWS)
    table[:, NAMES.index("rated_payload_t")] = 32.0
    physical_l = np.exp(rng.uniform(np.log(5.0), np.log(100.0), ROWS))
    ratio = 1.1 * (1 + 0.1 * table[:, 0]) * level[truck] * (1 + NOISE * rng.normal(size=ROWS))
    return FuelSamples(
        np.char.add("T", truck.astype(str)),
        np.array([f"2025-{one + 1:02d}" for one in month]),
        table,
        physical_l,
        physical_l * ratio,
    )


@functools.cache
def known_split() -> Split:
    """The rows by date."""
    return split_by_month(usable(known_samples(), RULES), RULES)


@functools.cache
def known_model() -> FittedFuel:
    """What is found in them."""
    return train(known_split(), RULES, edition=EDITION)
