"""What the columns of the pages' tables mean, in English and Chinese."""

from __future__ import annotations

MEANING_WORDS: dict[str, tuple[str, str]] = {
    "meanings": ("What the columns mean", "各列含义"),
    # figures of `statements.fleet_figures`; in English the contracts of the tables say it
    "distance_about": ("Kilometres driven on the road.", "车辆在道路上行驶的里程。"),
    "loaded_km_about": ("Kilometres with cargo aboard, proven.", "经证明载有货物的里程。"),
    "empty_km_about": ("Kilometres without cargo.", "没有载货的里程。"),
    "diesel_about": (
        "Diesel burnt, measured or by the model of the class.",
        "实际消耗的柴油，按测量或车型模型计算。",
    ),
    "orders_about": ("Orders that were not cancelled.", "未取消的运单数。"),
    "proven_about": ("Orders proven by the trace.", "由轨迹证明的运单数。"),
    "work_about": ("Tonnes of cargo times kilometres driven.", "货物吨数乘以行驶里程。"),
    # legs, days and orders
    "legs_count_about": (
        "Drives from one standing to the next that began on the day.",
        "当日出发、两次停车之间的行驶次数。",
    ),
    "loaded_of_about": ("With an order aboard that stops prove.", "载有经停车证明的运单的里程。"),
    "empty_of_about": ("Between unloading and the next loading.", "卸货之后至下次装货之间的里程。"),
    "unknown_of_about": (
        "Whether cargo was aboard is not known; it counts as empty.",
        "是否载货不明的里程，按空驶计。",
    ),
    "diesel_of_about": (
        "Diesel of these kilometres and standstills, as the account has it.",
        "这些行驶与停车的柴油，与账户一致。",
    ),
    "credited_of_about": (
        "Part of what the account was credited, by the credited work done here.",
        "账户入账减排量按此处完成的可入账周转量分得的部分。",
    ),
    "distance_of_about": ("Kilometres of the leg.", "该行程的里程。"),
    "cargo_about": ("As the order states it.", "运单所报的货物重量。"),
    "onboard_km_of_about": (
        "Kilometres with the order aboard.",
        "载有该运单行驶的里程。",
    ),
}
