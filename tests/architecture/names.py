"""The grammar of numeric names: quantity[_qualifier]_unit[_per_unit][_statistic]."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

PHYSICAL = (
    "km|m|mm|m2|m3|t|kg|g|mg|l|ml|j|mj|kj|kwh|kw|h|min|s|ms|days|years|deg|degc|udeg|rad|kmh|mps"
    "|tkm|kgm|fen|cny"
)
# Numbers without a unit say what they are: a share of 0 to 1, a quotient, a multiplier, a count.
PURE = "share|ratio|factor|index|count|rows|fixes|bytes"
DENOMINATORS = "km|100km|m|m3|t|kg|g|tkm|l|mj|gj|tj|kwh|h|min|s|s2|day|month|year|deg|vehicle|order"
STATISTICS = "min|max|mean|median|sd|p05|p10|p50|p90|p95"
GRAMMAR = re.compile(
    rf"^(?!(?:{STATISTICS}|{PHYSICAL})_)"
    rf"(?:[a-z][a-z0-9]*_)*(?:{PHYSICAL}|{PURE}|lon|lat)(?:_per_(?:{DENOMINATORS}))*(?:_(?:{STATISTICS}|from|until))?$"
)
# A bare word that is its own unit, or a number that counts along something and has none.
WORDS = {"lon", "lat", "year", "number", "version", "line", "seed", "index", "count"}
NUMBERS = {"int", "float", "Decimal"}


def is_well_named(name: str) -> bool:
    """Whether a numeric name carries its unit by the grammar."""
    return name in WORDS or bool(GRAMMAR.match(name))


def _is_numeric(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    parts = set(re.findall(r"[A-Za-z_.]+", ast.unparse(annotation)))
    return bool(parts & NUMBERS) and parts <= NUMBERS | {"None", "Optional"}


def _public(name: str) -> bool:
    return not name.startswith("_")


def numeric_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of every numeric parameter and attribute that is public."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and _public(node.name):
            given = node.args
            for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs):
                if _is_numeric(argument.annotation):
                    yield argument.lineno, argument.arg
        elif isinstance(node, ast.ClassDef) and _public(node.name):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and _is_numeric(field.annotation):
                    yield field.lineno, ast.unparse(field.target)
            yield from numeric_names(node)
