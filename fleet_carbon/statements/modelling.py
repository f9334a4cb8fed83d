"""Fitted models told to people: which there are, and how wrong they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def model_lines(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each model, the preferred one first."""
    if not models:
        return ["There is no fitted model: the physics alone speaks."]
    return [
        f"{one['kind']:<8} {one['name']}  {one['origin']}, serves months after"
        f" {one['trained_until']},"
        f" sha256 {one['digest'][:12]}"
        for one in models
    ]


def evaluation_lines(found: Mapping[str, Any]) -> list[str]:
    """Errors of a model on the months it was held against."""
    first, last = found["months"]
    lines = [
        f"{found['name']} on {first} to {last}:",
        f"  {_percent(found['valid_share'])} of the rows lie in its range;"
        f" the interval covers {_percent(found['coverage_share'])},"
        f" its width is {_percent(found['width_share'])} of the litres.",
    ]
    for name, title in (
        ("physics", "physics alone"),
        ("by_class", "class model"),
        ("by_truck", "with the truck's own level"),
    ):
        lines.append(f"  {title:<28} {_errors(found[name])}")
    lines += [
        f"  {one['name']:<28} {_errors(one['errors'])}, covers {_percent(one['coverage_share'])}"
        for one in found["bins"]
    ]
    return lines


def _errors(errors: Mapping[str, Any]) -> str:
    return (
        f"{errors['rows_count']:>6} rows, bias {_percent(errors['bias_share'], signed=True)},"
        f" mean error {_percent(errors['mape_share'])}"
    )


def _percent(share: float | None, *, signed: bool = False) -> str:
    if share is None:
        return "-"
    return f"{100 * share:+.1f} %" if signed else f"{100 * share:.1f} %"
