"""What is kept is not made again, and what is missing is made at once."""

from __future__ import annotations

from fleet_carbon.services.support.keeping import Kept


def test_only_what_is_missing_is_made_and_all_of_it_at_once() -> None:
    kept, asked = Kept(10), []

    def make(names: list[str]) -> dict[str, str]:
        asked.append(names)
        return {name: name.upper() for name in names}

    assert kept.get(("b",), lambda: "kept before") == "kept before"
    keys = {name: (name,) for name in ("a", "b", "c")}
    assert kept.get_each(keys, make) == {"a": "A", "b": "kept before", "c": "C"}
    assert kept.get_each(keys, make) == {"a": "A", "b": "kept before", "c": "C"}
    assert asked == [["a", "c"]]


def test_the_least_used_is_let_go_when_there_is_no_room() -> None:
    kept, made = Kept(2), []
    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get((name,), lambda name=name: made.append(name))
    assert made == ["a", "b", "c", "b"]
