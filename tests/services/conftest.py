"""The sample fleet, closed once; tests read of it and leave it as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.services.running import demonstrating
from fleet_carbon.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sample_fleet(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where the sample fleet's month was closed."""
    home = tmp_path_factory.mktemp("samples") / "home"
    found = Settings(home=home, models_dir=_ROOT / "models", samples_dir=_ROOT / "data" / "samples")
    demonstrating.run_sample_fleet(found)
    return found


@pytest.fixture(scope="session")
def told_by_road(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A sample fleet of whose orders every other one tells its shortest feasible distance."""
    folder = tmp_path_factory.mktemp("told_by_road")
    samples = folder / "samples"
    shutil.copytree(Settings(home=folder).samples_dir, samples)
    rows = pd.read_csv(samples / "orders.csv", dtype=str)
    rows.assign(sfd_km=np.where(rows.index % 2, "5000", "")).to_csv(
        samples / "orders.csv", index=False
    )
    settings = Settings(home=folder / "home", samples_dir=samples)
    demonstrating.run_sample_fleet(settings)
    return settings
