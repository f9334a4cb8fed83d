"""The manager's pages in a real browser: both widths, both languages, nothing from elsewhere."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from fleet_carbon.services.closing import close_month
from fleet_carbon.services.ingesting import ingest_files
from fleet_carbon.services.users import create_user
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH
from tests.web.conftest import served
from tests.web.test_months import three_trucks

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
PASSWORD = "correct horse battery"
_ALONE = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

if CHROMIUM is None:
    pytest.skip("there is no chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service with three trucks and a closed month answers."""
    folder = tmp_path_factory.mktemp("pages")
    settings = Settings(home=folder / "home", fleet="north", cookie_secure=False)
    for kind, path in three_trucks().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    create_user(settings, "mei", "manager", password=PASSWORD)
    service = served(settings)
    server = make_server("127.0.0.1", 0, service.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(timeout=10)
    service.client.application.extensions["jobs"].close()


@pytest.mark.parametrize("width_px", [390, 1440])
@pytest.mark.parametrize(("locale", "title"), [("en-US", "Overview"), ("zh-CN", "总览")])
def test_a_manager_sees_the_fleet(
    address: str, tmp_path: Path, width_px: int, locale: str, title: str
) -> None:
    faults: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(_ALONE))
        page = browser.new_page(viewport={"width": width_px, "height": 900}, locale=locale)
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on(
            "request",
            lambda asked: (
                asked.url.startswith((address, "data:", "blob:")) or faults.append(asked.url)
            ),
        )
        page.goto(f"{address}/sign-in")
        for name, given in (("fleet", "north"), ("name", "mei"), ("password", PASSWORD)):
            page.fill(f"[name={name}]", given)
        page.click("main button")
        page.wait_for_selector(".chart svg")
        assert page.inner_text("h1") == title
        # A definition opens by keyboard and closes with Escape.
        page.focus("details.about summary")
        page.keyboard.press("Enter")
        assert page.locator("details.about[open]").count() == 1
        page.keyboard.press("Escape")
        assert page.locator("details.about[open]").count() == 0
        for path in ("/", "/drivers", "/vehicles", "/lanes", "/drivers/D1", f"/months/{MONTH}"):
            answer = page.goto(f"{address}{path}")
            assert answer.status == 200, path
            page.wait_for_load_state("networkidle")
            wide_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide_px <= 0, path
        browser.close()
    assert faults == []
