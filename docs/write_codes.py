"""Write docs/codes.md: every code that a program may meet, found in the source.

    python docs/write_codes.py

Codes are stable; the sentences beside them may be made clearer. The file is committed; a test fails
if it is not what this program writes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fleet_carbon.quantification import receipt_codes
from fleet_carbon.statements import reasons

FOLDER = Path(__file__).resolve().parent
PACKAGE = FOLDER.parent / "fleet_carbon"
ERRORS = {"InputRefused", "NotFound", "FactorNotFound", "ModelRefused", "LedgerBroken",
          "Unavailable", "FleetCarbonError"}  # fmt: skip
CODE = re.compile(r"^(?!\{[a-z]+\}$)[a-z{][a-z0-9_{}]*$")

_ORDER_CODES = (*reasons._ORDER_PROVEN, *reasons._ORDER_UNPROVEN)

Codes = dict[str, str]
# Name -> line and text of each place where it is given a literal.
Scope = dict[str, list[tuple[int, str]]]
Finder = Callable[[ast.AST, Scope], Iterator[tuple[str, str]]]


def compose_codes() -> str:
    """Return the whole page as Markdown."""
    trees = [ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))]
    parts: list[tuple[str, str, Codes]] = [
        (
            "Errors",
            "A command that is refused: exit code 1, `code` and `message` with `--json`.",
            _collected(trees, _errors),
        ),
        (
            "Rejections",
            "A row that is refused, named in the file of rejections.",
            _collected(trees, _rejections),
        ),
        (
            "Suspicions",
            "Something that looks wrong in a whole file; no figure of it is changed.",
            _collected(trees, _suspicions),
        ),
        (
            "Reasons of orders",
            "Column reason_code of the orders: proven or not, and why.",
            {one: reasons.order_reason(one) for one in _ORDER_CODES},
        ),
        ("Reasons of legs", "Column reason_code of the legs.", reasons.LEG_REASONS),
        (
            "Reasons of live states",
            "Beside those of legs: `reason_code` of the load in `fleet-carbon live`.",
            reasons._LIVE,
        ),
        (
            "Notes of accounts",
            "Column notes of the accounts.",
            {one: reasons.note_sentence(one) for one in reasons._NOTES},
        ),
        (
            "What accounts lack",
            "Beside notes and reasons of orders: `issues` in the report of a month.",
            {one: reasons.note_sentence(one) for one in reasons._LACKS},
        ),
        ("Verdicts of receipts", "Column verdict of the receipts.", receipt_codes.VERDICTS),
        ("Remarks on receipts", "Column remarks of the receipts.", receipt_codes.REMARKS),
    ]
    lines = [
        "# Codes",
        "",
        "Written by `docs/write_codes.py` from the source; change that, not this page. Names in",
        "braces stand for what is filled in.",
    ]
    for title, text, codes in parts:
        lines += ["", f"## {title}", "", text, "", "| code | says |", "|---|---|"]
        lines += [f"| `{code}` | {_cell(said)} |" for code, said in sorted(codes.items())]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).rstrip(" ;,").replace("|", "\\|")


def _collected(trees: list[ast.Module], found_in: Finder) -> Codes:
    codes: Codes = {}
    for tree in trees:
        known = _literals(tree.body)
        for top in tree.body:
            for node, words in _within(top, known):
                for code, text in found_in(node, words):
                    if CODE.match(code) and len(text) > len(codes.get(code, "")):
                        codes[code] = text
    return codes


def _within(node: ast.AST, known: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """Yield every node below, with the texts that stand in names where it is."""
    if isinstance(node, ast.FunctionDef):
        known = known | _literals(list(ast.walk(node)))
    yield node, known
    for child in ast.iter_child_nodes(node):
        yield from _within(child, known)


def _literals(nodes: Iterable[ast.AST]) -> Scope:
    scope: Scope = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            name = ast.unparse(node.targets[0])
            scope.setdefault(name, []).append((node.lineno, _text(node.value, {})))
    return scope


def _errors(node: ast.AST, known: Scope) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and _name(node.func) in ERRORS and len(node.args) > 1:
        yield _text(node.args[0], {}), _text(node.args[1], known)


def _rejections(node: ast.AST, known: Scope) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call):
        named = {word.arg: word.value for word in node.keywords}
        if _name(node.func) == "fault" and "code" in named:
            yield _text(named["code"], {}), _text(named["expected"], known)
        elif _name(node.func) == "Rejection" and len(node.args) == 5:
            yield _text(node.args[3], {}), _text(node.args[4], known)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 3:
        _, code, text = node.elts
        if isinstance(text, ast.JoinedStr) and _is_text(code):
            yield _text(code, {}), _text(text, known)


def _suspicions(node: ast.AST, known: Scope) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and _name(node.func) == "Suspicion" and len(node.args) > 3:
        said = f"{_text(node.args[1], known)} {_text(node.args[3], known)}"
        yield _text(node.args[0], {}), said


def _name(function: ast.expr) -> str:
    return ast.unparse(function).split(".")[-1]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text(node: ast.expr, known: Scope) -> str:
    """The words of a literal or of a name that holds one; what is filled in stands in braces."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, known)
    given = [text for line, text in known.get(ast.unparse(node), []) if line <= node.lineno]
    if given:
        return given[-1]
    names = re.findall(r"[A-Za-z_]+", ast.unparse(node))
    return "{" + (names[-1].strip("_") if names else "value") + "}"


if __name__ == "__main__":
    (FOLDER / "codes.md").write_text(compose_codes(), encoding="utf-8")
