"""A chart as SVG: points and lines over two logarithmic axes, drawn by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 30, 56, 70
# Dark enough on white for readers who see few colours, and told apart by the marks as well.
_COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47")


@dataclass(frozen=True)
class Line:
    """Points of one thing, by x."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Scale:
    """Whole decades that hold all values, on so many pixels."""

    first: int
    last: int
    from_px: float
    until_px: float

    @classmethod
    def over(cls, values: list[float], from_px: float, until_px: float) -> _Scale:
        low = math.floor(math.log10(min(values)) + 1e-9)
        high = math.ceil(math.log10(max(values)) - 1e-9)
        return cls(low, max(high, low + 1), from_px, until_px)

    def px(self, value: float) -> float:
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return self.from_px + share * (self.until_px - self.from_px)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(self.first, self.last + 1)]


def log_log_chart(title: str, x_title: str, y_title: str, lines: list[Line]) -> str:
    """The chart as text of an SVG file.

    Every value must be above 0. Numbers stand beside the points, so that the chart can be read
    without a ruler.
    """
    x_values = [x for line in lines for x, _ in line.points]
    y_values = [y for line in lines for _, y in line.points]
    across = _Scale.over(x_values, _LEFT, _WIDTH - _RIGHT)
    up = _Scale.over(y_values, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="15">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_WIDTH / 2, 26, title, size=18, anchor="middle"),
        *_grid(across, up),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 16, x_title, anchor="middle"),
        f'<text x="22" y="{(_TOP + _HEIGHT - _BOTTOM) / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 22 {(_TOP + _HEIGHT - _BOTTOM) / 2:.0f})">{escape(y_title)}</text>',
    ]
    tops = {x: max(y for one in lines for px, y in one.points if px == x) for x in x_values}
    for number, line in enumerate(lines):
        parts += _drawn(line, number, across, up, tops)
    return "\n".join([*parts, "</svg>", ""])


def _grid(across: _Scale, up: _Scale) -> list[str]:
    parts = []
    for value in across.decades():
        x = across.px(value)
        parts += [
            f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" '
            'stroke="#cccccc"/>',
            _text(x, _HEIGHT - _BOTTOM + 22, short_number(value), anchor="middle"),
        ]
    for value in up.decades():
        y = up.px(value)
        parts += [
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" '
            'stroke="#cccccc"/>',
            _text(_LEFT - 10, y + 5, short_number(value), anchor="end"),
        ]
    return parts


def _drawn(
    line: Line, number: int, across: _Scale, up: _Scale, tops: dict[float, float]
) -> list[str]:
    """A line, its points, its name, and the numbers: above the highest point, below the others."""
    colour = _COLOURS[number % len(_COLOURS)]
    path = " ".join(f"{across.px(x):.1f},{up.px(y):.1f}" for x, y in line.points)
    legend_y = _TOP + 20 + 22 * number
    parts = [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        _mark(_LEFT + 18, legend_y - 5, number, colour),
        _text(_LEFT + 32, legend_y, line.name, colour=colour),
    ]
    for at, (x, y) in enumerate(line.points):
        anchor = "start" if at == 0 else "end" if at == len(line.points) - 1 else "middle"
        below = -10 if y == tops[x] else 20
        label = _text(
            across.px(x), up.px(y) + below, short_number(y), size=14, anchor=anchor, colour=colour
        )
        parts += [_mark(across.px(x), up.px(y), number, colour), label]
    return parts


def _mark(x: float, y: float, number: int, colour: str) -> str:
    if number % 2:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 15,
    anchor: str = "start",
    colour: str = "#111111",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )


def short_number(value: float) -> str:
    """A number for a label: 1 M, 250 k, 12, 0.35.

    Examples
    --------
    >>> [short_number(value) for value in (1e7, 2500, 12.34, 0.351)]
    ['10 M', '2.5 k', '12.3', '0.35']
    """
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"
