"""What a file would be read as, told in a terminal."""

from __future__ import annotations

from typing import Any

from fleet_carbon.statements.layout import columns, headed

_REJECTIONS_SHOWN = 5
_CELL_SHOWN = 32


def preview_lines(report: dict[str, Any]) -> list[str]:
    """The outcome of `ingest --preview`: how a file was taken, its first rows, what looks wrong."""
    lines: list[str] = []
    for one in report["files"]:
        lines += [*headed(f"{one['file']} as {one['kind']}", []), *_guess_lines(one), ""]
        lines += [*_column_lines(one), "", *_row_lines(one), *_refusal_lines(one)]
        lines += [*_suspicion_lines(one), ""]
    return [*lines, "Nothing was kept: this is a preview."]


def _guess_lines(one: dict[str, Any]) -> list[str]:
    return columns([[g["what"], g["value"], g["evidence"]] for g in one["guesses"]], "lll")


def _column_lines(one: dict[str, Any]) -> list[str]:
    table = [["ours", "from", "unit", "first cell", "why"]]
    for taken in one["columns"]:
        cells = (taken[name] for name in ("name", "heading", "unit", "first", "evidence"))
        table.append([_short(cell) for cell in cells])
    lines = columns(table, "lllll")
    if one["columns_ignored"]:
        lines.append(f"  not used: {', '.join(one['columns_ignored'])}")
    for ours, heading in one["offers"].items():
        lines.append(f"  {heading} may be {ours}: if so, map it in a source profile")
    return lines


def _row_lines(one: dict[str, Any]) -> list[str]:
    lines = [f"The first {len(one['rows'])} of {one['rows_read']:,} rows looked at, as understood:"]
    for row in one["rows"]:
        cells = [[name, _short(str(value))] for name, value in row.items() if name != "line"]
        lines += [f"  line {row['line']}", *columns(cells, "ll", indent=4)]
    return lines


def _refusal_lines(one: dict[str, Any]) -> list[str]:
    if not one["rows_rejected"]:
        return []
    lines = ["", f"{one['rows_rejected']:,} of them would be rejected, for example:"]
    for refusal in one["rejections"][:_REJECTIONS_SHOWN]:
        lines.append(f"  line {refusal['line']}, {refusal['column'] or 'row'}: {refusal['text']}")
    return lines


def _suspicion_lines(one: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for suspicion in one["suspicions"]:
        lines += ["", f"Looks wrong: {suspicion['text']} ({suspicion['evidence']})"]
        lines.append(f"  {suspicion['remedy']}")
    told = [f"  {code.replace('_', ' ')}: {count:,}" for code, count in one["remarks"].items()]
    return [*lines, "", "Worth knowing:", *told] if told else lines


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _CELL_SHOWN else flat[: _CELL_SHOWN - 1] + "…"
