"""The words of the pages in English and Chinese; a test holds them against the templates."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "product": ("Fleet Carbon", "车队碳账户"),
    "skip": ("To the content", "跳到正文"),
    "nav": ("Pages", "页面"),
    "theme": ("Light or dark", "明暗切换"),
    "foot": (
        "Every gram is provable from order and trace, and credited at a lower bound.",
        "每一克都可由运单与轨迹证明，并按下限入账。",
    ),
    "what_is": ("What is", "说明："),
    "source": ("Source", "来源"),
    "as_table": ("As a table", "查看表格"),
    "to_start": ("To the start page", "返回首页"),
    "request_id": ("If you ask for help, name", "求助时请提供编号"),
    # signing in
    "sign_in": ("Sign in", "登录"),
    "sign_out": ("Sign out", "退出"),
    "sign_on": ("Sign in with your company account", "使用企业账号登录"),
    "fleet": ("Fleet", "车队"),
    "user_name": ("User name", "用户名"),
    "password": ("Password", "密码"),
    "sign_in_refused": ("User name or password is wrong.", "用户名或密码错误。"),
    # what went wrong
    "refused": ("This cannot be done", "无法完成"),
    "not_found": ("There is no such page", "没有这个页面"),
    "not_found_hint": (
        "Check the address, or begin at the start page.",
        "请检查地址，或从首页开始。",
    ),
    "not_allowed": ("You may not see this", "您无权查看此页"),
    "not_allowed_hint": (
        "Ask an administrator of your fleet for a role that may.",
        "请向车队管理员申请相应权限。",
    ),
    "too_many": ("Too many requests", "请求过于频繁"),
    "too_many_hint": ("Wait a moment, then try again.", "请稍候再试。"),
    "broken": ("Something went wrong on our side", "系统出错"),
    "broken_hint": (
        "Nothing you sent was lost. Try again in a moment.",
        "您提交的内容没有丢失，请稍后再试。",
    ),
    # pages
    "page_overview": ("Overview", "总览"),
    "page_drivers": ("Drivers", "司机"),
    "page_vehicles": ("Trucks", "车辆"),
    "page_lanes": ("Lanes", "线路"),
    "page_map": ("Map", "地图"),
    "page_files": ("Files", "数据"),
    "page_months": ("Months", "月份"),
    "page_reports": ("Reports", "报告"),
    "page_disputes": ("Disputes", "申诉"),
    "page_prices": ("Prices", "价格"),
    "page_users": ("Users", "用户"),
    "page_verify": ("Verify", "核验"),
    "page_ledger": ("Ledger", "账本"),
    "page_trail": ("Audit log", "操作记录"),
    "page_statement": ("Statement", "对账单"),
}
