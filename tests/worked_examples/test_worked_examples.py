"""Every worked example an expert can read in `cases/`, computed and compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.quantification.consistency import check_published
from fleet_carbon.quantification.documents import load_document
from tests.worked_examples.calculations import CALCULATIONS

CASES = Path(__file__).parent / "cases"
KEYS = {"id", "name", "source", "calculation", "given", "expected", "tolerance"}
# W01 to W32 with W13b, the list of the methodology note, section 7.
WANTED = {f"W{number:02d}" for number in range(1, 33)} | {"W13b"}


def all_cases() -> list[dict[str, Any]]:
    return [
        {**case, "file": path.name}
        for path in sorted(CASES.glob("*.yaml"))
        for case in load_document(path)["cases"]
    ]


def leaves(expected: Any, found: Any, where: str = "") -> Iterator[tuple[str, float, float]]:
    """Yield every expected number beside the one found, with its place."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            yield from leaves(value, found[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(found), f"{where}: {len(expected)} expected, {len(found)} found"
        for index, value in enumerate(expected):
            yield from leaves(value, found[index], f"{where}[{index}]")
    else:
        yield where, float(expected), float(found)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case["id"])
def test_the_worked_example_reproduces(case: dict[str, Any]) -> None:
    found = CALCULATIONS[case["calculation"]](case["given"])
    tolerance = case["tolerance"]
    for where, expected, computed in leaves(case["expected"], found):
        allowed = tolerance.get("absolute", 0) + tolerance.get("relative", 0) * abs(expected)
        assert abs(computed - expected) <= allowed, f"{case['id']}{where}: {computed}, {expected}"


def published_claims() -> list[tuple[str, dict[str, Any]]]:
    return [(case["id"], case) for case in all_cases() if "published" in case]


@pytest.mark.parametrize(("name", "case"), published_claims())
def test_the_checker_tells_a_wrong_print_from_a_rounded_one(
    name: str, case: dict[str, Any]
) -> None:
    found = CALCULATIONS[case["calculation"]](case["given"])
    claim = case["published"]
    finding = check_published(
        claim["figure"],
        found[claim["of"]],
        tolerance_share=claim["tolerance_share"],
        rounding_share=claim["rounding_share"],
    )
    assert finding.code == claim["verdict"], finding.text
    assert finding.is_contradiction == (claim["verdict"] not in ("agrees", "rounded"))


def test_every_example_of_the_note_is_here() -> None:
    ids = {case["id"].split(".")[0] for case in all_cases()}
    assert WANTED - ids == set()


def test_the_three_wrong_prints_are_the_only_contradictions() -> None:
    wrong = {
        name.split(".")[0]
        for name, case in published_claims()
        if case["published"]["verdict"] not in ("agrees", "rounded")
    }
    assert wrong == {"W06", "W28", "W29"}


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case["id"])
def test_every_example_says_where_it_comes_from(case: dict[str, Any]) -> None:
    assert set(case) - KEYS - {"published", "remark", "file"} == set()
    assert set(case) >= KEYS
    assert case["source"].strip()
    assert set(case["tolerance"]) <= {"absolute", "relative"}


def test_no_example_is_given_twice() -> None:
    ids = [case["id"] for case in all_cases()]
    assert len(ids) == len(set(ids))
