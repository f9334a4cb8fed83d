"""The sample fleet, closed once; tests read of it and leave it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.services import demonstrating
from fleet_carbon.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sample_fleet(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where the sample fleet's month was closed."""
    home = tmp_path_factory.mktemp("samples") / "home"
    found = Settings(home=home, models_dir=_ROOT / "models", samples_dir=_ROOT / "data" / "samples")
    demonstrating.run_sample_fleet(found)
    return found
