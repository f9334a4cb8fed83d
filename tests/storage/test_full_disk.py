"""A disk without room, and a folder without rights, are named; nothing of the step is kept."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.storage.unit_of_work import Storage
from tests.storage import workers
from tests.storage.builders import fixes_on_record, keys_on_record

_SMALL_KB = 1024
_FILL = """
import json, sys
from tests.storage import workers
from fleet_carbon.errors import FleetCarbonError
arguments, folder = json.loads(sys.argv[1])
if len(sys.argv) > 2:
    import os
    # Loads what somebody else may not load: the program may lie where only its owner reads.
    list(workers.write({"home": arguments["home"] + "-before"}, folder, 2, range(0, 1)))
    os.setgid(65534); os.setuid(65534)
try:
    for file in workers.write(arguments, folder, 1, range(0, 60)):
        print(file)
except FleetCarbonError as refused:
    print(refused.code, "|", refused.message)
"""


def fill(home: Path, folder: Path, *more: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _FILL, json.dumps([{"home": str(home)}, str(folder)]), *more],
        cwd=workers.ROOT,
        env={**os.environ, "PYTHONPATH": str(workers.ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_full_disk_is_named_and_what_was_answered_is_there(tmp_path: Path) -> None:
    home, folder = tmp_path / "small", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_KB}k", "tmpfs", str(home)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"not allowed here: {mounted.stderr.decode().strip()}")
    try:
        *answered, refused = fill(home, folder)
        assert refused.split(" | ")[0] in ("disk_full", "traces_store_full")
        assert answered
        # Reading needs a little room for the database itself.
        subprocess.run(["mount", "-o", "remount,size=16m", str(home)], check=True)
        storage = workers.opened({"home": str(home)})
        rows = [row for file in range(len(answered)) for row in workers.rows_of_file(1, file)]
        assert keys_on_record(storage) == sorted(rows)
        with storage.begin(read_only=True) as work:
            assert work.traces.verify() == []
        storage.close()
        assert list(workers.write({"home": str(home)}, str(folder), 1, range(len(answered), 3)))\
            == list(range(len(answered), 3))  # fmt: skip
    finally:
        subprocess.run(["umount", str(home)], check=True)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that everybody can reach; those of pytest are for its user alone."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_folder_that_may_not_be_written_is_named(open_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("not allowed here: only the superuser can act as somebody else")
    home, folder = open_path / "home", open_path / "folder"
    folder.mkdir()
    folder.chmod(0o777)
    workers.opened({"home": str(home)}).close()
    for path in (home, *home.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (home / "traces" / "default").chmod(0o555)
    [refused] = fill(home, folder, "as nobody")
    assert refused.startswith("traces_store_forbidden")


def test_a_merge_that_may_not_grow_leaves_the_store_as_it_was(
    storage: Storage, tmp_path: Path
) -> None:
    from tests.storage.test_compaction import take_in

    take_in(storage, tmp_path, 2)
    before = keys_on_record(storage)
    with storage.begin(read_only=True) as work:
        merge = work.traces.merge("2026-01", 0)
    limit, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limit[1]))
    try:
        with pytest.raises(FleetCarbonError) as refused:
            merge.written()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert refused.value.code.startswith("traces_store_")
    assert not list((storage.home / "traces").rglob("*.partial"))
    assert keys_on_record(storage) == before
    assert len(fixes_on_record(storage)) == 3
