"""Claims on record: the database refuses what overlaps, whichever fleet it is of; they only end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.claims import COLUMNS, RELEASED, STANDING, SUPERSEDED
from fleet_carbon.settings import Settings
from fleet_carbon.storage.claim_tables import claims
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage

MONTH = "2026-03"
_NUMBERS = itertools.count()

Row = tuple[str, int, int]
"""Truck, beginning and end."""


def table(*rows: Row, driver_id: str = "D1") -> pd.DataFrame:
    found = [(driver_id, f"V-{truck}", truck, begin, end) for truck, begin, end in rows]
    return pd.DataFrame(found, columns=list(COLUMNS)).astype(
        {"identity": object, "from_s": "int64", "until_s": "int64"}
    )


def truck(settings: Settings, name: str = "a") -> str:
    """A truck that no other test knows: one database serves many of them."""
    return f"plate/2/{settings.fleet}-{name}"


@contextmanager
def fleet(settings: Settings, name: str) -> Iterator[Storage]:
    """Another fleet in the same database."""
    storage = open_storage(settings.model_copy(update={"fleet": name}))
    try:
        yield storage
    finally:
        storage.close()


def record(storage: Storage, rows: pd.DataFrame, *, run_id: str = "run", month: str = MONTH) -> int:
    with storage.begin() as work:
        return work.claims.record(month, run_id, rows)


def standing(work: UnitOfWork, *states: str) -> list[Row]:
    return [
        tuple(one.interval) for one in work.claims.of_month(MONTH, states=states or (STANDING,))
    ]


def test_another_fleet_cannot_claim_an_hour_that_is_claimed(
    settings: Settings, storage: Storage
) -> None:
    one = truck(settings)
    record(storage, table((one, 100, 200)))
    with fleet(settings, f"{settings.fleet}-other") as other:
        with pytest.raises(LedgerBroken) as refused:
            record(other, table((one, 199, 300)))
        assert refused.value.code == "claims_overlap"
        # What touches does not overlap, and other trucks are free.
        assert record(other, table((one, 200, 300), (truck(settings, "b"), 100, 200))) == 2


def test_what_is_taken_is_told_with_the_fleet_that_has_it(
    settings: Settings, storage: Storage
) -> None:
    one = truck(settings)
    record(storage, table((one, 100, 200), (one, 400, 500)))
    with fleet(settings, f"{settings.fleet}-other") as other, other.begin(read_only=True) as work:
        found = work.claims.of_others([one, "plate/2/unknown"], 150, 400)
        assert [(claim.interval, claim.fleet_id) for claim in found] == [
            ((one, 100, 200), settings.fleet)
        ]
    with storage.begin(read_only=True) as work:
        assert work.claims.of_others([one], 0, 1000) == []


def test_restating_supersedes_what_is_gone_and_keeps_what_stays(
    settings: Settings, storage: Storage
) -> None:
    one = truck(settings)
    record(storage, table((one, 100, 200), (one, 300, 400)), run_id="first")
    assert record(storage, table((one, 100, 200), (one, 250, 400)), run_id="second") == 1
    with storage.begin(read_only=True) as work:
        assert standing(work) == [(one, 100, 200), (one, 250, 400)]
        (gone,) = work.claims.of_month(MONTH, states=(SUPERSEDED,))
        assert (gone.interval, gone.ended_by) == ((one, 300, 400), "second")
    assert record(storage, table(), run_id="third") == 0
    with fleet(settings, f"{settings.fleet}-other") as other:
        assert record(other, table((one, 100, 400))) == 1


def test_released_claims_block_their_fleet_and_others_until_the_letter_is_accepted(
    settings: Settings, storage: Storage
) -> None:
    one = truck(settings)
    record(storage, table((one, 100, 200)))
    with storage.begin() as work:
        assert work.claims.release(f"{MONTH}/D1/V-{one.replace('/', '%2F')}", "letter-1") == 1
        assert standing(work) == []
        assert standing(work, RELEASED) == [(one, 100, 200)]
    with storage.begin(read_only=True) as work:
        assert [claim.state for claim in work.claims.of_others([one], 0, 1000)] == [RELEASED]
    with fleet(settings, f"{settings.fleet}-other") as other:
        with other.begin(read_only=True) as work:
            assert len(work.claims.of_others([one], 0, 1000)) == 1
        record(other, table((one, 150, 250)))  # the database counts standing claims only


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE claims SET from_s = 1 WHERE fleet_id = :fleet",
        "UPDATE claims SET state = 'released' WHERE fleet_id = :fleet",
        "UPDATE claims SET figure='x', state='released', ended_by='y' WHERE fleet_id = :fleet",
        "DELETE FROM claims WHERE fleet_id = :fleet",
        "UPDATE claim_subjects SET identity = 'x'",
    ],
)
def test_the_database_lets_a_claim_do_nothing_but_end(
    settings: Settings, storage: Storage, statement: str
) -> None:
    record(storage, table((truck(settings), 100, 200)))
    with pytest.raises(DBAPIError), storage.begin() as work:
        work._transaction.writing.execute(text(statement), {"fleet": settings.fleet})


def test_an_ended_claim_never_stands_again(settings: Settings, storage: Storage) -> None:
    record(storage, table((truck(settings), 100, 200)))
    record(storage, table(), run_id="later")
    again = "UPDATE claims SET state = 'standing', ended_by = NULL WHERE fleet_id = :fleet"
    with pytest.raises(DBAPIError), storage.begin() as work:
        work._transaction.writing.execute(text(again), {"fleet": settings.fleet})


# A step: which fleet restates its claims, and by what.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(
            st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 8)), max_size=4
        ),
    ),
    min_size=1,
    max_size=8,
)


@given_settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_the_database_refuses_exactly_what_comparing_second_by_second_refuses(
    settings: Settings, steps: list[tuple[int, list[tuple[str, int, int]]]]
) -> None:
    number = next(_NUMBERS)
    seconds: dict[int, set[tuple[str, int]]] = {0: set(), 1: set(), 2: set()}
    with (
        fleet(settings, f"{settings.fleet}-0-{number}") as zero,
        fleet(settings, f"{settings.fleet}-1-{number}") as one,
        fleet(settings, f"{settings.fleet}-2-{number}") as two,
    ):
        fleets = [zero, one, two]
        for at, (who, wanted) in enumerate(steps):
            rows = [
                (truck(settings, f"{number}-{name}"), begin, begin + length)
                for name, begin, length in dict.fromkeys(wanted)
            ]
            covered = [(name, second) for name, b, e in rows for second in range(b, e)]
            others = set().union(*(seconds[other] for other in seconds if other != who))
            is_free = len(covered) == len(set(covered)) and not others & set(covered)
            if is_free:
                record(fleets[who], table(*rows), run_id=f"run-{at}")
                seconds[who] = set(covered)
            else:
                with pytest.raises(LedgerBroken):
                    record(fleets[who], table(*rows), run_id=f"run-{at}")
        for who, storage in enumerate(fleets):
            with storage.begin(read_only=True) as work:
                kept = {(n, s) for n, b, e in standing(work) for s in range(b, e)}
                assert kept == seconds[who]


def test_of_two_fleets_that_claim_at_once_one_wins_and_the_other_is_told(
    settings: Settings, storage: Storage
) -> None:
    one = truck(settings)
    arrived, refused = threading.Event(), []

    def claim_too() -> None:
        with fleet(settings, f"{settings.fleet}-other") as other:
            arrived.set()
            try:
                record(other, table((one, 150, 250)))
            except LedgerBroken as error:
                refused.append(error.code)

    thread = threading.Thread(target=claim_too)
    with storage.begin() as work:
        work.claims.record(MONTH, "run", table((one, 100, 200)))
        if settings.database_url:
            thread.start()
            arrived.wait(60)
            time.sleep(0.3)  # it waits for the lock now
            assert thread.is_alive()
    if not settings.database_url:
        thread.start()
    thread.join(120)
    assert refused == ["claims_overlap"]
    with storage.begin(read_only=True) as work:
        assert standing(work) == [(one, 100, 200)]


def test_without_the_programs_lock_the_databases_own_constraint_holds(
    settings: Settings, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet_carbon.storage.claims.Claims.hold", lambda _self: None)
    one = truck(settings)
    record(storage, table((one, 100, 200)))
    with fleet(settings, f"{settings.fleet}-other") as other, pytest.raises(LedgerBroken):
        record(other, table((one, 0, 101)))


def test_peers_letters_and_orders_are_kept(settings: Settings, storage: Storage) -> None:
    with storage.begin() as work:
        work.claims.add_orders(["O1", "O2"], "claim/1")
    with pytest.raises(DBAPIError), storage.begin() as work:
        work.claims.add_orders(["O3", "O2"], "claim/2")
    with storage.begin(read_only=True) as work:
        assert work.claims.orders(["O1", "O3"]) == {"O1": "claim/1"}


def test_verify_names_a_claim_without_a_figure_and_one_of_no_truck(
    settings: Settings, storage: Storage
) -> None:
    one = truck(settings)
    record(storage, table((one, 100, 200)))
    figure = f"{MONTH}/D1/V-{one.replace('/', '%2F')}"
    stray = {"sequence": 9, "subject": 900_000_000, "from_s": 1, "until_s": 2, "figure": "x"}
    stray |= {"fleet_id": settings.fleet, "run_id": "r", "state": "standing"}
    with storage.begin() as work:
        assert list(work.claims.verify()) == [
            f"Figure {figure} claims intervals of its truck, and nothing is issued."
        ]
        work._transaction.writing.execute(insert(claims), stray)
        assert "Claim 9 is of a truck that is not on record." in list(work.claims.verify())
    with storage.begin() as work:  # nobody else is to find it in the shared database
        work.claims.release("x", "letter")
