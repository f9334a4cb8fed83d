"""A ledger goes from one installation to another, whole, and goes on there; on both databases."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import FleetCarbonError, InputRefused, LedgerBroken, NotFound
from fleet_carbon.ledger import archive_checker, checker
from fleet_carbon.services.ledger import bookkeeping, proving, signing
from fleet_carbon.services.ledger.archiving import Exported, export_archive
from fleet_carbon.services.ledger.importing import import_archive
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage import whole_ledger
from tests.storage.whole_ledger import MONTH, retire, sell, step


def exported(settings: Settings, path: Path, driver_id: str | None = None) -> Exported:
    return export_archive(settings, path, driver_id=driver_id)


def balances(settings: Settings) -> dict[str, Any]:
    return bookkeeping.read_balances(settings).as_dict()


def test_a_ledger_goes_on_in_another_installation(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    told = exported(first, path).report
    there = second.model_copy(update={"fleet": first.fleet})
    taken = import_archive(second, path, trusted_key_id=told["key_id"]).report
    assert (taken["new"], taken["fleet_id"], taken["months"]) == (True, first.fleet, [MONTH])
    assert balances(there) == balances(first)
    every = bookkeeping.list_entries(first, limit_count=100).as_dict()
    assert bookkeeping.list_entries(there, limit_count=100).as_dict() == every
    checked = proving.check_ledger(there)
    assert (checked.is_well, checked.keys_count) == (True, 3), checked.problems
    with closing(open_storage(there)) as storage, storage.begin(read_only=True) as work:
        claimed = [one.interval.identity for one in work.claims.of_month(MONTH)]
    assert claimed == [f"plate/2/{first.fleet}-{truck}" for _, truck in whole_ledger.FIGURES]
    # The open lot is settled here, the one paid out stays so, and what is held is sold on.
    step(there, "settle", "L3")
    with pytest.raises(InputRefused, match="paid out"):
        step(there, "void", "L1")
    sell(there, "L4", 500_000)
    retire(there, "r2", "sold/City", 100_000)
    signing.sign_ledger(there)
    assert proving.check_ledger(there).is_well
    statement = proving.prove_account(there, "D1", MONTH)
    own = signing.list_keys(there).keys[-1]
    assert own.key_id == taken["own_key_id"] != told["key_id"]
    assert checker.check_statement(statement.statement, own.key_id).problems == []
    # Nobody vouched for the new key, and a check says so to who knows the old one only.
    assert checker.check_statement(statement.statement, told["key_id"]).problems != []


def test_what_was_imported_can_be_exported_again(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    exported(first, tmp_path / "a.zip")
    import_archive(second, tmp_path / "a.zip")
    there = second.model_copy(update={"fleet": first.fleet})
    exported(there, tmp_path / "b.zip")
    assert archive_checker.check_archive(tmp_path / "b.zip").problems == []
    with (
        archive_checker.Archive(tmp_path / "b.zip") as again,
        archive_checker.Archive(tmp_path / "a.zip") as one,
    ):
        assert list(again.lines("entries.jsonl")) == list(one.lines("entries.jsonl"))
        [origin] = again.rows("imports.jsonl")
        assert json.loads(origin["manifest"]) == one.manifest


def test_the_same_archive_twice_changes_nothing(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    exported(first, path)
    import_archive(second, path)
    there = second.model_copy(update={"fleet": first.fleet})
    keys = signing.list_keys(there).as_dict()
    assert import_archive(second, path).report["new"] is False
    assert signing.list_keys(there).as_dict() == keys
    # The fleet has gone on at home since: that is another archive, and refused.
    retire(first, "r9", "sold/City", 1)
    exported(first, tmp_path / "b.zip")
    before = balances(there)
    with pytest.raises(InputRefused) as refused:
        import_archive(second, tmp_path / "b.zip")
    assert refused.value.code == "fleet_exists"
    with pytest.raises(InputRefused) as refused:
        import_archive(first, path)
    assert refused.value.code == "fleet_exists"
    assert balances(there) == before


def test_the_same_records_give_the_same_bytes(first: Settings, tmp_path: Path) -> None:
    one, other = exported(first, tmp_path / "a.zip"), exported(first, tmp_path / "b.zip")
    assert one.report["sha256"] == other.report["sha256"]
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_no_private_key_is_in_an_archive(first: Settings, tmp_path: Path) -> None:
    exported(first, tmp_path / "a.zip")
    secrets = [path.read_text().split("\n")[1] for path in (first.home / "keys").iterdir()]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    assert len(secrets) == 2
    assert not any(secret.encode() in one for secret in secrets for one in contents)
    assert not any(b"PRIVATE KEY" in one for one in contents)


def test_an_account_is_proven_without_the_rest(first: Settings, tmp_path: Path) -> None:
    path = tmp_path / "d1.zip"
    told = exported(first, path, "D1").report
    (tmp_path / "checker.py").write_text(proving.checker_script(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "checker.py", "d1.zip", told["key_id"]],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "account of D1" in done.stdout
    with archive_checker.Archive(path) as archive:
        [account] = archive.rows(f"results/{MONTH}/accounts.jsonl")
        assert (account["driver_id"], account["co2_credited_g"]) == ("D1", 1_000_000)
        # Issue in four parts, three reservations, one return, settlement and payout.
        accounts = {one["debit_account"] for one in archive.entries()}
        assert {"held:fleet", "buffer", "pending/L3"} <= accounts
        assert not any("D2" in line.decode() for line in archive.lines("entries.jsonl"))
    with pytest.raises(NotFound):
        exported(first, tmp_path / "d9.zip", "D9")
    assert not (tmp_path / "d9.zip").exists()


def rewritten(path: Path, target: Path, name: str, place: int) -> None:
    """The archive with one byte of one member changed, and sealed as if nothing was."""
    from fleet_carbon.storage.archive_files import ArchiveWriter

    with zipfile.ZipFile(path) as archive:
        contents = {one: archive.read(one) for one in archive.namelist()}
    changed = bytearray(contents[name])
    changed[place] ^= 1
    contents[name] = bytes(changed)
    manifest = contents.pop("manifest.json")
    sink = io.BytesIO()
    writer = ArchiveWriter(sink)
    for one, content in contents.items():
        writer.add(one, [content])
    writer._zip.writestr(zipfile.ZipInfo("manifest.json"), manifest, zipfile.ZIP_DEFLATED)
    writer._zip.comment = b"0" * 64
    writer._zip.close()
    writer._sealed.end()
    target.write_bytes(sink.getvalue())


@pytest.mark.parametrize("driver_id", [None, "D1"])
def test_a_change_of_any_member_is_found_by_member_and_row(
    first: Settings, second: Settings, tmp_path: Path, driver_id: str | None
) -> None:
    path, other = tmp_path / "a.zip", tmp_path / "other.zip"
    members = exported(first, path, driver_id).report["members"]
    assert archive_checker.check_archive(path).problems == []
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in (*members, "manifest.json")}
    tried = 0
    for name, content in contents.items():
        for place in {0, len(content) // 3, len(content) * 2 // 3, len(content) - 1}:
            if not content:
                continue
            tried += 1
            rewritten(path, other, name, place)
            problems = archive_checker.check_archive(other).problems
            assert name in problems[0], (name, place, problems)
            if name.endswith(".jsonl"):
                row = content[:place].count(b"\n") + 1
                assert f"{name} row {row}" in problems[0], (name, place, row, problems)
    assert tried > 60
    with pytest.raises(InputRefused) as refused:
        import_archive(second, other)
    assert refused.value.code == "archive_not_proven"
    assert not second.home.exists()


def test_a_change_of_any_byte_of_the_file_is_found(first: Settings, tmp_path: Path) -> None:
    path, other = tmp_path / "a.zip", tmp_path / "other.zip"
    exported(first, path, "D2")
    content = path.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 400)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        other.write_bytes(changed)
        assert archive_checker.check_archive(other).problems, place
    for short in (content[:-1], content[: len(content) // 2], b"PK", content + b"0"):
        other.write_bytes(short)
        assert archive_checker.check_archive(other).problems


def test_rows_that_were_left_out_are_missed(first: Settings, tmp_path: Path) -> None:
    """Who has no key cannot leave out the newest entries, nor a member."""
    exported(first, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        contents = {one: archive.read(one) for one in archive.namelist()}
    for name, content in (
        ("entries.jsonl", b"".join(contents["entries.jsonl"].splitlines(keepends=True)[:-1])),
        ("lots.jsonl", None),
    ):
        with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for one, held in {**contents, name: content}.items():
                if held is not None:
                    archive.writestr(one, held)
        assert archive_checker.check_archive(tmp_path / "b.zip").problems


def test_another_key_than_the_known_one_is_refused(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    exported(first, tmp_path / "a.zip")
    old, new = (one.key_id for one in signing.list_keys(first).keys)
    for key_id in (old, new):
        assert archive_checker.check_archive(tmp_path / "a.zip", key_id).problems == []
    with pytest.raises(InputRefused, match="no chain of keys"):
        import_archive(second, tmp_path / "a.zip", trusted_key_id="0" * 32)


def test_an_account_is_no_ledger_to_go_on_with(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    exported(first, tmp_path / "d1.zip", "D1")
    with pytest.raises(InputRefused) as refused:
        import_archive(second, tmp_path / "d1.zip")
    assert refused.value.code == "archive_of_account"


def test_nothing_is_left_of_an_export_that_failed(first: Settings, tmp_path: Path) -> None:
    [table] = (first.home / "results").iterdir()
    table.unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises((FleetCarbonError, OSError)):
        exported(first, tmp_path / "out" / "a.zip")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_operator_that_signs_a_forged_history_is_found(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    """The key signs anything: entries that contradict each other are still refused."""
    exported(first, tmp_path / "a.zip")
    with closing(open_storage(first)) as storage, storage.begin() as work:
        entries = list(work.ledger.entries())
        forged = [one.as_dict() for one in entries]
    assert forged
    moved = [one for one in forged if one["credit_account"] != "issued"]
    with closing(open_storage(second)) as storage, storage.begin() as work:
        restored = work.handover.restore_entries(moved)
        with pytest.raises(LedgerBroken):
            list(restored)


def test_a_month_that_was_imported_is_not_closed_or_replayed_here(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    from fleet_carbon.services.months import closing as close_service
    from fleet_carbon.services.months import replaying

    exported(first, tmp_path / "a.zip")
    import_archive(second, tmp_path / "a.zip")
    there = second.model_copy(update={"fleet": first.fleet})
    with pytest.raises(InputRefused) as refused:
        close_service.close_month(there, MONTH)
    assert refused.value.code == "month_of_another_installation"
    with pytest.raises(NotFound, match="where its ledger came from"):
        replaying.replay_account(there, "D1", MONTH)
