"""The words of an explanation in English and Chinese: steps, numbers, sources of error, phrases.

One table for both languages, so that nothing is said in one alone; a test holds it against every
number that a close writes down.
"""

from __future__ import annotations

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)

STEPS = {
    "trace": ("Positions", "定位"),
    "orders": ("Orders", "运单"),
    "legs": ("Kilometres and work", "里程与周转量"),
    "fuel": ("Fuel burnt", "油耗"),
    "baseline": ("What it is compared with", "对比基准"),
    "saving": (
        "The same work without the platform, and the saving",
        "没有平台时完成同样工作，及节油量",
    ),
    "interval": ("How far the saving may be off", "节油量的不确定度"),
    "leakage": ("What the saving causes elsewhere", "节油在别处引起的排放（泄漏）"),
    "credit": ("From litres to the gram credited", "从升到入账的克"),
    "ledger": ("Your grams in the ledger", "账本中的您的克数"),
    "notes": ("What is missing or reduced", "缺失或减少的部分"),
}

# Numbers of the account and of its derivation.
NUMBERS = {
    "season_index": (
        "Season: empty kilometres of all others in such a month, before joining, per a usual one",
        "季节：其他司机加入之前在该月份的空驶相对于平常月份",
    ),
    # positions
    "fixes_read_count": (
        "Fixes read, with the days around the month",
        "读取的定位点（含月份前后几天）",
    ),
    "fixes_in_month_count": ("Fixes in the month", "当月定位点"),
    "dropped_clock_future_count": ("Dropped: dated in the future", "剔除：时间在未来"),
    "dropped_duplicate_count": ("Dropped: sent twice", "剔除：重复"),
    "dropped_time_conflict_count": ("Dropped: two places at one time", "剔除：同一时间两个位置"),
    "dropped_teleport_count": ("Dropped: out of reach of the fix before", "剔除：漂移，不可能到达"),
    "dropped_null_island_count": ("Dropped: at longitude 0, latitude 0", "剔除：经纬度为零"),
    "dropped_off_globe_count": ("Dropped: no place on Earth", "剔除：坐标越界"),
    "dropped_inaccurate_count": ("Dropped: too inaccurate", "剔除：精度太差"),
    "coverage_share": ("Driving time covered by positions", "行驶时间的定位覆盖率"),
    # kilometres
    "distance_km": ("Driven", "行驶里程"),
    "loaded_km": ("With cargo, proven by orders", "载货里程（有运单证明）"),
    "empty_km": ("Empty", "空驶里程"),
    "search_km": ("of these in search of the next load", "其中找货空驶里程"),
    "unknown_km": ("Neither proven; counts as empty", "无法证明；按空驶计"),
    "not_loaded_km": ("Empty or not proven loaded", "空驶或无法证明载货的里程"),
    "imputed_km": ("Inside gaps of the positions", "定位中断期间的里程"),
    "car_like_km": ("Driven as no truck is; nothing counts there", "不像货车行驶的里程；不计入"),
    "mileage_utilisation_share": ("Loaded of all kilometres", "里程利用率"),
    "payload_utilisation_share": ("Payload when loaded, of what is allowed", "吨位利用率"),
    "load_rate_share": ("Load rate: the product of the two", "实载率（两者之积）"),
    "transport_work_tkm": ("Transport work: payload x kilometres", "周转量：载重 × 里程"),
    "activity_tkm": ("Of it credited, up to the distance cap", "其中可入账周转量（里程封顶后）"),
    "great_circle_tkm": (
        "Cargo x great circle, which no detour makes more",
        "货物 × 大圆距离（绕行不增加）",
    ),
    "idle_h": ("Standing with the engine on", "怠速时间"),
    "stop_h": ("Standing", "停车时间"),
    # fuel
    "rated_payload_t": ("Payload allowed", "核定载质量"),
    "empty_l_per_km": ("Consumption when empty", "空载油耗"),
    "load_l_per_tkm": ("More for each tonne of cargo", "每吨货物增加的油耗"),
    "idle_l_per_h": ("Consumption standing with the engine on", "怠速油耗"),
    "idle_l": ("Burnt standing, the same on both sides", "怠速耗油（两边相同）"),
    "driving_l": ("Burnt driving", "行驶耗油"),
    "diesel_l": ("Burnt in all", "柴油消耗合计"),
    "model_diesel_l": ("By the model of the class, for comparison", "车型模型油耗（对照）"),
    "measured_l": ("Measured, on the legs where it was", "有测量的行程的实测油耗"),
    "measured_model_l": (
        "The class without fitted correction, for these legs",
        "这些行程的车型模型油耗（不含拟合修正）",
    ),
    "scale_index": ("Litres of the truck per litre of that model", "该车油耗与该模型油耗之比"),
    "scale_share": ("How sure that is", "该比值的标准不确定度"),
    "energy_quantity": ("Burnt or charged", "能源消耗"),
    "co2_ttw_kg": ("CO2 of it, tank to wheel", "二氧化碳（油箱到车轮）"),
    "co2e_wtw_kg": ("CO2e of it, well to wheel", "二氧化碳当量（油井到车轮）"),
    # comparison
    "counterfactual_empty_share": ("Empty share", "空驶率"),
    "counterfactual_payload_share": ("Payload when loaded, of what is allowed", "吨位利用率"),
    "counterfactual_efficiency_index": ("Fuel per model fuel", "油耗与模型油耗之比"),
    "counterfactual_payload_t": (
        "Payload: that share of what is allowed",
        "载重：吨位利用率 × 核定载质量",
    ),
    "counterfactual_loaded_km": (
        "Loaded kilometres: credited work / payload",
        "载货里程：可入账周转量 ÷ 载重",
    ),
    "counterfactual_empty_km": (
        "Empty kilometres: loaded x e / (1 - e)",
        "空驶里程：载货里程 × e ÷ (1 − e)",
    ),
    "counterfactual_driving_l": ("Litres for driving them with that work", "相应的行驶耗油"),
    "baseline_diesel_l": ("Litres with standing", "基准柴油（含怠速）"),
    "diesel_saved_l": ("Saved: that minus what was burnt", "节油量：基准减实际"),
    "saved_by_less_empty_l": ("by less empty running", "其中空驶减少"),
    "saved_by_higher_load_l": ("by fuller loads", "其中载重提高"),
    "saved_by_efficiency_l": ("by less fuel per work done", "其中单位油耗降低"),
    "saved_against_declared_l": (
        "Saved against the driver's declared line",
        "对比司机申报基准的节油量",
    ),
    "saved_against_own_l": ("Saved against the driver's own months", "对比司机自身历史的节油量"),
    "saved_against_cohort_l": (
        "Saved against other drivers of the lanes",
        "对比同线路其他司机的节油量",
    ),
    "saved_against_class_l": ("Saved against the line of the class", "对比车型基准的节油量"),
    # interval and credit
    "diesel_saved_standard_l": ("All sources together, in squares", "全部来源合成（平方和的根）"),
    "coverage_index": ("Times z for the two-sided 90 % interval", "双侧 90 % 区间的系数 z"),
    "co2_ttw_kg_per_l": ("CO2 of a litre of diesel", "每升柴油的二氧化碳"),
    "co2_avoided_kg": ("CO2 avoided: litres saved x that", "减排量：节油量 × 该因子"),
    "co2_avoided_standard_kg": (
        "Its standard uncertainty, factor included",
        "减排量的标准不确定度（含因子）",
    ),
    "co2_leakage_kg": ("Taken off in all", "合计扣除"),
    "co2_common_standard_kg": ("Of it what errs alike in all months", "其中各月共有的误差"),
    "co2_single_standard_kg": ("Of it what errs in this month by itself", "其中本月独有的误差"),
    "co2_luck_standard_kg": (
        "How far such a month lies from the usual one by luck",
        "单月与常态相差的偶然幅度",
    ),
    "net_before_kg": (
        "Avoided in the year before this month, what is caused elsewhere taken off",
        "本年此前减排量（已扣除泄漏）",
    ),
    "common_before_standard_kg": ("Of it what errs alike in all months", "其中各月共有的误差"),
    "single_before_standard_kg": ("Of it what errs in single months", "其中各月独有的误差"),
    "luck_before_standard_kg": ("The luck of these months together", "此前各月偶然幅度合计"),
    "period_months_count": ("Months of the year so far with a saving", "本年至今有节油量的月数"),
    "period_to_come_count": ("Months of the year still to come", "本年尚余月数"),
    "period_net_kg": (
        "Avoided in the year so far, what is caused elsewhere taken off",
        "本年至今减排量（已扣除泄漏）",
    ),
    "period_common_standard_kg": (
        "Standard uncertainty of what errs alike in all its months, added up",
        "各月共有误差的标准不确定度（相加）",
    ),
    "period_single_standard_kg": (
        "Of what errs in each month by itself, averaging out",
        "各月独有误差的标准不确定度（相互平均）",
    ),
    "period_open_standard_kg": (
        "Of the luck so far that months to come may take back",
        "后续月份可能抵消的偶然部分",
    ),
    "period_low_kg": ("Lower bound of the year so far", "本年至今的下限"),
    "credited_before_kg": ("Credited in the year before this month", "本年此前已入账"),
    "co2_avoided_low_kg": (
        "Lower bound of the month: what it adds to that of the year",
        "本月下限：本年下限减此前已入账",
    ),
    "co2_avoided_high_kg": ("Upper bound", "区间上限"),
    "co2_credited_g": (
        "Credited: the lower bound in whole grams, never below 0",
        "入账：下限取整克，不低于零",
    ),
    "carbon_value": ("Worth of the credit", "入账减排量的金额"),
    "fuel_cost_saved": ("Saved on diesel", "节省的油费"),
}

# Sources of error, each told with how far it may be off and what that does to the litres saved.
ERRORS = {
    "empty_rate": (
        "Consumption when empty, the same error on both sides",
        "空载油耗（两边同一误差）",
    ),
    "load_rate": ("Consumption per tonne, likewise", "每吨增加的油耗（同上）"),
    "idle_rate": ("Consumption standing, likewise", "怠速油耗（同上）"),
    "fuel_scale": ("Scale of the litres", "油量整体刻度"),
    "fuel_month": (
        "Measured litres of the month alone (tank levels, weather, roads), averaging out",
        "仅当月实测油量的误差（油位、天气、道路；各月相互平均）",
    ),
    "distance_scale": ("Scale of all kilometres", "全部里程的刻度"),
    "distance_legs": ("Kilometres of single legs, averaging out", "单段里程（相互平均）"),
    "imputed_km": ("Kilometres inside gaps", "定位中断期间的里程"),
    "weight_common": ("Weights, what all orders share", "货物重量（各运单共有误差）"),
    "weight_orders": ("Weights of single orders, averaging out", "单张运单的重量（相互平均）"),
    "baseline_empty": ("Empty share compared with", "基准空驶率"),
    "baseline_payload": ("Payload compared with", "基准吨位利用率"),
    "baseline_efficiency": ("Measured efficiency compared with", "基准能效（实测）"),
    "baseline_season": (
        "Empty kilometres of such a month of the year, averaging out",
        "基准中该月份的季节系数（各月相互平均）",
    ),
}

LEAKAGES = {
    "detour": ("detour_share", "Detours to reach loads", "为接货绕行"),
    "displaced_loads": (
        "displaced_loads_share", "Loads taken from other trucks", "从其他车辆转来的货",
    ),
    "induced_trips": (
        "induced_trips_share", "Trips that cheaper freight brings about", "运价降低引发的新增运输",
    ),
    "platform_electricity": (
        "platform_electricity_kwh_per_order", "Electricity of the platform", "平台用电",
    ),
}  # fmt: skip

BASELINES = {
    "declared_driver": ("Line declared for the driver", "司机申报的基准"),
    "own_history": ("The driver's own months before joining", "司机加入之前的自身月份"),
    "since_joining": (
        "The driver's months since joining, and what joining changed with others",
        "司机加入之后的月份及他人加入前后的变化",
    ),
    "cohort": ("Other drivers on the same lanes before they joined", "同线路其他司机加入之前"),
    "declared_class": ("Line declared for the class", "车型申报的基准"),
}

RUNGS = {
    "counter": ("the vehicle's own fuel counter", "车辆自身的油量计"),
    "receipts": ("receipts balanced between full fills", "两次加满之间的加油单"),
    "calibrated": (
        "the model calibrated by the truck's own measurements",
        "按该车自身测量校准的模型",
    ),
    "declared": ("the truck's declared consumption", "该车申报的油耗"),
    "class": ("figures of the truck's class", "该车型的油耗"),
}

ENERGIES = {
    "diesel": ("diesel", "柴油"),
    "lng": ("liquefied natural gas", "液化天然气"),
    "cng": ("compressed natural gas", "压缩天然气"),
    "methanol": ("methanol", "甲醇"),
    "electric": ("electricity", "电力"),
}
_PRICED = {**ENERGIES, "carbon": ("carbon", "碳")}

WEIGHTS = {
    "weighed": ("weighed", "过磅"),
    "declared": ("declared", "申报"),
    "nominal": ("nominal", "标称"),
    "class": ("by class of goods", "按货类"),
}

PHRASES = {
    "title": (
        "How the account of {driver}, truck {vehicle}, {month} came about",
        "{driver}，车辆 {vehicle}，{month} 账户的由来",
    ),
    "edition": (
        "Methodology {label}, in force from {valid_from}. Closed {closed_at}, run {run_id}.",
        "方法学 {label}，自 {valid_from} 起生效。结账 {closed_at}，批次 {run_id}。",
    ),
    "edition_changed": (
        "The edition's file has changed since: its rules are told as they are now.",
        "该版本文件此后有改动：以下规则为现在的内容。",
    ),
    "files": (
        "{name} (SHA-256 {digest}, received {received_at}, {rows} rows)",
        "{name}（SHA-256 {digest}，{received_at} 收到，{rows} 行）",
    ),
    "trace_digest": ("Digest of the fixes", "定位数据摘要"),
    "orders_summary": (
        "{matched} of {count} orders are proven by stops of the trace.",
        "{count} 张运单中 {matched} 张由停留点证明。",
    ),
    "order_proven": (
        "{cargo} t ({weight}) over {km} km, {approach} km empty to the pick-up; {reason}.",
        "{cargo} 吨（{weight}），载运 {km} 公里，空驶 {approach} 公里去装货；{reason}。",
    ),
    "order_unproven": ("Not proven: {reason}.", "未得到证明：{reason}。"),
    "order_capped": (
        " Credited up to the cap: {credited} of {driven} tkm.",
        "里程封顶：{driven} 吨公里中计 {credited}。",
    ),
    "order_weight": (" Less cargo counts than stated: {reason}.", "计入的重量少于申报：{reason}。"),
    "orders_more": (
        "And {count} more, all proven the same way.",
        "另有 {count} 张，证明方式相同。",
    ),
    "legs_summary": (
        "{count} legs: {loaded} loaded, {empty} empty, {unknown} not proven.",
        "{count} 段行程：载货 {loaded} 段，空驶 {empty} 段，无法证明 {unknown} 段。",
    ),
    "rung": ("The litres are known by {rung}.", "油耗依据：{rung}。"),
    "rung_none": (
        "The truck burns no diesel or has no model: {energy}.",
        "车辆不烧柴油，或没有模型：{energy}。",
    ),
    "rung_above": ("Not by {rung}: {why}", "未采用{rung}：{why}"),
    "rung_without_data": (
        "there is no such record of this truck and month.",
        "该车该月没有这样的记录。",
    ),
    "baseline_line": (
        "{name}: {empty} empty, {payload} payload; from {since}, {age} days old",
        "{name}：空驶率 {empty}，吨位利用率 {payload}；自 {since}，{age} 天前",
    ),
    "baseline_drawn": (
        "; with what is known of the driver {empty} empty, {payload} payload",
        "；与司机自身情况合并后空驶率 {empty}，吨位利用率 {payload}",
    ),
    "baseline_sample": (", made of {count}", "，由 {count} 个样本得出"),
    "baseline_counts": (
        "The smallest saving counts: {name}.",
        "以节油量最小者为准：{name}。",
    ),
    "baseline_none": ("There is nothing to compare with.", "没有可比的基准。"),
    "nothing_saved": ("No saving is stated, so nothing is credited.", "没有节油量，因此不入账。"),
    "known_to": ("{name}: known to {share}", "{name}：已知到 {share}"),
    "of_avoided": ("{name}: {share} of the CO2 avoided", "{name}：减排量的 {share}"),
    "per_order": ("{name}: {amount} kWh per order", "{name}：每单 {amount} 千瓦时"),
    "entry": (
        "Ledger entry {sequence}, recorded {recorded_at}: {amount} g from {giver} to {taker};"
        " hash {digest}",
        "账本第 {sequence} 条，{recorded_at} 记录：{amount} 克，从 {giver} 到 {taker}；"
        "哈希 {digest}",
    ),
    "entry_none": ("The ledger holds no entry of it.", "账本中没有相应分录。"),
    "nothing_missing": ("Nothing.", "没有。"),
    "check_holds": (
        "Recounted from the numbers above: all {count} equations hold.",
        "由以上数字复算：{count} 个等式全部成立。",
    ),
    "check_fails": (
        "RECOUNTED AND NOT MET: {text}: stated {stated}, recounted {recounted}.",
        "复算不符：{text}：账上 {stated}，复算 {recounted}。",
    ),
    "interval": ("{low} to {high}", "{low} 至 {high}"),
    "sources": ("Sources", "来源"),
    "source_rule": (
        "rule {key} = {value} {unit} of {edition}, {status}{of}: {text}",
        "{edition} 规则 {key} = {value} {unit}，{status}{of}：{text}",
    ),
    "source_of": (" from {title} [{source}]", "，出自 [{source}] {title}"),
    "source_factor": (
        "factor {key} = {value} {unit}, from {valid_from}, {status} in {title} [{source}],"
        " {locator}",
        "因子 {key} = {value} {unit}，自 {valid_from}，{status}，见 {title} [{source}]，{locator}",
    ),
    "source_table": (
        "table {key} of the run, SHA-256 {digest}",
        "本次结账的表 {key}，SHA-256 {digest}",
    ),
    "source_record": ("records of {key}: {files}", "{key} 的记录：{files}"),
    "source_model": (
        "fuel model {key}, sections physics and engines of the edition",
        "油耗模型 {key}，见版本的 physics 与 engines 部分",
    ),
    "source_fitted": (
        "fitted correction of that fuel model, SHA-256 {key}",
        "上述油耗模型的拟合修正，SHA-256 {key}",
    ),
    "source_rung": ("rung {key}: {text}", "油耗等级 {key}：{text}"),
    "source_baseline": ("baseline {key}: {text}", "基准 {key}：{text}"),
    "source_formula": ("formula {key} of the methodology page", "方法学页面公式 {key}"),
    "source_ledger": ("the fleet's ledger", "车队账本"),
    "source_price": (
        "price of {key}: {price} {currency}/{unit}, series {series}, from {valid_from}",
        "{key}价格：{price} {currency}/{unit}，序列 {series}，自 {valid_from}",
    ),
    "source_other": ("{key}", "{key}"),
}

# Which inputs changed between two closes of a month.
RESTATED = {
    "positions": ("the positions on record changed", "定位数据有变"),
    "orders": ("orders were added, changed, cancelled or withdrawn", "运单新增、更改、取消或撤回"),
    "vehicle": ("the vehicle's record changed", "车辆资料有变"),
    "assignments": ("assignments or the usual driver changed", "派车记录或常用司机有变"),
    "driver": ("the driver's record changed", "司机资料有变"),
    "baselines": ("the declared baselines changed", "申报的基准有变"),
    "history": ("earlier months of the driver changed", "司机此前月份有变"),
    "energy": ("fuel receipts changed", "加油单有变"),
    "prices": ("the prices in force changed", "生效价格有变"),
    "edition": ("another methodology edition is in force", "方法学版本更换"),
    "factors": ("the factor book changed", "因子库有变"),
    "program": ("another version of the program computed it", "计算程序版本更换"),
    "cohort": (
        "what other drivers did before they joined is known otherwise",
        "其他司机加入前的数据有变",
    ),
    "measured": (
        "what earlier months measured of the truck's fuel changed",
        "该车此前月份的油耗测量有变",
    ),
    "fuel_model": ("another fitted model of fuel is in force", "拟合油耗模型更换"),
    "claims": ("what others claim of the truck's hours changed", "他方对该车时段的申报有变"),
    "load_model": (
        "another classifier of empty and loaded legs is in force",
        "空载/载货判别模型更换",
    ),
}

STATUSES = {
    "measured": ("measured", "实测"),
    "published": ("published", "公布值"),
    "derived": ("derived", "推导"),
    "assumed": ("assumed", "假定"),
}


class Words:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._at = LANGUAGES.index(language)

    def of(self, table: dict[str, tuple[str, str]], name: str) -> str:
        """The word for a name; the name itself, spaced, where the table has none."""
        return table[name][self._at] if name in table else name.replace("_", " ")

    def choose(self, pair: tuple[str, str]) -> str:
        """That of an English and a Chinese wording which is of the language."""
        return pair[self._at]

    def series(self, name: str) -> str:
        """What a series of prices is of, or its name: carbon and energies in the language.

        Examples
        --------
        >>> Words("zh").series("diesel"), Words("zh").series("CEA")
        ('柴油', 'CEA')
        """
        return self.choose(_PRICED[name]) if name in _PRICED else name

    def say(self, phrase: str, **given: object) -> str:
        """A phrase with its gaps filled."""
        return PHRASES[phrase][self._at].format(**given)

    def leakage(self, name: str) -> tuple[str, str]:
        """The parameter of a kind of leakage, and the word for it."""
        parameter, *words = LEAKAGES[name]
        return parameter, words[self._at]
