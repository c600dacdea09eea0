"""Addresses of governance."""

from django.urls import path

from . import views

app_name = "governance"

urlpatterns = [
    path("", views.index, name="index"),
    path("issues/", views.issues, name="issues"),
    path("runs/<str:batch>/", views.run, name="run"),
    path("entries/<str:code>/rules", views.rules, name="rules"),
    path("entries/<str:code>/rules/new", views.rule_new, name="rule_new"),
    path("entries/<str:code>/rules/<int:pk>", views.rule_edit, name="rule"),
    path("entries/<str:code>/report", views.report, name="report"),
]
