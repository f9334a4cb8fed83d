"""`fleet-carbon live`: the table for people, the object for programs, and what is refused."""

from __future__ import annotations

import pytest

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import YARD_KM

# An hour and ten minutes into the shuttle: half an hour of the first drive, with order O1 aboard.
UNDERWAY = "2025-03-10T01:10:00Z"


def test_the_table_says_where_and_what(filled: CommandLine) -> None:
    ran = filled("live", "--at", UNDERWAY)
    assert ran.code == 0
    title, _, head, row = ran.out.splitlines()
    assert title == "default at 2025-03-10 09:10 Asia/Shanghai, provisional:"
    assert head.split()[:4] == ["vehicle", "lon", "lat", "seen"]
    assert row.split()[0] == "V1"
    for shown in ("105.00000", "driving", "03-10 08:40", "loaded (order_underway", "O1", "30.0"):
        assert shown in row


def test_the_object_says_more(filled: CommandLine) -> None:
    told = filled("live", "V1", "--at", "2025-03-10T14:26", "--json").json
    (state,) = told["vehicles"]
    # The last fix is of 13:25:30 in Asia/Shanghai.
    assert state["gaps"][0]["until_at"] is None
    assert state["age_s"] == pytest.approx(3600, abs=60)
    assert state["today"]["distance_km"] == pytest.approx(3 * YARD_KM, rel=0.002)
    assert state["today"]["empty_km"] == pytest.approx(YARD_KM, rel=0.005)
    assert state["load"]["order_ids"] == ["O2"]


def test_a_silence_is_told_below_the_table(filled: CommandLine) -> None:
    assert "V1: no position for 1 h 0 min" in filled("live", "--at", "2025-03-10T14:26").out


def test_a_truck_that_nobody_knows_is_refused(filled: CommandLine) -> None:
    ran = filled("live", "V7", "--json")
    assert (ran.code, ran.json["code"]) == (1, "vehicle_not_on_record")


def test_a_moment_that_is_none_is_refused(filled: CommandLine) -> None:
    ran = filled("live", "--at", "yesterday", "--json")
    assert (ran.code, ran.json["code"]) == (1, "moment_malformed")
