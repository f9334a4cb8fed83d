"""Files are kept whole, once, under their digest; refusals can be opened by people."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused, Rejection
from fleet_carbon.storage import files
from fleet_carbon.storage.unit_of_work import Storage
from tests.storage.builders import NOW, received


def test_a_file_is_kept_under_its_digest(storage: Storage, tmp_path: Path) -> None:
    with storage.begin() as work:
        kept = received(work, tmp_path, "a,b\n")
    digest = hashlib.sha256(b"a,b\n").hexdigest()
    assert kept.file_id == kept.digest_sha256 == digest
    assert kept.path == storage.home / "files" / digest[:2] / digest
    assert kept.path.read_bytes() == b"a,b\n"
    assert kept.size_bytes == 4


def test_the_same_bytes_under_another_name_are_the_same_file(
    storage: Storage, tmp_path: Path
) -> None:
    (tmp_path / "one.csv").write_bytes(b"x")
    (tmp_path / "two.csv").write_bytes(b"x")
    found = []
    for name in ("one.csv", "two.csv"):
        with storage.begin() as work:
            found.append(work.files.keep(tmp_path / name, "positions", NOW))
    assert found[0].file_id == found[1].file_id
    assert [one.name for one in found] == ["one.csv", "two.csv"]
    assert len([path for path in (storage.home / "files").rglob("*") if path.is_file()]) == 1


def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(
    storage: Storage, tmp_path: Path
) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(InputRefused) as refused, storage.begin() as work:
            work.files.keep(path, "positions", NOW)
        assert refused.value.code == "file_unreadable"
        assert str(path) in refused.value.message
    assert not list((storage.home / "files").rglob("*"))


def test_a_file_that_is_refused_while_it_is_kept_leaves_nothing(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_COPY_BYTES", 1)
    path = tmp_path / "long.csv"
    path.write_bytes(b"x" * 10_000)
    refusal = InputRefused("column_missing", "It lacks a column.", "Add it.")

    def refuse(*, once_kept: bool) -> None:
        with storage.begin() as work, work.files.keep_beside(path, "positions", NOW) as kept:
            if once_kept:
                kept()
            raise refusal

    for once_kept in (False, True):
        with pytest.raises(InputRefused) as refused:
            refuse(once_kept=once_kept)
        assert refused.value is refusal
        assert not [one for one in (storage.home / "files").rglob("*") if one.is_file()]


def test_bytes_that_were_kept_before_stay_when_the_same_are_refused(
    storage: Storage, tmp_path: Path
) -> None:
    with storage.begin() as work:
        before = received(work, tmp_path, "a,b\n")

    def break_off() -> None:
        path = tmp_path / before.name
        with storage.begin() as work, work.files.keep_beside(path, "positions", NOW) as kept:
            assert kept().file_id == before.file_id
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert before.path.read_bytes() == b"a,b\n"


def test_that_a_file_cannot_be_copied_is_said_before_what_is_wrong_in_it(
    storage: Storage, tmp_path: Path
) -> None:
    with (
        pytest.raises(InputRefused) as refused,
        storage.begin() as work,
        work.files.keep_beside(tmp_path / "absent.csv", "positions", NOW),
    ):
        raise InputRefused("format_unknown", "It is of no known format.", "Say of which.")
    assert refused.value.code == "file_unreadable"


def test_a_changed_and_a_missing_file_are_named(storage: Storage, tmp_path: Path) -> None:
    with storage.begin() as work:
        changed, missing = received(work, tmp_path, "one"), received(work, tmp_path, "two")
    changed.path.write_bytes(b"other")
    missing.path.unlink()
    with storage.begin(read_only=True) as work:
        problems = work.files.verify()
    assert len(problems) == 2
    assert any("was changed" in problem and changed.name in problem for problem in problems)
    assert any("is missing" in problem and missing.name in problem for problem in problems)


def test_refusals_are_written_so_that_a_spreadsheet_reads_chinese(
    storage: Storage, tmp_path: Path
) -> None:
    rejection = Rejection("订单.csv", 7, "重量", "not_a_number", '"abc", expected tonnes')
    with storage.begin() as work:
        path = work.files.write_rejections(received(work, tmp_path, "a"), [rejection])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["file", "line", "column", "code", "text"],
            ["订单.csv", "7", "重量", "not_a_number", '"abc", expected tonnes'],
        ]


def test_bytes_are_on_disk_before_their_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename, sync_folder = files.os.fsync, Path.rename, files.sync_folder
    monkeypatch.setattr(files.os, "fsync", lambda handle: (steps.append("bytes"), fsync(handle)))
    monkeypatch.setattr(
        Path, "rename", lambda path, target: (steps.append("name"), rename(path, target))[1]
    )
    monkeypatch.setattr(
        files, "sync_folder", lambda folder: (steps.append("folder"), sync_folder(folder))
    )
    with files.written_whole(tmp_path / "x") as stream:
        stream.write(b"1")
    # The last "bytes" is the folder's own handle.
    assert steps == ["bytes", "name", "folder", "bytes"]


def test_a_file_that_is_broken_off_never_appears(tmp_path: Path) -> None:
    def broken_off() -> None:
        with files.written_whole(tmp_path / "x") as stream:
            stream.write(b"1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert list(tmp_path.iterdir()) == []
