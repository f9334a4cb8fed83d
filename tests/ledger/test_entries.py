"""An entry holds whole grams, has two sides, and bytes that any program can make again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, strategies

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.entries import (
    CHAIN_START,
    Entry,
    canonical_bytes,
    held_account,
    holder_of,
    is_same_posting,
    seal_entries,
)

AT = datetime(2026, 2, 2, 3, 4, 5, 678_999, tzinfo=UTC)


def entry(**changed: Any) -> Entry:
    fields: dict[str, Any] = {
        "entry_id": "e1",
        "month": "2026-01",
        "debit_account": "held:driver/D1/V1",
        "credit_account": "issued",
        "amount_g": 900,
        "reason_code": "month_closed",
        "recorded_at": AT,
    }
    return Entry(**{**fields, **changed})


@pytest.mark.parametrize("amount_g", [0, -1, 2**63, 1.0, True, "1", None])
def test_an_amount_is_a_positive_whole_number(amount_g: object) -> None:
    with pytest.raises(LedgerBroken):
        entry(amount_g=amount_g)


def test_the_smallest_and_the_largest_amount_are_taken() -> None:
    assert entry(amount_g=1).amount_g == 1
    assert entry(amount_g=2**63 - 1).amount_g == 2**63 - 1


@pytest.mark.parametrize(
    "changed",
    [
        {"debit_account": "issued"},
        {"debit_account": ""},
        {"entry_id": ""},
        {"recorded_at": AT.replace(tzinfo=None)},
        {"previous_figure_g": 1.5},
    ],
)
def test_a_malformed_entry_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(LedgerBroken) as refused:
        entry(**changed)
    assert refused.value.code == "entry_malformed"


def test_canonical_bytes_are_the_fields_in_order_of_name() -> None:
    [sealed] = seal_entries([entry(note="节", evidence={"b": "2", "a": "1"})], last=None)
    written = (
        '{"amount_g":900,"credit_account":"issued","debit_account":"held:driver/D1/V1",'
        '"entry_id":"e1","evidence":{"a":"1","b":"2"},"month":"2026-01","note":"节",'
        '"previous_figure_g":null,"previous_hash":"' + "0" * 64 + '",'
        '"reason_code":"month_closed","recorded_at":"2026-02-02T03:04:05.678Z","sequence":1}'
    ).encode()
    assert canonical_bytes(sealed) == written
    assert sealed.entry_hash == hashlib.sha256(written).hexdigest()


def test_the_zone_of_a_moment_does_not_show_in_the_bytes() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=8)))
    [here], [there] = (seal_entries([entry(recorded_at=at)], last=None) for at in (AT, elsewhere))
    assert here.entry_hash == there.entry_hash


def test_each_entry_follows_the_one_before() -> None:
    first, second = seal_entries([entry(), entry(entry_id="e2")], last=None)
    [third] = seal_entries([entry(entry_id="e3")], last=second)
    assert [one.sequence for one in (first, second, third)] == [1, 2, 3]
    assert first.previous_hash == CHAIN_START
    assert second.previous_hash == first.entry_hash
    assert third.previous_hash == second.entry_hash


def test_a_repetition_is_known_by_what_it_says_and_not_by_when() -> None:
    [sealed] = seal_entries([entry()], last=None)
    assert is_same_posting(entry(recorded_at=AT + timedelta(days=1)), sealed)
    assert not is_same_posting(replace(entry(), amount_g=901), sealed)


@given(strategies.text(), strategies.text())
def test_every_driver_and_truck_has_an_account_of_its_own(driver_id: str, vehicle_id: str) -> None:
    assert holder_of(held_account(driver_id, vehicle_id)) == (driver_id, vehicle_id)


def test_accounts_of_others_have_no_holder() -> None:
    assert holder_of("issued") is None
    assert held_account("", "V1") == "held:driver//V1"
