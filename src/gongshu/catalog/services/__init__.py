"""Everything that changes the catalog. Other domains call these functions and nothing below them."""

from .changes import (
    change_event_register,
    change_submit,
    entry_change_start,
)
from .entries import entry_connect, entry_create, entry_discard, entry_draft, entry_edit, items_edit
from .review import entry_submit
from .sheets import entries_import
from .sources import source_check, source_edit, source_register
from .systems import system_edit, system_register

__all__ = [
    "change_event_register",
    "change_submit",
    "entries_import",
    "entry_change_start",
    "entry_connect",
    "entry_create",
    "entry_discard",
    "entry_draft",
    "entry_edit",
    "entry_submit",
    "items_edit",
    "source_check",
    "source_edit",
    "source_register",
    "system_edit",
    "system_register",
]
