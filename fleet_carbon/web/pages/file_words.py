"""The words of files that are sent, in English and Chinese."""

from __future__ import annotations

FILE_WORDS: dict[str, tuple[str, str]] = {
    "file": ("File", "文件"),
    "files": ("Files", "文件"),
    "file_needed": (
        "Choose files, and say what they hold where their names do not tell.",
        "请选择文件；若文件名未注明内容，请选择类型。",
    ),
    "file_hint": (
        "CSV, XLSX, Parquet or JSON lines, up to {megabytes} MB each; text may be packed with gzip."
        " Sound rows are taken, others are named; sending a file twice changes nothing.",
        "支持 CSV、XLSX、Parquet 或 JSON 行，每个文件不超过 {megabytes} MB，文本可用 gzip 压缩。"
        "正确的行会入库，其余逐行说明；重复上传不会产生变化。",
    ),
    "drop_here": ("Drop files here, or choose them", "将文件拖放到此处，或点击选择"),
    "send_file": ("Send", "上传"),
    "kind_of_rows": ("What they hold", "内容"),
    "kind_by_name": ("as the name of the file tells", "按文件名判断"),
    "kind_vehicles": ("Trucks", "车辆"),
    "kind_drivers": ("Drivers", "司机"),
    "kind_assignments": ("Who drives what", "人车关系"),
    "kind_orders": ("Orders", "运单"),
    "kind_positions": ("Positions", "定位"),
    "kind_energy": ("Fuel receipts", "加油记录"),
    "kind_baselines": ("Baselines", "基准"),
    "coordinates": ("Coordinates", "坐标系"),
    "dialect": ("Written by", "来源系统"),
    "dialect_network_freight": (
        "网络货运电子运单, the waybill of China's network freight platforms",
        "网络货运电子运单",
    ),
    "dialect_fuel_card": ("fuel cards, pumps and charging", "加油卡、加油站和充电"),
    "dialect_ocpi": ("OCPI, charge detail records", "OCPI 充电记录"),
    "dialect_motive": ("Motive, metric", "Motive（公制）"),
    "dialect_motive-miles": ("Motive, miles", "Motive（英里）"),
    "dialect_samsara_stream": ("Samsara, stream of locations", "Samsara 位置数据流"),
    "dialect_none": ("a table with our columns", "按本系统列名的表格"),
    "vehicle_of_file": ("Truck, if the file names none", "车辆（文件未注明时填写）"),
    "profile_of_source": (
        "Source profile (YAML), if you have one",
        "来源配置文件（YAML，可不选）",
    ),
    "look_first": ("Look first", "先预览"),
    "preview_kept": (
        "Nothing was kept. This is how the first {count} rows would be read.",
        "尚未入库。以下是前 {count} 行将如何读取。",
    ),
    "about_the_file": ("About the file", "文件信息"),
    "taken_as": ("Taken as", "识别为"),
    "because": ("Because", "依据"),
    "our_column": ("Our column", "本系统列"),
    "their_heading": ("In the file", "文件中的列"),
    "unit_read": ("Unit", "单位"),
    "first_cell": ("First cell", "首个值"),
    "columns_not_used": ("Not used: {names}", "未使用：{names}"),
    "heading_may_be": (
        "{heading} may be {ours}. If so, say it in a source profile.",
        "“{heading}”可能是 {ours}；如果是，请在来源配置中注明。",
    ),
    "rows_as_read": ("The first rows as understood", "前几行的读取结果"),
    "would_be_refused": ("{count} of them would be refused", "其中 {count} 行将被拒绝"),
    "rows_told": (
        "{read} rows read: {accepted} taken, {duplicate} known already, {rejected} refused.",
        "共读取 {read} 行：入库 {accepted}，已有 {duplicate}，拒绝 {rejected}。",
    ),
    "columns_by_headings": (
        "Columns were known by their headings:",
        "以下列按表头识别：",
    ),
    "more_refused": ("All {count} refused rows", "查看全部 {count} 条被拒绝的行"),
    "line": ("Line", "行"),
    "column": ("Column", "列"),
    "what_is_wrong": ("What is wrong", "问题"),
    "what_to_do": ("What to do", "处理办法"),
    "in_detail": ("In detail", "详情"),
    "arrived_before": ("What arrived", "已接收"),
    "nothing_arrived": (
        "Nothing arrived yet. Begin with the trucks.",
        "尚无数据，请先上传车辆。",
    ),
    "received_at": ("Received", "接收时间"),
    "rows_accepted": ("Rows taken", "入库行数"),
    "rows_duplicate": ("Known already", "已有行数"),
    "rows_rejected": ("Rows refused", "拒绝行数"),
    "refused_rows": ("Refused rows", "被拒绝的行"),
    "no_refused_rows": ("No row was refused.", "没有被拒绝的行。"),
    "download_csv": ("Download as CSV", "下载 CSV"),
    "next_rows": ("Next rows", "后续各行"),
    "first_rows": ("First rows", "回到开头"),
    "earlier_rows": ("Earlier", "更早的"),
    "was_withdrawn": ("Taken back {moment}: {reason}", "已于 {moment} 撤回：{reason}"),
    "withdrawn": ("taken back", "已撤回"),
    "close_again": ("Close these months again", "以下月份需要重新结账"),
    "withdraw": ("Take back", "撤回"),
    "withdraw_about": (
        "What came with this file is not read any more. Nothing is deleted, closed months stay as"
        " they are until you close them again, and the file may be sent again.",
        "该文件带来的数据将不再使用。内容不会删除，已结账月份在重新结账前保持不变，文件可以再次上传。",
    ),
    "withdraw_why": ("Why (stays on record)", "原因（留存在案）"),
    "withdraw_sure": ("Yes, take back", "确认撤回"),
    # what the script says while files are sent; its names begin with up_
    "up_waiting": ("waits", "等待中"),
    "up_sending": ("sending, {share}", "正在上传 {share}"),
    "up_reading": ("reading on the server: {rows} rows", "服务器读取中：{rows} 行"),
    "up_reading_of": (
        "reading on the server: {rows} of about {about} rows",
        "服务器读取中：{rows} / 约 {about} 行",
    ),
    "up_done": (
        "{read} rows read: {accepted} taken, {duplicate} known already, {rejected} refused.",
        "共读取 {read} 行：入库 {accepted}，已有 {duplicate}，拒绝 {rejected}。",
    ),
    "up_line": ("line {line}", "第 {line} 行"),
    "up_list": ("See the refused rows and what to do", "查看被拒绝的行及处理办法"),
    "up_remove": ("Remove {file}", "移除 {file}"),
    "up_stop": ("Stop", "停止"),
    "up_stopped": ("Stopped; nothing of it was taken.", "已停止，该文件未入库。"),
    "up_kind": ("What {file} holds", "{file} 的内容"),
    "up_choose": ("Choose …", "请选择……"),
    "up_needed": ("Say what each file holds.", "请为每个文件选择内容类型。"),
    "up_too_large": (
        "Larger than {megabytes} MB. Send it in parts, or pack it.",
        "超过 {megabytes} MB，请拆分或压缩后上传。",
    ),
    "up_looking": ("being looked at", "正在预览"),
    "up_broken": (
        "The connection broke off. Send it again: what was taken already is known then.",
        "连接中断。请重新上传，已入库的行会自动识别。",
    ),
    "up_refused": ("Refused", "被拒绝"),
    "up_signed_out": (
        "You were signed out. Sign in and send it again.",
        "登录已失效，请重新登录后上传。",
    ),
    "up_all": ("{count} files done.", "{count} 个文件已处理。"),
    # a file that is refused as a whole, by code
    "file_column_missing": (
        "Columns are missing: {missing}. The file has: {found}. Rename its columns; a file needs a"
        " head line.",
        "缺少列：{missing}。文件中的列：{found}。请修改列名；文件首行须为表头。",
    ),
    "file_file_empty": ("The file is empty. Export it again.", "文件为空，请重新导出。"),
    "file_file_unreadable": (
        "The file cannot be read: it is damaged, or protected by a password. Export it again.",
        "文件无法读取，可能已损坏或有密码保护，请重新导出。",
    ),
    "file_format_unknown": (
        "This is none of the formats. Send CSV, XLSX, Parquet or JSON lines (one object a line).",
        "格式不支持。请上传 CSV、XLSX、Parquet 或 JSON 行（每行一个对象）。",
    ),
    "file_encoding_unknown": (
        "The characters cannot be read. Save the file as CSV in UTF-8.",
        "字符编码无法识别，请另存为 UTF-8 CSV。",
    ),
    "file_body_too_large": (
        "Unpacked the file is larger than a request may hold. Send it in parts.",
        "解压后超出大小限制，请拆分上传。",
    ),
}
