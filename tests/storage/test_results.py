"""Closing runs and ledger entries: kept as they were, found again, never changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fleet_carbon import frames
from fleet_carbon.errors import LedgerBroken, NotFound
from fleet_carbon.ledger.entries import Entry, held_account
from fleet_carbon.ledger.posting import post_month
from fleet_carbon.storage.results import write_parquet
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork
from tests.storage.builders import NOW, rows_of


def _account(month: str, driver_id: str, co2_credited_g: int) -> dict[str, Any]:
    filled = {
        frames.TEXT: "x",
        frames.INTEGER: 0,
        frames.NUMBER: 0.1,
        frames.FLAG: True,
        frames.DAY: "2026-01-01",
    }
    row = {column.name: filled[column.dtype] for column in frames.ACCOUNTS.columns}
    return {**row, "month": month, "driver_id": driver_id, "co2_credited_g": co2_credited_g}


def _run(run_id: str, month: str = "2026-01", **more: Any) -> ClosingRun:
    return ClosingRun(
        run_id=run_id,
        month=month,
        edition_label="cn-freight 2026.1",
        edition_digest="e" * 64,
        inputs={"orders": "d" * 64},
        closed_at=NOW,
        summary={"co2_credited_g": 3, "说明": [1.5, None]},
        **more,
    )


def _accounts(*rows: dict[str, Any]) -> dict[str, pd.DataFrame]:
    return {"accounts": rows_of(frames.ACCOUNTS, *rows)}


def test_a_run_comes_back_with_its_tables(storage: Storage) -> None:
    tables = {frame.name: frame.empty() for frame in (frames.LEGS, frames.LEG_ORDERS)} | _accounts(
        _account("2026-01", "D1", 7)
    )
    with storage.begin() as work:
        saved = work.closings.save("2026-01", _run("r1", changes=[{"a": 1}], tables=tables))
    with storage.begin(read_only=True) as work:
        found = work.closings.latest("2026-01")
        assert found == saved
        assert found == replace(_run("r1", changes=[{"a": 1}]), table_digests=saved.table_digests)
        for name, rows in tables.items():
            pd.testing.assert_frame_equal(work.closings.table(found, name), rows, check_exact=True)


def test_the_last_run_speaks_for_the_month_and_the_earlier_stay(storage: Storage) -> None:
    with storage.begin() as work:
        work.closings.save("2026-01", _run("r1"))
        work.closings.save("2026-02", _run("r2", "2026-02"))
        work.closings.save("2026-01", _run("r3"))
    with storage.begin(read_only=True) as work:
        latest = work.closings.latest("2026-01")
        assert latest is not None
        assert latest.run_id == "r3"
        assert [run.run_id for run in work.closings.runs("2026-01")] == ["r3", "r1"]
        assert work.closings.months() == ["2026-01", "2026-02"]
        assert work.closings.latest("2025-12") is None


def test_a_run_is_saved_once(storage: Storage) -> None:
    with storage.begin() as work:
        work.closings.save("2026-01", _run("r1"))
    with pytest.raises(LedgerBroken), storage.begin() as work:
        work.closings.save("2026-01", _run("r1"))


def test_earlier_accounts_are_those_of_the_last_run_of_each_earlier_month(
    storage: Storage,
) -> None:
    with storage.begin() as work:
        for run_id, month, grams in (
            ("r1", "2025-12", 1),
            ("r2", "2025-12", 2),
            ("r3", "2026-01", 3),
            ("r4", "2026-02", 4),
        ):
            run = _run(run_id, month, tables=_accounts(_account(month, "D1", grams)))
            work.closings.save(month, run)
    with storage.begin(read_only=True) as work:
        assert work.closings.before("2026-02", "accounts")["co2_credited_g"].tolist() == [2, 3]
        assert len(work.closings.before("2025-12", "accounts")) == 0


def test_the_same_table_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    rows = _accounts(_account("2026-01", "D1", 1), _account("2026-01", "D2", 2))["accounts"]
    other_index = rows.set_index(pd.Index([7, 9]))
    as_objects = rows.astype({"driver_id": object})

    def written(table: pd.DataFrame) -> bytes:
        write_parquet(tmp_path / "table.parquet", frames.ACCOUNTS, table)
        return (tmp_path / "table.parquet").read_bytes()

    first = written(rows)
    assert written(other_index) == first
    assert written(as_objects) == first
    assert written(rows.assign(co2_credited_g=[1, 3])) != first
    assert b"pandas" not in first
    assert b"ARROW:schema" not in first


def test_a_table_that_the_run_does_not_have_is_named(storage: Storage) -> None:
    with storage.begin() as work:
        run = work.closings.save("2026-01", _run("r1"))
        with pytest.raises(NotFound):
            work.closings.table(run, "legs")


def test_a_changed_and_a_missing_table_are_named(storage: Storage) -> None:
    with storage.begin() as work:
        run = work.closings.save(
            "2026-01",
            _run(
                "r1",
                tables={**_accounts(_account("2026-01", "D1", 1)), "legs": frames.LEGS.empty()},
            ),
        )
    results = storage.home / "results"
    (results / f"{run.table_digests['legs']}.parquet").unlink()
    (results / f"{run.table_digests['accounts']}.parquet").write_bytes(b"other")
    with storage.begin(read_only=True) as work:
        problems = work.closings.verify()
        with pytest.raises(NotFound):
            work.closings.table(run, "legs")
    assert sorted("is missing" in problem for problem in problems) == [False, True]


def _post(work: UnitOfWork, run_id: str, credited: dict[tuple[str, str], int]) -> list[Entry]:
    entries = post_month(
        work.ledger.posted_g("2026-01"),
        credited,
        month="2026-01",
        run_id=run_id,
        recorded_at=datetime(2026, 2, 2, 3, 4, 5, 678_999, tzinfo=UTC),
        evidence={"legs": "d" * 64},
    )
    return work.ledger.append(entries)


def test_the_ledger_says_what_was_credited_last(storage: Storage) -> None:
    steps = [{("D1", "V1"): 900, ("D1", "V2"): 5}, {("D1", "V1"): 700}, {("D1", "V1"): 701}]
    for number, credited in enumerate(steps):
        with storage.begin() as work:
            _post(work, f"r{number}", credited)
    with storage.begin(read_only=True) as work:
        assert work.ledger.posted_g("2026-01") == {("D1", "V1"): 701, ("D1", "V2"): 0}
        assert work.ledger.posted_g("2026-02") == {}
        entries = work.ledger.entries("2026-01")
        assert [(entry.sequence, entry.amount_g) for entry in entries] == [
            (1, 900),
            (2, 5),
            (3, 200),
            (4, 5),
            (5, 1),
        ]
        assert entries == work.ledger.entries()
        assert work.ledger.verify() == []


def test_a_posting_sent_again_is_recorded_once(storage: Storage) -> None:
    with storage.begin() as work:
        entries = _post(work, "r1", {("D1", "V1"): 900})
    with storage.begin() as work:
        assert work.ledger.append(entries) == []
        assert len(work.ledger.entries()) == 1


def test_an_entry_id_with_other_content_is_refused(storage: Storage) -> None:
    with storage.begin() as work:
        [entry] = _post(work, "r1", {("D1", "V1"): 900})
    with pytest.raises(LedgerBroken), storage.begin() as work:
        work.ledger.append([replace(entry, amount_g=901)])


CHANGES = [
    "UPDATE ledger_entries SET amount_g = 1 WHERE fleet_id = :fleet",
    "DELETE FROM ledger_entries WHERE fleet_id = :fleet",
    "UPDATE closing_runs SET summary = '' WHERE fleet_id = :fleet",
    "DELETE FROM closing_tables WHERE fleet_id = :fleet",
    "DELETE FROM prices WHERE fleet_id = :fleet",
]


def _on_record(storage: Storage) -> None:
    with storage.begin() as work:
        _post(work, "r1", {("D1", "V1"): 900})
        work.closings.save("2026-01", _run("r1", tables=_accounts(_account("2026-01", "D1", 1))))
        work.prices.add(
            "cea",
            Decimal(1),
            "CNY",
            unit="t",
            valid_from=NOW.date(),
            recorded_at=NOW,
        )


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_refuses_to_change_what_is_on_record(storage: Storage, statement: str) -> None:
    _on_record(storage)
    with pytest.raises(DBAPIError, match="only grows"), storage._engine.begin() as connection:
        connection.execute(text(statement), {"fleet": storage.fleet_id})


def test_sqlite_refuses_to_replace_an_entry(storage: Storage) -> None:
    if storage._engine.dialect.name != "sqlite":
        with pytest.raises(DBAPIError, match="only grows"), storage._engine.begin() as connection:
            connection.execute(text("TRUNCATE ledger_entries"))
        return
    _on_record(storage)
    replacing = text(
        "INSERT OR REPLACE INTO ledger_entries SELECT fleet_id, sequence, entry_id, month, "
        "debit_account, credit_account, 1, reason_code, note, previous_figure_g, evidence, "
        "recorded_at, previous_hash, entry_hash FROM ledger_entries WHERE fleet_id = :fleet"
    )
    with pytest.raises(DBAPIError, match="only grows"), storage._engine.begin() as connection:
        connection.execute(replacing, {"fleet": storage.fleet_id})


def test_what_slips_past_the_database_is_found_by_the_audit(storage: Storage) -> None:
    _on_record(storage)
    off, on = {
        "sqlite": ("DROP TRIGGER ledger_entries_no_update", None),
        "postgresql": (
            "ALTER TABLE ledger_entries DISABLE TRIGGER USER",
            "ALTER TABLE ledger_entries ENABLE TRIGGER USER",
        ),
    }[storage._engine.dialect.name]
    with storage._engine.begin() as connection:
        connection.execute(text(off))
        connection.execute(text(CHANGES[0]), {"fleet": storage.fleet_id})
        if on:
            connection.execute(text(on))
    with storage.begin(read_only=True) as work:
        [problem] = work.ledger.verify()
    assert "was changed" in problem
    assert held_account("D1", "V1") in problem


def test_each_fleet_has_a_chain_of_its_own(storage: Storage, settings: Any, tmp_path: Path) -> None:
    from fleet_carbon.storage.unit_of_work import open_storage

    other = open_storage(settings.model_copy(update={"fleet": f"{settings.fleet}-other"}))
    for opened in (storage, other):
        with opened.begin() as work:
            assert _post(work, "r1", {("D1", "V1"): 900})[0].sequence == 1
            assert work.ledger.verify() == []
    other.close()
