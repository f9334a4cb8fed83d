"""The only reader of YAML: documents a person wrote, read without surprises."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from fleet_carbon.errors import InputRefused


class _StrictLoader(yaml.SafeLoader):
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
        return super().construct_mapping(node, deep=deep)


def load_document(path: Path) -> dict[str, Any]:
    """Read a YAML document whose top level is a mapping.

    Parameters
    ----------
    path : Path
        File in UTF-8.

    Returns
    -------
    document : dict
        Plain Python values. Quoted scalars stay text, unquoted dates become `date`.

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
        document = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as fault:
        raise _refused(path, f"is no valid YAML: {fault}") from fault
    if not isinstance(document, dict):
        raise _refused(path, f"holds a {type(document).__name__}, expected `key: value` lines")
    return {str(key): value for key, value in document.items()}


def _refused(path: Path, why: str) -> InputRefused:
    return InputRefused(
        "document_unreadable",
        f"{path.name} {why}",
        "Correct the file; it must be UTF-8 YAML with each key once.",
        file=str(path),
    )
