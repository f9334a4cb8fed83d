"""The words of a fleet's monthly report in English and Chinese: one table, nothing in one alone."""

from __future__ import annotations

Pair = tuple[str, str]

LABELS: dict[str, Pair] = {
    "title": ("Monthly fleet report", "车队月度报告"),
    "fleet": ("Fleet", "车队"),
    "month": ("Month", "月份"),
    "edition": ("Method", "方法学版本"),
    "closed": ("Closed on", "结账日期"),
    "figure": ("Figure", "指标"),
    "value": ("Value", "数值"),
    "unit": ("Unit", "单位"),
    "interval": ("90% interval", "90% 区间"),
    "show_intervals": ("Show 90% intervals", "显示 90% 区间"),
    "low": ("lower bound", "区间下限"),
    "high": ("upper bound", "区间上限"),
    "grouped": (
        "The mark + above the heads opens the bounds of the 90% intervals.",
        "点击表头上方的 + 可展开各项 90% 区间的上下限。",
    ),
    "definition": ("Definition", "定义"),
    "source": ("Source", "来源"),
    "step": ("What brought the saving", "节油来自哪里"),
    "litres": ("Litres", "升"),
    "beneath": ("Beneath", "底部"),
    "gain": ("Saved", "节省"),
    "loss": ("Spent more", "多耗"),
    "whole": ("Together", "合计"),
    "trend": ("Month by month", "各月走势"),
    "ranking": ("Most diesel saved by driver", "节油最多的司机"),
    "lanes_ranked": ("Most empty kilometres by lane", "空驶最多的线路"),
    "affected": ("Affected", "涉及数量"),
    "about": ("Of what", "对象"),
    "what_to_do": ("What it is, and what to do", "说明及处理办法"),
    "column": ("Column", "栏目"),
    "nobody": ("Nobody known", "未知司机"),
    "no_shipper": ("None named", "未注明"),
    "no_depot": ("Without a depot", "未注明场站"),
    "no_place": ("Unknown place", "地点不明"),
    "more_rows": (
        "{count} more rows stand in the workbook.",
        "其余 {count} 行见工作簿。",
    ),
    "nothing": ("Nothing on record this month.", "本月没有记录。"),
    "no_saving": (
        "No saving is known this month: see what is missing.",
        "本月没有可知的节油量：请看缺失的数据。",
    ),
    "nothing_missing": ("Nothing is known to be missing.", "没有已知的缺失。"),
    "saved_sentence": (
        "{compared} l would have been burnt without the platform, {burnt} l were: {saved} l saved.",
        "没有平台时需消耗 {compared} 升，实际消耗 {burnt} 升：节省 {saved} 升。",
    ),
    "page": ("Page", "第"),
    "of_pages": ("of", "页，共"),
    "pages_end": ("", "页"),
    "of_the_close": ("The close of the month", "本月结账"),
    "no_value": ("–", "–"),
}

# Question of each sheet: its short name (no sheet may bear a question mark), question, and what
# stands there.
QUESTIONS: dict[str, tuple[Pair, Pair, Pair]] = {
    "month": (
        ("How did the month go", "本月如何"),
        ("How did the month go?", "本月如何？"),
        ("Sums of the whole fleet.", "全车队合计。"),
    ),
    "drivers": (
        ("Who saved", "谁节油"),
        ("Who saved?", "谁节油？"),
        ("Every driver, most diesel saved first.", "所有司机，按节油量排列。"),
    ),
    "vehicles": (
        ("Which trucks", "哪些车辆"),
        ("Which trucks?", "哪些车辆？"),
        ("Every truck, most diesel saved first.", "所有车辆，按节油量排列。"),
    ),
    "depots": (
        ("Which depots", "哪些场站"),
        ("Which depots?", "哪些场站？"),
        (
            "Every depot by its trucks as they are on record now, most diesel saved first.",
            "所有场站，按目前登记的车辆归属汇总，按节油量排列。",
        ),
    ),
    "lanes": (
        ("Where do we run empty", "哪里空驶"),
        ("Where do we run empty?", "哪里空驶？"),
        ("Every lane, most empty kilometres first.", "所有线路，按空驶里程排列。"),
    ),
    "shippers": (
        ("For which customers", "为哪些客户"),
        ("For which customers?", "为哪些客户？"),
        ("Every shipper, most activity first.", "所有货主，按可入账周转量排列。"),
    ),
    "missing": (
        ("What is missing", "缺失什么"),
        ("What is missing?", "缺失什么？"),
        ("What keeps figures from being better, and what to do.", "影响数据质量的原因及处理办法。"),
    ),
    "columns": (
        ("What do the columns mean", "栏目含义"),
        ("What do the columns mean?", "栏目含义？"),
        ("Every column of this report.", "本报告的所有栏目。"),
    ),
}

# Label and definition of every column and figure of the report.
COLUMNS: dict[str, tuple[Pair, Pair]] = {
    "driver_id": (("Driver", "司机"), ("Identifier of the driver.", "司机编号。")),
    "driver_name": (
        ("Name", "姓名"),
        ("Name by the register; empty if none is on record.", "登记的姓名；没有登记则为空。"),
    ),
    "vehicle_id": (("Truck", "车辆"), ("Identifier of the truck.", "车辆编号。")),
    "plate": (("Plate", "车牌"), ("Number plate by the register.", "登记的车牌。")),
    "depot": (
        ("Depot", "场站"),
        ("Depot of the trucks by the register as it is now.", "车辆目前登记所属的场站。"),
    ),
    "vehicles_count": (("Trucks", "车辆数"), ("Trucks that drove.", "有行驶记录的车辆。")),
    "distance_km": (("Driven", "行驶里程"), ("Kilometres driven on the road.", "道路行驶里程。")),
    "loaded_km": (("Loaded", "载货里程"), ("With cargo aboard, proven.", "经证明载货的里程。")),
    "empty_km": (("Empty", "空驶里程"), ("Without cargo.", "没有载货的里程。")),
    "unknown_km": (
        ("Neither proven", "无法证明"),
        ("Kilometres proven neither loaded nor empty.", "既不能证明载货也不能证明空驶的里程。"),
    ),
    "empty_share": (
        ("Empty share", "空驶率"),
        (
            "Kilometres not proven loaded / kilometres driven.",
            "未证明载货的里程 / 行驶里程。",
        ),
    ),
    "load_rate_share": (
        ("Load rate", "实载率"),
        (
            "Transport work / (rated payload x kilometres driven).",
            "周转量 /（核定载质量 × 行驶里程）。",
        ),
    ),
    "transport_work_tkm": (
        ("Transport work", "周转量"),
        ("Payload x kilometres driven, over all legs.", "各行程载重 × 里程之和。"),
    ),
    "activity_tkm": (
        ("Activity", "可入账周转量"),
        (
            "Cargo x kilometres with it aboard, up to the distance cap: what is credited.",
            "货物 × 载运里程，不超过里程上限：可入账的周转量。",
        ),
    ),
    "orders_count": (("Orders", "运单数"), ("Orders that were not cancelled.", "未取消的运单。")),
    "orders_matched_count": (
        ("Orders proven", "已证明运单"),
        ("Orders proven by stops of the trace.", "由停留点证明的运单。"),
    ),
    "idle_h": (
        ("Idling", "怠速"),
        ("Standing with the engine on, by the edition's rule.", "停车未熄火的时间，按方法学规则。"),
    ),
    "diesel_l": (("Diesel burnt", "柴油消耗"), ("Diesel burnt.", "实际消耗的柴油。")),
    "diesel_saved_l": (
        ("Diesel saved", "节油量"),
        (
            "Diesel of the same work in the comparison, minus diesel burnt; may be negative.",
            "基准完成同样工作所需柴油减去实际消耗；可以为负。",
        ),
    ),
    "saved_by_less_empty_l": (
        ("By less empty running", "减少空驶"),
        ("Part of the saving by less empty running.", "因减少空驶节省的柴油。"),
    ),
    "saved_by_higher_load_l": (
        ("By higher load", "提高载重"),
        ("Part of the saving by fuller loads.", "因提高载重节省的柴油。"),
    ),
    "saved_by_efficiency_l": (
        ("By efficiency", "提高能效"),
        ("Part of the saving by less fuel for the same work.", "因同样工作油耗更低节省的柴油。"),
    ),
    "co2_avoided_kg": (
        ("CO₂ avoided", "减排量"),
        ("Tank-to-wheel CO₂ avoided against the comparison.", "相对基准减少的尾气二氧化碳。"),
    ),
    "co2_avoided_low_kg": (
        ("Lower bound", "区间下限"),
        (
            "Lower bound of the 90 % interval of the sum; not what is credited.",
            "合计值 90% 区间的下限；不是入账量。",
        ),
    ),
    "co2_avoided_high_kg": (
        ("Upper bound", "区间上限"),
        ("Upper bound of the 90 % interval of the sum.", "合计值 90% 区间的上限。"),
    ),
    "co2_credited_kg": (
        ("CO₂ credited", "入账减排量"),
        (
            "Posted to the ledger: the lower bound of each account, never below 0.",
            "记入账本的量：每个账户区间的下限，不低于零。",
        ),
    ),
    "co2_ttw_kg": (
        ("CO₂ emitted", "排放量"),
        ("Inventory: tank-to-wheel CO₂.", "清单：尾气二氧化碳。"),
    ),
    "fuel_cost_saved": (
        ("Saved on diesel", "节省油费"),
        ("Diesel saved at the diesel price in force.", "节油量 × 生效的柴油价格。"),
    ),
    "coverage_share": (
        ("Covered by positions", "定位覆盖率"),
        (
            "Part of the driving time covered by positions, weighted by kilometres.",
            "行驶时间中有定位的部分，按里程加权。",
        ),
    ),
    "origin": (
        ("From", "起点"),
        (
            "City of loading, by most orders of a cell of the edition's grid; else the cell by its"
            " south-west corner.",
            "装货城市：方法学网格单元内多数运单的装货城市；无法确定时为网格西南角。",
        ),
    ),
    "destination": (
        ("To", "终点"),
        ("City of unloading, likewise.", "卸货城市，同上。"),
    ),
    "distance_band": (
        ("Band", "运距段"),
        ("By the great circle of the order.", "按运单两地大圆距离划分。"),
    ),
    "shipper_id": (
        ("Customer", "客户"),
        ("Shipper by the order as it is on record now.", "运单目前登记的货主。"),
    ),
    "cargo_t": (("Cargo", "货物"), ("Cargo of its orders.", "运单货物重量。")),
    "onboard_km": (
        ("With cargo aboard", "载运里程"),
        ("Kilometres with its orders aboard.", "载有其货物的里程。"),
    ),
    "approach_km": (
        ("To the pick-up", "接货里程"),
        ("Empty kilometres to the places of loading.", "空驶前往装货地的里程。"),
    ),
    "planned_co2_kg": (
        ("CO₂ planned", "计划排放"),
        ("CO₂ of its orders in the comparison.", "运单按基准计算的排放。"),
    ),
    "realised_co2_kg": (
        ("CO₂ realised", "实际排放"),
        ("CO₂ that is proven for its orders.", "运单经证明的排放。"),
    ),
    "month": (("Month", "月份"), ("Month of the fleet's time zone.", "按车队时区的月份。")),
}

UNITS: dict[str, Pair] = {
    "km": ("km", "公里"),
    "l": ("l", "升"),
    "kg": ("kg", "千克"),
    "h": ("h", "小时"),
    "t": ("t", "吨"),
    "tkm": ("tkm", "吨公里"),
    "share": ("%", "%"),
    "money": ("currency of the diesel price", "柴油价格的币种"),
    "": ("", ""),
}

BANDS: dict[str, Pair] = {
    "local": ("local", "市内"),
    "short": ("short", "短途"),
    "middle": ("middle", "中途"),
    "long": ("long", "长途"),
}

ABOUT: dict[str, Pair] = {
    "order": ("Orders", "运单"),
    "account": ("Accounts", "账户"),
    "records": ("Records", "记录"),
}
