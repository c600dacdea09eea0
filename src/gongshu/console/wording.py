"""Words the console uses for clauses, time limits, roles and events."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from gongshu.casework import clocks
from gongshu.casework.models import Clock, ClockState
from gongshu.journal import clock as time
from gongshu.kernel.clause import Basis
from gongshu.packs import clauses, packs
from gongshu.packs.check import codes
from gongshu.packs.show import SOURCE_NAMES

from .panels import register_events

TONES = {"red": "red", "yellow": "amber", "green": "green", "paused": "grey", "met": "grey"}


def language() -> str:
    """zh or en."""
    return "en" if (get_language() or "").startswith("en") else "zh"


def article(clause_id: str) -> str:
    """How a clause is cited: 第二十四条, Art. 24; 一、（四）, Sec. 1.4."""
    clause = clauses().get(clause_id)
    if clause is None:
        return clause_id
    if language() == "zh":
        return clause.article
    annex = re.fullmatch(r"附件(\d+)", clause.article)
    if annex:
        return f"Annex {annex[1]}"
    number = re.match(r"[A-Z]+-(\d+)(\.\d+)?", clause_id)
    if number is None:
        return clause.article
    # A text without articles is cited by its sections: 一、（四） is section 1.4.
    return f"Art. {number[1]}" if clause.article.startswith("第") else f"Sec. {number[1]}{number[2] or ''}"


def clause_text(clause_id: str) -> str:
    """What a clause says, in short."""
    clause = clauses().get(clause_id)
    return (clause.zh if language() == "zh" else clause.en) if clause else ""


def pack_of_clause(clause_id: str) -> str:
    """Id of the pack a clause belongs to, or an empty text."""
    prefix = clause_id.partition("-")[0]
    return next((p.id for p in packs().values() if p.prefix == prefix), "")


def silence(source: str) -> str:
    """The sentence where the local text is silent and something else is applied."""
    zh, en = SOURCE_NAMES.get(source, (source, source))
    name = en if language() == "en" else zh
    if not name:
        return _("本地制度未规定")
    return _("本地制度未规定，按%(source)s执行") % {"source": name}


def basis_text(basis: Basis | None) -> str:
    """A ground as plain text: the articles, or the sentence of silence."""
    if basis is None:
        return ""
    if basis.clauses:
        return listed(article(c) for c in basis.clauses)
    return silence(basis.source) if basis.gap else ""


def role(name: str) -> str:
    """A body or party role: 提供单位, 主管部门, 大数据中心."""
    if name == "system":
        return _("平台")
    code = codes().get(name)
    return code.label(language()) if code else name


def listed(names: Iterable[Any]) -> str:
    """Names one after the other, each once."""
    return ("、" if language() == "zh" else ", ").join(dict.fromkeys(str(n) for n in names))


def workdays(n: int) -> str:
    """n working days, in words."""
    return ngettext("%(n)d 个工作日", "%(n)d 个工作日", n) % {"n": n}


def length(clock: Clock) -> str:
    """The length of a limit: 5 个工作日, 提前 20 个工作日, 30 日."""
    unit = {
        "wd": workdays(clock.total),
        "d": ngettext("%(n)d 日", "%(n)d 日", clock.total) % {"n": clock.total},
        "y": ngettext("%(n)d 年", "%(n)d 年", clock.total) % {"n": clock.total},
    }[clock.unit]
    return _("提前 %(length)s") % {"length": unit} if clock.direction == "before" else unit


@dataclass(frozen=True)
class Due:
    """A limit as a person reads it. tone: red, amber, green, grey; words: 剩余 3 个工作日; day: last day in time."""

    tone: str
    words: str
    day: date | None
    day_text: str = ""
    length: str = ""
    basis: Basis | None = None
    provisional: bool = False


def due(clock: Clock | None, today: date | None = None) -> Due:
    """How a limit stands today, in colour and words. None: there is no limit."""
    if clock is None:
        return Due("grey", _("无时限"), None)
    told: dict[str, Any] = {
        "day": clock.due_on,
        "day_text": short_day(clock.due_on),
        "length": length(clock),
        "basis": clock.basis,
        "provisional": clock.provisional,
    }
    if clock.ended_at is not None:
        late = clock.state == ClockState.LAPSED
        return Due("red" if late else "grey", _("超期办结") if late else _("按时办结"), **told)
    if clock.state == ClockState.PAUSED:
        return Due("grey", _("时限暂停"), **told)
    left = clocks.remaining(clock, today)
    if clock.state == ClockState.LAPSED or left < 0:
        return Due("red", _("超期 %(days)s") % {"days": workdays(max(-left, 1))}, **told)
    tone = TONES[clocks.light(clock, today)]
    return Due(tone, _("剩余 %(days)s") % {"days": workdays(left)} if left else _("今日到期"), **told)


def short_day(day: date) -> str:
    """Month and day; with the year where it is another one than today's."""
    return f"{day:%m-%d}" if day.year == time.today().year else f"{day:%Y-%m-%d}"


def moment(at: datetime | None) -> str:
    """Date and minute in the official time zone."""
    return f"{at.astimezone(time.ZONE):%Y-%m-%d %H:%M}" if at else ""


def long_day(day: date) -> str:
    """A date with its weekday: 2026年11月20日 星期五, Friday 20 November 2026."""
    return date_format(day, "Y年n月j日 l" if language() == "zh" else "l j F Y")


register_events(
    {
        "case.opened": _lazy("发起办件"),
        "case.moved": _lazy("办理"),
        "clock.started": _lazy("开始计时"),
        "clock.lapsed": _lazy("时限届满"),
        "clock.extended": _lazy("延长时限"),
        "clock.set": _lazy("设定紧急时限"),
        "clock.recomputed": _lazy("按新日历重算时限"),
        "clocks.recomputed": _lazy("重算全部未办结时限"),
        "calendar.imported": _lazy("导入工作日安排"),
        "evidence.ledger.checked": _lazy("核验账本"),
        "evidence.audit.headed": _lazy("调用日志的树头存入目录链"),
        "sample.step.done": _lazy("装入示范数据"),
    }
)
