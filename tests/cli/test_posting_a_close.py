"""What a close puts into the ledger: the account's grams by the shares, once, whatever happens."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.ledger.entries import Entry
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.cli.running import CommandLine
from tests.services.tiny_fleet import northward_order, write_csv

pytestmark = pytest.mark.slow

MONTH = "2025-03"
SHARES_PERCENT = {"held:driver/D1/V1": 70, "held:fleet": 10, "held:platform": 10, "buffer": 10}


def recorded(home: Path) -> list[Entry]:
    storage = open_storage(Settings(home=home))
    with storage.begin(read_only=True) as work:
        entries = list(work.ledger.entries())
        assert list(work.ledger.verify()) == []
        assert list(work.closings.verify()) == []
        for month in work.closings.months():
            posted = {
                pair: figure for pair, figure in work.ledger.posted_g(month).items() if figure
            }
            run = work.closings.latest(month)
            assert run is not None
            rows = work.closings.table(run, "accounts")
            pairs = zip(rows["driver_id"], rows["vehicle_id"], strict=True)
            told = dict(zip(pairs, rows["co2_credited_g"].tolist(), strict=True))
            assert posted == {pair: figure for pair, figure in told.items() if figure}
    storage.close()
    return entries


def said(entries: list[Entry]) -> list[dict[str, Any]]:
    """What entries say, but for when it was recorded."""
    by_time = ("recorded_at", "previous_hash", "entry_hash")
    return [
        {name: held for name, held in one.as_dict().items() if name not in by_time}
        for one in entries
    ]


def test_the_credited_grams_are_issued_by_the_shares_and_named_by_their_figure(
    filled: CommandLine,
) -> None:
    closed = filled("close", MONTH, "--json").json
    credited_g = closed["co2_credited_g"]
    assert credited_g > 1000
    entries = recorded(filled.home)
    assert closed["ledger_entries"] == len(entries) == 4
    assert sum(one.amount for one in entries) == credited_g
    for one in entries:
        # The largest remainder: less than a gram from the exact share.
        percent = SHARES_PERCENT[one.debit_account]
        assert abs(100 * one.amount - percent * credited_g) < 100
        assert one.figure == f"{MONTH}/D1/V1"
        assert one.edition == closed["edition"]
        assert set(one.evidence) == {"accounts", "edition", "sharing"}
    assert closed["ledger_sums"].startswith(f"issued {credited_g:,} g = held ")
    assert closed["reversed_from_buffer_g"] == closed["obligations_open_g"] == 0


def test_a_close_sent_again_posts_nothing(filled: CommandLine) -> None:
    filled("close", MONTH)
    before = recorded(filled.home)
    closed = filled("close", MONTH, "--json").json
    assert closed["ledger_entries"] == 0
    assert closed["ledger_sums"].startswith("issued ")
    assert recorded(filled.home) == before


def test_a_restated_month_posts_the_difference_and_names_what_was_told_before(
    filled: CommandLine, tmp_path: Path
) -> None:
    before_g = filled("close", MONTH, "--json").json["co2_credited_g"]
    lighter = northward_order("O1", 0, cargo_t=9, version=2)
    filled("ingest", "orders", write_csv(tmp_path / "later.csv", [lighter]))
    closed = filled("close", MONTH, "--json").json
    assert closed["co2_credited_g"] < before_g
    first, more = recorded(filled.home)[:4], recorded(filled.home)[4:]
    assert {one.previous_figure_g for one in more} == {before_g}
    assert {one.debit_account for one in more} == {"cancelled/restated"}
    assert sum(one.amount for one in more) == before_g - closed["co2_credited_g"]
    # Each falls from the end of what it holds.
    ends = {one.debit_account: one.serial_until for one in first}
    assert all(one.serial_until == ends[one.credit_account] for one in more)


KILLED_AT = {
    "the tables are stored": ("storage.results", "Closings.store", "after"),
    "the run is saved": ("services.months.closing", "issue_month", "before"),
    "the entries are written": ("storage.holdings", "Holdings.follow", "before"),
    "the serials have moved": ("storage.holdings", "Holdings.follow", "after"),
    "everything is written": ("services.months.closing", "issue_month", "after"),
}
KILLED = """
import importlib, os, signal, sys
module, name, when, *words = sys.argv[1:]
owner = importlib.import_module("fleet_carbon." + module)
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
kept = getattr(owner, name)

def dying(*arguments, **named):
    if when == "after":
        kept(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, dying)
from fleet_carbon.cli import main
main(words)
"""


@pytest.mark.parametrize("place", KILLED_AT.values(), ids=KILLED_AT)
def test_a_close_that_is_killed_leaves_nothing_half_and_is_sent_again(
    filled: CommandLine, tmp_path: Path, place: tuple[str, str, str]
) -> None:
    undisturbed = CommandLine(tmp_path / "other", filled._capture)
    shutil.copytree(filled.home, undisturbed.home)
    undisturbed("close", MONTH)
    words = [sys.executable, "-c", KILLED, *place, "--home", str(filled.home), "close", MONTH]
    ended = subprocess.run(words, capture_output=True, timeout=300, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert recorded(filled.home) == []
    assert filled("close", MONTH, "--json").json["first_close"] is True
    assert said(recorded(filled.home)) == said(recorded(undisturbed.home))
    names = [path.name for path in sorted((filled.home / "results").iterdir())]
    assert names == [path.name for path in sorted((undisturbed.home / "results").iterdir())]


def test_a_dry_run_tells_what_a_close_posts_and_keeps_nothing(
    filled: CommandLine, tmp_path: Path
) -> None:
    def kept() -> list[str]:
        """Files of the records; what was cut is a cache, and what the database writes its own."""
        found = (path.relative_to(filled.home) for path in filled.home.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if path.parts[0] not in ("cuts",))

    before = kept()
    for late in (False, True):
        if late:
            third = write_csv(tmp_path / "late.csv", [northward_order("O3", 1, cargo_t=5)])
            assert filled("ingest", "orders", third).code == 0
            before = kept()
        entries = recorded(filled.home)
        tried = filled("close", MONTH, "--dry-run", "--json").json
        assert (kept(), recorded(filled.home)) == (before, entries)
        closed = filled("close", MONTH, "--json").json
        assert (tried.pop("dry_run"), closed.pop("dry_run")) == (True, False)
        assert tried.pop("vehicles_cut") == 1
        assert closed.pop("vehicles_cut") == 0  # what was cut is not cut again
        assert tried == closed
    assert filled("close", MONTH, "--dry-run").out.startswith("Dry run, nothing was put on record.")
