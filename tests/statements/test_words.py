"""What is said in English is said in Chinese."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

import fleet_carbon
from fleet_carbon.ledger import accounts, posting
from fleet_carbon.legs import columns
from fleet_carbon.statements import chinese, chinese_problems, reasons, wording
from fleet_carbon.statements.account_names import account_name
from fleet_carbon.statements.chain_text import source_text
from fleet_carbon.statements.issues import issue_text, issue_told

# A remedy begins with a deed, with the case for it, or says that there is nothing to do and why.
_ENGLISH_ADVICE = (
    r"(?:If (?:it|its|you) .+, |Nothing (?:is to be done|can be sent)\b|(?:Ask|Check|Correct|Drive"
    r"|Find|Give|Ingest|Let|Look|Mend|Name|See|Send|Set)\b)"
)
_CHINESE_ADVICE = r"(?:若|如).*请|请|无需"


def test_every_reason_of_an_account_or_order_has_its_chinese_sentence() -> None:
    for name in ("_ORDER_PROVEN", "_ORDER_UNPROVEN", "_NOTES", "_LACKS"):
        assert getattr(chinese, name).keys() == getattr(reasons, name).keys(), name
    assert set(columns.ORDER_REASONS) <= {*reasons._ORDER_PROVEN, *reasons._ORDER_UNPROVEN, ""}
    assert [code for code in reasons._WEIGHTS if code not in chinese.WEIGHT_REASONS] == []


def test_what_a_note_ends_in_is_named_in_both_languages() -> None:
    assert list(chinese._NOTES_OF) == list(reasons._NOTES_OF)
    for beginning, (english, _) in reasons._NOTES_OF.items():
        assert _gaps(chinese._NOTES_OF[beginning][0]) == _gaps(english) != []


def _issues() -> Iterator[dict[str, str]]:
    """All that a month's report may say is missing."""
    for about, tables in (
        ("order", [reasons._ORDER_UNPROVEN]),
        ("account", [reasons._NOTES, reasons._LACKS, [f"{one}lng" for one in reasons._NOTES_OF]]),
        ("records", [chinese_problems.SUSPICIONS, ["speed_unit_fits_knots"]]),
    ):
        for code in itertools.chain(*tables):
            yield {"about": about, "code": code, "what": "It looks wrong.", "remedy": "Mend it."}


@pytest.mark.parametrize("issue", list(_issues()), ids=lambda one: one["code"])
def test_whatever_is_missing_is_told_with_what_to_do_about_it(issue: dict[str, str]) -> None:
    what, remedy = issue_told(issue, "en")
    assert what.endswith(".")
    assert re.match(_ENGLISH_ADVICE, remedy), f"no advice: {remedy!r}"
    assert remedy.endswith(".")
    assert issue_text(issue, "en") == f"{what} {remedy}"
    what, remedy = issue_told(issue, "zh")
    assert what.endswith("。")
    assert re.match(_CHINESE_ADVICE, remedy), f"no advice: {remedy!r}"
    assert remedy.endswith("。")
    assert issue_text(issue, "zh") == f"{what}{remedy}"


def test_what_looks_wrong_in_a_file_is_told_with_what_to_do_in_english() -> None:
    found = 0
    for path in sorted(Path(fleet_carbon.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Suspicion":
                found += 1
                assert ast.unparse(node.args[3]) not in ("''", "None"), ast.unparse(node)
    assert found > 10


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


def test_every_account_of_the_ledger_has_words() -> None:
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
        assert not re.search(r"[A-Za-z]", account_name(one, "zh")), one
        assert not re.search(r"[/:]|[^\x00-\x7f]", account_name(one, "en").replace("led: 1", "")), (
            one
        )


def test_who_holds_grams_is_told_by_name() -> None:
    account = accounts.held_account("D/1", "V1")
    named = {"D/1": "Li Si", "V1": "A12345"}
    told = account_name(account, "en", driver=named.__getitem__, truck=named.__getitem__)
    assert told == "held by driver Li Si with truck A12345"
    assert account_name(account, "zh") == "司机 D/1 持有（车辆 V1）"


def test_a_price_is_told_of_what_it_is_in_the_language() -> None:
    price = {
        "kind": "price",
        "key": "carbon",
        "series": "CEA",
        "price": "91.50",
        "unit": "t",
        "currency": "CNY",
        "valid_from": "2025-01-01",
    }
    words, zone = wording.Words("zh"), ZoneInfo("Asia/Shanghai")
    assert source_text(price, words, zone) == ("碳价格：91.50 CNY/t，序列 CEA，自 2025-01-01")
    diesel = price | {"key": "diesel", "series": "diesel", "price": "7.35", "unit": "l"}
    assert source_text(diesel, words, zone).startswith("柴油价格：7.35 CNY/l，序列 柴油")


def _gaps(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)
