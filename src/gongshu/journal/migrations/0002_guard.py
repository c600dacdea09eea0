from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent.parent / "guard.sql").read_text(encoding="utf-8")
UNDO = """
DROP TRIGGER journal_event_append_only ON journal_event;
DROP FUNCTION gongshu_append_only();
ALTER TABLE journal_event DROP COLUMN xid;
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
