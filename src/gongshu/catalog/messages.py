"""What went wrong at a source, in words that say what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from gongshu.engine.source import SourceError
from gongshu.kernel.errors import Refused

from .wording import listed

MESSAGES: dict[str, str] = {
    "host_unknown": noop(
        "找不到主机“%(host)s”。请核对主机名有无写错；如用域名，请确认平台所在网络能解析，或改填 IP 地址。"
    ),
    "refused": noop(
        "主机 %(host)s 的 %(port)s 端口没有数据库在监听。请核对端口，并确认数据库已启动、允许远程连接。"
    ),
    "timeout": noop(
        "连接 %(host)s:%(port)s 在 %(seconds)s 秒内没有回应。请检查网络是否连通，防火墙是否放行平台地址。"
    ),
    "not_that_server": noop("%(host)s:%(port)s 有服务在运行，但不是所选类型的数据库。请核对类型和端口。"),
    "auth_failed": noop(
        "用户名或密码不对（用户 %(user)s）。请核对后重新填写；若账号已锁定，请联系数据库管理员。"
    ),
    "not_admitted": noop(
        "数据库 %(database)s 不允许用户 %(user)s 从平台地址连接。"
        "请数据库管理员在访问控制（如 pg_hba.conf）中放行平台地址。"
    ),
    "too_many_connections": noop("数据库 %(host)s 的连接数已满。请稍后重试，或请数据库管理员提高连接上限。"),
    "database_missing": noop("服务器上没有名为“%(database)s”的数据库。请核对数据库名，注意大小写。"),
    "permission_denied": noop(
        "用户 %(user)s 没有读取 %(table)s 的权限。请数据库管理员授予只读（SELECT）权限后重试。"
    ),
    "table_missing": noop(
        "找不到表“%(table)s”。它可能已改名或删除，请重新选择；如确已变化，请办理目录变更。"
    ),
    "column_missing": noop(
        "表“%(table)s”中已没有这些字段：%(columns)s。请与系统建设方核实；如结构确已变化，请办理目录变更。"
    ),
    "column_clash": noop(
        "表“%(table)s”有名称相同（仅大小写不同）或没有名称的字段：%(columns)s。请在源端改名后重试。"
    ),
    "file_missing": noop("找不到文件“%(path)s”。请确认文件已放入本单位的数据目录，路径和扩展名无误。"),
    "file_outside": noop("文件“%(path)s”不在本单位的数据目录内。只能读取本单位数据目录下的文件。"),
    "bad_encoding": noop("文件“%(path)s”的文字编码无法识别。请另存为 UTF-8 或 GB18030 后重试。"),
    "bad_csv": noop("文件“%(path)s”不是规范的 CSV：%(detail)s。请按提示的行更正后重试。"),
    "not_a_workbook": noop("文件“%(path)s”不是 Excel 工作簿。请用 Excel 另存为 .xlsx 后重试。"),
    "not_a_database": noop("文件“%(path)s”不是 SQLite 数据库。请核对文件。"),
    "bad_value": noop("表“%(table)s”中有值放不进字段的类型：%(detail)s。请在源端更正后重试。"),
    "server_gone": noop(
        "读取过程中与数据源 %(host)s 的连接中断。已读部分作废，平台数据未变；请检查数据库和网络后重试。"
    ),
    "cancelled": noop("已按要求停止，平台数据未变。"),
    "failed": noop("读取数据源时出错：%(detail)s。请把这段文字提供给系统管理员。"),
}
"""One message for each code of `gongshu.engine.source.CODES`."""

FIELD: dict[str, str] = {
    "host_unknown": "host",
    "refused": "port",
    "timeout": "host",
    "not_that_server": "kind",
    "auth_failed": "password",
    "database_missing": "database",
    "file_missing": "path",
    "file_outside": "path",
    "bad_encoding": "path",
    "bad_csv": "path",
    "not_a_workbook": "path",
    "not_a_database": "path",
    "not_admitted": "user",
    "permission_denied": "user",
}
"""The input of the connection form at which a message belongs."""


class _Facts(dict[str, Any]):
    """Facts for a message; one that the engine could not tell reads "？"."""

    def __missing__(self, key: str) -> str:
        return "？"


def facts_of(error: SourceError) -> dict[str, Any]:
    """What of an error is kept and shown: its facts and the server's own words, as JSON values, never a password."""
    told: dict[str, Any] = {"detail": error.detail} if error.detail else {}
    for key, value in error.facts.items():
        told[key] = list(value) if isinstance(value, list | tuple) else value
    return told


def explain(code: str, facts: dict[str, Any]) -> str:
    """The message for a code of the engine, in the reader's language."""
    plain = {k: listed(v) if isinstance(v, list) else v for k, v in facts.items() if v not in ("", None)}
    return _(MESSAGES.get(code, MESSAGES["failed"])) % _Facts(plain)


def refused(error: SourceError) -> Refused:
    """A source's error as a refusal, at the field it belongs to."""
    return Refused(
        explain(error.code, facts_of(error)), field=FIELD.get(error.code), code=f"source_{error.code}"
    )
