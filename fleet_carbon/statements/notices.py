"""What a command tells a person: what was done, what was refused, what to do next.

In: the JSON-ready reports of the services. Out: lines of plain text. Nothing is computed here
but what rounding for the eye needs.
"""

from __future__ import annotations

from typing import Any

from fleet_carbon.statements.layout import columns, grouped, headed
from fleet_carbon.statements.wording import ENGLISH, RESTATED, Words

_REJECTIONS_SHOWN = 5
_CHANGES_SHOWN = 12
_DIGITS, _DIGITS_MAX = 3, 17
_WORDS = Words(ENGLISH)

# What these say did change the records; of all others nothing was changed.
_TOLD_WITH_CHANGES = ("orders_restated", "orders_came_late")

# Why an account earns nothing -> how the fleet that claims it is brought in.
_CLAIMS = {
    "claimed_by_another_fleet": "claimed by fleet ",
    "claim_released": "released by a letter of fleet ",
    "plate_shared_with_another_truck": "its number plate is that of another truck of the register",
}


def intake_lines(report: dict[str, Any]) -> list[str]:
    """The outcome of `ingest`: counts, refusals, suspicions with their remedies."""
    if not report["files"]:
        return ["Nothing new."]
    counts = [["read", "accepted", "duplicate", "rejected", "file"]]
    for one in report["files"]:
        numbers = (one[f"rows_{name}"] for name in counts[0][:4])
        counts.append([*(f"{number:,}" for number in numbers), one["file"]])
    lines = columns(counts, "rrrrl")
    for one in report["files"]:
        lines += _refusal_lines(one) + _suspicion_lines(one) + _remark_lines(one)
    return lines


def _refusal_lines(one: dict[str, Any]) -> list[str]:
    if not one["rows_rejected"]:
        return []
    lines = ["", f"{one['rows_rejected']:,} rows of {one['file']} were rejected, for example:"]
    for refusal in one["rejections"][:_REJECTIONS_SHOWN]:
        lines.append(f"  line {refusal['line']}, {refusal['column'] or 'row'}: {refusal['text']}")
    lines.append(f"  All of them: {one['rejections_file']}")
    if one["rows_accepted"] or one["rows_duplicate"]:
        lines.append(
            "  The good rows are on record. Correct the others and ingest the file again:"
            " rows already on record count as duplicates."
        )
    return lines


def _suspicion_lines(one: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for suspicion in one["suspicions"]:
        untouched = "" if suspicion["code"] in _TOLD_WITH_CHANGES else "Nothing was changed. "
        lines += [
            "",
            f"Looks wrong in {one.get('file', 'the month')}: {suspicion['text']}"
            f" ({suspicion['evidence']})",
            f"  {untouched}{suspicion['remedy']}",
        ]
    return lines


def _remark_lines(one: dict[str, Any]) -> list[str]:
    lines = [f"  {code.replace('_', ' ')}: {count:,}" for code, count in one["remarks"].items()]
    taken = [f"{ours} from {name}" for ours, name in one.get("columns_taken", {}).items()]
    if taken:
        lines.append(f"  columns known by their headings: {', '.join(taken)}")
    if one["columns_ignored"]:
        lines.append(f"  columns not used: {', '.join(one['columns_ignored'])}")
    return ["", f"About {one['file']}:", *lines] if lines else []


def closing_lines(report: dict[str, Any]) -> list[str]:
    """The outcome of `close`: what was computed, what was posted, what changed and why."""
    fixes_dropped = report["fixes_dropped"]
    lines = [
        f"{_closed(report)} {report['month']} of fleet {report['fleet_id']} under"
        f" {report['edition']}.",
        *columns(
            [
                ["vehicles", f"{report['vehicles']:,}"],
                ["fixes read", f"{report['fixes_read']:,}"],
                ["fixes dropped", _counts_text(fixes_dropped)],
                ["legs", f"{report['legs']:,}"],
                ["orders matched", f"{report['orders_matched']:,} of {report['orders']:,}"],
                ["orders cancelled", f"{report.get('orders_cancelled', 0):,}"],
                ["driver accounts", f"{report['accounts']:,}"],
                ["credited", f"{grouped(report['co2_credited_g'] / 1000, 3)} kg CO2"],
                ["ledger entries posted", f"{report['ledger_entries']:,}"],
            ],
            "lr",
        ),
    ]
    lines += [*_ledger_lines(report), *_refused_lines(report), *_suspicion_lines(report)]
    lines += ["", *_change_lines(report)]
    if report["later_months"]:
        later = ", ".join(report["later_months"])
        lines.append(
            f"Closed later: {later}. Close them again in order: they take this month into their"
            " year, or as own history."
        )
    return lines


def _closed(report: dict[str, Any]) -> str:
    return "Dry run, nothing was put on record. Closing" if report["dry_run"] else "Closed"


def _ledger_lines(report: dict[str, Any]) -> list[str]:
    """Where every gram of the fleet is, and what a fall could not take from who has it."""
    lines = [f"  ledger of the fleet: {report['ledger_sums']}"]
    if report["reversed_from_buffer_g"]:
        lines.append(
            f"  {_kg(report['reversed_from_buffer_g'])} of what fell were no longer held, but sold,"
            " retired or set aside for a sale: they were cancelled in the buffer."
        )
    if report["obligations_open_g"]:
        owed, opened = (_kg(report[name]) for name in ("obligations_open_g", "obligation_opened_g"))
        lines.append(
            f"  The buffer did not suffice: the operator owes it {owed}, {opened} of it since this"
            " close. `ledger owed` lists it, `ledger refill` and `ledger meet` meet it."
        )
    return lines


def _refused_lines(report: dict[str, Any]) -> list[str]:
    """Accounts that earn nothing because their hours are claimed already."""
    refused = report.get("claims_refused", [])
    if not refused:
        return []
    lines = ["", f"{len(refused)} accounts earn nothing, for their hours are claimed already:"]
    for one in refused[:_CHANGES_SHOWN]:
        who = one["driver_id"] or "no known driver"
        lines.append(f"  {who} on {one['vehicle_id']}: {_CLAIMS[one['note']]}{one['fleet_id']}")
    if len(refused) > _CHANGES_SHOWN:
        lines.append(f"  ... and {len(refused) - _CHANGES_SHOWN} more (--json lists all)")
    return lines


def _kg(mass_g: int) -> str:
    return f"{grouped(mass_g / 1000, 3)} kg CO2"


def _counts_text(counts: dict[str, int]) -> str:
    if not counts:
        return "0"
    total = f"{sum(counts.values()):,}"
    return total + " (" + ", ".join(f"{code} {n:,}" for code, n in sorted(counts.items())) + ")"


def _change_lines(report: dict[str, Any]) -> list[str]:
    if report["first_close"]:
        return ["The month was closed for the first time."]
    changes = report["changes"]
    if not report["changed"]:
        return ["Nothing changed since the month was closed before; nothing was posted."]
    if not changes:
        return ["Inputs changed since the month was closed before, but no figure did."]
    lines = [f"{len(changes)} accounts changed since the month was closed before:"]
    for change in changes[:_CHANGES_SHOWN]:
        who = change["driver_id"] or "no known driver"
        why = "; ".join(_WORDS.of(RESTATED, code) for code in change["reasons"])
        lines.append(f"  {who} on {change['vehicle_id']} ({change['kind']}): {why}")
        if change["kind"] == "changed":
            figures = _telling(change["figures"])
            rows = [[name, *_before_and_after(*pair)] for name, pair in figures]
            lines += columns(rows, "lrlr", indent=6)
    if len(changes) > _CHANGES_SHOWN:
        lines.append(f"  ... and {len(changes) - _CHANGES_SHOWN} more (--json lists all)")
    return lines


def _telling(figures: dict[str, Any]) -> list[tuple[str, Any]]:
    first = ("co2_credited_g", "diesel_saved_l", "distance_km", "empty_km", "orders_matched_count")
    shown = [(name, figures[name]) for name in first if name in figures]
    return shown or list(figures.items())[:5]


def _before_and_after(before: Any, after: Any) -> tuple[str, str, str]:
    """Both figures with as many digits as it takes to see that they differ."""
    for digits in range(_DIGITS, _DIGITS_MAX):
        shown = _figure(before, digits), _figure(after, digits)
        if shown[0] != shown[1]:
            return shown[0], "->", shown[1]
    return str(before), "->", str(after)


def _figure(value: Any, digits: int) -> str:
    if value is None:
        return "none"
    if isinstance(value, int):
        return f"{value:,}"
    return grouped(value, digits) if isinstance(value, float) else str(value)


def price_lines(prices: list[dict[str, Any]]) -> list[str]:
    """The price list, or how to set the first price."""
    if not prices:
        return [
            "No prices are set. For example:",
            "  fleet-carbon price set CEA --price 73.06 --currency CNY --unit t --from 2026-01-01",
            "  fleet-carbon price set diesel --price 8.5 --currency CNY --unit l --from 2026-01-01",
        ]
    rows = [["series", "price", "from", "recorded", "for"]]
    for one in prices:
        price = f"{one['price']} {one['currency']}/{one['unit']}"
        rows.append([one["series"], price, one["valid_from"], one["recorded_at"], _scope_of(one)])
    return columns(rows, "lrlll")


def _scope_of(price: dict[str, Any]) -> str:
    """What a price is for, in a few words; empty if for anything."""
    words = [price[name] for name in ("market", "vintage", "grade") if price[name]]
    if price["floor"] is not None:
        words.append(f"floor {price['floor']}")
    return ", ".join([*words, *([] if price["is_saleable"] else ["not saleable today"])])


def doctor_lines(report: dict[str, Any]) -> list[str]:
    """The findings of `doctor`, one line each, and what to do about those that are not ok."""
    rows = [[one["status"], one["check"], one["finding"]] for one in report["checks"]]
    lines = headed("fleet-carbon doctor", columns(rows, "lll"))
    remedies = [one for one in report["checks"] if one["remedy"]]
    if remedies:
        lines += ["", "What to do:", *(f"  {one['check']}: {one['remedy']}" for one in remedies)]
    return lines


def user_lines(report: dict[str, Any]) -> list[str]:
    """Who may sign in."""
    rows = [["user", "role", "name", "driver", "state"]]
    for one in report["users"]:
        state = "ended" if one["ended_at"] else "valid" if one["has_password"] else "no password"
        rows.append([one["user_id"], one["role"], one["login"], one["driver_id"], state])
    return columns(rows, "lllll") if report["users"] else ["There are no users."]


def invitation_lines(report: dict[str, Any]) -> list[str]:
    """How somebody comes to a password."""
    return [
        f"{report['login']} chooses a password at the address of the service, followed by",
        "",
        f"  {report['path']}",
        "",
        f"Once, until {report['expires_at'][:16].replace('T', ' ')} UTC. It is shown this once.",
    ]


def _of_whom(key: dict[str, Any]) -> str:
    return key["driver_id"] or " ".join(key["shippers"])


def key_lines(report: dict[str, Any]) -> list[str]:
    """Keys of the service, and the secret of a new one with a word about it."""
    rows = [["key", "role", "name", "of", "until", "state", "only"]]
    for one in report["keys"]:
        state = "valid" if one["is_valid"] else "ended" if one["ended_at"] else "expired"
        until = (one["expires_at"] or "")[:10]
        rows.append([one["key_id"], one["role"], one["name"], _of_whom(one), until, state])
        rows[-1].append(" ".join(one["scopes"]))
    lines = columns(rows, "lllllll") if report["keys"] else ["There are no keys."]
    if "secret" in report:
        lines += ["", f"  {report['secret']}", "", "Keep it safe: it is shown this once."]
    return lines
