from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).resolve().parent.parent / "freeze.sql").read_text(encoding="utf-8")
UNDO = """
DROP TRIGGER catalog_entryversion_frozen ON catalog_entryversion; DROP FUNCTION catalog_version_frozen();
DROP TRIGGER catalog_item_frozen ON catalog_item; DROP FUNCTION catalog_item_frozen();
DROP TRIGGER catalog_entry_code_kept ON catalog_entry; DROP FUNCTION catalog_code_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
