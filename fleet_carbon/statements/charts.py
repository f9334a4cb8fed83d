"""Charts of a statement as option dicts of Apache ECharts: the same on pages and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet_carbon.statements.layout import width_of

# Told apart by people who are colour-blind, and readable on light and dark (Okabe and Ito 2008).
GAIN, LOSS, WHOLE = "#009e73", "#d55e00", "#0072b2"
# Stands for the colour of the text around: a page puts its own in its place.
INK = "#2b3a42"
FAINT = "#8a979e"
FONT = "Noto Sans SC, Noto Sans"
# Of a letter in a chart, of which a Chinese character takes two. [pixel]
_COLUMN_PX = 6.5
_DOT = "\N{MIDDLE DOT}"


def waterfall(
    names: Sequence[str], values: Sequence[float], texts: Sequence[str]
) -> dict[str, Any]:
    """Parts one after the other, each on top of those before; last the whole from zero.

    Parameters
    ----------
    names, texts : sequence of str
        Of each part and of the whole, and what stands at its bar.
    values : sequence of float
        The parts, and last their sum.
    """
    level, bars = 0.0, []
    for value in values[:-1]:
        bars.append((level, level + value))
        level += value
    bars.append((0.0, values[-1]))
    colours = [GAIN if value >= 0 else LOSS for value in values[:-1]] + [WHOLE]
    edges = [edge for bar in bars for edge in bar]
    return {
        **_plain(),
        "xAxis": {**_axis(), "data": list(names)},
        "yAxis": {"type": "value", "show": False, **_room(edges)},
        "series": _floating([(min(bar), max(bar)) for bar in bars], colours, texts),
    }


def months(names: Sequence[str], values: Sequence[float], texts: Sequence[str]) -> dict[str, Any]:
    """A bar a month, the last one in full colour.

    Parameters
    ----------
    names, texts : sequence of str
        Of each month, and what stands at its bar.
    values : sequence of float
        Their heights.
    """
    colours = [FAINT] * (len(values) - 1) + [WHOLE]
    data = [
        {"value": value, "itemStyle": {"color": colour}, **_label(text, "top")}
        for value, colour, text in zip(values, colours, texts, strict=True)
    ]
    return {
        **_plain(),
        "xAxis": {**_axis(), "data": list(names)},
        "yAxis": {"type": "value", "show": False, **_room(values)},
        "series": [{"type": "bar", "barMaxWidth": 46, "data": data, "silent": True}],
    }


def trend(names: Sequence[str], values: Sequence[float | None]) -> dict[str, Any]:
    """A bar a month with a scale beside it, for as many months as a year has.

    Parameters
    ----------
    names : sequence of str
        Of each month.
    values : sequence of float or None
        Their heights; None where nothing is known.
    """
    colours = [FAINT] * (len(values) - 1) + [WHOLE]
    data = [
        {"value": value, "itemStyle": {"color": colour}}
        for value, colour in zip(values, colours, strict=True)
    ]
    axis = _axis()
    axis["axisLabel"] = {**axis["axisLabel"], "interval": "auto"}
    scale = {
        "type": "value",
        "axisLabel": {"color": INK, "fontSize": 12},
        "splitLine": {"lineStyle": {"color": FAINT, "opacity": 0.25}},
        "splitNumber": 4,
    }
    return {
        **_plain(),
        "grid": {"left": 6, "right": 6, "top": 12, "bottom": 6, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {**axis, "data": list(names)},
        "yAxis": scale,
        "series": [{"type": "bar", "barMaxWidth": 46, "data": data}],
    }


def ranking(
    names: Sequence[str], values: Sequence[float], texts: Sequence[str], *, width: int = 104
) -> dict[str, Any]:
    """A bar to the right for each name, the first on top; below zero to the left.

    Parameters
    ----------
    names, texts : sequence of str
        Of each bar, and what stands at its end.
    values : sequence of float
        Their lengths.
    width : int
        Of a line of a name. [pixel]
    """
    data = [
        {
            "value": value,
            "itemStyle": {"color": WHOLE if value >= 0 else LOSS},
            **_label(text, "right" if value >= 0 else "left"),
        }
        for value, text in zip(values, texts, strict=True)
    ]
    return {
        **_plain(),
        "grid": {"left": 6, "right": 6, "top": 4, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "value", "show": False, **_room(values, beside_share=0.36)},
        "yAxis": {
            **_axis(),
            "data": [_shortened(name, width) for name in names],
            "inverse": True,
            # Names stand left of all bars, those below zero too.
            "axisLine": {"onZero": False, "show": False},
            "axisLabel": {
                **_axis()["axisLabel"],
                "width": width,
                "overflow": "break",
                "lineHeight": 14,
            },
        },
        "series": [{"type": "bar", "barMaxWidth": 22, "data": data, "silent": True}],
    }


def _shortened(name: str, width_px: int) -> str:
    """A name that has room in two lines beside its bar.

    Charts break lines by themselves, but take the dot between parts of a name for a letter and
    let run over what is joined by it.
    """
    line = int(width_px / _COLUMN_PX)
    shown = name
    while width_of(shown) > 2 * line - 4:  # not every line is filled
        shown = f"{shown.removesuffix('…')[:-1].rstrip()}…"
    if _DOT not in name:
        return shown
    lines = [""]
    for one in shown:
        if width_of(lines[-1] + one) > line:
            lines.append("")
        lines[-1] += one
    return "\n".join(lines)


def _floating(
    bars: Sequence[tuple[float, float]], colours: Sequence[str], texts: Sequence[str]
) -> list[dict[str, Any]]:
    """Bars from a low to a high edge: what lies beneath is not seen, above and below zero apart."""
    beneath, above, below = [], [], []
    for (low, high), colour, text in zip(bars, colours, texts, strict=True):
        beneath.append(low if low > 0 else min(high, 0.0))
        style = {"itemStyle": {"color": colour}}
        up, down = high - max(low, 0.0), low - min(high, 0.0)
        is_below = up <= 0 and down < 0
        above.append({"value": max(up, 0.0), **style, **({} if is_below else _label(text, "top"))})
        below.append(
            {"value": min(down, 0.0), **style, **(_label(text, "bottom") if is_below else {})}
        )
    unseen = {"itemStyle": {"color": "transparent"}}
    return [_stacked(beneath) | unseen, _stacked(above), _stacked(below)]


def _stacked(data: Sequence[Any]) -> dict[str, Any]:
    return {
        "type": "bar",
        "stack": "all",
        "barMaxWidth": 72,
        "barCategoryGap": "28%",
        "silent": True,
        "data": list(data),
    }


def _plain() -> dict[str, Any]:
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"fontFamily": FONT, "color": INK},
        "grid": {"left": 6, "right": 6, "top": 8, "bottom": 26},
    }


def _axis() -> dict[str, Any]:
    return {
        "type": "category",
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": FAINT}},
        "axisLabel": {"color": INK, "fontSize": 12, "interval": 0, "fontFamily": FONT},
    }


def _label(text: str, position: str) -> dict[str, Any]:
    return {
        "label": {
            "show": True,
            "position": position,
            "formatter": text,
            "color": INK,
            "fontSize": 12,
            "fontFamily": FONT,
            "fontWeight": "bold",
        }
    }


def _room(edges: Sequence[float], *, beside_share: float = 0.18) -> dict[str, float]:
    """Bounds of an axis that leave room for the text at the bars, a share of all their length."""
    low, high = min(0.0, *edges), max(0.0, *edges)
    margin = beside_share * ((high - low) or 1.0)
    return {"min": low - margin if low < 0 else 0.0, "max": high + margin}
