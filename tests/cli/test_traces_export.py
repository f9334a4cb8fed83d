"""`fleet-carbon traces export` writes a table that other programs read."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import shuttle


@pytest.mark.slow
def test_an_export_has_every_position_and_says_so(filled: CommandLine) -> None:
    folder = filled.home.parent / "lake"
    said = filled("traces", "export", folder, "--json").json
    assert said["fixes"] == len(shuttle(3))
    assert [month["month"] for month in said["months"]] == ["2025-03"]
    assert DeltaTable(folder).to_pyarrow_table().num_rows == len(shuttle(3))
    again = filled("traces", "export", folder, "--month", "2025-03", "--version", 1, "--json").json
    assert again["table_version"] == said["table_version"] == 0
    assert f"{len(shuttle(3))} fixes" in filled("traces", "export", folder).out


@pytest.mark.slow
def test_a_folder_in_use_is_refused(filled: CommandLine) -> None:
    ran = filled("traces", "export", filled.home, "--json")
    assert (ran.code, ran.json["code"]) == (1, "export_folder_in_use")
