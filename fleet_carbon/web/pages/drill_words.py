"""The words of the pages from a month down to a fix, and of the search, in both languages."""

from __future__ import annotations

DRILL_WORDS: dict[str, tuple[str, str]] = {
    "trail": ("Where this is", "当前位置"),
    "days": ("Day by day", "逐日明细"),
    "day": ("Day", "日期"),
    "days_about": (
        "A leg counts on the day on which it began. What was credited stands with the legs on which"
        " the credited work of the orders was done.",
        "行程按出发日期计入。入账减排量按运单在各行程完成的可入账周转量分摊。",
    ),
    "no_days": (
        "No leg began in this month. Send positions, then close the month again.",
        "本月没有行程。请上传轨迹后重新月结。",
    ),
    "legs_count": ("Legs", "行程数"),
    "leg": ("Leg", "行程"),
    "leg_from": ("From", "从"),
    "leg_to": ("To", "到"),
    "verdict": ("Why", "判定依据"),
    "state_stood": ("Standing", "停留"),
    "load_state": ("State", "状态"),
    "orders_of_day": ("Orders aboard", "在途运单"),
    "cargo": ("Cargo, t", "货物（吨）"),
    "credited_of": ("Credited, kg", "入账（千克）"),
    "diesel_of": ("Diesel, l", "柴油（升）"),
    "distance_of": ("Distance, km", "里程（公里）"),
    "loaded_of": ("Loaded, km", "载货（公里）"),
    "empty_of": ("Empty, km", "空驶（公里）"),
    "unknown_of": ("Unknown, km", "状态不明（公里）"),
    "day_before": ("Day before", "前一天"),
    "day_after": ("Day after", "后一天"),
    "leg_before": ("Leg before", "上一行程"),
    "leg_after": ("Leg after", "下一行程"),
    "show_day": ("This day", "当日明细"),
    "truck_of": ("Truck {plate}", "车辆 {plate}"),
    "leg_of": ("Leg of {vehicle}, {day}", "{vehicle} {day} 的行程"),
    "order_of": ("Order {order}", "运单 {order}"),
    "proven_yes": ("Proven", "已证明"),
    "proven_no": ("Not proven", "未证明"),
    "legs_aboard": ("Legs on which it was aboard", "承运该运单的行程"),
    "no_legs_aboard": (
        "It was aboard on no leg: only orders proven by the trace are.",
        "没有承运该运单的行程：只有经轨迹证明的运单才有。",
    ),
    "pickup": ("Loading", "装货"),
    "delivery": ("Unloading", "卸货"),
    "arrived_departed": ("{arrived} to {departed}", "{arrived} 至 {departed}"),
    "onboard_km_of": ("Driven with it, km", "承运（公里）"),
    "approach_km_of": ("Empty to the pick-up, km", "空驶提货（公里）"),
    "order_not_closed": (
        "No month that counts it was closed yet.",
        "计入该运单的月份尚未结账。",
    ),
    "order_changed": (
        "The order was changed after the month was closed: close it again.",
        "月结之后运单有变更，请重新月结。",
    ),
    "leg_details": ("Leg with all its fixes", "行程及全部轨迹点"),
    "legend_fix": ("Fix of the chosen leg", "所选行程的轨迹点"),
    "fixes": ("Fixes", "轨迹点"),
    "fixes_about": (
        "Every position received between departure and arrival. Those that count for nothing say"
        " why.",
        "出发至到达之间收到的全部定位点；不计入的注明原因。",
    ),
    "fixes_count": (
        "{count} fixes, of which {dropped} count for nothing.",
        "共 {count} 个轨迹点，其中 {dropped} 个不计入。",
    ),
    "no_fixes": ("There is no position in this leg: it lies in a gap.", "该行程内没有轨迹点。"),
    "fix_at": ("Moment", "时刻"),
    "lon": ("Longitude, °", "经度（°）"),
    "lat": ("Latitude, °", "纬度（°）"),
    "speed": ("Speed, km/h", "速度（公里/小时）"),
    "counts": ("Counts", "计入"),
    "counts_yes": ("yes", "是"),
    "dropped_duplicate": ("no: sent twice", "否：重复"),
    "dropped_time_conflict": ("no: two places at one time", "否：同一时刻两处定位"),
    "dropped_teleport": ("no: too far to be driven", "否：跳点"),
    "dropped_null_island": ("no: the receiver had no place", "否：无有效定位"),
    "dropped_off_globe": ("no: not on the globe", "否：坐标无效"),
    "dropped_inaccurate": ("no: too inaccurate", "否：精度太低"),
    "trace_digest": ("Digest of the trace", "轨迹摘要"),
    "distance_source": ("Distance by", "里程来源"),
    "source_positions": ("positions", "轨迹"),
    "source_odometer": ("odometer", "里程表"),
    "source_speed": ("speed", "车速"),
    "confidence": ("Sure by", "可信度"),
    "drivers_of_truck": ("Drivers", "驾驶该车的司机"),
    "lane_names_about": (
        "A place is called by the city in which most of its orders load or unload; a place in no"
        " city by the cell of the grid.",
        "地点以其中多数运单装卸所在的城市命名；不在任何城市内的以坐标格命名。",
    ),
    # the auditor
    "bundle": ("Evidence bundle (ZIP)", "证据包（ZIP）"),
    "bundle_about": (
        "The bundle holds the signed statement, this chain, the legs, the orders, every fix of the"
        " legs, and the program that checks the signature without this service.",
        "证据包含签名对账单、本证据链、行程、运单、行程中的全部轨迹点，以及可脱离本系统核验签名的程序。",
    ),
    "down_to_fixes": ("Down to the fixes", "查看到轨迹点"),
    # search and filters
    "page_search": ("Search", "搜索"),
    "search_about": (
        "Drivers by name or number, trucks by plate or number, orders by number, lanes by place.",
        "可按姓名或编号找司机，按车牌或编号找车辆，按编号找运单，按地点找线路。",
    ),
    "search_for": ("Search for", "搜索内容"),
    "search_nothing": (
        "Nothing on record is called like that. Try a part of the name, the plate or the number.",
        "没有找到。请尝试名称、车牌或编号的一部分。",
    ),
    "search_more": ("There are more: say more of the name.", "还有更多结果，请输入更多内容。"),
    "filters": ("Filters", "筛选"),
    "filters_about": (
        "The choice stays in the address and goes along to the lists. Depots are those of the"
        " trucks as they are on record now (column depot of vehicles).",
        "筛选条件保留在网址中，并带到各列表。场站取车辆目前登记的归属（车辆文件的“场站”列）。",
    ),
}
