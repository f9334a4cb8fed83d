"""The steps of an explanation as lines for a screen or a page: rounded, sources by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.statements import chinese, locales, reasons, wording
from fleet_carbon.statements.chinese_rules import RULES
from fleet_carbon.statements.explaining import DIGEST_SHOWN, Line, Step
from fleet_carbon.statements.layout import columns, grouped, headed, percent
from fleet_carbon.statements.recounting import Relation
from fleet_carbon.statements.wording import CHINESE, Words

_PLAIN_ORDERS_SHOWN = 5
# Lines whose text says their number.
_IN_WORDS = ("orders_matched_count", "legs")
# Digits after the point by unit; rates are told per 100 km.
_DIGITS = {
    "km": 1,
    "tkm": 0,
    "h": 1,
    "l": 1,
    "kg": 1,
    "g": 0,
    "t": 2,
    "l/h": 1,
    "kg/l": 4,
    "days": 0,
}
# Sources of which their key tells all.
_BY_KEY = ("formula", "ledger", "model", "fitted")
_PER_100_KM = {"l/km": "l/100 km", "l/tkm": "l/100 km t"}


def account_lines(
    steps: Sequence[Step],
    relations: Sequence[Relation],
    number_of: Mapping[str, int],
    *,
    words: Words,
) -> list[str]:
    """The chain as text: steps with their lines, sources by number, and what the recount says."""
    lines: list[str] = []
    for place, step in enumerate(steps, start=1):
        shown = _shortened(step, words) if step.name == "orders" else step.lines
        if shown:
            lines += ["", f"{place}. {step.title}", *_step_lines(shown, number_of, words)]
    return [*lines, "", *check_lines(relations, words)]


def _step_lines(shown: Sequence[Line], number_of: Mapping[str, int], words: Words) -> list[str]:
    """Numbers under each other; what is told without a number takes the width it needs."""
    told = [_cells(line, number_of, words) for line in shown]
    numbers = iter(columns([cells for cells in told if cells[1]], "lrll", indent=3))
    return [
        next(numbers) if cells[1] else " ".join(filter(None, ("  ", cells[0], cells[3])))
        for cells in told
    ]


def check_lines(relations: Sequence[Relation], words: Words) -> list[str]:
    """That all equations hold, or which do not."""
    failed = [one for one in relations if not one.holds]
    if not failed:
        return [words.say("check_holds", count=len(relations))]
    return [
        words.say("check_fails", text=one.text, stated=one.stated, recounted=one.recounted)
        for one in failed
    ]


def heading(
    words: Words, *, driver: str, vehicle: str, month: str, is_as_closed: bool, **run: object
) -> list[str]:
    """Title, edition and run."""
    title = words.say("title", driver=driver, vehicle=vehicle, month=month)
    changed = [] if is_as_closed else [words.say("edition_changed")]
    return [*headed(title, []), words.say("edition", **run), *changed]


def source_lines(resolved: Sequence[Mapping[str, Any]], words: Words, zone: ZoneInfo) -> list[str]:
    """The sources by number, each in a line."""
    told = [
        f"[{number}] {source_text(one, words, zone)}"
        for number, one in enumerate(resolved, start=1)
    ]
    return headed(words.say("sources"), told)


def source_text(one: Mapping[str, Any], words: Words, zone: ZoneInfo) -> str:
    """A source in a line.

    Parameters
    ----------
    one : mapping
        As `services.accounts.sourcing` resolves its code.
    words : Words
        In the language asked for.
    zone : ZoneInfo
        Of the fleet, for moments.
    """
    given = {name: "" if value is None else value for name, value in one.items()}
    given["unit"] = "" if one.get("unit") == "1" else given.get("unit", "")
    kind = str(one["kind"])
    if kind == "edition" and one["value"] is not None:
        of = words.say("source_of", **given) if one["source"] else ""
        status = words.of(wording.STATUSES, str(one["status"]))
        told = {"status": status, "of": of, "text": _rule_text(one, words)}
        return _tight(words.say("source_rule", **{**given, **told}))
    if kind == "factor":
        status = words.of(wording.STATUSES, str(one["status"]))
        return _tight(words.say("source_factor", **{**given, "status": status}))
    if kind == "table":
        return words.say("source_table", key=one["key"], digest=one["digest"][:DIGEST_SHOWN])
    if kind == "record":
        files = "; ".join(_file(file, words, zone) for file in one["files"])
        return words.say("source_record", key=one["key"], files=files or "-")
    if kind == "price" and "price" in one:
        named = {name: words.series(str(one[name])) for name in ("key", "series")}
        return words.say("source_price", **given | named)
    names = {"rung": wording.RUNGS, "baseline": wording.BASELINES}
    if kind in names:
        text = words.of(names[kind], str(one["key"]))
        return words.say(f"source_{kind}", key=one["key"], text=text)
    return words.say(f"source_{kind}" if kind in _BY_KEY else "source_other", **given)


def _rule_text(one: Mapping[str, Any], words: Words) -> str:
    text = str(one["text"] or "")
    return RULES.get(str(one["key"]), text) if words.language == CHINESE else text


def _tight(text: str) -> str:
    """Without the blank that a number without unit leaves."""
    return text.replace("  ", " ").replace(" ,", ",").replace(" ，", "，")


def _file(file: Mapping[str, Any], words: Words, zone: ZoneInfo) -> str:
    received_at = datetime.fromisoformat(file["received_at"]).astimezone(zone)
    return words.say(
        "files",
        name=file["name"],
        digest=file["digest"][:DIGEST_SHOWN],
        received_at=f"{received_at:%Y-%m-%d %H:%M}",
        rows="-" if file["rows"] is None else grouped(file["rows"], 0),
    )


def _shortened(step: Step, words: Words) -> list[Line]:
    """Of the orders that are proven plainly a few; all that need a word."""
    plain = [line for line in step.lines[1:] if _is_plain(line)]
    left_out = {line.name for line in plain[_PLAIN_ORDERS_SHOWN:]}
    shown = [line for line in step.lines if line.name not in left_out]
    if left_out:
        shown.append(Line("more", words.say("orders_more", count=len(left_out))))
    return shown


def _is_plain(line: Line) -> bool:
    return line.text.endswith(_PLAIN_ENDS)


_PLAIN_ENDS = (
    f"; {reasons.order_reason(reasons.PROVEN_PLAINLY)}.",
    f"；{chinese.order_reason(reasons.PROVEN_PLAINLY)}。",
)


def _cells(line: Line, number_of: Mapping[str, int], words: Words) -> list[str]:
    """Text, number, interval, numbers of the sources."""
    marks = " ".join(f"[{number_of[code]}]" for code in dict.fromkeys(line.sources))
    is_order = line.unit == "tkm" and line.name not in wording.NUMBERS
    text = f"{line.name}: {line.text}" if is_order else line.text
    amount, unit = _amount(line)
    bounds = ""
    if line.low is not None and line.high is not None:
        low, high = (_rounded(bound, line.unit)[0] for bound in (line.low, line.high))
        bounds = words.say("interval", low=low, high=high)
    return [text, " ".join(filter(None, (amount, unit))), bounds, marks]


def amount_text(name: str, value: float | str | None, unit: str, *, language: str) -> str:
    """The number of a line with its unit, rounded; empty where its text says it or there is none.

    Parameters
    ----------
    name, value, unit
        As of the `explaining.Line`, or of one of its bounds.
    language : str
        ``en`` or ``zh``.
    """
    amount, told = _amount(Line(name, "", value, unit))
    return f"{amount} {locales.unit(told, language)}".strip()


def _amount(line: Line) -> tuple[str, str]:
    if line.value is None or line.name in _IN_WORDS:
        return "", ""
    if isinstance(line.value, str):
        return line.value[:DIGEST_SHOWN] if line.name == "trace_version" else "", ""
    if line.unit == "1" and line.name.endswith("_share"):
        return percent(line.value), ""
    return _rounded(line.value, line.unit)


def _rounded(value: float, unit: str) -> tuple[str, str]:
    """A number for the eye, and the unit it is told in."""
    if unit == "0..1":
        return percent(value), ""
    if unit in _PER_100_KM:
        return grouped(100 * value, 3 if unit == "l/tkm" else 2), _PER_100_KM[unit]
    if unit == "1":
        return (grouped(value, 0), "") if value == int(value) and value != 1 else (f"{value:g}", "")
    return grouped(value, _DIGITS.get(unit, 2)), unit
