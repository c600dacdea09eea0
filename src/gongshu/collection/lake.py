"""The lake of this installation."""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from gongshu.catalog.models import Entry
from gongshu.engine.lake import Lake


def lake() -> Lake:
    """The lake: Parquet under GONGSHU_LAKE_PATH, its catalog in schema `lake` of the application's database."""
    held = connection.settings_dict
    parts = {
        "dbname": held["NAME"],
        "user": held["USER"],
        "password": held["PASSWORD"],
        "host": held["HOST"],
        "port": held["PORT"],
    }
    dsn = make_conninfo(**{key: value for key, value in parts.items() if value})
    return Lake(dsn, settings.GONGSHU_LAKE_PATH, "lake")


def table_of(entry: Entry) -> str:
    """Name of an entry's table in the lake. By row id, as codes may hold characters a table name may not."""
    return f"entry_{entry.pk}"
