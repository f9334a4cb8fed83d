"""Keys and checkpoints on record, and a check that names every row that was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.ledger import checker, claims
from fleet_carbon.ledger.proofs import leaf_hashes, root_of
from fleet_carbon.services.ledger.proving import find_ledger_problems
from fleet_carbon.services.ledger.signing import KeyRing, checkpoint, list_keys, rotate_keys
from fleet_carbon.settings import Settings
from fleet_carbon.storage.database import DATABASE_NAME
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage
from tests.ledger.builders import AT, entry_of, moves_of
from tests.storage.builders import behind

DRIVER = "held:driver/D1/V1"
SIGNED = ("ledger_entries", "ledger_keys", "ledger_checkpoints", "ledger_tiles")


def grow(work: UnitOfWork, count: int, begin: int = 0) -> None:
    """An act that issues so many grams, a gram an entry."""
    moves = [("issued", DRIVER, begin + at, begin + at + 1) for at in range(count)]
    work.ledger.append(moves_of(f"act-{begin}", *moves))


def problems(storage: Storage) -> list[str]:
    with storage.begin(read_only=True) as work:
        return list(find_ledger_problems(work, storage.fleet_id))


def test_a_checkpoint_hashes_only_what_is_new(storage: Storage, settings: Settings) -> None:
    ring = KeyRing(settings)
    asked: list[tuple[int, int]] = []

    def watched(hashes: Callable[[int, int], Iterator[str]]) -> Callable[[int, int], Iterator[str]]:
        def listed(begin: int, end: int) -> Iterator[str]:
            asked.append((begin, end))
            return hashes(begin, end)

        return listed

    for begin, count in ((0, 1500), (1500, 600), (2100, 3)):
        with storage.begin() as work:
            grow(work, count, begin)
            hashes = work.ledger.hashes
            work.ledger.hashes = watched(hashes)  # type: ignore[method-assign]
            assert checkpoint(work, ring, AT)
            assert not checkpoint(work, ring, AT)
            tree = work.checkpoints.tree(begin + count)
            assert tree.root == root_of(leaf_hashes(hashes(0, begin + count)))
    # The tile that is complete, and the entries that are in none yet.
    assert list(dict.fromkeys(asked)) == [
        (0, 1024),
        (1024, 1500),
        (1024, 2048),
        (2048, 2100),
        (2048, 2103),
    ]
    assert problems(storage) == []


def test_a_key_is_made_once_and_only_its_owner_can_read_it(
    storage: Storage, settings: Settings
) -> None:
    with storage.begin() as work:
        grow(work, 1)
        assert checkpoint(work, KeyRing(settings), AT)
    [key] = list_keys(settings).keys
    [path] = (settings.home / "keys").iterdir()
    assert path.name == f"{key.key_id}.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    with storage.begin() as work:
        grow(work, 1, 1)
        assert checkpoint(work, KeyRing(settings), AT)
    assert len(list_keys(settings).keys) == 1
    secret = path.read_text().splitlines()[1]
    for other in settings.home.iterdir():
        assert not other.is_file() or secret.encode() not in other.read_bytes()


@pytest.mark.parametrize(("spoil", "code"), [("mode", "exposed"), ("gone", "missing")])
def test_a_key_that_others_can_read_or_that_is_gone_signs_nothing(
    storage: Storage, settings: Settings, spoil: str, code: str
) -> None:
    with storage.begin() as work:
        grow(work, 1)
        checkpoint(work, KeyRing(settings), AT)
    [path] = (settings.home / "keys").iterdir()
    if spoil == "mode":
        path.chmod(0o644)
    else:
        path.unlink()

    def act() -> None:
        with storage.begin() as work:
            grow(work, 1, 1)
            checkpoint(work, KeyRing(settings), AT)

    with pytest.raises(FleetCarbonError) as refused:
        act()
    assert refused.value.code == f"signing_key_{code}"
    with storage.begin(read_only=True) as work:
        assert work.ledger.count() == 1
    if spoil == "gone":
        assert [key.is_endorsed for key in rotate_keys(settings, is_lost=True).keys] == [False] * 2


def test_the_old_key_signs_the_new_one(storage: Storage, settings: Settings) -> None:
    with storage.begin() as work:
        grow(work, 1)
        checkpoint(work, KeyRing(settings), AT)
    first, second = rotate_keys(settings).keys
    assert second.is_endorsed
    assert first.valid_until == second.valid_from
    with storage.begin() as work:
        grow(work, 1, 1)
        checkpoint(work, KeyRing(settings), AT)  # a clock set back
        newest = work.checkpoints.newest()
        assert newest is not None
        name = KeyRing(settings).name
        found = checker.read_checkpoint(newest.note, name, [first, second])
        assert found.key_id == second.key_id
    assert problems(storage) == []


def test_a_key_of_the_settings_is_taken_and_never_shown(tmp_path: Path) -> None:
    from fleet_carbon.ledger.signing import SigningKey

    key = SigningKey.from_seed(b"7" * 32)
    settings = Settings(home=tmp_path / "home", signing_key=key.pem())  # type: ignore[arg-type]
    assert key.pem().splitlines()[1] not in repr(settings)
    opened = open_storage(settings)
    with opened.begin() as work:
        grow(work, 1)
        checkpoint(work, KeyRing(settings), AT)
    opened.close()
    assert [one.key_id for one in list_keys(settings).keys] == [key.key_id]
    assert not (settings.home / "keys").exists()


@pytest.mark.parametrize("table", SIGNED)
@pytest.mark.parametrize("verb", ["UPDATE {} SET fleet_id = fleet_id", "DELETE FROM {}"])
def test_the_database_refuses_to_change_what_is_signed(
    storage: Storage, settings: Settings, table: str, verb: str
) -> None:
    with storage.begin() as work:
        grow(work, 1024)
        checkpoint(work, KeyRing(settings), AT)
    with pytest.raises(DBAPIError, match="only grows"), behind(storage) as connection:
        connection.execute(text(verb.format(table)))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Storage]:
    """A ledger of three acts in a file of SQLite, signed, with nothing in the way of changes."""
    settings = Settings(home=tmp_path / "home")
    opened = open_storage(settings)
    hour = ("D1", "V1", "plate/2/A", 1_767_225_600, 1_767_229_200)
    with opened.begin() as work:
        work.claims.record("2026-01", "r1", pd.DataFrame([hour], columns=list(claims.COLUMNS)))
        work.ledger.append([entry_of(evidence={"a": "d" * 8}, figure="2026-01/D1/V1")])
        work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 0, 300)))
        checkpoint(work, KeyRing(settings), AT)
    with opened.begin() as work:
        work.ledger.append(moves_of("use", ("sold/B", "retired/B", 0, 300)))
        checkpoint(work, KeyRing(settings), AT + timedelta(days=1))
    with behind(opened) as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for (name,) in names.all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield opened
    opened.close()


def changed_values(value: Any) -> Iterator[Any]:
    """The value with one bit of every one of its bytes turned over."""
    if isinstance(value, int):
        for at in range(8):
            other = int.from_bytes(
                (value ^ (1 << 8 * at)).to_bytes(9, "big", signed=True)[1:], "big", signed=True
            )
            yield other
    elif isinstance(value, str):
        content = value.encode()
        for at in range(len(content)):
            for bit in (1, 0x80):
                yield content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
        yield content + b"x"


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_any_changed_byte_of_an_entry_is_found_and_its_row_named(
    small: Storage, sequence: int
) -> None:
    import sqlite3

    path = small.home / DATABASE_NAME
    assert problems(small) == []
    with sqlite3.connect(path, isolation_level=None) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute("PRAGMA foreign_keys = OFF")
        where = "WHERE rowid = (SELECT rowid FROM ledger_entries WHERE sequence = ?)"
        chosen = raw.execute(f"SELECT rowid, * FROM ledger_entries {where}", (sequence,))
        names = [column[0] for column in chosen.description]
        row = dict(zip(names, chosen.fetchone(), strict=True))
        tried = 0
        for name in names[1:]:
            for other in changed_values(row[name]):
                tried += 1
                stored = "CAST(? AS TEXT)" if isinstance(other, bytes) else "?"
                change = f"UPDATE ledger_entries SET {name} = {stored} WHERE rowid = ?"
                try:
                    raw.execute(change, (other, row["rowid"]))
                except sqlite3.IntegrityError:  # the place or name of another entry
                    continue
                found = problems(small)
                named = (f"Entry {sequence} ", f"({row['entry_id']})")
                assert any(one in found[0] for one in named), (name, other, found[:1])
                raw.execute(
                    f"UPDATE ledger_entries SET {name} = ? WHERE rowid = ?",
                    (row[name], row["rowid"]),
                )
    assert tried > 400
    assert problems(small) == []


OTHERS = {
    "ledger_keys": ("sequence", "note"),
    "ledger_checkpoints": ("entries", "note"),
    "ledger_holdings": ("serial_from", "serial_until", "account"),
    "ledger_blocks": ("issued_g", "held_g", "retired_g"),
}


@pytest.mark.parametrize("table", OTHERS)
def test_any_changed_byte_of_what_is_signed_or_derived_is_found(small: Storage, table: str) -> None:
    import sqlite3

    with sqlite3.connect(small.home / DATABASE_NAME, isolation_level=None) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        for rowid, *values in raw.execute(
            f"SELECT rowid, {', '.join(OTHERS[table])} FROM {table}"
        ).fetchall():
            for name, value in zip(OTHERS[table], values, strict=True):
                for other in changed_values(value):
                    stored = "CAST(? AS TEXT)" if isinstance(other, bytes) else "?"
                    raw.execute(
                        f"UPDATE {table} SET {name} = {stored} WHERE rowid = ?", (other, rowid)
                    )
                    # The number of a key alone changes nothing that is signed.
                    assert problems(small) or (table, name) == ("ledger_keys", "sequence"), other
                    raw.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (value, rowid))
    assert problems(small) == []


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_an_entry_taken_out_is_named_even_at_the_end(small: Storage, sequence: int) -> None:
    with behind(small) as connection:
        connection.exec_driver_sql(f"DELETE FROM ledger_entries WHERE sequence = {sequence}")
    assert problems(small)[0].startswith(f"Entry {sequence} is missing")


def test_a_ledger_written_anew_as_a_whole_is_not_what_was_signed(
    storage: Storage, settings: Settings, tmp_path: Path
) -> None:
    """Who has the database but not the key can make a chain that holds, and no checkpoint."""
    with storage.begin() as work:
        grow(work, 3)
        checkpoint(work, KeyRing(settings), AT)
        notes = (work.checkpoints.keys(), list(work.checkpoints.all()))
    other = open_storage(Settings(home=tmp_path / "other", fleet=settings.fleet))
    with other.begin() as work:
        others = [("issued", "held:fleet", at, at + 1) for at in range(4)]
        work.ledger.append(moves_of("act-0", *others))
        work.checkpoints.add_key(notes[0][0])
        work.checkpoints.add(notes[1][0].note, entries_count=3)
    found = problems(other)
    other.close()
    assert len(found) == 1
    assert "signed over other entries" in found[0]
