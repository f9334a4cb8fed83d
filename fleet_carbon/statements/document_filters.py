"""Which documents are asked for: the filters of iLEAP (name=value) and of PACT 2 ($filter).

A name is a path with dots (`$filter`: slashes); its first step may stand at any depth, so that
``feedstock=Fossil`` finds what ``energyCarriers.feedstocks.feedstock=Fossil`` does. A list fits if
any of it does, text without regard to case, numbers and moments by what they mean. What cannot be
understood is refused, never left out in silence.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from fleet_carbon.errors import InputRefused

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}
_RANGED = re.compile(r"(gte|gt|lte|lt)\.(.+)", re.DOTALL)
_OF_ODATA = {"eq": "eq", "ge": "gte", "gt": "gt", "le": "lte", "lt": "lt"}
# PACT quotes moments, OData does not; the plus of a zone may have come as a space.
_BARE_MOMENT = r"\d{4}-\d\d-\d\d(?:T\d[\d:.]*(?:Z|[+ -]\d\d:\d\d)?)?(?![\w-])"
_TOKEN = re.compile(rf"\s*('(?:[^']|'')*'|{_BARE_MOMENT}|[()]|:|[\w./+-]+)")
_LOST_PLUS = re.compile(r"(T[\d:.]+) (\d\d:\d\d)$")
_CONDITIONS_MAX = 20


@dataclass(frozen=True)
class Condition:
    """One thing that must be so.

    Attributes
    ----------
    paths : tuple of tuple of str
        Where it may stand; one of them must fit.
    comparison : str
        eq, gte, gt, lte or lt.
    values : tuple of str
        One of them must fit.
    """

    paths: tuple[tuple[str, ...], ...]
    values: tuple[str, ...]
    comparison: str = "eq"

    def fits(self, document: Mapping[str, Any]) -> bool:
        """Whether it is so of a document."""
        held = [one for path in self.paths for one in _at(document, path)]
        return any(_is_so(one, self.comparison, value) for one in held for value in self.values)

    def speaks_of(self, document: Mapping[str, Any]) -> bool:
        """Whether a document says something wherever it may stand."""
        return all(any(True for _ in _at(document, path)) for path in self.paths)


def of_pairs(pairs: Iterable[tuple[str, str]], known: frozenset[str]) -> tuple[Condition, ...]:
    """The conditions of ``name=value`` pairs, all of which must be so.

    Parameters
    ----------
    pairs : iterable of (str, str)
    known : frozenset of str
        Names of fields.

    Raises
    ------
    InputRefused
        ``filter_not_known``, ``filter_malformed``.
    """
    found = []
    for name, value in pairs:
        ranged = _RANGED.fullmatch(value)
        comparison, text = ranged.groups() if ranged else ("eq", value)
        found.append(_condition(tuple(name.split(".")), comparison, text, known))
    return _few(found)


def of_odata(text: str, known: frozenset[str]) -> tuple[Condition, ...]:
    """The conditions of a `$filter`: comparisons and ``any`` joined by ``and``.

    Parameters
    ----------
    text : str
        Such as ``created ge '2026-01-01T00:00:00Z' and productIds/any(p:(p eq 'urn:x'))``.
    known : frozenset of str
        Names of fields.

    Raises
    ------
    InputRefused
        ``filter_not_known``, ``filter_malformed``.
    """
    tokens = _Tokens(text)
    found = list(_joined(tokens, known))
    if tokens.next_token:
        raise _malformed(text)
    return _few(found)


def names_of(schemas: Mapping[str, Any], name: str) -> frozenset[str]:
    """Every name of a field that a JSON schema has, however deep.

    Parameters
    ----------
    schemas : mapping
        With ``$defs``.
    name : str
        Of the definition.
    """
    found: set[str] = set()
    left: list[Any] = [schemas["$defs"][name]]
    seen: set[str] = set()
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            reference = part.get("$ref", "").rpartition("/")[2]
            if reference and reference not in seen:
                seen.add(reference)
                left.append(schemas["$defs"][reference])
            found |= part.get("properties", {}).keys()
            left += part.values()
    return frozenset(found)


def _few(found: Sequence[Condition]) -> tuple[Condition, ...]:
    if len(found) > _CONDITIONS_MAX:
        raise InputRefused(
            "filter_malformed",
            f"A filter has {_CONDITIONS_MAX} conditions at most.",
            "Ask for more, and look through it yourself.",
        )
    return tuple(found)


def _condition(
    path: tuple[str, ...], comparison: str, text: str, known: frozenset[str]
) -> Condition:
    if unknown := [step for step in path if step not in known]:
        raise InputRefused(
            "filter_not_known",
            f"Nothing here is called {unknown[0]!r}.",
            "Filter by a field of the data type, as the specification writes it.",
        )
    return Condition((path,), (_LOST_PLUS.sub(r"\1+\2", text),), comparison)


def _at(document: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path, in every element of lists; its first step at any depth."""
    if isinstance(document, list):
        for one in document:
            yield from _at(one, path)
    elif isinstance(document, Mapping):
        if path[0] in document:
            yield from _below(document[path[0]], path[1:])
        else:
            for one in document.values():
                yield from _at(one, path)


def _below(held: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(held, list):
        for one in held:
            yield from _below(one, path)
    elif not path:
        yield held
    elif isinstance(held, Mapping) and path[0] in held:
        yield from _below(held[path[0]], path[1:])


def _is_so(held: Any, comparison: str, wanted: str) -> bool:
    compare = _COMPARED[comparison]
    text = str(held).casefold() if not isinstance(held, str) else held
    for read in (_decimal, _moment):
        one, other = read(text), read(wanted)
        if one is not None and other is not None:
            return compare(one, other)
    return comparison == "eq" and text.casefold() == wanted.casefold()


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class _Tokens:
    """A `$filter`, word by word.

    Attributes
    ----------
    next_token : str
        The next word; empty at the end.
    """

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.next_token = ""
        self.take()

    def take(self, *wanted: str) -> str:
        """The next word, which must be one of those that are wanted."""
        taken = self.next_token
        if wanted and taken not in wanted:
            raise _malformed(self._text)
        found = _TOKEN.match(self._text, self._at)
        if found is None and self._text[self._at :].strip():
            raise _malformed(self._text)
        self.next_token = found[1] if found else ""
        self._at = found.end() if found else len(self._text)
        return taken


def _joined(tokens: _Tokens, known: frozenset[str], of_any: tuple[str, str] = ("", "")) -> Any:
    """Conditions until something else than ``and`` comes."""
    while True:
        if tokens.next_token == "(":
            tokens.take()
            yield from _joined(tokens, known, of_any)
            tokens.take(")")
        else:
            yield from _compared(tokens, known, of_any)
        if tokens.next_token != "and":
            return
        tokens.take()


def _compared(tokens: _Tokens, known: frozenset[str], of_any: tuple[str, str]) -> Any:
    name = tokens.take()
    path, _, last = name.rpartition("/")
    if last == "any" and path and not of_any[0]:
        tokens.take("(")
        variable = tokens.take()
        tokens.take(":")
        yield from _joined(tokens, known, (variable, path))
        tokens.take(")")
        return
    comparison = _OF_ODATA[tokens.take(*_OF_ODATA)]
    value = tokens.take()
    if not value or not name or name[0] in "'():":
        raise _malformed(name)
    text = value[1:-1].replace("''", "'") if value[0] == "'" else value
    whole = of_any[1] if of_any[0] and name == of_any[0] else name
    yield _condition(tuple(whole.split("/")), comparison, text, known)


def _malformed(text: str) -> InputRefused:
    return InputRefused(
        "filter_malformed",
        f"This filter cannot be read: {text[:200]!r}.",
        "Join comparisons (eq, lt, le, gt, ge) and any() by `and`; texts stand in single quotes.",
    )
