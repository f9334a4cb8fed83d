"""Notices of a closing down: to each driver and to the public, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HANDED_OVER, GIVEN, RETIRED, CANCELLED = "handed_over", "given", "retired", "cancelled"
_LOTS_SHOWN = 20

_WHAT_EN = {
    HANDED_OVER: "stays on your account; the ledger goes on at {name}",
    GIVEN: "was given to {name}",
    RETIRED: "was retired on behalf of {name}",
    CANCELLED: "was cancelled: {name}",
}
_WHAT_ZH = {
    HANDED_OVER: "仍在您的账户中，账本由 {name} 接续",
    GIVEN: "已转入公益账户 {name}",
    RETIRED: "已代表 {name} 注销使用",
    CANCELLED: "已作废，原因：{name}",
}
_PUBLIC_ZH = {
    HANDED_OVER: "所有账户余额保持不变，账本由 {name} 接续。",
    GIVEN: "所有持有的克数已转入公益账户 {name}。",
    RETIRED: "所有持有的克数已代表 {name} 注销使用。",
    CANCELLED: "所有持有的克数已作废，原因：{name}。",
}
_PUBLIC_EN = {
    HANDED_OVER: "What is held stays on the accounts; the ledger goes on at {name}.",
    GIVEN: "What was held was given to {name}.",
    RETIRED: "What was held was retired on behalf of {name}.",
    CANCELLED: "What was held was cancelled: {name}.",
}


def driver_text_en(notice: Mapping[str, Any]) -> str:
    """The notice to a driver, in English."""
    lines = [
        f"To driver {notice['driver_id']}",
        "",
        f"The carbon ledger of {notice['fleet_id']} was closed down on {notice['closed_at'][:10]}: "
        f"{notice['reason']}.",
        "",
        f"Your balance was {notice['balance_g']:,} g of CO2. It "
        + _WHAT_EN[notice["what"]].format(name=notice["name"])
        + ".",
    ]
    if notice["serials"]:
        lines += ["Serials:", *(f"  {one}" for one in notice["serials"])]
    lines += [f"Still owed to you: {one['amount_text']}" for one in notice["owed"]]
    lines += ["", "Check this without the operator:", *_how(notice)]
    lines += [f"Your account alone: fleet-carbon export --driver {notice['driver_id']} -o mine.zip"]
    return "\n".join(lines) + "\n"


def driver_text_zh(notice: Mapping[str, Any]) -> str:
    """The notice to a driver, in Chinese."""
    lines = [
        f"致司机 {notice['driver_id']}",
        "",
        f"{notice['fleet_id']} 的碳账本已于 {notice['closed_at'][:10]} 关闭：{notice['reason']}。",
        "",
        f"您的余额为 {notice['balance_g']:,} 克二氧化碳，"
        + _WHAT_ZH[notice["what"]].format(name=notice["name"])
        + "。",
    ]
    if notice["serials"]:
        lines += ["序列号：", *(f"  {one}" for one in notice["serials"])]
    lines += [f"尚欠您的款项：{one['amount_text']}" for one in notice["owed"]]
    lines += ["", "无需运营方即可核验：", *_how(notice)]
    lines += [f"仅导出您的账户：fleet-carbon export --driver {notice['driver_id']} -o mine.zip"]
    return "\n".join(lines) + "\n"


def public_text_en(notice: Mapping[str, Any]) -> str:
    """The public notice, in English."""
    lines = [
        f"The carbon ledger of {notice['fleet_id']} was closed down on {notice['closed_at'][:10]}: "
        f"{notice['reason']}.",
        "Nothing is added to it any more. "
        + _PUBLIC_EN[notice["what"]].format(name=notice["name"]),
        "",
        notice["ledger_sums"],
        *(f"Not paid out: {one}" for one in notice["unpaid_text"]),
        *_obligation(notice, "Owed to the buffer and not covered: {:,} g"),
        "",
        "Anybody can check it without the operator:",
        *_how(notice),
        "",
        "Last checkpoint:",
        *(f"  {line}" for line in notice["checkpoint"].splitlines()),
    ]
    return "\n".join(lines) + "\n"


def public_text_zh(notice: Mapping[str, Any]) -> str:
    """The public notice, in Chinese."""
    lines = [
        f"{notice['fleet_id']} 的碳账本已于 {notice['closed_at'][:10]} 关闭：{notice['reason']}。",
        "此后不再增加任何记录。" + _PUBLIC_ZH[notice["what"]].format(name=notice["name"]),
        "",
        notice["ledger_sums"],
        *(f"尚未支付：{one}" for one in notice["unpaid_text"]),
        *_obligation(notice, "对缓冲账户的未偿欠额：{:,} 克"),
        "",
        "任何人无需运营方即可核验：",
        *_how(notice),
        "",
        "最后一次签名检查点：",
        *(f"  {line}" for line in notice["checkpoint"].splitlines()),
    ]
    return "\n".join(lines) + "\n"


def _how(notice: Mapping[str, Any]) -> list[str]:
    return [
        f"  python checker.py archive.zip {notice['key_id']}",
        f"  SHA-256 {notice['archive_sha256']}",
    ]


def _obligation(notice: Mapping[str, Any], text: str) -> list[str]:
    return [text.format(notice["obligations_g"])] if notice["obligations_g"] else []


def state_lines(report: Mapping[str, Any]) -> list[str]:
    """How a fleet stands, and what a closing down would find."""
    said = {
        "open": "is open",
        "announced": "is open; its closing down is announced",
        "withdrawn": "is open; the announcement was withdrawn",
        "final": "was closed down",
    }[report["state"]]
    lines = [f"The fleet {report['fleet_id']} {said}."]
    if report["at"]:
        lines[0] = f"{lines[0][:-1]}, {report['at']}: {report['reason']}"
    return [*lines, *_found_lines(report)]


def outcome_lines(report: Mapping[str, Any]) -> list[str]:
    """What a closing down did, or would do."""
    if report["outcome"] == "on_record_already":
        head = f"The fleet {report['fleet_id']} was closed down before, {report['closed_at']}."
    elif report["outcome"] == "dry_run":
        head = f"Nothing is changed. Closing {report['fleet_id']} down would do this:"
    else:
        head = f"The fleet {report['fleet_id']} is closed down. Nothing is added any more."
    moved = _PUBLIC_EN[report["what"]].format(name=report["name"])
    lines = [head, f"  {report['moved_g']:,} g of {report['holders_count']:,} accounts. {moved}"]
    if report["buffer_cancelled_g"]:
        lines.append(f"  {report['buffer_cancelled_g']:,} g of the buffer are cancelled.")
    if report["voided_lots"]:
        lines.append(f"  Lots that are let go: {', '.join(report['voided_lots'][:_LOTS_SHOWN])}")
    lines += _found_lines(report)
    if report.get("folder"):
        count, folder = report["notices_count"], report["folder"]
        lines.append(f"  Archive, checker and {count:,} notices to drivers are in {folder}.")
    return lines


def _found_lines(report: Mapping[str, Any]) -> list[str]:
    lines = []
    if report.get("open_lots"):
        lines.append(f"  Open lots: {', '.join(report['open_lots'][:_LOTS_SHOWN])}")
    lines += [f"  Not paid out: {one}" for one in report["unpaid_text"]]
    if report["obligations_g"]:
        lines.append(f"  Owed to the buffer: {report['obligations_g']:,} g")
    return [*lines, "", report["ledger_sums"]]
