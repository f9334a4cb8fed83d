"""A backup, taken while others write, becomes the same records elsewhere; a damaged one nothing."""

from __future__ import annotations

import itertools
import json
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.ledger import signing
from fleet_carbon.services.ledger.proving import check_ledger
from fleet_carbon.services.running.backing_up import back_up, restore
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage import whole_ledger
from tests.storage.builders import JANUARY_MS, fixes, fixes_on_record, ingest

pytestmark = pytest.mark.slow

_NUMBERS = itertools.count(1)
Maker = Callable[..., Settings]
_WHOLE = "source_of_all"


@pytest.fixture
def make(settings: Settings, tmp_path: Path) -> Iterator[Maker]:
    """Makes settings of an installation with a home and a database of its own."""
    made: list[str] = []

    def new(name: str, like: str = "template1") -> Settings:
        found = settings.model_copy(update={"home": tmp_path / name, "fleet": "north"})
        if settings.database_url is None:
            return found
        made.append(f"{name}_{next(_NUMBERS)}")
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {like}")
        url = settings.database_url.replace("/postgres?", f"/{made[-1]}?")
        return found.model_copy(update={"database_url": url})

    yield new
    if settings.database_url is not None:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            for name in made:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def take_in(settings: Settings, folder: Path, number: int) -> None:
    """One file with two fixes of one truck."""
    with closing(open_storage(settings)) as storage:
        at_ms = JANUARY_MS + number * 60_000
        rows = fixes(
            ("V1", at_ms, 105_000_000, 30_000_000), ("V1", at_ms + 30_000, 105_001_000, 30_000_000)
        )
        ingest(storage, folder, f"file {number}", rows)


def fill(made: Settings, folder: Path) -> Settings:
    """Two fleets: a ledger with everything in it, and traces."""
    with closing(open_storage(made)) as storage, storage.begin() as work:
        whole_ledger.close(work, made.fleet)
    signing.sign_ledger(made)
    whole_ledger.sell(made, "L1", 90_000)
    whole_ledger.step(made, "settle", "L1")
    take_in(made, folder, 0)
    take_in(made.model_copy(update={"fleet": "south"}), folder, 1)
    return made


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What is backed up, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("source")
    return fill(Settings(home=folder / "home", fleet="north"), folder)


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgresql_url: str) -> Settings:
    """The same in a database of its own."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_WHOLE}")
    folder = tmp_path_factory.mktemp("source")
    url = postgresql_url.replace("/postgres?", f"/{_WHOLE}?")
    return fill(Settings(home=folder / "home", fleet="north", database_url=url), folder)


@pytest.fixture
def source(request: pytest.FixtureRequest, settings: Settings, make: Maker) -> Settings:
    """Two fleets: a ledger with everything in it, and traces."""
    kind = "on_sqlite" if settings.database_url is None else "on_postgresql"
    kept: Settings = request.getfixturevalue(kind)
    made = make("source", like=_WHOLE)
    shutil.copytree(kept.home, made.home)
    return made


def told(settings: Settings) -> dict[str, object]:
    """Ledger with its head, closed runs, accounts, and every fix."""
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            runs = [one for month in work.closings.months() for one in work.closings.runs(month)]
            accounts = [work.closings.table(run, "accounts").to_csv() for run in runs]
            heads = [repr(one) for one in work.checkpoints.all()]
            entries = [repr(one) for one in work.ledger.records()]
        traces = {
            name: one.columns["time_ms"].tolist() for name, one in fixes_on_record(storage).items()
        }
    return {
        "ledger": check_ledger(settings).as_dict(),
        "heads": heads,
        "entries": entries,
        "runs": [repr(run) for run in runs],
        "accounts": accounts,
        "traces": traces,
    }


def test_what_is_restored_is_what_was_on_record(
    source: Settings, make: Maker, tmp_path: Path
) -> None:
    made = back_up(source, tmp_path / "kept", with_keys=True)
    target = make("target")
    done = restore(target, tmp_path / "kept")
    assert done.problems == []
    assert done.files_count == made.as_dict()["files"]
    for fleet in ("north", "south"):
        of_source, of_target = (one.model_copy(update={"fleet": fleet}) for one in (source, target))
        assert told(of_target) == told(of_source)
    whole_ledger.retire(target, "r1", "sold/City", 40_000)  # it goes on where it was
    assert check_ledger(target).is_well


def test_a_backup_that_others_write_during_is_of_one_moment(
    source: Settings, make: Maker, tmp_path: Path
) -> None:
    over, written, failed = threading.Event(), [1], list[BaseException]()

    def write() -> None:
        folder = tmp_path / "sent"
        folder.mkdir()
        try:
            while not over.is_set():
                take_in(source, folder, written[-1] + 1)
                written.append(written[-1] + 1)
                whole_ledger.retire(source, f"r{written[-1]}", "sold/City", 1)
        except BaseException as failure:
            failed.append(failure)
            raise

    writer = threading.Thread(target=write)
    writer.start()
    try:
        kept = []
        for number in range(3):
            before = len(written)
            while len(written) < before + 3 and writer.is_alive():
                over.wait(0.01)
            kept.append((back_up(source, tmp_path / f"kept{number}").folder, before))
    finally:
        over.set()
        writer.join()
    assert failed == []
    for number, (folder, before) in enumerate(kept):
        target = make(f"target{number}")
        assert restore(target, folder).problems == []
        state = told(target)
        moments = state["traces"]["V1"]  # type: ignore[index]
        assert len(moments) >= 2 * before
        assert moments == told(source)["traces"]["V1"][: len(moments)]  # type: ignore[index]
        assert told(source)["entries"][: len(state["entries"])] == state["entries"]  # type: ignore[index, arg-type]


def test_a_damaged_or_incomplete_backup_is_refused_by_the_name_of_the_file(
    source: Settings, make: Maker, tmp_path: Path
) -> None:
    whole = back_up(source, tmp_path / "kept", with_keys=True)
    target = make("target")
    by_folder = {"/".join(name.split("/")[:2]): name for name in whole.manifest["files"]}
    assert {"home/files", "home/traces", "home/results", "home/keys"} <= set(by_folder)
    for number, name in enumerate([*by_folder.values(), "manifest.json"]):
        for how in ("changed", "shortened", "removed"):
            broken = tmp_path / f"broken{number}{how}"
            shutil.copytree(whole.folder, broken)
            path = broken / name
            content = path.read_bytes()
            path.unlink()
            if how == "changed":
                path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
            elif how == "shortened":
                path.write_bytes(content[:-1])
            with pytest.raises(InputRefused) as refused:
                restore(target, broken)
            assert refused.value.code == "backup_damaged"
            assert refused.value.details["file"] == name
            assert not target.home.exists()
    assert restore(target, whole.folder).is_well  # the database was left empty, too


def test_a_name_that_leads_out_of_the_home_is_refused(
    source: Settings, make: Maker, tmp_path: Path
) -> None:
    import hashlib

    folder = back_up(source, tmp_path / "kept").folder
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["home/../../evil"] = {"sha256": "", "bytes": 0}
    text = json.dumps(manifest)
    (folder / "manifest.json").write_text(text)
    (folder / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())
    with pytest.raises(InputRefused) as refused:
        restore(make("target"), folder)
    assert refused.value.details["file"] == "home/../../evil"
    assert not (tmp_path.parent / "evil").exists()


def test_files_that_an_earlier_backup_has_are_linked_and_each_is_whole(
    source: Settings, make: Maker, tmp_path: Path
) -> None:
    first = back_up(source, tmp_path / "monday")
    take_in(source, tmp_path, 7)
    second = back_up(source, tmp_path / "tuesday", since=first.folder)
    new = set(second.manifest["files"]) - set(first.manifest["files"])
    named = [
        one for one in first.manifest["files"] if one.startswith(("home/files", "home/traces"))
    ]
    assert second.linked_count >= len(named)
    assert len([one for one in new if one.startswith("home/files")]) == 1
    shutil.rmtree(first.folder)
    target = make("target")
    assert restore(target, second.folder).is_well
    assert told(target) == told(source)


def test_private_keys_are_in_it_only_when_asked_for(source: Settings, tmp_path: Path) -> None:
    without = back_up(source, tmp_path / "without")
    with_keys = back_up(source, tmp_path / "with", with_keys=True)
    secret = [one for one in with_keys.manifest["files"] if one.startswith("home/keys/")]
    assert secret
    assert not [one for one in without.manifest["files"] if "keys/" in one or "persons/" in one]
    for name in secret:
        assert stat.S_IMODE((with_keys.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(with_keys.folder.stat().st_mode) == 0o700


def test_nothing_that_is_there_is_written_over(
    source: Settings, make: Maker, tmp_path: Path
) -> None:
    kept = back_up(source, tmp_path / "kept").folder
    with pytest.raises(InputRefused) as refused:
        back_up(source, kept)
    assert refused.value.code == "backup_target_exists"
    with pytest.raises(InputRefused) as refused:
        restore(source, kept)
    assert refused.value.code == "restore_target_in_use"
    elsewhere = source.model_copy(update={"home": tmp_path / "new"})
    if source.database_url is not None:  # its database is in use, too
        with pytest.raises(InputRefused) as refused:
            restore(elsewhere, kept)
        assert refused.value.code == "restore_target_in_use"
    assert not list(tmp_path.glob("*.partial"))
