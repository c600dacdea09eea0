"""Addresses of the console: its own pages, and those of every domain that has some."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from .views import audit, cases, notices, regulation, why, workbench

urlpatterns: list[URLPattern | URLResolver] = [
    path("", workbench.workbench, name="workbench"),
    path("cases/", cases.cases, name="cases"),
    path("cases/<str:number>/", cases.case_page, name="case"),
    path("cases/<str:number>/process", workbench.process, name="case_process"),
    path("cases/<str:number>/moves/<str:move>", cases.case_move, name="case_move"),
    path("events/<str:event>/receipt", audit.receipt, name="event_receipt"),
    path("notices/", notices.notices, name="notices"),
    path("notices/seen", notices.seen, name="notices_seen"),
    path("regulation/", regulation.regulation, name="regulation"),
    path("regulation/<str:name>", regulation.named, name="regulation_named"),
    path("regulation/<str:name>/", regulation.regulation, name="regulation_pack"),
    path("audit/", audit.audit, name="audit"),
    path("audit/verify", audit.verify, name="audit_verify"),
    path("why/", why.why, name="why"),
    path("accounts/", include("gongshu.console.accounts")),
    path("language/", set_language, name="set_language"),
]

DOMAINS = ("org", "duty", "catalog", "collection", "governance", "sharing")
for _app in DOMAINS:
    if find_spec(f"gongshu.{_app}.urls"):
        urlpatterns.append(path(f"{_app}/", include(f"gongshu.{_app}.urls")))
