"""The words of the administrator's pages, and of choosing a password, in English and Chinese."""

from __future__ import annotations

DESK_WORDS: dict[str, tuple[str, str]] = {
    "page_keys": ("Keys", "密钥"),
    "users_about": (
        "Who may sign in, and as what. A new user gets a link and chooses a password; nobody else"
        " ever knows it.",
        "谁可以登录、以何种角色登录。新用户通过链接自行设置密码，其他人无从得知。",
    ),
    "keys_about": (
        "Keys let programs in, such as a transport system or a GPS gateway. Give each program its"
        " own key, with no more rights than it needs.",
        "密钥供程序使用，例如运输管理系统或定位网关。请为每个程序单独建立密钥，只给必要的权限。",
    ),
    "role": ("Role", "角色"),
    "role_admin": ("Administrator", "管理员"),
    "role_manager": ("Manager", "经理"),
    "role_dispatcher": ("Dispatcher", "调度员"),
    "role_auditor": ("Auditor", "审计员"),
    "role_driver": ("Driver", "司机"),
    "role_admin_about": ("may do everything", "可执行所有操作"),
    "role_manager_about": (
        "reads all, sends data, closes months, sets prices, sells",
        "查看全部、上传数据、月份结账、登记价格、出售",
    ),
    "role_dispatcher_about": ("reads all, sends data", "查看全部、上传数据"),
    "role_auditor_about": ("reads all, and the audit log", "查看全部及操作记录"),
    "role_driver_about": ("sees the own statement only", "仅查看本人对账单"),
    "role_customer": ("Customer", "客户"),
    "role_customer_about": ("fetches the own footprints", "获取本客户运单的碳足迹"),
    "shipper_of_role": (
        "Customer, as orders name it (for the role customer)",
        "客户编号，与运单一致（角色为客户时填写）",
    ),
    "driver_of_role": ("Driver (for the role driver)", "司机（角色为司机时填写）"),
    "driver_not_on_record": (
        "No driver {driver} is on record yet. Check the identifier, or send the drivers.",
        "尚无司机 {driver} 的登记。请核对编号，或上传司机数据。",
    ),
    "user": ("User", "用户"),
    "since": ("Since", "建立时间"),
    "you": ("you", "您本人"),
    "user_active": ("May sign in", "可登录"),
    "user_invited": ("Has no password yet", "尚未设置密码"),
    "user_ended": ("Deactivated", "已停用"),
    "new_user": ("New user", "新增用户"),
    "login_how": (
        "An e-mail address, telephone number or short name, without spaces.",
        "电子邮箱、手机号或简短名称，不含空格。",
    ),
    "create_user": ("Create and make a link", "新增并生成链接"),
    "change_role": ("Change role", "更改角色"),
    "save": ("Save", "保存"),
    "role_changed": ("The role was changed. Before: {role}.", "角色已更改。原角色：{role}。"),
    "undo": ("Undo", "撤销"),
    "password_link": ("Password", "密码"),
    "password_link_about": (
        "Make a link by which this user chooses a new password. The password before stays until"
        " that is done; then all sessions end.",
        "生成链接，由该用户自行设置新密码。设置完成前原密码仍有效，完成后其所有会话结束。",
    ),
    "make_link": ("Make a link", "生成链接"),
    "link_made": ("Give this link to {login}", "请将此链接交给 {login}"),
    "link_once": (
        "It is shown this once, works once, and ends {moment}.",
        "链接仅显示一次、仅可使用一次，有效期至 {moment}。",
    ),
    "copy": ("Copy", "复制"),
    "copied": ("Copied", "已复制"),
    "deactivate": ("Deactivate", "停用"),
    "deactivate_about": (
        "{login} can sign in no more and every session ends. What was done stays on record. You can"
        " take it back.",
        "{login} 将无法登录，所有会话立即结束；其操作记录保留。之后可以恢复。",
    ),
    "deactivate_self": (
        "This is you: you will be signed out at once.",
        "这是您本人的账号，停用后您将立即退出。",
    ),
    "deactivate_sure": ("Yes, deactivate", "确认停用"),
    "was_deactivated": (
        "Deactivated {moment}. Restore the user, then make a link to a new password.",
        "已于 {moment} 停用。可先恢复，再生成设置密码的链接。",
    ),
    "restore": ("Restore", "恢复"),
    # refusals, by their codes
    "refused_admin_is_last": (
        "This is the last administrator who can sign in. Make another administrator first, who has"
        " chosen a password.",
        "这是最后一位可登录的管理员。请先新增另一位管理员并由其设置好密码。",
    ),
    "refused_login_taken": (
        "There is a user of this name already, perhaps a deactivated one. Restore that one, or"
        " choose another name.",
        "该用户名已存在（可能已停用）。请恢复该用户，或换一个用户名。",
    ),
    "refused_login_malformed": (
        "A user name has 1 to 200 characters and no spaces.",
        "用户名为 1 至 200 个字符，不含空格。",
    ),
    "refused_user_driver_needed": (
        "The role driver needs the identifier of the driver; no other role has one.",
        "角色为司机时须填写司机编号，其他角色不填。",
    ),
    "refused_key_driver_needed": (
        "The role driver needs the identifier of the driver; no other role has one.",
        "角色为司机时须填写司机编号，其他角色不填。",
    ),
    "refused_user_ended": (
        "This user is deactivated. Restore it first.",
        "该用户已停用，请先恢复。",
    ),
    "refused_key_name_malformed": (
        "Give the key a name of 1 to 100 characters, such as the program that uses it.",
        "请填写 1 至 100 个字符的名称，例如使用该密钥的程序。",
    ),
    "refused_key_days_malformed": (
        "A key is valid for 1 to 3,650 days, or without end.",
        "有效期为 1 至 3650 天，或不限期。",
    ),
    "refused_scope_too_wide": (
        "A right that you chose is not one of the role. Choose another role, or fewer rights.",
        "所选权限超出该角色。请更换角色或减少权限。",
    ),
    "refused_password_too_short": (
        "The password is too short: {length} characters at least.",
        "密码过短，至少 {length} 个字符。",
    ),
    "refused_password_too_long": (
        "The password is too long: 256 characters at most.",
        "密码过长，最多 256 个字符。",
    ),
    "refused_password_is_login": (
        "The password is the user name, or one character again and again. Choose another.",
        "密码与用户名相同或为重复字符，请更换。",
    ),
    # choosing a password
    "welcome": ("Choose your password", "设置密码"),
    "welcome_how": (
        "{length} characters or more; several words are easy to remember.",
        "至少 {length} 个字符，可用几个词组成，便于记忆。",
    ),
    "welcome_do": ("Save and sign in", "保存并登录"),
    "welcome_over": (
        "This link was used already, or its time is over. Ask your administrator for a new one.",
        "此链接已使用或已过期，请向管理员索取新链接。",
    ),
    # keys
    "key": ("Key", "密钥"),
    "new_key": ("New key", "新增密钥"),
    "key_name": ("Name", "名称"),
    "key_name_how": (
        "The program that uses it, such as TMS.",
        "使用该密钥的程序，例如运输管理系统。",
    ),
    "key_valid": ("Valid for", "有效期"),
    "comma": (", ", "、"),
    "days_of_key": ("{count} days", "{count} 天"),
    "without_end": ("without end", "不限期"),
    "key_only": (
        "Only these rights (none chosen: all of the role)",
        "仅限以下权限（不选则为角色的全部权限）",
    ),
    "create_key": ("Create key", "新增密钥"),
    "key_made": ("The secret of {key}", "{key} 的密钥"),
    "key_once": (
        "It is shown this once. Put it into the program now; nobody can show it again.",
        "密钥仅显示这一次，请立即填入程序，之后无法再次查看。",
    ),
    "key_until": ("Until", "有效期至"),
    "key_is_valid": ("Valid", "有效"),
    "key_is_ended": ("Revoked", "已吊销"),
    "key_is_expired": ("Expired", "已过期"),
    "no_keys": ("There are no keys yet.", "尚无密钥。"),
    "revoke": ("Revoke", "吊销"),
    "revoke_about": (
        "The program that uses {key} is let in no more, within seconds. This cannot be taken"
        " back; make a new key if it was a mistake.",
        "使用 {key} 的程序将在数秒内被拒绝。此操作无法撤销；如有误，请新增密钥。",
    ),
    "revoke_sure": ("Yes, revoke", "确认吊销"),
    "deed_read_own": ("read the own account", "查看本人账户"),
    "deed_read": ("read the fleet", "查看车队"),
    "deed_send": ("send data", "上传数据"),
    "deed_close": ("close months", "月份结账"),
    "deed_price": ("set prices", "登记价格"),
    "deed_sell": ("sell and pay out", "出售与支付"),
    "deed_persons": ("see names and telephone numbers", "查看姓名和电话"),
    "deed_webhooks": ("administer webhooks", "管理 Webhook"),
    "deed_keys": ("administer keys", "管理密钥"),
    "deed_users": ("administer users", "管理用户"),
    "deed_erase": ("erase persons", "删除个人信息"),
    "deed_audit": ("read the audit log", "查看操作记录"),
    "deed_exchange": ("fetch footprints (iLEAP, PACT)", "获取碳足迹（iLEAP、PACT）"),
}
