from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent.parent / "access.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("org", "0001_initial")]
    operations = [migrations.RunSQL(SQL, "DROP VIEW org_access; DROP FUNCTION gongshu_today();")]
