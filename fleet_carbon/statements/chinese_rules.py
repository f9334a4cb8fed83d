"""What the rules of an edition say that the chain of an account rests on, in Chinese, by their key.

The edition itself is English and is what counts; a rule that is not here is quoted as it stands.
"""

from __future__ import annotations

_COMMON = "所有运单共有。"
RULES: dict[str, str] = {
    "legs.cap_great_circle_factor": "运单可入账里程不超过大圆距离的此倍数加余量：绕行不产生收益。",
    "fuel.idle_l_per_h": "停车怠速的柴油：无负载实测 1.85，带空调等负载可达 3.8。",
    "credit.modelled_efficiency_index": (
        "实际油耗由模型计算时的基准能效：没有油耗记录就不计节能驾驶。"
    ),
    "credit.period_month_count": "计入期自一月起：各月合为一个账户，其下限增长多少就入账多少。",
    "uncertainty.coverage_index": "双侧 90% 区间的标准正态分位数。",
    "uncertainty.empty_rate_declared_share": "申报空载油耗的相对标准不确定度，基准与实际共有。",
    "uncertainty.empty_rate_class_share": "车型空载油耗的相对标准不确定度：不同模型相差很大。",
    "uncertainty.load_rate_share": "载重油耗斜率的相对标准不确定度，基准与实际共有。",
    "uncertainty.idle_rate_share": "每小时 2.0 升中的 0.8 升。",
    "uncertainty.distance_scale_share": "里程的共同比例误差，对所有里程和周转量相同。",
    "uncertainty.distance_leg_share": "单个行程的里程误差：弦线截弯 0.2 至 1.9%，各行程间平均。",
    "uncertainty.imputed_km_share": "轨迹缺口内里程的相对误差，只作用于实际一侧。",
    "uncertainty.fuel_counter_share": "车辆油量计的比例误差。",
    "uncertainty.ttw_factor_share": "实际燃油的密度、热值和含碳量。",
    "uncertainty.wtw_factor_share": (
        "欧洲各来源每升因子在 3.24 至 3.47 千克之间；仅用于清单，不影响入账。"
    ),
    "uncertainty.weight_weighed_common_share": (
        f"地磅比例误差及所扣空车质量：30 吨中的 0.15 吨。{_COMMON}"
    ),
    "uncertainty.weight_weighed_order_share": (
        "当日燃油、人员和装备使空车质量变化 0.3 吨，各运单间平均。"
    ),
    "uncertainty.weight_declared_common_share": f"申报重量：习惯性取整。{_COMMON}",
    "uncertainty.weight_declared_order_share": "单张运单的申报重量：20 吨精确到吨。",
    "uncertainty.weight_nominal_common_share": f"按件的标称质量计重，包装为估计。{_COMMON}",
    "uncertainty.weight_nominal_order_share": "单张运单按标称质量计重。",
    "uncertainty.weight_class_common_share": f"按货类或车型计重，或未说明来源。{_COMMON}",
    "uncertainty.weight_class_order_share": "单张运单按货类计重：可能为半载至满载。",
    "uncertainty.weight_habit_shared_share": (
        "重量共同误差中基准月份同样承担的部分：称重和申报习惯相同。"
    ),
    "uncertainty.baseline_empty_declared_driver_share": "申报基准空驶率的标准不确定度。",
    "uncertainty.baseline_payload_declared_driver_share": (
        "申报基准吨位利用率的误差，另加货重误差。"
    ),
    "uncertainty.baseline_empty_own_history_share": (
        "自身历史空驶率：每月 20 趟、每趟相差 0.15，一年后剩 0.01。"
    ),
    "uncertainty.baseline_payload_own_history_share": (
        "自身历史吨位利用率：每趟相差 0.25，一年后剩 0.016。"
    ),
    "uncertainty.baseline_empty_declared_class_share": "车型基准空驶率：单个司机与车型平均的差异。",
    "uncertainty.baseline_payload_declared_class_share": (
        "车型基准吨位利用率：单个司机与平均的差异，另加货重误差。"
    ),
    "uncertainty.baseline_efficiency_share": "实测基准能效指数的相对标准不确定度。",
    "leakage.detour_share": "占减排量：里程上限以内、计入周转量的绕行；超出上限的绕行没有收益。",
    "leakage.displaced_loads_share": "占减排量：从车队另一辆车转来的货，使那辆车在其账户之外空驶。",
    "leakage.induced_trips_share": "占减排量：因运价降低才产生的货运。",
    "leakage.platform_electricity_kwh_per_order": "每张运单的服务器、网络和手机用电。",
    "leakage.electricity_factor": "每千瓦时发电的二氧化碳。",
}
