"""Every address of the console and the API."""

from django.urls import include, path

from gongshu.api.doors import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("gongshu.console.urls")),
]
