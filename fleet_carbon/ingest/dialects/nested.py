"""Members of documents that other systems nest, each of which may be missing or of another kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.ingest.delimited import Column, empty_to_null


def reach(value: Any, *steps: str) -> Any:
    """The member at the end of a path; None where a step leads nowhere.

    Examples
    --------
    >>> reach({"a": {"b": 1}}, "a", "b"), reach({"a": [1]}, "a", "b"), reach(None, "a")
    (1, None, None)
    """
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or the one that stands without a list around it.

    Examples
    --------
    >>> objects([{"a": 1}, 2]), objects({"a": 1}), objects("x")
    ([{'a': 1}], [{'a': 1}], [])
    """
    held = value if isinstance(value, list) else [value]
    return [one for one in held if isinstance(one, dict)]


def text_of(value: Any) -> str | None:
    """A scalar as text, None if there is none; 7 and "7" are the same, 20240302 is no number.

    Examples
    --------
    >>> text_of(7), text_of(31500.0), text_of(" "), text_of([1])
    ('7', '31500', None, None)
    """
    if value is None or isinstance(value, bool | dict | list):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value).strip() or None


def first_text(*values: Any) -> str | None:
    """The first that says anything."""
    return next((text for value in values if (text := text_of(value)) is not None), None)


def sum_text(parts: Iterable[str | None]) -> str | None:
    """The exact sum of numbers as text; None if one is missing, the first that is no number.

    Examples
    --------
    >>> sum_text(["0.1", "0.2"]), sum_text(["1", None]), sum_text([]), sum_text(["1", "a lot"])
    ('0.3', None, None, 'a lot')
    """
    total, held = Decimal(0), list(parts)
    if not held or any(part is None for part in held):
        return None
    for part in held:
        try:
            number = Decimal(str(part))
        except InvalidOperation:
            return part
        if not number.is_finite() or abs(number.adjusted()) > 30:
            return part
        total += number
    return f"{total:f}"


def text_cells(values: list[Any]) -> Column:
    """`text_of` of every value, as a column.

    Examples
    --------
    >>> text_cells(["a ", None]).to_pylist(), text_cells([7, 31500.0, [1]]).to_pylist()
    (['a', None], ['7', '31500', None])
    >>> text_cells([1.0, False]).to_pylist()
    ['1', None]
    """
    try:
        column = pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return texts([text_of(one) for one in values])
    if pa.types.is_string(column.type):
        return empty_to_null(pc.utf8_trim_whitespace(column))
    if bool in set(map(type, values)):  # Arrow takes what is false among numbers for 0
        return texts([text_of(one) for one in values])
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    if pa.types.is_floating(column.type) and _is_plain(column):
        is_whole = pc.equal(pc.floor(column), column)
        whole = pc.if_else(is_whole, column, None).cast(pa.int64()).cast(pa.string())
        return pc.coalesce(whole, column.cast(pa.string()))
    return texts([text_of(one) for one in values])


def _is_plain(numbers: Column) -> bool:
    """Whether each is written by Arrow as by Python: 0, or of a size without an exponent."""
    size = pc.abs(numbers)
    is_plain = pc.or_(pc.equal(size, 0), pc.and_(pc.greater(size, 1e-4), pc.less(size, 1e9)))
    return pc.all(is_plain).as_py() is not False


def texts(cells: Sequence[str | None]) -> Column:
    """Cells of text as a column, null where nothing is said."""
    return empty_to_null(pa.array(list(cells), pa.string()))
