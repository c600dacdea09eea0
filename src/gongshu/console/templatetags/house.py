"""Template tags of the house: built in, so templates need not load them."""

from __future__ import annotations

import functools
import json
from typing import Any

from django import forms, template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from gongshu import __version__
from gongshu.console import wording
from gongshu.kernel.clause import Basis

register = template.Library()
_SPRITE = "console/vendor/tabler/icons.svg"


@register.simple_tag
def asset(path: str) -> str:
    """Address of a static file, changing with the version so that no browser keeps an old one."""
    return f"{static(path)}?v={__version__}"


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite; decoration, unless a label is given."""
    if label:
        href = f"{static(_SPRITE)}#{name}"
        return format_html(
            '<svg class="gs-icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href
        )
    return _decoration(name)


@functools.cache
def _decoration(name: str) -> SafeString:
    href = f"{static(_SPRITE)}#{name}"
    return format_html('<svg class="gs-icon" aria-hidden="true"><use href="{}"/></svg>', href)


@register.simple_block_tag
def panel(
    content: SafeString,
    title: str = "",
    *,
    id: str = "",
    flush: bool = False,
    href: str = "",
    link: str = "",
    note: str = "",
) -> SafeString:
    """A white card with a heading. flush: the content reaches the edges (tables, lists); href and link: a link at the
    right of the heading; note: quiet text beside the title."""
    return SafeString(
        render_to_string(
            "console/panel.html",
            {
                "content": content,
                "title": title,
                "id": id,
                "flush": flush,
                "href": href,
                "link": link,
                "note": note,
            },
        )
    )


@register.simple_tag
def badge(text: Any, tone: str = "grey") -> SafeString:
    """A small label: green, amber, red, blue or grey. The text carries the meaning, the colour only repeats it."""
    return format_html('<span class="gs-badge gs-badge-{}">{}</span>', tone, text)


@register.simple_tag
def light(tone: str) -> SafeString:
    """A round light; always beside words that say the same."""
    return format_html('<span class="gs-light gs-light-{}" aria-hidden="true"></span>', tone)


@register.simple_tag
def due(clock: Any) -> SafeString:
    """A time limit: light, words, date, clause."""
    return SafeString(render_to_string("console/due.html", {"due": wording.due(clock)}))


@register.simple_tag
def due_words(told: wording.Due) -> SafeString:
    """A time limit in a table: light and words only."""
    return format_html(
        '<span class="gs-due gs-due-{}"><span class="gs-light gs-light-{}" aria-hidden="true"></span>'
        '<span class="gs-due-words">{}</span></span>',
        told.tone,
        told.tone,
        told.words,
    )


@register.filter
def due_of(clock: Any) -> wording.Due:
    """A time limit as an object with tone, words, day_text, length, basis, provisional."""
    return wording.due(clock)


@register.simple_tag
def basis(obj: Any) -> SafeString:
    """The clauses behind something as links to the regulation, or the sentence that the local text is silent.

    obj: a Basis, anything with `.basis`, or a list of clause ids.
    """
    found = obj if isinstance(obj, Basis) else getattr(obj, "basis", None)
    if found is None and isinstance(obj, list | tuple):
        found = Basis(tuple(obj))
    if found is None:
        return mark_safe("")
    if not found.clauses:
        text = wording.silence(found.source) if found.gap else ""
        return format_html('<span class="gs-basis gs-basis-gap">{}</span>', text) if text else mark_safe("")
    cited: dict[str, str] = {}
    for clause in found.clauses:
        cited.setdefault(wording.article(clause), clause)
    links = format_html_join(
        "、" if wording.language() == "zh" else ", ",
        '<a href="/regulation/{}" title="{}">{}</a>',
        ((clause, f"{clause} {wording.clause_text(clause)}", label) for label, clause in cited.items()),
    )
    return format_html('<span class="gs-basis">{}</span>', links)


@register.filter
def basis_text(obj: Any) -> str:
    """The clauses behind something as plain text."""
    return wording.basis_text(obj if isinstance(obj, Basis) else getattr(obj, "basis", None))


@register.filter
def article(clause: str) -> str:
    """How a clause is cited."""
    return wording.article(clause)


@register.filter
def role(name: str) -> str:
    """A body or party role in words."""
    return wording.role(name)


@register.simple_tag
def fields(form: forms.BaseForm) -> SafeString:
    """All fields of a form, with what is wrong on top and at each field."""
    return SafeString(render_to_string("console/form.html", {"form": form}))


@register.simple_tag
def field(bound: forms.BoundField) -> SafeString:
    """One field: label, clause, input, help, errors."""
    form = bound.form
    if isinstance(bound.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        bound.field.widget.template_name = "console/widgets/choices.html"
        bound.field.widget.option_template_name = "django/forms/widgets/input.html"
    kind = getattr(bound.field.widget, "input_type", "") or bound.field.widget.__class__.__name__.lower()
    grouped = isinstance(
        bound.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple | forms.MultiWidget
    )
    classes = _input_classes(bound.field.widget) + (" is-invalid" if bound.errors else "")
    attrs: dict[str, str | bool] = (
        {"class": classes}
        if classes.strip() and not isinstance(bound.field.widget, forms.MultiWidget)
        else {}
    )
    if str(bound.field.widget.attrs.get("placeholder", "")) == str(bound.label):
        bound.field.widget.attrs.pop("placeholder")  # it would only say the label again
    described = [f"{bound.auto_id}_help"] if bound.help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}_error")
        attrs["aria-invalid"] = "true"
    if described and not grouped:
        attrs["aria-describedby"] = " ".join(described)
    context = {
        "field": bound,
        "input": bound.as_widget(attrs=attrs),
        "check": kind == "checkbox",
        "grouped": grouped,
        "basis": getattr(form, "field_basis", getattr(form, "basis", {})).get(bound.name),
        "error_basis": getattr(form, "error_bases", {}).get(bound.name, getattr(form, "error_basis", None)),
        "required": bound.field.required or getattr(bound.field, "asked", False),
    }
    return SafeString(render_to_string("console/field.html", context))


def _input_classes(widget: forms.Widget) -> str:
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple | forms.CheckboxInput):
        return "form-check-input"
    if isinstance(widget, forms.Select):
        return "form-select"
    return "" if isinstance(widget, forms.MultiWidget) else "form-control"


@register.simple_tag
def empty(text: str, hint: str = "", href: str = "", link: str = "") -> SafeString:
    """What a list without rows says, and what to do about it."""
    context = {"text": text, "hint": hint, "href": href, "link": link}
    return SafeString(render_to_string("console/empty.html", context))


@register.simple_tag
def timeline(events: Any) -> SafeString:
    """Events as a list of who did what when on which clause."""
    from gongshu.console.timeline import steps_of

    return SafeString(render_to_string("console/timeline.html", {"steps": steps_of(events)}))


@register.simple_tag(takes_context=True)
def moves(context: template.Context, case: Any, actor: Any, back: str = "") -> SafeString:
    """The moves of a case with their forms, posting to the case page; back: where to return to afterwards."""
    from gongshu.console.moves import offers

    request: HttpRequest | None = context.get("request")
    given = {"case": case, "offers": offers(actor, case), "back": back}
    return SafeString(render_to_string("console/moves.html", given, request=request))


@register.simple_tag
def table(table: Any) -> SafeString:
    """A table with its search, filters, pages and export."""
    return SafeString(render_to_string("console/table.html", {"table": table}))


@register.simple_tag
def chart(drawn: Any) -> SafeString:
    """A chart made by `gongshu.console.charts`."""
    return SafeString(render_to_string("console/chart.html", {"chart": drawn}))


@register.filter
def figure(value: Any) -> str:
    """A number with thousands separated."""
    return f"{value:,}" if isinstance(value, int) else str(value)


@register.filter
def yes_no(value: Any) -> str:
    """是 or 否."""
    return _("是") if value else _("否")


@register.simple_tag
def sample_accounts() -> Any:
    """Accounts of a sample installation with their posts, for the sign-in page."""
    from gongshu.console import second_factor

    people = second_factor.sample_people()
    if not people:
        return None
    for each in people:
        each["fill"] = json.dumps(
            [["id_login", each["username"]], ["id_password", second_factor.SAMPLE_PASSWORD]]
        )
    return {"password": second_factor.SAMPLE_PASSWORD, "people": people}


@register.simple_tag
def sample_code(user: Any) -> Any:
    """The present one-time code of a sample account; None where it has a secret of its own."""
    from gongshu.console import second_factor

    told = second_factor.sample_code(user)
    return told and {**told, "fill": json.dumps([["id_code", told["code"]]])}


@register.simple_tag(takes_context=True)
def draw(context: template.Context, name: str, given: dict[str, Any]) -> SafeString:
    """A panel that a domain has added to this page."""
    shared = {"shell": context.get("shell"), "actor": context.get("actor")}
    return SafeString(render_to_string(name, {**shared, **given}, request=context.get("request")))
