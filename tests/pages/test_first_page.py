"""What the first look at a page costs: bytes on the wire, in a browser that has kept nothing."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pages.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS, opened, sign_in

BYTES_MAX = 400_000  # of a first page without the map
_KEPT = "public, max-age=31536000, immutable"
_FONTS = Path(__file__).resolve().parents[2] / "fleet_carbon" / "_collected" / "assets" / "fonts"
_LOADED = """() => document.fonts.ready.then(() => [...document.fonts]
  .filter((one) => one.status === "loaded").map((one) => one.family.replaceAll('"', "")))"""


@pytest.fixture(scope="module", params=["a Latin font", "a Chinese font"])
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, bool]]:
    """A browser on a machine with no font but a Latin or a Chinese one; and whether it has that."""
    if CHROMIUM is None:
        pytest.skip("Chromium is absent: apt-get install chromium.")
    sync_api = pytest.importorskip("playwright.sync_api")
    folder = tmp_path_factory.mktemp("fonts")
    is_chinese = request.param == "a Chinese font"
    name = "NotoSansSC-Regular.ttf" if is_chinese else "NotoSans-Regular.ttf"
    (folder / name).symlink_to(_FONTS / name)
    told = folder / "fonts.conf"
    told.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{folder}</dir><cachedir>{folder / 'cache'}</cachedir>"
        "</fontconfig>"
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS), env={"FONTCONFIG_FILE": str(told)}
        )
        yield browser, is_chinese
        browser.close()


def looked_at(page: Any, address: str, *, shows: str) -> dict[str, int]:
    """Bytes that came over the wire for a page until it shows what it is to, by address."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    names: dict[str, str] = {}
    came: dict[str, int] = {}
    ended: set[str] = set()
    session.on(
        "Network.requestWillBeSent",
        lambda one: names.update({one["requestId"]: one["request"]["url"]}),
    )
    session.on(
        "Network.loadingFinished",
        lambda one: came.update({names.get(one["requestId"], ""): int(one["encodedDataLength"])}),
    )
    for how in ("Network.loadingFinished", "Network.loadingFailed"):
        session.on(how, lambda one: ended.add(one["requestId"]))
    page.goto(address)
    page.wait_for_selector(shows)
    page.evaluate("document.fonts.ready.then(() => true)")
    until_s = time.monotonic() + PATIENCE_MS / 1000
    while not names.keys() <= ended and time.monotonic() < until_s:
        page.wait_for_timeout(20)
    return came


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_a_first_page_comes_in_400_kilobytes(
    machine: tuple[Any, bool], odd_address: str, locale: str
) -> None:
    browser, is_chinese = machine
    with opened(browser, odd_address, locale=locale) as page:
        door = looked_at(page, f"{odd_address}/sign-in", shows="article button")
        assert 20_000 < sum(door.values()) < BYTES_MAX / 2, door
        sign_in(page, odd_address, "mei", "/verify")
        came = looked_at(page, f"{odd_address}/", shows=".chart svg")
        assert any("echarts" in one for one in came)
        assert 250_000 < sum(came.values()) < BYTES_MAX, came
        # Names of people come with a page only to whom they would be boxes, and only these.
        letters = [n for one, n in came.items() if "/letters/" in one]
        assert len(letters) == (0 if is_chinese else 1)
        assert ("Fleet Names" in page.evaluate(_LOADED)) == (not is_chinese)
        assert sum(letters) < 30_000
        assert not any("noto-sans-sc-" in one for one in came)


def test_a_driver_on_the_phone_waits_for_half_of_it(
    machine: tuple[Any, bool], odd_address: str
) -> None:
    browser, _ = machine
    with opened(browser, odd_address, width=390, locale="zh-CN") as page:
        sign_in(page, odd_address, "gulinar", "/verify")
        came = looked_at(page, f"{odd_address}/my", shows=".statement")
        assert 100_000 < sum(came.values()) < BYTES_MAX / 2, came


def test_what_a_browser_keeps_is_packed_and_named_by_its_content(odd_address: str) -> None:
    with urllib.request.urlopen(f"{odd_address}/sign-in", timeout=120) as answer:
        text = answer.read().decode()
    for address in re.findall(r"(?:src|href)=\"(/assets/[^\"]+)\"", text):
        asked = urllib.request.Request(odd_address + address, headers={"Accept-Encoding": "br"})
        with urllib.request.urlopen(asked, timeout=120) as answer:
            told = answer.headers
        assert told["Cache-Control"] == _KEPT
        asked.add_header("If-None-Match", told["ETag"])
        with pytest.raises(urllib.error.HTTPError) as unchanged:
            urllib.request.urlopen(asked, timeout=120)
        assert unchanged.value.code == 304
