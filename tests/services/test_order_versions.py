"""What intake says of an order that comes again: which version is in force afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.errors import Suspicion
from fleet_carbon.services.intake import ingesting
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import TinyFleet, northward_order, write_csv


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home")
    for kind in ("vehicles", "drivers"):
        ingesting.ingest_files(made, kind, [TinyFleet().write(tmp_path / "files")[kind]])
    return made


def found(settings: Settings, *versions: tuple[int, int]) -> list[Suspicion]:
    """Suspicions of a file that holds O1 in these versions, each with its cargo in t."""
    rows = [northward_order("O1", 0, version=number) | {"cargo_t": t} for number, t in versions]
    path = write_csv(settings.home.parent / f"orders {versions}.csv", rows)
    return ingesting.ingest_files(settings, "orders", [path]).files[0].suspicions


def test_the_same_version_with_other_content_is_in_force(settings: Settings) -> None:
    assert found(settings, (2, 10)) == []
    assert [one.code for one in found(settings, (2, 11))] == ["orders_restated"]


def test_a_lower_version_leaves_the_higher_in_force(settings: Settings) -> None:
    found(settings, (2, 10))
    (late,) = found(settings, (1, 11))
    assert late.code == "orders_came_late"
    assert "O1 came as version 1, version 2 stays in force" in late.evidence


def test_other_content_of_a_lower_version_leaves_the_higher_in_force(settings: Settings) -> None:
    found(settings, (1, 10))
    found(settings, (2, 10))
    assert [one.code for one in found(settings, (1, 12))] == ["orders_came_late"]


def test_a_file_with_the_whole_history_of_an_order_is_nothing_to_wonder_at(
    settings: Settings,
) -> None:
    assert found(settings, (1, 10), (2, 11), (3, 12)) == []
    assert found(settings, (4, 10), (5, 11)) == []
