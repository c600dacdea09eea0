"""Addresses of the catalog."""

from django.urls import path

from .views import changes, coverage, editing, entries, imports, sources, systems

app_name = "catalog"

urlpatterns = [
    path("", entries.entries, name="index"),
    path("entries/", entries.entries, name="entries"),
    path("entries/new", editing.new, name="entry_new"),
    path("entries/import", imports.upload, name="import"),
    path("entries/template.xlsx", imports.template, name="template"),
    path("entries/coverage", coverage.coverage, name="coverage"),
    path("entries/<str:code>/", entries.entry, name="entry"),
    path("entries/<str:code>/edit", editing.edit, name="entry_edit"),
    path("entries/<str:code>/discard", editing.discard, name="entry_discard"),
    path("entries/<str:code>/connect", editing.connect, name="entry_connect"),
    path("entries/<str:code>/change", changes.start, name="change_start"),
    path("entries/<str:code>/change/file", changes.file, name="change_file"),
    path("entries/<str:code>/change/event", changes.event, name="change_event"),
    path("systems/", systems.systems, name="systems"),
    path("systems/new", systems.register, name="system_new"),
    path("systems/<str:code>/", systems.system, name="system"),
    path("systems/<str:code>/edit", systems.edit, name="system_edit"),
    path("systems/<str:code>/sources/new", sources.register, name="source_new"),
    path("systems/sources/<str:code>/", sources.source, name="source"),
    path("systems/sources/<str:code>/check", sources.check, name="source_check"),
    path("systems/sources/<str:code>/edit", sources.edit, name="source_edit"),
    path("systems/sources/<str:code>/draft", sources.draft, name="source_draft"),
]
