"""Finding a unit, an account, a post by what people call it, or saying that there is none."""

from __future__ import annotations

from django.utils.translation import gettext as _

from gongshu.kernel.errors import NotFound

from .models import Account, Post, Unit


def unit_get(code: str) -> Unit:
    """The unit of that code, or NotFound."""
    found = Unit.objects.select_related("parent").filter(code=code).first()
    if found is None:
        raise NotFound(_("没有编码为 %(code)s 的单位。") % {"code": code}, field="unit")
    return found


def account_get(username: str) -> Account:
    """The account of that user name, or NotFound."""
    found = Account.objects.filter(username=username).first()
    if found is None:
        raise NotFound(_("没有账号“%(name)s”。") % {"name": username}, field="account")
    return found


def post_get(number: int) -> Post:
    """The post of that number, or NotFound."""
    found = Post.objects.select_related("unit", "account").filter(pk=number).first()
    if found is None:
        raise NotFound(_("没有编号为 %(number)s 的任职。") % {"number": number}, field="post")
    return found
