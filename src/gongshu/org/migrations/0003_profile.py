from pathlib import Path

from django.db import migrations, models

ACCESS = (Path(__file__).parent.parent / "access.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("org", "0002_access")]
    operations = [
        migrations.AddField("unit", "profile", models.JSONField(default=dict)),
        migrations.RunSQL(ACCESS, migrations.RunSQL.noop),
    ]
