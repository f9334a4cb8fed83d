"""What holds for every dialect: suggested only where certain, never guessed, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.dialects.registry import DIALECTS, dialect_of
from fleet_carbon.ingest.intake import KINDS
from tests.ingest.reading import read

GOLDEN = Path(__file__).parent / "golden"


def test_a_dialect_is_suggested_by_its_content_and_not_applied(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes((GOLDEN / "traccar_forwarded.json").read_bytes())
    with pytest.raises(InputRefused) as refused:
        read(path, "positions")
    assert refused.value.details["dialect"] == "traccar"
    assert "dialect traccar" in refused.value.hint


def test_a_slip_of_the_pen_is_told_the_name() -> None:
    with pytest.raises(InputRefused) as refused:
        dialect_of("tracar", "positions")
    assert (refused.value.code, "traccar?" in refused.value.hint) == ("dialect_unknown", True)


def test_a_kind_that_a_dialect_does_not_know_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        dialect_of("traccar", "orders")
    assert refused.value.code == "dialect_without_kind"


@pytest.mark.parametrize("one", DIALECTS.values(), ids=list(DIALECTS))
def test_a_dialect_says_what_it_is(one: object) -> None:
    assert set(one.kinds) <= set(KINDS)  # type: ignore[attr-defined]
    assert one.text.endswith(".")  # type: ignore[attr-defined]
