"""The page of a statement: whole without script, nothing from elsewhere, everything explained."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest

from fleet_carbon.papers.page import statement_page
from fleet_carbon.statements.composing import compose
from tests.papers.facts import facts


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_every_figure_with_its_definition_and_needs_no_script(language: str) -> None:
    composed = compose(facts(), language)
    page = html.unescape(statement_page(composed, assets_url="/static", links={"pdf": "s.pdf"}))
    assert "<script" not in page
    assert 'href="s.pdf"' in page
    for figure in (*composed["headline"], *composed["running"]):
        assert figure["text"] in page
        assert figure["definition"] in page
        assert (figure["interval"] or figure["interval_about"]) in page
        assert figure["source"] in page
    addresses = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert addresses == {"/static/fonts/fonts.css", "/static/fonts/slices.css", "s.pdf"}


def test_what_a_driver_is_called_is_text_and_never_markup() -> None:
    page = statement_page(compose(facts(driver_name="<script>alert(1)</script>"), "en"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_identifiers_on_the_page_are_those_of_one_thing_each() -> None:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            del tag
            found.extend(value for name, value in attrs if name == "id" and value)

    Reader().feed(statement_page(compose(facts(), "zh")))
    assert len(found) == len(set(found))


def test_a_month_without_data_says_what_to_do() -> None:
    composed = compose(facts(trucks=[], proof={}), "zh")
    assert "重新结账" in statement_page(composed)
