"""A driver reads and disputes, a manager answers and follows a truck, a stranger verifies: in a
browser, on the phone and on the desk, in both languages."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from fleet_carbon.services.closing import close_month
from fleet_carbon.services.ingesting import ingest_files
from fleet_carbon.services.stating import make_statement
from fleet_carbon.services.users import create_user
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH, TinyFleet
from tests.web.conftest import served

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
)
PASSWORD = "correct horse battery"
WIDTHS = (390, 1440)
LANGUAGES = ("zh", "en")
PATIENCE_MS = 25_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a network of its own."""
    if not CHROMIUM.exists():
        if os.environ.get("FLEET_CARBON_NO_SKIP") == "1":
            pytest.fail("Chromium is absent, and nothing may be skipped.")
        pytest.skip("Chromium is absent: apt-get install chromium.")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny fleet, closed, with a manager and the driver D1."""
    folder = tmp_path_factory.mktemp("journeys")
    settings = Settings(home=folder / "home", fleet="north", cookie_secure=False)
    for kind, path in TinyFleet().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    create_user(settings, "mei", "manager", password=PASSWORD)
    create_user(settings, "zhang", "driver", driver_id="D1", password=PASSWORD)
    return settings


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    """Where the pages are, on this machine alone."""
    app = served(settings).client.application
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    app.extensions["jobs"].close()


@contextmanager
def opened(chromium: Any, address: str, *, width: int = 1440, **how: Any) -> Iterator[Any]:
    """A page; at its end nothing was asked of another server, and the console held no error."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, **how)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    ours = (address, "data:", "blob:")
    page.on("request", lambda one: None if one.url.startswith(ours) else wrong.append(one.url))
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def sign_in(page: Any, address: str, name: str, wanted: str) -> None:
    """Through the door to a page."""
    page.goto(f"{address}/sign-in?next=/verify")
    page.fill("[name=fleet]", "north")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("article button")
    page.goto(address + wanted)


def overflow(page: Any) -> int:
    """By how much the page is wider than the window. [pixel]"""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_driver_disputes_and_a_manager_answers(
    chromium: Any, address: str, width: int, language: str
) -> None:
    said = f"No detour {width} {language}"
    with opened(chromium, address, width=width) as page:
        sign_in(page, address, "zhang", f"/my?lang={language}")
        assert overflow(page) <= 0
        page.locator("a[href*='order=O1']").click()
        assert page.locator("[name=order_id]").input_value() == "O1"
        page.fill("[name=text]", said)
        page.click("#dispute button")
        page.locator(".disputes li", has_text=said).wait_for()
    with opened(chromium, address, width=width) as page:
        sign_in(page, address, "mei", f"/disputes?lang={language}")
        assert overflow(page) <= 0
        one = page.locator("article", has_text=said)
        one.locator("select").select_option("accepted")
        one.locator("textarea").fill("Corrected.")
        one.locator("button").click()
        page.locator("article", has_text=said).locator(".note.good").wait_for()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_leg_is_chosen_by_the_keyboard_and_the_truck_moves(
    chromium: Any, address: str, width: int, language: str
) -> None:
    with opened(chromium, address, width=width, reduced_motion="reduce") as page:
        sign_in(page, address, "mei", f"/map?vehicle=V1&month={MONTH}&lang={language}")
        page.wait_for_selector("body.has-map")
        assert overflow(page) <= 0
        second = page.locator("[data-leg] button").nth(1)
        second.focus()
        before = page.locator("#moment").inner_text()
        page.keyboard.press("Enter")
        assert second.get_attribute("aria-pressed") == "true"
        assert page.locator("#moment").inner_text() != before
        chosen = page.locator("#moment").inner_text()
        page.locator("#time").focus()
        page.keyboard.press("End")
        assert page.locator("#moment").inner_text() != chosen


def test_without_webgl_the_list_stays(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
        sign_in(page, address, "mei", f"/map?vehicle=V1&month={MONTH}&lang=en")
        page.get_by_text("WebGL is missing").wait_for()
        assert not page.locator("#map").is_visible()
        assert page.locator("[data-leg] dl").first.is_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stranger_verifies_what_a_driver_was_given(
    chromium: Any, address: str, settings: Settings, tmp_path: Path, language: str
) -> None:
    proof = make_statement(settings, "D1", MONTH).proof
    assert proof is not None
    path = tmp_path / "statement.json"
    path.write_text(proof.text(), encoding="utf-8")
    with opened(chromium, address, width=390) as page:
        page.goto(f"{address}/verify?lang={language}")
        page.set_input_files("[name=document]", path)
        page.locator("main form[method=post] button").click()
        page.locator("[role=status]", has_text="✓").wait_for()
        assert overflow(page) <= 0
