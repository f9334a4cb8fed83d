"""The manager's pages in a real browser: both widths, both languages, nothing from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import opened, overflow, sign_in
from tests.services.tiny_fleet import MONTH

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize(("language", "title"), [("en", "Overview"), ("zh", "总览")])
def test_a_manager_sees_the_fleet(
    chromium: Any, odd_address: str, width: int, language: str, title: str
) -> None:
    with opened(chromium, odd_address, width=width, accept_downloads=True) as page:
        sign_in(page, odd_address, "mei", f"/?lang={language}")
        page.wait_for_selector(".chart svg")
        assert page.inner_text("h1") == title
        # A definition opens by keyboard and closes with Escape.
        page.focus("details.about summary")
        page.keyboard.press("Enter")
        expect(page.locator("details.about[open]")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator("details.about[open]")).to_have_count(0)
        # So it does where a mouse rests on it, and stays when it is pressed.
        definition = page.locator("details.about summary").first
        definition.hover()
        expect(page.locator("details.about[open]")).to_have_count(1)
        definition.click()
        page.mouse.move(0, 0)
        expect(page.locator("details.about[open]")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator("details.about[open]")).to_have_count(0)
        for path in ("/", "/drivers", "/vehicles", "/lanes", "/drivers/D1", f"/months/{MONTH}"):
            answer = page.goto(f"{odd_address}{path}")
            assert answer.status == 200, path
            page.wait_for_load_state("networkidle")
            assert overflow(page) <= 0, path
        page.goto(f"{odd_address}/?month={MONTH}")
        for suffix, begins in (("pdf", b"%PDF"), ("xlsx", b"PK")):
            with page.expect_download() as awaited:
                page.locator(f"a[href='/reports/{MONTH}.{suffix}']").first.click()
            assert awaited.value.path().read_bytes().startswith(begins)
