"""Reason codes in Chinese: why an order counts or not, what an account lacks."""

from __future__ import annotations

from fleet_carbon.statements.reasons import Told, told_note

_ORDER_UNPROVEN: dict[str, Told] = {
    "cancelled": (
        "运单已取消，不计入",
        "如实际已运输，请以更高的版本号重新发送",
    ),
    "no_positions": (
        "没有该车的任何定位数据",
        "请导入后重新结账",
    ),
    "no_positions_in_window": (
        "计划时间前后该车没有定位数据",
        "如有请导入",
    ),
    "no_stop_near_pickup": (
        "计划时间前后，该车未在装货地附近停留",
        "请核对运单的坐标、时间和车辆",
    ),
    "no_stop_near_delivery": (
        "计划时间前后，该车未在卸货地附近停留",
        "请核对运单的坐标、时间和车辆",
    ),
    "no_stop_fits_time_and_place": (
        "没有地点和时间都相符的停留",
        "请核对运单的坐标和时间",
    ),
    "delivery_before_pickup": (
        "该车先到卸货地，后到装货地",
        "请核对运单的地点或时间是否颠倒",
    ),
    "no_drive_between": (
        "装货与卸货之间没有行驶：虚假行程",
        "请核对运单的两个地点，或取消运单",
    ),
    "never_closed": (
        "该车一直停在卸货地：行程未结束",
        "请按实际运输时间重新发送运单",
    ),
    "driven_by_another_truck": (
        "车队另一辆车当时停在这两个地点",
        "如由该车运输，请把运单改到该车",
    ),
    "no_consistent_sequence": (
        "与该车其他运单不能同时成立：同一时间要求在两地，或合计超载",
        "请核对这些运单的车辆、时间和重量",
    ),
}
_ORDER_PROVEN = {
    "proven_by_stops": "按运单地点装货、卸货",
    "proven_pickup_in_gap": "卸货有定位证明；装货在定位中断期间",
    "proven_delivery_in_gap": "装货有定位证明；卸货在定位中断期间",
    "proven_pickup_and_delivery_in_gap": "装货和卸货都在定位中断期间，中断两端与之相符",
}
WEIGHT_REASONS = {
    "weight_above_rated_payload": "申报重量超过核定载质量，按核定载质量计；超出过多按通常载重计",
    "weight_contradicted_by_mass": "与车辆总质量信号矛盾，按信号计",
    "driven_like_a_car": "行驶方式不像货车，不计入",
}
LEG_REASONS = {
    "order_aboard": "载有轨迹停留已证明的运单",
    "between_orders": "空驶：卸货之后、下次装货之前",
    "outside_orders": "空驶：在首个运单之前或最后一个运单之后",
    "order_unproven": "此处有计划运单但未获证明：不计重载，也不计空驶",
    "no_orders": "该车没有任何运单，无从判断是否载货",
    "mass_says_loaded": "运单未能说明；总质量信号显示重载",
    "mass_says_empty": "运单未能说明；总质量信号显示空车",
    "mass_contradicts_loaded": "车上有运单，但总质量信号显示空车",
    "mass_contradicts_empty": "车上没有运单，但总质量信号显示重载",
    "counter_contradicts_loaded": "车上有运单，但油量计显示空车",
    "counter_contradicts_empty": "车上没有运单，但油量计显示重载",
    "looks_empty": "车上有运单，但行驶方式和质量像空车",
    "looks_loaded": "车上没有运单，但行驶方式和质量像重载",
}
_NOTES: dict[str, Told] = {
    "driver_unknown": (
        "不知道由谁驾驶。",
        "请导入派车记录或登记司机的常用车辆，然后重新结账。",
    ),
    "no_carbon_price": (
        "没有生效的碳价，入账减排量没有金额。",
        "请先设定碳价再重新结账。",
    ),
    "no_diesel_price": (
        "没有生效的柴油价格，节油量没有金额。",
        "请先设定油价再重新结账。",
    ),
    "no_baseline": (
        "没有可比的基准。",
        "请导入司机或车型的基准，或加入之前月份的数据。",
    ),
    "no_cohort": (
        "没有同车型其他司机加入之前的数据，没有同群基准。",
        "请为司机填写加入日期，并导入加入之前的月份后结账。",
    ),
    "cohort_too_small": (
        "加入之前有数据的同车型司机太少，不足以作为基准。",
        "请为更多司机填写加入日期，并导入加入之前的月份后结账。",
    ),
    "baseline_too_old": (
        "申报的基准或加入之前的月份已超过版本允许的年限。",
        "请导入新的基准。",
    ),
    "joined_without_history": (
        "司机加入之前没有该车型的数据，或里程太少，只能以其他基准衡量。",
        "如有加入之前的定位和运单，请导入并为这些月份结账。",
    ),
    "own_months_doubted": (
        "司机自身月份比同车型其他司机差得太多，加入之后的月份也不支持，不视为常态；以其他基准原值衡量。",
        "请核对这些月份的运单和定位：缺少的部分会被当作空驶。",
    ),
    "before_joining": (
        "司机当时尚未加入：该月只作为历史数据，不入账。",
        "无需处理；如加入日期有误，请更正司机资料。",
    ),
    "platform_electricity_not_deducted": (
        "该月没有生效的电力因子，平台用电未扣除。",
        "无需上传数据；因子公布后由程序新版本带入。",
    ),
    "no_proven_order": (
        "没有一张运单得到定位证明，运输周转量不能入账。",
        "请逐张查看该月运单缺少什么，更正后重新结账。",
    ),
    "baseline_out_of_range": (
        "申报的基准空驶率为 1 或没有载重。",
        "请更正后重新导入。",
    ),
    "no_fuel_model_for_payload": (
        "车辆没有申报油耗，也没有合适的车型。",
        "请提供空载和满载的百公里油耗。",
    ),
    "fuel_counter_below_idle": (
        "油量计读数比怠速油耗还低。",
        "请核对单位。",
    ),
    "fuel_counter_gaps_modelled": (
        "部分行程没有油量计读数，该部分油耗由模型计算。",
        "请让设备随每个定位发送油量计读数。",
    ),
    "fuel_counter_covers_too_little": (
        "油量计覆盖的里程太少，油耗由模型计算。",
        "请让设备随每个定位发送油量计读数。",
    ),
    "fuel_counter_implausible": (
        "油量计与车辆油耗相差太大，油耗由模型计算。",
        "请核对油量计单位和申报油耗。",
    ),
    "declared_full_below_empty": (
        "申报的满载油耗低于空载油耗，已改用车型油耗。",
        "请更正车辆资料。",
    ),
    "declared_full_below_class": (
        "申报的油耗低于车型应有水平，已改用车型油耗。",
        "请更正车辆资料。",
    ),
    "class_by_payload": (
        "方法学版本不认识该车的车型，已按核定载质量选取车型。",
        "请改填版本中的车型，或提供车辆申报油耗和自有车型的基准。",
    ),
    "work_beyond_cap": (
        "有运单行驶超过可入账里程上限，或比加入之前绕行更远。超出部分不计入，"
        "其油耗在能效项中扣除。",
        "请走装卸货地之间的直接路线；如运单地点有误，请更正。",
    ),
    "trace_not_of_a_truck": (
        "以该车名义发送的定位是轿车的：车速过高或加速过快。不入账。",
        "请检查是哪台设备在发送。",
    ),
    "trace_shared_with_another_truck": (
        "另一辆车在同一时间发送了相同的行程：一辆车上有两台设备。两车均不入账。",
        "请更正设备所在车辆。",
    ),
    "claimed_by_another_fleet": (
        "该车在这些时段的减排已由另一车队入账，同一时段不能重复计算。"
        "在对方出具释放函之前，此处不入账。",
        "请对方出具释放函，然后重新结账。",
    ),
    "claim_released": (
        "这些时段的减排已通过释放函转给其他平台，此处不再入账。",
        "无需处理：由对方平台入账。",
    ),
    "plate_shared_with_another_truck": (
        "登记册中另一辆车使用相同车牌，并在同一时段行驶。两车均不入账。",
        "请更正车牌。",
    ),
    "load_rate_from_class": (
        "申报油耗只有一项，另一项取自车型。",
        "请补齐两项。",
    ),
    "efficiency_not_measured": (
        "没有油量计或加油单平衡，无法知道单位周转量油耗是否降低，因此不计能效节油。",
        "请发送油量计读数或全部加油单，包括加入之前的月份。",
    ),
    "no_fuel_counter": (
        "车辆没有发送油量计数据。",
        "如车载设备能读取油量计（CAN 总线，J1939），请随定位发送；也可导入全部加油单。",
    ),
    "no_receipts": (
        "该月没有可计入的加油单。",
        "请导入该车全部加油单。",
    ),
    "nothing_measured": (
        "该车没有一个月有油量计或加油单的测量，无法校准车型油耗。",
        "请发送油量计读数或导入全部加油单，然后重新结账。",
    ),
    "too_little_measured": (
        "该车测得的油量太少，不足以校准车型油耗。",
        "请导入更多月份的加油单或油量计读数，然后重新结账。",
    ),
    "no_declared_consumption": (
        "该车没有申报油耗，油耗按车型计算。",
        "请提供百公里油耗、油量计数据或加油单。",
    ),
    "profile_missing": (
        "部分行程不知道行驶速度，该部分按车型固定油耗计算。",
        "请让设备更密集、不间断地发送定位。",
    ),
    "no_physical_model": (
        "本版本没有该类车辆的物理模型，各行程按车型固定油耗计算。",
        "请发送油量计读数或全部加油单：有测量就不需要模型。",
    ),
    "fitted_model_out_of_range": (
        "部分行程超出拟合油耗模型的学习范围，该部分只用物理模型。",
        "请发送油量计读数或全部加油单：有测量就不需要模型。",
    ),
    "energy_by_receipts": (
        "车辆的能源用量由加油（充电）单得知。",
        "无需处理，请继续发送全部单据。",
    ),
    "receipts_too_few": (
        "有加油单的加满次数太少，无法平衡该月。",
        "请导入全部加油单，并注明哪些是加满。",
    ),
    "receipts_cover_too_little": (
        "加油单覆盖该月太少。",
        "请导入月初和月末的加油单。",
    ),
    "receipts_uneven": (
        "两次加满之间的加油量与行驶不符：缺少加油单，或加满的油位相差很大。",
        "请查出缺少的加油单并导入。",
    ),
    "receipts_implausible": (
        "加油量远离此类车辆的油耗：缺少很多加油单，或也给其他车辆加油。",
        "请导入缺少的加油单，并记在实际加油的车辆名下。",
    ),
    "receipt_missing": (
        "部分加满之间加油量远少于行驶所需：缺少加油单。该区间不计。",
        "请查出缺少的加油单并导入。",
    ),
    "fuel_elsewhere": (
        "部分加满之间加油量远多于行驶所需：放油、油桶或其他车辆。该区间不计。",
        "请查明去向，更正加油单所属车辆。",
    ),
    "lng_factors_region_uk": (
        "使用英国的液化天然气因子，不含发动机的甲烷逃逸：因子库中没有中国的公布值。",
        "无需上传数据；因子公布后由程序新版本带入。",
    ),
    "wtw_generation_only": (
        "全生命周期排放只含发电的二氧化碳：为下限。",
        "无需上传数据；其余部分公布后由程序新版本带入。",
    ),
    "wtw_fallback_region_eu": (
        "全生命周期排放使用欧洲因子：因子库中没有中国的公布值。",
        "无需上传数据，也不影响入账；中国因子公布后由程序新版本带入。",
    ),
}

_LACKS: dict[str, Told] = {
    "positions_missing": (
        "车辆行驶的部分时间没有定位，其里程为估算。",
        "请补传设备中留存的定位，检查经常中断的设备，然后重新结账。",
    ),
    "load_unknown": (
        "部分里程无从判断是否载货，不计重载，也不计空驶。",
        "请导入在此期间运输的运单，或随定位发送总质量信号，然后重新结账。",
    ),
}

_NOTES_OF: dict[str, Told] = {
    "no_fuel_model_for_": (
        "车辆使用 {energy}，本版本方法学没有该能源的油耗模型：无法计算其油耗和二氧化碳。",
        "请导入其能源单据；如实际使用柴油，请更正车辆资料。",
    ),
    "no_credit_for_": (
        "车辆使用 {energy}：只有清单，只有节约柴油才入账。",
        "无需处理；如实际使用柴油，请更正车辆资料。",
    ),
    "no_factor_for_": (
        "因子库中没有该月 {energy} 的因子：无法计算其二氧化碳。",
        "无需上传数据；因子公布后由程序新版本带入。",
    ),
    "fuel_cost_in_": (
        "柴油价格以 {currency} 计，碳价以另一种货币计。",
        "请用同一种货币登记两种价格，然后重新结账。",
    ),
}


def order_reason(code: str) -> str:
    """Why an order is proven or not, and what to do about it: a clause without full stop."""
    return "；".join(filter(None, order_parts(code)))


def order_parts(code: str) -> Told:
    """Why an order is proven or not, and what to do about it: clauses without full stop."""
    return _ORDER_UNPROVEN.get(code, (_ORDER_PROVEN.get(code, code), ""))


def leg_reason(code: str) -> str:
    """Why a leg is loaded, empty or neither, a clause without full stop."""
    return LEG_REASONS.get(code, code)


def weight_reason(code: str) -> str:
    """Why less cargo counts than an order states, a clause without full stop."""
    return WEIGHT_REASONS.get(code, code)


def note_sentence(note: str) -> str:
    """A named reason of an account, as sentences with what to do."""
    return "".join(note_parts(note))


def note_parts(note: str) -> Told:
    """A named reason of an account, and what to do about it: each a sentence."""
    code = note.strip()
    return told_note(code, _NOTES | _LACKS, _NOTES_OF) or (f"{code}。", "")
