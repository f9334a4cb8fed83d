"""Every page, found by the routes themselves: whole, quiet, narrow enough, in one language, and
for everybody: axe-core finds nothing serious, the keyboard leads through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from assets.collect import fetched
from fleet_carbon.ingest.dialects.registry import DIALECTS
from fleet_carbon.services.people.users import list_users
from fleet_carbon.settings import Settings
from fleet_carbon.web.pages.words import WORDS
from tests.pages.conftest import DRIVERS, PEOPLE, opened, overflow, sign_in
from tests.pages.odd_fleet import DECEMBER, NAMES, PLATES, SHIPPER
from tests.services.tiny_fleet import MONTH, drive_begins_at
from tests.web.conftest import served

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
# What stands in the places of an address, beside the user that the fleet was given.
FILLED = {
    "driver_id": "D2",
    "month": MONTH,
    "reception": "1",
    "vehicle_id": "V2",
    "order_id": "2503-2-0",
    "day": "2025-03-10",
    "started_at": f"{drive_begins_at(1):%Y-%m-%dT%H:%M:%S}.000Z",
}
NO_PAGES = re.compile(r"\.(geojson|csv|zip|xlsx|pdf|html)$")
STATUSES = {"/welcome": 410}  # without the key of an invitation
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
    (f"/inventory/customer?month={MONTH}&customer={SHIPPER}", 200),
    ("/verify?serial=x", 200),
    ("/drivers/D4", 404),
    ("/months/2025-99", 422),
    ("/nowhere", 404),
)
# Widths [pixel], and at each the themes.
Looks = Sequence[tuple[int, Sequence[str]]]
# Who looks: each sees other pages, and of the same other parts; the first sees all. The empty name
# is a stranger's; a customer's system comes by a key and sees no page.
WHO = ("admin", "mei", "li", "shen", "gulinar", "")
STEPS_MAX = 80
# It ends as narrow as it began.
LOOKS = ((390, ("light", "dark")), (1440, ("dark", "light")), (390, ()))
# In another language names, labels and lengths are others; not what widths and themes do.
LOOKS_AGAIN = ((390, ("dark",)), (1440, ()), (390, ()))
# By all rules whose faults are serious or worse; of each fault no more than what is told.
_SERIOUS_FAULTS = """() => axe.run(document, {
  resultTypes: ["violations"], preload: false, selectors: false, ancestry: false, xpath: false,
  runOnly: axe._audit.rules
    .filter((one) => one.enabled && ["serious", "critical"].includes(one.impact))
    .map((one) => one.id),
}).then((found) => found.violations)"""
# Words of other languages that are the same in Chinese: names of formats, series and systems.
SAME = {
    *(
        "CAN",
        "PDF",
        "JSON",
        "CSV",
        "XLSX",
        "Parquet",
        "SHA",
        "WGS",
        "GCJ",
        "UTC",
        "GPS",
        "CNY",
        "CEA",
    ),
    *("YYYY", "MM", "DD", "cn-freight", "statement.json", "fleet-carbon", "verify"),
    *("ZIP", "HTML", "SMTP", "CO", "BD", "API", "Webhook", "gzip", "OCPI", "Motive"),
    *("YAML", "ISO", "GLEC", "GCD", "SFD", "DAF", "TTW", "WTW", "FTL", "LTL", "iLEAP", "PACT"),
}
_TEXTS = """() => {
  const held = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const foreign = "script, style, code, .sources, [lang=en], [translate=no]";
  for (let one; (one = walk.nextNode()); )
    if (!one.parentElement.closest(foreign)) held.push(one.textContent);
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const one of document.querySelectorAll(`[${name}]`))
      if (!one.closest(foreign)) held.push(one.getAttribute(name));
  return held;
}"""
# Heads of figures, cards, and facts that are numbers, without what they mean, how sure they are
# and where they are from; and those whose unit stands nowhere.
_UNEXPLAINED = """() => {
  const number = /^[-+−]?[\\d.,]+(\\s*[^\\d\\s年月日:-]+)?$/, held = [];
  const heads = "main th.number, main .figure, main dl.facts > div,"
    + " .statement details.tile, .statement .running tbody tr, .statement .figures";
  for (const one of document.querySelectorAll(heads)) {
    const fact = one.querySelector("dd");
    if (fact && !number.test(fact.textContent.trim())) continue;
    const note = one.querySelector("details.about [role=note], .statement details [role=note]");
    if (!note || note.textContent.length < 20 || !/90\\s*%|interval|区间/.test(note.textContent))
      { held.push(one.textContent); continue; }
    const unit = note.querySelector("small")?.textContent.match(/^\\[(.+)\\]$/)?.[1];
    const outside = one.cloneNode(true);
    outside.querySelectorAll("details").forEach((about) => about.remove());
    const table = one.closest("table"), place = [...one.parentElement.children].indexOf(one);
    const rows = one.matches("th") ? [...table.tBodies[0].rows] : [];
    const cells = rows.map((row) => row.cells[place]?.textContent);
    const told = [outside.textContent, ...cells].join(" ");
    if (unit && /\\d/.test(told) && !told.includes(unit) && !/币种|currency/.test(unit))
      held.push(`${outside.textContent}: no ${unit}`);
  }
  return held.map((one) => one.trim().slice(0, 80));
}"""
# Cells of cards on a phone that do not say what the head of their column says: its unit, above all.
_OTHERWISE_CALLED = """() => {
  const held = [];
  for (const cell of document.querySelectorAll("table.stack tbody td[data-head]")) {
    const before = [...cell.parentElement.cells].slice(0, cell.cellIndex);
    const place = before.reduce((sum, one) => sum + one.colSpan, 0);
    const head = cell.closest("table").tHead.rows[0].cells[place].cloneNode(true);
    head.querySelectorAll("details").forEach((about) => about.remove());
    const called = head.textContent.replace(/\\s+/g, " ").trim();
    if (called !== cell.dataset.head.trim()) held.push(`${cell.dataset.head}: ${called}`);
  }
  return [...new Set(held)];
}"""
_OF_ONE_LOOK = re.compile(r'<code>\w+</code>|name="csrf_token" value="[^"]*"| aria-current="page"')
_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z'._-]{2,}(?![A-Za-z0-9_])")


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, of the version that the lock beside this file names."""
    modules = fetched(HERE, tmp_path_factory.mktemp("axe"))
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def pages(odd_settings: Settings) -> list[tuple[str, int]]:
    """The address of every page, and the status that it has."""
    app = served(odd_settings).client.application
    (user,) = [one for one in list_users(odd_settings).rows if one.login == "zhang"]
    filled = FILLED | {"user_id": user.user_id}
    found = [(address, STATUSES.get(address, 200)) for address in _addresses(app, filled)]
    app.extensions["jobs"].close()
    return [*found, *STATES]


def _addresses(app: Flask, filled: dict[str, str]) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("pages.") or "GET" not in (rule.methods or ()):
            continue
        if not NO_PAGES.search(rule.rule):
            missing = rule.arguments - filled.keys()
            assert not missing, f"{rule.rule}: what stands for {missing} is to be told here"
            yield re.sub(r"<(?:\w+:)?(\w+)>", lambda found: filled[found[1]], rule.rule)


def foreign_words(texts: list[str]) -> set[str]:
    """Words that nobody translated; names of the fleet are as they are."""
    systems = (one.title for one in DIALECTS.values() if f"dialect_{one.name}" not in WORDS)
    known = {
        *SAME,
        *systems,
        *NAMES.values(),
        *PLATES.values(),
        SHIPPER,
        *DRIVERS,
        *PEOPLE,
        "north",
    }
    known_words = {word for one in known for word in _WORD.findall(one)}
    found = {word.strip("'._-") for text in texts for word in _WORD.findall(_without_keys(text))}
    return {word for word in found - known_words if len(word) > 2 and "_" not in word}


def _without_keys(text: str) -> str:
    """Without serials, accounts, columns and files, which are names in every language."""
    return re.sub(r"\S*[/:]\S*[A-Za-z]\S*|\b\w+\.(?:csv|json|\w+_\w+)\b|[A-Z]+-[A-Z]+", " ", text)


def parts_of(html: str) -> set[str]:
    """The bar and the content of a page, without what says by whom, when or where it is read."""
    told = _OF_ONE_LOOK.sub("", html)
    bar, main = (re.search(f"(?s)<{part}.*?</{part}>", told) for part in ("nav", "main"))
    return {found[0] for found in (bar, main) if found}


def violations(page: Any) -> list[str]:
    """What axe-core, which the page has read, finds serious on it as it is shown now."""
    return [
        f"{one['id']}: {node['html']}"
        for one in page.evaluate(_SERIOUS_FAULTS)
        for node in one["nodes"]
    ]


def shown_wrongly(
    page: Any, axe: str, looks: Sequence[tuple[int, Sequence[str]]]
) -> dict[str, Any]:
    """What is wider than its window [pixel] or serious to axe-core, at these widths and themes."""
    page.evaluate(axe)
    found: dict[str, Any] = {}
    for width, themes in looks:
        page.set_viewport_size({"width": width, "height": 900})
        found[f"{width} too wide"] = max(overflow(page), found.get(f"{width} too wide", 0))
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            found[f"{width} {theme} axe"] = violations(page)
    return found


@pytest.mark.parametrize(
    ("language", "everybody", "looks"), [("zh", WHO, LOOKS), ("en", WHO[:1], LOOKS_AGAIN)]
)
def test_every_page_is_whole_for_everybody(
    chromium: Any,
    odd_address: str,
    pages: list[tuple[str, int]],
    axe: str,
    language: str,
    everybody: Sequence[str],
    looks: Looks,
) -> None:
    faults: dict[str, Any] = {}
    seen: set[str] = set()
    how = {"reduced_motion": "reduce", "bypass_csp": True}
    expected = "status of 4"  # a page that tells a problem is told so by the browser, too
    for name in everybody:
        with opened(chromium, odd_address, but=expected, width=390, **how) as page:
            sign_in(page, odd_address, name, f"/verify?lang={language}")
            for address, status in pages:
                if name != WHO[0] and not _is_new(page, odd_address + address, seen):
                    continue
                answer = page.goto(odd_address + address)
                seen |= parts_of(answer.text())
                allowed = {status} if name == WHO[0] else {status, HTTPStatus.FORBIDDEN}
                found = shown_wrongly(page, axe, looks) | {
                    "status": answer.status if answer.status not in allowed else "",
                    "unexplained": page.evaluate(_UNEXPLAINED),
                    "otherwise called": page.evaluate(_OTHERWISE_CALLED),
                    "words": foreign_words(page.evaluate(_TEXTS)) if language == "zh" else "",
                }
                if any(found.values()):
                    wrong = {of: held for of, held in found.items() if held}
                    faults[f"{name or 'a stranger'} {address}"] = wrong
    assert faults == {}


def _is_new(page: Any, address: str, seen: set[str]) -> bool:
    """Whether somebody sees there what nobody before did, and is led nowhere else."""
    answer = page.request.get(address, max_redirects=0, headers={"Accept": "text/html"})
    is_elsewhere = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
    return not is_elsewhere and not parts_of(answer.text()) <= seen


def test_the_keyboard_leads_through_a_page(chromium: Any, odd_address: str) -> None:
    with opened(chromium, odd_address) as page:
        sign_in(page, odd_address, "mei", "/?lang=en")
        page.keyboard.press("Tab")
        assert page.locator("a.skip").bounding_box()["x"] >= 0, "the way to the content is seen"
        page.keyboard.press("Enter")
        expect(page.locator("#content")).to_be_focused()
        seen = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            style, tag = page.evaluate(
                "[getComputedStyle(document.activeElement).outlineStyle,"
                " document.activeElement.tagName]"
            )
            # After the last one the browser's own come, and the page as a whole.
            assert style != "none" or tag == "BODY", f"{tag} does not show that it is chosen"
            seen.add(tag)
        assert {"A", "SUMMARY", "SELECT", "INPUT", "BUTTON"} <= seen
        # A definition opens by the keyboard, and closes with Escape.
        page.focus("details.about summary")
        page.keyboard.press("Enter")
        expect(page.locator("details.about[open]")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator("details.about[open]")).to_have_count(0)
        # So does the table behind a chart.
        page.wait_for_selector(".chart svg")
        page.focus("figure details summary")
        page.keyboard.press("Enter")
        expect(page.locator("figure details[open] table")).to_have_count(1)


@pytest.mark.parametrize(
    ("name", "address", "aims"),
    [
        ("mei", "/files", ("[name=file]", "form.card .deeds > button")),
        ("mei", f"/months/{MONTH}", ("form[action$='/preview'] button",)),
        ("mei", f"/map?vehicle=V1&month={MONTH}", ("#play", "#time")),
        ("zhang", "/my", ("#dispute select", "#dispute textarea", "#dispute button")),
    ],
)
def test_the_keyboard_reaches_what_a_page_is_for(
    chromium: Any, odd_address: str, name: str, address: str, aims: Sequence[str]
) -> None:
    with opened(chromium, odd_address, width=390) as page:
        sign_in(page, odd_address, name, f"{address}{'&' if '?' in address else '?'}lang=zh")
        if "/map" in address:
            page.wait_for_selector("body.has-map")
        page.focus("#content")
        for aim in aims:
            for _ in range(STEPS_MAX):
                page.keyboard.press("Tab")
                is_there, style, chosen = page.evaluate(
                    "aim => { const at = document.activeElement; return [at.matches(aim),"
                    " getComputedStyle(at).outlineStyle, at.outerHTML.slice(0, 200)]; }",
                    aim,
                )
                assert style != "none", f"{chosen} does not show that it is chosen"
                if is_there:
                    break
            assert is_there, f"{aim} is out of reach"
        if aims[-1] == "#time":
            before = page.locator("#moment").inner_text()
            page.keyboard.press("End")
            expect(page.locator("#moment")).not_to_have_text(before)
