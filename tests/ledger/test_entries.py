"""An entry holds whole amounts, has two sides, and bytes that any program can make again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, strategies

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.accounts import class_of, held_account, holder_of
from fleet_carbon.ledger.entries import (
    CHAIN_START,
    ChainHead,
    canonical_bytes,
    figure_name,
    figure_parts,
    is_same_posting,
    seal_entries,
)
from tests.ledger.builders import entry_of

AT = datetime(2026, 2, 2, 3, 4, 5, 678_999, tzinfo=UTC)
CASH: dict[str, Any] = {
    "book": "cash",
    "unit": "CNY",
    "edition": "",
    "debit_account": "cash:bank",
    "credit_account": "cash:buyer/B",
    "serial_from": None,
    "serial_until": None,
}


@pytest.mark.parametrize("amount", [0, -1, 2**63, 1.0, True, "1", None])
def test_an_amount_is_a_positive_whole_number(amount: Any) -> None:
    with pytest.raises(LedgerBroken):
        entry_of(**CASH, amount=amount)


def test_the_smallest_and_the_largest_amount_are_taken() -> None:
    assert entry_of(**CASH, amount=1).amount == 1
    assert entry_of(**CASH, amount=2**63 - 1).amount == 2**63 - 1


@pytest.mark.parametrize(
    "changed",
    [
        {"debit_account": "issued", "credit_account": "buffer"},
        {"credit_account": "held:driver/D1/V1"},
        {"entry_id": "t2/1"},
        {"transaction_id": ""},
        {"recorded_at": AT.replace(tzinfo=None)},
        {"previous_figure_g": 1.5},
        {"book": "gold"},
        {"unit": "kg"},
        {"edition": ""},
        {"month": ""},
        {"serial_from": None},
        {"serial_from": 1},
        {"serial_until": 901},
        {**CASH, "unit": "g"},
        {**CASH, "serial_from": 0, "serial_until": 900},
        {**CASH, "debit_account": "buffer"},
        {**CASH, "book": "owed"},
    ],
)
def test_a_malformed_entry_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(LedgerBroken) as refused:
        entry_of(**changed)
    assert refused.value.code == "entry_malformed"


@pytest.mark.parametrize("account", ["", "held", "held:", "sold/", "cash:bank", "owed:operator"])
def test_an_account_of_no_class_is_refused_in_the_carbon_book(account: str) -> None:
    with pytest.raises(LedgerBroken) as refused:
        entry_of(debit_account=account)
    assert refused.value.code == "account_unknown"


def test_accounts_count_in_their_class() -> None:
    classes = {
        "issued": "issued",
        "held:driver/D/V": "held",
        "held:good/forest": "held",
        "held:fleet": "held",
        "buffer": "buffer",
        "pending/L": "pending",
        "sold/B": "sold",
        "retired/B": "retired",
        "cancelled/restated": "cancelled",
    }
    assert {account: class_of(account) for account in classes} == classes


def test_canonical_bytes_are_the_fields_in_order_of_name() -> None:
    [sealed] = seal_entries([entry_of(note="节", evidence={"b": "2", "a": "1"})], after=ChainHead())
    written = (
        '{"amount":900,"book":"carbon","credit_account":"issued",'
        '"debit_account":"held:driver/D1/V1","edition":"cn-freight 2026.1","entry_id":"t1/1",'
        '"evidence":{"a":"1","b":"2"},"figure":"","month":"2026-01","note":"节",'
        '"previous_figure_g":null,"previous_hash":"' + "0" * 64 + '",'
        '"reason_code":"month_closed","recorded_at":"2026-02-02T03:04:05.678Z","sequence":1,'
        '"serial_from":0,"serial_until":900,"transaction_id":"t1","unit":"g"}'
    ).encode()
    assert canonical_bytes(sealed) == written
    assert sealed.entry_hash == hashlib.sha256(written).hexdigest()


TEXTS = strategies.text(strategies.characters(codec="utf-8"))


@given(TEXTS, TEXTS, strategies.dictionaries(TEXTS, TEXTS, max_size=2))
def test_canonical_bytes_are_what_json_gives(
    driver_id: str, note: str, evidence: dict[str, str]
) -> None:
    account = held_account(driver_id, "V1")
    made = entry_of(debit_account=account, note=note, evidence=evidence, previous_figure_g=7)
    fields = made.as_dict()
    del fields["entry_hash"]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical_bytes(made) == text.encode()


def test_the_zone_of_a_moment_does_not_show_in_the_bytes() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=8)))
    [here], [there] = (
        seal_entries([entry_of(recorded_at=at)], after=ChainHead()) for at in (AT, elsewhere)
    )
    assert here.entry_hash == there.entry_hash


def test_each_entry_follows_the_one_before() -> None:
    drafts = [entry_of(), entry_of(entry_id="t1/2")]
    first, second = seal_entries(drafts, after=ChainHead())
    [third] = seal_entries(
        [entry_of(entry_id="t1/3")], after=ChainHead(second.sequence, second.entry_hash)
    )
    assert [one.sequence for one in (first, second, third)] == [1, 2, 3]
    assert first.previous_hash == CHAIN_START
    assert second.previous_hash == first.entry_hash
    assert third.previous_hash == second.entry_hash
    assert [draft.sequence for draft in drafts] == [0, 0]


def test_a_repetition_is_known_by_what_it_says_and_not_by_when() -> None:
    [sealed] = seal_entries([entry_of()], after=ChainHead())
    assert is_same_posting(entry_of(recorded_at=AT + timedelta(days=1)), sealed)
    assert not is_same_posting(replace(entry_of(), amount=901, serial_until=901), sealed)


@given(strategies.text(), strategies.text())
def test_every_figure_has_a_name_of_its_own(driver_id: str, vehicle_id: str) -> None:
    name = figure_name("2026-01", driver_id, vehicle_id)
    assert figure_parts(name) == ("2026-01", driver_id, vehicle_id)


@given(strategies.text(), strategies.text())
def test_every_driver_and_truck_has_an_account_of_its_own(driver_id: str, vehicle_id: str) -> None:
    assert holder_of(held_account(driver_id, vehicle_id)) == (driver_id, vehicle_id)


def test_accounts_of_others_have_no_holder() -> None:
    assert holder_of("issued") is None
    assert held_account("", "V1") == "held:driver//V1"
