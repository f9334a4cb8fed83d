"""A browser, and a fleet of odd cases with people of all roles behind pages."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from fleet_carbon.services.intake import pricing
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers import disputing
from fleet_carbon.services.people.users import create_user
from fleet_carbon.settings import Settings
from tests.pages.odd_fleet import DECEMBER, PRICES, odd_fleet
from tests.services.tiny_fleet import MONTH
from tests.web.conftest import served

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
)
PASSWORD = "correct horse battery"
WIDTHS = (390, 1440)
LANGUAGES = ("zh", "en")
JOURNEYS = tuple((width, language) for width in WIDTHS for language in LANGUAGES)
# Nobody waits as long where all is well, and a machine with other work is no fault.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
PEOPLE = {"mei": "manager", "admin": "admin", "li": "dispatcher", "shen": "auditor"}
DRIVERS = {"zhang": "D1", "gulinar": "D2", "ouyang": "D3"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a network of its own; it goes with the module, for its loop of events
    would be taken for their own by tests of others that this process runs later.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is absent: apt-get install chromium.")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def answering(settings: Settings) -> Iterator[str]:
    """The pages of a home answer, on this machine alone; yields where."""
    app = served(settings).client.application
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["jobs"].close()


@pytest.fixture(scope="session")
def odd_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The fleet of odd cases, its two months closed, with prices, people and disputes."""
    folder = tmp_path_factory.mktemp("odd")
    settings = Settings(home=folder / "home", fleet="north", cookie_secure=False)
    for price in PRICES:
        pricing.set_price(settings, price)
    for kind, path in odd_fleet().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    for month in (DECEMBER, MONTH):
        close_month(settings, month)
    for name, role in PEOPLE.items():
        create_user(settings, name, role, password=PASSWORD)
    for name, driver_id in DRIVERS.items():
        create_user(settings, name, "driver", driver_id=driver_id, password=PASSWORD)
    disputing.raise_dispute(settings, "D1", MONTH, text="装货地点不对。", order_id="2503-1-0")
    disputing.raise_dispute(settings, "D2", MONTH, text="少算一趟。")
    disputing.answer_dispute(settings, 2, outcome="noted", text="已核对。", answered_by="mei")
    return settings


@pytest.fixture(scope="session")
def odd_address(odd_settings: Settings) -> Iterator[str]:
    """Where the pages of the odd fleet are."""
    with answering(odd_settings) as address:
        yield address


@contextmanager
def opened(
    chromium: Any, address: str, *, width: int = 1440, but: str = "", **how: Any
) -> Iterator[Any]:
    """A page; at its end nothing was asked of another server, and the console held no error.

    An error that has `but` in its text is expected.
    """
    context = chromium.new_context(viewport={"width": width, "height": 900}, **how)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    wrong: list[str] = []

    def hear(said: Any) -> None:
        if said.type in ("error", "warning") and not (but and but in said.text):
            wrong.append(said.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    ours = (address, "data:", "blob:")
    page.on("request", lambda one: None if one.url.startswith(ours) else wrong.append(one.url))
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def follow(pressed: Any, key: str = "") -> None:
    """Click on what leads to another page, or press a key on it, until the other page stands.

    What is looked at right after a bare click is still the page before, or half of the next.
    """
    with pressed.page.expect_navigation(wait_until="load"):
        if key:
            pressed.press(key)
        else:
            pressed.click()


# Who went through the door once keeps the session, as a browser does.
_sessions: dict[tuple[str, str], list[Any]] = {}


def sign_in(page: Any, address: str, name: str, wanted: str) -> None:
    """Through the door to a page; a stranger, who has no name, goes there as he is."""
    if not name:
        page.goto(address + wanted)
        return
    if (address, name) in _sessions:
        page.context.add_cookies(_sessions[address, name])
        page.goto(address + wanted)
        return
    page.goto(f"{address}/sign-in?next=/verify")
    page.fill("[name=fleet]", "north")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    follow(page.locator("article button"))
    _sessions[address, name] = page.context.cookies()
    page.goto(address + wanted)


def overflow(page: Any) -> int:
    """By how much the page, once it stands with its styles, is wider than the window. [pixel]"""
    page.wait_for_load_state("load")
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
