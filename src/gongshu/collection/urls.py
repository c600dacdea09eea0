"""Addresses of collection."""

from django.urls import path

from . import views

app_name = "collection"

urlpatterns = [
    path("", views.index, name="index"),
    path("batches/", views.batches, name="batches"),
    path("batches/<str:number>/", views.batch, name="batch"),
    path("batches/<str:number>/live", views.live, name="batch_live"),
    path("batches/<str:number>/cancel", views.cancel, name="batch_cancel"),
    path("batches/<str:number>/retry", views.retry, name="batch_retry"),
    path("entries/<str:code>/start", views.start, name="start"),
    path("entries/<str:code>/plan", views.plan, name="plan"),
    path("entries/<str:code>/change", views.change, name="change"),
]
