"""What every figure on a page is: its definition, unit, interval and source, in both languages.

The pages tell it where the figure stands, and the glossary lists it: one table for both.
"""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[str, str]

# Why a figure has the interval that it has, or none.
INTERVALS: dict[str, Pair] = {
    "sum": (
        "90% interval of the sum: what all accounts share adds up, the rest in squares.",
        "合计值的 90% 区间：各账户共有的误差相加，其余按平方合成。",
    ),
    "accounts": (
        "90% interval; of several accounts their bounds are added, as if all erred alike.",
        "90% 区间；多个账户时各自上下限相加，即假设误差同向。",
    ),
    "lower": (
        "No interval: it is itself the lower bound of the 90% interval.",
        "无区间：它本身就是 90% 区间的下限。",
    ),
    "part": (
        "No interval of its own: it is a part of an account, which has one.",
        "自身无区间：它是账户的一部分，区间在账户上。",
    ),
    "count": ("No interval: it is counted.", "无区间：这是计数。"),
    "observed": (
        "No interval: it is taken from the trace as it was recorded.",
        "无区间：直接取自轨迹记录。",
    ),
    "stated": ("No interval: it is as it was stated.", "无区间：按申报值。"),
    "booked": ("No interval: the ledger counts whole grams.", "无区间：账本按整克记账。"),
    "beside": (
        "No interval: it is what the figure is set beside.",
        "无区间：仅作对照。",
    ),
    "sample": (
        "No interval: a median of others, or the difference from it.",
        "无区间：同类中位数或与其差值。",
    ),
    "against": (
        "No interval: it tells which baseline counts; the account's own saving has one.",
        "无区间：仅用于判断采用哪条基准；账户的节油量有区间。",
    ),
}

SOURCES: dict[str, Pair] = {
    "close": ("the accounts of the month's close", "当月结账的账户"),
    "lanes": ("the lanes of the month's close", "当月结账的线路"),
    "legs": ("the legs of the month's close", "当月结账的行程"),
    "orders": ("the orders of the month's close", "当月结账的运单"),
    "stated": ("the order on record", "登记的运单"),
    "trace": ("the positions on record", "登记的轨迹点"),
    "baselines": ("the declared lines and the month's close", "申报的基准线与当月结账"),
    "prices": ("the prices on record", "登记的价格"),
    "files": ("the reception of the file", "文件接收记录"),
    "ledger": ("the ledger", "账本"),
}


@dataclass(frozen=True)
class Definition:
    """What a figure is.

    Attributes
    ----------
    unit : str
        As `locales.unit` names it; ``%`` for shares, ``money`` for amounts with the sign of their
        currency, empty for counts.
    interval, source : str
        Keys of `INTERVALS` and `SOURCES`.
    text : pair of str
        In English and Chinese.
    """

    unit: str
    interval: str
    source: str
    text: Pair


def _of(unit: str, interval: str, source: str, english: str, chinese: str) -> Definition:
    return Definition(unit, interval, source, (english, chinese))


DEFINITIONS: dict[str, Definition] = {
    # figures of accounts and their sums
    "credited": _of("kg", "lower", "close",
        "CO₂ posted to the ledger: the lower bound of what the month adds, never below 0.",
        "记入账本的减排量：取当月新增的区间下限，不低于 0。"),
    "avoided": _of("kg", "sum", "close",
        "CO₂ not emitted from the tank compared with the baseline for the same work.",
        "完成同样运输时，相对基准少排放的尾气二氧化碳。"),
    "saved": _of("l", "accounts", "close",
        "Diesel that the baseline needs for the same work, less what was burnt. May be negative.",
        "基准完成同样运输所需柴油减去实际消耗，可以为负。"),
    "value": _of("money", "lower", "close",
        "Credited CO₂ at the carbon price in force. Not money paid.",
        "入账减排量按当期碳价计算的金额，并非已付款。"),
    "money_saved": _of("money", "accounts", "close",
        "Diesel saved at the diesel price in force; below 0 if more was burnt.",
        "节油量按当期柴油价格计算的金额；多耗时为负。"),
    "empty": _of("%", "accounts", "close",
        "Kilometres not proven loaded, of all kilometres driven.",
        "未证明载货的里程占全部行驶里程的比例。"),
    "load_rate": _of("%", "accounts", "close",
        "Transport work, of what full loads on every kilometre would have been.",
        "实际周转量占全程满载周转量的比例。"),
    "payload_share": _of("%", "accounts", "close",
        "Transport work, of what full loads on the loaded kilometres would have been.",
        "实际周转量占载货里程满载周转量的比例。"),
    "idle": _of("h", "observed", "close",
        "Hours standing with the engine on, by the edition's rule.",
        "停车未熄火的小时数，按方法学规则。"),
    "coverage": _of("%", "observed", "close",
        "Part of the driving time that positions cover, weighted by kilometres.",
        "行驶时间中有定位覆盖的部分，按里程加权。"),
    "distance": _of("km", "accounts", "close",
        "Kilometres driven on the road, gaps of the trace included.",
        "道路行驶里程，含轨迹缺口。"),
    "loaded_km": _of("km", "part", "lanes",
        "Kilometres with cargo aboard, proven by stops.",
        "由停车点证明载货的里程。"),
    "empty_km": _of("km", "part", "lanes",
        "Kilometres without cargo; those of a lane led to its load.",
        "没有载货的里程；线路的空驶指驶向该货物的里程。"),
    "diesel": _of("l", "accounts", "close",
        "Diesel burnt: by counter or receipts where there are any, else by the model.",
        "实际消耗的柴油：有计量或加油记录的按其计算，否则按模型。"),
    "orders": _of("", "count", "close", "Orders that were not cancelled.", "未取消的运单数。"),
    "proven": _of("", "count", "close",
        "Orders whose loading and unloading stops of the trace prove.",
        "装货和卸货均由轨迹停车点证明的运单数。"),
    "work": _of("tkm", "part", "lanes",
        "Tonnes aboard times kilometres driven.",
        "载货吨数乘以行驶里程。"),
    # what a statement sets its figures beside
    "usual": _of("", "beside", "close",
        "What the baseline has for the same work, in the unit of the row.",
        "基准完成同样运输时的数值，单位同该行。"),
    "last_month": _of("", "beside", "close",
        "The driver's own figure of the month before, in the unit of the row.",
        "本人上月的数值，单位同该行。"),
    "against_month": _of("kg", "booked", "close",
        "CO₂ credited in this month less that of the month before.",
        "本月入账减排量减去上月入账减排量。"),
    "similar": _of("", "sample", "close",
        "Median of others with the same class of truck and like distances.",
        "同车型、相近运距的其他司机的中位数。"),
    # the overview
    "litres": _of("l", "part", "close",
        "Part of the saving that this cause brought; the parts add up to it.",
        "该原因带来的节油；各部分之和等于节油量。"),
    "own": _of("l/100 km", "part", "close",
        "Diesel saved on 100 km driven.",
        "每行驶一百公里节省的柴油。"),
    "peers": _of("l/100 km", "sample", "close",
        "Median of those with like work: same class of truck, same distance band.",
        "同类（同车型、同主要运距）的中位数。"),
    "difference": _of("l/100 km", "sample", "close",
        "The own saving less that median; more is better.",
        "自身节油减去同类中位数，越大越好。"),
    "peers_count": _of("", "count", "close",
        "Others with like work in the month.",
        "当月同类的数量。"),
    "quality_orders": _of("%", "count", "close",
        "Orders proven by the trace, of all that were not cancelled.",
        "由轨迹证明的运单占未取消运单的比例。"),
    "quality_unknown": _of("%", "observed", "close",
        "Kilometres of which nothing tells whether cargo was aboard; they count as empty.",
        "无法判断是否载货的里程占比，按空驶计。"),
    "quality_imputed": _of("%", "observed", "close",
        "Kilometres inside gaps of the trace, by odometer or estimate.",
        "轨迹缺口内的里程占比，按里程表或估算。"),
    # days, legs and orders
    "legs_count": _of("", "count", "legs",
        "Drives from one standing to the next that began on the day.",
        "当日出发、两次停车之间的行驶次数。"),
    "loaded_of": _of("km", "part", "legs",
        "Kilometres with an order aboard that stops prove.",
        "载有经停车证明的运单的里程。"),
    "empty_of": _of("km", "part", "legs",
        "Kilometres between unloading and the next loading.",
        "卸货之后至下次装货之间的里程。"),
    "unknown_of": _of("km", "part", "legs",
        "Kilometres of which nothing tells whether cargo was aboard; they count as empty.",
        "是否载货不明的里程，按空驶计。"),
    "diesel_of": _of("l", "part", "legs",
        "Diesel of these kilometres and the standing after them, as the account has it.",
        "这些行驶与停车的柴油，与账户一致。"),
    "credited_of": _of("kg", "part", "legs",
        "Part of what the account was credited, by the credited work done here.",
        "账户入账减排量按此处完成的可入账周转量分得的部分。"),
    "distance_of": _of("km", "part", "legs", "Kilometres of the leg.", "该行程的里程。"),
    "standing": _of("h", "observed", "legs",
        "Standing at the end of the leg.",
        "该行程结束后的停车时间。"),
    "idle_of": _of("h", "observed", "legs",
        "Part of the standing with the engine on.",
        "停车中发动机运转的部分。"),
    "co2_of": _of("kg", "part", "legs",
        "CO₂ from the tank of the diesel of the leg.",
        "该行程柴油的尾气二氧化碳。"),
    "imputed": _of("km", "observed", "legs",
        "Part of the distance inside gaps of the trace, by odometer or estimate.",
        "里程中位于轨迹缺口内的部分，按里程表或估算。"),
    "payload": _of("t", "stated", "legs",
        "Cargo aboard by the orders.",
        "按运单计的车上货物。"),
    "confidence": _of("%", "observed", "legs",
        "How sure it is that the leg was loaded or empty.",
        "判断载货或空驶的把握程度。"),
    "cargo": _of("t", "stated", "stated",
        "Mass of the cargo as the order states it.",
        "运单所报的货物重量。"),
    "onboard_km_of": _of("km", "part", "orders",
        "Kilometres driven with the order aboard.",
        "载有该运单行驶的里程。"),
    "approach_km_of": _of("km", "part", "orders",
        "Empty kilometres to the place of loading.",
        "空驶前往装货地的里程。"),
    "saved_l": _of("l", "part", "orders",
        "Part of the month's saving put beside the order; its interval stands in the sentence.",
        "当月节油量分到该运单的部分；区间写在句中。"),
    "credited_kg": _of("kg", "part", "orders",
        "Part of the month's credit put beside the order; all parts add up to it.",
        "当月入账减排量分到该运单的部分，各部分之和等于入账量。"),
    "lon": _of("°", "observed", "trace", "Longitude of the fix, WGS-84.", "轨迹点经度，WGS-84。"),
    "lat": _of("°", "observed", "trace", "Latitude of the fix, WGS-84.", "轨迹点纬度，WGS-84。"),
    "speed": _of("km/h", "observed", "trace",
        "Speed that the device sent with the fix.",
        "设备随轨迹点发送的速度。"),
    # months
    "runs_count": _of("", "count", "close", "How often the month was closed.", "该月结账的次数。"),
    "accounts": _of("", "count", "close",
        "Drivers with a truck that drove in the month.",
        "当月有行驶的司机与车辆组合数。"),
    "trucks": _of("", "count", "close", "Trucks that drove in the month.", "当月有行驶的车辆数。"),
    "entries": _of("", "count", "ledger",
        "Entries that the close writes into the ledger.",
        "本次结账写入账本的分录数。"),
    "against_before": _of("kg", "booked", "close",
        "What would be credited, less what the close before credited.",
        "预计入账减去上次结账的入账。"),
    "figure_before": _of("kg", "lower", "close",
        "Credited to the account by the close before.",
        "上次结账时账户的入账减排量。"),
    "figure_after": _of("kg", "lower", "close",
        "Credited to the account by this close.",
        "本次结账时账户的入账减排量。"),
    "reversed_from_buffer_g": _of("kg", "booked", "ledger",
        "Grams that fell after they were sold, and that the buffer answers for.",
        "售出后被调减、由缓冲池承担的减排量。"),
    "obligation_opened_g": _of("kg", "booked", "ledger",
        "What this close adds to what the operator owes.",
        "本次结账新增的运营方欠量。"),
    "obligations_open_g": _of("kg", "booked", "ledger",
        "What the operator owes in all.",
        "运营方的全部欠量。"),
    # baselines
    "baseline_counted_for": _of("", "count", "baselines",
        "Accounts of the month for which this baseline counts.",
        "当月采用该基准的账户数。"),
    "baseline_serves_years": _of("years", "stated", "baselines",
        "How long such a baseline serves, by the edition.",
        "该类基准的有效年限，按方法学版本。"),
    "empty_share_of": _of("%", "stated", "baselines",
        "Empty kilometres of all kilometres in the baseline.",
        "基准中空驶里程占全部里程的比例。"),
    "payload_share_of": _of("%", "stated", "baselines",
        "Transport work of what full loads on the loaded kilometres would be.",
        "基准中周转量占载货里程满载周转量的比例。"),
    "age_days": _of("days", "count", "baselines",
        "Days from the first day of the baseline to the first of the month.",
        "基准起始日至当月第一天的天数。"),
    "saved_against": _of("l", "against", "close",
        "Diesel saved against this baseline; the smallest counts.",
        "相对该基准的节油量；取最小者。"),
    # prices, files, serials
    "price": _of("money", "stated", "prices",
        "Price of the series from its first day until the next.",
        "该价格序列自生效日起至下一价格前的单价。"),
    "rows_accepted": _of("", "count", "files",
        "Rows that said something new and are on record.",
        "内容为新且已入库的行数。"),
    "rows_duplicate": _of("", "count", "files",
        "Rows that said what was on record already.",
        "内容与已有记录相同的行数。"),
    "rows_rejected": _of("", "count", "files",
        "Rows that were refused; each is listed with what to do.",
        "被拒绝的行数；逐行列出原因与处理办法。"),
    "line": _of("", "count", "files",
        "Line of the file, the head is 1.",
        "文件中的行号，表头为 1。"),
    "amount": _of("g", "booked", "ledger",
        "Grams of CO₂ with these serials.",
        "这些序列号对应的二氧化碳克数。"),
}  # fmt: skip
"""By the name of the word that stands over the figure."""
