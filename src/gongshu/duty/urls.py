"""Addresses of the standing duties of units."""

from django.urls import path

from . import views

app_name = "duty"

urlpatterns = [
    path("units/<str:code>/steward-change", views.steward_change, name="steward_change"),
    path("policy-review", views.policy_review, name="policy_review"),
]
