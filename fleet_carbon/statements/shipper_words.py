"""The words of a customer's report in English and Chinese: one table, nothing in one alone."""

from __future__ import annotations

Pair = tuple[str, str]

LABELS: dict[str, Pair] = {
    "title": ("Emissions of your shipments", "货运排放报告"),
    "shipper": ("Customer", "货主"),
    "carrier": ("Carrier", "承运车队"),
    "edition": ("Method", "方法学版本"),
    "closed": ("Closed on", "结账日期"),
    "figure": ("Figure", "指标"),
    "value": ("Value", "数值"),
    "unit": ("Unit", "单位"),
    "interval": ("Note", "备注"),
    "column": ("Column", "栏目"),
    "definition": ("Definition", "定义"),
    "affected": ("Number", "数量"),
    "about": ("Of what", "对象"),
    "what_to_do": ("What it is", "说明"),
    "more_rows": ("{count} more rows stand in the workbook.", "其余 {count} 行见工作簿。"),
    "nothing": ("Nothing on record this month.", "本月没有记录。"),
    "no_value": ("–", "–"),
    "page": ("Page", "第"),
    "of_pages": ("of", "页，共"),
    "pages_end": ("", "页"),
    "order": ("Order", "运单"),
    "all": ("Together", "合计"),
}

# Short name of each sheet, heading, and what stands there.
QUESTIONS: dict[str, tuple[Pair, Pair, Pair]] = {
    "month": (
        ("Summary", "概要"),
        ("Summary", "概要"),
        ("Sums of all your shipments that are proven.", "贵方所有已证明运单的合计。"),
    ),
    "categories": (
        ("Categories", "运输作业类别"),
        ("Transport operation categories", "运输作业类别"),
        (
            "Which intensity your shipments have, and what it rests on.",
            "贵方运单采用的排放强度及其依据。",
        ),
    ),
    "shipments": (
        ("Shipments", "运单"),
        ("Shipments", "运单明细"),
        ("Every shipment, in order of departure.", "所有运单，按发车时间排列。"),
    ),
    "missing": (
        ("Without footprint", "无排放数据"),
        ("Without footprint", "无排放数据的运单"),
        ("Orders that no trace proves, and why.", "轨迹无法证明的运单及原因。"),
    ),
    "method": (
        ("Method", "方法"),
        ("How it was reckoned", "计算方法"),
        ("ISO 14083:2023 and GLEC Framework v3.", "ISO 14083:2023 与 GLEC 框架 v3。"),
    ),
    "columns": (
        ("What do the columns mean", "栏目含义"),
        ("What do the columns mean?", "栏目含义"),
        ("Every column of this report.", "本报告的所有栏目。"),
    ),
}

# Label and definition of every column and figure.
COLUMNS: dict[str, tuple[Pair, Pair]] = {
    "shipments_count": (
        ("Shipments", "运单数"),
        ("Shipments of the month that the trace proves.", "本月由轨迹证明的运单。"),
    ),
    "shipment_id": (("Shipment", "运单"), ("Number of the order.", "运单编号。")),
    "departed_on": (
        ("Departed", "发车日期"),
        ("Day of departure from the place of loading, local.", "离开装货地的日期（当地）。"),
    ),
    "origin": (("From", "装货地"), ("Place of loading.", "装货地点。")),
    "destination": (("To", "卸货地"), ("Place of unloading.", "卸货地点。")),
    "cargo_t": (("Mass", "货物质量"), ("Mass with its packaging.", "含包装的货物质量。")),
    "distance_gcd_km": (
        ("Great circle", "大圆距离"),
        (
            "Great circle distance (GCD) between loading and unloading; of shipments across two"
            " months the part of this one.",
            "装卸货地之间的大圆距离（GCD）；跨月运单为本月部分。",
        ),
    ),
    "distance_sfd_km": (
        ("Feasible distance", "最短可行距离"),
        (
            "Shortest feasible distance by road (SFD), as the shipper or a router told it.",
            "由货主或路径规划给出的最短可行公路距离（SFD）。",
        ),
    ),
    "distance_kind": (
        ("Distance", "距离类型"),
        (
            "By which distance the transport activity is told: great circle (GCD) or shortest"
            " feasible distance (SFD).",
            "运输活动量所用的距离：大圆距离（GCD）或最短可行距离（SFD）。",
        ),
    ),
    "activity_tkm": (
        ("Transport activity", "运输活动量"),
        ("Mass x distance of the kind that is named.", "质量 × 所注明类型的距离。"),
    ),
    "co2e_ttw_kg": (
        ("CO₂e tank-to-wheel", "油箱到车轮 CO₂e"),
        ("What left the truck that used the energy (TTW).", "车辆使用能源时的排放（TTW）。"),
    ),
    "co2e_wtw_kg": (
        ("CO₂e well-to-wheel", "油井到车轮 CO₂e"),
        (
            "The making and bringing of the energy inside (WTW): what a customer reports.",
            "含能源的生产和运输（WTW）：货主据此报告。",
        ),
    ),
    "co2e_ttw_g_per_tkm": (
        ("Intensity TTW", "强度（油箱到车轮）"),
        ("Tank-to-wheel CO2e / transport activity.", "油箱到车轮 CO2e / 运输活动量。"),
    ),
    "co2e_wtw_g_per_tkm": (
        ("Intensity WTW", "强度（油井到车轮）"),
        ("Well-to-wheel CO2e / transport activity.", "油井到车轮 CO2e / 运输活动量。"),
    ),
    "distance_adjustment_ratio": (
        ("DAF", "距离调整系数"),
        (
            "Distance adjustment factor: kilometres driven per kilometre of the distance named.",
            "行驶里程与运输活动所用距离之比（DAF）。",
        ),
    ),
    "empty_share": (
        ("Empty", "空驶率"),
        (
            "Empty kilometres / kilometres of the category; they are inside its intensity.",
            "该类别空驶里程 / 总里程；空驶已计入强度。",
        ),
    ),
    "toc_id": (
        ("Category", "作业类别"),
        (
            "Month, class and energy of the trucks, distance band, FTL (alone aboard) or LTL.",
            "月份、车型、能源、距离段、整车（FTL）或零担（LTL）。",
        ),
    ),
    "data_class": (
        ("Data", "数据类别"),
        (
            "primary: measured energy; modelled; default: flat rates or published intensities.",
            "初级：实测能耗；模型：模型计算；默认：固定油耗或公布的强度。",
        ),
    ),
    "primary_share": (
        ("Measured", "初级数据占比"),
        (
            "Part of the well-to-wheel CO2e that rests on measured energy.",
            "油井到车轮 CO2e 中基于实测能耗的部分。",
        ),
    ),
}

UNITS: dict[str, Pair] = {
    "kg": ("kg", "千克"),
    "km": ("km", "公里"),
    "t": ("t", "吨"),
    "tkm": ("tkm", "吨公里"),
    "g_per_tkm": ("g/tkm", "克/吨公里"),
    "share": ("%", "%"),
    "": ("", ""),
}

CLASSES: dict[str, Pair] = {
    "primary": ("primary", "初级"),
    "modelled": ("modelled", "模型"),
    "default": ("default", "默认"),
    "none": ("unknown", "未知"),
}

METHOD: tuple[Pair, ...] = (
    (
        "Each shipment bears the intensity of its transport operation category times its own"
        " transport activity, mass x distance (ISO 14083:2023, GLEC Framework v3): the great circle"
        " (GCD), or the shortest feasible distance (SFD) where that is named. Detours and the turn"
        " of unloading in a round are laid on nobody.",
        "每张运单的排放 = 所属运输作业类别的强度 × 自身运输活动量（质量 × 距离），依据 ISO"
        " 14083:2023 与 GLEC 框架 v3；距离为大圆距离（GCD），注明处为最短可行距离（SFD）。"
        "绕行和多点卸货的先后不由个别货主承担。",
    ),
    (
        "The intensity holds all that the carrier's trucks burnt for the category in the month,"
        " the empty way to the loads included.",
        "强度包含车队当月为该类别消耗的全部能源，含前往装货的空驶。",
    ),
    (
        "Figures are of the carrier's own month, rounded so that the shipments add up to the"
        " sums. Reductions and credits are no part of this report.",
        "数据取自承运车队当月实际运行，取整后各运单之和等于合计。减排量与碳积分不在本报告之内。",
    ),
)

NOTES: dict[str, Pair] = {
    "wtw_fallback_region_eu": (
        "The well-to-wheel factor of diesel is that of Europe (GLEC v3); no Chinese one was read.",
        "柴油的油井到车轮因子采用欧洲值（GLEC v3），尚无中国值。",
    ),
    "lng_factors_region_uk": (
        "The factors of LNG are British; methane slip of the engine is not inside.",
        "LNG 因子采用英国值，未含发动机甲烷逃逸。",
    ),
    "wtw_generation_only": (
        "The factor of electricity is that of its generation: a lower bound.",
        "电力因子仅含发电排放，为下限值。",
    ),
    "default_intensity": (
        "Where the energy is not known, the default intensity of the GLEC Framework stands in,"
        " with the uplift of the region.",
        "能耗未知时采用 GLEC 框架的默认强度，并按地区上浮。",
    ),
}
