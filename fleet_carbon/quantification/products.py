"""What a receipt says was bought: diesel, gas, electricity, or nothing that a truck burns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OTHER, ANY = "other", "any"


@dataclass(frozen=True)
class Products:
    """The words of the edition, ready to be looked for.

    Attributes
    ----------
    patterns : dict of str to Pattern
        By kind: an energy of the register (``diesel``, ...), ``any`` or ``other``.
    """

    patterns: dict[str, re.Pattern[str]]

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Products:
        """From the group `products` of the section `receipts`: words separated by semicolons."""
        return cls({kind: _pattern(listed.split(";")) for kind, listed in words.items()})

    def kinds(self, product: str | None) -> frozenset[str]:
        """What a product may be; nothing if it is not said or in no word of the edition.

        What is no fuel is looked for first: the urea of diesel trucks is no diesel.

        Examples
        --------
        >>> products = Products.of({"diesel": "diesel;柴油;0#", "other": "def;尿素"})
        >>> sorted(products.kinds("国VI 0#柴油"))
        ['diesel']
        >>> sorted(products.kinds("柴油车用尿素"))
        ['other']
        """
        if not product:
            return frozenset()
        text = _plain(product)
        if self.patterns[OTHER].search(text):
            return frozenset({OTHER})
        return frozenset(kind for kind, words in self.patterns.items() if words.search(text))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(_bounded(_plain(word.strip())) for word in words))


def _bounded(word: str) -> str:
    """Latin words and grades stand alone: 0# is not in 10#, def not in default."""
    escaped = re.escape(word)
    head = r"(?<![a-z0-9])" if re.match("[a-z0-9]", word) else ""
    tail = r"(?![a-z0-9])" if re.search("[a-z0-9]$", word) else ""
    return f"{head}{escaped}{tail}"
