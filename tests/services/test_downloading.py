"""All statements of a month as one ZIP: what is in it, for how long, and what becomes of it."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers.downloading import (
    find_download,
    kept_swept,
    read_wish,
    zip_statements,
)
from fleet_carbon.services.papers.stating import make_statement
from fleet_carbon.services.people.erasing import erase_driver
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.downloads import sweep_downloads
from tests.services.tiny_fleet import MONTH, TinyFleet

NAME = "张三"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny fleet, closed; D2 is on record and drove nothing."""
    folder = tmp_path_factory.mktemp("downloads")
    settings = Settings(home=folder / "home", fleet="north")
    fleet = TinyFleet()
    fleet.drivers[0] |= {"name": NAME}
    fleet.drivers.append({"driver_id": "D2", "name": "李四"})
    for kind, path in fleet.write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    return settings


def zipped(settings: Settings, *, progress: Progress | None = None) -> dict[str, Any]:
    told = progress or Silent()
    return zip_statements(settings, MONTH, language="zh", form="json", progress=told)


def folders(settings: Settings) -> list[str]:
    return [one.name for one in (settings.home / "downloads" / settings.fleet).glob("*")]


class Meanwhile(Silent):
    """Something that happens, once, while statements are made."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens: Callable[[], object] | None = happens

    def end(self) -> None:
        """It happens."""
        if self._happens is not None:
            self._happens()
        self._happens = None


def test_the_zip_holds_what_each_driver_is_handed_out_and_is_the_same_again(
    settings: Settings,
) -> None:
    told = zipped(settings)
    assert (told["written_count"], told["refused_count"]) == (1, 0)
    found = find_download(settings, told["digest_sha256"])
    assert found.name == f"statements-{MONTH}-zh-json.zip"
    with zipfile.ZipFile(found.path) as archive:
        assert archive.namelist() == [f"{MONTH}_D1.json"]
        own = make_statement(settings, "D1", MONTH, language="zh").content(".json")
        assert archive.read(f"{MONTH}_D1.json") == own
    assert zipped(settings)["digest_sha256"] == told["digest_sha256"]
    assert folders(settings) == [told["digest_sha256"]]


def test_it_is_kept_for_a_set_time_and_then_removed(settings: Settings) -> None:
    digest = zipped(settings)["digest_sha256"]
    found, now = find_download(settings, digest), datetime.now(UTC)
    assert sweep_downloads(settings.home, now - timedelta(days=1)) == 0
    old_s = (now - timedelta(days=settings.downloads_days, minutes=1)).timestamp()
    os.utime(found.path.parent, (old_s, old_s))
    with pytest.raises(NotFound):  # though nobody removed it yet
        find_download(settings, digest)
    with kept_swept(settings):
        until_s = time.monotonic() + 60
        while found.path.exists() and time.monotonic() < until_s:
            time.sleep(0.01)
    assert folders(settings) == []


def test_no_path_leads_out_of_the_folder(settings: Settings) -> None:
    for digest in ("..", "../../keys", "", "0" * 64):
        with pytest.raises(NotFound):
            find_download(settings, digest)
    other = settings.model_copy(update={"fleet": "south"})
    with pytest.raises(NotFound):
        find_download(other, zipped(settings)["digest_sha256"])


def test_what_cannot_be_made_is_refused_before_it_is_begun(settings: Settings) -> None:
    for month, language, form in ((MONTH, "fr", "pdf"), (MONTH, "zh", "exe"), ("x", "zh", "pdf")):
        with pytest.raises(InputRefused):
            read_wish(settings, month, language=language, form=form)
    with pytest.raises(NotFound, match="2024-01"):
        read_wish(settings, "2024-01", language="zh", form="pdf")


def test_a_close_in_the_middle_lets_all_be_of_the_new_one(
    settings: Settings, tmp_path: Path
) -> None:
    before = zipped(settings)
    fleet = TinyFleet()
    fleet.orders = fleet.orders[:1]
    fleet.orders[0] |= {"version": 2, "cargo_t": 5}

    def close_again() -> None:
        ingest_files(settings, "orders", [fleet.write(tmp_path / "files")["orders"]])
        close_month(settings, MONTH)

    told = zipped(settings, progress=Meanwhile(close_again))
    assert told["run_id"] != before["run_id"]
    with zipfile.ZipFile(find_download(settings, told["digest_sha256"]).path) as archive:
        own = make_statement(settings, "D1", MONTH, language="zh").content(".json")
        assert archive.read(f"{MONTH}_D1.json") == own


def test_nobody_who_was_erased_is_named_in_what_can_be_fetched(settings: Settings) -> None:
    first = zipped(settings)["digest_sha256"]
    with zipfile.ZipFile(find_download(settings, first).path) as archive:
        assert NAME.encode() in archive.read(f"{MONTH}_D1.json")

    def erase() -> None:
        erase_driver(settings, "D1", "asked for", confirmation="D1", is_dry_run=False)

    told = zipped(settings, progress=Meanwhile(erase))
    assert folders(settings) == [told["digest_sha256"]] != [first]
    with zipfile.ZipFile(find_download(settings, told["digest_sha256"]).path) as archive:
        assert NAME.encode() not in archive.read(f"{MONTH}_D1.json")
