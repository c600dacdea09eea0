"""The log of a batch, in words a steward can read."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from gongshu.catalog.messages import explain
from gongshu.catalog.wording import listed
from gongshu.journal import clock

from .models import Batch, BatchNote

TEXTS: dict[str, str] = {
    "queued": noop("已排队，等待归集程序领取。"),
    "started": noop("开始读取 %(source)s 的表 %(table)s，共 %(columns)s 个信息项。"),
    "resumed": noop("归集程序曾中断，现从头继续本批次（第 %(attempt)s 次）；中断前的部分不会重复入库。"),
    "staged": noop("已读取 %(rows)s 行，正在核对并入库。"),
    "committed": noop("已入库：源端 %(source_rows)s 行，平台 %(rows)s 行，用时 %(seconds)s 秒。"),
    "widened": noop("这些信息项的内容与源端声明的类型不符，按文本保存：%(columns)s。"),
    "drift": noop("源表结构与目录不一致：%(changes)s。请核实，必要时办理目录变更。"),
    "cancel_requested": noop("%(by)s 要求取消。"),
    "cancelled": noop("已取消，平台数据未变。"),
    "lake": noop("平台存储出错：%(detail)s。平台数据未变，请通知系统管理员。"),
    "internal": noop("归集程序多次出错后停止，平台数据未变。请把批次号告知系统管理员。"),
}


def note(batch: Batch, code: str, **facts: Any) -> None:
    """Add a line to a batch's log."""
    BatchNote.objects.create(batch=batch, at=clock.now(), code=code, facts=facts)


def note_text(line: BatchNote) -> str:
    """A line in the reader's language."""
    return text(line.code, line.facts)


def text(code: str, facts: dict[str, Any]) -> str:
    """A log or error code in the reader's language; codes of the engine have the catalog's messages."""
    if code not in TEXTS:
        return explain(code, facts)
    told = {k: listed(v) if isinstance(v, list) else v for k, v in facts.items()}
    return _(TEXTS[code]) % told
