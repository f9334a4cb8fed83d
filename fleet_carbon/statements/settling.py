"""What became of a driver's grams, in English and Chinese: a sentence an act, with serials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from fleet_carbon.ledger.proceeds import minor_digits
from fleet_carbon.statements import locales
from fleet_carbon.statements.layout import grouped, headed
from fleet_carbon.statements.wording import Words

_SERIALS_SHOWN = 4
_KINDS = {
    "issued": (
        "{day}, issued: {grams} g of the {figure} g credited, serials {serials}.",
        "{day} 签发：核定 {figure} 克中的 {grams} 克，编号 {serials}。",
    ),
    "corrected": (
        "{day}, corrected from {before} g to {figure} g credited: {signed} g, serials {serials}.",
        "{day} 更正：核定由 {before} 克改为 {figure} 克，{signed} 克，编号 {serials}。",
    ),
    "released": (
        "{day}, claim released to another platform, from {before} g to {figure} g credited:"
        " {signed} g, serials {serials}.",
        "{day} 申领移交其他平台：核定由 {before} 克改为 {figure} 克，{signed} 克，编号 {serials}。",
    ),
    "claimed": (
        "{day}, reported by {note}: {grams} g, serials {serials}.",
        "{day} 由 {note} 申报：{grams} 克，编号 {serials}。",
    ),
    "borne_by_buffer": (
        "{day}, corrected from {before} g to {figure} g credited: {grams} g were no longer held and"
        " were cancelled in the buffer, serials {serials}.",
        "{day} 更正：核定由 {before} 克改为 {figure} 克，其中 {grams} 克已不在账上，由缓冲注销，"
        "编号 {serials}。",
    ),
    "owed_by_operator": (
        "{day}, corrected from {before} g to {figure} g credited: {grams} g neither you nor the"
        " buffer bear; the operator owes them.",
        "{day} 更正：核定由 {before} 克改为 {figure} 克，其中 {grams} 克由运营方负担，"
        "不由司机承担。",
    ),
    "met_by_operator": (
        "{day}, the operator made good {grams} g that it owed for this month.",
        "{day} 运营方补足了本月所欠的 {grams} 克。",
    ),
    "sale": (
        "{day}, lot {lot} to {buyer}, {state}: {grams} g at {price} {currency}/t,"
        " earned {money}, serials {serials}.",
        "{day} 批次 {lot} 售予 {buyer}，{state}：{grams} 克，单价 {price} {currency}/吨，"
        "所得 {money}；编号 {serials}。",
    ),
    "redeemed": (
        "{day}, redeemed for {note}: {grams} g, a voucher worth {money}, {state};"
        " serials {serials}.",
        "{day} 兑换 {note}：{grams} 克，价值 {money} 的券，{state}；编号 {serials}。",
    ),
    "given_to_public_good": (
        "{day}, given to {note}: {grams} g, serials {serials}.",
        "{day} 捐予公益 {note}：{grams} 克，编号 {serials}。",
    ),
    "retired": (
        "{day}, retired on behalf of {note}: {grams} g, serials {serials}.",
        "{day} 以 {note} 名义注销使用：{grams} 克，编号 {serials}。",
    ),
    "cancelled": (
        "{day}, cancelled, {note}: {grams} g, serials {serials}.",
        "{day} 作废，{note}：{grams} 克，编号 {serials}。",
    ),
}
_OTHER = (
    "{day}, {kind} {note}: {grams} g, serials {serials}.",
    "{day} {kind} {note}：{grams} 克，编号 {serials}。",
)
_STATES = {
    "reserved": ("reserved", "已预留"),
    "settled": ("settled, not paid out yet", "已结算，尚未付款"),
    "void": ("void, all returned", "已撤销，全部退回"),
    "paid out": ("paid out", "已付款"),
    "owed": ("owed", "待交付"),
    "delivered": ("handed over", "已交付"),
}
_NOT_YET = ("nothing yet", "尚无")
_MORE = (" and {count} more", " 等另 {count} 段")
_TITLE = ("Your grams in the ledger", "账本中的您的克数")
_OWN = (
    "Where the serials are that were issued to you: {line}. In your own accounts: {own} g.",
    "签发给您的编号现在何处：{line}。您自己账户中：{own} 克。",
)
_FLEET = ("The ledger of the fleet: {line}", "车队账本：{line}")
_PARTS = {
    "issued": "签发",
    "held": "持有",
    "pending": "预留",
    "sold": "已售",
    "retired": "已使用",
    "cancelled": "已作废",
    "buffer": "缓冲",
}


def settlement_text(line: Mapping[str, Any], words: Words) -> str:
    """One act on a driver's grams as a sentence.

    Parameters
    ----------
    line : mapping
        As `services.ledger.settling.Settlement.as_dict` gives it.
    words : Words
        Of the language.
    """
    known = line["kind"] in _KINDS
    pattern = words.choose(_KINDS[line["kind"]] if known else _OTHER)
    state = words.choose(_STATES[line["state"]]) if line["state"] else ""
    return pattern.format(
        day=locales.day(line["day"], words.language),
        kind=line["kind"],
        grams=grouped(abs(line["amount_g"]), 0),
        signed=locales.signed(line["amount_g"], 0, words.language),
        before=grouped(line["figure_before_g"] or 0, 0),
        figure=grouped(line["figure_g"] or 0, 0),
        lot=line["lot_id"],
        buyer=line["buyer"],
        price=line["price"],
        currency=locales.unit(line["currency"], words.language),
        money=_money_text(line, words),
        note=line["note"],
        state=state,
        serials=_serials_text(line["serials"], words),
    )


def _money_text(line: Mapping[str, Any], words: Words) -> str:
    if not line["amount"]:
        return words.choose(_NOT_YET)
    currency = line["currency"]
    amount = Decimal(line["amount"]).scaleb(-minor_digits(currency))
    return locales.money(amount, currency, words.language)


def _serials_text(serials: Sequence[str], words: Words) -> str:
    more = len(serials) - _SERIALS_SHOWN
    shown = words.choose((", ", "、")).join(serials[:_SERIALS_SHOWN])
    return shown + (words.choose(_MORE).format(count=more) if more > 0 else "")


def sums_text(line: str, words: Words) -> str:
    """The equation of the ledger in the language."""
    if words.choose(("en", "zh")) == "zh":
        for name, chinese in _PARTS.items():
            line = line.replace(name, chinese)
        line = line.replace(" g =", " 克 =")
    return line


def whereabouts_texts(ledger: Mapping[str, Any], words: Words) -> list[str]:
    """Where a driver's serials are now, and where those of the fleet are: two sentences."""
    own = words.choose(_OWN).format(
        line=sums_text(ledger["issued"], words), own=grouped(ledger["own_g"], 0)
    )
    return [own, words.choose(_FLEET).format(line=sums_text(ledger["ledger_sums"], words))]


def settlement_lines(ledger: Mapping[str, Any], words: Words) -> list[str]:
    """All that became of a driver's grams, under a title."""
    lines = [f"  {settlement_text(one, words)}" for one in ledger["settlement"]]
    lines += [f"  {one}" for one in whereabouts_texts(ledger, words)]
    return headed(words.choose(_TITLE), lines)
