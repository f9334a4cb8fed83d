"""The live state against the shuttle, whose every minute is known by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import NotFound
from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.services.intake import ingesting, withdrawing
from fleet_carbon.services.months import closing
from fleet_carbon.services.positions import tracekeeping
from fleet_carbon.services.positions.sighting import VehicleState
from fleet_carbon.services.positions.watching import CaughtUp, LiveFleet, split_positions
from fleet_carbon.settings import Settings
from fleet_carbon.storage.batches import VehicleFixes
from fleet_carbon.storage.unit_of_work import Storage, open_storage
from tests.services.tiny_fleet import (
    MONTH,
    NORTH_LAT,
    STARTS_AT,
    YARD_KM,
    TinyFleet,
    northward_order,
    shuttle,
    write_csv,
)

RECEIVED_MS = to_epoch_ms(STARTS_AT + timedelta(hours=12))
EVENING = STARTS_AT + timedelta(hours=15)  # 23:00 of the same day in Asia/Shanghai


def minutes(count: float) -> datetime:
    return STARTS_AT + timedelta(minutes=count)


def positions() -> pd.DataFrame:
    rows = pd.DataFrame(shuttle(3))
    moments = pd.to_datetime(rows["time"]).dt.as_unit("ms").astype("int64")
    return pd.DataFrame(
        {
            "vehicle_id": rows["vehicle_id"],
            "time_ms": moments,
            "lon_udeg": np.round(rows["lon"].astype(float) * 1e6).astype(int),
            "lat_udeg": np.round(rows["lat"].astype(float) * 1e6).astype(int),
        }
    )


POSITIONS = positions()


def some(rows: pd.DataFrame, received_ms: int = RECEIVED_MS) -> list[VehicleFixes]:
    return list(split_positions(rows, received_ms))


def fill(home: Path, kinds: tuple[str, ...], fleet: TinyFleet | None = None) -> Settings:
    settings_ = Settings(home=home)
    files = (fleet or TinyFleet()).write(home / "in")
    for kind in kinds:
        ingesting.ingest_files(settings_, kind, [files[kind]])
    return settings_


RECORDS = ("vehicles", "drivers", "baselines", "orders")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Storage, Settings]]:
    """A home with trucks and orders, where no position is stored."""
    settings_ = fill(tmp_path_factory.mktemp("planned"), RECORDS)
    storage = open_storage(settings_)
    yield storage, settings_
    storage.close()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[tuple[Storage, Settings]]:
    """A home with everything."""
    settings_ = fill(tmp_path / "home", (*RECORDS, "positions"))
    storage = open_storage(settings_)
    yield storage, settings_
    storage.close()


def watched(place: tuple[Storage, Settings], now: datetime = EVENING) -> LiveFleet:
    fleet = LiveFleet(place[0], place[1].models_dir)
    fleet.catch_up(now)
    return fleet


def at_once(place: tuple[Storage, Settings], now: datetime = EVENING) -> VehicleState:
    fleet = watched(place, now)
    fleet.take(some(POSITIONS))
    return fleet.state("V1", now)


# A drive takes 55.5 minutes, which the fixes round to 56; a stop 40. Order O1 goes north on the
# first drive (minutes 40 to 96), O2 on the third (232 to 288).
@pytest.mark.parametrize(
    ("minute", "motion", "since", "load", "order_ids", "distance_km"),
    [
        (20, "standing", 0, "empty", (), 0.0),
        (45, "driving", 40, "loaded", ("O1",), 5.0),
        (70, "driving", 40, "loaded", ("O1",), 30.0),
        (110, "standing", 95.5, "loaded", ("O1",), YARD_KM),
        (160, "driving", 135, "empty", (), YARD_KM + 24),
        (210, "standing", 191, "empty", (), 2 * YARD_KM),
        (260, "driving", 231, "loaded", ("O2",), 2 * YARD_KM + 29),
    ],
)
def test_a_truck_is_told_as_it_goes(
    planned: tuple[Storage, Settings],
    minute: float,
    motion: str,
    since: float,
    load: str,
    order_ids: tuple[str, ...],
    distance_km: float,
) -> None:
    state = at_once(planned, minutes(minute))
    assert (state.motion, state.load.state, state.load.order_ids) == (motion, load, order_ids)
    assert state.since_at is not None
    assert abs((state.since_at - minutes(since)).total_seconds()) <= 60
    assert state.today.distance_km == pytest.approx(distance_km, abs=1.2)
    assert state.age_s == 0
    assert state.is_provisional


def test_an_order_of_later_is_not_believed_aboard_of_an_earlier_trip(
    planned: tuple[Storage, Settings],
) -> None:
    # Both orders load at the same yard: what was seen at 8:40 must not prove what is due at 11:30.
    assert at_once(planned, minutes(70)).load.order_ids == ("O1",)


def test_an_order_underway_is_less_sure_than_one_that_is_unloaded(
    planned: tuple[Storage, Settings],
) -> None:
    underway, unloaded = at_once(planned, minutes(70)).load, at_once(planned, minutes(110)).load
    assert (underway.reason_code, underway.confidence_share) == ("order_underway", 0.8)
    assert (unloaded.reason_code, unloaded.confidence_share) == ("order_aboard", 0.9)


def test_a_day_that_is_over_has_the_kilometres_of_the_account(
    filled: tuple[Storage, Settings],
) -> None:
    today = watched(filled).state("V1", EVENING).today
    closing.close_month(filled[1], MONTH)
    with filled[0].begin(read_only=True) as work:
        run = work.closings.latest(MONTH)
        assert run is not None
        legs = work.closings.table(run, "legs")
    by_state = legs.groupby("state")["distance_km"].sum()
    assert today.loaded_km == by_state["loaded"]
    assert today.empty_km == by_state["empty"]
    assert today.distance_km == pytest.approx(3 * YARD_KM, rel=0.002)
    assert today.fixes_count == len(POSITIONS)


def test_the_day_begins_at_midnight_of_the_fleet(planned: tuple[Storage, Settings]) -> None:
    after_midnight = STARTS_AT + timedelta(hours=16, minutes=5)  # 0:05 in Asia/Shanghai
    state = at_once(planned, after_midnight)
    assert state.today.distance_km == 0
    assert state.today.fixes_count == 0
    assert state.lat == pytest.approx(NORTH_LAT)


def test_a_silence_is_named(planned: tuple[Storage, Settings]) -> None:
    last = POSITIONS["time_ms"].max()
    now = datetime.fromtimestamp(last / 1000, UTC) + timedelta(minutes=43)
    (gap,) = at_once(planned, now).gaps
    assert (gap.until_at, gap.duration_min) == (None, 43)


def test_a_silence_that_was_driven_through_is_named(planned: tuple[Storage, Settings]) -> None:
    begin, end = to_epoch_ms(minutes(50)), to_epoch_ms(minutes(80))
    fleet = watched(planned)
    fleet.take(some(POSITIONS[~POSITIONS["time_ms"].between(begin, end)]))
    gaps = fleet.state("V1", minutes(120)).gaps
    assert [(gap.from_at, gap.until_at) for gap in gaps] == [(minutes(49.5), minutes(80.5))]


def test_a_fix_ahead_of_its_arrival_is_dropped_and_counted(
    planned: tuple[Storage, Settings],
) -> None:
    ahead = POSITIONS.tail(1).copy()
    early_ms = int(ahead["time_ms"].iloc[0]) - 25 * 3_600_000
    ahead["lat_udeg"] += 200_000
    early, late = some(ahead, early_ms), some(ahead)
    for first, then in ((early, late), (late, early)):  # what was received first counts
        fleet = watched(planned)
        fleet.take([*some(POSITIONS.iloc[:-1]), *first])
        fleet.state("V1", EVENING)
        fleet.take(then)
        state = fleet.state("V1", EVENING)
        assert state.dropped == {"clock_future": 1}
        assert state.lat == pytest.approx(NORTH_LAT)
        assert state.today.fixes_count == len(POSITIONS) - 1


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_order_and_cutting_and_repetition_gives_the_same_state(
    planned: tuple[Storage, Settings], data: st.DataObject
) -> None:
    rows = data.draw(st.permutations(range(len(POSITIONS))), label="order")
    again = data.draw(st.lists(st.sampled_from(rows), max_size=40), label="again")
    stream = [*rows, *again]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=30), label="cuts"))
    asked_early = data.draw(st.sets(st.sampled_from(range(len(cuts) + 1))), label="asked early")
    fleet = watched(planned)
    for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(stream)], strict=True)):
        fleet.take(some(POSITIONS.iloc[stream[begin:end]]))
        if number in asked_early:
            fleet.state("V1", EVENING)
    assert fleet.state("V1", EVENING) == at_once(planned)


@settings(max_examples=60, deadline=None)
@given(rows=st.sets(st.sampled_from(range(len(POSITIONS))), min_size=1, max_size=12))
def test_a_handful_of_fixes_with_trips_hidden_between_them_is_told(
    planned: tuple[Storage, Settings], rows: set[int]
) -> None:
    fleet = watched(planned)
    fleet.take(some(POSITIONS.iloc[sorted(rows)]))
    today = fleet.state("V1", EVENING).today
    parts = today.loaded_km + today.empty_km + today.unknown_km
    assert today.distance_km == pytest.approx(parts)


def test_a_late_fix_opens_again_what_it_touches(planned: tuple[Storage, Settings]) -> None:
    is_late = POSITIONS["time_ms"].between(to_epoch_ms(minutes(96)), to_epoch_ms(minutes(130)))
    fleet = watched(planned)
    fleet.take(some(POSITIONS[~is_late]))
    before = fleet.state("V1", EVENING)
    fleet.take(some(POSITIONS[is_late]))
    assert fleet.state("V1", EVENING) == at_once(planned) != before


def test_a_moment_that_is_past_is_told_without_what_came_after(
    planned: tuple[Storage, Settings],
) -> None:
    fleet = watched(planned)
    fleet.take(some(POSITIONS))
    fleet.state("V1", EVENING)
    assert fleet.state("V1", minutes(70)) == at_once(planned, minutes(70))


def test_only_trucks_with_other_fixes_are_read_again(filled: tuple[Storage, Settings]) -> None:
    fleet = LiveFleet(filled[0], filled[1].models_dir)
    assert fleet.catch_up(EVENING).vehicles_count == 1
    assert fleet.catch_up(EVENING) == CaughtUp(vehicles_count=0, records_count=0)
    assert fleet.state("V1", EVENING) == at_once(filled)


def test_what_others_store_is_added_and_compaction_changes_nothing(tmp_path: Path) -> None:
    settings_ = fill(tmp_path / "home", RECORDS)
    rows = shuttle(3)
    storage = open_storage(settings_)
    fleet = LiveFleet(storage, settings_.models_dir)
    for number, part in enumerate((rows[:200], rows[400:], rows[200:400])):
        path = write_csv(tmp_path / f"{number}.csv", part)
        ingesting.ingest_files(settings_, "positions", [path])
        assert fleet.catch_up(EVENING).vehicles_count == 1
        fleet.state("V1", EVENING)
    assert fleet.fixes_held_count() == len(rows)
    tracekeeping.compact_traces(settings_)
    assert fleet.catch_up(EVENING).vehicles_count == 0
    assert fleet.state("V1", EVENING) == at_once((storage, settings_))
    storage.close()


def test_two_watchers_of_one_store_tell_the_same(planned: tuple[Storage, Settings]) -> None:
    first, second = watched(planned), watched(planned)
    first.take(some(POSITIONS))
    second.take(some(POSITIONS.iloc[::-2]))
    second.take(some(POSITIONS))
    assert first.states(EVENING) == second.states(EVENING)


def test_what_is_withdrawn_is_seen_no_more(filled: tuple[Storage, Settings]) -> None:
    fleet = watched(filled)
    assert fleet.state("V1", EVENING).seen_at is not None
    listed = withdrawing.list_files(filled[1], "positions").as_dict()["files"]
    request = withdrawing.WithdrawalRequest(listed[0]["file_id"], "wrong truck", None)
    withdrawing.withdraw_file(filled[1], request)
    assert fleet.catch_up(EVENING).vehicles_count == 1
    state = fleet.state("V1", EVENING)
    assert (state.seen_at, state.load.reason_code) == (None, "no_positions")


def test_what_is_withdrawn_of_a_truck_leaves_the_rest(tmp_path: Path) -> None:
    settings_ = fill(tmp_path / "home", RECORDS)
    rows = shuttle(3)
    for number, part in enumerate((rows[:300], rows[300:])):
        path = write_csv(tmp_path / f"{number}.csv", part)
        ingesting.ingest_files(settings_, "positions", [path])
    storage = open_storage(settings_)
    fleet = watched((storage, settings_))
    (second,) = (
        one["file_id"]
        for one in withdrawing.list_files(settings_, "positions").as_dict()["files"]
        if one["rows_accepted"] == len(rows) - 300
    )
    withdrawing.withdraw_file(settings_, withdrawing.WithdrawalRequest(second, "wrong", None))
    fleet.catch_up(EVENING)
    assert fleet.state("V1", EVENING).today.fixes_count == 300
    storage.close()


def test_an_order_that_changes_opens_the_verdict_again(
    filled: tuple[Storage, Settings], tmp_path: Path
) -> None:
    fleet = watched(filled)
    assert fleet.state("V1", minutes(70)).load.state == "loaded"
    cancelled = northward_order("O1", 0, status="cancelled", version=2)
    path = write_csv(tmp_path / "orders.csv", [cancelled])
    ingesting.ingest_files(filled[1], "orders", [path])
    assert fleet.catch_up(EVENING).records_count == 1
    assert fleet.state("V1", minutes(70)).load.order_ids == ()


def test_a_truck_that_is_not_registered_is_shown_and_not_judged(
    planned: tuple[Storage, Settings],
) -> None:
    fleet = watched(planned)
    fleet.take(some(POSITIONS.assign(vehicle_id="V9")))
    state = fleet.state("V9", EVENING)
    assert (state.load.state, state.load.reason_code) == ("unknown", "vehicle_unregistered")
    assert state.today.unknown_km == pytest.approx(3 * YARD_KM, rel=0.002)
    assert [one.vehicle_id for one in fleet.states(EVENING)] == ["V1", "V9"]


def test_a_truck_that_nobody_knows_is_refused(planned: tuple[Storage, Settings]) -> None:
    with pytest.raises(NotFound) as refused:
        watched(planned).state("V8", EVENING)
    assert refused.value.code == "vehicle_not_on_record"


def test_what_is_older_than_the_window_leaves_the_memory(
    planned: tuple[Storage, Settings],
) -> None:
    fleet = watched(planned)
    for day in range(-20, 1):
        fleet.take(some(POSITIONS.assign(time_ms=POSITIONS["time_ms"] + day * 86_400_000)))
    # The day and the four before it (`live.window_days`), each of as many fixes.
    fleet.state("V1", EVENING)
    assert fleet.fixes_held_count() == 5 * len(POSITIONS)


def test_threads_that_bring_and_ask_at_once_end_in_the_same_state(
    planned: tuple[Storage, Settings],
) -> None:
    fleet = watched(planned)
    pieces = [some(POSITIONS.iloc[start::7]) for start in range(7)]
    threads = [threading.Thread(target=fleet.take, args=(piece,)) for piece in pieces]
    threads += [threading.Thread(target=fleet.states, args=(EVENING,)) for _ in range(3)]
    threads += [threading.Thread(target=fleet.catch_up, args=(EVENING,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    # The store knows none of these fixes, so a reading that follows forgets them.
    fleet.take(some(POSITIONS))
    assert fleet.state("V1", EVENING) == at_once(planned)
