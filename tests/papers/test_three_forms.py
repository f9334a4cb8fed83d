"""The JSON, the page and the PDF of a statement say the same, to the last sentence."""

from __future__ import annotations

import html
import io
import itertools
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pypdf
import pypdfium2
import pytest
import zxingcpp

from fleet_carbon.papers.attached import attached_statement
from fleet_carbon.papers.page import statement_page
from fleet_carbon.papers.typesetting import statement_pdf
from fleet_carbon.statements.composing import compose
from fleet_carbon.statements.likeness import Likeness
from fleet_carbon.statements.statement_facts import StatementFacts
from tests.papers.facts import LEDGER, account, facts, order, truck

PROOF = '{"signed": "这是证明"}\n'
SWOLLEN = b"%PDF-1.7 1 0 obj <</Filter/FlateDecode/Type/EmbeddedFile>>\nstream\n"
LINK = f"https://carbon.example.org/verify?statement={'ab' * 32}&serial=f%2Fe+1%2F2026-09%2F0-20000"
CORRECTED = {
    "at": datetime(2026, 11, 1, 1, tzinfo=UTC), "before_g": 18_000, "after_g": 20_000,
    "reasons": ["orders"],
}  # fmt: skip
ANSWERED = {
    "order_id": "A", "leg_started_at": None, "text": "我没有绕路", "outcome": "declined",
    "raised_at": datetime(2026, 10, 3, 1, tzinfo=UTC), "answer": "轨迹显示绕行",
    "answered_at": datetime(2026, 10, 4, 1, tzinfo=UTC),
}  # fmt: skip
WORSE = account(
    diesel_l=110.0, diesel_saved_l=-10.0, co2_avoided_kg=-26.0, saved_by_less_empty_l=-15.0,
    saved_by_higher_load_l=5.5, co2_credited_g=0, fuel_cost_saved=-85.0, carbon_value=0.0,
)  # fmt: skip
MONTHS = {
    "usual": facts(
        likeness=Likeness("heavy", "middle", 7, 0.3, 0.5, 12.0, 9.0),
        corrections=[CORRECTED], disputes=[ANSWERED], ledger=LEDGER,
        proof={"digest": "ab" * 32, "serial": "f/e 1/2026-09/0-20000", "link": LINK},
    ),
    "negative": facts(trucks=[truck(account=WORSE, bounds={"diesel_saved_l": (-20.0, 0.0)})]),
    "first": facts(before=[], months=[("2026-09", 20_000)]),
    "two_trucks": facts(
        trucks=[truck(), truck(account=account(vehicle_id="V2"), plate="粤BD12345", orders=[])]
    ),
    "sixty_orders": facts(
        trucks=[
            truck(
                orders=[order(f"ORDER-{number:03d}") for number in range(60)],
                account=account(orders_count=60, orders_matched_count=60),
            )
        ]
    ),
}  # fmt: skip


def said(composed: dict[str, Any]) -> Iterator[str]:
    """Every figure and every sentence of a composed statement."""
    for figure in composed["headline"]:
        yield from (figure["label"], figure["text"], figure.get("note", ""))
        yield figure["interval"]
    for one in composed["against"]:
        yield from (one["label"], one["sentence"])
        yield "" if one["text"] == "–" else one["text"]
    parts = composed["meanings"]
    for one in (*composed["headline"], *composed["running"], *itertools.chain(*parts.values())):
        yield from (one["label"], one["definition"], one["source"])
        yield one.get("interval") or one["interval_about"]
    for row in composed["running"]:
        yield from (row["label"], row["text"], row["counterfactual"])
        yield from (row["last_month"], row["similar"])
    yield from (composed["brought"]["text"], composed["tip"]["text"])
    orders = composed["orders"]
    yield from (orders["summary"], orders["how"])
    for line in orders["lines"]:
        yield from (line["order_id"], line["text"], line["nothing"])
    for line in (*orders["lines"], orders["rest"], orders["together"]):
        yield from () if line["saved_l"] is None else (line["saved_text"], line["credited_text"])
    yield from (composed["driver_name"], composed["month_text"], composed["fleet_id"])
    yield from (one["plate"] for one in composed["vehicles"])
    for name in ("corrections", "disputes", "method", "missing"):
        yield from composed[name]
    yield from (one["text"] for one in composed["ledger"]["acts"])
    yield from composed["ledger"]["sums"]
    yield from composed["verify"]["texts"]


def plain(text: str) -> str:
    """Text without what its setting decides: where lines break."""
    return "".join(text.split())


def text_of(pdf: bytes) -> str:
    """What a reader of the PDF reads, page heads and feet left out."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return plain("".join(page.extract_text() for page in pages))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("month", MONTHS)
def test_the_page_and_the_pdf_say_all_that_the_json_says(month: str, language: str) -> None:
    composed = compose(MONTHS[month], language)
    page = plain(html.unescape(re.sub(r"<[^>]+>", "", statement_page(composed))))
    paper = text_of(statement_pdf(composed, PROOF))
    for text in map(plain, said(composed)):
        assert text in page
        if month != "sixty_orders":  # there lines go over pages, with heads between
            assert text in paper
    assert all(plain(one["order_id"]) in paper for one in composed["orders"]["lines"])


def numbers(told: StatementFacts, language: str) -> list[float | None]:
    """The numbers of the main figures, which their texts are rounded from."""
    composed = compose(told, language)
    return [one["value"] for one in (*composed["headline"], *composed["running"])]


@pytest.mark.parametrize("month", MONTHS)
def test_the_numbers_are_the_same_in_both_languages(month: str) -> None:
    assert numbers(MONTHS[month], "en") == numbers(MONTHS[month], "zh")


@pytest.mark.parametrize("link", [LINK, "fleet-carbon statement 2026-09 sha256:" + "ab" * 32])
def test_the_code_on_the_paper_is_read_by_a_reader_of_codes(link: str) -> None:
    told = facts(proof={"digest": "ab" * 32, "serial": "", "link": link})
    document = pypdfium2.PdfDocument(statement_pdf(compose(told, "zh"), PROOF))
    last = document[len(document) - 1].render(scale=2).to_numpy()
    assert [found.text for found in zxingcpp.read_barcodes(last)] == [link]
    document.close()


def test_what_is_attached_is_taken_out_again_to_the_byte() -> None:
    pdf = statement_pdf(compose(facts(), "en"), PROOF)
    assert attached_statement(pdf) == PROOF.encode()


def test_a_long_one_is_deflated_and_taken_out_too() -> None:
    long = '{"signed": "' + "x" * 5000 + '"}'
    assert attached_statement(statement_pdf(compose(facts(), "en"), long)) == long.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7 nothing",
        b"%PDF-1.7 1 0 obj <</Filter/FlateDecode/Type/EmbeddedFile>>\nstream\n{no deflate",
        b"%PDF-1.7 1 0 obj <</Type/EmbeddedFile>>\nstream\n{of no length",
        b"%PDF-1.7 <</Type/EmbeddedFiles 1 0 R>>",
    ],
)
def test_a_pdf_without_a_statement_has_none(content: bytes) -> None:
    assert attached_statement(content) is None


def test_what_swells_is_not_unpacked_to_the_end() -> None:
    swollen = zlib.compress(b"{" + b" " * (9 << 20))
    assert attached_statement(SWOLLEN + swollen) is None
