"""The words of baselines and prices, in English and Chinese."""

from __future__ import annotations

BASELINE_WORDS: dict[str, tuple[str, str]] = {
    "page_baselines": ("Baselines", "基准"),
    "baselines_about": (
        "What the same transport would have taken without the improvement. Each that there is"
        " stands beside the others; the one of the smallest saving counts, and of that the lower"
        " bound is credited.",
        "完成同样运输在未改进情况下的油耗。各种基准并列，取节油量最小者，并按其区间下限入账。",
    ),
    "baseline": ("Baseline", "基准"),
    "baseline_counted_for": ("Counts for, accounts", "采用的账户数"),
    "baseline_serves_years": ("Serves, years", "有效年数"),
    "baseline_declared_driver_about": (
        "Re-set by a new line: the newest whose first day is not after that of the month.",
        "登记新基准即可重置：采用首日不晚于该月首日的最新一条。",
    ),
    "baseline_own_history_about": (
        "Fixed by the day of joining; serves so long after its last month.",
        "由加入日期确定，自最后一个月起计有效期。",
    ),
    "baseline_cohort_about": (
        "At least so many others are needed; each month of theirs serves so long.",
        "须有足够多的同类司机，其每个月份在有效年数内可用。",
    ),
    "baseline_declared_class_about": (
        "Re-set by a new line, part of the work by part of the work.",
        "登记新基准即可按分档重置。",
    ),
    "empty_share_of": ("Empty share", "空驶率"),
    "payload_share_of": ("Payload used", "吨位利用率"),
    "from_day": ("From", "起始日"),
    "age_days": ("Age, days", "已用天数"),
    "serves_until": ("Serves until", "有效期至"),
    "by_months": ("by its months", "按月份"),
    "saved_against": ("Saved against it, l", "相对节油（升）"),
    "baseline_counts": ("counts", "采用"),
    "drawn_to": (
        "heard with what is known of the driver: {empty} empty, {payload} used",
        "结合司机自身情况后：空驶 {empty}，吨位利用 {payload}",
    ),
    "since_joining_tells": (
        "{told}: {empty} empty, {payload} used; {count} others. It is no baseline: those of others"
        " are drawn to it.",
        "{told}：空驶 {empty}，吨位利用 {payload}；其他司机 {count} 名。"
        "它不是基准，仅用于修正他人得出的基准。",
    ),
    "sample_of": ("of {count}", "样本 {count}"),
    "counted_none": (
        "None counts: nothing is saved and nothing is credited.",
        "无可用基准：不计节油，不入账。",
    ),
    "counted_smallest": (
        "{baseline}: of {count} it has the smallest saving.",
        "{baseline}：{count} 种基准中节油量最小。",
    ),
    "counted_only": ("{baseline}: the only one there is.", "{baseline}：唯一可用的基准。"),
    "counted_as_noted": ("{baseline}: see the notes.", "{baseline}：见下方说明。"),
    "saved_and_credited": (
        "Saved {saved} l; credited {credited} kg CO₂.",
        "节油 {saved} 升，入账 {credited} 千克 CO₂。",
    ),
    "no_saving": ("No saving is stated, and nothing is credited.", "未计算节油量，不入账。"),
    "whole_chain": ("The whole chain", "完整证据链"),
    "no_baselines_found": ("No account is like that.", "没有符合条件的账户。"),
    "baselines_nothing_closed": (
        "No month was closed yet, so that nothing was compared. Declared lines can be put on"
        " record now.",
        "尚无已结账月份，因此没有比较结果。现在即可登记基准。",
    ),
    "declared_lines": ("Declared lines on record", "已登记的基准"),
    "no_lines": ("No line is declared.", "尚未登记基准。"),
    "for_whom": ("For", "适用对象"),
    "for_part": ("Part of the work", "适用分档"),
    "came_with": ("Came with", "来源"),
    "file_number": ("file {number}", "文件 {number}"),
    "declare_line": ("Re-set: declare a new line", "重置：登记新基准"),
    "declare_about": (
        "The line before stays on record and in force until the first day of the new one. A line"
        " takes effect when a month that begins on or after its first day is closed.",
        "原基准保留在案，并在新基准首日之前继续有效。新基准自首日起的月份结账时生效。",
    ),
    "line_driver": ("Driver (or a class)", "司机（或填车型）"),
    "line_class": ("Class of truck (or a driver)", "车型（或填司机）"),
    "empty_percent": ("Empty share, %", "空驶率（%）"),
    "payload_percent": ("Payload used, %", "吨位利用率（%）"),
    "declare_do": ("Put on record", "登记"),
    "line_declared": (
        "The line is on record. It can be taken back with",
        "基准已登记，可通过以下来源撤回：",
    ),
    # prices
    "series": ("Series", "名称"),
    "price": ("Price", "价格"),
    "currency": ("Currency", "币种"),
    "price_unit": ("Of what", "单位"),
    "per_tonne": ("a tonne of CO₂", "每吨二氧化碳"),
    "per_litre": ("a litre of diesel", "每升柴油"),
    "valid_from": ("In force from", "生效日期"),
    "new_price": ("New price", "登记新价格"),
    "price_for": ("For sales only", "仅用于出售"),
    "recorded_at": ("On record since", "登记时间"),
    "set_price": ("Put on record", "登记"),
    "price_hint": (
        "A price is in force until a later one of the same unit, from its first day on; it takes"
        " effect when a month is closed. A price that was put on record stays: to correct one, put"
        " the right one on record for the same day.",
        "价格自生效日起有效，直至同单位的新价格生效；月份结账时采用。已登记的价格不会删除，"
        "如需更正，请以同一生效日期登记正确的价格。",
    ),
    "no_prices": ("No price is on record.", "尚未登记价格。"),
}
