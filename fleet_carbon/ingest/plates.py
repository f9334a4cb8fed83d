"""Number plates as the identity of a truck: the signs and the colour, for in China a plate alone
is not unique.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_NO_SIGN = re.compile(r"[\W_]+")
COLOR_WORDS = {
    "1": "1", "2": "2", "3": "3", "4": "4", "5": "5", "9": "9",
    "90": "90", "91": "91", "92": "92", "93": "93", "94": "94",
    "蓝": "1", "黄": "2", "黑": "3", "白": "4", "绿": "5", "其他": "9",
    "农蓝": "90", "农黄": "91", "农绿": "92", "黄绿": "93", "黄绿双拼": "93", "渐变绿": "94",
    "blue": "1", "yellow": "2", "black": "3", "white": "4", "green": "5", "other": "9",
    "yellow-green": "93", "gradient green": "94",
}  # fmt: skip
"""What senders write -> colour by JT/T 697.7."""
COLOR_CHOICES = {f"{word}{end}": code for word, code in COLOR_WORDS.items() for end in ("", "色")}
_PLATE = re.compile(
    r"(?P<plate>[\u4e00-\u9fff][A-Z][A-Z0-9]{4,6}[\u4e00-\u9fff]??)"
    r"(?P<color>黄绿双拼|黄绿|渐变绿|农[蓝黄绿]|[蓝黄黑白绿]|[1-59])?色?$"
)


def color_code(text: str | None) -> str | None:
    """The colour's code; None where nothing is said, the text itself where it is no known word.

    Examples
    --------
    >>> color_code("黄色"), color_code(" 2 "), color_code("02"), color_code(""), color_code("pink")
    ('2', '2', '2', None, 'pink')
    """
    word = unicodedata.normalize("NFKC", text or "").strip().lower()
    plain = word.removesuffix("色") if len(word) > 1 else word
    plain = plain.lstrip("0") or plain
    return COLOR_WORDS.get(plain, word) or None


def read_plate(text: str | None) -> tuple[str, str | None]:
    """The signs of a plate in capitals, and its colour where the text names it, too.

    Examples
    --------
    >>> read_plate("赣A·00000"), read_plate("赣a00000_2"), read_plate("赣A00000（黄色）")
    (('赣A00000', None), ('赣A00000', '2'), ('赣A00000', '2'))
    >>> read_plate("粤B12345挂"), read_plate("AB 123 CD")
    (('粤B12345挂', None), ('AB123CD', None))
    """
    written = unicodedata.normalize("NFKC", text or "").upper()
    parts = [part for part in re.split(r"[_()/|]+|-(?=\d{1,2}$)", written) if part.strip()]
    if len(parts) == 2 and (code := color_code(parts[1])) in COLOR_WORDS.values():
        return _NO_SIGN.sub("", parts[0]), code
    signs = _NO_SIGN.sub("", written)
    known = _PLATE.fullmatch(signs) if signs.endswith(("色", "黄", "蓝", "绿")) else None
    if known and known["color"]:
        return known["plate"], color_code(known["color"])
    return signs, None


def identity_of(plate: str, color: str | None) -> str:
    """An identifier for a truck that has none but its plate, and its colour where it is told.

    Examples
    --------
    >>> identity_of("赣A·00000", "黄"), identity_of("赣A00000", None)
    ('赣A00000_2', '赣A00000')
    """
    signs, told = read_plate(plate)
    code = color_code(color) or told
    return f"{signs}_{code}" if code else signs


class PlateBook:
    """The trucks of a register by their plates.

    Parameters
    ----------
    trucks : iterable of (vehicle_id, plate, colour)
        A truck without a plate is known by its identifier, which may be one.
    """

    def __init__(self, trucks: Iterable[tuple[str, str | None, str | None]] = ()) -> None:
        self._trucks: dict[str, dict[str, str | None]] = {}
        for vehicle_id, plate, color in trucks:
            signs, told = read_plate(plate or vehicle_id)
            self._trucks.setdefault(signs, {})[vehicle_id] = color_code(color) or told

    def find(self, plate: str, color: str | None = None) -> str | tuple[str, ...] | None:
        """The truck of that plate and colour; None if there is none, several if it may be any.

        A colour that one side does not tell is no difference.

        Examples
        --------
        >>> book = PlateBook([("V1", "赣A00000", "2"), ("V2", "赣A00000", "94"), ("V3", "A 1", "")])
        >>> book.find("赣A·00000", "黄"), book.find("赣A00000"), book.find("a1", "2")
        ('V1', ('V1', 'V2'), 'V3')
        """
        signs, told = read_plate(plate)
        wanted = color_code(color) or told
        fits = {
            one: held
            for one, held in self._trucks.get(signs, {}).items()
            if wanted is None or held is None or held == wanted
        }
        same = [one for one, held in fits.items() if held == wanted]
        chosen = same if len(same) == 1 else sorted(fits)
        return chosen[0] if len(chosen) == 1 else tuple(chosen) or None
