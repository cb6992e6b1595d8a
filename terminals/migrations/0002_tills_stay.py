"""Tills that refunds point at are never deleted (docs/adr/0021)."""

from django.db import migrations

SQL = """
CREATE TRIGGER terminals_terminal_stays BEFORE DELETE ON terminals_terminal
  FOR EACH ROW EXECUTE FUNCTION merchants_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("terminals", "0001_initial"), ("merchants", "0003_parents_stay")]

    operations = [migrations.RunSQL(SQL, "DROP TRIGGER terminals_terminal_stays ON terminals_terminal;")]
