"""The trace store from the command line: listed, put together, verified, cleaned."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH, TinyFleet


@pytest.fixture
def in_pieces(filled: CommandLine, tmp_path: Path) -> CommandLine:
    """The tiny fleet with its positions once more, a little later, as a second file."""
    given = TinyFleet().write(tmp_path / "again")["positions"]
    with given.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    later = tmp_path / "later.csv"
    with later.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows({**row, "lon": f"{float(row['lon']) + 1e-6:.6f}"} for row in rows)
    assert filled("ingest", "positions", str(later), "--json").json["rows_accepted"] == len(rows)
    return filled


def test_the_store_is_listed_by_month_and_bucket(in_pieces: CommandLine) -> None:
    listed = in_pieces("traces", "list", "--json").json
    assert listed["version"] == 2
    assert sum(part["fixes"] for part in listed["parts"]) == listed["fixes"] > 0
    assert {part["bucket"] for part in listed["parts"]} == {0}
    assert listed["mergeable"] == len(listed["parts"])
    text = in_pieces("traces", "list").out
    assert listed["parts"][0]["month"] in text
    assert "traces compact" in text


def test_what_is_put_together_gives_the_same_accounts(in_pieces: CommandLine) -> None:
    assert in_pieces("close", MONTH).code == 0
    before = in_pieces("accounts", MONTH, "--format", "csv").out
    done = in_pieces("traces", "compact", "--json")
    assert done.code == 0, done
    assert done.json["segments_before"] == 2 * done.json["segments_after"]
    assert done.json["overtaken"] == 0
    assert in_pieces("close", MONTH, "--json").json["changed"] is False
    assert in_pieces("accounts", MONTH, "--format", "csv").out == before
    assert "Nothing to put together" in in_pieces("traces", "compact").out
    assert in_pieces("traces", "list", "--json").json["mergeable"] == 0


def test_one_month_is_put_together_and_a_month_that_is_none_is_refused(
    in_pieces: CommandLine,
) -> None:
    months = [part["month"] for part in in_pieces("traces", "list", "--json").json["parts"]]
    done = in_pieces("traces", "compact", "--month", months[0], "--json").json
    assert {part["month"] for part in done["parts"]} == {months[0]}
    assert in_pieces("traces", "compact", "--month", "March").code == 1


def test_a_changed_and_a_missing_file_fail_the_verification(in_pieces: CommandLine) -> None:
    assert in_pieces("traces", "verify", "--json").json["ok"] is True
    one, other, *_ = sorted((in_pieces.home / "traces").rglob("*.parquet"))
    one.unlink()
    other.write_bytes(other.read_bytes() + b"x")
    ran = in_pieces("traces", "verify", "--json")
    assert ran.code == 1
    assert [one.stem in ran.json["problems"][0], other.stem in ran.json["problems"][1]] == [
        True,
        True,
    ]
    assert "Restore" in in_pieces("traces", "verify").out


def test_cleaning_says_what_it_would_remove_and_then_removes_it(in_pieces: CommandLine) -> None:
    before = len(list((in_pieces.home / "traces").rglob("*.parquet")))
    assert in_pieces("traces", "compact").code == 0
    assert (
        "Nothing to remove" in in_pieces("traces", "clean").out
    )  # all of it is younger than a day
    would = in_pieces("traces", "clean", "--dry-run", "--older-than", "0", "--json").json
    assert would["segments"] == before
    assert would["bytes"] > 0
    done = in_pieces("traces", "clean", "--older-than", "0", "--json").json
    assert done == would | {"dry_run": False}
    assert len(list((in_pieces.home / "traces").rglob("*.parquet"))) == before // 2
    assert in_pieces("traces", "verify").code == 0
    assert in_pieces("traces", "clean", "--older-than", "-1").code == 1
