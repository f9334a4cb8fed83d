"""A month that is closed again: only trucks that something touched are cut anew, same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleet_carbon import engine
from fleet_carbon.frames import ACCOUNTS, DERIVATIONS, LEG_ORDERS, LEGS, ORDER_RESULTS
from fleet_carbon.services.accounts import reading
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.months import closing, computing, cutting
from fleet_carbon.services.months.closing import Closed
from fleet_carbon.services.positions import tracekeeping
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.services.tiny_fleet import (
    DRIVE,
    LON,
    MONTH,
    SOUTH_LAT,
    Rows,
    TinyFleet,
    beside,
    drive_begins_at,
    northward_order,
    shuttle,
    write_csv,
)

pytestmark = pytest.mark.slow

TRUCKS = ("V1", "V2", "V3")


def fleet() -> TinyFleet:
    """Three trucks with the same month, side by side."""
    of_one = TinyFleet()
    return TinyFleet(
        vehicles=[of_one.vehicles[0] | {"vehicle_id": name} for name in TRUCKS],
        drivers=[{"driver_id": f"D{name}", "vehicle_id": name} for name in TRUCKS],
        baselines=[of_one.baselines[0] | {"driver_id": f"D{name}"} for name in TRUCKS],
        orders=[
            northward_order(
                f"O-{name}-{drive}",
                drive,
                vehicle_id=name,
                pickup_lon=beside(at),
                delivery_lon=beside(at),
            )
            for at, name in enumerate(TRUCKS)
            for drive in (0, 2)
        ],
        positions=[
            fix
            for at, name in enumerate(TRUCKS)
            for fix in shuttle(3, vehicle_id=name, lon=beside(at))
        ],
    )


def ingest(settings: Settings, kind: str, rows: Rows) -> None:
    path = write_csv(settings.home.parent / f"{kind}-{len(rows)}.csv", rows)
    ingesting.ingest_files(settings, kind, [path])


def close(settings: Settings) -> Closed:
    return closing.close_month(settings, MONTH)


def tables(settings: Settings) -> dict[str, pd.DataFrame]:
    with open_storage(settings).begin(read_only=True) as work:
        run = work.closings.latest(MONTH)
        assert run is not None
        return {
            frame.name: work.closings.table(run, frame.name)
            for frame in (LEGS, LEG_ORDERS, ORDER_RESULTS, ACCOUNTS, DERIVATIONS)
        }


def digests(settings: Settings) -> dict[str, str]:
    """Digests of the bytes of the month's tables."""
    with open_storage(settings).begin(read_only=True) as work:
        run = work.closings.latest(MONTH)
        assert run is not None
        return dict(run.table_digests)


def digests_from_nothing(settings: Settings) -> dict[str, str]:
    """What a full run over the same records gives: with an empty shelf, in a copy of the home."""
    copy = settings.home.with_name("copy")
    shutil.copytree(settings.home, copy)
    shutil.rmtree(copy / "cuts")
    again = settings.model_copy(update={"home": copy})
    closed = closing.close_month(again, MONTH)
    assert closed.trucks_cut_count == len(TRUCKS)
    found = digests(again)
    shutil.rmtree(copy)
    return found


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The fleet, taken in once; tests work on copies."""
    folder = tmp_path_factory.mktemp("taken-in")
    made = Settings(home=folder / "home", workers=1)
    for kind, path in fleet().write(folder / "files").items():
        ingesting.ingest_files(made, kind, [path])
    return made


@pytest.fixture(scope="module")
def closed_before(taken_in: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same, and its month closed once."""
    made = taken_in.model_copy(update={"home": tmp_path_factory.mktemp("closed") / "home"})
    shutil.copytree(taken_in.home, made.home)
    close(made)
    return made


@pytest.fixture
def settings(taken_in: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(taken_in.home, tmp_path / "home")
    return taken_in.model_copy(update={"home": tmp_path / "home"})


@pytest.fixture
def closed_once(closed_before: Settings, settings: Settings) -> None:
    """The month was closed already."""
    shutil.rmtree(settings.home)
    shutil.copytree(closed_before.home, settings.home)


def test_the_first_close_cuts_every_truck_and_the_next_none(settings: Settings) -> None:
    assert close(settings).trucks_cut_count == 3
    again = close(settings)
    assert (again.trucks_cut_count, again.is_new) == (0, False)


@pytest.mark.usefixtures("closed_once")
def test_new_fixes_of_a_truck_cut_that_truck_alone(settings: Settings) -> None:
    added: Rows = shuttle(4, vehicle_id="V2", lon=beside(1))[-60:]
    ingest(settings, "positions", added)
    assert close(settings).trucks_cut_count == 1
    assert digests(settings) == digests_from_nothing(settings)


@pytest.mark.usefixtures("closed_once")
def test_a_new_version_of_an_order_cuts_its_truck_alone(settings: Settings) -> None:
    ingest(
        settings, "orders", [northward_order("O-V3-0", 0, vehicle_id="V3", version=2, cargo_t=7)]
    )
    closed = close(settings)
    assert (closed.trucks_cut_count, closed.is_new) == (1, True)
    assert digests(settings) == digests_from_nothing(settings)


@pytest.mark.usefixtures("closed_once")
def test_an_assignment_cuts_its_truck_alone(settings: Settings) -> None:
    row = {"driver_id": "DV1", "vehicle_id": "V2", "from": "2025-03-10T00:00:00Z"}
    ingest(settings, "assignments", [row])
    assert close(settings).trucks_cut_count == 1
    assert digests(settings) == digests_from_nothing(settings)


@pytest.mark.usefixtures("closed_once")
def test_a_receipt_looks_at_its_truck_alone(settings: Settings) -> None:
    receipt = {"vehicle_id": "V2", "time": "2025-03-10T00:20:00Z", "quantity": 200,
               "place_lon": LON, "place_lat": SOUTH_LAT}  # fmt: skip
    ingest(settings, "energy", [receipt])
    closed = close(settings)
    assert (closed.trucks_cut_count, closed.is_new) == (1, True)
    assert digests(settings) == digests_from_nothing(settings)
    # One that is dated years away concerns neither the month nor any truck.
    ingest(settings, "energy", [receipt, receipt | {"time": "2021-06-20T00:20:00Z"}])
    again = close(settings)
    assert (again.trucks_cut_count, again.is_new) == (0, False)


def test_receipts_of_a_truck_that_was_never_seen_have_their_verdict(settings: Settings) -> None:
    ingest(settings, "vehicles", [fleet().vehicles[0] | {"vehicle_id": "V4"}])
    there = {"time": "2025-03-10T00:20:00Z", "place_lon": LON, "place_lat": SOUTH_LAT}
    rows: Rows = [
        {"vehicle_id": "V4", "quantity": 210, **there},
        {"vehicle_id": "V1", "quantity": 200, **there},
        {"vehicle_id": "V2", "quantity": 190, **there, "place_lat": SOUTH_LAT + 0.1},
        {"vehicle_id": "V3", "quantity": 12, **there, "product": "AdBlue"},
    ]
    ingest(settings, "energy", rows)
    close(settings)
    found = reading.read_table(settings, "receipts", MONTH).rows
    # The truck stands in the southern yard for the first forty minutes, 11.1 km from 30.1 N.
    assert found["vehicle_id"].tolist() == ["V1", "V2", "V3", "V4"]
    assert found["verdict"].tolist() == [
        "counted", "place_contradicted", "not_fuel_of_truck", "counted",
    ]  # fmt: skip
    assert found["remarks"].tolist()[0] == "place_confirmed"
    assert found["remarks"].tolist()[3] == "place_unknown"
    assert found["distance_m"][1] == pytest.approx(11_086, abs=5)


def test_a_fill_that_the_tank_tells_and_no_receipt_has_a_row(tmp_path: Path) -> None:
    # 300 l when it leaves, 20 l less at each yard, and 150 l filled in during the second stop.
    leaves = [drive_begins_at(number) for number in range(3)]
    fixes = []
    for fix in shuttle(3):
        at = datetime.fromisoformat(str(fix["time"]))
        drives = sum(at > moment + DRIVE / 2 for moment in leaves)
        is_filled = at > leaves[1] - timedelta(minutes=20)
        fixes.append({**fix, "fuel_level_l": 300 - 20 * drives + 150 * is_filled})
    receipt = {"vehicle_id": "V1", "time": "2025-03-10T00:20:00Z", "quantity": 200,
               "place_lon": LON, "place_lat": SOUTH_LAT}  # fmt: skip
    made = Settings(home=tmp_path / "home", workers=1)
    files = TinyFleet(positions=fixes).write(tmp_path / "files")
    files["energy"] = write_csv(tmp_path / "energy.csv", [receipt])
    for kind, path in files.items():
        ingesting.ingest_files(made, kind, [path])
    close(made)
    found = reading.read_table(made, "receipts", MONTH).rows
    assert found["verdict"].tolist() == ["counted", "fill_without_receipt"]
    assert found["remarks"].tolist() == ["place_confirmed;no_fill_seen", ""]
    assert found["quantity"].tolist() == [200, pytest.approx(150, abs=1)]
    assert found["counted_quantity"].tolist() == [200, 0]


def test_another_baseline_cuts_no_truck_and_counts_all_the_same(settings: Settings) -> None:
    before = close(settings).run.summary["co2_credited_g"]
    row = {"driver_id": "DV1", "valid_from": "2025-02-01", "empty_share": 0.1,
           "payload_utilisation_share": 0.9}  # fmt: skip
    ingest(settings, "baselines", [row])
    closed = close(settings)
    assert (closed.trucks_cut_count, closed.is_new) == (0, True)
    assert closed.run.summary["co2_credited_g"] < before
    assert digests(settings) == digests_from_nothing(settings)


def test_compaction_touches_no_truck(settings: Settings) -> None:
    ingest(settings, "positions", shuttle(4, vehicle_id="V2", lon=beside(1))[-60:])
    close(settings)
    before = digests(settings)
    tracekeeping.compact_traces(settings)
    again = close(settings)
    assert (again.trucks_cut_count, again.is_new) == (0, False)
    assert digests_from_nothing(settings) == before


@pytest.mark.usefixtures("closed_once")
def test_fixes_far_from_the_month_touch_no_truck(settings: Settings) -> None:
    ingest(settings, "positions", shuttle(1, starts_at=datetime(2025, 6, 10, tzinfo=UTC)))
    assert close(settings).trucks_cut_count == 0


@pytest.mark.usefixtures("closed_once")
def test_other_thresholds_cut_every_truck(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = computing.editions.fill_rules

    def filled(edition: Any, section: str, form: Any, **group: Any) -> Any:
        rules = fill(edition, section, form, **group)
        if section != "legs":
            return rules
        return form(**{**vars(rules), "idle_stop_s_max": rules.idle_stop_s_max + 1})

    monkeypatch.setattr(computing.editions, "fill_rules", filled)
    assert close(settings).trucks_cut_count == 3


def test_a_run_that_is_broken_off_goes_on_where_it_stopped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "FIXES_PER_JOB", 1)  # a job per truck
    run = engine.run

    def stops_after_two(*arguments: Any, **options: Any) -> Iterator[Any]:
        results = run(*arguments, **options)
        yield next(results)
        yield next(results)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(engine, "run", stops_after_two)
        with pytest.raises(KeyboardInterrupt):
            close(settings)
    assert close(settings).trucks_cut_count == 1
    assert digests(settings) == digests_from_nothing(settings)


@pytest.mark.usefixtures("closed_once")
def test_a_kept_row_that_was_changed_on_disk_is_cut_again(settings: Settings) -> None:
    before = digests(settings)
    for path in (settings.home / "cuts").rglob("*.arrow"):
        held = bytearray(path.read_bytes())
        held[len(held) // 2] ^= 1
        path.write_bytes(held)
    again = close(settings)
    assert again.is_new is False
    assert digests(settings) == before


def test_of_trucks_that_are_one_nothing_is_credited_and_none_is_cut_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # V4 and V5 drive one trace, apart from the others: one truck under two names.
    for name in ("V4", "V5"):
        ingest(settings, "vehicles", [fleet().vehicles[0] | {"vehicle_id": name}])
        ingest(settings, "positions", shuttle(3, vehicle_id=name, lon=beside(4)))
    cut, counted = [], []
    cut_truck, quantified = cutting._cut_truck, computing.quantified

    def cuts(job: Any, truck: Any, found: Any) -> Any:
        cut.append(truck.vehicle_id)
        return cut_truck(job, truck, found)

    def counts(context: Any, orders: Any, rows: Any, **options: Any) -> Any:
        counted.append([fact.vehicle_id for fact in rows.facts])
        return quantified(context, orders, rows, **options)

    monkeypatch.setattr(cutting, "_cut_truck", cuts)
    monkeypatch.setattr(computing, "quantified", counts)
    closed = close(settings)
    assert sorted(cut) == [*TRUCKS, "V4", "V5"]
    assert closed.trucks_cut_count == 5
    # What the twins are told is known when all trucks are; theirs alone is counted anew.
    assert sorted(counted[0]) == [*TRUCKS, "V4", "V5"]
    assert [sorted(names) for names in counted[1:]] == [["V4", "V5"]]
    accounts = reading.read_table(settings, "accounts", MONTH).rows.set_index("vehicle_id")
    is_twin = accounts["notes"].str.contains("trace_shared_with_another_truck")
    assert is_twin.to_dict() == dict.fromkeys(TRUCKS, False) | {"V4": True, "V5": True}
    assert accounts.loc[["V4", "V5"], "co2_credited_g"].tolist() == [0, 0]
    assert (accounts.loc[list(TRUCKS), "co2_credited_g"] > 0).all()
    legs = reading.read_table(settings, "legs", MONTH).rows
    assert legs["vehicle_id"].is_monotonic_increasing


@pytest.mark.usefixtures("closed_once")
@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_every_way_of_running_gives_the_same_bytes(
    settings: Settings, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(settings)
    shutil.rmtree(settings.home / "cuts")
    monkeypatch.setattr(cutting, "FIXES_PER_JOB", 1)
    spread = settings.model_copy(update={"scheduler": scheduler, "workers": 2})
    closed = closing.close_month(spread, MONTH)
    assert (closed.trucks_cut_count, closed.is_new) == (3, False)
    assert digests(settings) == before
