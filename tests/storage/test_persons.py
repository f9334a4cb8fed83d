"""A person is erased: the key is gone, the rest stays; on both databases."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from fleet_carbon.errors import InputRefused
from fleet_carbon.services import erasing, ingesting, proving
from fleet_carbon.services.naming import shown_name
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.whole_ledger import MONTH

ROWS = "driver_id,name,phone,joined_on\nD1,张三,13800138000,2026-01-01\nD2,李四,13900139000,\n"


def register(settings: Settings, folder: Path, content: str = ROWS) -> Path:
    path = folder / "drivers.csv"
    path.write_text(content, encoding="utf-8")
    ingesting.ingest_files(settings, "drivers", [path])
    return path


def names(settings: Settings) -> list[str]:
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return [str(one) for one in work.register.read("drivers")["name"]]


def kept(settings: Settings) -> str:
    """Everything that the table of drivers says, as the database keeps it."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        connection = work._transaction.reading
        found = connection.execute(
            text("SELECT name, phone FROM drivers_versions WHERE fleet_id = :fleet"),
            {"fleet": settings.fleet},
        )
        return str(found.all())


def erase(settings: Settings, **other: object) -> dict[str, object]:
    told = {"confirmation": "D1", "is_dry_run": False, **other}
    return erasing.erase_driver(settings, "D1", "asked for", **told).report


def test_names_are_not_readable_at_rest_and_come_back(first: Settings, tmp_path: Path) -> None:
    path = register(first, tmp_path)
    assert names(first) == ["张三", "李四"]
    assert not any(word in kept(first) for word in ("张三", "13800138000", "李四"))
    again = ingesting.ingest_files(first, "drivers", [path]).files[0]
    assert (again.rows_accepted, again.rows_duplicate) == (0, 2)


def test_who_was_erased_is_gone_and_the_ledger_stays(first: Settings, tmp_path: Path) -> None:
    path = register(first, tmp_path)
    proof = proving.prove_account(first, "D1", MONTH).text()
    told = erase(first, is_dry_run=True)
    assert (told["outcome"], names(first)) == ("dry_run", ["张三", "李四"])
    with pytest.raises(InputRefused):
        erase(first, confirmation="D2")
    [file_id] = erase(first)["files"]
    assert names(first) == ["<NA>", "李四"]
    assert not (first.home / "files" / str(file_id)[:2] / str(file_id)).exists()
    assert proving.check_ledger(first).is_well
    assert proving.prove_account(first, "D1", MONTH).text() == proof
    with closing(open_storage(first)) as storage, storage.begin(read_only=True) as work:
        shown = [shown_name(work, driver_id) for driver_id in ("D1", "D2", "D9")]
    assert shown == ["D1 (erased 已删除)", "李四", "D9"]
    person = erasing.read_person(first, "D1").report
    assert (person["erased"], person["register"][0]["name"]) == (True, None)
    assert person["accounts"][MONTH][0]["co2_credited_g"] == 1_000_000
    assert erase(first)["outcome"] == "on_record_already"
    # The same file would bring the person back, and is refused whole.
    with pytest.raises(InputRefused) as refused:
        ingesting.ingest_files(first, "drivers", [path])
    assert refused.value.code == "driver_erased"
    assert not (first.home / "files" / str(file_id)[:2] / str(file_id)).exists()
    assert names(first) == ["<NA>", "李四"]


def test_a_key_that_was_destroyed_is_in_no_file_of_the_database(
    first: Settings, tmp_path: Path
) -> None:
    register(first, tmp_path)
    with closing(open_storage(first)) as storage, storage.begin(read_only=True) as work:
        chosen = text(
            "SELECT wrapped_key FROM person_keys AS k"
            " WHERE k.fleet_id = :fleet AND k.driver_id = 'D1'"
        )
        key = str(work._transaction.reading.scalar(chosen, {"fleet": first.fleet}))
    erase(first)
    databases = list(first.home.glob("fleet_carbon.sqlite*"))
    assert not any(key.encode() in one.read_bytes() for one in databases)


def test_an_id_that_is_a_telephone_or_card_number_is_warned_of(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "drivers.csv"
    path.write_text("driver_id\n13800138000\n11010519491231002X\nD1\n1380013800\n")
    [found] = ingesting.ingest_files(settings, "drivers", [path]).files[0].suspicions
    assert found.code == "driver_id_looks_personal"
    assert found.evidence == "2: 110...2X, 138...00"
