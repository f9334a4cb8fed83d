"""Fixes that come by the request: each once, whoever took it and whenever, and none forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.settings import Settings
from fleet_carbon.storage import arriving, catalog
from fleet_carbon.storage.folding import Folding
from fleet_carbon.storage.traces import Traces
from fleet_carbon.storage.unit_of_work import Arrivals, Storage, open_storage
from tests.storage.arrivals import RECEIVED_AT, arrival, arrive, arrive_all
from tests.storage.builders import (
    ALL_TIME,
    FEBRUARY_MS,
    JANUARY_MS,
    fixes,
    fixes_on_record,
    ingest,
    keys_on_record,
    marks_on_record,
)

T = JANUARY_MS + 1_000
A, B, C = ("A", T, 110_000_000, 35_000_000), ("A", T + 1, 110_000_000, 35_000_000), ("B", T, 1, 1)


def test_fixes_of_requests_are_read_like_those_of_files(storage: Storage, tmp_path: Path) -> None:
    assert arrive(storage, Arrivals(), fixes(B, A), fixes(C)) == [2, 1]
    assert keys_on_record(storage) == [A, B, C]


def test_the_mark_of_a_truck_does_not_tell_how_its_fixes_came(
    storage: Storage, settings: Settings, tmp_path: Path
) -> None:
    arrive(storage, Arrivals(), fixes(A, B, speed_kmh=[7.0, None]))
    other = settings.model_copy(update={"fleet": f"{settings.fleet}-files"})
    with closing(open_storage(other)) as by_file, by_file.begin() as work:
        path = tmp_path / "a.csv"
        path.write_text("a")
        kept = work.files.keep(path, "positions", RECEIVED_AT)
        writer = work.traces.writer()
        writer.add(fixes(A, B, speed_kmh=[7.0, None]))
        writer.finish(kept)
    with closing(open_storage(other)) as by_file:
        assert marks_on_record(storage) == marks_on_record(by_file)


def test_optional_values_and_drivers_come_back(storage: Storage) -> None:
    rows = fixes(A, B, C, speed_kmh=[61.25, None, 3.0], driver_id=["D1", None, "D2"])
    arrive(storage, Arrivals(), rows)
    found = fixes_on_record(storage)
    # Tenths of a km/h are kept: 61.25 becomes 61.2 (to the even).
    assert found["A"].columns["speed_kmh"].tolist() == pytest.approx([61.2, np.nan], nan_ok=True)
    assert found["A"].columns["driver_id"].tolist() == ["D1", ""]
    assert found["B"].columns["driver_id"].tolist() == ["D2"]


def test_of_equal_fixes_in_one_transaction_the_first_request_has_it(storage: Storage) -> None:
    assert arrive(storage, Arrivals(), fixes(A, A, B), fixes(A, C), fixes(C)) == [2, 1, 0]


def test_of_equal_fixes_of_a_request_the_fullest_stays(storage: Storage) -> None:
    rows = fixes(A, A, speed_kmh=[None, 5.0])
    assert arrive(storage, Arrivals(), rows) == [1]
    assert fixes_on_record(storage)["A"].columns["speed_kmh"].tolist() == [5.0]


def test_the_same_moment_at_another_place_is_another_fix(storage: Storage) -> None:
    desk = Arrivals()
    moved = ("A", T, 110_000_001, 35_000_000)
    assert arrive(storage, desk, fixes(A)) == [1]
    assert arrive(storage, desk, fixes(moved, A)) == [1]
    assert keys_on_record(storage) == [A, moved]


@pytest.mark.parametrize("is_folded", [False, True])
@pytest.mark.parametrize("is_same_process", [False, True])
def test_what_is_on_record_is_not_taken_again(
    storage: Storage, is_folded: bool, is_same_process: bool
) -> None:
    desk = Arrivals()
    late = ("A", T - 5, 1, 1)
    assert arrive(storage, desk, fixes(A, C)) == [2]
    if is_folded:
        assert storage.fold() == 2
    other = desk if is_same_process else Arrivals()
    assert arrive(storage, other, fixes(A, B), fixes(late)) == [1, 1]
    assert arrive(storage, desk, fixes(A, B, C, late)) == [0]
    assert keys_on_record(storage) == [late, A, B, C]


def test_a_fix_of_a_file_is_on_record_for_requests(storage: Storage, tmp_path: Path) -> None:
    desk = Arrivals()
    assert arrive(storage, desk, fixes(B)) == [1]
    assert ingest(storage, tmp_path, "file", fixes(A, C)) == (2, 0)
    assert arrive(storage, desk, fixes(A, B, C)) == [0]


def test_a_fix_of_a_request_is_on_record_for_files(storage: Storage, tmp_path: Path) -> None:
    assert arrive(storage, Arrivals(), fixes(A)) == [1]
    assert ingest(storage, tmp_path, "file", fixes(A, C)) == (1, 1)


def test_what_was_withdrawn_may_come_again(storage: Storage) -> None:
    desk = Arrivals()
    arrive(storage, desk, fixes(A, C))
    with storage.begin() as work:
        chosen = work.receptions.list(kind="positions")
        work.receptions.withdraw(chosen, reason="a test", withdrawn_at=RECEIVED_AT)
    assert keys_on_record(storage) == []
    assert arrive(storage, desk, fixes(A)) == [1]
    assert keys_on_record(storage) == [A]


def test_one_request_is_withdrawn_and_others_of_its_journal_stay(storage: Storage) -> None:
    arrive(storage, Arrivals(), fixes(A), fixes(B, C))
    with storage.begin() as work:
        first = work.receptions.list(kind="positions")[0]
        work.receptions.withdraw([first], reason="a test", withdrawn_at=RECEIVED_AT)
    assert keys_on_record(storage) == [B, C]


def test_counts_of_every_request_are_on_record(storage: Storage) -> None:
    arrive_all(storage, Arrivals(), [arrival(fixes(A, B), "one", 3), arrival(fixes(A), "two")])
    with storage.begin(read_only=True) as work:
        found = work.receptions.list(kind="positions")
    told = [(r.name, r.rows_accepted, r.rows_duplicate, r.rows_rejected) for r in found]
    assert told == [("one", 2, 0, 3), ("two", 0, 1, 0)]


def test_random_requests_of_two_processes_give_the_set_of_their_fixes(storage: Storage) -> None:
    random = np.random.default_rng(7)
    desks = [Arrivals(), Arrivals()]
    sent: set[tuple[str, int, int, int]] = set()
    taken = 0
    for turn in range(12):
        rows = [
            (f"V{random.integers(4)}", FEBRUARY_MS + int(random.integers(-20, 20)), int(place), 0)
            for place in random.integers(0, 3, size=15)
        ]
        taken += sum(arrive(storage, desks[turn % 2], fixes(*rows[:8]), fixes(*rows[8:])))
        sent |= set(rows)
        if turn % 5 == 4:
            storage.fold()
    assert taken == len(sent)
    assert keys_on_record(storage) == sorted(sent)


def test_more_than_is_remembered_is_told_from_the_segments(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "_KNOWN_ROWS_MAX", 2)
    desk = Arrivals()
    for step in range(5):
        assert arrive(storage, desk, fixes(("A", T + step, 0, 0), ("B", T + step, 0, 0))) == [2]
        storage.fold()
    assert arrive(storage, desk, fixes(*(("A", T + step, 0, 0) for step in range(6)))) == [1]


def test_more_than_is_remembered_is_told_from_journals_that_wait(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "_KNOWN_ROWS_MAX", 4)
    desk = Arrivals()
    early = [("A", T + step, 0, 0) for step in range(0, 10, 2)]
    for step, fix in enumerate(early):
        assert arrive(storage, desk, fixes(fix, ("B", T + step, 0, 0))) == [2]
    between = [("A", T + step, 0, 0) for step in range(1, 10, 2)]
    # Read anew from the record, and as it was remembered: known fixes are told from late ones.
    for one in (desk, Arrivals()):
        assert arrive(storage, one, fixes(*early)) == [0]
        assert arrive(storage, one, fixes(*early, between.pop())) == [1]
    storage.fold()
    assert arrive(storage, desk, fixes(*early, between.pop())) == [1]
    assert len(keys_on_record(storage)) == 13


def _arrive_and_fail(storage: Storage, desk: Arrivals) -> None:
    with storage.begin(reads_traces=False) as work:
        state = work.intake_state(desk)
        work.arrive(desk, [arrival(fixes(A))], state, recorded_at=RECEIVED_AT)
        raise ZeroDivisionError


def test_nothing_is_remembered_of_a_transaction_that_failed(storage: Storage) -> None:
    desk = Arrivals()
    arrive(storage, desk, fixes(C))
    with pytest.raises(ZeroDivisionError):
        _arrive_and_fail(storage, desk)
    desk.lost()
    assert keys_on_record(storage) == [C]
    assert arrive(storage, desk, fixes(A, C)) == [1]


def test_a_fold_that_breaks_off_leaves_the_journals(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(storage, Arrivals(), fixes(A, C))

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Folding, "record", broken)
        with pytest.raises(ZeroDivisionError):
            storage.fold()
    with monkeypatch.context() as patch:
        patch.setattr(catalog.SegmentCatalog, "record", broken)
        with pytest.raises(ZeroDivisionError):
            storage.fold()
    with storage.look() as work:
        assert work.files.verify() == []
    assert keys_on_record(storage) == [A, C]
    with storage.begin(read_only=True) as work:
        assert work.traces.verify() == []


def test_a_fold_by_others_meanwhile_is_noticed(
    storage: Storage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(storage, Arrivals(), fixes(A, C))
    record = Folding.record

    def late(self: Folding, *given: Any) -> bool:
        monkeypatch.setattr(Folding, "record", record)
        with closing(open_storage(settings)) as other:
            other.fold()
        return record(self, *given)

    if settings.database_url is None:
        pytest.skip("not of this database: in SQLite only one writer has the file")
    monkeypatch.setattr(Folding, "record", late)
    storage.begin(read_only=True)
    assert keys_on_record(storage) == [A, C]


def test_a_changed_journal_is_named_and_not_folded(storage: Storage) -> None:
    arrive(storage, Arrivals(), fixes(A))
    with storage.look() as work:
        [known] = work.receptions.list()
        path = work.files.path_of(known.file_id)
        path.write_bytes(b"x" + path.read_bytes()[1:])
        assert "was changed" in work.files.verify()[0]
    with pytest.raises(FleetCarbonError, match="journal"):
        storage.begin(read_only=True)


# Every question that can be asked of the traces, with what it says of the two fixes A and C. A
# new method of Traces that is not named here fails the test below.
_ASKED: dict[str, tuple[Callable[[Traces], Any], Any]] = {
    "batches": (lambda t: sum(b.fixes_count_max for b in t.batches(*ALL_TIME, fixes_max=9)), 2),
    "marks": (lambda t: sorted(t.marks(T, T + 1)), ["A", "C"]),
    "holding": (lambda t: t.holding(["A", "C", "X"]), {"A", "C"}),
    "summary": (lambda t: t.summary()["fixes"], 2),
    "spans": (lambda t: t.spans(), [(from_epoch_ms(T), from_epoch_ms(T))]),
    "segments": (lambda t: sum(one.rows for one in t.segments()), 2),
    "all_segments": (lambda t: sum(one.rows for one in t.all_segments()), 2),
    "problem_of": (lambda t: [t.problem_of(one) for one in t.all_segments()], [None]),
    "verify": (lambda t: t.verify(), []),
    "version_number": (lambda t: t.version_number(), 1),
    "was_withdrawn_since": (lambda t: t.was_withdrawn_since(0), False),
    "months": (lambda t: sorted(t.months()), ["2026-01"]),
    "mergeable": (lambda t: t.mergeable(), []),
    "merge": (lambda t: t.merge("2026-01", 0).rows, 2),
    "leftovers": (lambda t: t.leftovers(), []),
    "known_fixes": (lambda t: int((t.known_fixes()._latest == T).sum()), 2),
    "stored_fixes": (
        lambda t: sum(len(c) for c, _, _ in t.stored_fixes(np.array([1]), np.array([T]))),
        2,
    ),
}
_WRITING = {"reduce", "remove_reduced", "writer", "withdraw", "replace", "hold_and_fold"}


def test_no_question_to_the_traces_misses_fixes_in_journals(storage: Storage) -> None:
    names = {name for name, _ in inspect.getmembers(Traces, inspect.isfunction) if name[0] != "_"}
    assert names == _ASKED.keys() | _WRITING
    for place, (name, (asked, told)) in enumerate(_ASKED.items()):
        settings = Settings(home=storage.home.parent / f"home-{place}", fleet="asked")
        with closing(open_storage(settings)) as fresh:
            arrive(fresh, Arrivals(), fixes(A, ("C", T, 1, 1)))
            with fresh.begin(read_only=True) as work:
                assert asked(work.traces) == told, name


@pytest.mark.parametrize("read_only", [False, True])
def test_work_without_traces_cannot_ask_them(storage: Storage, read_only: bool) -> None:
    with storage.begin(read_only=read_only, reads_traces=False) as work:
        with pytest.raises(RuntimeError):
            _ = work.traces
        with pytest.raises(RuntimeError):
            work.receptions.reaches_into(None, None, window=None)  # type: ignore[arg-type]
