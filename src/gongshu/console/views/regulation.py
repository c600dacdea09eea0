"""The regulation in force, clause by clause, with what in the platform carries each out."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from gongshu.kernel.errors import NotFound
from gongshu.org.policy import current_pack
from gongshu.packs import clauses, packs

from .. import conformity, wording
from ..sheets import workbook_response
from ..web import console_view, page


@console_view()
def regulation(request: HttpRequest, name: str = "") -> HttpResponseBase:
    """A regulation: articles, clauses, what carries them out; `q` and `kind` narrow, `format=xlsx` exports."""
    known = packs()
    pack = known.get(name) if name else current_pack()
    if pack is None:
        raise NotFound(_("没有名为“%(name)s”的规则包。") % {"name": name})
    articles = conformity.articles(pack)
    if request.GET.get("format") == "xlsx":
        heads = [_("条款编号"), _("条"), _("内容"), _("类别"), _("状态"), _("由平台何处落实"), _("说明")]
        lines = (
            [
                c.id,
                c.row.clause.article,
                c.text,
                c.kind_text,
                c.status_text,
                "；".join(c.carried_texts),
                c.row.note,
            ]
            for a in articles
            for c in a.clauses
        )
        return workbook_response(pack.title, heads, lines)
    query, kind = request.GET.get("q", "").strip()[:100], request.GET.get("kind", "")
    shown = conformity.narrowed(articles, query, kind)
    context = {
        "title": pack.title,
        "pack": pack,
        "number": pack.nodes["source.doc_no"].v,
        "current": pack.id == current_pack().id,
        "others": [p for p in known.values() if p.id != pack.id],
        "articles": shown,
        "zh": wording.language() == "zh",
        "query": query,
        "kind": kind,
        "kinds": [*conformity.KINDS, *conformity.statuses()],
        "totals": conformity.totals(articles),
        "gaps": conformity.gaps(pack),
    }
    return page(request, "console/regulation.html", context)


@console_view()
def named(request: HttpRequest, name: str) -> HttpResponseBase:
    """A clause by its id: its place in its regulation. A pack by its id: its page."""
    if name in packs():
        return redirect("regulation_pack", name)
    if name in clauses() and (pack := wording.pack_of_clause(name)):
        return redirect(reverse("regulation_pack", args=[pack]) + f"#{name}")
    raise NotFound(_("没有编号为“%(name)s”的条款。") % {"name": name})
