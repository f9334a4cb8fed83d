"""Charts as SVG: the option dicts of a page, drawn by the same Apache ECharts without a browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

import quickjs  # type: ignore[import-untyped]  # ships no types

from fleet_carbon.papers.assets import asset

# QuickJS has no timers and no console; a drawing needs neither.
_WORLD = """
globalThis.setTimeout = globalThis.setInterval = () => 0;
globalThis.clearTimeout = globalThis.clearInterval = () => {};
globalThis.console = {log() {}, warn() {}, error() {}, info() {}};
"""
_DRAW = """
globalThis.draw = (option, width, height) => {
  const chart = echarts.init(null, null, {renderer: 'svg', ssr: true, width, height});
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return JSON.stringify(svg);
};
"""
# Identifiers count the charts that a context drew before; that is no part of a chart.
_IDENTIFIER = re.compile(r"\bzr\d+-")
_kept = threading.local()


def chart_svg(option: Mapping[str, Any], width: int, height: int, *, name: str) -> str:
    """A chart as SVG text; the same option gives the same text.

    Parameters
    ----------
    option : mapping
        Option dict of Apache ECharts, JSON-ready.
    width, height : int
        Size. [px]
    name : str
        Stands in the identifiers of the drawing, so that several may stand on one page.
    """
    # As JSON text and back: the engine's own strings come in a form that cannot be handed out.
    told = json.dumps(option, ensure_ascii=True, allow_nan=False)
    drawn = json.loads(_engine().eval(f"draw({told}, {int(width)}, {int(height)})"))
    return _numbered_anew(_IDENTIFIER.sub(f"{name}-", drawn), name)


def _numbered_anew(svg: str, name: str) -> str:
    """Classes count on from those of drawings before: here each drawing begins with its own."""
    numbers: dict[str, int] = {}

    def anew(found: re.Match[str]) -> str:
        return f"{name}-cls-{numbers.setdefault(found[1], len(numbers))}"

    return re.sub(rf"\b{re.escape(name)}-cls-(\d+)", anew, svg)


def _engine() -> quickjs.Context:
    """The engine of this thread: it takes a quarter of a second to start, so it is kept."""
    engine: quickjs.Context | None = getattr(_kept, "engine", None)
    if engine is None:
        engine = quickjs.Context()
        engine.eval(_WORLD)
        engine.eval(asset("static/echarts.min.js").read_text(encoding="utf-8"))
        engine.eval(_DRAW)
        _kept.engine = engine
    return engine
