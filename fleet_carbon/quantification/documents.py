"""The only reader of YAML: documents a person wrote, read without surprises."""

from __future__ import annotations

import pickle
import re
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from fleet_carbon.errors import InputRefused

# What an unquoted scalar may become. YAML 1.1 also reads `on` and `no` as truth values, 12:30 as
# 750 and 010 as 8; here these stay text.
_SCALARS = (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?[0-9]+\.[0-9]+(?:e[-+]?[0-9]+)?$", "-+0123456789"),
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "0123456789"),
)


# The parser in C reads six times as fast; not every build of PyYAML has it.
_SafeLoader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _StrictLoader(_SafeLoader):  # type: ignore[misc]
    """Safe loader that refuses a key given twice: YAML would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping whose keys are all different."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            if isinstance(key, Hashable):
                seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


_StrictLoader.yaml_implicit_resolvers = {}
for _tag, _form, _first in _SCALARS:
    _StrictLoader.add_implicit_resolver(_tag, re.compile(_form), list(_first))


def load_document(path: Path) -> dict[str, Any]:
    """Read a YAML document whose top level is a mapping.

    Parameters
    ----------
    path : Path
        File in UTF-8.

    Returns
    -------
    document : dict
        Plain Python values. Quoted scalars stay text, unquoted dates become `date`;
        only `true` and `false` are truth values.

    Raises
    ------
    InputRefused
        If the file is absent, no YAML, has a key twice, or is no mapping; the file is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise _refused(path, f"cannot be read: {fault}") from fault
    try:
        document = pickle.loads(_parsed(text))  # noqa: S301  (bytes of this very process)
    except (yaml.YAMLError, ValueError) as fault:  # a date such as 2026-13-45 is a ValueError
        raise _refused(path, f"is no valid YAML: {_told(fault, text)}") from fault
    if document is None:
        raise _refused(path, "is empty, expected `key: value` lines")
    if not isinstance(document, dict):
        raise _refused(path, f"holds a {type(document).__name__}, expected `key: value` lines")
    return {str(key): value for key, value in document.items()}


def _told(fault: Exception, text: str) -> str:
    """What is wrong and where, in a sentence."""
    if not isinstance(fault, yaml.MarkedYAMLError) or fault.problem_mark is None:
        return str(fault)
    mark = fault.problem_mark
    lines = text.splitlines()
    has_tab = mark.line < len(lines) and lines[mark.line][: mark.column + 1].endswith("\t")
    tab = "; it is indented by blanks, not by tabs" if has_tab else ""
    return f"line {mark.line + 1}, column {mark.column + 1}: {fault.problem}{tab}"


@lru_cache(maxsize=64)
def _parsed(text: str) -> bytes:
    """What a text says, in a form of which every reader makes its own quickly: a process that
    closes or shows many months reads the same documents each time.
    """
    _refuse_references(text)
    return pickle.dumps(yaml.load(text, Loader=_StrictLoader))


def _refuse_references(text: str) -> None:
    """A few lines that refer to one another can stand for more than any memory holds."""
    if "&" not in text:
        return
    for event in yaml.parse(text, Loader=_SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"*{event.anchor} refers to another part: write it out")


def _refused(path: Path, why: str) -> InputRefused:
    return InputRefused(
        "document_unreadable",
        f"{path.name} {why}",
        "Correct the file; it must be UTF-8 YAML with each key once.",
        file=str(path),
    )
