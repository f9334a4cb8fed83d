"""Shares: dated, locked, whole; what is split adds up."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.errors import ModelRefused
from fleet_carbon.ledger.sharing import (
    PARTIES,
    Parts,
    apportion,
    check_lock,
    lock_text,
    read_rules,
    rule_in_force,
)
from fleet_carbon.services.ledger.sharing import rebuild_lock, sharing_in_force
from tests.ledger.builders import rule_of

MODELS = Path(__file__).resolve().parents[2] / "models"
SHARES = {"driver": "0.70", "fleet": "0.10", "platform": "0.10", "buffer": "0.10"}


def document() -> dict[str, Any]:
    first = {
        "valid_from": date(2020, 1, 1),
        "recorded_on": date(2026, 11, 22),
        "status": "assumed",
        "source": "S",
        "shares": dict(SHARES),
        "text": "Why.",
    }
    second = {**deepcopy(first), "valid_from": date(2027, 1, 1)}
    return {"name": "rule", "title": "Rules", "rules": [first, second]}


def test_the_shares_of_the_project_are_locked_and_in_force() -> None:
    rule = sharing_in_force(MODELS, date(2026, 1, 31))
    assert {party: str(rule.shares[party]) for party in PARTIES} == SHARES
    assert rebuild_lock(MODELS) == (MODELS / "sharing.lock").read_text(encoding="utf-8")


def test_the_remainder_goes_to_the_largest_fractions() -> None:
    # 13 at 70, 10, 10, 10 %: 9.1, 1.3, 1.3, 1.3 -> 9, 1, 1, 1 and one more to the first of the
    # three that lost 0.3.
    assert rule_of("0.70", "0.10", "0.10", "0.10").parts(13) == Parts(9, 2, 1, 1)
    # 10 at 1/8 and 7/8: 1.25 and 8.75 -> 1 and 8, one more to the second.
    assert apportion(10, [1, 7]) == [1, 9]


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**6)).map(lambda more: [1, *more]))
def test_parts_add_up_and_differ_by_less_than_one_from_their_share(
    total: int, weights: list[int]
) -> None:
    parts = apportion(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@pytest.mark.parametrize(
    ("total", "weights"), [(-1, [1]), (1.0, [1]), (1, [0, 0]), (1, [2, -1]), (True, [1])]
)
def test_what_cannot_be_split_is_refused(total: Any, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be split"):
        apportion(total, weights)


def test_the_rule_of_the_latest_start_is_in_force() -> None:
    rules = read_rules("f", document(), {"S"})
    assert rule_in_force(rules, date(2026, 12, 31)).valid_from == date(2020, 1, 1)
    assert rule_in_force(rules, date(2027, 1, 1)).valid_from == date(2027, 1, 1)
    with pytest.raises(ModelRefused, match="no shares are in force"):
        rule_in_force(rules, date(2019, 12, 31))


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = document()
    inner: Any = made
    for key in place[:-1]:
        inner = inner[key]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return made


WRONG = {
    "no rules": (("rules",), [], "no list of rules"),
    "another key": (("extra",), 1, "has the keys"),
    "a key less": (("rules", 0, "text"), None, "has the keys"),
    "no text": (("rules", 0, "text"), " ", "text is empty"),
    "no day": (("rules", 0, "valid_from"), "2020", "expected a day"),
    "status": (("rules", 0, "status"), "sure", "status"),
    "source": (("rules", 0, "source"), "T", "not in sources.yaml"),
    "a party less": (("rules", 0, "shares", "buffer"), None, "has the keys"),
    "a float": (("rules", 0, "shares", "buffer"), 0.1, "in quotes"),
    "below zero": (("rules", 0, "shares", "buffer"), "-0.10", "in quotes"),
    "not the whole": (("rules", 0, "shares", "buffer"), "0.11", "add up to 1.01"),
    "out of order": (("rules", 1, "valid_from"), date(2020, 1, 1), "in order"),
    "after it began": (("rules", 1, "recorded_on"), date(2027, 1, 2), "after it began"),
}


@pytest.mark.parametrize(("place", "value", "said"), WRONG.values(), ids=WRONG)
def test_a_file_that_breaks_the_form_is_refused(
    place: tuple[Any, ...], value: Any, said: str
) -> None:
    with pytest.raises(ModelRefused, match=said):
        read_rules("f", changed(place, value), {"S"})


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("rules", 0, "text"), "Other."),
        (("rules", 0, "shares"), {**SHARES, "driver": "0.60", "fleet": "0.20"}),
        (("rules", 0, "recorded_on"), date(2026, 11, 21)),
        (("rules", 1), None),
    ],
)
def test_a_published_rule_that_is_changed_or_gone_is_noticed(
    place: tuple[Any, ...], value: Any
) -> None:
    lock = lock_text(read_rules("f", document(), {"S"}))
    check_lock(read_rules("f", document(), {"S"}), lock)
    with pytest.raises(ModelRefused, match="differ from their lock"):
        check_lock(read_rules("f", changed(place, value), {"S"}), lock)


def test_the_lock_is_rebuilt_with_what_was_added_and_with_nothing_changed(tmp_path: Path) -> None:
    (tmp_path / "sharing").mkdir()
    path = tmp_path / "sharing" / "rules.yaml"
    (tmp_path / "sources.yaml").write_text("SHARING_2026: {}\n", encoding="utf-8")
    text = (MODELS / "sharing" / "cn-freight-sharing.yaml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelRefused, match="differ from their lock"):
        sharing_in_force(tmp_path, date(2026, 1, 1))
    lock = rebuild_lock(tmp_path)
    (tmp_path / "sharing.lock").write_text(lock, encoding="utf-8")
    assert sharing_in_force(tmp_path, date(2026, 1, 1)).name == "cn-freight-sharing"
    path.write_text(text.replace('"0.70"', '"0.60"').replace('"0.10"', '"0.20"', 1))
    with pytest.raises(ModelRefused, match="differ from their lock"):
        rebuild_lock(tmp_path)
