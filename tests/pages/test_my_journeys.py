"""A driver reads and disputes, a manager answers and follows a truck, a stranger verifies: in a
browser, on the phone and on the desk, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from fleet_carbon.services.papers.stating import make_statement
from fleet_carbon.settings import Settings
from tests.pages.conftest import LANGUAGES, WIDTHS, follow, opened, overflow, sign_in
from tests.services.tiny_fleet import MONTH

pytestmark = pytest.mark.slow

ORDER = "2503-1-0"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_driver_disputes_and_a_manager_answers(
    chromium: Any, odd_address: str, width: int, language: str
) -> None:
    said = f"No detour {width} {language}"
    with opened(chromium, odd_address, width=width) as page:
        sign_in(page, odd_address, "zhang", f"/my?lang={language}")
        assert overflow(page) <= 0
        follow(page.locator(f"a[href*='order={ORDER}']"))
        assert page.locator("[name=order_id]").input_value() == ORDER
        page.fill("[name=text]", said)
        follow(page.locator("#dispute button"))
        page.locator(".disputes li", has_text=said).wait_for()
    with opened(chromium, odd_address, width=width) as page:
        sign_in(page, odd_address, "mei", f"/disputes?lang={language}")
        assert overflow(page) <= 0
        one = page.locator("article", has_text=said)
        one.locator("select").select_option("accepted")
        one.locator("textarea").fill("Corrected.")
        follow(one.locator("button"))
        page.locator("article", has_text=said).locator(".note.good").wait_for()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_leg_is_chosen_by_the_keyboard_and_the_truck_moves(
    chromium: Any, odd_address: str, width: int, language: str
) -> None:
    with opened(chromium, odd_address, width=width, reduced_motion="reduce") as page:
        sign_in(page, odd_address, "mei", f"/map?vehicle=V1&month={MONTH}&lang={language}")
        page.wait_for_selector("body.has-map")
        assert overflow(page) <= 0
        second = page.locator("[data-leg] button").nth(1)
        second.focus()
        before = page.locator("#moment").inner_text()
        page.keyboard.press("Enter")
        expect(second).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#moment")).not_to_have_text(before)
        chosen = page.locator("#moment").inner_text()
        page.locator("#time").press("End")
        expect(page.locator("#moment")).not_to_have_text(chosen)


def test_without_webgl_the_list_stays(chromium: Any, odd_address: str) -> None:
    with opened(chromium, odd_address) as page:
        page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
        sign_in(page, odd_address, "mei", f"/map?vehicle=V1&month={MONTH}&lang=en")
        page.get_by_text("WebGL is missing").wait_for()
        expect(page.locator("#map")).to_be_hidden()
        _shows_the_picture(page)
        expect(page.locator("[data-leg] dl").first).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_map_is_a_picture(
    chromium: Any, odd_address: str, width: int, language: str
) -> None:
    asked = f"/map?vehicle=V1&month={MONTH}&lang={language}"
    with opened(chromium, odd_address, width=width) as page:
        sign_in(page, odd_address, "mei", asked)
        cookies = page.context.cookies()
    with opened(chromium, odd_address, width=width, java_script_enabled=False) as page:
        page.context.add_cookies(cookies)
        page.goto(odd_address + asked)
        _shows_the_picture(page)
        expect(page.locator("#map-state")).to_be_hidden()
        expect(page.locator(".replay")).to_be_hidden()
        expect(page.locator("[data-leg] dl").first).to_be_visible()


def test_on_paper_the_map_is_a_picture_with_every_leg(chromium: Any, odd_address: str) -> None:
    with opened(chromium, odd_address) as page:
        sign_in(page, odd_address, "mei", f"/map?vehicle=V1&month={MONTH}&lang=en")
        page.wait_for_selector("body.has-map")
        expect(page.locator(".picture")).to_be_hidden()
        page.emulate_media(media="print")
        _shows_the_picture(page)
        expect(page.locator("#map")).to_be_hidden()
        expect(page.locator(".replay")).to_be_hidden()
        for leg in page.locator("[data-leg] button").all():
            expect(leg).to_be_visible()


def _shows_the_picture(page: Any) -> None:
    """All of the way, 30 pixels from the edge of the frame, as the map lies."""
    expect(page.locator(".picture")).to_be_visible()
    frame, loaded = (page.locator(one).bounding_box() for one in (".map-frame", ".picture .loaded"))
    # It goes from the south to the north of all there is; the frame has an edge of a pixel.
    assert loaded["y"] == pytest.approx(frame["y"] + 31, abs=4)
    assert loaded["height"] == pytest.approx(frame["height"] - 62, abs=8)
    assert loaded["x"] >= frame["x"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stranger_verifies_what_a_driver_was_given(
    chromium: Any, odd_address: str, odd_settings: Settings, tmp_path: Path, language: str
) -> None:
    proof = make_statement(odd_settings, "D1", MONTH).proof
    assert proof is not None
    path = tmp_path / "statement.json"
    path.write_text(proof.text(), encoding="utf-8")
    with opened(chromium, odd_address, width=390) as page:
        page.goto(f"{odd_address}/verify?lang={language}")
        page.set_input_files("[name=document]", path)
        follow(page.locator("main form[method=post] button"))
        page.locator("[role=status]", has_text="✓").wait_for()
        said = page.locator("[role=status] li").first.inner_text()
        assert said.startswith({"zh": "✓ 由密钥", "en": "✓ signed by the key"}[language])
        assert overflow(page) <= 0
