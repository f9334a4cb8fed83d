"""Tests of pages wait for what they look at: a click has no effect yet when it returns."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[1] / "pages"
ACTS = {"click", "dblclick", "hover", "move", "press", "tap"}
# What the statement after an act begins with, if it waits for the effect; a mouse that moves away
# undoes it.
WAITING = ("expect(", "follow(", "with page.expect_", "sure(", "page.mouse.move(")
# It moves the focus within the page, at once.
AT_ONCE = "press('Tab')"


def blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def is_act(statement: ast.stmt) -> bool:
    """Whether a statement only clicks or presses."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    is_call_of_method = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    return is_call_of_method and call.func.attr in ACTS and AT_ONCE not in ast.unparse(call)


def waits(statement: ast.stmt) -> bool:
    said = ast.unparse(statement).partition("\n")[0]
    return said.startswith(WAITING) or ".wait_for" in said


def seen_too_soon(name: str, text: str) -> list[str]:
    """Where something else is done after a click than to wait for what comes of it."""
    return [
        f"{name}:{then.lineno} {ast.unparse(then)}"
        for block in blocks(ast.parse(text))
        for act, then in pairwise(block)
        if is_act(act) and not waits(then)
    ]


def test_what_follows_on_a_click_is_awaited_before_it_is_looked_at() -> None:
    found = []
    for path in sorted(PAGES.glob("test_*.py")):
        found += seen_too_soon(path.name, path.read_text(encoding="utf-8"))
    assert found == [], "say follow(...) where another page opens, expect(...) where none does"


@pytest.mark.parametrize(
    "then",
    [
        "assert page.locator('tr').count() > 2",
        "assert page.url == there",
        "leg = page.locator('h1').inner_text()",
        "for row in page.locator('tr').all():\n    pass",
        "page.fill('[name=text]', said)",
        "page.locator('a').last.click()",
    ],
)
def test_a_look_right_after_a_click_is_found(then: str) -> None:
    assert seen_too_soon("x.py", f"page.locator('a').first.click()\n{then}\n")
    assert not seen_too_soon("x.py", f"follow(page.locator('a').first)\n{then}\n")
