"""The words of the pages of the inventory, in English and Chinese."""

from __future__ import annotations

INVENTORY_WORDS: dict[str, tuple[str, str]] = {
    "page_inventory": ("Inventory", "排放清单"),
    "inventory_about": (
        "What the trucks of a month emitted, and for whom, by ISO 14083 and the GLEC Framework."
        " Savings and credits are no part of it.",
        "按 ISO 14083 与 GLEC 框架核算的当月车辆排放及其归属；减排量与碳积分不在其内。",
    ),
    "inventory_activity": (
        "Activity is mass x distance: {distance}; one tonne-kilometre stands for {ratio} driven"
        " with the load (DAF).",
        "运输活动量 = 质量 × 距离：{distance}；每吨公里对应实际载货行驶 {ratio} 吨公里（DAF）。",
    ),
    "inventory_other_distance": (
        "Of {count} shipments no feasible distance was told: theirs is the great circle, in"
        " categories of their own.",
        "有 {count} 张运单未提供可行距离，按大圆距离单独归类。",
    ),
    "inventory_distance": ("Activity by", "运输活动量按"),
    "inventory_wtw": ("CO₂e, well-to-wheel", "CO₂e（油井到车轮）"),
    "inventory_ttw": ("of which from the trucks", "其中车辆排放（油箱到车轮）"),
    "inventory_attributed": ("For shipments", "归属运单"),
    "inventory_measured": ("Rests on measured energy", "基于实测能耗"),
    "inventory_shipments": ("Shipments with a footprint", "有排放数据的运单"),
    "inventory_wtw_about": (
        "Of all that was burnt in the month, its making and bringing included.",
        "当月全部能耗的排放，含能源的生产与运输。",
    ),
    "inventory_ttw_about": (
        "What left the trucks themselves, a part of the sum beside it.",
        "车辆自身的排放，是前一项的一部分。",
    ),
    "inventory_attributed_about": (
        "Part of the well-to-wheel CO₂e that is of shipments which a trace proves.",
        "归属于轨迹已证明运单的部分，其余列在下方。",
    ),
    "inventory_no_interval": (
        "No interval: the inventory counts what was burnt and claims no saving.",
        "无置信区间：排放清单核算实际消耗，不主张减排。",
    ),
    "inventory_km_about": (
        "Kilometres of the traces that no shipment bears.",
        "轨迹中不归属任何运单的里程。",
    ),
    "inventory_kg_about": (
        "Well-to-wheel CO₂e of what was burnt on them.",
        "这些里程的能耗排放（油井到车轮）。",
    ),
    "inventory_unproven": (
        "Orders that no trace proves, without a footprint: {count}.",
        "无轨迹证明、无排放数据的运单：{count} 张。",
    ),
    "inventory_categories": ("Transport operation categories", "运输作业类别"),
    "inventory_category": ("Trucks and hauls", "车辆与运输"),
    "inventory_customers": ("By customer", "按客户"),
    "inventory_nobody_named": ("no customer named", "未注明客户"),
    "inventory_rest": ("Driven and burnt for no shipment", "未归属运单的行驶与能耗"),
    "inventory_reason": ("Why", "原因"),
    "inventory_energy": ("Energy", "能源"),
    "inventory_km": ("Driven, km", "里程（公里）"),
    "inventory_kg": ("CO₂e, kg", "CO₂e（千克）"),
    "inventory_no_shipment": ("No shipment aboard or ahead", "车上及前方均无运单"),
    "inventory_unknown_load": ("Loaded with what is not known", "载货情况未知"),
    "inventory_private": ("Private", "私人用车"),
    "inventory_no_activity": ("Carried nothing anywhere", "无运输活动"),
    "inventory_all_attributed": (
        "All that was burnt is of shipments.",
        "全部能耗均已归属运单。",
    ),
    "inventory_nothing": ("Nothing was carried.", "没有运输记录。"),
    "inventory_report": ("The report for this customer", "该客户的报告"),
    "inventory_files": ("As a file", "下载"),
}
