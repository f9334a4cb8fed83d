"""What the checker of statements says, for people of a language.

The checker stands alone and speaks English with plain numbers and moments of ISO 8601; its
sentences are known here by their form, and numbers and moments told by the locale.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from fleet_carbon.statements import locales
from fleet_carbon.statements.wording import CHINESE

_FORMS: tuple[tuple[str, str], ...] = (
    # proven
    (r"signed by the key (\S+?)(, as expected)", "由密钥 {0} 签名，与所给编号一致"),
    (
        r"signed by the key (\S+?); compare it with the key that is published",
        "由密钥 {0} 签名；请与运营方公布的密钥核对",
    ),
    (
        r"(\d+) entries are among the (\d+) of the checkpoint of (.+)",
        "{0} 条分录包含在 {2} 检查点的 {1} 条之中",
    ),
    (
        r"(\S+) (.+) (\S+): (-?\d+) g credited, as its entries say",
        "{0} 司机 {1} 车辆 {2}：入账 {3} 克，与分录一致",
    ),
    (
        r"(-?\d+) g retired on behalf of (.+) at (.+), (\d+) ranges of serials",
        "{2} 为 {1} 注销 {0} 克，共 {3} 段序列号",
    ),
    (
        r"the ledger of (\d+) entries begins with the (\d+) that were signed before; compare .+",
        "{0} 条分录的账本以先前签名的 {1} 条开头；请与您保存的检查点核对根值",
    ),
    (r"(\d+) entries: root (\S+) of (.+)", "{0} 条分录：{2} 的根值 {1}"),
    # not proven
    (r"it was changed after it was signed", "签名之后内容被改动"),
    (r"a note is not signed by the key (\S+)", "签名不是密钥 {0} 所作"),
    (r"a note has no signature, .+", "缺少签名，或在签名之外另有内容"),
    (r"key (\d+) .+", "第 {0} 把密钥有误"),
    (r"a checkpoint .+", "检查点有误，或属于另一账本"),
    (r"a path is too (?:long|short)", "证明路径的长度不对"),
    (r"place (\d+) is outside a tree of (\d+)", "位置 {0} 超出 {1} 条的账本"),
    (r"no key was in force when a checkpoint was made, (.+)", "{0} 生成检查点时没有有效密钥"),
    (r"the format is (.+), expected one of .+", "不认识的格式 {0}"),
    (
        r"no chain of keys leads from (\S+) to the one that signed, (\S+)",
        "从密钥 {0} 到签名密钥 {1} 没有可信的传递",
    ),
    (
        r"the key (\S+) that signed is not on the list of keys: it is unknown",
        "签名密钥 {0} 不在密钥清单中",
    ),
    (r"the key (\S+) was revoked on (\S+): .+", "密钥 {0} 已于 {1} 吊销，其签名无效"),
    (
        r"entry (\d+) \((.+)\) was changed: its content does not give its hash",
        "分录 {0} 被改动：内容与其哈希不符",
    ),
    (
        r"entry (\d+) \((.+)\) is not in the ledger that the checkpoint is of",
        "分录 {0} 不在检查点所指的账本中",
    ),
    (r"entry (\d+) stands in it twice", "分录 {0} 出现两次"),
    (
        r"(.+) is credited (-?\d+) g, its entries give (-?\d+)",
        "{0} 写明入账 {1} 克，而分录合计为 {2} 克",
    ),
    (r"it has no account for (.+)", "缺少 {0} 的账户"),
    (r"no entry of (\S+) moves what its line says: (.*)", "{0} 的分录与其条目所述不符：{1}"),
    (
        r"the line of (\S+) says (\S+)(?: g)?, its entries (?:give )?(.+)",
        "{0} 的条目写明 {1}，而分录为 {2}",
    ),
    (r"an account is of another month or driver", "有账户属于另一月份或司机"),
    (
        r"entry (\d+) \((.+)\) does not retire on behalf of the beneficiary",
        "分录 {0} 不是为受益人注销",
    ),
    (r"entry (\d+) \((.+)\) is of another act", "分录 {0} 属于另一操作"),
    (r"entry (\d+) \((.+)\) was recorded at another moment", "分录 {0} 的记录时间不同"),
    (r"the serials are not those of the entries", "序列号与分录不符"),
    (r"it says (-?\d+) g, its entries give (-?\d+)", "写明 {0} 克，而分录合计为 {1} 克"),
    (
        r"the (\d+) entries do not begin with the (\d+): .+",
        "{0} 条分录不以先前的 {1} 条开头：分录被改动、抽走或插入",
    ),
)
_COMPILED = tuple((re.compile(form, re.S), told) for form, told in _FORMS)
_WRAPPED = re.compile(r"Not proven: (.+)\.", re.S)
_NO_STATEMENT = re.compile(r"Not a statement: .+", re.S)
_OF_LINE = re.compile(r"(\S+): (\w+) (-?\d+) g ?(.*)", re.S)
_KINDS = {
    "issued": "签发",
    "corrected": "更正",
    "released": "申领移交",
    "claimed": "申报",
    "borne_by_buffer": "由缓冲承担",
    "owed_by_operator": "由运营方负担",
    "met_by_operator": "运营方补足",
    "sale": "出售",
    "redeemed": "兑换",
    "given_to_public_good": "捐给公益",
    "retired": "注销",
    "cancelled": "作废",
}


# Numbers that count something: before their unit, or where a sentence ends in grams.
_COUNTED = re.compile(
    r"(?<![\w.:/-])-?\d{4,}(?= (?:g\b|entries\b|of the checkpoint|克|条))"
    r"|(?<=entries give )-?\d{4,}(?=\.?$)"
)
# Not within an identifier such as close/2026-09/...: that is searched for as it is.
_MONTH = re.compile(r"(?<![\w/-])\d{4}-\d{2}(?![\w/-])")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})")


def verdict_text(text: str, language: str, *, zone: ZoneInfo) -> str:
    """A sentence of the checker in the language asked for; as it is where its form is not known.

    Parameters
    ----------
    text : str
        From `ledger.checker.Findings`.
    language : str
        ``en`` or ``zh``.
    zone : ZoneInfo
        In whose civil time moments are told.
    """
    told = _in_chinese(text) if language == CHINESE else text
    told = _MOMENT.sub(lambda found: locales.moment_of(found[0], zone, language), told)
    told = _MONTH.sub(lambda found: locales.month(found[0], language), told)
    return _COUNTED.sub(lambda found: locales.number(int(found[0]), 0, language), told)


def _in_chinese(text: str) -> str:
    if wrapped := _WRAPPED.fullmatch(text):
        return f"未通过：{_in_chinese(wrapped[1])}。"
    if _NO_STATEMENT.fullmatch(text):
        return "内容不是对账单：缺少必要的部分，或格式不对。"
    if (line := _OF_LINE.fullmatch(text)) and line[2] in _KINDS:
        return f"{line[1]}：{_KINDS[line[2]]} {line[3]} 克 {line[4]}".rstrip()
    for form, told in _COMPILED:
        if found := form.fullmatch(text):
            return told.format(*found.groups())
    return text
