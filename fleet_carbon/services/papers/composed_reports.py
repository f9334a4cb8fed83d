"""What a composed report can be handed over as: the same figures in every form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from fleet_carbon.errors import InputRefused

Form: TypeAlias = Callable[[dict[str, Any]], bytes]


def _as_json(composed: dict[str, Any]) -> bytes:
    text = json.dumps(composed, ensure_ascii=False, indent=1, allow_nan=False)
    return f"{text}\n".encode()


@dataclass(frozen=True)
class ComposedReport:
    """A report in one language, from which each of its forms is made.

    Attributes
    ----------
    composed : dict
        One JSON-ready object.
    """

    forms: ClassVar[Mapping[str, Form]] = {}
    """Suffix -> what makes the file of it; JSON is a form of every report."""

    composed: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: the composed object."""
        return self.composed

    def content(self, suffix: str) -> bytes:
        """The report as a file of a suffix; equal reports, equal bytes.

        Raises
        ------
        InputRefused
            ``report_format_unknown``.
        """
        forms = {**self.forms, ".json": _as_json}
        if suffix not in forms:
            raise InputRefused(
                "report_format_unknown",
                f"{suffix!r} is no form of a report.",
                f"Choose one of {', '.join(one.lstrip('.') for one in forms)}.",
            )
        return forms[suffix](self.composed)
