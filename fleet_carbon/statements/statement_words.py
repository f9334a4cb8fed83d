"""The words of a driver's statement in English and Chinese: one table, nothing in one alone."""

from __future__ import annotations

Pair = tuple[str, str]

LABELS: dict[str, Pair] = {
    "title": ("Monthly carbon statement", "司机月度对账单"),
    "driver": ("Driver", "司机"),
    "vehicles": ("Trucks", "车辆"),
    "fleet": ("Fleet", "车队"),
    "month": ("Month", "月份"),
    "against": ("Compared", "对比"),
    "running": ("How you drove", "行驶情况"),
    "this_month": ("This month", "本月"),
    "counterfactual": ("Compared with", "对比基准"),
    "last_month": ("Last month", "上月"),
    "similar": ("Similar drivers", "同类司机"),
    "brought": ("What brought the saving", "节油来自哪里"),
    "months": ("CO₂ credited month by month, kg", "各月入账 CO₂ 减排量（千克）"),
    "orders": ("Your orders", "您的运单"),
    "order": ("Order", "运单"),
    "what_happened": ("What happened", "情况"),
    "saved_l": ("Saved, l", "节油（升）"),
    "credited_kg": ("Credited, kg", "入账（千克）"),
    "earned_nothing": ("Orders that earned nothing", "未产生收益的运单"),
    "corrections": ("Corrections", "更正"),
    "ledger": ("Your grams in the ledger", "账本中的您的克数"),
    "method": ("Method and coverage", "方法与数据覆盖"),
    "missing": ("What is missing, and what to do", "缺失的数据及处理办法"),
    "tip": ("A tip for next month", "下月建议"),
    "disputes": ("Disputed trips", "行程申诉"),
    "verify": ("Check this statement", "核验本对账单"),
    "definition": ("Definition", "定义"),
    "meanings": ("What the figures mean", "各项数值的含义"),
    "unit_money": ("the currency shown", "所示币种"),
    "colon": (": ", "："),
    "stop": (".", "。"),
    "interval": ("90% interval", "90% 区间"),
    "source": ("Source", "来源"),
    "together": ("Together", "合计"),
    "page": ("Page", "第"),
    "of_pages": ("of", "页，共"),
    "pages_end": ("", "页"),
    "no_value": ("–", "–"),
    "as_numbers": ("As numbers", "看数字"),
    "more_orders": ("More orders", "更多运单"),
    "litre_sign": ("l", "升"),
    "kilogram_sign": ("kg", "千克"),
    "link_pdf": ("PDF", "PDF"),
    "link_json": ("JSON", "JSON"),
    "link_picture": ("Share as picture", "分享图片"),
    "link_evidence": ("How it came about", "证据链"),
    "link_dispute": ("Dispute a trip", "行程申诉"),
    "link_dispute_this": ("Dispute this trip", "对此行程申诉"),
    "link_other_language": ("中文", "English"),
}

FIGURES: dict[str, Pair] = {
    "co2_credited": ("CO₂ credited this month", "本月入账 CO₂ 减排量"),
    "diesel_saved": ("Diesel saved", "节油量"),
    "money_saved": ("Saved on diesel", "节省油费"),
    "carbon_value": ("Worth at the carbon price", "按碳价的价值"),
    "empty_share": ("Empty share", "空驶率"),
    "load_rate": ("Load rate", "实载率"),
    "payload_share": ("Payload when loaded", "吨位利用率"),
    "distance": ("Driven", "行驶里程"),
    "coverage": ("Covered by positions", "定位覆盖率"),
    "diesel_burnt": ("Diesel burnt", "柴油消耗"),
    "idling": ("Standing with the engine on", "怠速时间"),
    "against_month": ("Against last month", "较上月"),
    "usual": ("Compared with", "对比基准"),
    "last_month": ("Last month", "上月"),
    "similar": ("Similar drivers", "同类司机"),
    "litres": ("Part of the saving", "节油的一部分"),
    "months": ("Credited in a month", "各月入账减排量"),
    "saved_l": ("Saved with an order", "运单节油"),
    "credited_kg": ("Credited for an order", "运单入账"),
    "figure_before": ("Before the correction", "更正前"),
    "figure_after": ("After the correction", "更正后"),
    "amount": ("Grams in the ledger", "账本克数"),
}

# What similar drivers have in common, by the distance band of most of their work.
CLASSES: dict[str, Pair] = {
    "": ("the same class of truck", "同车型"),
    "local": (
        "the same class of truck and most work up to 50 km",
        "同车型、以 50 公里以内运输为主",
    ),
    "short": (
        "the same class of truck and most work over 50 to 200 km",
        "同车型、以 50–200 公里运输为主",
    ),
    "middle": (
        "the same class of truck and most work over 200 to 600 km",
        "同车型、以 200–600 公里运输为主",
    ),
    "long": (
        "the same class of truck and most work over 600 km and more",
        "同车型、以 600 公里以上运输为主",
    ),
}

# Whom an order is set against, by the baseline that counts.
WHO: dict[str, Pair] = {
    "declared_driver": ("the declared line has", "本人申报的基准"),
    "own_history": ("own earlier months have", "本人加入前通常"),
    "cohort": ("others on these lanes run", "同线路其他司机通常"),
    "declared_class": ("similar trucks run", "同类车辆通常"),
}

PARTS: dict[str, Pair] = {
    "saved_by_less_empty_l": ("less empty", "空驶减少"),
    "saved_by_higher_load_l": ("higher load", "载重提高"),
    "saved_by_efficiency_l": ("efficiency", "能效"),
    "diesel_saved_l": ("saved", "节油合计"),
}

SENTENCES: dict[str, Pair] = {
    "credited_note": (
        "of {avoided} avoided: the lower end of the 90% interval, less leakage",
        "减排量 {avoided}，按 90% 区间下限扣除泄漏入账",
    ),
    "credited_none": (
        "{avoided} avoided: the lower end of the 90% interval, less leakage, is not above zero",
        "减排量 {avoided}，90% 区间下限扣除泄漏后不高于零",
    ),
    "with_interval": ("{value} ({interval})", "{value}（{interval}）"),
    "against_month": ("Against {month}", "较{month}"),
    "before": ("{change} {unit} against {month}.", "较{month} {change} {unit}。"),
    "before_none": (
        "There is no account of {month} to compare with.",
        "{month}没有账户，无法比较。",
    ),
    "peers": (
        "Similar drivers ({count} others with {alike}), the middle one per 100 km: {kg} kg CO₂"
        " credited, you {own_kg}; {litres} l saved, you {own_l}.",
        "同类司机（{count} 人，{alike}）百公里中位数：入账 {kg} 千克 CO₂，您 {own_kg}；"
        "节油 {litres} 升，您 {own_l}。",
    ),
    "peers_glance": (
        "{kg} kg per 100 km, you {own_kg}",
        "百公里 {kg} 千克，您 {own_kg}",
    ),
    "peers_few": (
        "A comparison needs {min} other drivers with {alike}; there are {count}.",
        "{alike}的其他司机有 {count} 人，至少 {min} 人才作比较。",
    ),
    "peers_none": (
        "Nothing is known of the class of truck or the distances.",
        "车型或运距未知，无法比较。",
    ),
    "brought": (
        "{baseline} l would have been burnt for the same work, {burnt} l were: {saved} l saved.",
        "完成同样工作基准需 {baseline} 升，实际消耗 {burnt} 升：节油 {saved} 升。",
    ),
    "brought_less": (
        "{baseline} l would have been burnt for the same work, {burnt} l were: {saved} l more.",
        "完成同样工作基准需 {baseline} 升，实际消耗 {burnt} 升：多耗 {saved} 升。",
    ),
    "brought_none": (
        "No saving is stated this month, so nothing is credited.",
        "本月没有节油量，因此不入账。",
    ),
    "orders_summary": (
        "{matched} of {count} orders are proven by the positions.",
        "{count} 张运单中 {matched} 张由定位证明。",
    ),
    "orders_none": ("No orders were given in this month.", "本月没有运单。"),
    "orders_parts": (
        "Litres and kilograms are each order's part of the month; with the last line they add up to"
        " the month exactly.",
        "各运单的升数和千克数是其在本月中的份额；连同末行与本月合计完全相等。",
    ),
    "order": (
        "{loaded} km loaded with {cargo} t, {approach} km empty to the pick-up",
        "载货 {loaded} 公里、{cargo} 吨，空驶 {approach} 公里去装货",
    ),
    "order_usual": ("; {who} {km} km empty for such work", "；{who}空驶 {km} 公里"),
    "order_saved": (
        "; {litres} l saved ({low} to {high}), {credited} l credited: {kg} kg CO₂.",
        "；节油 {litres} 升（{low} 至 {high}），入账 {credited} 升，即 {kg} 千克 CO₂。",
    ),
    "order_cost": (
        "; {litres} l more burnt than in the comparison ({low} to {high}), nothing credited.",
        "；比基准多耗 {litres} 升（{low} 至 {high}），未入账。",
    ),
    "order_uncredited": (
        "; {litres} l saved ({low} to {high}), nothing credited.",
        "；节油 {litres} 升（{low} 至 {high}），未入账。",
    ),
    "order_plain": (".", "。"),
    "order_proof": (" {reason}.", "{reason}。"),
    "order_unproven": ("Not proven: {reason}.", "未得到证明：{reason}。"),
    "order_cancelled": (
        "Cancelled, so it counts for nothing. If it was driven, have your fleet enter it again.",
        "运单已取消，不计入。如实际已运，请车队重新录入。",
    ),
    "rest": (
        "Driving and standing that belong to no order",
        "不属于任何运单的行驶和停车",
    ),
    "together": ("Together", "合计"),
    "nothing_far": (
        "Earned nothing: the way to the load was {own} km, {usual} km are usual. Look for a load"
        " nearer by.",
        "未产生收益：去装货空驶 {own} 公里，通常 {usual} 公里。请就近找货。",
    ),
    "nothing_light": (
        "Earned nothing: {cargo} t are less than the usual {usual} t. Take more cargo, or a second"
        " load on the way.",
        "未产生收益：{cargo} 吨低于通常的 {usual} 吨。请多装，或顺路再配一票货。",
    ),
    "nothing_burnt": (
        "Earned nothing: more diesel was burnt for it than is usual. Avoid detours and standing"
        " with the engine on.",
        "未产生收益：耗油高于通常水平。请避免绕行和怠速。",
    ),
    "nothing_month": (
        "The month earned nothing: the lower end of the saving is not above zero, or earlier months"
        " of the year have to be made good first.",
        "本月未产生收益：节油量区间下限不高于零，或需先补足本年之前的月份。",
    ),
    "correction": (
        "{day}: corrected from {before} kg to {after} kg CO₂. Why: {why}.",
        "{day}：由 {before} 千克更正为 {after} 千克 CO₂。原因：{why}。",
    ),
    "corrections_none": ("None.", "无。"),
    "edition": (
        "Methodology {label}, closed {at}, run {run}.",
        "方法学 {label}，结账 {at}，批次 {run}。",
    ),
    "baseline": (
        "Compared with: {name}, from {since}.",
        "对比基准：{name}，自{since}。",
    ),
    "baseline_none": ("There is nothing to compare with.", "没有可比的基准。"),
    "fuel": ("Diesel is known by {rung}.", "油耗依据：{rung}。"),
    "coverage": (
        "Positions cover {share} of the driving time.",
        "定位覆盖行驶时间的 {share}。",
    ),
    "price": ("at {price} a {unit} ({series})", "单价 {price}/{unit}（{series}）"),
    "formula": ("formula {formula} of the methodology", "方法学公式 {formula}"),
    "price_none": ("no price is set", "未设定价格"),
    "unit_l": ("litre", "升"),
    "unit_t": ("tonne", "吨"),
    "two_trucks": (
        "Figures of several trucks are added; their intervals as if they erred alike.",
        "多辆车的数字相加；其区间按误差同向合并。",
    ),
    "verify_page": (
        "Scan the code: it leads to the page that checks this statement; give the PDF there.",
        "扫码进入核验页面，上传本 PDF 即可核验。",
    ),
    "verify_digest": (
        "The code holds the digest of the signed statement.",
        "二维码为签名对账单的摘要。",
    ),
    "verify_how": (
        "The PDF holds the signed statement as statement.json; anybody can check it offline: give"
        " the PDF or statement.json to the command fleet-carbon verify.",
        "PDF 内附签名对账单 statement.json，"
        "任何人可用命令 fleet-carbon verify 离线核验该 PDF 或 statement.json。",
    ),
    "digest": ("SHA-256 of statement.json: {digest}", "statement.json 的 SHA-256：{digest}"),
    "chart_parts": (
        "Waterfall: {less_empty} l by less empty running, {higher_load} l by higher loads,"
        " {efficiency} l by efficiency, {saved} l together.",
        "瀑布图：空驶减少 {less_empty} 升，载重提高 {higher_load} 升，能效 {efficiency} 升，合计"
        " {saved} 升。",
    ),
    "chart_months": (
        "Bars: kg CO₂ credited by month: {list}.",
        "柱状图：各月入账千克 CO₂：{list}。",
    ),
    "month_without_data": (
        "There is no account of this driver in this month: no drive is known under this name. If"
        " there was one, the fleet can send its positions, orders and assignments and close the"
        " month again.",
        "该司机本月没有账户：没有以其名义的行驶记录。"
        "如本月确有行驶，请车队补传定位、运单和派车记录后重新结账。",
    ),
    "dispute_open": (
        "{day}, {what}: “{text}” Not answered yet.",
        "{day}，{what}：“{text}”尚未答复。",
    ),
    "dispute_answered": (
        "{day}, {what}: “{text}” {outcome} on {answered}: “{answer}”",
        "{day}，{what}：“{text}”{answered} {outcome}：“{answer}”",
    ),
    "dispute_month": ("the whole month", "全月"),
    "dispute_order": ("order {order}", "运单 {order}"),
    "dispute_leg": ("the drive from {at}", "{at} 出发的行程"),
    "dispute_how": (
        "Something wrong with a trip? Tell your fleet manager; what you say and the answer stay on"
        " record here.",
        "行程有误？请告知车队管理员；您的申诉和答复都会留在此处。",
    ),
}

OUTCOMES: dict[str, Pair] = {
    "accepted": ("Accepted", "已采纳"),
    "declined": ("Declined", "未采纳"),
    "noted": ("Noted", "已记录"),
}

TIPS: dict[str, Pair] = {
    "missing_positions": (
        "Positions cover only {share} of your driving. Keep the phone or the device on: what is not"
        " seen counts as empty.",
        "定位只覆盖了行驶时间的 {share}。请保持设备开机：看不到的里程按空驶计。",
    ),
    "unproven_orders": (
        "{count} of {all} orders are not proven. Check places and times of these orders with your"
        " fleet; once proven they count.",
        "{all} 张运单中有 {count} 张未得到证明。请与车队核对地点和时间，证明后即可计入。",
    ),
    "unknown_km": (
        "{km} km are neither proven loaded nor empty and count as empty. Have every load entered as"
        " an order.",
        "有 {km} 公里无法证明载货，按空驶计。请把每票货都录入运单。",
    ),
    "longest_approach": (
        "Your longest empty way to a load was {km} km (order {order}), about {litres} l. A load"
        " nearer by saves most.",
        "最长的一次空驶装货为 {km} 公里（运单 {order}），约耗油 {litres} 升。就近找货最省油。",
    ),
    "idling": (
        "The engine ran {hours} h while standing, about {litres} l. Switch it off at longer stops.",
        "停车时发动机运转 {hours} 小时，约耗油 {litres} 升。长时间停车请熄火。",
    ),
    "light_loads": (
        "When loaded you carried {own} of what is allowed, {usual} are usual. Fuller loads save"
        " most.",
        "载货时吨位利用率为 {own}，通常为 {usual}。多装最省油。",
    ),
    "longest_approach_km": (
        "Your longest empty way to a load was {km} km (order {order}). A load nearer by saves"
        " most.",
        "最长的一次空驶装货为 {km} 公里（运单 {order}）。就近找货最省油。",
    ),
    "go_on": (
        "No single thing stands out this month. Go on like this.",
        "本月没有特别需要改进之处。请继续保持。",
    ),
}
