"""What is wrong with a row that was refused, and what to do, in English and Chinese by its code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet_carbon.statements.wording import CHINESE


@dataclass(frozen=True)
class Refusal:
    """One kind of fault for people.

    Attributes
    ----------
    wrong : str
        What is wrong with the row.
    detail : str
        With what stands there; empty if nothing of it can be told.
    remedy : str
        What its sender does about it.
    """

    wrong: str
    detail: str
    remedy: str


_SEND_AGAIN = ("Correct it and send the file again.", "请更正后重新上传该文件。")
_BOUNDS = ("Let each part end after it begins.", "请使上限大于下限。")
_UNITS = (
    "Write the number in the unit of the column, or name the unit in a source profile.",
    "请按该列的单位填写，或在来源配置中注明单位。",
)
_CHOICE = ("Use one of the words that are listed beside it.", "请使用所列的取值之一。")
_QUOTES = (
    "Quote texts that hold the separator, and close every quote.",
    "含分隔符的文本请加引号，并确保引号成对。",
)
_FRAMES = (
    "The others stand; look whether the log is written whole.",
    "其余报文不受影响；请检查日志是否完整写入。",
)
# Code -> (wrong, what to do), each in English and Chinese.
_BY_CODE: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "amount_negative": (
        ("A rebate or cancellation is no purchase", "退款或优惠不是加油记录"),
        ("Nothing is to be done.", "无需处理。"),
    ),
    "plate_ambiguous": (
        ("Several trucks have this plate", "有多辆车使用该车牌号"),
        ("Give the colour of the plate, too.", "请同时填写车牌颜色。"),
    ),
    "plate_unknown": (
        ("No registered truck has this plate and colour", "没有登记该车牌号和颜色的车辆"),
        (
            "Send the trucks with their plates first, then this file again.",
            "请先上传含车牌号的车辆，再重新上传该文件。",
        ),
    ),
    "trip_without_consignment": (
        ("The trip loads and unloads nothing", "该行程没有装卸货物"),
        ("Nothing is to be done.", "无需处理。"),
    ),
    "baseline_names_both": (
        ("The line names a driver and a class", "同一行同时填写了司机和车型"),
        ("Write two rows, one for each.", "请分成两行填写。"),
    ),
    "cargo_exceeds_vehicle": (
        ("The cargo is heavier than the truck may carry", "货物重量超过车辆载重"),
        _UNITS,
    ),
    "consumption_beyond_trucks": (
        ("No truck has such a consumption", "油耗超出货车的合理范围"),
        ("Write litres per 100 km.", "请以升/百公里填写。"),
    ),
    "coordinate_pair_incomplete": (
        ("Only one of longitude and latitude is there", "经度和纬度缺少其一"),
        ("Give both, or a place by name.", "请同时填写经纬度，或填写地名。"),
    ),
    "coordinates_swapped": (
        ("Longitude and latitude are interchanged", "经度和纬度填反了"),
        ("Interchange the two columns.", "请对调这两列。"),
    ),
    "coordinates_encrypted": (
        ("The coordinates are encrypted", "坐标已加密"),
        ("Log frames after decryption.", "请记录解密后的报文。"),
    ),
    "credit_no_purchase": (
        ("A credit is no purchase", "冲正记录不是充电记录"),
        ("Withdraw the session that it takes back.", "请撤回被冲正的充电记录。"),
    ),
    "driver_unknown": (
        ("The driver is not registered", "司机尚未登记"),
        (
            "Send the drivers first, then this file again; or correct the identifier.",
            "请先上传司机，再重新上传该文件；或更正编号。",
        ),
    ),
    "empty_share_one": (
        ("An empty share of 1 leaves no loaded kilometre", "空驶率为 1 时没有载货里程"),
        _SEND_AGAIN,
    ),
    "fix_not_valid": (
        ("The device had no fix", "设备当时未定位"),
        ("Nothing is to be done.", "无需处理。"),
    ),
    "frame_check_wrong": (
        ("The frame is damaged or cut off", "报文损坏或不完整"),
        _FRAMES,
    ),
    "frame_encrypted": (
        ("The frame is encrypted", "报文已加密"),
        ("Log frames after decryption.", "请记录解密后的报文。"),
    ),
    "frame_escape_wrong": (
        ("The frame has an escape that is none", "报文转义有误"),
        _FRAMES,
    ),
    "frame_in_parts": (
        ("The frame is a part of a longer message", "该报文只是分包的一部分"),
        ("Log messages when they are put together.", "请记录合并分包后的报文。"),
    ),
    "frame_length_wrong": (
        ("The frame has another length than it says", "报文长度与标明的不符"),
        _FRAMES,
    ),
    "sentence_check_wrong": (
        ("The sentence is damaged or cut off", "语句损坏或不完整"),
        _FRAMES,
    ),
    "sentence_cut_off": (
        ("The sentence lacks fields", "语句字段不全"),
        _FRAMES,
    ),
    "full_below_empty": (
        ("Loaded the truck burns less than empty", "满载油耗低于空载油耗"),
        ("Look whether the two columns are interchanged.", "请检查两列是否填反。"),
    ),
    "json_unreadable": (
        ("The line is no JSON object", "该行不是有效的 JSON 对象"),
        ("Write one object on each line.", "请每行写一个对象。"),
    ),
    "latitude_out_of_range": (
        ("The latitude is not between -90 and 90", "纬度不在 -90 至 90 之间"),
        _SEND_AGAIN,
    ),
    "longitude_out_of_range": (
        ("The longitude is not between -180 and 180", "经度不在 -180 至 180 之间"),
        _SEND_AGAIN,
    ),
    "missing_value": (
        ("A value is missing", "缺少必填值"),
        ("Fill the column in.", "请补全该列。"),
    ),
    "negative_cargo": (("The cargo is below zero", "货物重量为负"), _SEND_AGAIN),
    "negative_odometer": (("The odometer is below zero", "里程表读数为负"), _SEND_AGAIN),
    "negative_volume": (("The volume is below zero", "体积为负"), _SEND_AGAIN),
    "distance_impossible": (
        ("No road on Earth has this length", "地球上没有这样长的路"),
        (
            "Write the distance by road in km, more than 0, or leave it out.",
            "请填写大于 0 的公路距离（公里），或留空。",
        ),
    ),
    "not_a_number": (
        ("This is no number", "不是数字"),
        ("Write digits with a point, without a unit.", "请填写数字，用小数点，不带单位。"),
    ),
    "not_positive": (("The number is not more than zero", "数值应大于零"), _SEND_AGAIN),
    "order_version_conflict": (
        ("The order is on record with other content", "该运单已有不同内容的记录"),
        ("Give a changed order a higher version.", "运单有变更时请使用更高的版本号。"),
    ),
    "order_without_coordinates": (
        ("The place is not known", "地点无法识别"),
        (
            "Give longitude and latitude, or a place by district.",
            "请填写经纬度，或写明到区县的地名。",
        ),
    ),
    "payload_beyond_trucks": (
        ("No truck carries so much", "核定载重超出货车范围"),
        _UNITS,
    ),
    "pickup_after_delivery": (
        ("Loading is planned after unloading", "计划装货晚于卸货"),
        ("Look whether the two columns are interchanged.", "请检查两列是否填反。"),
    ),
    "place_ambiguous": (
        ("Several places have this name", "地名对应多个地点"),
        ("Name province, city and district, or give coordinates.", "请写明省市区，或填写经纬度。"),
    ),
    "quantity_not_positive": (
        ("The quantity is not more than zero", "数量应大于零"),
        ("Leave out rebates and cancellations.", "请去掉返利和冲销记录。"),
    ),
    "quote_not_closed": (("A quote is not closed", "引号没有闭合"), _QUOTES),
    "row_cut_off": (
        ("The file ends in the middle of this row", "文件在该行中途结束"),
        ("Export the file again and send it.", "请重新导出并上传。"),
    ),
    "share_out_of_range": (
        ("The share is not between 0 and 1", "比例不在 0 至 1 之间"),
        ("Write 40 % as 0.4.", "40% 请写作 0.4。"),
    ),
    "stratum_below_zero": (("A bound is below zero", "分档界限为负"), _SEND_AGAIN),
    "stratum_empty": (("The part ends before it begins", "分档上限不大于下限"), _BOUNDS),
    "stratum_of_driver": (
        ("The line of a driver holds for all of the driver's work", "司机基准适用于其全部运输"),
        ("Leave the parts out, or name a class.", "请去掉分档，或改为车型基准。"),
    ),
    "text_has_nul": (
        ("The text holds a character that cannot be stored", "文本含有无法保存的字符"),
        ("Export the file again as CSV in UTF-8.", "请以 UTF-8 CSV 重新导出。"),
    ),
    "time_unreadable": (
        ("The time cannot be read", "时间无法识别"),
        ("Write it as 2026-03-02 06:45.", "请写作 2026-03-02 06:45。"),
    ),
    "time_without_clock": (
        ("The time of day is missing", "缺少时刻"),
        ("Write day and time.", "请填写日期和时刻。"),
    ),
    "too_many_fields": (("The row has more fields than the head", "该行字段多于表头"), _QUOTES),
    "two_drivers_at_once": (
        ("Two drivers are assigned to the truck at once", "同一车辆同时指派了两名司机"),
        ("End one assignment before the other begins.", "请先结束前一段再开始下一段。"),
    ),
    "until_before_from": (
        ("The end is not later than the beginning", "结束不晚于开始"),
        ("Look whether the two columns are interchanged.", "请检查两列是否填反。"),
    ),
    "utilisation_zero": (
        ("A utilisation of 0 carries nothing", "利用率为 0 表示未载货"),
        _SEND_AGAIN,
    ),
    "vehicle_unknown": (
        ("The truck is not registered", "车辆尚未登记"),
        (
            "Send the trucks first, then this file again; or correct the identifier.",
            "请先上传车辆，再重新上传该文件；或更正编号。",
        ),
    ),
    "version_not_whole": (("The version is no whole number", "版本号不是整数"), _SEND_AGAIN),
}
# A column that takes one of several words has a code of its own name.
_CHOSEN = (("The word is none that the column knows", "取值不在该列允许的范围内"), _CHOICE)


# How the English sentences of rejections are told in Chinese: what stands there, and what counts.
_DETAILS = tuple(
    (re.compile(form, re.DOTALL), told)
    for form, told in (
        (r"(?P<a>\S+) is empty: .*", "{a} 为空"),
        (
            r"(?P<a>.+?) is ['\"](?P<b>.*)['\"]: expected one of (?P<c>.+)",
            "{a} 的值为“{b}”；可用：{c}",
        ),
        (r"(?P<a>.+?) is ['\"](?P<b>.*)['\"]: .*", "{a} 的值为“{b}”"),
        (r"(?:Vehicle|Driver) ['\"](?P<a>.+?)['\"] is not registered.*", "编号“{a}”"),
        (
            r"Cargo of (?P<a>\S+) t is more than (?P<b>\S+) times the (?P<c>\S+) t that vehicle"
            r" ['\"](?P<d>.+?)['\"].* A (?:thousandth|millionth), (?P<e>\S+) t, would fit\.",
            "货物 {a} 吨，超过车辆“{d}”载重 {c} 吨的 {b} 倍；若单位有误，{e} 吨则相符",
        ),
        (
            r"Cargo of (?P<a>\S+) t is more than (?P<b>\S+) times the (?P<c>\S+) t that vehicle"
            r" ['\"](?P<d>.+?)['\"].*",
            "货物 {a} 吨，超过车辆“{d}”载重 {c} 吨的 {b} 倍",
        ),
        (
            r"Consumption of (?P<a>\S+) l/100 km lies outside (?P<b>\S+) to (?P<c>\S+)\. .*",
            "油耗 {a} 升/百公里，不在 {b} 至 {c} 之间",
        ),
        (
            r"A rated payload of (?P<a>\S+) t is more than the (?P<b>\S+) t .*",
            "载重 {a} 吨，超过货车上限 {b} 吨",
        ),
        (
            r"Pick-up lies (?P<a>\S+) h after the delivery; plans may cross by (?P<b>\S+) h.*",
            "计划装货比卸货晚 {a} 小时，最多允许 {b} 小时",
        ),
        (
            r"Driver ['\"](?P<a>.+?)['\"] on vehicle ['\"](?P<b>.+?)['\"] from (?P<c>\S+): driver"
            r" ['\"](?P<d>.+?)['\"] is assigned .*",
            "车辆“{b}”自 {c} 起：司机“{a}”与“{d}”",
        ),
        (
            r"Order ['\"](?P<a>.+?)['\"] is on record .* version (?P<b>\d+)\. .*",
            "运单“{a}”第 {b} 版",
        ),
        (r"(?P<a>\d+) fields where the header has (?P<b>\d+).*", "该行 {a} 个字段，表头 {b} 个"),
        (
            r"the file ends after (?P<a>\d+) of (?P<b>\d+) fields.*",
            "文件在第 {a} 个字段后结束，应有 {b} 个",
        ),
    )
)


def refusal_of(code: str, text: str, language: str) -> Refusal:
    """What a rejection says.

    Parameters
    ----------
    code, text : str
        Of a `Rejection`; a code that is not known stands for itself.
    language : str
        ``en`` or ``zh``.
    """
    place = 1 if language == CHINESE else 0
    told = _BY_CODE.get(code)
    if told is None and code.endswith("_unknown"):
        told = _CHOSEN
    detail = _in_chinese(text) if language == CHINESE else text
    if told is None:
        return Refusal(code, detail, _SEND_AGAIN[place])
    wrong, remedy = told
    return Refusal(wrong[place], detail, remedy[place])


def _in_chinese(text: str) -> str:
    for form, told in _DETAILS:
        if found := form.fullmatch(text):
            return told.format(**found.groupdict())
    return ""
