"""From the month down to the fix and back, by search, on the map, and as an auditor: in a browser,
on the phone and on the desk, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import JOURNEYS, follow, opened, overflow, sign_in
from tests.services.tiny_fleet import MONTH


@pytest.mark.parametrize(("width", "language"), JOURNEYS)
def test_a_manager_goes_from_the_fleet_to_a_fix_and_back(
    chromium: Any, odd_address: str, width: int, language: str
) -> None:
    with opened(chromium, odd_address, width=width, reduced_motion="reduce") as page:
        sign_in(page, odd_address, "mei", f"/drivers?month={MONTH}&driver=D1&lang={language}")
        follow(page.locator("tbody a[href^='/drivers/D1']").first)
        follow(page.locator("#days tbody a").first)
        assert page.locator("nav.trail li").count() == 4
        assert overflow(page) <= 0
        follow(page.locator("table.legs-table a[href*='/legs/']").nth(1))
        assert page.locator("#fixes tbody tr").count() > 2
        assert overflow(page) <= 0
        leg = page.url.rpartition("/")[2]
        follow(page.locator("main a[role=button]").first)
        page.wait_for_selector("body.has-map")
        # The map opens at that leg, and leads back to it.
        expect(page.locator("[data-leg] button[aria-pressed=true]")).to_have_count(1)
        assert overflow(page) <= 0
        follow(page.locator("[data-leg] button[aria-pressed=true] + dl a[href*='/legs/']"))
        assert page.url.rpartition("/")[2] == leg


@pytest.mark.parametrize(("width", "language"), JOURNEYS)
def test_an_auditor_searches_an_order_and_goes_from_a_serial_to_the_bundle(
    chromium: Any, odd_address: str, width: int, language: str
) -> None:
    with opened(chromium, odd_address, width=width) as page:
        sign_in(page, odd_address, "shen", f"/search?lang={language}")
        page.fill("main [name=q]", "2503-1-0")
        follow(page.locator("main [name=q]"), "Enter")
        follow(page.locator("main a[href='/orders/2503-1-0']"))
        assert page.locator("table.legs-table tbody tr").count() > 0
        assert overflow(page) <= 0
        page.goto(f"{odd_address}/verify?serial={MONTH}/0-10")
        assert overflow(page) <= 0
        follow(page.locator("a[href*='/evidence/']").first)
        assert overflow(page) <= 0
        with page.expect_download() as awaited:
            page.locator("a[href*='bundle.zip']").click()
        assert awaited.value.suggested_filename.endswith(f"{MONTH}.zip")
