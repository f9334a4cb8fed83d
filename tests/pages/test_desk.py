"""Administrators and managers at work in a browser: people and keys, files, baselines, a close."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.people.users import create_user
from fleet_carbon.services.running.jobs import worker
from fleet_carbon.settings import Settings
from tests.pages.conftest import JOURNEYS, PASSWORD, answering, follow, opened, overflow, sign_in
from tests.services.tiny_fleet import MONTH, TinyFleet

pytestmark = pytest.mark.slow

PATHS = ("/users", "/keys", "/files", "/files/1", "/baselines", "/prices", f"/months/{MONTH}")
TRUCKS = "vehicle_id,rated_payload_t\nW{n}1,20\nW{n}2,heavy\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the tiny fleet is, never closed, with an administrator, a manager and a worker."""
    folder = tmp_path_factory.mktemp("desk")
    settings = Settings(home=folder / "home", fleet="north", cookie_secure=False)
    for kind, path in TinyFleet().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    for name, role in (("boss", "admin"), ("mei", "manager")):
        create_user(settings, name, role, password=PASSWORD)
    with answering(settings) as address, working(settings):
        yield address


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """A worker in a thread of its own: that of the browser has a loop, beside which none starts."""
    is_over = threading.Event()

    def work() -> None:
        with worker(settings):
            is_over.wait()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    is_over.set()
    thread.join()


def csv(name: str, text: str) -> dict[str, Any]:
    """A file as it is chosen in a browser."""
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def sure(page: Any, action: str) -> None:
    """Open what asks whether one is sure, and say yes."""
    asked = page.locator("details.sure", has=page.locator(f"form[action$='{action}']")).first
    asked.locator("summary").press("Enter")
    follow(asked.locator("button"))


# Before the files of the next tests: with them the account of D1 has no baseline that counts.
@pytest.mark.parametrize(("width", "language"), JOURNEYS)
def test_a_month_is_tried_closed_and_its_baselines_are_told(
    chromium: Any, desk: str, width: int, language: str
) -> None:
    with opened(chromium, desk, width=width) as page:
        sign_in(page, desk, "mei", f"/months/{MONTH}?lang={language}")
        before = page.locator("details.run").count()
        follow(page.locator("form[action$='/preview'] button"))
        page.locator("#result form[action$='/close'] button").wait_for()
        assert overflow(page) <= 0
        assert page.locator("details.run").count() == before  # nothing is on record by that
        follow(page.locator("#result form[action$='/close'] button"))
        page.locator("#result a[href='/files']").wait_for()
        expect(page.locator("details.run")).to_have_count(before + 1)
        assert overflow(page) <= 0
        page.goto(f"{desk}/baselines?q=D1")
        assert page.locator("tr.counted").count() == 1
        page.fill("[name=driver_id]", "D1")
        page.fill("[name=valid_from]", f"20{70 + JOURNEYS.index((width, language))}-01-01")
        page.fill("[name=empty_share]", "30")
        page.fill("[name=payload_utilisation_share]", "80")
        follow(page.locator("form[action='/baselines'][method=post] button"))
        follow(page.locator("#lines [role=status] a"))
        assert page.locator("details.sure").is_visible()  # the way back


@pytest.mark.parametrize(("width", "language"), JOURNEYS)
def test_an_administrator_lets_somebody_in_and_out_again(
    chromium: Any, desk: str, width: int, language: str
) -> None:
    login = f"ann{width}{language}@example.org"
    with opened(chromium, desk, width=width) as page:
        sign_in(page, desk, "boss", f"/users?lang={language}")
        assert not page.locator("[name=driver_id]").is_visible()
        page.locator("[name=role]").select_option("driver")
        expect(page.locator("[name=driver_id]")).to_be_visible()
        page.locator("[name=role]").select_option("auditor")
        page.fill("[name=login]", login)
        follow(page.locator("form.card button"))
        link = page.locator("[data-secret]").input_value()
        assert overflow(page) <= 0
        with opened(chromium, desk, width=width, locale=language) as other:
            other.goto(link)
            other.fill("[name=password]", PASSWORD)
            follow(other.locator("article button"))
            assert other.url == f"{desk}/"
        page.goto(f"{desk}/users")
        follow(page.get_by_text(login))
        page.locator("[name=role]").select_option("manager")
        follow(page.locator("form[action$='/role'] button"))
        follow(page.locator("form.undo button"))
        assert page.locator("form.card [name=role]").input_value() == "auditor"
        sure(page, "/end")
        follow(page.locator("form[action$='/restoration'] button"))
        assert page.locator("form[action$='/invitations']").is_visible()


@pytest.mark.parametrize(("width", "language"), JOURNEYS)
def test_an_administrator_makes_a_key_and_revokes_it(
    chromium: Any, desk: str, width: int, language: str
) -> None:
    with opened(chromium, desk, width=width) as page:
        sign_in(page, desk, "boss", f"/keys?lang={language}")
        page.fill("[name=name]", f"Gateway {width} {language}")
        follow(page.locator("form.card > button"))
        assert page.locator("[data-secret]").input_value().startswith("fck_")
        assert overflow(page) <= 0
        sure(page, "/end")
        row = page.locator("tr", has_text=f"Gateway {width} {language}")
        assert "over" in row.get_attribute("class")


@pytest.mark.parametrize(("width", "language"), JOURNEYS)
def test_files_are_sent_with_progress_and_refused_rows_are_read(
    chromium: Any, desk: str, width: int, language: str
) -> None:
    with opened(chromium, desk, width=width, accept_downloads=True) as page:
        sign_in(page, desk, "mei", f"/files?lang={language}")
        rows = TRUCKS.format(n=f"{width}{language}")
        page.set_input_files(
            "[name=file]", [csv("list.csv", rows), csv("drivers.csv", "driver_id\nD1\n")]
        )
        first, second = (page.locator("[data-queue] > li").nth(at) for at in (0, 1))
        expect(second.locator("select")).to_have_value("drivers")
        page.locator("form.card .deeds > button").first.click()
        # What the name does not tell is asked for, and the keyboard is there already.
        expect(first.locator("select")).to_be_focused()
        first.locator("select").select_option("vehicles")
        # How they would be read is told first; they still wait then.
        page.locator("[name=preview]").click()
        page.locator("[data-previews] section").nth(1).wait_for()
        assert page.locator("[data-previews]", has_text="rated_payload_t").is_visible()
        assert page.locator("[data-queue] > li.taken").count() == 0
        assert overflow(page) <= 0
        page.locator("form.card .deeds > button").first.click()
        second.locator("xpath=self::li[contains(@class, 'taken')]").wait_for()
        assert overflow(page) <= 0
        expect(page.locator("[data-arrived] td", has_text="list.csv").first).to_be_visible()
        follow(first.locator("a"))
        assert page.locator("table.refusals td", has_text="rated_payload_t").first.is_visible()
        assert overflow(page) <= 0
        with page.expect_download() as got:
            page.locator("a[download]").click()
        assert "heavy" in got.value.path().read_text(encoding="utf-8-sig")
        page.locator("details.sure summary").press("Enter")
        expect(page.locator("[name=reason]")).to_be_visible()
        page.fill("[name=reason]", "Only tried")
        follow(page.locator("button.grave"))
        assert page.locator("[role=status]", has_text="Only tried").is_visible()


def test_files_are_sent_without_scripts(chromium: Any, desk: str) -> None:
    with opened(chromium, desk, width=390, java_script_enabled=False) as page:
        sign_in(page, desk, "mei", "/files?lang=zh")
        files = [csv("drivers.csv", "driver_id\nD1\n"), csv("vehicles.csv", TRUCKS.format(n=0))]
        page.set_input_files("[name=file]", files)
        follow(page.locator("form.card .deeds > button").first)
        assert page.locator("section[role=status]").count() == 2
        assert page.locator("table.refusals").is_visible()


@pytest.mark.parametrize(("width", "language"), JOURNEYS)
def test_every_page_fits_its_window(chromium: Any, desk: str, width: int, language: str) -> None:
    with opened(chromium, desk, width=width) as page:
        sign_in(page, desk, "boss", f"/?lang={language}")
        for path in PATHS:
            assert page.goto(f"{desk}{path}").status == 200, path
            assert overflow(page) <= 0, path


def test_the_bar_of_who_may_see_all_stands_in_one_line(chromium: Any, desk: str) -> None:
    with opened(chromium, desk, width=1440) as page:
        sign_in(page, desk, "boss", "/users?lang=en")
        assert page.locator("header.bar nav a").count() > 12
        assert page.evaluate("document.querySelector('header.bar').offsetHeight") < 70
