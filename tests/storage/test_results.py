"""Closing runs: kept as they were, found again, never changed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fleet_carbon import frames
from fleet_carbon.errors import LedgerBroken, NotFound
from fleet_carbon.storage.results import write_parquet
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage
from tests.storage.builders import NOW, behind, rows_of


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


def test_a_part_of_a_table_is_read_by_columns_and_by_texts(storage: Storage) -> None:
    rows = _accounts(*(_account("2026-01", driver, 7) for driver in ("D1", "D2", "D3")))
    with storage.begin() as work:
        run = work.closings.save("2026-01", _run("r1", tables=rows))
    columns = ("driver_id", "co2_credited_g")
    whole = rows["accounts"][list(columns)]
    with storage.begin(read_only=True) as work:
        found = work.closings.table(run, "accounts", columns)
        pd.testing.assert_frame_equal(found, whole, check_exact=True)
        some = work.closings.rows_among(
            run, "accounts", column="driver_id", values={"D3", "D1", "x"}, columns=columns
        )
        assert some["driver_id"].tolist() == ["D1", "D3"]
        nobody = work.closings.rows_among(
            run, "accounts", column="driver_id", values=(), columns=columns
        )
        assert nobody.empty


def test_a_table_of_several_runs_is_read_as_that_of_each(storage: Storage) -> None:
    with storage.begin() as work:
        runs = [
            work.closings.save(
                month,
                _run(
                    f"r{month}", month, tables=_accounts(*(_account(month, one, 7) for one in of))
                ),
            )
            for month, of in (("2026-01", ["D1", "D2"]), ("2026-02", []), ("2026-03", ["D3"]))
        ]
        without = work.closings.save("2026-04", _run("r4", "2026-04"))
    columns = ("driver_id", "co2_credited_g", "month")
    with storage.begin(read_only=True) as work:
        each = work.closings.each_table(runs, "accounts", columns)
        assert [rows["driver_id"].tolist() for rows in each] == [["D1", "D2"], [], ["D3"]]
        for run, rows in zip(runs, each, strict=True):
            alone = work.closings.table(run, "accounts", columns)
            pd.testing.assert_frame_equal(rows, alone, check_exact=True)
        with pytest.raises(NotFound, match="has no table"):
            work.closings.each_table([runs[0], without], "accounts", columns)
        among = {"column": "driver_id", "values": {"D3", "D1"}, "columns": columns}
        # A run may be asked for twice.
        some = work.closings.each_rows_among([*runs, runs[0]], "accounts", **among)
        assert [rows["driver_id"].tolist() for rows in some] == [["D1"], [], ["D3"], ["D1"]]
        for run, rows in zip(runs, some, strict=False):
            alone = work.closings.rows_among(run, "accounts", **among)
            pd.testing.assert_frame_equal(rows, alone, check_exact=True)


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
        assert work.closings.run_ids() == {"2026-01": "r3", "2026-02": "r2"}
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
        # Its earlier run has the table, and does not speak for the month any more.
        work.closings.save(
            "2025-11", _run("r5", "2025-11", tables=_accounts(_account("x", "D", 5)))
        )
        work.closings.save("2025-11", _run("r6", "2025-11"))
    with storage.begin(read_only=True) as work:
        assert work.closings.before("2026-02", "accounts")["co2_credited_g"].tolist() == [2, 3]
        assert len(work.closings.before("2025-12", "accounts")) == 0
        some = work.closings.over_months(
            "accounts", ["2025-11", "2025-12", "2026-02"], column="driver_id", values=["D1"]
        )
        assert some["co2_credited_g"].tolist() == [2, 4]
        assert list(some.columns) == list(frames.ACCOUNTS.names)
        nobody = work.closings.over_months("accounts", [], column="driver_id", values=["D1"])
        assert nobody.empty


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


CHANGES = [
    "UPDATE closing_runs SET summary = '' WHERE fleet_id = :fleet",
    "DELETE FROM closing_tables WHERE fleet_id = :fleet",
    "DELETE FROM prices WHERE fleet_id = :fleet",
]


def _on_record(storage: Storage) -> None:
    with storage.begin() as work:
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
    with pytest.raises(DBAPIError, match="only grows"), behind(storage) as connection:
        connection.execute(text(statement), {"fleet": storage.fleet_id})
