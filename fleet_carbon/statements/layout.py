"""Plain text in columns for the terminal; Chinese characters take two places."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_GAP = "  "


def width_of(text: str) -> int:
    """Places a text takes in a terminal: wide and full-width characters count two.

    Examples
    --------
    >>> width_of("实载率 %")
    8
    """
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def columns(rows: Sequence[Sequence[str]], align: str, *, indent: int = 2) -> list[str]:
    """Rows of cells as lines in which the cells stand under each other.

    Parameters
    ----------
    rows : sequence of sequence of str
        Each with as many cells as `align` has letters.
    align : str
        One letter per column: ``l`` left, ``r`` right.
    indent : int
        Spaces before each line.

    Examples
    --------
    >>> columns([["a", "1"], ["bb", "20"]], "lr", indent=0)
    ['a    1', 'bb  20']
    """
    widths = [max((width_of(row[at]) for row in rows), default=0) for at in range(len(align))]
    lines = []
    for row in rows:
        cells = [
            _padded(cell, width, side) for cell, width, side in zip(row, widths, align, strict=True)
        ]
        lines.append((" " * indent + _GAP.join(cells)).rstrip())
    return lines


def headed(title: str, lines: Sequence[str]) -> list[str]:
    """A title, its underline and the lines below it."""
    return [title, "-" * width_of(title), *lines]


def grouped(number: float | int, digits: int) -> str:
    """A number for the eye: thousands parted by commas, so many digits after the point.

    Examples
    --------
    >>> grouped(12602.4, 1), grouped(-0.04, 1)
    ('12,602.4', '0.0')
    """
    text = f"{number:,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text


def percent(share: float | None) -> str:
    """A share for the eye, empty if it is not known.

    Examples
    --------
    >>> percent(0.125)
    '12.5 %'
    """
    return "" if share is None else f"{100 * share:.1f} %"


def _padded(text: str, width: int, side: str) -> str:
    blank = " " * (width - width_of(text))
    return blank + text if side == "r" else text + blank
