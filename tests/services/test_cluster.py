"""A close on a Dask cluster: the same bytes, also when a worker is killed in the middle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_carbon import engine
from fleet_carbon.errors import InputRefused
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.months import closing, cutting
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.services.cluster import Cluster, running_cluster
from tests.services.tiny_fleet import MONTH, TinyFleet, beside, northward_order, shuttle

TRUCKS = [f"V{number:02}" for number in range(16)]


class AtFirst(Silent):
    """Does something when the first trucks are through."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.done_count = 0

    def advance(self, count: int) -> None:
        super().advance(count)
        self.done_count += 1
        if self.done_count == 2:
            self._cluster.kill_a_worker()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(cutting, "FIXES_PER_JOB", 1)  # a job per truck
    of_one = TinyFleet()
    fleet = TinyFleet(
        vehicles=[of_one.vehicles[0] | {"vehicle_id": name} for name in TRUCKS],
        drivers=[{"driver_id": f"D{name}", "vehicle_id": name} for name in TRUCKS],
        baselines=[of_one.baselines[0] | {"driver_id": f"D{name}"} for name in TRUCKS],
        orders=[
            northward_order(
                f"O{name}", 0, vehicle_id=name, pickup_lon=beside(at), delivery_lon=beside(at)
            )
            for at, name in enumerate(TRUCKS)
        ],
        positions=[
            fix
            for at, name in enumerate(TRUCKS)
            for fix in shuttle(2 + at % 3, vehicle_id=name, lon=beside(at))
        ],
    )
    made = Settings(home=tmp_path / "home", workers=1)
    for kind, path in fleet.write(tmp_path / "files").items():
        ingesting.ingest_files(made, kind, [path])
    return made


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path, workers=2) as running:
        yield running


def digests(settings: Settings) -> dict[str, str]:
    with open_storage(settings).begin(read_only=True) as work:
        run = work.closings.latest(MONTH)
        assert run is not None
        return dict(run.table_digests)


def test_a_killed_worker_costs_no_result_and_changes_no_byte(
    settings: Settings, cluster: Cluster
) -> None:
    closing.close_month(settings, MONTH)
    alone = digests(settings)
    shutil.rmtree(settings.home / "cuts")
    spread = settings.model_copy(update={"scheduler": cluster.address})
    told = AtFirst(cluster)
    closed = closing.close_month(spread, MONTH, progress=told)
    assert len(cluster.workers) == 1  # the other was killed on the way
    assert told.done_count == len(TRUCKS)
    assert (closed.trucks_cut_count, closed.is_new) == (len(TRUCKS), False)
    assert digests(settings) == alone


class Answering:
    """A cluster's client that says what is installed where."""

    def __init__(self, installed: dict[str, dict[str, str | None]]) -> None:
        self._installed = installed

    def run(self, _: object) -> dict[str, dict[str, str | None]]:
        return self._installed


@pytest.mark.parametrize(
    ("installed", "code"),
    [
        ({}, "cluster_without_workers"),
        ({"tcp://w": {**engine.installed_parts(), "numpy": "1.0"}}, "worker_differs"),
    ],
)
def test_a_cluster_that_would_give_other_figures_is_refused(
    installed: dict[str, dict[str, str | None]], code: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        engine._refuse_other_programs(Answering(installed), "tcp://s")
    assert refused.value.code == code
