"""Any change to the chain is found, by code that shares nothing with posting."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from fleet_carbon.ledger.audit import find_problems
from fleet_carbon.ledger.entries import ChainHead, seal_entries
from tests.ledger.builders import entry_of


@pytest.fixture
def chain() -> list[dict[str, Any]]:
    drafts = [
        entry_of(
            entry_id=f"t1/{number}",
            amount=number,
            # 1, 2, 3 and 4 grams, one after the other.
            serial_from=number * (number - 1) // 2,
            serial_until=number * (number + 1) // 2,
            evidence={"legs": "d" * 64},
        )
        for number in (1, 2, 3, 4)
    ]
    return [entry.as_dict() for entry in seal_entries(drafts, after=ChainHead())]


def test_a_chain_as_it_was_written_holds(chain: list[dict[str, Any]]) -> None:
    assert list(find_problems(chain)) == []
    assert list(find_problems([])) == []


OTHER = {
    "entry_id": "t1/9",
    "transaction_id": "t9",
    "book": "cash",
    "unit": "CNY",
    "edition": "else",
    "serial_from": 7,
    "serial_until": 9,
    "figure": "2026-01/D1/V1",
    "month": "2026-02",
    "debit_account": "held:driver/D2/V1",
    "credit_account": "else",
    "amount": 77,
    "reason_code": "else",
    "recorded_at": "2026-02-02T00:00:00.001Z",
    "note": "else",
    "previous_figure_g": 0,
    "evidence": {"legs": "e" * 64},
    "sequence": 9,
    "previous_hash": "f" * 64,
    "entry_hash": "f" * 64,
}


@pytest.mark.parametrize("name", list(OTHER))
@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_change_of_any_field_of_any_entry_is_found(
    chain: list[dict[str, Any]], name: str, place: int
) -> None:
    chain[place][name] = OTHER[name]
    assert list(find_problems(chain))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_entry_taken_out_is_found(chain: list[dict[str, Any]], place: int) -> None:
    del chain[place]
    assert list(find_problems(chain))


def test_two_entries_in_each_others_place_are_found(chain: list[dict[str, Any]]) -> None:
    chain[1], chain[2] = chain[2], chain[1]
    assert list(find_problems(chain))


def _hashed_again(record: dict[str, Any]) -> None:
    fields = {name: held for name, held in record.items() if name != "entry_hash"}
    written = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    record["entry_hash"] = hashlib.sha256(written.encode()).hexdigest()


def test_a_change_with_its_hash_made_anew_breaks_the_entry_after(
    chain: list[dict[str, Any]],
) -> None:
    chain[1]["amount"] = 77
    _hashed_again(chain[1])
    assert any("Entry 3" in one and "does not follow" in one for one in find_problems(chain))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("amount", 0, "positive"),
        ("amount", -5, "positive"),
        ("debit_account", "issued", "same account"),
        ("entry_id", "t1/3", "not called number 4"),
        ("transaction_id", "t2", "not called number 1"),
        ("serial_from", 7, "4 g and 3 serials"),
        ("credit_account", "sold/B", "gives more than all that is sold"),
        ("credit_account", "pending", "accounts that there are not"),
        ("debit_account", "held", "accounts that there are not"),
    ],
)
def test_an_entry_that_is_wrong_in_itself_is_found_though_its_hash_is_right(
    chain: list[dict[str, Any]], name: str, value: Any, said: str
) -> None:
    chain[3][name] = value
    _hashed_again(chain[3])
    found = list(find_problems(chain))
    assert all("Entry 4" in one for one in found)
    assert any(said in one for one in found)
