"""All or nothing, one writer at a time, readers undisturbed; and what cannot be opened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from fleet_carbon.errors import FleetCarbonError, InputRefused, Unavailable
from fleet_carbon.settings import Settings
from fleet_carbon.storage import database
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage
from tests.storage.builders import NOW, behind, received

ROOT = Path(__file__).resolve().parents[2]


def _add_price(work: UnitOfWork) -> None:
    work.prices.add(
        "cea", Decimal(30), "CNY", unit="t", valid_from=date(2026, 1, 1), recorded_at=NOW
    )


def _prices_count(storage: Storage) -> int:
    with storage.begin(read_only=True) as work:
        return len(work.prices.list())


def _broken_off(storage: Storage) -> None:
    with storage.begin() as work:
        _add_price(work)
        assert len(work.prices.list()) == 1
        raise KeyboardInterrupt


def test_a_unit_that_fails_leaves_nothing(storage: Storage) -> None:
    with pytest.raises(KeyboardInterrupt):
        _broken_off(storage)
    assert _prices_count(storage) == 0
    with storage.begin() as work:
        _add_price(work)
    assert _prices_count(storage) == 1


def test_what_was_committed_is_there_when_opened_again(
    storage: Storage, settings: Settings
) -> None:
    with storage.begin() as work:
        _add_price(work)
    storage.close()
    again = open_storage(settings)
    assert _prices_count(again) == 1
    again.close()


def test_a_kept_file_alone_is_recorded_at_the_end(storage: Storage, tmp_path: Path) -> None:
    with storage.begin() as work:
        kept = received(work, tmp_path, "a")
    with storage.begin(read_only=True) as work:
        [on_record] = work.files._transaction.reading.execute(
            text("SELECT file_id FROM files WHERE fleet_id = :fleet"), {"fleet": storage.fleet_id}
        )
    assert on_record.file_id == kept.file_id


def test_keeping_a_file_takes_no_lock_yet(storage: Storage, tmp_path: Path) -> None:
    with storage.begin() as slow:
        received(slow, tmp_path, "a long file that is still being read")
        with storage.begin() as quick:
            _add_price(quick)
        _add_price(slow)
    assert _prices_count(storage) == 2


def test_a_reader_sees_one_state_while_a_writer_works(storage: Storage) -> None:
    with storage.begin(read_only=True) as reading:
        assert reading.prices.list() == []
        with storage.begin() as work:
            _add_price(work)
        assert reading.prices.list() == []
    assert _prices_count(storage) == 1


def test_a_reading_unit_refuses_to_write(storage: Storage) -> None:
    with pytest.raises(RuntimeError), storage.begin(read_only=True) as work:
        _add_price(work)


def test_writers_wait_for_each_other_and_lose_nothing(storage: Storage) -> None:
    def write() -> None:
        for _ in range(5):
            with storage.begin() as work:
                _add_price(work)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert _prices_count(storage) == 20


def test_a_writer_that_waits_too_long_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_SQLITE_PRAGMAS", ("journal_mode = WAL", "busy_timeout = 10"))
    opened = open_storage(Settings(home=tmp_path / "home"))
    with opened.begin() as first:
        _add_price(first)
        with pytest.raises(FleetCarbonError) as refused, opened.begin() as second:
            _add_price(second)
    assert refused.value.code == "storage_busy"
    opened.close()


def test_sqlite_is_set_up_for_safety(tmp_path: Path) -> None:
    opened = open_storage(Settings(home=tmp_path / "home"))
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL, https://www.sqlite.org/pragma.html#pragma_synchronous
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 30_000,
    }
    with behind(opened) as connection:
        for pragma, value in wanted.items():
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value
    opened.close()


def test_the_zone_on_record_rules_over_the_settings(settings: Settings) -> None:
    first = open_storage(settings.model_copy(update={"timezone": "Asia/Urumqi"}))
    second = open_storage(settings)
    assert first.zone.key == second.zone.key == "Asia/Urumqi"
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"fleet": "../other"}, "fleet_malformed"),
        ({"fleet": ""}, "fleet_malformed"),
        ({"database_url": "mysql://host/name"}, "database_unsupported"),
        ({"database_url": "postgresql://host:port/name"}, "database_unsupported"),
        ({"database_url": "postgresql://fleet@/none?host=/nowhere"}, "database_unusable"),
        ({"traces_url": "ftp://host/traces"}, "traces_url_unsupported"),
        ({"traces_url": "file://"}, "traces_url_unsupported"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    tmp_path: Path, changed: dict[str, str], code: str
) -> None:
    with pytest.raises((InputRefused, Unavailable)) as refused:
        open_storage(Settings(home=tmp_path / "home").model_copy(update=changed))
    assert refused.value.code == code
    assert refused.value.hint


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(InputRefused) as refused:
        open_storage(Settings(home=tmp_path / "home"))
    assert refused.value.code == "home_unusable"


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / database.DATABASE_NAME).write_text("no database, but long enough to be one" * 99)
    with pytest.raises(Unavailable) as refused:
        open_storage(Settings(home=tmp_path))
    assert refused.value.code == "database_unusable"


def test_a_schema_of_another_version_is_refused(tmp_path: Path) -> None:
    opened = open_storage(Settings(home=tmp_path))
    with behind(opened) as connection:
        connection.execute(text("UPDATE schema_version SET version = 99"))
    opened.close()
    with pytest.raises(InputRefused) as refused:
        open_storage(Settings(home=tmp_path))
    assert refused.value.code == "schema_of_another_version"


def test_traces_go_where_the_url_says(tmp_path: Path) -> None:
    from tests.storage.builders import JANUARY_MS, fixes, ingest

    folder = tmp_path / "the traces"
    url = folder.as_uri()
    opened = open_storage(Settings(home=tmp_path / "home", traces_url=url))
    ingest(opened, tmp_path, "a", fixes(("V1", JANUARY_MS, 1, 1)))
    assert len(list(folder.rglob("*.parquet"))) == 1
    assert not (tmp_path / "home" / "traces").exists()
    opened.close()


EVER = datetime(9999, 1, 1, tzinfo=UTC)
_KILLED = """
import os, signal, sys
from pathlib import Path
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.builders import JANUARY_MS, fixes, received
home = Path(sys.argv[1])
storage = open_storage(Settings(home=home / "home"))
for number in range(3):
    with storage.begin() as work:
        kept, writer = received(work, home, f"file {number}"), work.traces.writer()
        writer.add(fixes(*[("V1", JANUARY_MS + number * 10 + n, 1, 1) for n in range(5)]))
        writer.finish(kept)
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    print("on record", number, flush=True)
"""


def test_a_killed_ingest_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    from tests.storage.builders import keys_on_record

    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout.split() == ["on", "record", "0", "on", "record", "1"]
    opened = open_storage(Settings(home=tmp_path / "home"))
    assert len(keys_on_record(opened)) == 10
    with opened.begin() as work:
        assert len(work.traces.cleaning.remove_leftovers(EVER)) == 1
        assert work.traces.verify() == []
        assert work.files.verify() == []
    opened.close()
