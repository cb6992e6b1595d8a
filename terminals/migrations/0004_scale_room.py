"""Room on a sale's page for its next version: its counters are in no index, so that reserving and paying need touch none of them
(HOT), as long as the new version finds its place on the same page.
"""

from django.db import migrations

TABLES = {"terminals_transaction": 90, "terminals_transactionline": 90}

SQL = "".join(f"ALTER TABLE {table} SET (fillfactor = {percent});\n" for table, percent in TABLES.items())
REVERSE = "".join(f"ALTER TABLE {table} RESET (fillfactor);\n" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [("terminals", "0003_scale_indexes")]

    operations = [migrations.RunSQL(SQL, REVERSE)]
