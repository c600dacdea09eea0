"""The tree of units, one unit with its posts, and what the system administrator does about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.console.forms import Form, refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.journal import clock
from gongshu.kernel.errors import Refused

from .. import selectors, services
from ..forms import EndForm, PostForm, ProfileForm, RenameForm, UnitForm
from ..lookup import post_get, unit_get
from ..models import Unit
from ..policy import explain, may, may_anywhere
from ..tables import UnitTable
from ..vocabulary import PROFILE, BodyKind
from .tabs import tabs


@console_view("org.view")
def units(request: HttpRequest) -> HttpResponseBase:
    """Every unit in the order of the tree, with the roles it holds and how much it lacks."""
    actor = request.actor  # type: ignore[attr-defined]
    current = Q(posts__starts__lte=clock.today()) & (
        Q(posts__ends__isnull=True) | Q(posts__ends__gte=clock.today())
    )
    rows = selectors.units_visible_to(actor).prefetch_related("body_roles")
    rows = rows.annotate(people=Count("posts__account", filter=current, distinct=True))
    lacking = Counter(gap.unit.pk for gap in selectors.gaps_of_all())
    context = {
        "title": _("单位与人员"),
        "manages": may_anywhere(actor, "org.manage"),
        "lacking": len(lacking),
        **tabs("units"),
    }
    return table_page(request, "org/units.html", UnitTable(rows, request, lacking), context)


@console_view("org.view")
def unit(request: HttpRequest, code: str) -> HttpResponse:
    """One unit: who holds which post now, from when on, and until when; what is missing, on which clause."""
    actor = request.actor  # type: ignore[attr-defined]
    found = unit_get(code)
    groups = (
        (selectors.CURRENT, _("在任")),
        (selectors.FUTURE, _("待任（到期自动生效）")),
        (selectors.PAST, _("已离任")),
    )
    context = {
        "title": str(found),
        "unit": found,
        "bodies": [BodyKind(r.role).label for r in found.body_roles.all()],
        "below": Unit.objects.filter(parent=found, active=True),
        "posts": [(when, label, list(selectors.unit_posts(found, when))) for when, label in groups],
        "gaps": selectors.unit_gaps(found) if not found.children.exists() else [],
        "profile": [(label, found.profile.get(key, "")) for key, label in PROFILE.items()],
        "contact": selectors.support_contact(found),
        "manages": may_anywhere(actor, "org.manage"),
        "files": may(actor, "org.file", found),
        "why_not": explain(actor, "org.manage", found).reason,
        **tabs("units"),
    }
    return page(request, "org/unit.html", context)


def _form_page(
    request: HttpRequest,
    form: Form,
    act: Callable[[dict[str, Any]], Any],
    *,
    title: str,
    verb: str,
    done: str,
    back: tuple[str, ...],
    note: str = "",
) -> HttpResponse:
    """Show a form; on POST do `act` with its data, and go back, or show the refusal at its field."""
    if request.method == "POST" and form.is_valid():
        try:
            act(form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, done)
            return redirect(*back)
    context = {"title": title, "form": form, "verb": verb, "note": note, "back": redirect(*back).url}
    return page(request, "org/form.html", context, status=422 if form.errors else 200)


@console_view("org.manage")
def new(request: HttpRequest) -> HttpResponse:
    """Add a unit."""
    actor = request.actor  # type: ignore[attr-defined]
    return _form_page(
        request,
        UnitForm(request.POST or None, initial={"parent": request.GET.get("parent", "")}),
        lambda given: services.unit_create(actor=actor, **given),
        title=_("新建单位"),
        verb=_("建立"),
        done=_("已建立单位。"),
        back=("org:units",),
    )


@console_view("org.manage")
def rename(request: HttpRequest, code: str) -> HttpResponse:
    """Give a unit another name or another place in the tree."""
    actor = request.actor  # type: ignore[attr-defined]
    found = unit_get(code)
    parent = found.parent.code if found.parent else ""

    def act(given: dict[str, Any]) -> None:
        if (given["name"], given["name_en"]) != (found.name, found.name_en):
            services.unit_rename(actor=actor, unit=code, name=given["name"], name_en=given["name_en"])
        if given["parent"] != parent:
            services.unit_move(actor=actor, unit=code, parent=given["parent"] or None)

    form = RenameForm(
        request.POST or None, initial={"name": found.name, "name_en": found.name_en, "parent": parent}
    )
    return _form_page(
        request,
        form,
        act,
        title=_("名称和隶属：%(unit)s") % {"unit": found},
        verb=_("保存"),
        done=_("已保存。"),
        back=("org:unit", code),
    )


@console_view("org.view")
def profile(request: HttpRequest, code: str) -> HttpResponse:
    """State what a unit's data work rests on; by the unit itself or the system administrator."""
    actor = request.actor  # type: ignore[attr-defined]
    found = unit_get(code)
    return _form_page(
        request,
        ProfileForm(request.POST or None, initial=found.profile),
        lambda given: services.unit_profile(actor=actor, unit=code, profile=given),
        title=_("数据工作信息：%(unit)s") % {"unit": found},
        verb=_("保存"),
        done=_("已保存。"),
        back=("org:unit", code),
    )


@require_POST
@console_view("org.manage")
def close(request: HttpRequest, code: str) -> HttpResponse:
    """Take a unit out of use."""
    found = services.unit_close(actor=request.actor, unit=code)  # type: ignore[attr-defined]
    messages.success(request, _("已撤销单位“%(name)s”。") % {"name": found})
    return redirect("org:units")


@console_view("org.manage")
def post_new(request: HttpRequest, code: str) -> HttpResponse:
    """Put a person into a post of a unit."""
    actor = request.actor  # type: ignore[attr-defined]
    found = unit_get(code)
    form = PostForm(
        request.POST or None, initial={"starts": clock.today(), "kind": request.GET.get("kind", "")}
    )
    return _form_page(
        request,
        form,
        lambda given: services.post_assign(actor=actor, unit=code, **given),
        title=_("办理任职：%(unit)s") % {"unit": found},
        verb=_("任职"),
        done=_("已办理任职。"),
        back=("org:unit", code),
        note=_("三员分立：系统管理员、安全管理员、审计管理员须由三人分别担任，且不得兼任业务岗位。"),
    )


@console_view("org.manage")
def post_end(request: HttpRequest, number: int) -> HttpResponse:
    """End a post."""
    actor = request.actor  # type: ignore[attr-defined]
    post = post_get(number)
    return _form_page(
        request,
        EndForm(request.POST or None, initial={"ends": clock.today()}),
        lambda given: services.post_end(actor=actor, post=number, ends=given["ends"]),
        title=_("办理离任：%(post)s") % {"post": post},
        verb=_("离任"),
        done=_("已办理离任。"),
        back=("org:unit", post.unit.code),
    )
