"""What a preview says of a file, in Chinese; in English it is said as it stands."""

from __future__ import annotations

import re

from fleet_carbon.statements.wording import CHINESE

_CHINESE = {
    # what is guessed
    "dialect": "来源系统",
    "form": "格式",
    "encoding": "文字编码",
    "separator": "分隔符",
    "decimal mark": "小数点",
    "header": "表头",
    "zone of times without offset": "未注明时区的时间",
    "coordinates": "坐标系",
    "rows kept": "保留的行",
    "rows left out": "略去的行",
    # what it is taken for
    "text": "文本",
    "workbook": "工作簿",
    "json": "JSON 行",
    "tab": "制表符",
    "comma": "逗号",
    "semicolon": "分号",
    "pipe": "竖线",
    "point": "点",
    "comma or point": "逗号或点",
    "none": "无",
    # why
    "said in the command": "已在表单中选择",
    "the first bytes of the file": "文件开头的字节",
    "the source profile says so": "来源配置已注明",
    "all bytes are UTF-8": "所有字节均为 UTF-8",
    "a byte-order mark of UTF-16": "有 UTF-16 字节序标记",
    "the bytes are no UTF-8, and all are GB18030": "不是 UTF-8，且均为 GB18030",
    "412,35 is read as a number, too": "412,35 也按数字读取",
    "numbers have points": "数字以点为小数点",
    "the first line with cells": "首个有内容的行",
    "the source profile or the default": "来源配置或默认值",
    "the source profile, or the fleet's zone": "来源配置或车队时区",
    "a filter of the source profile": "来源配置中的筛选",
    "a heading that other systems use": "其他系统通用的表头",
    "joined by the source profile": "按来源配置合并",
    "day and clock by headings that other systems use": "按通用表头合并日期与时刻",
    "our name": "本系统列名",
    "(every row)": "（每一行）",
}
_PATTERNS = (
    (re.compile(r"line (\d+)"), r"第 \1 行"),
    (
        re.compile(r"it stands most often in the header line; (\d+) columns"),
        r"在表头行中最常见，共 \1 列",
    ),
    (re.compile(r"(.*) \(ours\)"), r"\1（本系统单位）"),
    (re.compile(r"(.*) \(source profile\)"), r"\1（来源配置）"),
    (re.compile(r"(.*) \(heading\)"), r"\1（表头注明）"),
)


def preview_told(text: str, *, language: str) -> str:
    """A word or sentence of a preview in a language; names and cells stay as they are.

    Examples
    --------
    >>> preview_told("line 3", language="zh"), preview_told("t (ours)", language="zh")
    ('第 3 行', 't（本系统单位）')
    """
    if language != CHINESE:
        return text
    if text in _CHINESE:
        return _CHINESE[text]
    for pattern, put in _PATTERNS:
        if pattern.fullmatch(text):
            return pattern.sub(put, text)
    return text
