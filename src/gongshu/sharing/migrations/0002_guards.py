"""What the database itself refuses: a refusal without a ground of an accepted rank; numbers of grants."""

from django.db import migrations

# ZY-24.4, PJ-30.2a, PT-21.2a, CM-16.2b: no refusal without a legal ground. `accepted_ranks` is the pack's list as it
# stood when the request was made.
REFUSAL = """
ALTER TABLE sharing_sharerequest ADD CONSTRAINT share_refusal_has_basis CHECK (
    NOT refused OR (
        accepted_ranks ? COALESCE(refusal->>'rank', '')
        AND COALESCE(refusal->>'document', '') <> ''
        AND COALESCE(refusal->>'article', '') <> ''))
"""


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_initial")]
    operations = [
        migrations.RunSQL(REFUSAL, "ALTER TABLE sharing_sharerequest DROP CONSTRAINT share_refusal_has_basis"),
        migrations.RunSQL("CREATE SEQUENCE sharing_grant_number", "DROP SEQUENCE sharing_grant_number"),
    ]
