"""The words of the pages in English and Chinese; a test holds them against the templates."""

from __future__ import annotations

from fleet_carbon.web.pages.baseline_words import BASELINE_WORDS
from fleet_carbon.web.pages.desk_words import DESK_WORDS
from fleet_carbon.web.pages.drill_words import DRILL_WORDS
from fleet_carbon.web.pages.file_words import FILE_WORDS
from fleet_carbon.web.pages.fleet_words import FLEET_WORDS
from fleet_carbon.web.pages.inventory_words import INVENTORY_WORDS
from fleet_carbon.web.pages.meaning_words import MEANING_WORDS

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
    "sign_in_must_wait": (
        "Too many sign-ins by this name failed. Try again in {seconds} s.",
        "该用户名登录失败次数过多，请在 {seconds} 秒后重试。",
    ),
    "sign_on_refused": (
        "The sign-in with your company account was not completed.",
        "企业账号登录未完成。",
    ),
    "sign_on_refused_hint": ("Begin again at the sign-in page.", "请回到登录页重新登录。"),
    "sign_on_unknown": (
        "Your company account is in order, but no user here belongs to it.",
        "企业账号验证通过，但本系统中没有与其对应的用户。",
    ),
    "sign_on_unknown_hint": (
        "Ask an administrator of your fleet to make you a user by your verified e-mail address.",
        "请联系车队管理员，用您已验证的邮箱地址为您开通用户。",
    ),
    "sign_on_unavailable": (
        "The sign-in of your company does not answer as it should.",
        "企业账号登录服务暂时无法正常响应。",
    ),
    "sign_on_unavailable_hint": (
        "Try again in a moment, or sign in with a password.",
        "请稍后重试，或使用密码登录。",
    ),
    # statements
    "statements": ("Monthly statements", "月度对账单"),
    "month": ("Month", "月份"),
    "driver": ("Driver", "司机"),
    "show": ("Show", "查看"),
    "no_month_closed": (
        "No month has been closed yet. Statements appear here after the first month-end close.",
        "还没有月结的月份。首次月结后，对账单会显示在这里。",
    ),
    "no_month_closed_own": (
        "No month has been closed yet. Your statement appears here after the first close by your"
        " fleet manager. Until then keep the phone or the device on while you drive.",
        "还没有月结的月份。车队管理员首次月结后，您的对账单会显示在这里。此前行车时请保持手机或设备开启。",
    ),
    "look_again": ("Look again", "刷新"),
    "no_month_on_map": (
        "No month has been closed yet. Traces are drawn after the first close: send trucks,"
        " positions and orders, then close the month.",
        "还没有月结的月份。首次月结后才能绘制轨迹：请先上传车辆、轨迹和运单，再进行月结。",
    ),
    "no_statement": (
        "Nobody has an account in this month. Send orders and positions, then close it again.",
        "本月没有司机账户。请补传运单与轨迹后重新月结。",
    ),
    "zip_title": ("All statements as one file", "全部对账单打包下载"),
    "zip_about": (
        "The PDF of every driver with an account in this month, in the language of this page, as"
        " one ZIP.",
        "将本月所有有账户司机的对账单（PDF，当前页面语言）打包为一个 ZIP 文件。",
    ),
    "zip_make": ("Make the ZIP", "生成 ZIP"),
    "zip_again": ("Make it again", "重新生成"),
    "zip_progress": ("{done} of {total} statements", "已生成 {done} / {total} 份对账单"),
    "zip_fetch": ("Download the ZIP, {size} MB", "下载 ZIP（{size} MB）"),
    "zip_holds": (
        "Statements: {count}. Made {moment}, kept until {until}.",
        "共 {count} 份对账单，生成于 {moment}，保留至 {until}。",
    ),
    "zip_old": (
        "The month was closed again since. These are the statements of the close before.",
        "该月此后已重新结账，此文件仍为上次结账的对账单。",
    ),
    "zip_refused": (
        "Not in it, for they cannot be proven: {count}",
        "因无法证明而未包含：{count} 份",
    ),
    "evidence": ("Evidence", "证据链"),
    "evidence_of": ("Evidence of {driver}, {month}", "{driver} {month} 的证据链"),
    "evidence_how": (
        "Each step says what was counted and where it is from, down to the files received.",
        "每一步都说明依据与来源，直至收到的原始文件。",
    ),
    "recounted_well": ("Recounted: every sum holds.", "复算一致：所有合计均成立。"),
    "recounted_badly": ("Recounted: a sum does not hold.", "复算不一致：有合计不成立。"),
    "sources": ("Sources", "来源"),
    "signed_json": ("Signed JSON", "签名 JSON"),
    "explanation_json": ("Evidence chain as JSON", "证据链 JSON"),
    "kind": ("Kind", "类别"),
    "digest": ("Digest", "摘要"),
    # disputes
    "dispute_raise": ("Dispute a trip", "行程申诉"),
    "dispute_about": ("What it is about", "申诉对象"),
    "dispute_whole_month": ("the whole month", "整月"),
    "dispute_text": ("What is wrong", "问题说明"),
    "dispute_text_how": (
        "Say in a few sentences what is wrong. Your manager answers, and both stay on record.",
        "请用几句话说明问题。车队经理会答复，双方内容均留存在案。",
    ),
    "dispute_send": ("Send", "提交申诉"),
    "mail_own": ("By mail", "邮件对账单"),
    "mail_offered": (
        "Your statement can be sent to {address} as a PDF whenever a month is closed.",
        "每次月结后，可将您的对账单以 PDF 发送到 {address}。",
    ),
    "mail_sent": (
        "Your statement is sent to {address} as a PDF whenever a month is closed.",
        "每次月结后，您的对账单会以 PDF 发送到 {address}。",
    ),
    "mail_start": ("Send it to me", "发送给我"),
    "mail_stop": ("Send no more", "停止发送"),
    "disputes_own": ("Your disputes", "我的申诉"),
    "disputes_open": ("Open", "待答复"),
    "disputes_answered": ("Answered", "已答复"),
    "disputes_none": (
        "Nothing is disputed. When a driver disputes a trip, it appears here.",
        "暂无申诉。司机提交申诉后会显示在这里。",
    ),
    "disputes_none_open": ("No dispute waits for an answer.", "没有待答复的申诉。"),
    "outcome": ("Outcome", "结果"),
    "outcome_": ("waits for an answer", "待答复"),
    "outcome_accepted": ("accepted", "同意"),
    "outcome_declined": ("declined", "不同意"),
    "outcome_noted": ("noted", "已记录"),
    "answer": ("Answer", "答复"),
    "answer_send": ("Answer", "提交答复"),
    "answer_again": ("Answer again", "再次答复"),
    "answer_how": (
        "An accepted dispute changes no figure by itself: correct the records, then close the"
        " month again.",
        "同意申诉本身不会改动数据：请更正记录后重新月结。",
    ),
    "order": ("Order", "运单"),
    # the map
    "vehicle": ("Truck", "车辆"),
    "map_of": ("The way of {vehicle}, {month}", "{vehicle} {month} 行驶轨迹"),
    "map_nothing": (
        "No truck drove in this month. Send positions, then close the month again.",
        "本月没有车辆行驶。请上传轨迹后重新月结。",
    ),
    "map_absent": (
        "In this browser the map is a picture that cannot be moved (WebGL is missing). The list"
        " tells every leg.",
        "此浏览器缺少 WebGL，地图只能以静态图显示。列表中有全部行程。",
    ),
    "map_failed": (
        "The map could not be loaded and is a picture that cannot be moved. The list tells every"
        " leg; reload the page to try again.",
        "地图加载失败，只能以静态图显示。列表中有全部行程；请刷新页面重试。",
    ),
    "state_loaded": ("Loaded", "重载"),
    "state_empty": ("Empty", "空驶"),
    "state_unknown": ("Unknown", "未知"),
    "legend": ("Legend", "图例"),
    "legend_stop": ("Stop", "停车"),
    "legend_gap": ("Gap in the trace", "轨迹缺口"),
    "stopped_from": ("Stopped from {from_at}", "{from_at} 停车"),
    "legs": ("Legs", "行程"),
    "replay": ("Replay", "回放"),
    "replay_time": ("Moment", "时刻"),
    "pause": ("Pause", "暂停"),
    "show_on_map": ("Show on the map", "在地图上查看"),
    "payload": ("Cargo", "载重"),
    "diesel": ("Diesel", "柴油"),
    "distance": ("Distance", "里程"),
    "imputed": ("of it in gaps", "其中缺口里程"),
    "standing": ("Standing", "停留"),
    "orders_aboard": ("Orders", "运单"),
    "reason": ("Reason", "原因"),
    "none": ("none", "无"),
    # verifying
    "verify_title": ("Verify a statement", "核验对账单"),
    "verify_how": (
        "Give the PDF of a statement as it was handed out, or the signed JSON of a statement or"
        " certificate. What you give is checked and not kept.",
        "请提供对账单的 PDF 原文件，或对账单、证书的签名 JSON。内容仅用于核验，不会保存。",
    ),
    "verify_file": ("File", "文件"),
    "verify_paste": ("or paste its text", "或粘贴内容"),
    "verify_key": ("Key of the operator, if you know it", "运营方密钥编号（如已知）"),
    "verify_do": ("Verify", "核验"),
    "verify_ok": ("Proven", "核验通过"),
    "verify_bad": ("Not proven", "未通过核验"),
    "verify_digest": ("SHA-256 of the code", "二维码中的 SHA-256"),
    "verify_digest_same": (
        "It is the very statement that the code names.",
        "与二维码所指的对账单完全一致。",
    ),
    "verify_digest_other": (
        "It is not the statement that the code names.",
        "与二维码所指的对账单不一致。",
    ),
    "verify_nothing": ("Choose a file or paste its text.", "请选择文件或粘贴内容。"),
    "verify_no_json": (
        "This is neither a PDF with a signed statement in it nor signed JSON. Give the PDF as it"
        " was handed out: what was printed or saved anew has lost the statement.",
        "这既不是内附签名对账单的 PDF，也不是签名 JSON。"
        "请提供 PDF 原文件：打印或另存的文件不含签名对账单。",
    ),
    "verify_serial": ("Find a serial", "查询序列号"),
    "verify_serial_how": (
        "Who holds it now, and every entry that moved it.",
        "当前由谁持有，以及每一次转移。",
    ),
    "verify_sign_in": ("Sign in to ask for a serial.", "登录后可查询序列号。"),
    "serial": ("Serial", "序列号"),
    "held_by": ("Held by", "持有账户"),
    "amount": ("Amount", "数量"),
    "gram_sign": ("g", "克"),
    "moved_by": ("Entries that moved it", "转移记录"),
    "entry": ("Entry", "分录"),
    "act": ("Act", "操作"),
    "zoom_in": ("Closer", "放大"),
    "zoom_out": ("Farther", "缩小"),
    "metres": ("m", "米"),
    # what went wrong
    "told_in_english": ("This was not done:", "程序没有完成这一操作，原因（英文）如下："),
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
    "unavailable": ("The service cannot answer right now", "服务暂时不可用"),
    "unavailable_hint": (
        "Nothing was changed. Please try again in a minute.",
        "没有任何更改，请过一分钟再试。",
    ),
    "too_large": ("What you sent is too large", "您提交的内容过大"),
    "too_large_hint": (
        "Nothing of it was kept. Send it in several parts.",
        "没有保留任何内容，请分成几部分提交。",
    ),
    "not_understood": ("What you sent could not be read", "无法读取您提交的内容"),
    "not_understood_hint": (
        "Nothing was changed. Go back, load the page anew and try again.",
        "没有任何更改，请返回并刷新页面后重试。",
    ),
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
    **FLEET_WORDS,
    **INVENTORY_WORDS,
    **DESK_WORDS,
    **DRILL_WORDS,
    **FILE_WORDS,
    **BASELINE_WORDS,
    **MEANING_WORDS,
}
