"""The inventory knows nothing of reductions: neither what it is made by nor what it says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fleet_carbon.frames import SHIPMENTS, SHIPPERS, TOCS, UNATTRIBUTED
from fleet_carbon.quantification import forming
from tests.architecture.directions import imported

PACKAGE = Path(__file__).resolve().parents[2] / "fleet_carbon"
BOOK = "quantification/transport_operations.py"
# All that makes a baseline, a saving, an interval of one, a credit.
REDUCTIONS = {
    "accounts", "baseline", "cohort", "consistency", "counterfactual", "credibility", "crediting",
    "derivation", "duplicates", "expected", "intervals", "inventory", "leakage", "own_months",
    "period", "project", "reference", "savings", "spread", "sums", "uncertainty",
}  # fmt: skip
WORDS = ("saved", "credit", "avoided", "baseline", "leakage", "carbon_price", "carbon_value")


def within(name: str) -> str | None:
    """The file of a module, or of the module that a name is of; None if it is none of ours."""
    parts = name.split(".")[1:]
    for length in (len(parts), len(parts) - 1):
        place = "/".join(parts[:length]) + ".py"
        if length > 0 and (PACKAGE / place).exists():
            return place
    return None


def reached(*places: str) -> set[str]:
    """Every module that some modules import, at whatever distance."""
    found: set[str] = set()
    left = list(places)
    while left:
        place = left.pop()
        if place not in found:
            found.add(place)
            tree = ast.parse((PACKAGE / place).read_bytes())
            ours = [name for _, name in imported(tree) if name.startswith("fleet_carbon.")]
            left += [one for one in map(within, ours) if one]
    return found


def test_nothing_of_the_reduction_book_makes_the_inventory() -> None:
    found = reached(BOOK)
    assert "quantification/allocation.py" in found
    assert sorted(place for place in found if Path(place).stem in REDUCTIONS) == []
    assert [place for place in found if place.startswith("ledger/")] == []


def test_every_module_of_reductions_that_is_named_here_is_there() -> None:
    there = {path.stem for path in (PACKAGE / "quantification").glob("*.py")}
    assert REDUCTIONS - there == set()


def test_a_reduction_in_the_inventory_would_be_found() -> None:
    assert "quantification/savings.py" in reached("quantification/accounts.py")


@pytest.mark.parametrize("frame", [TOCS, SHIPMENTS, UNATTRIBUTED, SHIPPERS], ids=lambda f: f.name)
def test_no_column_of_the_inventory_tells_of_a_reduction(frame: object) -> None:
    names = " ".join(getattr(frame, "names", ()))
    assert [word for word in WORDS if word in names] == []


def test_the_inventory_takes_of_a_close_what_was_burnt_and_no_more() -> None:
    taken = [f"{name}.{column}" for name, held in forming.COLUMNS.items() for column in held]
    assert "accounts.energy_quantity" in taken
    assert [one for one in taken if any(word in one for word in WORDS)] == []
