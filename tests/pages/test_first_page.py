"""What the first look at a page costs: bytes on the wire, in a browser that has kept nothing."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.pages.conftest import PATIENCE_MS, opened, sign_in

BYTES_MAX = 400_000  # of a first page without the map
_KEPT = "public, max-age=31536000, immutable"


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
def test_a_first_page_comes_in_400_kilobytes(chromium: Any, odd_address: str, locale: str) -> None:
    with opened(chromium, odd_address, locale=locale) as page:
        door = looked_at(page, f"{odd_address}/sign-in", shows="article button")
        assert 20_000 < sum(door.values()) < BYTES_MAX / 2, door
        sign_in(page, odd_address, "mei", "/verify")
        came = looked_at(page, f"{odd_address}/", shows=".chart svg")
        assert any("echarts" in one for one in came)
        assert any(one.endswith(".woff2") for one in came)
        # Names of people and places are not of the page: where a machine has no Chinese font of its
        # own, a slice of ours comes with each that is new.
        ours = {one: n for one, n in came.items() if not re.search(r"noto-sans-sc-|han-rest", one)}
        assert 250_000 < sum(ours.values()) < BYTES_MAX, came


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
