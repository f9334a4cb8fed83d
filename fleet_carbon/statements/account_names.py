"""The accounts of the ledger in words: whose grams, or what became of them."""

from __future__ import annotations

from collections.abc import Callable

from fleet_carbon.ledger import accounts, posting
from fleet_carbon.statements.wording import CHINESE

_Pair = tuple[str, str]

_WHOLE: dict[str, _Pair] = {
    accounts.ISSUED: ("issued", "签发"),
    accounts.HELD_BY_FLEET: ("held by the fleet", "车队持有"),
    accounts.HELD_BY_PLATFORM: ("held by the platform", "平台持有"),
    accounts.BUFFER: ("buffer", "缓冲池"),
    posting.CANCELLED_RESTATED: ("cancelled, corrected", "因更正作废"),
    posting.CANCELLED_RELEASED: ("cancelled, released to another platform", "申领移交后作废"),
    "cancelled/closed down": ("cancelled, closed down", "停运作废"),
    accounts.OWED_BY_OPERATOR: ("owed by the operator", "运营方所欠"),
    accounts.OWED_TO_BUFFER: ("owed to the buffer", "欠缓冲池"),
}
_OF: dict[str, _Pair] = {
    "held:good/": ("held by the public good {}", "公益 {} 持有"),
    "pending/": ("set aside for the lot {}", "批次 {} 预留"),
    "sold/": ("sold to {}", "售予 {}"),
    "retired/": ("retired on behalf of {}", "为 {} 注销"),
    "cancelled/": ("cancelled: {}", "作废：{}"),
}
_OF_DRIVER: _Pair = ("held by driver {} with truck {}", "司机 {} 持有（车辆 {}）")


def account_name(
    account: str,
    language: str,
    *,
    driver: Callable[[str], str] = str,
    truck: Callable[[str], str] = str,
) -> str:
    """An account of the carbon book; as the ledger names it where there are no words for it.

    Parameters
    ----------
    account : str
        Of an entry.
    language : str
        ``en`` or ``zh``.
    driver, truck : callable
        How drivers and trucks are called, by their identifiers.
    """
    place = int(language == CHINESE)
    if account in _WHOLE:
        return _WHOLE[account][place]
    holder = accounts.holder_of(account)
    if holder is not None:
        return _OF_DRIVER[place].format(driver(holder[0]), truck(holder[1]))
    for begin, told in _OF.items():
        if account.startswith(begin):
            return told[place].format(accounts.unescaped(account.removeprefix(begin)))
    return account
