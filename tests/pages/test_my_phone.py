"""A driver's statement in the hand: what is seen without scrolling, and what a thumb hits."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from fleet_carbon.services.papers.stating import make_statement
from fleet_carbon.settings import Settings
from tests.pages.conftest import opened, overflow, sign_in
from tests.services.tiny_fleet import MONTH

PHONE = (390, 844)
TARGETS = "a, button, summary, select, textarea, input:not([type=hidden])"
TARGET_PX_MIN = 44
# What is wider than the place it has, once all is open that opens.
_CUT_WHERE_OPEN = """() => {
  for (const one of document.querySelectorAll(".statement details")) one.open = true;
  return [...document.querySelectorAll(".statement .scroll, .statement [role=note]")]
    .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent);
}"""


def too_small(page: Any) -> list[str]:
    """What is shown to be pressed and smaller than a thumb; a link to skip shows when it is at."""
    return list(
        page.evaluate(
            """([targets, least]) => [...document.querySelectorAll(targets)].filter((one) => {
              const box = one.getBoundingClientRect();
              const is_small = Math.min(box.width, box.height) < least;
              return one.checkVisibility() && one.className !== "skip" && is_small;
            }).map((one) => one.outerHTML)""",
            [TARGETS, TARGET_PX_MIN],
        )
    )


@pytest.mark.parametrize(("name", "driver_id"), [("zhang", "D1"), ("ouyang", "D3")])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_driver_sees_every_main_figure_without_scrolling_and_hits_what_is_pressed(
    chromium: Any,
    odd_address: str,
    odd_settings: Settings,
    name: str,
    driver_id: str,
    language: str,
) -> None:
    width, height = PHONE
    composed = make_statement(odd_settings, driver_id, MONTH, language=language).composed
    figures = [one["text"] for one in composed["headline"]]
    figures += [
        one["sentence"] if one["text"] == "–" else one["text"] for one in composed["against"]
    ]
    with opened(chromium, odd_address, width=width) as page:
        sign_in(page, odd_address, name, f"/?lang={language}")
        assert page.url.startswith(f"{odd_address}/my")
        assert overflow(page) <= 0
        tiles = page.locator(".statement .tile")
        assert tiles.count() == len(figures)
        for tile, figure in zip(tiles.all(), figures, strict=True):
            assert figure in tile.inner_text()
            box = tile.bounding_box()
            assert box["y"] + box["height"] <= height
        assert too_small(page) == []
        definition = composed["headline"][0]["definition"]
        tiles.first.locator("summary").press("Enter")
        expect(tiles.first).to_contain_text(definition, use_inner_text=True)
        assert page.evaluate(_CUT_WHERE_OPEN) == []
        assert overflow(page) <= 0
        code = page.locator(".statement .code svg")
        assert code.get_attribute("viewBox")  # it is drawn whole, whatever its size
