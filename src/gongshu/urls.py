"""Every address of the console and the API."""

from django.urls import include, path

from gongshu.api.doors import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("", include("gongshu.console.urls")),
]

handler400 = "gongshu.console.errors.bad_request"
handler403 = "gongshu.console.errors.forbidden"
handler404 = "gongshu.console.errors.not_found"
handler500 = "gongshu.console.errors.failed"
