"""What was refused or looks wrong, in Chinese: errors and suspicions by their codes.

The sentences of the program are English; here each code has its own, in which ``{0}`` stands for
the first thing that the English one puts in quotes and ``{month}`` for the first month it names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet_carbon.statements.wording import CHINESE

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_MONTH = re.compile(r"\b\d{4}-\d{2}\b")
_SHOWN_MAX = 80

# Code -> what failed, and what to do.
ERRORS: dict[str, tuple[str, str]] = {
    "account_not_found": ("{month} 没有这位司机与这辆车的账户。", "请查看该月的对账单列表。"),
    "assets_missing": ("程序构建时缺少页面或文件所需的资源。", "请管理员重新安装程序。"),
    "body_too_large": ("文件解压后过大。", "请拆成几个较小的文件再上传。"),
    "body_unreadable": ("文件没有完整传到。", "请检查网络后重新上传。"),
    "column_missing": (
        "文件缺少必需的列，或所选数据类型不对。",
        "请对照说明检查表头，再重新上传。",
    ),
    "crs_unknown": ("没有坐标系“{0}”。", "请选择 WGS-84、GCJ-02 或 BD-09。"),
    "currency_differs": ("该价格系列使用另一种货币。", "请使用相同货币，或另起名称。"),
    "currency_malformed": ("“{0}”不是货币代码。", "请填写三位字母，例如 CNY。"),
    "database_gone": ("数据库连接中断。", "请稍后再试。"),
    "database_unusable": ("数据库暂时无法使用。", "请稍后再试，或联系管理员。"),
    "day_malformed": ("“{0}”不是日期。", "请按 YYYY-MM-DD 填写，例如 2026-09-01。"),
    "disk_full": ("服务器磁盘空间不足。", "请联系管理员。"),
    "dispute_not_found": ("没有这条申诉。", "请在申诉页面查看全部申诉。"),
    "dispute_text_refused": ("说明须为 1 至 2000 个字符。", "请修改后重新提交。"),
    "download_not_found": ("没有这个文件，或已过保留期。", "请重新生成。"),
    "driver_erased": ("文件中有已被删除个人信息的司机。", "请去掉这些司机后重新上传。"),
    "driver_not_found": ("没有司机“{0}”的记录。", "请在司机页面查看，或先上传司机资料。"),
    "driver_unknown": ("司机“{0}”没有任何账户或记录。", "请在司机页面查看。"),
    "vehicle_not_named": ("文件未注明车辆。", "请填写车辆编号后重新上传。"),
    "xml_document_type": ("文件声明了外部文档类型。", "请去掉 DOCTYPE 声明后重新上传。"),
    "dialect_not_met": ("文件不是所选来源系统的格式。", "请选择正确的来源系统后重新上传。"),
    "dialect_unknown": ("没有这种来源系统。", "请从列表中选择。"),
    "dialect_without_kind": ("所选来源系统不含这类数据。", "请改选内容或来源系统。"),
    "edition_not_at_hand": ("缺少该月结账所用的方法学版本。", "请管理员恢复该版本的文件。"),
    "edition_not_in_force": ("该日期没有生效的方法学版本。", "请联系管理员。"),
    "encoding_unknown": ("无法识别文件的文字编码。", "请另存为 UTF-8 或 GB18030 后重新上传。"),
    "factor_not_in_force": ("该日期没有生效的排放因子。", "请联系管理员。"),
    "file_empty": ("文件没有数据行。", "请检查文件内容后重新上传。"),
    "file_not_found": ("没有这个文件的记录。", "请在数据页面查看已接收的文件。"),
    "file_too_large_for_dialect": (
        "该来源系统的文件须整体读取，此文件过大。",
        "请拆分后上传，或改为每行一条记录。",
    ),
    "file_unreadable": ("文件无法读取。", "请确认文件完整；旧版 XLS 请另存为 XLSX。"),
    "file_withdrawn_already": ("该文件此前已撤回。", ""),
    "fleet_closed_down": ("该车队的账本已关闭，不能再添加记录。", ""),
    "format_unknown": ("文件不是 CSV、XLSX、Parquet 或 JSON 行。", "请另存为其中一种格式。"),
    "idempotency_key_reused": ("同一请求编号对应不同内容。", "请重新打开页面后再试。"),
    "intake_full": ("系统正忙于接收数据。", "请稍后再试。"),
    "internal_fault": ("程序内部出错。", "请稍后再试；若再次发生，请联系管理员。"),
    "job_not_found": ("没有这项任务。", "请从月份页面重新发起。"),
    "job_not_waiting": ("任务正在进行或已结束，无法取消。", ""),
    "json_unreadable": ("内容不是 JSON。", "请检查文件。"),
    "kind_unknown": ("没有这种数据类型。", "请从列表中选择。"),
    "language_unknown": ("没有语言“{0}”。", "请选择 zh 或 en。"),
    "login_malformed": ("用户名须为 1 至 200 个字符，且不含空格。", ""),
    "login_taken": ("用户名“{0}”已被使用。", "请换一个用户名。"),
    "mail_address_malformed": ("“{0}”不是邮件地址。", "请按 name@example.com 的格式填写。"),
    "mail_day_refused": ("发送日须为 1 至 31。", ""),
    "mail_form_unknown": ("不支持该附件格式。", "请选择 PDF、XLSX 或 HTML。"),
    "mail_not_configured": ("尚未设置邮件服务器。", "请管理员设置 FLEET_CARBON_MAIL_HOST。"),
    "mail_password_in_the_clear": ("密码不会在未加密时发送。", "请管理员启用加密。"),
    "mail_recipient_known": ("该地址已在收件人名单中。", ""),
    "mail_recipient_not_found": ("没有这位收件人。", "请查看收件人名单。"),
    "mail_sent_already": ("该月报告已发送给此地址，或可能已发送。", ""),
    "media_type_unsupported": ("不支持这种内容格式。", ""),
    "month_closed_meanwhile": ("{month} 刚刚由另一项操作结账。", "请刷新页面查看结果。"),
    "month_malformed": ("“{0}”不是月份。", "请按 YYYY-MM 填写，例如 2026-10。"),
    "month_not_closed": ("{month} 尚未结账。", "请先在月份页面结账。"),
    "month_of_another_installation": ("{month} 在账本迁入之前结账，轨迹和运单未随之迁入。", ""),
    "month_still_open": ("{month} 尚未结束，不能结账。", "请在月底之后再结账。"),
    "month_without_data": ("{month} 没有定位数据。", "请先上传轨迹，再结账。"),
    "no_closed_months": ("还没有结账的月份。", "请先在月份页面结账。"),
    "outcome_unknown": ("没有这种答复结果。", "请从列表中选择。"),
    "password_is_login": ("密码与用户名相同，或只是同一字符的重复。", "请换一个密码。"),
    "password_too_long": ("密码最多 256 个字符。", ""),
    "password_too_short": ("密码太短。", "请使用更长的密码。"),
    "price_malformed": ("“{0}”不是价格。", "请填写大于 0 的数字，例如 91.5。"),
    "price_scope_refused": ("只有碳价可以限定市场、年份、等级或底价。", ""),
    "price_unit_differs": ("该价格系列使用另一种单位。", "请核对单位，或另起名称。"),
    "report_format_unknown": ("不支持该报告格式。", "请选择 XLSX、PDF、HTML 或 JSON。"),
    "role_unknown": ("没有角色“{0}”。", "请从列表中选择。"),
    "run_not_found": ("{month} 没有这次结账。", "请在月份页面查看历次结账。"),
    "segment_missing": ("轨迹存储缺少已登记的数据。", "请联系管理员。"),
    "serial_ambiguous": ("{month} 有多个方法学版本的序列号。", "请填写完整的序列号。"),
    "serial_malformed": ("“{0}”不是序列号。", "请按 车队/版本/月份/起-止 填写，见对账单。"),
    "serial_not_issued": ("该序列号从未签发。", "请核对号码。"),
    "serial_of_another_fleet": ("该序列号属于另一车队。", "请在该车队查询。"),
    "series_missing": ("请填写价格名称。", ""),
    "setting_refused": ("程序设置有误。", "请联系管理员。"),
    "sheet_missing": ("工作簿没有所需的工作表。", "请检查工作表名称。"),
    "sign_in_must_wait": ("登录失败次数过多。", "请稍候再试。"),
    "sign_on_refused": ("企业账号登录未成功。", "请重新登录，或联系管理员。"),
    "sign_on_unavailable": ("企业账号服务暂时无法使用。", "请稍后再试。"),
    "sign_on_unknown": ("该企业账号尚未在此车队登记。", "请管理员为您登记。"),
    "signing_key_missing": ("缺少签名密钥。", "请联系管理员。"),
    "statement_not_proven": ("对账单未通过核验，因此不予出具。", "请联系管理员检查账本。"),
    "statements_none": (
        "{month} 没有可出具的对账单。",
        "请查看该月账户；核验不通过时请联系管理员。",
    ),
    "statement_without_account": (
        "司机“{0}”在 {month} 没有账户：没有可证明的内容，因此没有对账单文件。",
        "请补传运单与轨迹后重新结账。",
    ),
    "storage_busy": ("另一项操作正在写入。", "请稍后再试。"),
    "traces_reduced": ("{month} 的定位数据已按保存规则精简，只保留行程和摘要。", ""),
    "traces_store_unreachable": ("轨迹存储没有响应。", "请稍后再试，或联系管理员。"),
    "trip_not_found": ("{month} 没有这张运单或行程。", "请从对账单中选择。"),
    "user_driver_needed": ("司机角色须指定司机，其他角色不可指定。", ""),
    "user_ended": ("该用户已停用。", ""),
    "user_not_found": ("没有这个用户。", "请查看用户列表。"),
    "vehicle_not_on_record": ("没有车辆“{0}”：未登记，也没有定位。", "请核对车辆编号。"),
    "vehicle_not_seen": ("车辆“{0}”在 {month} 没有任何记录。", "请选择其他月份或车辆。"),
    "vehicle_unknown": ("有定位、运单或加油记录的车辆尚未登记。", "请先上传车辆资料。"),
    "vehicles_needed": ("已有定位或运单的车辆只在此文件中登记，不能撤回。", ""),
    "worker_lost": ("后台进程被中断，可能是内存不足。", "请重新发起。"),
    "zoom_malformed": ("缩放级别须为 0 至 20。", ""),
}

# Code -> what looks wrong in a file, and what to do.
SUSPICIONS: dict[str, tuple[str, str]] = {
    "baseline_class_without_trucks": (
        "基准所指的车型没有登记的车辆，基准不起作用。",
        "请先上传车辆，或使用方法学中的车型。",
    ),
    "cargo_reads_too_light": (
        "多数运单的货物重量极小，放大一千倍才与车辆载重相符。",
        "请核对该列单位；若填写的是吨而按公斤读取，请在来源配置中注明 units: {cargo: t}。",
    ),
    "coordinates_look_shifted": (
        "停留点与运单地点在另一坐标系下更吻合。",
        "请选择正确的坐标系后重新上传。",
    ),
    "decimal_padding_lost": (
        "坐标小数点后的零似乎丢失：25.000033 变成了 25.33。",
        "请发送方保留小数中的零。",
    ),
    "driver_id_looks_personal": (
        "司机编号像是手机号或身份证号；编号会永久留在账本中。",
        "请改用代号，号码填入电话列。",
    ),
    "gps_week_rollover": ("部分定位日期早了 1024 周：设备的 GPS 周数溢出。", "请校正设备。"),
    "longitude_latitude_interchanged": ("经度和纬度似乎颠倒。", "请交换两列后重新上传。"),
    "odometer_stands_still": ("车辆行驶而里程表不变，里程表视为不可用。", "请更正或去掉该列。"),
    "order_drivers_not_registered": (
        "运单中的司机未登记，运单照常接收。",
        "请上传司机资料，或更正编号。",
    ),
    "order_times_without_clock": (
        "计划装货时间都是零点，似乎缺少时刻。",
        "请提供带时分的计划时间。",
    ),
    "orders_came_late": (
        "部分运单版本低于现行版本，仅作记录，现行版本不变。",
        "请为变更的运单使用更高的版本号。",
    ),
    "orders_restated": (
        "部分运单以相同版本号发来不同内容；以后到的为准，两份均留存。",
        "请为变更的运单使用更高的版本号。",
    ),
    "position_drivers_not_registered": (
        "定位中的司机未登记，定位照常接收。",
        "请上传司机资料，或更正编号。",
    ),
    "positions_at_null_island": (
        "部分定位在经度 0、纬度 0：设备尚未定位，读取时剔除。",
        "无需处理；如经常出现，请检查设备。",
    ),
    "time_zone_fits_utc": ("时间像是 UTC，却按当地时区读取。", "请在时间中写明时区。"),
    "times_before_2000": (
        "部分定位早于 2000 年：设备尚未对时，不计入任何月份。",
        "无需处理；如经常出现，请检查设备。",
    ),
    "times_in_the_future": ("部分定位晚于接收时间一天以上，不计入任何月份。", "请校正设备时钟。"),
}
# How the evidence of suspicions is told.
_EVIDENCE = tuple(
    (re.compile(form), told)
    for form, told in (
        (
            r"(?P<a>\d+) of (?P<b>\d+) fixes, the latest at (?P<c>.+)",
            "{b} 个定位中的 {a} 个，最晚 {c}",
        ),
        (r"(?P<a>\d+) of (?P<b>\d+) fixes \((?P<c>.+)\)", "{b} 个定位中的 {a} 个（{c}）"),
        (r"(?P<a>\d+) of (?P<b>\d+) fixes( fall .+)?", "{b} 个定位中的 {a} 个"),
        (r"(?P<a>\d+) of (?P<b>\d+) orders", "{b} 张运单中的 {a} 张"),
        (r"(?P<a>\d+) orders: (?P<b>.+)", "{a} 张运单：{b}"),
        (r"(?P<a>\d+) trucks, among them (?P<b>.+)", "{a} 辆车，例如 {b}"),
        (r"(?P<a>\d+): (?P<b>.+)", "{a} 个：{b}"),
        (r"median (?P<a>\S+) t over (?P<b>\d+) rows", "{b} 行的中位数为 {a} 吨"),
        (
            r"stated / computed speed: median (?P<a>\S+), middle half (?P<b>\S+) to (?P<c>\S+),"
            r" over (?P<d>\d+) pairs .+",
            "所报速度与计算速度之比：中位数 {a}，中间一半 {b} 至 {c}，共 {d} 对定位",
        ),
        (
            r"odometer / path: median (?P<a>\S+) over (?P<b>\d+) trucks and (?P<c>\d+) km",
            "里程表与轨迹之比：中位数 {a}，{b} 辆车，{c} 公里",
        ),
        (
            r"(?P<a>\S+%) of the kilometres fall between (?P<b>\S+) and (?P<c>\S+);.+",
            "{a} 的里程落在 {b} 至 {c} 之间",
        ),
        (
            r"median distance (?P<a>\d+) m as read, (?P<b>\d+) m so, over (?P<c>\d+) places",
            "{c} 个地点的中位距离：按原读法 {a} 米，换算后 {b} 米",
        ),
    )
)
_UNIT_FITS = re.compile(r"(?P<quantity>\w+)_unit_fits_(?P<unit>\w+)")
_QUANTITIES = {"odometer": "里程表", "speed": "速度", "cargo": "货物重量", "mass": "质量"}


@dataclass(frozen=True)
class Told:
    """A problem in the language of who reads it.

    Attributes
    ----------
    text, hint : str
        What failed, and what to do.
    is_foreign : bool
        There are no words for it but English ones.
    """

    text: str
    hint: str
    is_foreign: bool = False


def problem_told(code: str, message: str, hint: str, *, language: str) -> Told:
    """An error in the language asked for.

    Parameters
    ----------
    code, message, hint : str
        As of the error.
    language : str
        ``en`` or ``zh``.
    """
    if language != CHINESE:
        return Told(message, hint)
    if code not in ERRORS:
        return Told(message, hint, is_foreign=True)
    quoted = [(a or b)[:_SHOWN_MAX] for a, b in _QUOTED.findall(message)]
    months = _MONTH.findall(message)
    text, advice = ERRORS[code]
    if ("{0}" in text and not quoted) or ("{month}" in text and not months):
        return Told(text.replace("“{0}”", "").replace("{month} ", ""), advice)
    return Told(text.format(*quoted, month=(months or [""])[0]), advice)


def suspicion_told(code: str, text: str, remedy: str, *, language: str) -> tuple[str, str]:
    """What looks wrong in a file, and what to do.

    Parameters
    ----------
    code, text, remedy : str
        As of the suspicion.
    language : str
        ``en`` or ``zh``.
    """
    if language != CHINESE:
        return text, remedy
    if fits := _UNIT_FITS.fullmatch(code):
        what = _QUANTITIES.get(fits["quantity"], fits["quantity"])
        return f"{what}的数值更像以 {fits['unit']} 计。", "请核对单位，换算后重新上传。"
    return SUSPICIONS.get(code, (text, remedy))


def evidence_told(evidence: str, *, language: str) -> str:
    """By what a suspicion is held; empty where there are no words of the language for it.

    Parameters
    ----------
    evidence : str
        As of the suspicion.
    language : str
        ``en`` or ``zh``.
    """
    if language != CHINESE:
        return evidence
    for form, told in _EVIDENCE:
        if found := form.fullmatch(evidence):
            return told.format(**found.groupdict())
    return ""
