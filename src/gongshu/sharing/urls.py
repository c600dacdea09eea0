"""Addresses of sharing."""

from django.urls import path

from .views import clients, grants, requests

app_name = "sharing"

urlpatterns = [
    path("", requests.requests, name="index"),
    path("requests/", requests.requests, name="requests"),
    path("requests/<str:number>/amend", requests.amend, name="amend"),
    path("entries/<str:code>/request", requests.new, name="request_new"),
    path("grants/", grants.grants, name="grants"),
    path("grants/<str:number>/", grants.grant, name="grant"),
    path("grants/<str:number>/<str:verb>", grants.change, name="grant_change"),
    path("clients/", clients.clients, name="clients"),
    path("clients/<str:client_id>/", clients.client, name="client"),
    path("clients/<str:client_id>/<str:verb>", clients.change, name="client_change"),
]
