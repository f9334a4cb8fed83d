"""What is said in English is said in Chinese."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from fleet_carbon.ledger import accounts, posting
from fleet_carbon.statements import chinese, reasons, wording


def test_every_reason_of_an_account_or_order_has_its_chinese_sentence() -> None:
    orders = {**reasons._ORDER_PROVEN, **reasons._ORDER_UNPROVEN}
    assert [code for code in reasons._NOTES if code not in chinese.NOTES] == []
    assert [code for code in orders if code not in chinese.ORDER_REASONS] == []
    assert [code for code in reasons._WEIGHTS if code not in chinese.WEIGHT_REASONS] == []


def test_what_a_note_ends_in_is_named_in_both_languages() -> None:
    assert list(chinese.NOTES_OF) == list(reasons._NOTES_OF)
    for beginning, english in reasons._NOTES_OF.items():
        assert _gaps(chinese.NOTES_OF[beginning]) == _gaps(english) != []


@pytest.mark.parametrize("phrase", wording.PHRASES)
def test_both_languages_fill_the_same_gaps(phrase: str) -> None:
    english, in_chinese = wording.PHRASES[phrase]
    assert _gaps(english) == _gaps(in_chinese)


def test_the_chinese_words_are_chinese() -> None:
    tables = (wording.STEPS, wording.NUMBERS, wording.ERRORS, wording.BASELINES, wording.RUNGS)
    for table in tables:
        for english, in_chinese in table.values():
            assert re.search(r"[\u4e00-\u9fff]", in_chinese), in_chinese
            assert not re.search(r"[\u4e00-\u9fff]", english), english


def test_every_account_of_the_ledger_has_a_chinese_name() -> None:
    plain = (accounts.ISSUED, accounts.BUFFER, accounts.HELD_BY_FLEET, accounts.HELD_BY_PLATFORM)
    cancelled = (posting.CANCELLED_RESTATED, posting.CANCELLED_RELEASED)
    makers = (
        accounts.good_account,
        accounts.pending_account,
        accounts.sold_account,
        accounts.retired_account,
        accounts.cancelled_account,
    )
    owed = (accounts.OWED_BY_OPERATOR, accounts.OWED_TO_BUFFER)
    named = [*plain, *cancelled, *owed, accounts.held_account("1", "2")]
    for one in [*named, *(make("1") for make in makers)]:
        assert not re.search(r"[A-Za-z]", chinese.account_name(one)), one


def _gaps(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)
