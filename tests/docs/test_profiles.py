"""The source profiles shown in the docs are profiles, and the tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleet_carbon.ingest.profiles import UNIT_CHOICES, SourceProfile, profile_from_document
from fleet_carbon.quantification.documents import load_document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "integrate.md"
TEXT = PAGE.read_text(encoding="utf-8")
PROFILES = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("shown", PROFILES)
def test_a_profile_shown_is_accepted(shown: str, tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(shown, encoding="utf-8")
    profile_from_document(load_document(path), where="integrate.md")


def test_profiles_are_shown() -> None:
    assert len(PROFILES) >= 3


def test_every_key_of_a_profile_is_explained() -> None:
    keys = SourceProfile.__dataclass_fields__
    assert [key for key in keys if f"`{key}`" not in TEXT] == []


def test_every_unit_of_a_profile_is_named() -> None:
    missing = [
        f"{quantity}: {unit}"
        for quantity, units in UNIT_CHOICES.items()
        for unit in units
        if not re.search(rf"(?<![\w.]){re.escape(unit)}(?![\w.])", TEXT)
    ]
    assert missing == []
