"""Sizes and words: files, bodies and arguments stay small; what may not be said is not said."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import directions

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "fleet_carbon"

LINES_MAX = 700
LINES_MAX_FRAMES = 900
BODY_LINES_MAX = 70
ARGUMENTS_MAX = 8
POSITIONAL_MAX = 3
# Compiled functions take no keyword arguments and no objects, so they take more numbers.
COMPILED = {
    "legs/candidates.py", "legs/car_signs.py", "legs/kernels.py", "legs/packing.py",
    "ingest/eights.py", "ingest/scanning.py", "ingest/dialects/framing.py", "legs/profiles.py",
    "legs/surroundings.py", "legs/verdicts.py", "storage/arranging.py",
    "traces/cleaning.py", "traces/digests.py", "traces/drawing.py", "traces/kernels.py",
    "traces/lengths.py", "traces/levels.py", "traces/lookouts.py",
}  # fmt: skip
# The doors: a command has one parameter for each option that a user may give.
DOORS = ("cli.py", "commands/")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def too_long_bodies(place: str, tree: ast.AST) -> list[str]:
    return [
        f"{place}:{function.lineno} {function.name} has {body_lines(function)} lines"
        for function in functions(tree)
        if body_lines(function) > BODY_LINES_MAX
    ]


def too_many_arguments(place: str, tree: ast.AST) -> list[str]:
    if place in COMPILED or place.startswith(DOORS):
        return []
    found = []
    for function in functions(tree):
        given = function.args
        positional = [
            a.arg for a in (*given.posonlyargs, *given.args) if a.arg not in ("self", "cls")
        ]
        total = len(positional) + len(given.kwonlyargs)
        if total > ARGUMENTS_MAX:
            found.append(f"{place}:{function.lineno} {function.name} takes {total} arguments")
        elif len(positional) > POSITIONAL_MAX and not function.name.startswith("_"):
            found.append(
                f"{place}:{function.lineno} {function.name} takes {len(positional)} by position"
            )
    return found


def banned_words(place: str, text: str) -> list[str]:
    """Unfinished work, exceptions from checks without a reason, output that no door controls."""
    banned = {
        r"\b(TODO|FIXME|XXX|HACK)\b": "unfinished work",
        r"#\s*type:\s*ignore(?!\[[a-z-, ]+\])": "an exception without its code",
        r"#\s*noqa(?!: [A-Z]+\d+)": "an exception without its code",
    }
    if not place.startswith(DOORS):
        banned[r"(?<![\w.])print\("] = "printing outside the door"
    if place.startswith("ledger/"):
        banned[r"(?<![\w.])float\("] = "a float in the ledger"
    return [
        f"{place}:{number} {reason}"
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern, reason in banned.items()
        if re.search(pattern, line)
    ]


def test_no_file_is_longer_than_its_limit() -> None:
    found = []
    for path in (*PACKAGE.rglob("*.py"), *(ROOT / "simulation").rglob("*.py"), ROOT / "start.py"):
        if "_collected" in path.parts:
            continue
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > (LINES_MAX_FRAMES if path.name == "frames.py" else LINES_MAX):
            found.append(f"{path.relative_to(ROOT)} has {count} lines")
    assert found == []


def test_no_body_is_longer_than_its_limit() -> None:
    assert [
        t for place, _, tree in directions.modules(PACKAGE) for t in too_long_bodies(place, tree)
    ] == []


def test_no_function_takes_more_arguments_than_a_reader_can_hold() -> None:
    assert [
        t for place, _, tree in directions.modules(PACKAGE) for t in too_many_arguments(place, tree)
    ] == []


def test_no_banned_word_stands_in_the_code() -> None:
    found = []
    for place, _, _ in directions.modules(PACKAGE):
        found += banned_words(place, (PACKAGE / place).read_text(encoding="utf-8"))
    assert found == []


def test_each_limit_finds_a_planted_breach() -> None:
    long_body = "def f():\n" + "    pass\n" * (BODY_LINES_MAX + 1)
    many = "def f(a, *, b, c, d, e, f, g, h, i): ..."
    by_position = "def f(a, b, c, d): ..."
    assert too_long_bodies("legs/x.py", ast.parse(long_body))
    assert too_many_arguments("legs/x.py", ast.parse(many))
    assert too_many_arguments("legs/x.py", ast.parse(by_position))


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("legs/x.py", "# TODO later"),
        ("legs/x.py", "x = 1  # type: ignore"),
        ("legs/x.py", "x = 1  # noqa"),
        ("legs/x.py", "print(x)"),
        ("ledger/x.py", "x = float(y)"),
    ],
)
def test_each_banned_word_is_found(place: str, line: str) -> None:
    assert banned_words(place, line)


# Hosts, machine paths and the ways of a workshop: none of them concerns a reader of this code.
NOT_IN_THE_REPOSITORY = {
    "a package index": r"pypi\.|pypi/|npmjs|registry\.npm|pythonhosted|://[\w.]*mirror",
    "a path of one machine": r"(?<![\w.])/(?:work|root|home/\w+|opt)/",
    "how the work was organised": r"\b(?:chatgpt|claude|copilot|ai[- ](?:assisted|generated))\b",
    "a folder beside the repository": r"\.\./shared|shared/(?:research|contract|design|stack)",
    "the number of an issue": r"(?i)\bissue #?\d+\b",
}
# Their business is to name these things.
MAY_NAME_THEM = {"tests/architecture/test_tidy.py"}


def tracked_texts() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        # Without git (an unpacked archive) there is nothing to compare with.
        names = [p.relative_to(ROOT).as_posix() for p in ROOT.glob("*.*") if p.is_file()]
    else:
        names = listed.stdout.decode().split("\0")[:-1]
    for name in names:
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue


def test_nothing_in_the_repository_points_to_where_it_was_made() -> None:
    found = [
        f"{name}:{number} {what}"
        for name, text in tracked_texts()
        if name not in MAY_NAME_THEM
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in NOT_IN_THE_REPOSITORY.items()
        if re.search(pattern, line, re.IGNORECASE)
    ]
    assert found == []
