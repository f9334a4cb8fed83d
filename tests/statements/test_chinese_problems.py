"""What was refused is told in Chinese, too: by code, with what the English sentence quotes."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fleet_carbon.statements.chinese_problems import (
    ERRORS,
    evidence_told,
    problem_told,
    suspicion_told,
)
from fleet_carbon.statements.refusals import refusal_of
from fleet_carbon.statements.verdicts import verdict_text

CODES = Path(__file__).resolve().parents[2] / "docs" / "codes.md"


def codes_of(section: str) -> list[str]:
    """The codes of a part of the page of codes, which is written from the source."""
    (part,) = re.findall(rf"## {section}\n(.*?)(?:\n## |\Z)", CODES.read_text("utf-8"), re.S)
    return re.findall(r"^\| `(.+?)` \|", part, re.M)


def test_every_suspicion_is_told_in_chinese() -> None:
    for code in codes_of("Suspicions"):
        code = re.sub(r"\{\w+\}", "mass", code)
        text, _ = suspicion_told(code, "x", "y", language="zh")
        assert re.search(r"[一-鿿]", text), code


@pytest.mark.parametrize("code", ERRORS)
def test_no_place_stays_open_in_an_error(code: str) -> None:
    for message in ("It does not work.", "'D4' in 2026-09 does not work."):
        told = problem_told(code, message, "", language="zh")
        assert not told.is_foreign
        assert "{" not in told.text + told.hint


def test_an_error_keeps_what_it_is_about() -> None:
    said = ("month_malformed", "'2026-13' is not a month.", "Write YYYY-MM.")
    assert problem_told(*said, language="zh").text == "“2026-13”不是月份。"
    assert problem_told(*said, language="en").text == "'2026-13' is not a month."
    unknown = problem_told("something_new", "It broke.", "", language="zh")
    assert (unknown.text, unknown.is_foreign) == ("It broke.", True)


_MADE_AT = "2026-11-23T15:13:05.123456Z"  # 23:13 of the same day in Shanghai, UTC+8


@pytest.mark.parametrize(
    ("said", "in_english", "in_chinese"),
    [
        (
            "signed by the key ab12, as expected",
            "signed by the key ab12, as expected",
            "由密钥 ab12 签名，与所给编号一致",
        ),
        (
            "2025-03 D1 V1: 36860 g credited, as its entries say",
            "March 2025 D1 V1: 36,860 g credited, as its entries say",
            "2025年3月 司机 D1 车辆 V1：入账 36,860 克，与分录一致",
        ),
        (
            f"2 entries are among the 12345 of the checkpoint of {_MADE_AT}",
            "2 entries are among the 12,345 of the checkpoint of 23 Nov 2026, 23:13",
            "2 条分录包含在 2026年11月23日 23:13 检查点的 12,345 条之中",
        ),
        (
            f"36860 g retired on behalf of 13800138000 at {_MADE_AT}, 2 ranges of serials",
            "36,860 g retired on behalf of 13800138000 at 23 Nov 2026, 23:13, 2 ranges of serials",
            "2026年11月23日 23:13 为 13800138000 注销 36,860 克，共 2 段序列号",
        ),
        (
            "Not proven: it says 36860 g, its entries give 36861.",
            "Not proven: it says 36,860 g, its entries give 36,861.",
            "未通过：写明 36,860 克，而分录合计为 36,861 克。",
        ),
        (
            "Not proven: it was changed after it was signed.",
            "Not proven: it was changed after it was signed.",
            "未通过：签名之后内容被改动。",
        ),
        (
            "retire/7: retired 10000 g CNY 1.00",
            "retire/7: retired 10,000 g CNY 1.00",
            "retire/7：注销 10,000 克 CNY 1.00",
        ),
        (
            "close/2025-03/4a6e66: issued 2870718 g",
            "close/2025-03/4a6e66: issued 2,870,718 g",
            "close/2025-03/4a6e66：签发 2,870,718 克",
        ),
        ("a sentence of tomorrow", "a sentence of tomorrow", "a sentence of tomorrow"),
    ],
)
def test_a_verdict_is_told_by_the_language(said: str, in_english: str, in_chinese: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert verdict_text(said, "en", zone=zone) == in_english
    assert verdict_text(said, "zh", zone=zone) == in_chinese


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("cargo_t is 'x': expected a number", "cargo_t 的值为“x”"),
        ('status is "it\'s": expected one of a, b', "status 的值为“it's”；可用：a, b"),
        ("time is empty: every fix needs its moment", "time 为空"),
        ("Vehicle 'V9' is not registered. Ingest it with `x` first.", "编号“V9”"),
        (
            "Cargo of 90 t is more than 1.5 times the 20 t that vehicle 'V1' may carry. If x",
            "货物 90 吨，超过车辆“V1”载重 20 吨的 1.5 倍",
        ),
        (
            "4 fields where the header has 3: quote a text that holds ','",
            "该行 4 个字段，表头 3 个",
        ),
        ("a sentence of tomorrow", ""),
    ],
)
def test_what_stands_in_a_refused_row_is_told_in_chinese(said: str, told: str) -> None:
    assert refusal_of("not_a_number", said, "zh").detail == told
    assert refusal_of("not_a_number", said, "en").detail == said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("3 of 9 fixes, the latest at 2031-01-01", "9 个定位中的 3 个，最晚 2031-01-01"),
        ("2 orders: O1, O2", "2 张运单：O1, O2"),
        ("a sentence of tomorrow", ""),
    ],
)
def test_the_evidence_of_a_suspicion_is_told_in_chinese(said: str, told: str) -> None:
    assert evidence_told(said, language="zh") == told
    assert evidence_told(said, language="en") == said
