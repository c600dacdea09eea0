"""Addresses of the pages about units and people."""

from django.urls import path

from .views import people, roles, tokens, units

app_name = "org"

urlpatterns = [
    path("", units.units, name="index"),
    path("units/", units.units, name="units"),
    path("units/new", units.new, name="unit_new"),
    path("units/<str:code>/", units.unit, name="unit"),
    path("units/<str:code>/rename", units.rename, name="unit_rename"),
    path("units/<str:code>/profile", units.profile, name="unit_profile"),
    path("units/<str:code>/close", units.close, name="unit_close"),
    path("units/<str:code>/posts/new", units.post_new, name="post_new"),
    path("posts/<int:number>/end", units.post_end, name="post_end"),
    path("people/", people.people, name="people"),
    path("people/new", people.new, name="account_new"),
    path("people/<str:username>/", people.account, name="account"),
    path("people/<str:username>/<str:deed>", people.deed, name="account_deed"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:number>/revoke", tokens.revoke, name="token_revoke"),
    path("permissions/", roles.permissions, name="permissions"),
    path("bodies/", roles.bodies, name="bodies"),
    path("gaps/", roles.gaps, name="gaps"),
]
