"""What no code can pass: tills that refunds point at stay. And room on the pages of sales."""

from django.db import migrations

# Docs/adr/0021; the function is merchants'.
TILLS_STAY = """
CREATE TRIGGER terminals_terminal_stays BEFORE DELETE ON terminals_terminal
  FOR EACH ROW EXECUTE FUNCTION merchants_stays();
"""

# Room on a sale's page for its next version: its counters are in no index, so that reserving and paying need touch none of them
# (HOT), as long as the new version finds its place on the same page.
ROOM = """
ALTER TABLE terminals_transaction SET (fillfactor = 90);
ALTER TABLE terminals_transactionline SET (fillfactor = 90);
"""


class Migration(migrations.Migration):
    dependencies = [("terminals", "0001_initial"), ("merchants", "0002_walls")]

    operations = [migrations.RunSQL(sql) for sql in (TILLS_STAY, ROOM)]
