"""The wall around sales is no reason to look for them by their merchant."""

from django.db import migrations

_ALTER = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_policies
              WHERE schemaname = 'public' AND policyname = 'one_merchant' AND tablename = 'terminals_transaction') THEN
    ALTER POLICY one_merchant ON terminals_transaction
      USING (CASE WHEN merchant_id = current_setting('app.merchant_id')::bigint THEN true ELSE false END);
  END IF;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0098_measured"),
        ("terminals", "0140_joined_date"),
        ("core", "0025_wall_without_subquery"),
    ]
    operations = [migrations.RunSQL(_ALTER, migrations.RunSQL.noop)]
