"""Error pages in the house's look and both languages. They need no database."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

log = logging.getLogger(__name__)


def _error(request: HttpRequest, status: int, heading: str, text: str, number: str = "") -> HttpResponse:
    context = {"status": status, "heading": heading, "text": text, "number": number}
    return render(request, "console/error.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: a request no page of ours makes."""
    return _error(request, 400, _("请求不正确"), _("请求的内容无法识别，请返回后重试。"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 from outside our own services."""
    return _error(request, 403, _("没有权限"), _("您不能访问这个页面。在“权限说明”里可以看到需要什么岗位。"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _error(request, 404, _("没有这个页面"), _("地址可能输错了，或者内容已经移走。"))


def failed(request: HttpRequest) -> HttpResponse:
    """500: logged with a number that the person can quote."""
    number = str(uuid.uuid4())
    log.error("unforeseen error %s at %s %s", number, request.method, request.path)
    return _error(
        request,
        500,
        _("系统出错了"),
        _("没有保存任何更改。请稍后再试；仍不行时，把下面的编号告知系统管理员。"),
        number,
    )


def csrf_failed(request: HttpRequest, reason: str = "", **_given: Any) -> HttpResponse:
    """403: the form was too old, or did not come from a page of ours."""
    return _error(
        request,
        403,
        _("页面已过期"),
        _("为防止他人冒用您的身份，这次提交没有受理。请返回上一页，刷新后重新提交。"),
    )
