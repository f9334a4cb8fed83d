"""Every page, found by the routes themselves: whole, quiet, narrow enough, in one language, and
for everybody: axe-core finds nothing serious, the keyboard leads through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from assets.collect import fetched
from fleet_carbon.settings import Settings
from tests.pages.conftest import DRIVERS, PEOPLE, opened, overflow, sign_in
from tests.pages.odd_fleet import DECEMBER, NAMES, PLATES, SHIPPER
from tests.services.tiny_fleet import MONTH
from tests.web.conftest import served

HERE = Path(__file__).resolve().parent
# What stands in the places of an address.
FILLED = {"driver_id": "D2", "month": MONTH, "vehicle_id": "V1", "number": "1"}
NO_PAGES = re.compile(r"\.geojson$")
# Beside the addresses of the routes: what else a page can be.
STATES = (
    ("/?driver=D5", 200),
    (f"/?month={DECEMBER}", 200),
    ("/drivers?sort=-saved&q=欧阳", 200),
    ("/drivers?q=nobody", 200),
    (f"/drivers/D3/statements/{MONTH}", 200),
    (f"/drivers/D4/statements/{MONTH}", 200),
    (f"/drivers/D5/statements/{MONTH}", 200),
    (f"/my?month={DECEMBER}", 200),
    (f"/map?vehicle=川A67890&month={DECEMBER}", 200),
    ("/verify?serial=x", 200),
    ("/drivers/D4", 404),
    ("/months/nonsense", 422),
    ("/nowhere", 404),
)
SERIOUS = ("serious", "critical")
# Words of other languages that are the same in Chinese: names of formats, series and systems.
SAME = {
    *("PDF", "JSON", "CSV", "XLSX", "Parquet", "SHA", "WGS", "GCJ", "UTC", "GPS", "CNY", "CEA"),
    *("YYYY", "MM", "DD", "diesel", "cn-freight", "statement.json", "fleet-carbon", "verify"),
    *("ZIP", "HTML", "SMTP", "CO", "BD", "KML", "API"),
}
_TEXTS = """() => {
  const held = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const foreign = "script, style, code, .sources, [lang=en]";
  for (let one; (one = walk.nextNode()); )
    if (!one.parentElement.closest(foreign)) held.push(one.textContent);
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const one of document.querySelectorAll(`[${name}]`))
      if (!one.closest(foreign)) held.push(one.getAttribute(name));
  return held;
}"""
_WORD = re.compile(r"(?<!\w)[A-Za-z][A-Za-z'._-]{2,}")


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, of the version that the lock beside this file names."""
    modules = fetched(HERE, tmp_path_factory.mktemp("axe"))
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def pages(odd_settings: Settings) -> list[tuple[str, int]]:
    """The address of every page, and the status that it has."""
    app = served(odd_settings).client.application
    found = [(address, 200) for address in _addresses(app)]
    app.extensions["jobs"].close()
    return [*found, *STATES]


def _addresses(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("pages.") or "GET" not in (rule.methods or ()):
            continue
        if not NO_PAGES.search(rule.rule):
            missing = rule.arguments - FILLED.keys()
            assert not missing, f"{rule.rule}: what stands for {missing} is to be told here"
            yield re.sub(r"<(?:\w+:)?(\w+)>", lambda found: FILLED[found[1]], rule.rule)


def foreign_words(texts: list[str]) -> set[str]:
    """Words that nobody translated; names of the fleet are as they are."""
    known = {*SAME, *NAMES.values(), *PLATES.values(), SHIPPER, *DRIVERS, *PEOPLE, "north"}
    known_words = {word for one in known for word in _WORD.findall(one)}
    found = {word.strip("'._-") for text in texts for word in _WORD.findall(_without_keys(text))}
    return {word for word in found - known_words if len(word) > 2 and "_" not in word}


def _without_keys(text: str) -> str:
    """Without serials, accounts, columns and files, which are names in every language."""
    return re.sub(r"\S*[/:]\S*[A-Za-z]\S*|\b\w+\.(?:csv|json|\w+_\w+)\b|[A-Z]+-[A-Z]+", " ", text)


def violations(page: Any, axe: str) -> list[str]:
    """What axe-core finds serious on a page."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']}: {node['html']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(
    ("language", "theme", "width"), [("zh", "light", 390), ("en", "dark", 1440)]
)
def test_every_page_is_whole(
    chromium: Any,
    odd_address: str,
    pages: list[tuple[str, int]],
    axe: str,
    language: str,
    theme: str,
    width: int,
) -> None:
    faults: dict[str, Any] = {}
    how = {"width": width, "color_scheme": theme, "reduced_motion": "reduce", "bypass_csp": True}
    expected = "status of 4"  # a page that tells a problem is told so by the browser, too
    with opened(chromium, odd_address, but=expected, **how) as page:
        sign_in(page, odd_address, "admin", f"/verify?lang={language}")
        for address, status in pages:
            answer = page.goto(odd_address + address)
            found = {
                "status": answer.status if answer.status != status else "",
                "too wide [px]": max(0, overflow(page)),
                "axe": violations(page, axe),
                "words": foreign_words(page.evaluate(_TEXTS)) if language == "zh" else "",
            }
            if any(found.values()):
                faults[address] = {name: held for name, held in found.items() if held}
    assert faults == {}


def test_the_keyboard_leads_through_a_page(chromium: Any, odd_address: str) -> None:
    with opened(chromium, odd_address) as page:
        sign_in(page, odd_address, "zhang", "/my?lang=en")
        page.keyboard.press("Tab")
        skip = page.locator("a.skip")
        assert skip.bounding_box()["x"] >= 0, "the link to the content comes into sight"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        seen = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            style, tag = page.evaluate(
                "[getComputedStyle(document.activeElement).outlineStyle,"
                " document.activeElement.tagName]"
            )
            seen.add(tag)
            assert style != "none" or tag == "BODY", f"{tag} does not show that it is chosen"
        assert {"A", "SUMMARY", "SELECT", "TEXTAREA", "BUTTON"} <= seen
