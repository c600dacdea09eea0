from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent.parent / "guard.sql").read_text(encoding="utf-8")
UNDO = """
DROP TRIGGER evidence_leaf_append_only ON evidence_leaf;
DROP TRIGGER evidence_tile_append_only ON evidence_tile;
DROP TRIGGER evidence_checkpoint_append_only ON evidence_checkpoint;
"""


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial"), ("journal", "0002_guard")]
    operations = [migrations.RunSQL(SQL, UNDO)]
